"""The list of likely doubles, page by page, and one pair with what each number has."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, case, func, select, text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseState, DoubleState, ResidentCategory, Sex
from yvaxportal.models.dose import Dose
from yvaxportal.models.double import DoubleSearch, ResidentDouble
from yvaxportal.models.resident import Resident, ResidentContact
from yvaxportal.models.ticket import Certificate, Ticket

PAGE = 50

# The likeliest first; among them the one that was found first. The next page begins after a score and an id,
# however far it is.
_PAGE = text(
    "SELECT d.id, d.score, d.why, d.state, d.found_at, d.first_id, d.second_id FROM resident_double d "
    "WHERE d.state = :state AND d.score <= :score AND (d.score < :score OR d.id > :id) "
    "ORDER BY d.score DESC, d.id LIMIT :limit"
)
_HIGHEST = 101


@dataclass(frozen=True, slots=True)
class Person:
    """One resident as a pair shows them. Under a support measure household and address are None."""

    id: int
    atena_number: str
    name: str
    name_kana: str | None
    name_alphabet: str | None
    alias_name: str | None
    former_name: str | None
    date_of_birth_written: str
    sex: Sex
    resident_category: ResidentCategory
    became_resident_on: date | None
    ceased_resident_on: date | None
    is_foreign_national: bool
    protected: bool
    household_number: str | None
    address: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One pair of the list."""

    id: int
    score: int
    why: Sequence[str]
    state: DoubleState
    found_at: datetime
    first: Person
    second: Person


@dataclass(frozen=True, slots=True)
class Page:
    """A page of pairs; ``next_after`` is (score, id) to go on after, None at the end."""

    rows: list[Row]
    next_after: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Belongings:
    """How many active doses, tickets and certificates a number has."""

    doses: int
    tickets: int
    certificates: int


def page(
    session: Session, state: DoubleState, *, after: tuple[int, int] | None = None, size: int = PAGE
) -> Page:
    """Return the pairs in a state after a score and an id; one page costs what any other does."""
    score, last = after or (_HIGHEST, 0)
    found = session.execute(
        _PAGE, {"state": state.value, "score": score, "id": last, "limit": size + 1}
    ).all()
    people = people_of(session, [key for row in found[:size] for key in (row.first_id, row.second_id)])
    rows = [
        Row(
            row.id,
            row.score,
            row.why,
            DoubleState(row.state),
            row.found_at,
            people[row.first_id],
            people[row.second_id],
        )
        for row in found[:size]
    ]
    return Page(rows, (rows[-1].score, rows[-1].id) if len(found) > size else None)


def people_of(session: Session, ids: Sequence[int]) -> dict[int, Person]:
    """Return people as pairs show them, by id."""
    r, c = Resident.__table__.c, ResidentContact.__table__.c
    open_ = r.support_measure_flag.is_(False)
    columns: list[Any] = [
        r.id,
        r.atena_number,
        r.name,
        r.name_kana,
        r.name_alphabet,
        r.alias_name,
        r.former_name,
        r.date_of_birth_written,
        r.sex,
        r.resident_category,
        r.became_resident_on,
        r.ceased_resident_on,
        r.is_foreign_national,
        r.support_measure_flag,
        case((open_, r.household_number)),
        c.current_address,
        c.phone_number,
    ]
    rows = session.execute(
        select(*columns)
        .select_from(Resident.__table__)
        .outerjoin(ResidentContact.__table__, (c.resident_id == r.id) & open_)
        .where(r.id.in_(ids))
    )
    return {row[0]: Person(*row) for row in rows}


def belongings(session: Session, resident_id: int) -> Belongings:
    """Return how much a number has."""
    return Belongings(
        _count(
            session, select(Dose.id).where(Dose.resident_id == resident_id, Dose.state == DoseState.ACTIVE)
        ),
        _count(session, select(Ticket.id).where(Ticket.resident_id == resident_id)),
        _count(session, select(Certificate.id).where(Certificate.resident_id == resident_id)),
    )


def _count(session: Session, query: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0


def counts(session: Session) -> dict[DoubleState, int]:
    """Return how many pairs are in each state."""
    rows = session.execute(select(ResidentDouble.state, func.count()).group_by(ResidentDouble.state))
    return {row[0]: row[1] for row in rows}


def last_search(session: Session) -> DoubleSearch | None:
    """Return the newest search; None before the first."""
    return session.scalar(select(DoubleSearch).order_by(DoubleSearch.id.desc()).limit(1))
