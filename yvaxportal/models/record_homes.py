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
class Page:
    """A page: a class of the resource tree as ``module:Class``, the view's name there, what it asks for."""

    node: str
    view: str
    permission: str


@dataclass(frozen=True, slots=True)
class Home:
    """What the items of one table have in common.

    ``form`` is the schema by which staff enter or correct them (``module:name`` of its class or of the
    function that makes it), ``entry`` the page it is on and ``seen`` the page that shows the stored values.
    Of ``table`` only rows with the values ``only`` belong to the item.
    """

    table: str
    form: str
    entry: Page
    seen: Page
    sensitivity: Sensitivity = Sensitivity.PLAIN
    only: tuple[tuple[str, str], ...] = ()


_FORMS = "yvaxportal.forms.details"


def _page(node: str, view: str, permission: str) -> Page:
    return Page(f"yvaxportal.resources:{node}", view, permission)


#: Items of the resident's own row. For a registered person they come from the resident register only.
REGISTER = Home(
    "resident",
    f"{_FORMS}.person:PersonSchema",
    entry=_page("Resident", "edit-register-items", "resident:edit"),
    seen=_page("Resident", "register-items", "resident:view"),
)
#: The atena number, which never changes once it was given.
NUMBERED = replace(
    REGISTER,
    form=f"{_FORMS}.person:NewPersonSchema",
    entry=_page("Residents", "new-person", "resident:edit"),
)
#: The flag stands while a support measure does: it is set by starting one.
MEASURE = replace(
    REGISTER,
    form=f"{_FORMS}.support_measure:SupportMeasureSchema",
    entry=_page("Contact", "support-measure", "support-measure:edit"),
    sensitivity=Sensitivity.PROTECTED,
)
CONTACT = Home(
    "resident_contact",
    f"{_FORMS}.contact:ContactSchema",
    entry=_page("Contact", "edit", "contact:edit"),
    seen=_page("Contact", "", "contact:view"),
    sensitivity=Sensitivity.CONTACT,
)
FOREIGN = Home(
    "foreign_resident",
    f"{_FORMS}.foreign:ForeignDetailsSchema",
    entry=_page("ForeignDetails", "edit", "foreign:edit"),
    seen=_page("ForeignDetails", "", "foreign:view"),
    sensitivity=Sensitivity.FOREIGN,
)
NOTES = Home(
    "resident_note",
    f"{_FORMS}.notes:NoteSchema",
    entry=_page("Notes", "edit", "note:edit"),
    seen=_page("Notes", "", "note:view"),
)
VAULT = Home(
    "vault_entry",
    "yvaxportal.forms.personal_number:enter_schema",
    entry=_page("PersonalNumber", "enter", "personal-number:enter"),
    seen=_page("PersonalNumber", "", "personal-number:read"),
    sensitivity=Sensitivity.VAULT,
)
CERTIFICATE = Home(
    "certificate",
    f"{_FORMS}.certificates:CertificateSchema",
    entry=_page("Certificates", "record", "certificate:edit"),
    seen=_page("Certificates", "", "certificate:view"),
)
PASSPORT = replace(CERTIFICATE, table="passport_details", sensitivity=Sensitivity.PASSPORT)


def dose_home(group: RecordGroup) -> Home:
    """Return the home of the doses of one record group."""
    return Home(
        "dose",
        "yvaxportal.forms.dose:DoseSchema",
        entry=_page("Doses", "new", "dose:record"),
        seen=_page("DoseNode", "", "dose:view"),
        only=(("record_group", group.value),),
    )


def state_home(kind: EligibilityKind) -> Home:
    """Return the home of one kind of eligibility."""
    return Home(
        "eligibility",
        f"{_FORMS}.eligibility:EligibilityPeriodSchema",
        entry=_page("EligibilityNode", "add", "eligibility:edit"),
        seen=_page("EligibilityNode", "", "eligibility:view"),
        only=(("kind", kind.value),),
    )
