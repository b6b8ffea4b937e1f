"""Reading what waits: pages by key, never by counting, so that the last page costs what the first does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.models.imports import ImportProgress, ImportRow, ImportRowEvent
from yvaxportal.models.resident import Resident
from yvaxportal.models.staff import StaffAccount
from yvaxportal.services.imports.rows import COLUMNS, StoredRow, stored_row

PAGE = 50
#: More than this is not counted: "1,000 and more".
MOST_COUNTED = 1_000

_OPEN = text("decision IS NULL AND outcome IS NULL AND state NOT IN ('ready', 'already_there')")
_HELD = tuple(state for state in State if state not in {State.READY, State.ALREADY_THERE})
_COUNT = text(
    "SELECT count(*) FROM (SELECT 1 FROM import_row WHERE batch_id = :batch AND state = :state "
    "AND decision IS NULL AND outcome IS NULL AND state NOT IN ('ready', 'already_there') LIMIT :most) AS few"
)
_KINDS = text(
    "SELECT code, count(*) FROM (SELECT reasons -> 0 ->> 0 AS code FROM import_row WHERE batch_id = :batch "
    "AND state = :state AND decision IS NULL AND outcome IS NULL "
    "AND state NOT IN ('ready', 'already_there') LIMIT :most) AS few GROUP BY code ORDER BY 2 DESC, 1"
)
_OUTCOMES = text(
    "SELECT coalesce(outcome, CASE WHEN decision IN ('refuse', 'return') THEN decision END), count(*) "
    "FROM import_row WHERE batch_id = :batch AND (outcome IS NOT NULL OR decision IN ('refuse', 'return')) "
    "GROUP BY 1"
)


@dataclass(frozen=True, slots=True)
class Someone:
    """A resident as a reviewer sees them beside a row."""

    id: int
    atena_number: str
    business_atena_number: str
    name: str
    name_kana: str | None
    birth: str
    sex: str
    category: str
    is_foreign_national: bool


def open_counts(session: Session, batch_id: int) -> dict[State, int]:
    """Return how many rows of each state wait, up to a thousand of each."""
    counts: dict[State, int] = {}
    for state in _HELD:
        values = {"batch": batch_id, "state": state.value, "most": MOST_COUNTED}
        if found := session.scalar(_COUNT, values):
            counts[state] = found
    return counts


def open_kinds(session: Session, batch_id: int, state: State) -> Sequence[tuple[str, int]]:
    """Return the first reasons of the rows of a state that wait, with how many (up to a thousand in all)."""
    values = {"batch": batch_id, "state": state.value, "most": MOST_COUNTED}
    return [(code, count) for code, count in session.execute(_KINDS, values)]


def outcomes(session: Session, batch_id: int) -> dict[str, int]:
    """Return what became of the rows of a batch."""
    return {row[0]: row[1] for row in session.execute(_OUTCOMES, {"batch": batch_id})}


def open_page(
    session: Session, batch_id: int, *, state: State | None, after: int, size: int = PAGE
) -> list[StoredRow]:
    """Return up to ``size`` rows that wait, after a number, and one more if there are more."""
    query = (
        select(*COLUMNS)
        .where(ImportRow.batch_id == batch_id, _OPEN, ImportRow.number > after)
        .order_by(ImportRow.number)
        .limit(size + 1)
    )
    if state is not None:
        query = query.where(ImportRow.state == state)
    return [stored_row(row) for row in session.execute(query)]


def rows_page(
    session: Session, batch_id: int, *, state: State | None, after: int, size: int = PAGE
) -> list[StoredRow]:
    """Return rows of a batch by number, whatever became of them, and one more if there are more."""
    query = (
        select(*COLUMNS)
        .where(ImportRow.batch_id == batch_id, ImportRow.number > after)
        .order_by(ImportRow.number)
        .limit(size + 1)
    )
    if state is not None:
        query = query.where(ImportRow.state == state)
    return [stored_row(row) for row in session.execute(query)]


def returned_page(session: Session, batch_id: int, *, after: int, size: int = PAGE) -> list[StoredRow]:
    """Return the rows that were sent back to the sender and not answered yet."""
    query = (
        select(*COLUMNS)
        .where(
            ImportRow.batch_id == batch_id,
            ImportRow.number > after,
            ImportRow.decision == "return",
            ImportRow.outcome.is_(None),
        )
        .order_by(ImportRow.number)
        .limit(size + 1)
    )
    return [stored_row(row) for row in session.execute(query)]


def one_row(source: Session | Connection, batch_id: int, number: int) -> StoredRow | None:
    """Return one row, None when there is none."""
    query = select(*COLUMNS).where(ImportRow.batch_id == batch_id, ImportRow.number == number)
    found = source.execute(query).one_or_none()
    return stored_row(found) if found is not None else None


def next_open(session: Session, batch_id: int, *, after: int, state: State | None) -> int | None:
    """Return the number of the next row that waits."""
    found = open_page(session, batch_id, state=state, after=after, size=1)
    return found[0].number if found else None


def claimed_by_another(session: Session, batch_id: int, number: int, staff_id: int, now: datetime) -> str:
    """Return who else holds a row now; empty when nobody does."""
    query = (
        select(StaffAccount.display_name)
        .join(ImportRow, ImportRow.claimed_by == StaffAccount.id)
        .where(
            ImportRow.batch_id == batch_id,
            ImportRow.number == number,
            ImportRow.claimed_by != staff_id,
            ImportRow.claimed_until >= now,
        )
    )
    return session.scalar(query) or ""


def events_of(session: Session, batch_id: int, number: int) -> Sequence[tuple[ImportRowEvent, str]]:
    """Return what was decided about a row, oldest first: the event and who did it.

    That somebody opened it is kept for the second entry and is no decision.
    """
    rows = session.execute(
        select(ImportRowEvent, StaffAccount.display_name)
        .join(StaffAccount, StaffAccount.id == ImportRowEvent.staff_id)
        .where(
            ImportRowEvent.batch_id == batch_id,
            ImportRowEvent.number == number,
            ImportRowEvent.deed != "opened",
        )
        .order_by(ImportRowEvent.id)
    )
    return [(row[0], row[1]) for row in rows]


def people(session: Session, ids: Sequence[int]) -> dict[int, Someone]:
    """Return residents as they are shown beside a row."""
    rows = session.execute(
        select(
            Resident.id,
            Resident.atena_number,
            Resident.business_atena_number,
            Resident.name,
            Resident.name_kana,
            Resident.date_of_birth_written,
            Resident.sex,
            Resident.resident_category,
            Resident.is_foreign_national,
        ).where(Resident.id.in_(ids))
    )
    return {row[0]: Someone(*row) for row in rows}


def progress_of(session: Session, batch_id: int) -> ImportProgress | None:
    """Return how far a run is, None before the first."""
    return session.get(ImportProgress, batch_id)


def senders(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """Return the names of members of staff by id."""
    rows = session.execute(
        select(StaffAccount.id, StaffAccount.display_name).where(StaffAccount.id.in_(set(ids)))
    )
    return {row[0]: row[1] for row in rows}
