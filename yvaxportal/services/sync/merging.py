"""Two atena numbers that are one person: what the one that goes has is moved to the one that stays.

A dose never changes its person: it is cancelled there, with the reason, and stands here as a copy with the
sources that reported it; a dose that both have stands once. Everything that was moved is written down
(``resident_merge.moved``), so that a merge that was wrong can be taken apart
(``services.doubles.taking_apart``). Letters stay with the number that they were sent to, and so does the
personal number: the register delivers it for the number that remains.

Doubles of doses come in the three classes of imports: *simple* ones stand once and keep both sources;
*resolvable* ones stand once, and ``differs`` names the details in which the other one differed;
*unresolvable* ones (the same number of a course on two days) stand both and are labelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Table, insert, or_, select, text, update
from sqlalchemy.orm import Session

from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import DoseState, DoubleState, Judgement, MergeSource, ResidentCategory
from yvaxportal.models.dose import Dose
from yvaxportal.models.double import ResidentDouble
from yvaxportal.models.resident import Eligibility, Resident, ResidentNote, SupportMeasure
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.models.ticket import Certificate, Ticket
from yvaxportal.services.dose_desk import lock_doses
from yvaxportal.services.dose_findings import DoseAlert
from yvaxportal.services.sync.standing import kept_for

REASON = "宛名番号の統合"
_UNRESOLVED = DoseAlert.UNRESOLVED_DOUBLE.value
DOSE = cast("Table", Dose.__table__)
_OWN = frozenset({"id", "resident_id", "revision", "changed_at", "changed_by", "change_reason"})
#: What a copy of a dose has of the dose.
COPIED = tuple(column.name for column in DOSE.columns if column.name not in _OWN)
#: What only tells how the record came about: no detail in which two doses differ.
_NOT_COMPARED = frozenset(
    {
        "state",
        "source",
        "alerts",
        "alert_reason",
        "identity_check_id",
        "age_when_given",
        "age_at_fiscal_year_end",
        "age_on_reference_date",
    }
)
#: Moved as they are; what is not about one person's course stands under ids of its own.
MOVED = (Ticket, Certificate, Eligibility, SpecialCircumstance, SupportMeasure)

_LINK = text(
    "INSERT INTO dose_source_record (dose_id, source, batch_id, number, reported_at) "
    "SELECT w.new, s.source, s.batch_id, s.number, s.reported_at "
    "FROM unnest(CAST(:old AS bigint[]), CAST(:new AS bigint[])) AS w(old, new) "
    "JOIN dose_source_record s ON s.dose_id = w.old "
    "WHERE NOT (s.id = ANY(CAST(:without AS bigint[]))) "
    "ON CONFLICT DO NOTHING RETURNING id"
)
# Batches whose rows still wait; what is being applied judges anew under its own lock.
_ROWS = text(
    "UPDATE import_row r SET resident_id = :kept, revision = r.revision + 1 "
    "FROM import_batch b WHERE b.id = r.batch_id AND b.state IN ('checked', 'applied') "
    "AND r.resident_id = :merged AND r.outcome IS NULL AND "
    "((r.decision IN ('apply', 'replace', 'keep_both') "
    "OR (r.decision IS NULL AND r.state IN ('ready', 'already_there'))) "
    "OR (r.decision IS NULL AND r.state NOT IN ('ready', 'already_there'))) "
    "RETURNING r.batch_id, r.number"
)


class MergedOtherwiseError(ValueError):
    """One of the numbers was merged otherwise before: that merge has to be taken apart first."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who said that two numbers are one person, and when.

    :param change_id: the other system's own id of it, unique.
    """

    change_id: str
    decided_on: date
    source: MergeSource
    recorded_by: int | None = None
    reference: str | None = None
    reason: str | None = None


def merge(session: Session, *, kept: int, merged: int, told: Told, now: datetime) -> int | None:
    """Move what belongs to ``merged`` to ``kept`` (resident ids), in the caller's transaction.

    What was merged away itself is followed: a number goes to the one that has the other's records.

    :return: the id of the merge; None when the numbers stand together already, whoever told of it.
    :raises MergedOtherwiseError: the number that goes has the other's records, or went elsewhere before.
    """
    kept = kept_for(session, kept)
    stands = kept_for(session, merged)
    if stands == kept and merged != kept:
        return None
    if stands != merged or kept == merged:
        raise MergedOtherwiseError
    lock_people(session, kept, merged)
    people = {row.id: row for row in session.execute(_before(kept, merged))}
    moved = _move_doses(session, kept, merged, now)
    for model in MOVED:
        ids = session.scalars(
            update(model).where(model.resident_id == merged).values(resident_id=kept).returning(model.id)
        )
        moved[model.__tablename__] = sorted(ids)
    moved["resident_note"] = _move_note(session, kept, merged)
    rows = session.execute(_ROWS, {"kept": kept, "merged": merged})
    moved["import_row"] = sorted([batch, number] for batch, number in rows)
    moved["before"] = {
        "resident_category": people[merged].resident_category.value,
        "kept_protected": people[kept].support_measure_flag,
    }
    if people[merged].support_measure_flag:
        # Whoever is protected under one of the numbers is protected.
        session.execute(update(Resident).where(Resident.id == kept).values(_next(support_measure_flag=True)))
    session.execute(
        update(Resident)
        .where(Resident.id == merged)
        .values(_next(resident_category=ResidentCategory.REMOVED))
    )
    _settle_doubles(session, kept, merged, now)
    made: int = session.scalars(
        insert(ResidentMerge)
        .values(
            change_id=told.change_id,
            kept_resident_id=kept,
            merged_resident_id=merged,
            decided_on=told.decided_on,
            merged_at=now,
            moved=moved,
            source=told.source,
            recorded_by=told.recorded_by,
            reference=told.reference,
            reason=told.reason,
        )
        .returning(ResidentMerge.id)
    ).one()
    session.expire_all()
    return made


def lock_people(session: Session, *resident_ids: int) -> None:
    """Wait until nobody else writes about these people; held until the transaction ends.

    First the locks under which staff write doses: whoever holds one may still have to refer to the person.
    """
    for resident_id in sorted(resident_ids):
        lock_doses(session, resident_id)
    session.execute(
        select(Resident.id).where(Resident.id.in_(resident_ids)).order_by(Resident.id).with_for_update()
    )


def copy_dose(
    dose: Any,
    resident_id: int,
    labels: Sequence[str] = (),
    *,
    reason: str,
    staff_id: int | None,
    now: datetime,
) -> Any:
    """Return the statement that gives a person a copy of another number's dose, and its new id.

    :param labels: alerts that the copy has besides those of the dose.
    """
    values = {name: getattr(dose, name) for name in COPIED} | {"alerts": [*dose.alerts, *labels]}
    values |= {"resident_id": resident_id, "revision": 1, "changed_at": now, "changed_by": staff_id}
    return insert(DOSE).values(values | {"change_reason": reason}).returning(DOSE.c.id)


def cancel_doses(
    session: Session, ids: list[int], *, reason: str, staff_id: int | None, now: datetime
) -> None:
    """Cancel doses by their ids, with the reason."""
    if not ids:
        return
    session.execute(
        update(DOSE)
        .where(DOSE.c.id.in_(ids))
        .values(
            state=DoseState.CANCELLED,
            change_reason=reason,
            changed_at=now,
            changed_by=staff_id,
            revision=DOSE.c.revision + 1,
        )
    )


def link_sources(
    session: Session, pairs: list[tuple[int, int]], without: list[int] | None = None
) -> list[int]:
    """Let the second dose of each pair have the sources of the first; return the ids of those added.

    :param without: ids of sources that are left alone.
    """
    if not pairs:
        return []
    found = session.execute(
        _LINK,
        {"old": [old for old, _ in pairs], "new": [new for _, new in pairs], "without": without or []},
    )
    return sorted(found.scalars())


def key_of(dose: Any) -> tuple[Any, ...]:
    """Return what no two active doses of one person may share."""
    return (dose.vaccine, dose.given_on, dose.dose_number, dose.judgement)


def active_doses(session: Session, resident_id: int) -> list[Any]:
    """Return the active doses of a person as whole rows, locked, in the order of their ids."""
    return list(
        session.execute(
            select(DOSE)
            .where(DOSE.c.resident_id == resident_id, DOSE.c.state == DoseState.ACTIVE)
            .order_by(DOSE.c.id)
            .with_for_update()
        )
    )


def _before(kept: int, merged: int) -> Any:
    return select(Resident.id, Resident.resident_category, Resident.support_measure_flag).where(
        Resident.id.in_((kept, merged))
    )


def _move_doses(session: Session, kept: int, merged: int, now: datetime) -> dict[str, Any]:
    """Move the active doses: ``dose`` has old and new id, the new one None where the other has the same."""
    there = active_doses(session, kept)
    standing = {key_of(dose): dose for dose in there}
    numbers = {(dose.vaccine, dose.dose_number): dose for dose in there if dose.judgement is Judgement.GIVEN}
    moved: list[list[int | None]] = []
    doubles: dict[str, int] = {}
    differs: dict[str, list[str]] = {}
    unresolved: list[int] = []
    links: list[tuple[int, int]] = []
    for dose in active_doses(session, merged):
        same = standing.get(key_of(dose))
        if same is not None:
            moved.append([dose.id, None])
            doubles[str(dose.id)] = same.id
            links.append((dose.id, same.id))
            if fields := differences(dose, same):
                differs[str(dose.id)] = fields
            continue
        # Both stand until somebody decides, labelled as those that an import keeps both.
        contradicts = dose.judgement is Judgement.GIVEN and (dose.vaccine, dose.dose_number) in numbers
        labels = [_UNRESOLVED] if contradicts and _UNRESOLVED not in dose.alerts else []
        copied = copy_dose(dose, kept, labels, reason=REASON, staff_id=None, now=now)
        new = session.scalars(copied).one()
        moved.append([dose.id, new])
        links.append((dose.id, new))
        unresolved += [new] if contradicts else []
    old = [cast("int", pair[0]) for pair in moved]
    cancel_doses(session, old, reason=REASON, staff_id=None, now=now)
    return {
        "stood": sorted(dose.id for dose in there),
        "dose": moved,
        "double": doubles,
        "differs": differs,
        "unresolved": unresolved,
        "dose_source_record": link_sources(session, links),
    }


def differences(one: Any, other: Any, *, without: frozenset[str] = _NOT_COMPARED) -> list[str]:
    """Return the columns in which two doses differ, without what only tells how the record came about."""
    compared = (name for name in COPIED if name not in without)
    return [name for name in compared if getattr(one, name) != getattr(other, name)]


def _move_note(session: Session, kept: int, merged: int) -> list[int]:
    """Move the department's remarks unless the number that stays has some; those stay where they are."""
    if session.get(ResidentNote, kept) is not None:
        return []
    ids = session.scalars(
        update(ResidentNote)
        .where(ResidentNote.resident_id == merged)
        .values(resident_id=kept)
        .returning(ResidentNote.resident_id)
    )
    return [merged for _ in ids]


def _settle_doubles(session: Session, kept: int, merged: int, now: datetime) -> None:
    """Take the pairs of the number that went off the list; what was decided about others stays."""
    first, second = sorted((kept, merged))
    pair = (ResidentDouble.first_id == first) & (ResidentDouble.second_id == second)
    session.execute(
        update(ResidentDouble)
        .where(pair)
        .values(state=DoubleState.MERGED, state_at=now, state_by=None, revision=ResidentDouble.revision + 1)
    )
    concerned = or_(ResidentDouble.first_id == merged, ResidentDouble.second_id == merged)
    for double in session.scalars(
        select(ResidentDouble).where(
            concerned, ~pair, ResidentDouble.state.in_((DoubleState.OPEN, DoubleState.TOLD))
        )
    ):
        session.delete(double)
    session.flush()


def _next(**values: Any) -> dict[str, Any]:
    return {"revision": Resident.revision + 1, **values}
