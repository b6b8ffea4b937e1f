"""The ten-digit ticket number: one for each person within the municipality, counted up.

A person keeps the number they have, from a ticket that counts or from a dose that was recorded with one
(手引き 13.1版 p.130: 固定値). Who has none gets the next after the greatest in use; numbers are never given
to somebody else, and those of void tickets stay void, but of tickets that nobody printed.
"""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import func, not_, or_, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import TicketState
from yvaxportal.models.dose import Dose
from yvaxportal.models.ticket import Ticket
from yvaxportal.services.letters.reasons import Unprinted

DIGITS = 10
_GREATEST = 10**DIGITS - 1
#: Of PostgreSQL's advisory locks: whoever holds it may give out numbers.
_LOCK = 7_904_002
_MOST_DOSES = 9


class NumbersExhaustedError(Exception):
    """There is no ticket number left in ten digits."""


class NumberBook:
    """Gives out numbers in memory; they count once tickets with them are written."""

    def __init__(self, session: Session, municipality_code: str, resident_ids: Collection[int]) -> None:
        self.known = dict(numbers_of(session, municipality_code, resident_ids))
        self.first_new = greatest_number(session, municipality_code) + 1
        self._next = self.first_new
        self.given: dict[int, str] = {}

    def number_of(self, resident_id: int) -> str:
        """Return the person's number, a new one if they have none.

        :raises NumbersExhaustedError: ten digits are not enough.
        """
        known = self.known.get(resident_id) or self.given.get(resident_id)
        if known is None:
            if self._next > _GREATEST:
                raise NumbersExhaustedError
            known = self.given[resident_id] = f"{self._next:0{DIGITS}d}"
            self._next += 1
        return known


def lock_numbers(session: Session) -> None:
    """Let nobody else give out numbers until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def numbers_of(session: Session, municipality_code: str, resident_ids: Iterable[int]) -> Mapping[int, str]:
    """Return the number of each of these people who has one."""
    ids = list(resident_ids)
    ticket, dose = Ticket.__table__.c, Dose.__table__.c
    own = (ticket.municipality_code == municipality_code, ticket.resident_id == func.any(ids))
    # No paper carries the number of a ticket whose file nobody took: it stays the person's.
    unprinted = func.coalesce(ticket.void_reason.in_([why.value for why in Unprinted]), False)
    void = {
        (resident_id, number)
        for resident_id, number in session.execute(
            select(ticket.resident_id, ticket.ticket_number).where(
                *own, ticket.state == TicketState.VOID, not_(unprinted)
            )
        )
    }
    recorded = session.execute(
        select(dose.resident_id, dose.ticket_number)
        .where(
            dose.municipality_code == municipality_code,
            dose.ticket_number.is_not(None),
            dose.resident_id == func.any(ids),
        )
        .order_by(dose.given_on, dose.id)
    )
    found = {person: number for person, number in recorded if (person, number) not in void}
    counting = session.execute(
        select(ticket.resident_id, ticket.ticket_number)
        .where(*own, or_(ticket.state != TicketState.VOID, unprinted))
        # What counts goes before what was never printed.
        .order_by(ticket.state != TicketState.VOID, ticket.id)
    )
    found.update((person, number) for person, number in counting if (person, number) not in void)
    return found


def greatest_number(session: Session, municipality_code: str) -> int:
    """Return the greatest number of the municipality on a ticket or a dose; 0 when there is none."""
    greatest = 0
    for table in (Ticket, Dose):
        number = session.scalar(
            select(table.ticket_number)
            .where(table.municipality_code == municipality_code, table.ticket_number.is_not(None))
            .order_by(table.ticket_number.desc())
            .limit(1)
        )
        greatest = max(greatest, int(number or 0))
    return greatest


def ticket_line(kind: str, dose_number: int, municipality_code: str, number: str) -> str:
    """Return the 18 digits of a ticket: kind 1, dose 1, municipality 6, number 10; there is no check digit.

    :raises ValueError: the dose number is none of 1 to 9: the line has one digit for it.
    """
    if not 1 <= dose_number <= _MOST_DOSES:
        raise ValueError("the dose number of a ticket is one digit")
    return f"{kind}{dose_number}{municipality_code}{number}"
