"""The tickets of a resident, and one issued anew."""

from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.letters import reissue_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import LetterKind, TicketState
from yvaxportal.outputs.letter_requests import request_letters
from yvaxportal.programme.schedule import Programme
from yvaxportal.resources import Tickets, is_id
from yvaxportal.security.permissions import Permission
from yvaxportal.services.resident_page import TicketRow, tickets_of
from yvaxportal.services.tickets.issuing import TicketRefusedError, reissue
from yvaxportal.values.fiscal import fiscal_year_end
from yvaxportal.values.text import _
from yvaxportal.views.details.frame import DetailPage
from yvaxportal.views.letters.words import DEFAULT_TITLES, LetterWords

_STATE_KINDS = {TicketState.ISSUED: "info", TicketState.USED: "ok", TicketState.VOID: "neutral"}
_PURPOSE = "接種券の再発行"


@view_defaults(context=Tickets, permission=Permission.TICKET_ISSUE)
class TicketsPage(DetailPage):
    """Every ticket, newest first, and issuing one anew."""

    part = "tickets"

    @view_config(
        request_method="GET",
        permission=Permission.TICKET_VIEW,
        renderer="yvaxportal:templates/details/tickets.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the tickets and record that they were seen."""
        self.request.audit.record(Action.TICKET_VIEWED, resident_id=self.resident.id)
        words = LetterWords(self.request)
        may_issue = self._may_issue()
        return self.page(
            _("Tickets"),
            tickets=[
                {
                    "day": words.day(ticket.issued_on),
                    "vaccine": words.programme(ticket.programme)
                    if ticket.programme
                    else words.vaccine(ticket.vaccine),
                    "kind": ticket.ticket_kind,
                    "number": ticket.dose_number,
                    "municipality": ticket.municipality_code,
                    "ticket_number": ticket.ticket_number,
                    "status_kind": _STATE_KINDS[ticket.state],
                    "status_text": words.code(ticket.state),
                    "why": words.void_reason(ticket.void_reason),
                    "reissue_url": f"{self.url}reissue?ticket={ticket.id}"
                    if may_issue and self._programme(ticket) is not None
                    else None,
                }
                for ticket in tickets_of(self.request.db, self.resident.id)
            ],
        )

    @view_config(name="reissue", request_method="GET", renderer="yvaxportal:templates/details/form.pt")
    def ask(self) -> dict[str, Any]:
        """Ask why the ticket is issued anew."""
        ticket, _programme = self._wanted()
        form = self._form(ticket)
        form.set_appstruct({"until": fiscal_year_end(self.request.today)})
        return self._form_page(form)

    @view_config(name="reissue", request_method="POST", renderer="yvaxportal:templates/details/form.pt")
    def reissue(self) -> dict[str, Any] | Response:
        """Void the ticket, issue another, and ask for its letter."""
        request = self.request
        ticket, programme = self._wanted()
        form = self._form(ticket)
        try:
            values: dict[str, Any] = dict(form.validate(request.POST.items()))
        except deform.ValidationFailure:
            request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
            return self._form_page(form)
        who = {"staff_id": request.identity.staff_id, "now": request.now}
        try:
            new = reissue(
                request.db,
                request.audit,
                resident_id=self.resident.id,
                ticket_id=ticket.id,
                reason=values["reason"],
                today=request.today,
                **who,
            )
        except TicketRefusedError as error:
            request.flash("error", LetterWords(request).refusal(error.rule))
            return HTTPSeeOther(self.url)
        rule = programme.rule_on(request.today)
        run = request_letters(
            request.db,
            request.audit,
            kind=LetterKind.TICKET,
            title=f"{programme.name_ja}{DEFAULT_TITLES[LetterKind.TICKET]}"[:40],
            purpose=_PURPOSE,
            programme=programme.code,
            printed_for=request.today,
            options={
                "ticket": new.id,
                "ticket_kind": new.ticket_kind,
                "until": values["until"].isoformat(),
                "place": "市内の指定医療機関",
                "fee": "無料" if rule is not None and rule.fee == "free" else "窓口でご確認ください",
                "bring": "この接種券、住所が確認できるもの",
                "note": "この接種券は再発行したものです。以前にお送りした接種券は使えません。",
            },
            **who,
        )
        request.flash("success", _("The ticket was issued anew. Its letter is being made."))
        return HTTPSeeOther(request.resource_path(request.root, "letters", str(run.id), ""))

    def _may_issue(self) -> bool:
        return self.may(Permission.TICKET_ISSUE) and Permission.OUTPUT_REQUEST in self.request.own_permissions

    def _programme(self, ticket: TicketRow) -> Programme | None:
        """Return the programme of a ticket that can be issued anew, None for any other ticket."""
        own = ticket.municipality_code == self.request.portal.settings.municipality_code
        if not own or ticket.state is not TicketState.ISSUED:
            return None
        return self.request.portal.schedule.get(ticket.programme)

    def _wanted(self) -> tuple[TicketRow, Programme]:
        if not self._may_issue():
            raise HTTPForbidden
        written = self.request.params.get("ticket", "")
        for ticket in tickets_of(self.request.db, self.resident.id):
            programme = self._programme(ticket)
            if is_id(written) and ticket.id == int(written) and programme is not None:
                return ticket, programme
        raise HTTPNotFound

    def _form(self, ticket: TicketRow) -> PortalForm:
        return PortalForm(
            reissue_schema(self.request),
            action=f"{self.url}reissue?ticket={ticket.id}",
            buttons=(
                deform.Button("reissue", _("Void it and issue anew"), css_class="btn-primary"),
                deform.Button("cancel", _("Cancel"), type="link", value=self.url),
            ),
            formid="details",
        )

    def _form_page(self, form: PortalForm) -> dict[str, Any]:
        return self.page(
            _("Issue a ticket anew"), form_html=form.render(), conflict=None, alerts=[], notice=""
        )
