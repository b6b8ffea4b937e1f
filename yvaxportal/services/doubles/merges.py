"""What was merged: the list, the newest first, and what stands for a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import MergeSource
from yvaxportal.models.resident import Resident
from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.sync import ResidentMerge

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


_ROWS = (
    select(
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
    )
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


def standing_merges(session: Session, resident_id: int) -> Sequence[MergeRow]:
    """Return the merges of a resident that stand: into this number, or of it into another."""
    concerned = or_(
        ResidentMerge.kept_resident_id == resident_id, ResidentMerge.merged_resident_id == resident_id
    )
    rows = session.execute(
        _ROWS.where(concerned, ResidentMerge.undone_at.is_(None)).order_by(ResidentMerge.id)
    )
    return [MergeRow(*row) for row in rows]
