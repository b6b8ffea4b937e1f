"""One file of doses: its mapping, how far a run is, what came of it, and what can be done next."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.import_labels import BLOCKERS, ENCODINGS, FORMATS, OUTCOMES, PHASES, RESULTS, STATES
from yvaxportal.models.codes import ImportDecision, ImportOutcome, ImportRowState, ImportState
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ImportNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.acknowledging import acknowledgement
from yvaxportal.services.imports.applying import count_to_apply
from yvaxportal.services.imports.desk import (
    NotNowError,
    ask_for_apply,
    ask_for_check,
    ask_for_end,
    ask_for_undo,
    look_into,
    same_file,
    withdraw,
)
from yvaxportal.services.imports.layouts import Layout
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError
from yvaxportal.services.imports.queue import (
    MOST_COUNTED,
    open_counts,
    outcomes,
    progress_of,
    returned_page,
    senders,
)
from yvaxportal.services.imports.source import FileRefusedError
from yvaxportal.services.imports.undoing import blockers
from yvaxportal.services.waking import RUN_IMPORTS, wake
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _, contains_personal_number
from yvaxportal.views.imports.words import ImportWords

_RUNNING = frozenset({ImportState.CHECKING, ImportState.APPLYING, ImportState.UNDOING})
_WITHDRAWABLE = frozenset({ImportState.UPLOADED, ImportState.CHECKED, ImportState.REFUSED})
_BLOCKED = frozenset({"undo_blocked", "undo_partly"})
_MOST_BLOCKED = 50
_LONGEST_REASON = 200
_MOST_COLUMNS = 500
_RETURNED = (ImportDecision.RETURN, ImportDecision.REFUSE)


@view_defaults(context=ImportNode)
class ImportView:
    """The page, and the four steps."""

    def __init__(self, context: ImportNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.batch = context.batch
        self.words = ImportWords(request)
        self.layout: Layout | None = request.portal.import_layouts.get(self.batch.layout)

    @view_config(
        request_method="GET",
        permission=Permission.IMPORT_VIEW,
        renderer="yvaxportal:templates/imports/batch.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show how the file stands."""
        return self._page()

    @view_config(name="progress", request_method="GET", permission=Permission.IMPORT_VIEW, renderer="json")
    def progress(self) -> dict[str, Any]:
        """Return how far the run is, for the page that waits."""
        return self._progress()

    @view_config(
        name="check",
        request_method="POST",
        permission=Permission.IMPORT_SEND,
        renderer="yvaxportal:templates/imports/batch.pt",
    )
    def check(self) -> dict[str, Any] | Response:
        """Settle encoding and columns, and let the rows be judged."""
        request, batch = self.request, self.batch
        encoding, mapping = request.POST.get("encoding") or None, self._mapping()
        if batch.format != "xlsx" and encoding not in self._encodings():
            return self._again(_("Choose the encoding: look at the preview."))
        try:
            lacking = ask_for_check(
                request.db,
                request.audit,
                request.portal.bureau,
                batch.id,
                encoding=encoding if batch.format != "xlsx" else None,
                mapping=mapping,
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except NotNowError:
            return self._late()
        if lacking:
            names = "、".join(self.words.field(slot) for slot in lacking)
            return self._again(_("Say which column these are in: ${names}", mapping={"names": names}))
        self._run_soon()
        return self._back()

    @view_config(name="apply", request_method="POST", permission=Permission.IMPORT_APPLY)
    def apply(self) -> Response:
        """Let the rows be recorded."""
        request = self.request
        try:
            ask_for_apply(
                request.db,
                request.audit,
                self.batch.id,
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except NotNowError:
            return self._late()
        self._run_soon()
        return self._back()

    @view_config(name="undo", request_method="POST", permission=Permission.IMPORT_UNDO)
    def undo(self) -> Response:
        """Let the whole import be taken back, with a reason."""
        request = self.request
        reason = request.POST.get("reason", "").strip()
        if not reason or len(reason) > _LONGEST_REASON or contains_personal_number(reason):
            request.flash("error", _("Give a reason of up to 200 characters, without any personal number."))
            return self._back()
        try:
            ask_for_undo(
                request.db,
                request.audit,
                self.batch.id,
                staff_id=request.identity.staff_id,
                reason=reason,
                partly=request.POST.get("partly") == "yes",
                now=request.now,
            )
        except NotNowError:
            return self._late()
        self._run_soon()
        return self._back()

    @view_config(name="withdraw", request_method="POST", permission=Permission.IMPORT_SEND)
    def withdraw(self) -> Response:
        """Give the file up and wipe it."""
        try:
            withdraw(self.request.db, self.request.audit, self.batch.id, now=self.request.now)
        except NotNowError:
            return self._late()
        self.request.flash("success", _("Withdrawn. The file was wiped; nothing was recorded."))
        return self._back()

    @view_config(name="cancel", request_method="POST", permission=Permission.IMPORT_VIEW)
    def cancel(self) -> Response:
        """Ask the run to stop; the sender may stop a check, and whoever may apply or undo, that."""
        needed = {
            ImportState.CHECKING: Permission.IMPORT_SEND,
            ImportState.APPLYING: Permission.IMPORT_APPLY,
            ImportState.UNDOING: Permission.IMPORT_UNDO,
        }.get(self.batch.state)
        if needed is None or not self.request.has_permission(needed, self.context):
            return self._late()
        ask_for_end(self.request.db, self.batch.id)
        self.request.flash("info", _("The run stops at its next step; what it did is taken back."))
        return self._back()

    @view_config(name="acknowledgement.csv", request_method="GET", permission=Permission.IMPORT_VIEW)
    def acknowledgement(self) -> Response:
        """Give the acknowledgement, a line a row."""
        request, batch = self.request, self.batch
        request.audit.record(Action.IMPORT_ACKNOWLEDGED, subject=f"import:{batch.id}")
        key = self.layout.key if self.layout else ""
        lines = acknowledgement(
            request.db, batch.id, key, lambda name: self.words.say(RESULTS[name]), self.words.reason
        )
        response = Response(content_type="text/csv", charset="utf-8")
        # Read now: the transaction does not outlive the view.
        response.body = b"".join(lines)
        response.content_disposition = f'attachment; filename="acknowledgement-{batch.id}.csv"'
        return response

    def _run_soon(self) -> None:
        """Ask a worker once what was asked for is there; without this the next minute's run finds it."""
        # Several runs at once: each takes the batches that no other has.
        wake(self.request.db, RUN_IMPORTS, self.request.now, alone=False)

    def _mapping(self) -> dict[str, int]:
        """Return slot → column of the form; 400 for anything that is no column."""
        slots = {slot for slot, _column, _block in self.layout.slots()} if self.layout else set()
        mapping = {}
        for name, text in self.request.POST.items():
            if name in {"csrf_token", "encoding", "check"}:
                continue
            slot = name.removeprefix("column.")
            if slot not in slots:
                raise HTTPBadRequest
            if text == "":
                continue
            if not (text.isascii() and text.isdigit() and int(text) < _MOST_COLUMNS):
                raise HTTPBadRequest
            mapping[slot] = int(text)
        return mapping

    def _encodings(self) -> Sequence[str]:
        """Return what the file may be read in: what was found, else all of the layout's."""
        if self.batch.encoding is not None:
            return [self.batch.encoding]
        found = [one["encoding"] for one in self.batch.encodings]
        allowed = self.layout.encodings if self.layout else ()
        return [encoding for encoding in found if encoding in allowed]

    def _again(self, problem: str) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(problem)

    def _late(self) -> Response:
        self.request.flash("info", _("It stands otherwise by now. Look at the page again."))
        return self._back()

    def _back(self) -> Response:
        return HTTPSeeOther(self.request.resource_path(self.context))

    def _page(self, problem: str = "") -> dict[str, Any]:
        request, batch = self.request, self.batch
        label, kind = STATES[batch.state]
        may = {
            name: bool(request.has_permission(permission, self.context))
            for name, permission in (
                ("send", Permission.IMPORT_SEND),
                ("apply", Permission.IMPORT_APPLY),
                ("undo", Permission.IMPORT_UNDO),
                ("rows", Permission.IMPORT_VIEW),
            )
        }
        may["rows"] = bool(request.has_permission(Permission.IMPORT_VIEW, self.context["rows"]))
        page: dict[str, Any] = {
            "base": request.resource_path(self.context),
            "list_url": request.resource_path(self.context.__parent__),
            "desk_url": request.resource_path(request.root, "mismatch", ""),
            "batch": batch,
            "state": self.words.say(label),
            "kind": kind,
            "layout_name": self.words.layout(self.layout, batch.layout),
            "format_name": self.words.say(FORMATS[batch.format]),
            "encoding_name": ENCODINGS.get(batch.encoding or "", ""),
            "sender": senders(request.db, [batch.uploaded_by]).get(batch.uploaded_by, ""),
            "uploaded": format_jst(batch.uploaded_at),
            "size": f"{batch.size:,}",
            "may": may,
            "problem": self.words.say(problem) if problem else "",
            "trouble": self.words.problem_of(batch),
            "refusal": self.words.refusal(batch) if batch.refusal else None,
            "running": batch.state in _RUNNING,
            "may_withdraw": may["send"] and batch.state in _WITHDRAWABLE,
            "same": same_file(request.db, batch) if self.context.is_own or may["rows"] else (),
            "step": self._step(),
        }
        page["progress"] = self._progress() if page["running"] else None
        page["blocked"] = self._blocked() if batch.problem in _BLOCKED and may["rows"] else []
        page["mapping"] = self._mapping_form() if batch.state is ImportState.UPLOADED else None
        page["outcome"] = self._outcome() if batch.counts and not page["running"] else None
        return page

    def _step(self) -> int:
        """Return which of the four steps the file is at."""
        state = self.batch.state
        if state is ImportState.UPLOADED:
            return 2
        if state in {ImportState.CHECKING, ImportState.CHECKED}:
            return 3
        return 1 if state in {ImportState.REFUSED, ImportState.WITHDRAWN} else 4

    def _progress(self) -> dict[str, Any]:
        found = progress_of(self.request.db, self.batch.id)
        running = self.batch.state in _RUNNING
        if found is None:
            return {"running": running, "phase": "", "done": 0, "total": 0, "text": ""}
        text = f"{found.done:,}" if not found.total else f"{found.done:,} / {found.total:,}"
        return {
            "running": running,
            "phase": self.words.say(PHASES.get(found.phase, found.phase)),
            "done": found.done,
            "total": found.total or 0,
            "text": text,
        }

    def _blocked(self) -> list[dict[str, Any]]:
        """Return the first rows on which something later depends, and what."""
        found = blockers(self.request.db.connection(), self.request.portal.catalogue, self.batch.id)
        return [
            {
                "number": number,
                "url": self.request.resource_path(self.context, "rows", str(number), ""),
                "why": " ".join(self.words.say(BLOCKERS[code]) for code in codes),
            }
            for number, codes in sorted(found.items())[:_MOST_BLOCKED]
        ]

    def _mapping_form(self) -> dict[str, Any] | None:
        """Return the form of the second step: the beginning of the file, and a choice for each item."""
        if self.layout is None:
            return None
        wanted = self.request.GET.get("encoding") or self.request.POST.get("encoding") or None
        encodings = self._encodings()
        encoding = wanted if wanted in encodings else None
        try:
            look = look_into(self.request.db, self.request.portal.bureau, self.batch, encoding)
        except (FileRefusedError, PersonalNumberFoundError):
            return {"unreadable": True, "encodings": self._encoding_choices(encodings, encoding)}
        columns = self._columns(look.headings, look.records)
        chosen: Mapping[str, int] = look.suggested
        slots = [
            {
                "slot": slot,
                "label": self.words.field(slot),
                "required": column.required and block <= 1 and column.field not in self.layout.defaults,
                "value": chosen.get(slot, ""),
            }
            for slot, column, block in self.layout.slots()
        ]
        return {
            "unreadable": False,
            "encodings": self._encoding_choices(encodings, encoding or self.batch.encoding),
            "columns": columns,
            "slots": slots,
            "preview": [
                (record.line, list(record.cells), self.words.reason([record.fault, record.facts]))
                if record.fault
                else (record.line, list(record.cells), "")
                for record in look.records
            ],
        }

    def _encoding_choices(self, encodings: Sequence[str], chosen: str | None) -> list[dict[str, Any]]:
        broken = {one["encoding"]: one["broken"] for one in self.batch.encodings}
        return [
            {
                "value": encoding,
                "label": ENCODINGS[encoding],
                "broken": broken.get(encoding, 0),
                "chosen": encoding == chosen,
            }
            for encoding in encodings
        ]

    def _columns(self, headings: Sequence[str], records: Sequence[Any]) -> list[tuple[int, str]]:
        width = max([len(headings), *(len(record.cells) for record in records)], default=0)
        named = [headings[index] if index < len(headings) else "" for index in range(width)]
        return [
            (index, f"{index + 1}: {name}" if name else str(index + 1)) for index, name in enumerate(named)
        ]

    def _outcome(self) -> dict[str, Any]:
        """Return what the check found and what became of it, as a bar and as a table."""
        batch, db = self.batch, self.request.db
        counts = {ImportRowState(name): count for name, count in batch.counts.items()}
        waiting = open_counts(db, batch.id)
        total = sum(counts.values())
        bar, at = [], 0.0
        for state in ImportRowState:
            if not (count := counts.get(state, 0)):
                continue
            said = self.words.row_state(state)
            width = count * 1000 / total
            bar.append(
                {"x": f"{at:.2f}", "width": f"{width:.2f}", "count": count, "state": state.value, **said}
            )
            at += width
        rows = [
            {
                **self.words.row_state(state),
                "state": state.value,
                "count": f"{counts.get(state, 0):,}",
                "waiting": _capped(waiting.get(state, 0)),
                "queue": f"{self.request.resource_path(self.context, 'rows', '')}?state={state.value}",
            }
            for state in ImportRowState
            if counts.get(state) or waiting.get(state)
        ]
        became = outcomes(db, batch.id)
        return {
            "bar": bar,
            "rows": rows,
            "total": f"{total:,}",
            "lines": f"{batch.lines or 0:,}",
            "rate": f"{(batch.match_rate or 0) / 10:.1f}",
            "waiting": sum(waiting.values()),
            "became": [
                {"label": self.words.say(OUTCOMES[outcome]), "count": f"{became[outcome.value]:,}"}
                for outcome in ImportOutcome
                if became.get(outcome.value)
            ]
            + [
                {"label": self.words.code_of_decision(decision), "count": f"{became[decision.value]:,}"}
                for decision in _RETURNED
                if became.get(decision.value)
            ],
            "to_apply": count_to_apply(db, batch.id)
            if batch.state in {ImportState.CHECKED, ImportState.APPLIED}
            else 0,
            "returned": bool(returned_page(db, batch.id, after=0, size=1)) and self.context.is_own,
        }


def _capped(count: int) -> str:
    return "" if not count else f"{count:,}+" if count >= MOST_COUNTED else f"{count:,}"
