"""The searches a member of staff made: kept on the server, so that no URL carries a name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from yvaxportal.models.search import SearchRequest

KEPT_FOR_EACH = 20


@dataclass(frozen=True, slots=True)
class PastSearch:
    """One search somebody made."""

    id: int
    terms: str
    requested_at: datetime


def keep_search(session: Session, staff_id: int, terms: str, now: datetime) -> int:
    """Keep what ``staff_id`` typed and return its id; only the latest few of each person stay."""
    search_id = session.execute(
        insert(SearchRequest)
        .values(staff_id=staff_id, terms=terms, requested_at=now)
        .returning(SearchRequest.id),
    ).scalar_one()
    newest = (
        select(SearchRequest.id)
        .where(SearchRequest.staff_id == staff_id)
        .order_by(SearchRequest.id.desc())
        .limit(KEPT_FOR_EACH)
    )
    session.execute(
        delete(SearchRequest).where(
            SearchRequest.staff_id == staff_id,
            SearchRequest.id.not_in(newest.scalar_subquery()),
        ),
    )
    return search_id


def own_search(session: Session, staff_id: int, search_id: int) -> str | None:
    """Return the terms of a search of one's own, None for anybody else's."""
    return session.scalar(
        select(SearchRequest.terms).where(SearchRequest.id == search_id, SearchRequest.staff_id == staff_id),
    )


def recent_searches(session: Session, staff_id: int, limit: int = 8) -> Sequence[PastSearch]:
    """Return the latest searches of one member of staff, newest first."""
    rows = session.execute(
        select(SearchRequest.id, SearchRequest.terms, SearchRequest.requested_at)
        .where(SearchRequest.staff_id == staff_id)
        .order_by(SearchRequest.id.desc())
        .limit(limit),
    )
    return [PastSearch(*row) for row in rows]
