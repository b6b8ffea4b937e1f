"""What was merged: the list, the newest first, and what stands for a number."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import MergeSource
from yvaxportal.models.resident import Resident
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


_STANDING = text(
    "SELECT 'pair', d.id, r.atena_number, false FROM resident_double d "
    "JOIN resident r ON r.id = CASE WHEN d.first_id = :id THEN d.second_id ELSE d.first_id END "
    "WHERE (d.first_id = :id OR d.second_id = :id) AND d.state IN ('open', 'told') UNION ALL "
    "SELECT 'from', g.id, r.atena_number, EXISTS (SELECT FROM resident_note n WHERE n.resident_id = r.id) "
    "FROM resident_merge g JOIN resident r ON r.id = g.merged_resident_id "
    "WHERE g.kept_resident_id = :id AND g.undone_at IS NULL UNION ALL "
    "SELECT 'into', g.id, r.atena_number, false "
    "FROM resident_merge g JOIN resident r ON r.id = g.kept_resident_id "
    "WHERE g.merged_resident_id = :id AND g.undone_at IS NULL"
)


def standing_of(session: Session, resident_id: int) -> list[Standing]:
    """Return the pairs and merges of a number, in one query."""
    return [Standing(*row) for row in session.execute(_STANDING, {"id": resident_id})]
