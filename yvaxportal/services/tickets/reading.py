"""Reading tickets by what stands on them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import TicketState
from yvaxportal.models.ticket import Ticket
from yvaxportal.values.checkdigits import OcrLine


def ticket_of_line(session: Session, line: OcrLine) -> Ticket | None:
    """Return the ticket with an 18-digit line: the one that counts, else the latest that is void or used.

    The line does not tell the vaccine; where several tickets have it, one that counts speaks for all.
    """
    found = session.scalars(
        select(Ticket)
        .where(
            Ticket.ticket_number == line.ticket_number,
            Ticket.municipality_code == line.municipality_code,
            Ticket.ticket_kind == line.kind,
            Ticket.dose_number == line.dose_number,
        )
        .order_by(Ticket.id.desc())
    ).all()
    counting = (ticket for ticket in found if ticket.state is TicketState.ISSUED)
    return next(counting, found[0] if found else None)
