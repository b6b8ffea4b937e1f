"""Correcting and cancelling a dose: always with a reason, every revision kept by the database's trigger."""

from datetime import timedelta

from sqlalchemy import select

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import DoseState
from yvaxportal.models.dose import Dose
from yvaxportal.services.dose_columns import audited
from yvaxportal.services.dose_desk import (
    Acceptance,
    Conflict,
    DoseDesk,
    Outcome,
    Refused,
    Saved,
)
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_findings import DoseError, Finding, Findings
from yvaxportal.services.dose_history import SeenDoses, StoredDose, dose_of
from yvaxportal.values.text import contains_personal_number

#: How long whoever recorded a dose may take it back without giving a reason of their own.
UNDO_WITHIN = timedelta(minutes=10)

_IDENTITY = frozenset({"identity_method", "identity_document"})


def correct_dose(
    desk: DoseDesk,
    resident_id: int,
    dose_id: int,
    draft: DoseDraft,
    *,
    revision: int,
    seen: SeenDoses,
    reason: str,
    acceptance: Acceptance,
) -> Outcome | None:
    """Change a dose, or say why not; None when the person has no such dose.

    :param revision: the revision that the form was made from; any other is a conflict.
    :param seen: the person's doses when the form was opened, as in ``record_dose``.
    """
    desk.lock(resident_id)
    stored = dose_of(desk.session, resident_id, dose_id)
    if stored is None:
        return None
    if refusal := _refusal(stored, revision, reason):
        return refusal
    judged = desk.judge(resident_id, draft, without=dose_id)
    changed = judged.draft.differences(stored.draft)
    if not changed:
        return _refused(DoseError.NOTHING_CHANGED, "vaccine")
    if obstacle := desk.obstacle(resident_id, judged, acceptance, seen):
        return obstacle
    dose = _row(desk, dose_id)
    new_check = not _IDENTITY.isdisjoint(changed)
    if not desk.write(dose, judged, acceptance, new_check=new_check, reason=reason):
        return Conflict(desk.double_in_database(resident_id, judged) or stored)
    before, after = audited(stored.draft), audited(judged.draft)
    desk.audit.record(
        Action.DOSE_CORRECTED,
        resident_id=resident_id,
        subject=f"dose:{dose_id}",
        detail={"reason": reason, "alerts": dose.alerts, "alert_reason": dose.alert_reason},
        before={item: before.get(item) for item in changed},
        after={item: after.get(item) for item in changed},
    )
    return Saved(dose_id, dose.revision)


def cancel_dose(
    desk: DoseDesk, resident_id: int, dose_id: int, *, revision: int, reason: str
) -> Outcome | None:
    """Cancel a dose: it stays on record and counts no more. None when the person has no such dose."""
    desk.lock(resident_id)
    stored = dose_of(desk.session, resident_id, dose_id)
    if stored is None:
        return None
    if refusal := _refusal(stored, revision, reason):
        return refusal
    dose = _row(desk, dose_id)
    dose.state = DoseState.CANCELLED
    dose.change_reason = reason
    dose.changed_by, dose.changed_at = desk.staff_id, desk.now
    desk.session.flush()
    desk.audit.record(
        Action.DOSE_CANCELLED,
        resident_id=resident_id,
        subject=f"dose:{dose_id}",
        detail={"reason": reason},
        before={"state": DoseState.ACTIVE, **audited(stored.draft)},
        after={"state": DoseState.CANCELLED},
    )
    return Saved(dose_id, dose.revision)


def may_undo(desk: DoseDesk, stored: StoredDose) -> bool:
    """Tell whether this member of staff recorded the dose a few minutes ago and nobody touched it since."""
    return (
        stored.state is DoseState.ACTIVE
        and stored.revision == 1
        and stored.staff_id == desk.staff_id
        and desk.now - stored.changed_at <= UNDO_WITHIN
    )


def _refusal(stored: StoredDose, revision: int, reason: str) -> Outcome | None:
    if stored.revision != revision:
        return Conflict(stored)
    if stored.state is DoseState.CANCELLED:
        return _refused(DoseError.ALREADY_CANCELLED, "reason")
    if contains_personal_number(reason):
        return _refused(DoseError.PERSONAL_NUMBER, "reason")
    return None


def _refused(code: DoseError, item: str) -> Refused:
    return Refused(Findings((Finding(code, item),)))


def _row(desk: DoseDesk, dose_id: int) -> Dose:
    return desk.session.scalars(
        select(Dose).where(Dose.id == dose_id).execution_options(populate_existing=True)
    ).one()
