"""Searching the audit log: by who, what, whom and when, a page at a time, newest first (measure M14)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, cast, extract, func, or_, select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.models.audit import AuditEvent, AuditLeaf, AuditSeal
from yvaxportal.models.codes import Outcome
from yvaxportal.models.resident import Resident
from yvaxportal.values.clock import JST

PAGE_SIZE = 50
OFFICE_OPENS, OFFICE_CLOSES = 7, 20
SATURDAY = 6
MANY_SEARCHES = 30
SECONDS_OF_AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What an auditor asks for; all parts must hold. Days are days in Japan, both included."""

    actor: str | None = None
    action: Action | None = None
    outcome: Outcome | None = None
    atena_number: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    case_reference: str | None = None
    not_done: bool = False
    off_hours: bool = False


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One event as a page shows it; a person by atena number, never by name."""

    id: int
    occurred_at: datetime
    actor: str
    actor_groups: str
    address: str | None
    action: str
    outcome: Outcome
    resident_id: int | None
    atena_number: str | None
    subject: str | None
    purpose: str | None
    case_reference: str | None
    detail: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """One page; ``next_before`` is None on the last."""

    lines: Sequence[AuditLine]
    next_before: int | None


@dataclass(frozen=True, slots=True)
class SealState:
    """How far the log is sealed."""

    sealed_at: datetime | None
    seals: int
    last_sealed_event: int
    last_event: int


@dataclass(frozen=True, slots=True)
class ManySearches:
    """A member of staff who searched more than usual within one hour."""

    actor: str
    hour: datetime
    searches: int


_COLUMNS = (
    AuditEvent.id,
    AuditEvent.occurred_at,
    AuditEvent.actor,
    AuditEvent.actor_groups,
    func.host(AuditEvent.address),
    AuditEvent.action,
    AuditEvent.outcome,
    AuditEvent.resident_id,
    Resident.atena_number,
    AuditEvent.subject,
    AuditEvent.purpose,
    AuditEvent.case_reference,
    AuditEvent.detail,
    AuditEvent.before,
    AuditEvent.after,
)


def start_of(day: date) -> datetime:
    """Return the instant at which a day begins in Japan."""
    return datetime.combine(day, time(), JST)


def search_events(
    session: Session, query: AuditQuery, *, before: int | None = None, limit: int = PAGE_SIZE
) -> AuditPage:
    """Return one page of events, newest first; ``before`` is ``next_before`` of the page before."""
    statement = _base().where(*_conditions(query))
    if query.atena_number is not None:
        whom = select(Resident.id).where(Resident.atena_number == query.atena_number).scalar_subquery()
        statement = statement.where(AuditEvent.resident_id == whom)
    return _page(session, statement, before, limit)


def events_about(
    session: Session, resident_id: int, *, before: int | None = None, limit: int = PAGE_SIZE
) -> AuditPage:
    """Return one page of what was done with one resident, newest first."""
    return _page(session, _base().where(AuditEvent.resident_id == resident_id), before, limit)


def _base() -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).outerjoin(Resident, Resident.id == AuditEvent.resident_id)


def _page(session: Session, statement: Select[*tuple[Any, ...]], before: int | None, limit: int) -> AuditPage:
    if before is not None:
        statement = statement.where(AuditEvent.id < before)
    rows = session.execute(statement.order_by(AuditEvent.id.desc()).limit(limit + 1)).all()
    lines = [AuditLine(*row) for row in rows[:limit]]
    return AuditPage(lines, lines[-1].id if len(rows) > limit else None)


def _conditions(query: AuditQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.actor is not None:
        conditions.append(AuditEvent.actor == query.actor)
    if query.action is not None:
        conditions.append(AuditEvent.action == query.action)
    if query.outcome is not None:
        conditions.append(AuditEvent.outcome == query.outcome)
    if query.case_reference is not None:
        conditions.append(AuditEvent.case_reference == query.case_reference)
    if query.first_day is not None:
        conditions.append(AuditEvent.occurred_at >= start_of(query.first_day))
    if query.last_day is not None and query.last_day < date.max:
        conditions.append(AuditEvent.occurred_at < start_of(query.last_day + timedelta(days=1)))
    if query.not_done:
        conditions.append(AuditEvent.outcome != Outcome.DONE)
    if query.off_hours:
        conditions.append(_off_hours())
    return conditions


def _off_hours() -> ColumnElement[bool]:
    local = func.timezone("Asia/Tokyo", AuditEvent.occurred_at)
    hour, weekday = extract("hour", local), extract("isodow", local)
    return and_(
        AuditEvent.actor.not_in(("", "system")),
        or_(hour < OFFICE_OPENS, hour >= OFFICE_CLOSES, weekday >= SATURDAY),
    )


def many_searches(
    session: Session, first_day: date, last_day: date, *, more_than: int = MANY_SEARCHES
) -> Sequence[ManySearches]:
    """Return who searched more than so often within sixty minutes, the most first (measures M15 and M37).

    One line for each person and clock hour in which such sixty minutes ended.
    """
    within = (
        select(
            AuditEvent.actor,
            AuditEvent.occurred_at,
            func.count()
            .over(
                partition_by=AuditEvent.actor,
                order_by=cast(extract("epoch", AuditEvent.occurred_at), BigInteger),
                range_=(-SECONDS_OF_AN_HOUR, 0),
            )
            .label("searches"),
        )
        .where(
            AuditEvent.action == Action.RESIDENT_SEARCHED,
            AuditEvent.occurred_at >= start_of(first_day),
            AuditEvent.occurred_at < start_of(last_day + timedelta(days=1)),
        )
        .subquery()
    )
    hour = func.date_trunc("hour", within.c.occurred_at)
    most = func.max(within.c.searches)
    rows = session.execute(
        select(within.c.actor, hour, most)
        .where(within.c.searches > more_than)
        .group_by(within.c.actor, hour)
        .order_by(most.desc(), hour.desc())
        .limit(100)
    )
    return [ManySearches(*row) for row in rows]


def seal_state(session: Session) -> SealState:
    """Return how far the log is sealed, from the ends of two indexes."""
    last = session.execute(
        select(AuditSeal.sealed_at, AuditSeal.id).order_by(AuditSeal.id.desc()).limit(1)
    ).one_or_none()
    return SealState(
        sealed_at=last.sealed_at if last else None,
        seals=last.id if last else 0,
        last_sealed_event=session.scalar(select(func.max(AuditLeaf.event_id))) or 0,
        last_event=session.scalar(select(func.max(AuditEvent.id))) or 0,
    )
