"""Issuing tickets for a run of letters, and one anew for a person whose paper is lost or wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import TicketState
from yvaxportal.models.ticket import Ticket
from yvaxportal.services.letters.reasons import TicketVoid
from yvaxportal.services.tickets.numbers import (
    NumberBook,
    greatest_number,
    lock_numbers,
    numbers_of,
)
from yvaxportal.values.fiscal import fiscal_year, fiscal_year_range
from yvaxportal.values.text import contains_personal_number

_TICKET = Ticket.__table__.c
_INSERT = insert(cast("Table", Ticket.__table__)).returning(_TICKET.id, sort_by_parameter_order=True)


class TicketRefusedError(Exception):
    """The ticket cannot be reissued. ``rule``: ``gone`` (used, void or somebody else's), ``reason``."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"ticket: {rule}")
        self.rule = rule


class NumbersChangedError(Exception):
    """Somebody gave out numbers meanwhile: those that were printed may be another person's."""


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket that stands on a printed letter."""

    resident_id: int
    dose_number: int
    number: str


def tickets_standing(
    session: Session, *, programme: str, kind: str, day: date, resident_ids: Sequence[int]
) -> set[tuple[int, int]]:
    """Return (resident, dose number) of the programme's tickets of this fiscal year that still count."""
    first, _last = fiscal_year_range(fiscal_year(day))
    rows = session.execute(
        select(_TICKET.resident_id, _TICKET.dose_number).where(
            _TICKET.programme == programme,
            _TICKET.ticket_kind == kind,
            _TICKET.state != TicketState.VOID,
            _TICKET.issued_on >= first,
            _TICKET.resident_id == func.any(list(resident_ids)),
        )
    )
    return {(resident_id, number) for resident_id, number in rows}


def issue(
    session: Session,
    book: NumberBook,
    tickets: Sequence[NewTicket],
    *,
    programme: str,
    vaccine: str,
    kind: str,
    municipality_code: str,
    day: date,
    now: datetime,
    staff_id: int,
) -> Mapping[int, int]:
    """Write the tickets of a run and return their ids by resident.

    A ticket of an earlier fiscal year for the same dose, which nobody used, is void from now on: a seasonal
    programme issues a new one each year, with the same number.

    :param book: what the numbers were taken from; they must still be free, and still the people's.
    :raises NumbersChangedError: they are not.
    """
    lock_numbers(session)
    people = [ticket.resident_id for ticket in tickets]
    now_known = numbers_of(session, municipality_code, people)
    before = {person: book.known[person] for person in people if person in book.known}
    taken = bool(book.given) and greatest_number(session, municipality_code) + 1 != book.first_new
    if now_known != before or taken:
        raise NumbersChangedError
    session.execute(
        update(Ticket)
        .where(
            _TICKET.programme == programme,
            _TICKET.ticket_kind == kind,
            _TICKET.state == TicketState.ISSUED,
            _TICKET.issued_on < fiscal_year_range(fiscal_year(day))[0],
            _TICKET.resident_id == func.any(people),
        )
        .values(
            state=TicketState.VOID,
            void_reason=TicketVoid.NEW_SEASON.value,
            voided_by=staff_id,
            voided_at=now,
        ),
        execution_options={"synchronize_session": False},
    )
    if not tickets:
        return {}
    ids = session.scalars(
        _INSERT,
        [
            {
                "resident_id": ticket.resident_id,
                "programme": programme,
                "vaccine": vaccine,
                "ticket_kind": kind,
                "dose_number": ticket.dose_number,
                "municipality_code": municipality_code,
                "ticket_number": ticket.number,
                "issued_on": day,
                "state": TicketState.ISSUED,
            }
            for ticket in tickets
        ],
    )
    return dict(zip(people, ids, strict=True))


def reissue(
    session: Session,
    audit: AuditTrail,
    *,
    resident_id: int,
    ticket_id: int,
    reason: str,
    staff_id: int,
    today: date,
    now: datetime,
) -> Ticket:
    """Void a ticket and issue another in its place, under a new number, which is the person's from now on.

    The number has to change: the 18 digits hold nothing else by which the paper that is void could be told
    from the paper that counts. Other tickets of the person keep the number they carry.

    :param reason: in words, as staff wrote it.
    :raises TicketRefusedError: ``gone``, or ``reason`` where none was given.
    :raises NumbersExhaustedError: ten digits are not enough.
    """
    if not reason.strip() or contains_personal_number(reason):
        raise TicketRefusedError("reason")
    lock_numbers(session)
    old = session.get(Ticket, ticket_id, with_for_update=True, populate_existing=True)
    if old is None or old.resident_id != resident_id or old.state is not TicketState.ISSUED:
        raise TicketRefusedError("gone")
    book = NumberBook(session, old.municipality_code, ())
    old.state, old.void_reason = TicketState.VOID, reason.strip()
    old.voided_by, old.voided_at = staff_id, now
    new = Ticket(
        resident_id=resident_id,
        programme=old.programme,
        vaccine=old.vaccine,
        ticket_kind=old.ticket_kind,
        dose_number=old.dose_number,
        municipality_code=old.municipality_code,
        ticket_number=book.number_of(resident_id),
        issued_on=today,
        state=TicketState.ISSUED,
        replaces_id=old.id,
    )
    session.add(new)
    session.flush()
    audit.record(
        Action.TICKET_REISSUED,
        resident_id=resident_id,
        subject=f"ticket:{new.id}",
        detail={"replaces": old.id, "reason": reason.strip()},
    )
    return new
