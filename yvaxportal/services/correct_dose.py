"""Correcting and cancelling a dose: always with a reason, every revision kept by the database's trigger."""

from datetime import timedelta

from sqlalchemy import select

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import DoseState
from yvaxportal.models.dose import Dose
from yvaxportal.services.dose_desk import (
    Acceptance,
    Conflict,
    DoseDesk,
    NeedsReason,
    Outcome,
    Refused,
    Saved,
    audited,
    double_of,
    unaccepted,
)
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_findings import DoseError, Finding, Findings
from yvaxportal.services.dose_history import StoredDose, dose_of, seen_doses
from yvaxportal.values.text import contains_personal_number

#: How long whoever recorded a dose may take it back without giving a reason of their own.
UNDO_WITHIN = timedelta(minutes=10)
UNDO_REASON = "entry mistake, undone at once"

_IDENTITY = frozenset({"identity_method", "identity_document"})


def correct_dose(
    desk: DoseDesk,
    resident_id: int,
    dose_id: int,
    draft: DoseDraft,
    *,
    revision: int,
    reason: str,
    acceptance: Acceptance,
) -> Outcome | None:
    """Change a dose, or say why not; None when the person has no such dose.

    :param revision: the revision that the form was made from; any other is a conflict.
    """
    desk.lock(resident_id)
    stored = dose_of(desk.session, resident_id, dose_id)
    if stored is None:
        return None
    refusal = _refusal(stored, revision, reason)
    if refusal is not None:
        return refusal
    judged = desk.judge(resident_id, draft, without=dose_id)
    changed = judged.draft.differences(stored.draft)
    if not changed:
        return Refused(Findings((Finding(DoseError.NOTHING_CHANGED, "vaccine"),)))
    double = double_of(judged.findings)
    if double is not None and double.dose_id is not None and double.dose_id > dose_id:
        theirs = dose_of(desk.session, resident_id, double.dose_id)
        if theirs is not None and theirs.changed_at > stored.changed_at and theirs.staff_id != desk.staff_id:
            return Conflict(theirs)
    if judged.findings.errors:
        return Refused(judged.findings)
    if unaccepted(judged.findings, acceptance):
        return NeedsReason(judged.findings)
    dose = _row(desk, dose_id)
    dose.change_reason = reason
    if not desk.write(dose, judged, acceptance, new_check=not _IDENTITY.isdisjoint(changed)):
        theirs = desk.double_in_database(resident_id, judged)
        return Conflict(theirs or stored)
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
