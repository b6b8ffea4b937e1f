"""What the resident's page offers right after a dose was saved: take it back, go on with the same visit."""

from dataclasses import dataclass

from yvaxportal.request import PortalRequest
from yvaxportal.resources import Resident
from yvaxportal.security.permissions import Permission
from yvaxportal.services.dose_history import dose_of
from yvaxportal.views.doses.memory import take_just_saved
from yvaxportal.views.doses.words import DoseWords


@dataclass(frozen=True, slots=True)
class AfterSave:
    """The dose that was just saved and what may follow. ``undo_url`` is posted to; None without the right."""

    title: str
    dose_url: str
    undo_url: str | None
    next_url: str


def after_save(request: PortalRequest, resident: Resident) -> AfterSave | None:
    """Return what to offer on this resident's page, once; None when nothing of theirs was just saved."""
    dose_id = take_just_saved(request)
    if dose_id is None:
        return None
    stored = dose_of(request.db, resident.resident.id, dose_id)
    if stored is None or not stored.is_active:
        return None
    base = request.resource_path(resident, "doses", "")
    may_undo = request.has_permission(Permission.DOSE_CANCEL, resident["doses"][str(dose_id)])
    return AfterSave(
        title=DoseWords(request).title(stored.draft),
        dose_url=f"{base}{dose_id}/",
        undo_url=f"{base}{dose_id}/undo" if may_undo else None,
        next_url=f"{base}new?next={dose_id}",
    )
