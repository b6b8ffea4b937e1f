"""Taking a merge apart: the two numbers have what each had, and what came since goes where somebody said.

The reverse of ``services.sync.merging``, under the same locks and by what that wrote down. As with imports,
"as it was" means what counts: the active doses with all their items and their sources, tickets,
certificates, eligibilities, circumstances, measures and remarks. Revisions and the audit log tell that it
was otherwise for a while. What left the house meanwhile cannot be taken back: ``consequences`` lists it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail, Facts
from yvaxportal.models.codes import DoseState, ResidentCategory
from yvaxportal.models.imports import DoseSourceRecord
from yvaxportal.models.resident import Resident, ResidentNote
from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.sync import ResidentMerge, SyncRefusal
from yvaxportal.services.dose_findings import DoseAlert
from yvaxportal.services.doubles.deciding import keep_different
from yvaxportal.services.doubles.plan import BACK, Fate, Plan, Side, plan_of, whole_doses
from yvaxportal.services.sync.judging import Reason
from yvaxportal.services.sync.merging import (
    COPIED,
    DOSE,
    MOVED,
    active_doses,
    cancel_doses,
    copy_dose,
    key_of,
    link_sources,
    lock_people,
)
from yvaxportal.values.text import contains_personal_number

LONGEST_REASON = 500
REASON = "宛名番号の統合の取り消し"
_ROWS_BACK = text(
    "UPDATE import_row r SET resident_id = :returning, revision = r.revision + 1 "
    "FROM unnest(CAST(:batches AS bigint[]), CAST(:numbers AS int[])) AS w(batch_id, number) "
    "WHERE r.batch_id = w.batch_id AND r.number = w.number AND r.resident_id = :kept AND r.outcome IS NULL"
)


class ApartRefusedError(ValueError):
    """Nothing was changed. ``rule`` says why; ``by`` and ``at`` who was first, and when.

    ``unknown``, ``undone`` (somebody took it apart already), ``later`` (a later merge stands on it),
    ``changed`` (something happened since the page was shown), ``unassigned`` (a dose has nobody yet),
    ``reason``.
    """

    def __init__(self, rule: str, *, by: str = "", at: datetime | None = None) -> None:
        super().__init__(rule)
        self.rule, self.by, self.at = rule, by, at


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody decided after they saw the plan.

    :param seen: ``Plan.seen`` of what they saw.
    :param assigned: whose each dose is that was recorded since the merge, by its id.
    """

    merge_id: int
    seen: str
    assigned: Mapping[int, Side]
    reason: str
    staff_id: int
    now: datetime


def take_apart(session: Session, audit: AuditTrail, order: Order) -> ResidentMerge:
    """Take a merge apart in the caller's transaction.

    :raises ApartRefusedError: as it tells; nothing was changed.
    """
    plan = _checked(session, order)
    merge = plan.merge
    done: dict[str, Any] = {"dose": _doses_back(session, plan, order)}
    done["since"] = _assign(session, plan, order)
    for model in MOVED:
        ids = plan.moves[model.__tablename__]
        session.execute(update(model).where(model.id.in_(ids)).values(resident_id=plan.returning.id))
        done[model.__tablename__] = list(ids)
    if plan.note:
        session.execute(
            update(ResidentNote)
            .where(ResidentNote.resident_id == plan.kept.id)
            .values(resident_id=plan.returning.id, revision=ResidentNote.revision + 1)
        )
        done["resident_note"] = [plan.returning.id]
    session.execute(
        _ROWS_BACK,
        {
            "kept": plan.kept.id,
            "returning": plan.returning.id,
            "batches": [batch for batch, _ in plan.rows],
            "numbers": [number for _, number in plan.rows],
        },
    )
    done["import_row"] = [list(row) for row in plan.rows]
    _restore_people(session, plan)
    merge.undone_at, merge.undone_by = order.now, order.staff_id
    merge.undo_reason, merge.undone = order.reason, done
    # What the other system said, that they are two people, is done.
    session.execute(
        update(SyncRefusal)
        .where(
            SyncRefusal.reason == Reason.SPLIT_TO_DECIDE.value,
            SyncRefusal.atena_number.in_((plan.kept.atena_number, plan.returning.atena_number)),
            SyncRefusal.settled_at.is_(None),
        )
        .values(settled_at=order.now, settled_by=order.staff_id)
    )
    session.flush()
    # They are two people now: as they are, they are not listed again.
    keep_different(
        session, plan.kept.id, plan.returning.id, order.reason, staff_id=order.staff_id, now=order.now
    )
    _tell(audit, plan, order, done)
    session.expire_all()
    return merge


def _checked(session: Session, order: Order) -> Plan:
    reason = order.reason.strip()
    if not reason or len(reason) > LONGEST_REASON or contains_personal_number(reason):
        raise ApartRefusedError("reason")
    known = session.execute(
        select(ResidentMerge.kept_resident_id, ResidentMerge.merged_resident_id).where(
            ResidentMerge.id == order.merge_id
        )
    ).one_or_none()
    if known is None:
        raise ApartRefusedError("unknown")
    lock_people(session, *known)
    session.execute(select(ResidentMerge.id).where(ResidentMerge.id == order.merge_id).with_for_update())
    plan = plan_of(session, order.merge_id)
    if plan is None:
        raise ApartRefusedError("unknown")
    if plan.merge.undone_at is not None:
        by = session.scalar(select(StaffAccount.display_name).where(StaffAccount.id == plan.merge.undone_by))
        raise ApartRefusedError("undone", by=by or "", at=plan.merge.undone_at)
    if plan.later:
        raise ApartRefusedError("later")
    if plan.seen != order.seen:
        raise ApartRefusedError("changed")
    if {dose.standing for dose in plan.since} != set(order.assigned):
        raise ApartRefusedError("unassigned")
    return plan


def _doses_back(session: Session, plan: Plan, order: Order) -> list[list[Any]]:
    """Let what was moved count for the number it came from; return old id, new id and fate of each."""
    ids = [key for dose in plan.moved for key in (dose.old, dose.standing) if key is not None]
    rows = whole_doses(session, ids)
    copies = {old: new for old, new in plan.merge.moved.get("dose", []) if new is not None}
    added = list(plan.merge.moved.get("dose_source_record", ()))
    cancelled = [
        copies[dose.old]
        for dose in plan.moved
        if dose.old in copies and rows[copies[dose.old]].state is DoseState.ACTIVE
    ]
    cancel_doses(session, cancelled, reason=REASON, staff_id=order.staff_id, now=order.now)
    for dose in plan.moved:
        if dose.old is not None and dose.fate in BACK:
            corrected = dose.fate is Fate.RETURNS_CORRECTED
            values = _content(rows[copies[dose.old]], rows[dose.old], plan) if corrected else {}
            _reactivate(session, dose.old, values, order)
    # What other files reported of a copy meanwhile is reported of the dose that returns.
    link_sources(session, [(new, old) for old, new in copies.items() if old in rows], added)
    session.execute(
        delete(DoseSourceRecord).where(
            DoseSourceRecord.id.in_(added) | DoseSourceRecord.dose_id.in_(copies.values())
        )
    )
    return [[dose.old, copies.get(dose.old or 0), dose.fate] for dose in plan.moved]


def _content(copy: Any, old: Any, plan: Plan) -> dict[str, Any]:
    """Return the items of a copy that was corrected, without the label that the merge put on it."""
    values: dict[str, Any] = {name: getattr(copy, name) for name in COPIED}
    label = DoseAlert.UNRESOLVED_DOUBLE.value
    if copy.id in plan.merge.moved.get("unresolved", ()) and label not in old.alerts:
        values["alerts"] = [alert for alert in copy.alerts if alert != label]
    return values


def _reactivate(session: Session, dose_id: int, values: dict[str, Any], order: Order) -> None:
    values = values | {
        "state": DoseState.ACTIVE,
        "change_reason": REASON,
        "changed_at": order.now,
        "changed_by": order.staff_id,
        "revision": DOSE.c.revision + 1,
    }
    session.execute(update(DOSE).where(DOSE.c.id == dose_id).values(values))


def _assign(session: Session, plan: Plan, order: Order) -> list[list[Any]]:
    """Move the doses recorded since that somebody gave to the number that returns; id, side, new id."""
    there = {key_of(dose): dose.id for dose in active_doses(session, plan.returning.id)}
    rows = whole_doses(session, list(order.assigned))
    done: list[list[Any]] = []
    for dose_id, side in sorted(order.assigned.items()):
        new: int | None = None
        if side is Side.RETURNING:
            dose = rows[dose_id]
            cancel_doses(session, [dose_id], reason=REASON, staff_id=order.staff_id, now=order.now)
            new = there.get(key_of(dose))
            if new is None:
                copied = copy_dose(
                    dose, plan.returning.id, reason=REASON, staff_id=order.staff_id, now=order.now
                )
                new = session.scalars(copied).one()
            link_sources(session, [(dose_id, new)])
            session.execute(delete(DoseSourceRecord).where(DoseSourceRecord.dose_id == dose_id))
        done.append([dose_id, side, new])
    return done


def _restore_people(session: Session, plan: Plan) -> None:
    kept_protected, returning_protected = plan.protected_after
    session.execute(
        update(Resident)
        .where(Resident.id == plan.kept.id)
        .values(support_measure_flag=kept_protected, revision=Resident.revision + 1)
    )
    values: dict[str, Any] = {
        "support_measure_flag": returning_protected,
        "revision": Resident.revision + 1,
    }
    before = plan.merge.moved.get("before", {}).get("resident_category")
    # What the register said of the number since counts for more than what was before.
    if plan.returning.category == ResidentCategory.REMOVED and before is not None:
        values["resident_category"] = ResidentCategory(before)
    session.execute(update(Resident).where(Resident.id == plan.returning.id).values(values))


def _tell(audit: AuditTrail, plan: Plan, order: Order, done: Mapping[str, Any]) -> None:
    counts = {name: len(ids) for name, ids in done.items() if ids}
    detail = {"merge": plan.merge.id, "reason": order.reason, **counts}
    events = [
        (
            Action.RESIDENT_TAKEN_APART,
            Facts(
                resident_id=party.id,
                subject=f"merge:{plan.merge.id}",
                detail=detail,
                after={"apart": plan.returning.atena_number, "from": plan.kept.atena_number},
            ),
        )
        for party in (plan.kept, plan.returning)
    ]
    for party, protected in zip((plan.kept, plan.returning), plan.protected_after, strict=True):
        if party.protected is not protected:
            facts = Facts(
                resident_id=party.id,
                subject=f"merge:{plan.merge.id}",
                detail={"reason": order.reason},
                before={"support_measure_flag": party.protected},
                after={"support_measure_flag": protected},
            )
            events.append((Action.SUPPORT_MEASURE_CHANGED, facts))
    returning, kept = plan.returning.id, plan.kept.id
    for old, new, fate in done["dose"]:
        if fate in BACK:
            events.append((Action.DOSE_RECORDED, _fact(returning, old, plan)))
        if new is not None:
            events.append((Action.DOSE_CANCELLED, _fact(kept, new, plan)))
    for dose_id, side, new in done["since"]:
        if side is Side.RETURNING:
            events.append((Action.DOSE_CANCELLED, _fact(kept, dose_id, plan)))
            events.append((Action.DOSE_RECORDED, _fact(returning, new, plan)))
    audit.record_many(events)


def _fact(resident_id: int, dose_id: int, plan: Plan) -> Facts:
    return Facts(resident_id=resident_id, subject=f"dose:{dose_id}", detail={"taken_apart": plan.merge.id})
