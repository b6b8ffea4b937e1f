"""The row of links to the parts of a resident that the reader may open."""

from collections.abc import Sequence
from dataclasses import dataclass

from yvaxportal.request import PortalRequest
from yvaxportal.resources import Resident
from yvaxportal.security.permissions import Permission
from yvaxportal.values.text import _

PARTS = (
    ("contact", _("Address and contact"), Permission.CONTACT_VIEW),
    ("eligibility", _("Insurance, tax and welfare"), Permission.ELIGIBILITY_VIEW),
    ("foreign", _("Foreign resident"), Permission.FOREIGN_VIEW),
    ("notes", _("Remarks"), Permission.NOTE_VIEW),
    ("circumstances", _("Special circumstances"), Permission.CIRCUMSTANCE_VIEW),
    ("tickets", _("Tickets"), Permission.TICKET_VIEW),
    ("extractions", _("Lists and invitations"), Permission.EXTRACTION_VIEW),
    ("certificates", _("Certificates"), Permission.CERTIFICATE_VIEW),
    ("personal-number", _("Personal number"), Permission.PERSONAL_NUMBER_READ),
    ("access-log", _("Who looked"), Permission.ACCESS_LOG_VIEW),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One link of the row."""

    label: str
    url: str
    active: bool


def parts_of(request: PortalRequest, resident: Resident, current: str = "") -> Sequence[Part]:
    """Return the links for one resident; ``current`` is the key of the page they stand on."""
    base = request.resource_path(resident)
    say = request.localizer.translate
    parts = []
    if request.has_permission(Permission.RESIDENT_VIEW, resident):
        parts.append(Part(say(_("Overview")), base, current == ""))
        parts.append(Part(say(_("Register items")), f"{base}register-items", current == "register-items"))
    for key, label, permission in PARTS:
        if key == "foreign" and not resident.resident.is_foreign_national:
            continue
        if request.has_permission(permission, resident[key]):
            parts.append(Part(say(label), f"{base}{key}/", current == key))
    return parts
