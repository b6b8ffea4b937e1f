"""Asking for letters to the people of a list: what they say, looked at as a sample, then asked for."""

import base64
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import colander
import deform
from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.documents.fonts import FontMissingError
from yvaxportal.documents.preview import preview
from yvaxportal.documents.setting import FormOverflowError, MeasureError, TemplateError
from yvaxportal.forms.letters import new_run_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import LetterKind
from yvaxportal.outputs.gate import OutputRefusedError
from yvaxportal.outputs.letter_requests import request_letters
from yvaxportal.outputs.letter_sample import sample_letter
from yvaxportal.outputs.press import SenderUnknownError
from yvaxportal.programme.schedule import Programme
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Letters, is_id
from yvaxportal.security.permissions import Permission
from yvaxportal.services.extraction.lists import ListRow, counts_of, list_of
from yvaxportal.services.letters.runs import RunRefusedError
from yvaxportal.values.fiscal import fiscal_year_end
from yvaxportal.values.text import _
from yvaxportal.views.letters.words import DEFAULT_TITLES, LetterWords

_OPTIONS = ("place", "fee", "bring", "note", "ticket_kind", "files")
_FIELDS = {
    "facts": ("place", _("The table of facts is too long for the letter. Shorten it.")),
    "note": ("note", _("Too long for the letter. Shorten it.")),
    "opening": ("title", _("Too long for the letter. Shorten it.")),
    "programme": ("title", _("The name of the programme is too long for this letter.")),
    "municipality": ("title", _("The name of the municipality is too long for this letter.")),
    "title": ("title", _("Too long for the letter. Shorten it.")),
}


def problem_of(error: Exception) -> str:
    """Return in words why nothing can be printed at all; what is missing is named."""
    text: str
    match error:
        case FontMissingError():
            text = _(
                "Fonts are missing on this machine: ${names}. Ask the administrator to install them.",
                mapping={"names": ", ".join(error.families)},
            )
        case SenderUnknownError():
            text = _(
                "The settings do not say who sends the letters: ${names}. Ask the administrator.",
                mapping={"names": ", ".join(error.names)},
            )
        case TemplateError() | MeasureError():
            text = _(
                "The template “${name}” has a mistake. Ask the administrator: `yvax letters check` shows it.",
                mapping={"name": error.template},
            )
        case _:
            raise error
    return text


@view_defaults(
    context=Letters,
    name="new",
    permission=Permission.LETTER_MAKE,
    renderer="yvaxportal:templates/letters/new.pt",
)
class NewLetters:
    """The form, the sample, the request."""

    def __init__(self, context: Letters, request: PortalRequest) -> None:
        # Letters leave the portal: whoever may ask for no file may ask for no letters.
        if Permission.OUTPUT_REQUEST not in request.own_permissions:
            raise HTTPForbidden
        self.context, self.request = context, request
        self.words = LetterWords(request)
        self.here = request.resource_path(context)
        self.list = self._list()
        programme = request.portal.schedule.get(self.list.programme)
        if programme is None:
            raise HTTPNotFound
        self.programme: Programme = programme

    @view_config(request_method="GET")
    def ask(self) -> dict[str, Any]:
        """Show the form with what is usual."""
        form = self._form()
        today = self.request.today
        form.set_appstruct(
            {
                "kind": LetterKind.TICKET.value,
                "title": f"{self.programme.name_ja}{DEFAULT_TITLES[LetterKind.TICKET]}"[:40],
                "printed_for": today,
                "until": fiscal_year_end(today),
                "place": "市内の指定医療機関",
                "fee": "無料" if self._is_free() else colander.null,
                "bring": "この接種券、母子健康手帳、住所が確認できるもの",
                "ticket_kind": "2",
                "files": "one",
                "purpose": "接種対象者への個別通知",
            }
        )
        return self._page(form)

    @view_config(request_method="POST")
    def run(self) -> dict[str, Any] | Response:
        """Show a sample, or ask for the letters."""
        form = self._form()
        try:
            values: dict[str, Any] = dict(form.validate(self.request.POST.items()))
        except deform.ValidationFailure:
            return self._again(form)
        kind = LetterKind(values["kind"])
        options = {
            "until": values["until"].isoformat(),
            **{name: values[name] or "" for name in _OPTIONS},
        }
        try:
            pages = self._sample(kind, values, options)
        except FormOverflowError as error:
            field, text = _FIELDS.get(error.fields[0], ("title", _("Too long for the letter. Shorten it.")))
            form.failure({field: text})
            return self._again(form)
        except (FontMissingError, SenderUnknownError, TemplateError, MeasureError) as error:
            self.request.response.status_int = HTTPStatus.CONFLICT
            return self._page(form, problem=problem_of(error))
        if "preview" in self.request.POST:
            return self._page(form, pages=pages)
        return self._ask(form, kind, values, options)

    def _ask(
        self, form: PortalForm, kind: LetterKind, values: Mapping[str, Any], options: Mapping[str, Any]
    ) -> dict[str, Any] | Response:
        request = self.request
        try:
            run = request_letters(
                request.db,
                request.audit,
                kind=kind,
                title=values["title"],
                purpose=values["purpose"],
                programme=self.programme.code,
                printed_for=values["printed_for"],
                options=options,
                staff_id=request.identity.staff_id,
                now=request.now,
                extraction_id=self.list.id,
            )
        except (RunRefusedError, OutputRefusedError) as error:
            request.response.status_int = HTTPStatus.CONFLICT
            return self._page(form, problem=self.words.refusal(error.rule))
        request.flash("success", _("The letters were asked for. They are made in the background."))
        return HTTPSeeOther(f"{self.here}{run.id}/")

    def _sample(self, kind: LetterKind, values: Mapping[str, Any], options: Mapping[str, Any]) -> list[bytes]:
        press = self.request.portal.press
        data = sample_letter(
            press,
            self.programme,
            kind=kind,
            title=values["title"],
            printed_for=values["printed_for"],
            options=dict(options),
        )
        return preview(press.typesetter, kind.value, data, now=self.request.now)

    def _again(self, form: PortalForm) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(form)

    def _is_free(self) -> bool:
        rule = self.programme.rule_on(self.request.today)
        return rule is not None and rule.fee == "free"

    def _list(self) -> ListRow:
        written = self.request.params.get("extraction", "")
        row = list_of(self.request.db, int(written)) if is_id(written) else None
        if row is None:
            raise HTTPNotFound
        return row

    def _form(self) -> PortalForm:
        buttons = (
            deform.Button("preview", _("Look at a sample"), css_class="btn-secondary"),
            deform.Button("ask", _("Ask for the letters"), css_class="btn-primary"),
            deform.Button("cancel", _("Cancel"), type="link", value=self.here),
        )
        return PortalForm(
            new_run_schema(self.request, tuple(LetterKind)),
            buttons=buttons,
            formid="letters",
            action=f"{self.here}new?extraction={self.list.id}",
        )

    def _page(
        self, form: PortalForm, *, pages: list[bytes] | None = None, problem: str = ""
    ) -> dict[str, Any]:
        counts = counts_of(self.request.db, self.list.id)
        say = self.words.say
        return {
            "base": self.here,
            "form_html": form.render(),
            "list_title": self.list.title,
            "facts": [
                {"label": say(_("List of targets")), "value": f"{self.list.id}: {self.list.title}"},
                {"label": say(_("Programme")), "value": self.words.programme(self.programme.code)},
                {"label": say(_("On the list")), "value": f"{counts.on_list:,}"},
                {"label": say(_("Support measure")), "value": f"{counts.protected:,}"},
            ],
            "pages": [base64.b64encode(page).decode("ascii") for page in pages or ()],
            "problem": self.words.say(problem) if problem else "",
        }
