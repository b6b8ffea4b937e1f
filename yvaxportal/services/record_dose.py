"""Recording a dose (issue: errors are refused, alerts need a reason, of two who save at once one wins)."""

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import DoseSource, DoseState
from yvaxportal.models.dose import Dose
from yvaxportal.services.dose_columns import audited
from yvaxportal.services.dose_desk import (
    Acceptance,
    Conflict,
    DoseDesk,
    Judged,
    Outcome,
    Refused,
    Saved,
    double_of,
)
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_findings import DoseError, Finding, Findings
from yvaxportal.services.dose_history import SeenDoses, dose_of
from yvaxportal.services.sync.standing import is_merged_away


def record_dose(
    desk: DoseDesk,
    resident_id: int,
    draft: DoseDraft,
    *,
    acceptance: Acceptance,
    seen: SeenDoses,
) -> Outcome:
    """Record one dose of one person, or say why not.

    :param acceptance: the alerts that were shown with the form, and the reason given.
    :param seen: the person's doses when the form was opened: tells a double that staff could see (an error)
        from one that somebody saved since (a conflict).

    The same entry sent twice by the same member of staff (a double click, the back button) is saved once.
    """
    desk.lock(resident_id)
    if is_merged_away(desk.session, resident_id):
        return Refused(Findings((Finding(DoseError.MERGED_AWAY, "vaccine"),)))
    judged = desk.judge(resident_id, draft)
    if saved := _same_entry(desk, resident_id, judged):
        return saved
    if obstacle := desk.obstacle(resident_id, judged, acceptance, seen):
        return obstacle
    dose = Dose(
        resident_id=resident_id,
        source=DoseSource.FORM,
        state=DoseState.ACTIVE,
    )
    if not desk.write(dose, judged, acceptance, new_check=True):
        # Somebody wrote without waiting for the lock (an import); the unique index held.
        theirs = desk.double_in_database(resident_id, judged)
        if theirs is None:
            return record_dose(desk, resident_id, draft, acceptance=acceptance, seen=seen)
        return Conflict(theirs)
    desk.audit.record(
        Action.DOSE_RECORDED,
        resident_id=resident_id,
        subject=f"dose:{dose.id}",
        detail={"alerts": dose.alerts, "alert_reason": dose.alert_reason} if dose.alerts else {},
        after=audited(judged.draft),
    )
    return Saved(dose.id, dose.revision)


def _same_entry(desk: DoseDesk, resident_id: int, judged: Judged) -> Saved | None:
    double = double_of(judged.findings)
    if double is None or double.dose_id is None:
        return None
    stored = dose_of(desk.session, resident_id, double.dose_id)
    if stored is None or stored.staff_id != desk.staff_id or judged.draft.differences(stored.draft):
        return None
    return Saved(stored.id, stored.revision, already=True)
