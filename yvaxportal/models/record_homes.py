"""The tables, forms and pages that record items share; ``record_items`` says which item lives where."""

from dataclasses import dataclass, replace
from enum import StrEnum

from yvaxportal.models.codes import EligibilityKind, RecordGroup


class Sensitivity(StrEnum):
    """How carefully an item is handled when it is shown, and when it leaves the portal."""

    PLAIN = "plain"
    CONTACT = "contact"  # where a person is reached: withheld under a support measure
    PROTECTED = "protected"  # that a support measure stands
    FOREIGN = "foreign"
    PASSPORT = "passport"
    VAULT = "vault"


@dataclass(frozen=True, slots=True)
class Home:
    """What the items of one table have in common.

    ``form`` is a schema class and ``node`` a class of the resource tree, both ``module:Class``; ``view`` is
    the name of the page at that node and ``permission`` what it asks for. Of ``table`` only rows with the
    values ``only`` belong to the item.
    """

    table: str
    form: str
    node: str
    view: str
    permission: str
    sensitivity: Sensitivity = Sensitivity.PLAIN
    only: tuple[tuple[str, str], ...] = ()


_FORMS = "yvaxportal.forms.details"
_TREE = "yvaxportal.resources"

REGISTER = Home(
    "resident",
    f"{_FORMS}.person:PersonSchema",
    f"{_TREE}:Resident",
    "register-items",
    "resident:view",
)
NUMBERED = replace(REGISTER, form=f"{_FORMS}.person:NewPersonSchema")
MEASURE = replace(
    REGISTER,
    form=f"{_FORMS}.support_measure:SupportMeasureSchema",
    sensitivity=Sensitivity.PROTECTED,
)
CONTACT = Home(
    "resident_contact",
    f"{_FORMS}.contact:ContactSchema",
    f"{_TREE}:Contact",
    "",
    "contact:view",
    Sensitivity.CONTACT,
)
FOREIGN = Home(
    "foreign_resident",
    f"{_FORMS}.foreign:ForeignDetailsSchema",
    f"{_TREE}:ForeignDetails",
    "",
    "foreign:view",
    Sensitivity.FOREIGN,
)
NOTES = Home("resident_note", f"{_FORMS}.notes:NoteSchema", f"{_TREE}:Notes", "", "note:view")
VAULT = Home(
    "vault_entry",
    "yvaxportal.forms.personal_number:EnterNumberSchema",
    f"{_TREE}:PersonalNumber",
    "",
    "personal-number:read",
    Sensitivity.VAULT,
)
_ELIGIBILITY = Home(
    "eligibility",
    f"{_FORMS}.eligibility:EligibilityPeriodSchema",
    f"{_TREE}:EligibilityNode",
    "",
    "eligibility:view",
)
CERTIFICATE = Home(
    "certificate",
    f"{_FORMS}.certificates:CertificateSchema",
    f"{_TREE}:Certificates",
    "",
    "certificate:view",
)
PASSPORT = replace(CERTIFICATE, table="passport_details", sensitivity=Sensitivity.PASSPORT)


def dose_home(group: RecordGroup) -> Home:
    """Return the home of the doses of one record group."""
    return Home(
        "dose",
        "yvaxportal.forms.dose:DoseSchema",
        f"{_TREE}:DoseNode",
        "",
        "dose:view",
        only=(("record_group", group.value),),
    )


def state_home(kind: EligibilityKind) -> Home:
    """Return the home of one kind of eligibility."""
    return replace(_ELIGIBILITY, only=(("kind", kind.value),))
