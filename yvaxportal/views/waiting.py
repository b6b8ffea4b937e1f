"""People who were entered and wait for their atena number."""

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults
from sqlalchemy import select

from yvaxportal.audit.actions import Action
from yvaxportal.forms.connection_labels import FAILURES, OTHER_FAILURE
from yvaxportal.forms.outbox_labels import refusal
from yvaxportal.models.codes import OutboxState
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.models.resident import Resident
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Residents
from yvaxportal.security.permissions import Permission
from yvaxportal.services.outbox.queue import ENTER_PERSON, listed, try_again, withdraw
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.wording import Wording

_KINDS = {OutboxState.WAITING: "soon", OutboxState.REFUSED: "overdue", OutboxState.DONE: "ok"}
_MOST_DIGITS = 18


def message_of(request: PortalRequest, written: str) -> OutboxMessage | None:
    """Return the entry of a person that an id names; None when there is none."""
    if not (written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS):
        return None
    message = request.db.get(OutboxMessage, int(written))
    return message if message is not None and message.deed == ENTER_PERSON else None


@view_defaults(context=Residents, permission=Permission.RESIDENT_EDIT)
class WaitingPage:
    """The list, and what can be done with an entry."""

    def __init__(self, context: Residents, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)

    @view_config(name="waiting", request_method="GET", renderer="yvaxportal:templates/residents/waiting.pt")
    def show(self) -> dict[str, Any]:
        """Show who waits, who was refused, and who got a number lately."""
        request = self.request
        rows = listed(request.db, now=request.now, deed=ENTER_PERSON)
        ids = [message.resident_id for message in rows if message.resident_id is not None]
        people = {
            person.id: person for person in request.db.scalars(select(Resident).where(Resident.id.in_(ids)))
        }
        return {
            "base": request.resource_path(self.context),
            "rows": [self._row(message, people.get(message.resident_id or 0)) for message in rows],
            "steps": [(self.words.say(_("Residents")), request.resource_path(self.context))],
        }

    @view_config(name="waiting-retry", request_method="POST")
    def retry(self) -> Response:
        """Let the worker try an entry again within a minute."""
        message = try_again(self.request.db, self._chosen(), now=self.request.now)
        if message is None:
            return self._back("info", _("This entry does not wait any more."))
        self.request.audit.record(Action.OUTBOX_RETRIED, subject=f"outbox:{message.id}")
        return self._back("success", _("It is tried again within a minute."))

    @view_config(name="waiting-withdraw", request_method="POST")
    def withdraw(self) -> Response:
        """Give up an entry: what was typed is removed."""
        message = withdraw(self.request.db, self._chosen(), now=self.request.now)
        if message is None:
            return self._back("info", _("This entry does not wait any more."))
        self.request.audit.record(Action.OUTBOX_WITHDRAWN, subject=f"outbox:{message.id}")
        return self._back("success", _("The entry was withdrawn. Nobody was entered."))

    def _chosen(self) -> int:
        message = message_of(self.request, self.request.POST.get("entry", ""))
        if message is None:
            raise HTTPBadRequest
        return message.id

    def _back(self, kind: str, text: str) -> Response:
        self.request.flash(kind, text)
        return HTTPSeeOther(self.request.resource_path(self.context, "waiting"))

    def _row(self, message: OutboxMessage, person: Resident | None) -> dict[str, Any]:
        items = (message.payload or {}).get("items", {})
        born = person.date_of_birth_written if person else items.get("date_of_birth_written", "")
        return {
            "id": message.id,
            "name": person.name if person else items.get("name", ""),
            "born": self.words.birth(born, foreign=False) if born else "",
            "number": person.atena_number if person else None,
            "url": self.request.resource_path(self.context, person.atena_number, "") if person else None,
            "asked": format_jst(message.asked_at),
            "by": message.actor["login"],
            "state": self.words.code(message.state),
            "kind": _KINDS[message.state],
            "problem": self._problem(message),
            "open": message.state is not OutboxState.DONE,
            "next": format_jst(message.next_attempt_at) if message.state is OutboxState.WAITING else "",
        }

    def _problem(self, message: OutboxMessage) -> str:
        if message.state is OutboxState.REFUSED:
            return self.words.say(refusal(message.problem))
        if message.state is OutboxState.WAITING and message.problem:
            return self.words.say(FAILURES.get(message.problem.partition(":")[0], OTHER_FAILURE))
        return ""
