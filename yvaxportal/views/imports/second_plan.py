"""Which rows of a file are typed a second time, and how far two entries agree."""

import secrets
from http import HTTPStatus
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.forms.import_labels import FIELDS
from yvaxportal.forms.mismatch_labels import CHOICES
from yvaxportal.models.codes import ImportState, SecondEntryChoice
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ImportRows
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.layouts import SECOND_ENTRY_FIELDS
from yvaxportal.services.imports.second_entry import FieldAgreement, agreement
from yvaxportal.services.imports.second_plans import Choice, choose, plan_of
from yvaxportal.values.binomial import interval
from yvaxportal.values.text import _
from yvaxportal.views.mismatch.words import MismatchWords

_OPEN = frozenset({ImportState.CHECKED, ImportState.APPLIED})
_CONFIDENCE = 0.95


@view_defaults(context=ImportRows, name="second-entry")
class SecondPlanView:
    """The plan, and what came of it."""

    def __init__(self, context: ImportRows, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = MismatchWords(request)
        self.batch = context.batch

    @view_config(
        request_method="GET",
        permission=Permission.IMPORT_VIEW,
        renderer="yvaxportal:templates/mismatch/second_plan.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the plan, the form, and the agreement so far."""
        return self._page()

    @view_config(
        request_method="POST",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/mismatch/second_plan.pt",
    )
    def choose(self) -> dict[str, Any] | Response:
        """Choose the rows anew; those that somebody typed already stay."""
        request = self.request
        chosen = request.POST.get("chosen", "")
        choice = None
        if chosen != "none":
            choice = self._choice(chosen)
            if choice is None:
                request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
                problem = _("Give a whole number from 1 to 100, and at least one field.")
                return {**self._page(), "problem": self.words.say(problem)}
        count = choose(
            request.db,
            request.audit,
            self.batch.id,
            choice,
            seed=secrets.token_hex(8),
            staff_id=request.identity.staff_id,
            now=request.now,
        )
        request.flash("success", _("${count} rows wait for the second entry.", mapping={"count": count}))
        return HTTPSeeOther(f"{request.resource_path(self.context)}second-entry")

    def _choice(self, chosen: str) -> Choice | None:
        try:
            which = SecondEntryChoice(chosen)
        except ValueError:
            raise HTTPBadRequest from None
        fields = tuple(self.request.POST.getall("field"))
        if any(field not in self._fields() for field in fields):
            raise HTTPBadRequest
        number = self.request.POST.get("number", "").strip()
        if which is not SecondEntryChoice.ALL:
            if not (number.isascii() and number.isdigit() and 1 <= int(number[:4]) <= 100):  # noqa: PLR2004
                return None
            value = int(number)
            if which is SecondEntryChoice.DOUBT:
                return Choice(which, fields, from_points=value) if fields else None
            return Choice(which, fields, percent=value) if fields else None
        return Choice(which, fields) if fields else None

    def _fields(self) -> list[str]:
        """Return the fields that the file has, in the order in which pages show them."""
        held = {slot.partition(".")[0] for slot in self.batch.mapping}
        return [name for name in FIELDS if name in held]

    def _page(self) -> dict[str, Any]:
        request, batch = self.request, self.batch
        plan = plan_of(request.db, batch.id)
        chosen = plan.fields if plan else SECOND_ENTRY_FIELDS
        return {
            "base": request.resource_path(self.context),
            "batch": batch,
            "batch_url": request.resource_path(self.context.file),
            "list_url": request.resource_path(self.context.file.__parent__),
            "files_url": request.resource_path(request.root, "second-entry", ""),
            "problem": "",
            "may_choose": batch.state in _OPEN
            and bool(request.has_permission(Permission.IMPORT_REVIEW, self.context)),
            "plan": plan,
            "plan_text": self.words.say(CHOICES[plan.chosen]) if plan else "",
            "plan_number": (plan.from_points or plan.percent or "") if plan else "",
            "choices": [(one.value, self.words.say(label)) for one, label in CHOICES.items()],
            "fields": [
                {"name": name, "label": self.words.field(name), "chosen": name in chosen}
                for name in self._fields()
            ],
            "agreement": [self._agreed(one) for one in agreement(request.db, batch.id)],
        }

    def _agreed(self, one: FieldAgreement) -> dict[str, str]:
        low, high = interval(one.agreed, one.typed, _CONFIDENCE)
        return {
            "label": self.words.field(one.field),
            "typed": f"{one.typed:,}",
            "agreed": f"{one.agreed:,}",
            "share": f"{one.agreed * 100 / one.typed:.1f} %",
            "interval": f"{low * 100:.1f} ～ {high * 100:.1f} %",
            "first": f"{one.first_right:,}",
            "second": f"{one.second_right:,}",
            "neither": f"{one.neither:,}",
        }
