"""Two atena numbers that are one person: what the one that goes has is moved to the one that stays.

A dose never changes its person: it is cancelled there, with the reason, and stands here as a copy; a dose
that both have stands once. Everything that was moved is written down (``resident_merge``), so that a merge
that was wrong can be taken apart. The personal number stays where it was: the register delivers it for the
number that remains.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Table, and_, exists, insert, select, update
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import DoseState, ResidentCategory
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Eligibility, Resident, ResidentNote, SupportMeasure
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.models.ticket import Certificate, Ticket

REASON = "宛名番号の統合"
_DOSE = cast("Table", Dose.__table__)
_OWN = frozenset({"id", "resident_id", "revision", "changed_at", "changed_by", "change_reason"})
_COPIED = [column.name for column in _DOSE.columns if column.name not in _OWN]
_MOVED = (Ticket, Certificate, Eligibility, SpecialCircumstance, SupportMeasure)


def merge(
    session: Session, *, kept: int, merged: int, change_id: str, decided_on: date, now: datetime
) -> None:
    """Move what belongs to ``merged`` to ``kept`` (resident ids), in the caller's transaction."""
    moved: dict[str, Any] = {"dose": _move_doses(session, kept, merged, now)}
    for model in _MOVED:
        ids = session.scalars(
            update(model).where(model.resident_id == merged).values(resident_id=kept).returning(model.id)
        )
        moved[model.__tablename__] = sorted(ids)
    moved["resident_note"] = _move_note(session, kept, merged)
    protected = session.scalar(select(Resident.support_measure_flag).where(Resident.id == merged))
    if protected:
        # Whoever is protected under one of the numbers is protected.
        session.execute(update(Resident).where(Resident.id == kept).values(_closing(support=True)))
    session.execute(
        update(Resident)
        .where(Resident.id == merged)
        .values(
            _closing(support=None) | {"resident_category": ResidentCategory.REMOVED},
        )
    )
    session.execute(
        insert(ResidentMerge).values(
            change_id=change_id,
            kept_resident_id=kept,
            merged_resident_id=merged,
            decided_on=decided_on,
            merged_at=now,
            moved=moved,
        )
    )


def is_merged(session: Session, *, kept: int, merged: int) -> bool:
    """Tell whether one was merged into the other already, whoever told of it."""
    known = exists().where(ResidentMerge.kept_resident_id == kept, ResidentMerge.merged_resident_id == merged)
    return bool(session.scalar(select(known)))


def _move_doses(session: Session, kept: int, merged: int, now: datetime) -> list[Sequence[int | None]]:
    """Return old and new id of each dose; the new one is None where the other number has the same dose."""
    mine, other = aliased(Dose), aliased(Dose)
    same = and_(
        other.resident_id == kept,
        other.vaccine == mine.vaccine,
        other.given_on == mine.given_on,
        other.dose_number == mine.dose_number,
        other.judgement == mine.judgement,
        other.state == DoseState.ACTIVE,
    )
    rows = session.execute(
        select(mine, exists(select(other.id).where(same)).label("double"))
        .where(mine.resident_id == merged, mine.state == DoseState.ACTIVE)
        .order_by(mine.id)
        .with_for_update(of=mine)
    ).all()
    moved: list[Sequence[int | None]] = []
    for dose, double in rows:
        copy = None if double else session.scalar(_copy(dose, kept, now))
        moved.append((dose.id, copy))
    ids = [old for old, _ in moved]
    if ids:
        session.execute(
            update(_DOSE)
            .where(_DOSE.c.id.in_(ids))
            .values(
                state=DoseState.CANCELLED,
                change_reason=REASON,
                changed_at=now,
                changed_by=None,
                revision=_DOSE.c.revision + 1,
            )
        )
        session.expire_all()
    return moved


def _copy(dose: Dose, kept: int, now: datetime) -> Any:
    values = {name: getattr(dose, name) for name in _COPIED}
    values |= {"resident_id": kept, "revision": 1, "changed_at": now, "changed_by": None}
    return insert(_DOSE).values(values | {"change_reason": REASON}).returning(_DOSE.c.id)


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


def _closing(*, support: bool | None) -> dict[str, Any]:
    values: dict[str, Any] = {"revision": Resident.revision + 1}
    return values if support is None else values | {"support_measure_flag": support}
