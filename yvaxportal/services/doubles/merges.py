"""What was merged: the list, the newest first, and what stands for a number."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, case, exists, false, literal, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import DoubleState, MergeSource
from yvaxportal.models.double import ResidentDouble
from yvaxportal.models.readings import Reading
from yvaxportal.models.resident import Resident, ResidentNote
from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.sync import ResidentMerge, SyncRefusal
from yvaxportal.services.sync.judging import Reason

PAGE = 50
_kept, _gone = aliased(Resident), aliased(Resident)
_recorder, _undoer = aliased(StaffAccount), aliased(StaffAccount)


@dataclass(frozen=True, slots=True)
class MergeRow:
    """One merge of the list."""

    id: int
    kept_number: str
    kept_name: str
    merged_number: str
    merged_name: str
    decided_on: date
    merged_at: datetime
    source: MergeSource
    recorded_by: str | None
    reference: str | None
    reason: str | None
    undone_at: datetime | None
    undone_by: str | None
    undo_reason: str | None


_COLUMNS: list[Any] = [
    ResidentMerge.id,
    _kept.atena_number,
    _kept.name,
    _gone.atena_number,
    _gone.name,
    ResidentMerge.decided_on,
    ResidentMerge.merged_at,
    ResidentMerge.source,
    _recorder.display_name,
    ResidentMerge.reference,
    ResidentMerge.reason,
    ResidentMerge.undone_at,
    _undoer.display_name,
    ResidentMerge.undo_reason,
]
_ROWS = (
    select(*_COLUMNS)
    .select_from(ResidentMerge)
    .join(_kept, _kept.id == ResidentMerge.kept_resident_id)
    .join(_gone, _gone.id == ResidentMerge.merged_resident_id)
    .outerjoin(_recorder, _recorder.id == ResidentMerge.recorded_by)
    .outerjoin(_undoer, _undoer.id == ResidentMerge.undone_by)
)


def merges(session: Session, *, before: int | None = None, size: int = PAGE) -> list[MergeRow]:
    """Return merges before an id, the newest first, and one more than ``size`` if there are more."""
    query = _ROWS.order_by(ResidentMerge.id.desc()).limit(size + 1)
    if before is not None:
        query = query.where(ResidentMerge.id < before)
    return [MergeRow(*row) for row in session.execute(query)]


def merge_of(session: Session, merge_id: int) -> MergeRow | None:
    """Return one merge, None when there is none."""
    row = session.execute(_ROWS.where(ResidentMerge.id == merge_id)).one_or_none()
    return MergeRow(*row) if row is not None else None


def merges_to_take_apart(session: Session) -> list[MergeRow]:
    """Return the standing merges of numbers that another system said to be two people after all."""
    numbers = select(SyncRefusal.atena_number).where(
        SyncRefusal.settled_at.is_(None), SyncRefusal.reason == Reason.SPLIT_TO_DECIDE.value
    )
    query = _ROWS.where(
        ResidentMerge.undone_at.is_(None),
        or_(_gone.atena_number.in_(numbers), _kept.atena_number.in_(numbers)),
    )
    return [MergeRow(*row) for row in session.execute(query.order_by(ResidentMerge.id))]


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is about a number: ``pair`` (to be decided), ``into`` or ``from`` (a merge that stands).

    ``number`` is the other one; ``remarks``: that one has remarks of its own.
    """

    kind: str
    id: int
    number: str
    remarks: bool


_other, _merge, _pair = Resident.__table__, ResidentMerge.__table__, ResidentDouble.__table__
_WHOSE = bindparam("resident_id", type_=BigInteger)
_EITHER = case((_pair.c.first_id == _WHOSE, _pair.c.second_id), else_=_pair.c.first_id)
_HAS_NOTE = exists().where(ResidentNote.__table__.c.resident_id == _other.c.id)
_OF_A_NUMBER = union_all(
    select(literal("pair").label("kind"), _pair.c.id, _other.c.atena_number, false().label("remarks"))
    .select_from(_pair.join(_other, _other.c.id == _EITHER))
    .where(
        or_(_pair.c.first_id == _WHOSE, _pair.c.second_id == _WHOSE),
        _pair.c.state.in_((DoubleState.OPEN, DoubleState.TOLD)),
    ),
    select(literal("from"), _merge.c.id, _other.c.atena_number, _HAS_NOTE)
    .select_from(_merge.join(_other, _other.c.id == _merge.c.merged_resident_id))
    .where(_merge.c.kept_resident_id == _WHOSE, _merge.c.undone_at.is_(None)),
    select(literal("into"), _merge.c.id, _other.c.atena_number, false())
    .select_from(_merge.join(_other, _other.c.id == _merge.c.kept_resident_id))
    .where(_merge.c.merged_resident_id == _WHOSE, _merge.c.undone_at.is_(None)),
).subquery("numbers")
#: The pairs that wait and the merges that stand of one number (``resident_id``), in one reading.
NUMBERS = Reading(Standing, select(*_OF_A_NUMBER.c))


def standing_of(session: Session, resident_id: int) -> list[Standing]:
    """Return the pairs and merges of a number."""
    return NUMBERS.rows(session, {"resident_id": resident_id})
