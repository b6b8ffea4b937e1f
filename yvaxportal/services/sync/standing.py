"""Where a number stands: by itself, or merged into another that has what belonged to it."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.models.resident import Resident
from yvaxportal.models.sync import ResidentMerge

#: Merges of merges are followed; more than these would be a circle, which ``merging`` refuses to make.
_MOST = 20


def kept_for(session: Session, resident_id: int) -> int:
    """Return the resident who has what belonged to this one; the same one when nothing was merged away."""
    for _ in range(_MOST):
        into = session.scalar(
            select(ResidentMerge.kept_resident_id)
            .where(ResidentMerge.merged_resident_id == resident_id, ResidentMerge.undone_at.is_(None))
            .order_by(ResidentMerge.id.desc())
            .limit(1)
        )
        if into is None:
            break
        resident_id = into
    return resident_id


def is_merged_away(session: Session, resident_id: int) -> bool:
    """Tell whether what belongs to a resident stands with another number."""
    return kept_for(session, resident_id) != resident_id


def merged_away(session: Session, atena_numbers: Iterable[str]) -> set[str]:
    """Return those of some atena numbers of which what they had stands with another number."""
    query = (
        select(Resident.atena_number)
        .join(ResidentMerge, ResidentMerge.merged_resident_id == Resident.id)
        .where(Resident.atena_number.in_(list(atena_numbers)), ResidentMerge.undone_at.is_(None))
    )
    return set(session.scalars(query))
