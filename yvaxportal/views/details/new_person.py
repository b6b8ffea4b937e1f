"""Entering a person who is not in the resident register, with a number they have or one to be assigned."""

from http import HTTPStatus
from typing import Any

import colander
import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.audit.actions import Action
from yvaxportal.forms.details.person import NewPersonSchema
from yvaxportal.forms.outbox_labels import refusal
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import OutboxState, Sex
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.models.resident import Resident
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Residents
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import ReasonNeededError
from yvaxportal.services.non_registered import PERSON_ITEMS, NumberTakenError, check_person, enter_person
from yvaxportal.services.outbox.deeds import ALREADY_HERE
from yvaxportal.services.outbox.queue import ATENA, ENTER_PERSON, withdraw
from yvaxportal.values.text import _
from yvaxportal.views.details.editing import FORM_ID, GIVE_REASON, Values, alert_lines
from yvaxportal.views.details.register_items import TAKEN, written_birth
from yvaxportal.views.waiting import message_of
from yvaxportal.views.wording import Wording

CONTACT = ("postal_code", "current_address", "phone_number")


@view_defaults(
    context=Residents,
    name="new-person",
    permission=Permission.RESIDENT_EDIT,
    renderer="yvaxportal:templates/details/new_person.pt",
)
class NewPersonPage:
    """The form for one person. With ``again`` it begins with an entry that got no number."""

    def __init__(self, context: Residents, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)
        self.url: str = request.resource_path(context)
        earlier = message_of(request, request.GET.get("again", ""))
        self.again: OutboxMessage | None = earlier if earlier is not None and earlier.payload else None

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any]:
        """Show the form, empty or as an earlier entry has it."""
        form = self._form()
        if self.again is not None and self.again.payload is not None:
            form.set_appstruct(_appstruct(self.again.payload))
        return self._page(form)

    @view_config(request_method="POST")
    def enter(self) -> dict[str, Any] | Response:
        """Save the person and go to their page."""
        form = self._form()
        try:
            typed = form.validate(self.request.POST.items())
            return self._enter(form, typed)
        except deform.ValidationFailure:
            return self._refused(form)
        except NumberTakenError as taken:
            form.failure({taken.item: TAKEN})
            return self._refused(form)
        except ReasonNeededError as needed:
            form.failure({"reason": GIVE_REASON})
            return self._refused(form, alerts=alert_lines(self.words, form, needed.alerts))

    def _enter(self, form: PortalForm, typed: Values) -> dict[str, Any] | Response:
        request, number = self.request, typed["atena_number"]
        items = {item: typed.get(item) for item in PERSON_ITEMS if item != "resident_category"}
        items |= {"sex": Sex(typed["sex"]), "date_of_birth_written": written_birth(typed["date_of_birth"])}
        contact = {item: typed[item] for item in CONTACT}
        if number is None:
            check_person(request.db, items, atena_number=None, reason=typed["reason"])
            return self._assign(form, {"items": items, "contact": contact, "reason": typed["reason"]})
        enter_person(
            request.db,
            request.audit,
            items,
            contact,
            atena_number=number,
            reason=typed["reason"],
            now=request.now,
        )
        self._withdraw_earlier()
        request.flash("success", _("The person was entered."))
        return HTTPSeeOther(request.resource_url(self.context, number, ""))

    def _assign(self, form: PortalForm, payload: dict[str, Any]) -> dict[str, Any] | Response:
        """Have the atena system assign a number; the entry waits when it does not answer."""
        request = self.request
        outbox = request.portal.connections.outbox
        message_id, delivered = outbox.ask(
            request.audit.actor,
            ATENA,
            ENTER_PERSON,
            payload,
            CallContext.interactive(request.audit.actor.login),
        )
        if delivered.state is OutboxState.REFUSED:
            # What was typed is in the form that comes back, and a refused form rolls this transaction back.
            outbox.take_back(request.audit.actor, message_id)
            form.failure({}, message=self.words.say(refusal(delivered.problem)))
            return self._refused(form)
        self._withdraw_earlier()
        if delivered.state is OutboxState.WAITING:
            request.flash(
                "info",
                _("The atena system does not answer. The entry is kept and waits for its number."),
            )
            return HTTPSeeOther(request.resource_url(self.context, "waiting"))
        person = request.db.get_one(Resident, delivered.resident_id)
        if delivered.problem == ALREADY_HERE:
            request.flash("info", _("This person has an atena number already and is registered here."))
        else:
            request.flash("success", _("The person was entered under a new atena number."))
        return HTTPSeeOther(request.resource_url(self.context, person.atena_number, ""))

    def _withdraw_earlier(self) -> None:
        if self.again is not None:
            withdraw(self.request.db, self.again.id, now=self.request.now)
            self.request.audit.record(Action.OUTBOX_WITHDRAWN, subject=f"outbox:{self.again.id}")

    def _form(self) -> PortalForm:
        schema = NewPersonSchema().bind(request=self.request, today=self.request.today)
        cancel = deform.Button("cancel", _("Cancel"), type="link", value=self.url)
        return PortalForm(schema, buttons=(deform.Button("save", _("Save")), cancel), formid=FORM_ID)

    def _refused(self, form: PortalForm, **values: Any) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(form, **values)

    def _page(self, form: PortalForm, **values: Any) -> dict[str, Any]:
        steps = [(self.words.say(_("Residents")), self.url)]
        return {"form_html": form.render(), "steps": steps, "alerts": [], **values}


def _appstruct(payload: dict[str, Any]) -> dict[str, Any]:
    items = dict(payload["items"])
    values = items | payload["contact"] | {"date_of_birth": items.pop("date_of_birth_written")}
    del values["date_of_birth_written"]
    return {item: colander.null if value is None else value for item, value in values.items()}
