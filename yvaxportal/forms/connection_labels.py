"""Words for the connections to other systems, and why something that they sent was refused."""

from translationstring import TranslationString

from yvaxportal.adapters.messages.common import HealthState
from yvaxportal.services.sync.judging import Reason
from yvaxportal.values.text import _

SYSTEMS: dict[str, TranslationString] = {
    "resident_register": _("Resident register"),
    "atena": _("Integrated atena system"),
    "chukan": _("Intermediate server"),
    "vrs": _("Vaccination record system (VRS)"),
    "tax": _("Tax"),
    "welfare": _("Insurance and welfare"),
}
IMPLEMENTATIONS: dict[str, TranslationString] = {
    "local": _("none: the portal's own tables"),
    "files": _("files in a folder"),
    "rest": _("direct connection"),
}
HEALTH: dict[HealthState, TranslationString] = {
    HealthState.UP: _("answers"),
    HealthState.DEGRADED: _("failed the last time"),
    HealthState.DOWN: _("does not answer"),
    HealthState.UNKNOWN: _("not asked yet"),
}
#: Kinds of failures, by the class of the error.
FAILURES: dict[str, TranslationString] = {
    "Unavailable": _("No answer"),
    "TimedOut": _("No answer in time"),
    "CircuitOpen": _("Left alone for a while after many failures"),
    "BadAnswer": _("An answer that cannot be used"),
    "Unauthorised": _("Access was not granted"),
    "Refused": _("The other side refused"),
}
LEFT_ALONE = FAILURES["CircuitOpen"]
OTHER_FAILURE = _("Failed")
_ASK_REGISTER = _("Ask the register's staff to correct it; the correction comes by itself.")
_LOOK = _("Look at both records and correct what is wrong.")
#: Cause and remedy of each reason.
REASONS: dict[str, tuple[TranslationString, TranslationString]] = {
    Reason.WRONG_MUNICIPALITY: (_("A person of another municipality came."), _ASK_REGISTER),
    Reason.BAD_ATENA_NUMBER: (_("The atena number cannot be one."), _ASK_REGISTER),
    Reason.NO_NAME: (_("The person came without a name."), _ASK_REGISTER),
    Reason.BAD_BIRTH_DATE: (_("The birth date cannot be read."), _ASK_REGISTER),
    Reason.BORN_IN_THE_FUTURE: (_("The birth date lies in the future."), _ASK_REGISTER),
    Reason.FROM_THE_FUTURE: (
        _("The register's moment lies in the future."),
        _("Compare the clocks of both systems."),
    ),
    Reason.OUTDATED: (
        _("A newer state of this person is here already."),
        _("Nothing to do unless the person's page is wrong."),
    ),
    Reason.PERSONAL_NUMBER_IN_TEXT: (
        _("A personal number stood in a field for something else. It was not kept."),
        _ASK_REGISTER,
    ),
    Reason.BAD_PERSONAL_NUMBER: (
        _("The check digit of the personal number is wrong. It was not kept."),
        _ASK_REGISTER,
    ),
    Reason.PERSONAL_NUMBER_TAKEN: (
        _("The personal number is registered for another resident. It was not kept."),
        _("They may be one person with two numbers: ask the register's staff."),
    ),
    Reason.BUSINESS_NUMBER_TAKEN: (
        _("Somebody has this number as their business addressee number."),
        _LOOK,
    ),
    Reason.OTHER_UNKNOWN: (_("Two numbers were merged, and the one that remains is unknown here."), _LOOK),
    Reason.MERGED_OTHERWISE: (
        _("Two numbers were merged otherwise than before."),
        _("Take the earlier merge apart, then record what the register decided."),
    ),
    Reason.HAS_RECORDS: (
        _("The register took a person back who has doses, tickets or certificates here."),
        _LOOK,
    ),
    Reason.SPLIT_TO_DECIDE: (
        _("One number turned out to be two people. The doses stand with the old number."),
        _("Take the merge apart where there was one; else decide which doses belong to the new number."),
    ),
    Reason.NOT_IN_REGISTER: (
        _("A resident here is not in the register's full list."),
        _("Find out whether they moved out; nothing was changed."),
    ),
    Reason.UNREADABLE: (
        _("A record could not be read. The others were taken over."),
        _("Tell whoever runs the other system which record it is."),
    ),
    Reason.BAD_ANSWER: (
        _("An answer could not be used. Nothing of it was taken over."),
        _("Tell whoever runs the other system. It is asked again by itself."),
    ),
}
UNLISTED = (_("It was not taken over."), _LOOK)
