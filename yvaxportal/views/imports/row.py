"""One row beside the register and the record: claimed while somebody looks at it, decided or corrected."""

from http import HTTPStatus
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound, HTTPSeeOther
from pyramid.renderers import render_to_response
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.import_labels import BLOCKERS, DEEDS, FIELDS, OUTCOMES
from yvaxportal.forms.mismatch_labels import ENTRY_STATES
from yvaxportal.models.codes import ImportDecision, ImportOutcome, SecondEntryState
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ImportRowNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.dose_history import StoredDose, dose_of
from yvaxportal.services.imports.applying import can_keep_both
from yvaxportal.services.imports.deciding import Done, Impossible, Result
from yvaxportal.services.imports.layouts import PERSON_FIELDS
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError
from yvaxportal.services.imports.queue import claimed_by_another, events_of, next_open, one_row, people
from yvaxportal.services.imports.rows import StoredRow
from yvaxportal.services.imports.second_entry import has_seen, note_opened
from yvaxportal.services.imports.undoing import Undo, UndoBlockedError, undo_rows
from yvaxportal.services.residents import find_by_atena_number
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.values.width import fold_digits
from yvaxportal.views.imports.rows import reason_of, reviewer_of, state_of
from yvaxportal.views.mismatch.words import MismatchWords, doubt_mark

_KEYS = {
    ImportDecision.APPLY: "a",
    ImportDecision.REPLACE: "t",
    ImportDecision.KEEP_BOTH: "b",
    ImportDecision.REFUSE: "r",
    ImportDecision.RETURN: "s",
}
_UNDOABLE = frozenset({ImportOutcome.RECORDED, ImportOutcome.LINKED, ImportOutcome.REPLACED})
_LONGEST_TEXT = 400
_MOST_DIGITS = 18
_COMPARED = (
    "vaccine",
    "dose_number",
    "given_on",
    "judgement",
    "dose_category",
    "delivery_category",
    "institution_code",
    "institution_name",
    "physician",
    "lot_number",
    "fee",
    "remarks",
)
_REGISTER = {"name": "name", "name_kana": "name_kana", "birth": "birth", "sex": "sex"}


@view_defaults(context=ImportRowNode)
class RowView:
    """The page of one row, and what can be decided there."""

    def __init__(self, context: ImportRowNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = MismatchWords(request)
        self.batch = context.batch
        self.state = state_of(request.GET.get("state", ""))
        self.from_desk = request.GET.get("from") == "mismatch"

    @view_config(
        request_method="GET",
        permission=Permission.IMPORT_VIEW,
        renderer="yvaxportal:templates/imports/row.pt",
    )
    def show(self) -> dict[str, Any] | Response:
        """Show the row, and keep it for whoever may decide; who saw it cannot type it a second time."""
        request, number = self.request, self.context.number
        waits = self._row().second_entry is SecondEntryState.WANTED
        if waits and not has_seen(request.db, self.batch.id, number, request.identity.staff_id):
            return self._hidden()
        if request.has_permission(Permission.IMPORT_REVIEW, self.context):
            reviewer_of(request).claim(self.batch.id, number)
        note_opened(request.db, self.batch.id, number, request.identity.staff_id, request.now)
        return self._page()

    @view_config(name="open", request_method="POST", permission=Permission.IMPORT_VIEW)
    def open(self) -> Response:
        """Show a row that waits for its second entry to somebody who then cannot make it."""
        request, number = self.request, self.context.number
        self._row()
        note_opened(request.db, self.batch.id, number, request.identity.staff_id, request.now)
        request.audit.record(
            Action.SECOND_ENTRY_OPENED, subject=f"import:{self.batch.id}", detail={"row": number}
        )
        return self._to(number)

    @view_config(
        name="clear",
        request_method="POST",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/imports/row.pt",
    )
    def clear(self) -> dict[str, Any] | Response:
        """Say that the paper leaves no doubt."""
        request, reason = self.request, reason_of(self.request)
        if reason is None:
            return self._again(_("Give a reason of up to 200 characters, without any personal number."))
        result = reviewer_of(request).clear(
            self.batch.id, self.context.number, revision=self._revision(), reason=reason
        )
        if not isinstance(result, Done):
            request.flash("info", _("Somebody else changed this row meanwhile. Look at it again."))
            return self._to(self.context.number)
        request.flash(
            "success", _("Row ${number} is doubted no more.", mapping={"number": self.context.number})
        )
        return HTTPSeeOther(self._desk_url()) if self.from_desk else self._to(self.context.number)

    @view_config(
        name="decide",
        request_method="POST",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/imports/row.pt",
    )
    def decide(self) -> dict[str, Any] | Response:
        """Decide about the row."""
        request = self.request
        reason = reason_of(request)
        if reason is None:
            return self._again(_("Give a reason of up to 200 characters, without any personal number."))
        deed = request.POST.get("decision", "")
        if deed == "keep_apart":
            result = reviewer_of(request).keep_apart(
                self.batch.id, self.context.number, revision=self._revision(), reason=reason
            )
            return self._answer(result)
        try:
            decision = ImportDecision(deed)
        except ValueError:
            raise HTTPBadRequest from None
        resident_id = self._chosen()
        if resident_id == 0:
            return self._again(_("Nobody has this atena number."))
        result = reviewer_of(request).decide(
            self.batch.id,
            self.context.number,
            decision,
            revision=self._revision(),
            reason=reason,
            resident_id=resident_id,
        )
        return self._answer(result)

    @view_config(
        name="correct",
        request_method="POST",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/imports/row.pt",
    )
    def correct(self) -> dict[str, Any] | Response:
        """Change the row's texts and judge it anew."""
        return self._answer(
            correct_row(self.request, self.batch.id, self.context.number, answer=False), stay=True
        )

    @view_config(name="reopen", request_method="POST", permission=Permission.IMPORT_REVIEW)
    def reopen(self) -> Response:
        """Take the decision back."""
        result = reviewer_of(self.request).take_back(
            self.batch.id, self.context.number, revision=self._revision()
        )
        if not isinstance(result, Done):
            self.request.flash("info", _("Somebody else changed this row meanwhile. Look at it again."))
        return self._to(self.context.number)

    @view_config(
        name="undo",
        request_method="POST",
        permission=Permission.IMPORT_UNDO,
        renderer="yvaxportal:templates/imports/row.pt",
    )
    def undo(self) -> dict[str, Any] | Response:
        """Take back what came of this row alone."""
        request, reason = self.request, reason_of(self.request)
        if reason is None:
            return self._again(_("Give a reason of up to 200 characters, without any personal number."))
        wanted = Undo(self.batch.id, request.identity.staff_id, reason, request.now, (self.context.number,))
        try:
            counts = undo_rows(request.db.connection(), request.audit, request.portal.catalogue, wanted)
        except UndoBlockedError as blocked:
            codes = blocked.blockers.get(self.context.number, [])
            return self._again(" ".join(self.words.say(BLOCKERS[code]) for code in codes))
        if not counts:
            request.flash("info", _("Somebody else changed this row meanwhile. Look at it again."))
        else:
            request.flash("success", _("This row was undone."))
        return self._to(self.context.number)

    def _answer(self, result: Result, *, stay: bool = False) -> dict[str, Any] | Response:
        if isinstance(result, Impossible):
            return self._again(" ".join(self.words.reasons(result.reasons)))
        if not isinstance(result, Done):
            self.request.flash("info", _("Somebody else changed this row meanwhile. Look at it again."))
            return self._to(self.context.number)
        if stay:
            self.request.flash("success", _("Judged anew."))
            return self._to(self.context.number)
        if self.from_desk:
            self.request.flash(
                "success", _("Decided about row ${number}.", mapping={"number": self.context.number})
            )
            return HTTPSeeOther(self._desk_url())
        following = next_open(self.request.db, self.batch.id, after=self.context.number, state=self.state)
        if following is None:
            following = next_open(self.request.db, self.batch.id, after=0, state=self.state)
        if following is None:
            self.request.flash("success", _("No more rows wait here."))
            return HTTPSeeOther(self.request.resource_path(self.context.rows))
        return self._to(following)

    def _to(self, number: int) -> Response:
        return HTTPSeeOther(self.request.resource_path(self.context.rows, str(number), "") + self._query())

    def _query(self) -> str:
        """Return where the reader came from, to be kept from page to page."""
        if self.from_desk:
            return "?from=mismatch"
        return f"?state={self.state.value}" if self.state else ""

    def _desk_url(self) -> str:
        return str(self.request.resource_path(self.request.root, "mismatch", ""))

    def _hidden(self) -> Response:
        """Answer with the way to the second entry in place of the values."""
        request = self.request
        second = request.root["second-entry"]
        return render_to_response(
            "yvaxportal:templates/mismatch/hidden.pt",
            {
                "number": self.context.number,
                "batch": self.batch,
                "open_url": f"{request.resource_path(self.context)}open{self._query()}",
                "type_url": request.resource_path(second, str(self.batch.id), "")
                if request.has_permission(Permission.IMPORT_SECOND_ENTRY, second)
                else None,
                "batch_url": request.resource_path(self.context.rows.file),
                "list_url": request.resource_path(self.context.rows.file.__parent__),
            },
            request=request,
        )

    def _revision(self) -> int:
        text = self.request.POST.get("revision", "")
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
            raise HTTPBadRequest
        return int(text)

    def _chosen(self) -> int | None:
        """Return whom the form chose: a candidate, or a typed number; 0 when nobody has that number."""
        typed = fold_digits(self.request.POST.get("atena_number", "").strip())
        if typed:
            found = find_by_atena_number(self.request.db, typed)
            return found.id if found else 0
        text = self.request.POST.get("resident", "")
        if not text:
            return None
        row = self._row()
        allowed = {str(one["id"]) for one in row.candidates or []}
        if text not in allowed:
            raise HTTPBadRequest
        return int(text)

    def _again(self, problem: str) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return self._page(problem)

    def _row(self) -> StoredRow:
        row = one_row(self.request.db, self.batch.id, self.context.number)
        if row is None:
            raise HTTPNotFound
        return row

    def _page(self, problem: str = "") -> dict[str, Any]:
        request, db = self.request, self.request.db
        row = self._row()
        candidates = row.candidates or []
        ids = [one["id"] for one in candidates] + ([row.resident_id] if row.resident_id else [])
        known = people(db, ids)
        target = known.get(row.resident_id or 0)
        other = (
            dose_of(db, row.resident_id, row.other_dose_id) if row.resident_id and row.other_dose_id else None
        )
        request.audit.record_many(
            [
                (
                    Action.IMPORT_VIEWED,
                    {"resident_id": key, "subject": f"import:{self.batch.id}", "detail": {"row": row.number}},
                )
                for key in dict.fromkeys(ids)
            ]
        )
        base = request.resource_path(self.context)
        query = self._query()
        may = bool(request.has_permission(Permission.IMPORT_REVIEW, self.context))
        taken = claimed_by_another(db, self.batch.id, row.number, request.identity.staff_id, request.now)
        waits = (
            row.decision is None
            and row.outcome is None
            and row.state not in {State.READY, State.ALREADY_THERE}
        )
        return {
            "base": base,
            "query": query,
            "batch": self.batch,
            "row": row,
            "queue_url": request.resource_path(self.context.rows)
            + (f"?state={self.state.value}" if self.state else ""),
            "doubts": self.words.doubts(row.doubt_reasons),
            "doubt_mark": doubt_mark(row.doubt),
            "may_clear": may and bool(row.doubt) and row.cleared_by is None and not taken,
            "second_entry": self.words.say(ENTRY_STATES[row.second_entry][0]) if row.second_entry else "",
            "batch_url": request.resource_path(self.context.rows.file),
            "list_url": request.resource_path(self.context.rows.file.__parent__),
            "problem": self.words.say(problem) if problem else "",
            "state": self.words.row_state(row.state),
            "reasons": self.words.reasons(row.reasons),
            "taken": self.words.say(_("${taken} has this row open.", mapping={"taken": taken}))
            if taken
            else "",
            "may_decide": may and waits and not taken,
            "may_correct": may and row.outcome is None and row.decision is None and not taken,
            "may_reopen": may and row.decision is not None and row.outcome is None and not taken,
            "may_undo": row.outcome in _UNDOABLE
            and bool(request.has_permission(Permission.IMPORT_UNDO, self.context)),
            "decision": self.words.code_of_decision(row.decision) if row.decision else "",
            "outcome": self.words.say(OUTCOMES[row.outcome]) if row.outcome else "",
            "person_sides": self._person_sides(row, target),
            "target_url": self._resident_url(target.atena_number) if target else None,
            "dose_sides": self._dose_sides(row, other),
            "has_other": other is not None,
            "candidates": [self._candidate(one, known) for one in candidates if one["id"] in known],
            "decisions": self._decisions(row),
            "needs_person": row.state in {State.NUMBER_UNKNOWN, State.SIMILAR_FOUND},
            "texts": [
                (name, self.words.say(label), row.raw.get(name, ""))
                for name, label in FIELDS.items()
                if name in row.raw or name in self._fields()
            ],
            "events": [
                {
                    "when": format_jst(event.happened_at),
                    "who": who,
                    "deed": self.words.say(DEEDS.get(event.deed, event.deed)),
                    "reason": event.reason or "",
                }
                for event, who in events_of(db, self.batch.id, row.number)
            ],
        }

    def _fields(self) -> set[str]:
        layout = self.request.portal.import_layouts.get(self.batch.layout)
        mapped = {slot.partition(".")[0] for slot in self.batch.mapping}
        return mapped if layout else set()

    def _resident_url(self, atena_number: str) -> str | None:
        request = self.request
        if not request.has_permission(Permission.RESIDENT_VIEW, request.root["residents"]):
            return None
        return str(request.resource_path(request.root, "residents", atena_number, ""))

    def _person_sides(self, row: StoredRow, target: Any) -> list[dict[str, Any]]:
        said = row.parsed.get("person", {})
        sides = []
        for name in PERSON_FIELDS:
            ours = self.words.value(name, said.get(name))
            theirs = ""
            if target is not None and name in _REGISTER:
                theirs = self.words.value(name, getattr(target, _REGISTER[name]))
            elif target is not None and name in {"business_atena_number", "atena_number"}:
                theirs = getattr(target, name)
            if ours or theirs:
                differs = bool(
                    ours and theirs and said.get(name) != getattr(target, _REGISTER.get(name, name), "")
                )
                sides.append(
                    {"label": self.words.field(name), "ours": ours, "theirs": theirs, "differs": differs}
                )
        return sides

    def _dose_sides(self, row: StoredRow, other: StoredDose | None) -> list[dict[str, Any]]:
        said = row.parsed.get("dose", {})
        sides = []
        for name in _COMPARED:
            ours = self.words.value(name, said.get(name)) or row.raw.get(name, "")
            theirs = self.words.item(other.draft, name) if other else ""
            if name == "institution_name" and other and not theirs:
                theirs = other.institution or ""
            if ours or theirs:
                stated = name in said
                differs = other is not None and stated and ours != theirs
                sides.append(
                    {"label": self.words.field(name), "ours": ours, "theirs": theirs, "differs": differs}
                )
        return sides

    def _candidate(self, one: dict[str, Any], known: dict[int, Any]) -> dict[str, Any]:
        person = known[one["id"]]
        return {
            "id": person.id,
            "score": one["score"],
            "why": self.words.why(one["why"]),
            "name": person.name,
            "kana": person.name_kana or "",
            "birth": self.words.birth(person.birth, foreign=person.is_foreign_national),
            "sex": self.words.value("sex", person.sex),
            "atena_number": person.atena_number,
            "url": self._resident_url(person.atena_number),
        }

    def _decisions(self, row: StoredRow) -> list[dict[str, str]]:
        wanted = [ImportDecision.REFUSE, ImportDecision.RETURN]
        if row.state is State.CONFLICT or (row.state is State.CHANGED and row.other_dose_id):
            both = [ImportDecision.KEEP_BOTH] if can_keep_both(row.reasons) else []
            wanted = [ImportDecision.REPLACE, *both, *wanted]
        elif row.state is not State.UNREADABLE:
            wanted = [ImportDecision.APPLY, *wanted]
        return [
            {"value": one.value, "label": self.words.code_of_decision(one), "key": _KEYS[one]}
            for one in wanted
        ]


def correct_row(request: PortalRequest, batch_id: int, number: int, *, answer: bool) -> Result:
    """Read the texts of a form and correct a row by them; 400 for anything that is no field."""
    texts = {}
    for name, value in request.POST.items():
        if not name.startswith("field."):
            continue
        field = name.removeprefix("field.")
        if field not in FIELDS or len(value) > _LONGEST_TEXT:
            raise HTTPBadRequest
        texts[field] = value.replace("\x00", "")
    revision = request.POST.get("revision", "")
    if not (revision.isascii() and revision.isdigit() and len(revision) <= _MOST_DIGITS):
        raise HTTPBadRequest
    try:
        return reviewer_of(request).correct(batch_id, number, texts, revision=int(revision), answer=answer)
    except PersonalNumberFoundError:
        return Impossible([["personal_number_typed", {}]])
