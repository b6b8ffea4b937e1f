"""Entering a person who is not in the resident register."""

from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.details.person import NewPersonSchema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import Sex
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Residents
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import ReasonNeededError
from yvaxportal.services.non_registered import PERSON_ITEMS, NumberTakenError, enter_person
from yvaxportal.values.text import _
from yvaxportal.views.details.editing import FORM_ID, GIVE_REASON, Values, alert_lines
from yvaxportal.views.details.register_items import TAKEN, written_birth
from yvaxportal.views.wording import Wording

CONTACT = ("postal_code", "current_address", "phone_number")


@view_defaults(
    context=Residents,
    name="new-person",
    permission=Permission.RESIDENT_EDIT,
    renderer="yvaxportal:templates/details/new_person.pt",
)
class NewPersonPage:
    """The form for one person."""

    def __init__(self, context: Residents, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)
        self.url: str = request.resource_path(context)

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any]:
        """Show the empty form."""
        return self._page(self._form())

    @view_config(request_method="POST")
    def enter(self) -> dict[str, Any] | Response:
        """Save the person and go to their page."""
        form = self._form()
        try:
            typed = form.validate(self.request.POST.items())
            self._enter(typed)
        except deform.ValidationFailure:
            return self._refused(form)
        except NumberTakenError as taken:
            form.failure({taken.item: TAKEN})
            return self._refused(form)
        except ReasonNeededError as needed:
            form.failure({"reason": GIVE_REASON})
            return self._refused(form, alerts=alert_lines(self.words, form, needed.alerts))
        self.request.flash("success", _("The person was entered."))
        return HTTPSeeOther(self.request.resource_url(self.context, str(typed["atena_number"]), ""))

    def _enter(self, typed: Values) -> None:
        columns = {item: typed.get(item) for item in PERSON_ITEMS if item != "resident_category"}
        enter_person(
            self.request.db,
            self.request.audit,
            columns
            | {"sex": Sex(typed["sex"]), "date_of_birth_written": written_birth(typed["date_of_birth"])},
            {item: typed[item] for item in CONTACT},
            atena_number=typed["atena_number"],
            reason=typed["reason"],
            now=self.request.now,
        )

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
