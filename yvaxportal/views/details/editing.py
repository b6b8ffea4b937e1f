"""Saving a form about a resident: nothing typed is lost, and who saves second sees what stands now."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import colander
import deform
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.response import Response

from yvaxportal.forms.base import PortalSchema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.security.permissions import Permission
from yvaxportal.services.detail_changes import Alert, Change, ChangedMeanwhileError, ReasonNeededError
from yvaxportal.values.text import _
from yvaxportal.views.details.frame import DetailPage
from yvaxportal.views.wording import Wording

FORM_ID = "details"
SAVED = _("Saved.")
UNCHANGED = _("Nothing was changed.")
GIVE_REASON = _("Give the reason, then save again.")

Values = Mapping[str, Any]


def appstruct_of(row: object | None, items: Sequence[str], **more: Any) -> dict[str, Any]:
    """Return the values a form starts from; what is not there stays empty."""
    values = {item: getattr(row, item, None) for item in items} | more
    return {item: colander.null if value is None else value for item, value in values.items()}


def alert_lines(words: Wording, form: PortalForm, alerts: Sequence[Alert]) -> list[dict[str, str]]:
    """Return alerts for the ``alerts`` macro, each with the way to its field."""
    return [
        {
            "cause": f"{words.say(form[alert.item].title)}: {words.say(alert.cause)}",
            "remedy": words.say(alert.remedy),
            "anchor": str(form[alert.item].oid),
        }
        for alert in alerts
    ]


class EditPage(DetailPage):
    """Base of the pages with one form.

    A subclass says with ``schema`` what is asked, with ``title`` what the page is called and with
    ``view_permission`` what the reader must hold to see the values that the form starts from.
    """

    schema: type[PortalSchema]
    title: str
    view_permission: Permission | None = None
    field_of: ClassVar[Mapping[str, str]] = {}

    def form(self) -> PortalForm:
        """Return the form, not yet filled."""
        if self.view_permission is not None and not self.may(self.view_permission):
            raise HTTPForbidden
        schema = self.schema().bind(request=self.request, today=self.request.today)
        cancel = deform.Button("cancel", _("Cancel"), type="link", value=self.back())
        return PortalForm(schema, buttons=(deform.Button("save", _("Save")), cancel), formid=FORM_ID)

    def back(self) -> str:
        """Return where the reader goes after saving, or instead of it."""
        return self.url

    def notice(self) -> str | None:
        """Return a sentence to show above the form."""
        return None

    def show_form(self, form: PortalForm, **values: Any) -> dict[str, Any]:
        """Return the page of the form as it stands."""
        notice = self.notice()
        return self.page(
            self.title,
            **{
                "form_html": form.render(),
                "notice": self.words.say(notice) if notice else None,
                "alerts": [],
                "conflict": None,
                **values,
            },
        )

    def save(
        self,
        deed: Callable[[Values], Change],
        *,
        read: Callable[[Values], Values] = dict,
    ) -> dict[str, Any] | Response:
        """Validate what was posted, do the deed, and go back; or show the form again with what is wrong.

        :param read: turns the form's values into the items that the deed changes; ``revision`` and ``reason``
            pass through.
        :param deed: gets those items, saves them, and raises as ``services.detail_changes`` tells.
        """
        form = self.form()
        try:
            typed = read(form.validate(self.request.POST.items()))
        except deform.ValidationFailure:
            return self.refused(form)
        try:
            change = deed(typed)
        except ReasonNeededError as needed:
            return self.needs_reason(form, needed.alerts)
        except ChangedMeanwhileError as newer:
            return self.outdated(form, typed, newer)
        self.request.flash("success" if change else "info", SAVED if change else UNCHANGED)
        return HTTPSeeOther(self.back())

    def refused(self, form: PortalForm, **messages: str) -> dict[str, Any]:
        """Show the form again, its errors marked; ``messages`` by field name come on top."""
        if messages:
            form.failure(messages)
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self.show_form(form)

    def needs_reason(self, form: PortalForm, alerts: Sequence[Alert]) -> dict[str, Any]:
        """Show what is unusual and ask for the reason."""
        form.failure({"reason": GIVE_REASON})
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self.show_form(form, alerts=alert_lines(self.words, form, alerts))

    def outdated(self, form: PortalForm, typed: Values, newer: ChangedMeanwhileError) -> dict[str, Any]:
        """Show what stands now beside what was typed; a second save is made from what stands now."""
        form["revision"].cstruct = str(newer.revision)
        self.request.response.status_int = HTTPStatus.CONFLICT
        lines = [
            {
                "label": self.words.say(form[self.field_of.get(item, item)].title),
                "stored": self.value_of(item, value),
                "typed": self.value_of(item, typed[item]),
            }
            for item, value in newer.stored.items()
            if (value or None) != (typed[item] or None)
        ]
        return self.show_form(form, conflict=lines)
