"""The tickets of a resident."""

from typing import Any

from pyramid.view import view_config

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import TicketState
from yvaxportal.resources import Tickets
from yvaxportal.security.permissions import Permission
from yvaxportal.services.resident_page import tickets_of
from yvaxportal.values.text import _
from yvaxportal.views.details.frame import DetailPage

_STATE_KINDS = {TicketState.ISSUED: "info", TicketState.USED: "ok", TicketState.VOID: "neutral"}


class TicketsPage(DetailPage):
    """Every ticket, newest first."""

    part = "tickets"

    @view_config(
        context=Tickets,
        request_method="GET",
        permission=Permission.TICKET_VIEW,
        renderer="yvaxportal:templates/details/tickets.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the tickets and record that they were seen."""
        self.request.audit.record(Action.TICKET_VIEWED, resident_id=self.resident.id)
        words = self.words
        return self.page(
            _("Tickets"),
            tickets=[
                {
                    "day": words.day(ticket.issued_on),
                    "vaccine": words.vaccine(ticket.vaccine),
                    "kind": ticket.ticket_kind,
                    "number": ticket.dose_number,
                    "municipality": ticket.municipality_code,
                    "ticket_number": ticket.ticket_number,
                    "status_kind": _STATE_KINDS[ticket.state],
                    "status_text": words.code(ticket.state),
                }
                for ticket in tickets_of(self.request.db, self.resident.id)
            ],
        )
