"""Words for what waits for another system, and why one refused."""

from translationstring import TranslationString

from yvaxportal.values.text import _

DEEDS: dict[str, TranslationString] = {
    "enter_person": _("Assigning an atena number"),
    "keep_name": _("Telling a changed name or address"),
}
_REFUSALS: dict[str, TranslationString] = {
    "contradiction": _("The atena system knows this personal number with another birth date."),
    "atena_number_taken": _("The number that the atena system gave belongs to another person here."),
    "business_atena_number_taken": _("The business atena number belongs to another person by now."),
    "not_found": _("The atena system does not know this number."),
    "gone": _("The person is not here any more."),
}
_OTHERWISE = _("The atena system refused. Check what was entered.")


def refusal(code: str) -> TranslationString:
    """Return why something was refused, in words."""
    return _REFUSALS.get(code, _OTHERWISE)
