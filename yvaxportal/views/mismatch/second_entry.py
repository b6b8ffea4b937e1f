"""The second entry: from the paper, without a look at the first; and settling where the two differ."""

from http import HTTPStatus
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.import_labels import FIELDS
from yvaxportal.forms.mismatch_labels import SETTLED
from yvaxportal.models.codes import SettledBy
from yvaxportal.request import PortalRequest
from yvaxportal.resources import SecondEntries, SecondEntryFile
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.deciding import Done, Impossible, Stale
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError
from yvaxportal.services.imports.queue import one_row
from yvaxportal.services.imports.second_entry import (
    Task,
    differences_of,
    files,
    next_to_settle,
    next_to_type,
    settle,
    task_of,
    type_again,
    typist_of,
)
from yvaxportal.values.text import _
from yvaxportal.views.imports.rows import reason_of, reviewer_of
from yvaxportal.views.mismatch.words import MismatchWords

_LONGEST_TEXT = 400
_MOST_DIGITS = 9
_DATES = frozenset({"birth", "given_on"})
_NUMBERS = frozenset({"dose_number", "fee"})


def _number(request: PortalRequest, name: str) -> int:
    """Return a whole number of the form; 400 for anything else."""
    text = request.POST.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise HTTPBadRequest
    return int(text)


def _texts(request: PortalRequest, prefix: str) -> dict[str, str]:
    """Return the texts of the form's fields; 400 for what is no field, or too long."""
    texts = {}
    for name, value in request.POST.items():
        if name.startswith(prefix):
            field = name.removeprefix(prefix)
            if field not in FIELDS or len(value) > _LONGEST_TEXT:
                raise HTTPBadRequest
            texts[field] = value.replace("\x00", "")
    return texts


@view_config(
    context=SecondEntries,
    request_method="GET",
    permission=Permission.IMPORT_SECOND_ENTRY,
    renderer="yvaxportal:templates/mismatch/second_files.pt",
)
def show_files(context: SecondEntries, request: PortalRequest) -> dict[str, Any]:
    """Show the files of which rows wait to be typed again, or to be settled."""
    words = MismatchWords(request)
    layouts = request.portal.import_layouts
    return {
        "files": [
            {
                "id": one.batch_id,
                "name": one.file_name,
                "layout": words.layout(layouts.get(one.layout), one.layout),
                "wanted": one.wanted,
                "differs": one.differs,
                "own": one.own,
                "type_url": request.resource_path(context, str(one.batch_id), ""),
                "settle_url": request.resource_path(context, str(one.batch_id), "settle"),
            }
            for one in files(request.db, request.identity.staff_id)
        ],
        "may_settle": bool(request.has_permission(Permission.IMPORT_REVIEW, context)),
    }


@view_defaults(context=SecondEntryFile)
class SecondEntryView:
    """One file: type row after row, or settle difference after difference."""

    def __init__(self, context: SecondEntryFile, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = MismatchWords(request)
        self.batch = context.batch
        self.base = request.resource_path(context)

    @view_config(
        request_method="GET",
        permission=Permission.IMPORT_SECOND_ENTRY,
        renderer="yvaxportal:templates/mismatch/second_type.pt",
    )
    def show(self) -> dict[str, Any]:
        """Take the next row for whoever asks and show its empty form."""
        request = self.request
        after = request.GET.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) <= _MOST_DIGITS):
            raise HTTPBadRequest
        staff_id = request.identity.staff_id
        number = next_to_type(request.db, self.batch, staff_id=staff_id, now=request.now, after=int(after))
        task = task_of(request.db, self.batch, number, staff_id=staff_id) if number else None
        return self._form(task, {})

    @view_config(
        name="type",
        request_method="POST",
        permission=Permission.IMPORT_SECOND_ENTRY,
        renderer="yvaxportal:templates/mismatch/second_type.pt",
    )
    def type(self) -> dict[str, Any] | Response:
        """Take the entry and go on to the next row."""
        request, number = self.request, _number(self.request, "number")
        texts = _texts(request, "field.")
        staff_id = request.identity.staff_id
        task = task_of(request.db, self.batch, number, staff_id=staff_id)
        onward = HTTPSeeOther(f"{self.base}?after={number}")
        if task is None:
            request.flash("info", _("This row is not yours to type any more."))
            return onward
        try:
            result = type_again(
                reviewer_of(request), self.batch.id, number, texts, sure=request.POST.get("sure") == "yes"
            )
        except PersonalNumberFoundError:
            # What was typed is not shown again: it must not stay on any screen.
            return self._again(task, {}, self.words.say(_("A personal number was typed; it was not kept.")))
        if isinstance(result, Impossible):
            return self._again(task, texts, " ".join(self.words.reasons(result.reasons)), sure=True)
        if isinstance(result, Stale):
            request.flash("info", _("This row is not yours to type any more."))
        else:
            request.flash("success", _("Row ${number} is kept.", mapping={"number": number}))
        return onward

    @view_config(
        name="settle",
        request_method="GET",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/mismatch/second_settle.pt",
    )
    def show_difference(self) -> dict[str, Any]:
        """Show the next row whose two entries differ, both side by side."""
        number = next_to_settle(self.request.db, self.batch.id, self.request.identity.staff_id)
        return self._difference(number)

    @view_config(
        name="settle",
        request_method="POST",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/mismatch/second_settle.pt",
    )
    def settle(self) -> dict[str, Any] | Response:
        """Settle each field that differs."""
        request, number = self.request, _number(self.request, "number")
        others = _texts(request, "text.")
        answers = {}
        for field, text in _texts(request, "choice.").items():
            try:
                answers[field] = (SettledBy(text), others.get(field, ""))
            except ValueError:
                raise HTTPBadRequest from None
        reason = reason_of(request)
        if reason is None:
            return self._unsettled(
                number, _("Give a reason of up to 200 characters, without any personal number.")
            )
        try:
            result = settle(
                reviewer_of(request),
                self.batch.id,
                number,
                answers,
                revision=_number(request, "revision"),
                reason=reason,
            )
        except PersonalNumberFoundError:
            return self._unsettled(number, _("A personal number was typed; it was not kept."))
        if isinstance(result, Impossible):
            return self._unsettled(number, _("Say for each field which entry is right."))
        if isinstance(result, Done):
            request.flash("success", _("Row ${number} is settled.", mapping={"number": number}))
        else:
            request.flash("info", _("Somebody else changed this row meanwhile. Look at it again."))
        return HTTPSeeOther(f"{self.base}settle")

    def _again(
        self, task: Task, texts: dict[str, str], problem: str, *, sure: bool = False
    ) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return {**self._form(task, texts), "problem": problem, "sure": sure}

    def _form(self, task: Task | None, texts: dict[str, str]) -> dict[str, Any]:
        if task is not None:
            self.request.audit.record(
                Action.IMPORT_VIEWED,
                subject=f"import:{self.batch.id}",
                detail={"row": task.number, "second_entry": True},
            )
        return {
            **self._frame(),
            "problem": "",
            "sure": False,
            "task": task,
            "finds": [(self.words.field(name), value) for name, value in task.finds.items()] if task else [],
            "fields": [
                {
                    "name": name,
                    "label": self.words.field(name),
                    "value": texts.get(name, ""),
                    "hint": self._hint(name),
                    "numeric": name in _NUMBERS,
                }
                for name in (task.fields if task else ())
            ],
        }

    def _hint(self, name: str) -> str:
        if name in _DATES:
            return self.words.say(_("as on the paper, such as R7.4.1 or 2025-04-01"))
        return ""

    def _frame(self) -> dict[str, Any]:
        return {
            "base": self.base,
            "batch": self.batch,
            "files_url": self.request.resource_path(self.context.__parent__),
        }

    def _unsettled(self, number: int, problem: str) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return {**self._difference(number), "problem": self.words.say(problem)}

    def _difference(self, number: int | None) -> dict[str, Any]:
        db, batch_id = self.request.db, self.batch.id
        row = one_row(db, batch_id, number) if number is not None else None
        if row is not None and typist_of(db, batch_id, row.number) == self.request.identity.staff_id:
            row = None
        found = differences_of(db, batch_id, row.number) if row is not None else ()
        if row is not None:
            self.request.audit.record(
                Action.IMPORT_VIEWED,
                resident_id=row.resident_id,
                subject=f"import:{batch_id}",
                detail={"row": row.number, "differences": len(found)},
            )
        return {
            **self._frame(),
            "problem": "",
            "row": row if found else None,
            "differences": [
                {
                    "name": one.field,
                    "label": self.words.field(one.field),
                    "first": one.first,
                    "second": one.second,
                }
                for one in found
            ],
            "choices": [(which.value, self.words.say(label)) for which, label in SETTLED.items()],
            "row_url": self.request.resource_path(
                self.request.root, "imports", str(batch_id), "rows", str(row.number), ""
            )
            if row is not None
            else "",
        }
