"""One run of letters: the counts, who was held and why, what was sent and what was spoiled."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import deform
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.base import PortalSchema
from yvaxportal.forms.letters import release_schema, sent_schema, spoiled_schema, supplement_schema
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import LetterRunState, LetterState
from yvaxportal.outputs.gate import OutputRefusedError
from yvaxportal.outputs.letter_requests import request_letters
from yvaxportal.request import PortalRequest
from yvaxportal.resources import LetterRunNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.letters.book import Counts, counts_of
from yvaxportal.services.letters.reasons import Held, Spoiled
from yvaxportal.services.letters.runs import (
    PAGE_SIZE,
    LetterRow,
    RunRefusedError,
    letters_of,
    supplements_of,
)
from yvaxportal.services.letters.settling import SettleRefusedError, mark_sent, mark_spoiled, release
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.extractions.listing import cursor_of
from yvaxportal.views.letters.words import LetterWords

PAGE = "yvaxportal:templates/letters/run.pt"
_MADE = frozenset({LetterRunState.MADE, LetterRunState.SENT, LetterRunState.CANCELLED})
_NOT_PRINTED = (LetterState.HELD, LetterState.DROPPED)
Deed = Callable[[Mapping[str, Any]], int | None]


@view_defaults(context=LetterRunNode, renderer=PAGE)
class RunPage:
    """The page of one run, and what can be done with it."""

    def __init__(self, context: LetterRunNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.run = context.run
        self.words = LetterWords(request)
        self.here = request.resource_path(context)

    @view_config(request_method="GET", permission=Permission.LETTER_VIEW)
    def show(self) -> dict[str, Any]:
        """Show how the run stands; names only to whoever may see residents."""
        return self._page({})

    @view_config(name="sent", request_method="POST", permission=Permission.LETTER_MAKE)
    def sent(self) -> dict[str, Any] | Response:
        """Record which letters were posted."""

        def deed(values: Mapping[str, Any]) -> int:
            return mark_sent(self.request.db, self.request.audit, **self._who(), **values)

        return self._do("sent", deed, _("${count} letters were marked as sent."))

    @view_config(name="spoiled", request_method="POST", permission=Permission.LETTER_MAKE)
    def spoiled(self) -> dict[str, Any] | Response:
        """Record which letters are not sent, and why."""

        def deed(values: Mapping[str, Any]) -> int:
            return mark_spoiled(
                self.request.db,
                self.request.audit,
                **self._who(),
                first=values["first"],
                last=values["last"],
                reason=Spoiled(values["reason"]),
                detail=values["detail"] or "",
            )

        return self._do("spoiled", deed, _("${count} letters were marked as spoiled."))

    @view_config(name="release", request_method="POST", permission=Permission.LETTER_RELEASE)
    def release(self) -> dict[str, Any] | Response:
        """Let one held letter be printed."""

        def deed(values: Mapping[str, Any]) -> None:
            release(
                self.request.db,
                self.request.audit,
                **self._who(),
                resident_id=values["resident"],
                reason=values["reason"],
            )

        return self._do("release", deed, _("The letter was released. A supplement run prints it."))

    @view_config(name="supplement", request_method="POST", permission=Permission.LETTER_MAKE)
    def supplement(self) -> dict[str, Any] | Response:
        """Ask for what this run held, where it may be printed now, and for what was spoiled."""
        request, run = self.request, self.run
        if Permission.OUTPUT_REQUEST not in request.own_permissions:
            raise HTTPForbidden
        form = self._form("supplement")
        try:
            values: dict[str, Any] = dict(form.validate(request.POST.items()))
        except deform.ValidationFailure:
            return self._again({"supplement": form})
        try:
            added = request_letters(
                request.db,
                request.audit,
                kind=run.kind,
                title=run.title,
                purpose=values["purpose"],
                programme=run.programme,
                printed_for=values["printed_for"],
                options={name: value for name, value in run.options.items() if name != "ticket"},
                staff_id=request.identity.staff_id,
                now=request.now,
                extraction_id=run.extraction_id,
                supplement_of=run.id,
            )
        except (RunRefusedError, OutputRefusedError) as error:
            return self._refused({"supplement": form}, self.words.refusal(error.rule))
        request.flash("success", _("The letters were asked for. They are made in the background."))
        return HTTPSeeOther(request.resource_path(self.context.__parent__, str(added.id), ""))

    def _do(self, name: str, deed: Deed, done: str) -> dict[str, Any] | Response:
        form = self._form(name)
        try:
            values = form.validate(self.request.POST.items())
        except deform.ValidationFailure:
            problem = self.words.refusal("reason") if name == "release" else ""
            return self._again({name: form}, problem)
        try:
            count = deed(values)
        except SettleRefusedError as error:
            return self._refused({name: form}, self.words.refusal(error.rule))
        text = done if count is None else _(done, mapping={"count": f"{count:,}"})
        self.request.flash("success", text)
        return HTTPSeeOther(self.here)

    def _who(self) -> dict[str, Any]:
        return {
            "run_id": self.run.id,
            "staff_id": self.request.identity.staff_id,
            "now": self.request.now,
        }

    def _again(self, forms: Mapping[str, PortalForm], problem: str = "") -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(forms, problem)

    def _refused(self, forms: Mapping[str, PortalForm], problem: str) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.CONFLICT
        return self._page(forms, problem)

    def _form(self, name: str) -> PortalForm:
        schemas: Mapping[str, tuple[Callable[[PortalRequest], PortalSchema], str]] = {
            "sent": (sent_schema, _("Mark as sent")),
            "spoiled": (spoiled_schema, _("Mark as spoiled")),
            "release": (release_schema, _("Release")),
            "supplement": (supplement_schema, _("Ask for the supplement")),
        }
        schema, button = schemas[name]
        return PortalForm(
            schema(self.request),
            action=f"{self.here}{name}",
            buttons=(deform.Button(name, button, css_class="btn-secondary"),),
            formid=name,
            focus="off",
        )

    def _page(self, forms: Mapping[str, PortalForm], problem: str = "") -> dict[str, Any]:
        request, run = self.request, self.run
        made = run.state in _MADE
        counts = counts_of(request.db, [run.id])[run.id]
        sees_people = Permission.RESIDENT_VIEW in request.own_permissions
        after = cursor_of(request, "after") or 0
        rows = letters_of(request.db, run.id, _NOT_PRINTED, after=after, limit=PAGE_SIZE + 1) if made else ()
        if rows and sees_people:
            request.audit.record(
                Action.LETTERS_VIEWED, subject=f"letters:{run.id}", detail={"people": len(rows[:PAGE_SIZE])}
            )
        state, kind = self.words.state(run)
        return {
            "base": self.here,
            "run": run,
            "all_runs": request.resource_path(request.root, "letters", ""),
            "state": state,
            "kind": kind,
            "problem": problem,
            "made": made,
            "unprinted": run.state is LetterRunState.CANCELLED,
            "counts": self._counts(counts) if made else [],
            "open": counts.open,
            "facts": self._facts(),
            "output_url": request.resource_path(request.root, "outputs", str(run.output_id), "")
            if run.output_id
            else None,
            "sees_people": sees_people,
            "rows": [self._row(row, sees_people=sees_people) for row in rows[:PAGE_SIZE]],
            "previous_url": self.here if after else None,
            "next_url": f"{self.here}?after={rows[PAGE_SIZE - 1].resident_id}"
            if len(rows) > PAGE_SIZE
            else None,
            "supplements": [
                {"id": one.id, "url": f"../{one.id}/", "state": self.words.state(one)[0]}
                for one in supplements_of(request.db, run.id)
            ],
            "forms": self._forms(counts, forms) if made else {},
        }

    def _forms(self, counts: Counts, given: Mapping[str, PortalForm]) -> dict[str, str]:
        may_make = bool(self.request.has_permission(Permission.LETTER_MAKE, self.context))
        forms: dict[str, PortalForm] = {}
        if may_make and counts.open:
            forms |= {"sent": self._form("sent"), "spoiled": self._form("spoiled")}
            forms["sent"].set_appstruct({"first": 1, "last": counts.printed})
        may_ask = may_make and Permission.OUTPUT_REQUEST in self.request.own_permissions
        unprinted = self.run.state is LetterRunState.CANCELLED
        if may_ask and not unprinted and (counts.held or counts.spoiled):
            forms["supplement"] = self._form("supplement")
            forms["supplement"].set_appstruct(
                {"printed_for": self.request.today, "purpose": "接種対象者への個別通知（保留分）"}
            )
        # What is wrong with a release stands above the list, where it was asked for.
        forms.update({name: form for name, form in given.items() if name != "release"})
        return {name: form.render() for name, form in forms.items()}

    def _counts(self, counts: Counts) -> list[dict[str, str]]:
        say = self.words.say
        figures = (
            (_("On the list"), counts.extracted),
            (_("Printed"), counts.printed),
            (_("Held back"), counts.held),
            (_("Dropped"), counts.dropped),
            (_("Sent"), counts.sent),
            (_("Spoiled"), counts.spoiled),
            (_("Not yet sent"), counts.open),
        )
        return [{"label": say(label), "value": f"{figure:,}"} for label, figure in figures]

    def _facts(self) -> list[dict[str, str]]:
        run, words = self.run, self.words
        listed = f"{run.extraction_id}: {run.extraction_title}" if run.extraction_id else ""
        facts = [
            (_("Kind of letter"), words.code(run.kind)),
            (_("Programme"), words.programme(run.programme)),
            (_("Day on the letters"), words.day(run.printed_for)),
            (_("List of targets"), listed),
            (_("Supplement of run"), str(run.supplement_of) if run.supplement_of else ""),
            (_("Asked for by"), f"{run.requested_by}, {format_jst(run.requested_at)}"),
            (_("Made"), format_jst(run.finished_at) if run.finished_at else ""),
            (_("SHA-256 of the data"), run.data_sha256 or ""),
            (_("SHA-256 of the templates"), run.template_sha256 or ""),
        ]
        return [{"label": words.say(label), "value": value} for label, value in facts if value]

    def _row(self, row: LetterRow, *, sees_people: bool) -> dict[str, Any]:
        held = row.state is LetterState.HELD
        own = self.run.requested_by_id == self.request.identity.staff_id
        may_release = bool(self.request.has_permission(Permission.LETTER_RELEASE, self.context))
        url = self.request.resource_path(self.request.root, "residents", row.atena_number, "")
        return {
            "resident_id": row.resident_id,
            "number": row.atena_number if sees_people else "",
            "name": row.name if sees_people else "",
            "url": url if sees_people else None,
            "state": self.words.code(row.state),
            "kind": "soon" if held else "neutral",
            "reason": self.words.reason(row.reason),
            "detail": self._detail(row),
            "released": f"{row.released_by}, {format_jst(row.released_at)}" if row.released_at else "",
            "may_release": may_release and not own and _waits(row),
        }

    def _detail(self, row: LetterRow) -> str:
        if row.reason == Held.OVERFLOW and row.detail:
            return "、".join(self.words.say(FIELDS.get(name, name)) for name in row.detail.split(","))
        return row.detail or ""


FIELDS = {
    "address": _("Address"),
    "addressee": _("Addressee"),
    "name": _("Name"),
    "vaccine": _("Vaccine"),
    "lot": _("Lot number"),
    "institution": _("Medical institution"),
    "page": _("More pages than the others"),
}


def _waits(row: LetterRow) -> bool:
    """Tell whether a letter waits for a second person."""
    return row.state is LetterState.HELD and row.reason == Held.SUPPORT_MEASURE and row.released_at is None
