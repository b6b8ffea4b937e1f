"""Words about numbers that may be one person, merges, and taking them apart."""

from collections.abc import Mapping

from yvaxportal.forms.import_labels import LIKENESS
from yvaxportal.services.doubles.plan import Fate, Side
from yvaxportal.values.text import _

#: In what two people agree or not.
WHY: Mapping[str, str] = {
    **LIKENESS,
    "birth_partly": _("birth dates agree in what is known"),
    "birth_contradicts": _("birth dates contradict each other"),
    "other_name_same": _("another name (former name, alias, alphabet) is equal"),
    "names_differ": _("names differ"),
    "phone_same": _("telephone equal"),
    "nearly_and_nothing_else": _("birth dates differ, and neither address nor telephone is equal"),
    "household_same": _("same household"),
    "lives_elsewhere": _("both are residents, in different households and at different addresses"),
    "moved_out_and_in": _("one moved out before the other moved in"),
    "one_outside_register": _("one is not in the resident register"),
    "one_died": _("one died, the other is a resident"),
}
#: What speaks against one person.
AGAINST = frozenset(
    {
        "birth_contradicts",
        "given_name_differs",
        "names_differ",
        "sex_differs",
        "lives_elsewhere",
        "nearly_and_nothing_else",
        "one_died",
    }
)
REFUSALS: Mapping[str, str] = {
    "reason": _("Give a reason of up to 500 characters, without a personal number."),
    "changed": _("Somebody decided about this pair in the meantime. Look at it as it stands now."),
    "state": _("This cannot be done with the pair as it stands now."),
    "followed": _(
        "The other system tells the portal of merges by itself. Tell its staff; the merge comes from there."
    ),
    "future": _("The day of the decision lies in the future."),
    "otherwise": _("One of the numbers was merged otherwise before. Take that merge apart first."),
    "together": _("The two numbers are merged already."),
}
DECIDED_BY = _("${who} was first, ${when}.")
APART_REFUSALS: Mapping[str, str] = {
    "reason": _("Give a reason of up to 500 characters, without a personal number."),
    "unknown": _("There is no such merge."),
    "undone": _("The merge was taken apart already. Nothing was done a second time."),
    "later": _("A later merge stands on this one. Take that one apart first."),
    "changed": _(
        "Something was recorded since this page was shown. Look at what would happen now, then confirm again."
    ),
    "unassigned": _("Say of every dose recorded since the merge whose it is."),
}
FATES: Mapping[Fate, tuple[str, str]] = {
    Fate.RETURNS: (_("Goes back"), "ok"),
    Fate.RETURNS_CORRECTED: (_("Goes back with what was corrected since"), "info"),
    Fate.CANCELLED_SINCE: (_("Was cancelled since: stays cancelled"), "neutral"),
    Fate.BOTH: (_("Both had it: stands with both again"), "ok"),
    Fate.BOTH_CHANGED: (
        _("Both had it, and it was changed since: goes back as it was before the merge"),
        "doubtful",
    ),
    Fate.THERE_AGAIN: (_("Was recorded there again: nothing to do"), "neutral"),
}
SIDES: Mapping[Side, str] = {
    Side.KEPT: _("Stays with ${number}"),
    Side.RETURNING: _("Goes to ${number}"),
}
NOTES: Mapping[str, str] = {
    "back": _("The remarks go back to ${number}."),
    "changed": _("The remarks go back to ${number} as they are now; they were changed since the merge."),
}
#: What of a dose can differ between doubles. Others are shown by their code.
DOSE_ITEMS: Mapping[str, str] = {
    "dose_category": _("Dose category"),
    "delivery_category": _("Delivery category"),
    "medical_institution_id": _("Medical institution"),
    "medical_institution_name": _("Medical institution"),
    "physician": _("Physician"),
    "lot_number": _("Lot number"),
    "fee": _("Fee"),
    "remarks": _("Special remarks"),
    "pneumococcal_type": _("Pneumococcal type"),
    "ineligibility_judgement": _("Ineligibility judgement"),
    "municipality_code": _("Municipality code"),
    "ticket_number": _("Ticket number"),
    "vaccination_status": _("Vaccination status"),
    "manufacturer": _("Manufacturer"),
    "vaccine_kind": _("Vaccine kind"),
    "product_name": _("Product name"),
}
MOVED: Mapping[str, str] = {
    "ticket": _("Tickets"),
    "certificate": _("Certificates"),
    "eligibility": _("Insurance, tax and welfare"),
    "special_circumstance": _("Special circumstances"),
    "support_measure": _("Support measures"),
}
