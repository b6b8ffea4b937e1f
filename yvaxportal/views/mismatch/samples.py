"""Samples of recorded rows: drawn to a plan, compared with the paper, and the error rate that is left."""

import secrets
from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.import_labels import FIELDS
from yvaxportal.forms.mismatch_labels import VERDICTS
from yvaxportal.models.codes import SampleVerdict
from yvaxportal.models.imports import ImportBatch
from yvaxportal.models.mismatch import SampleCheck
from yvaxportal.request import PortalRequest
from yvaxportal.resources import SampleNode, Samples, is_id
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.queue import senders
from yvaxportal.services.imports.sampling import (
    Aim,
    NothingToDrawError,
    Scope,
    checks,
    draw,
    next_to_check,
    pooled,
    rates,
    reckon,
    row_of,
    tell,
    wrong_fields,
)
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _, contains_personal_number
from yvaxportal.views.mismatch.words import MismatchWords

_KEYS = {SampleVerdict.RIGHT: "r", SampleVerdict.WRONG: "w", SampleVerdict.CANNOT_TELL: "c"}
_CONFIDENCES = (9_000, 9_500, 9_900)
_TOLERABLE = (10, 20, 50, 100, 200, 500)
_MOST_ALLOWED = 20
_LONGEST_NOTE = 200
_MOST_DIGITS = 9


class _Pages:
    def __init__(self, request: PortalRequest) -> None:
        self.request = request
        self.words = MismatchWords(request)

    def subject(self, check: SampleCheck, names: dict[int, str]) -> str:
        """Return of what a sample was drawn."""
        if check.batch_id is not None:
            batch = self.request.db.get(ImportBatch, check.batch_id)
            return f"{check.batch_id}: {batch.file_name if batch else ''}"
        code = check.layout or ""
        parts = [self.words.layout(self.request.portal.import_layouts.get(code), code)]
        if check.sender is not None:
            parts.append(names.get(check.sender, str(check.sender)))
        if check.first_day or check.last_day:
            days = [self.words.day(day) if day else "" for day in (check.first_day, check.last_day)]
            parts.append(" ～ ".join(days))
        return "、".join(parts)


@view_defaults(context=Samples)
class SamplesView(_Pages):
    """All samples, and drawing one."""

    def __init__(self, context: Samples, request: PortalRequest) -> None:
        super().__init__(request)
        self.context = context
        self.base = request.resource_path(context)

    @view_config(
        request_method="GET",
        permission=Permission.IMPORT_VIEW,
        renderer="yvaxportal:templates/mismatch/samples.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the samples with their rates, and the rates by layout and by sender."""
        db = self.request.db
        found = checks(db)
        said = rates(db, found)
        by_sender = pooled(db, "sender")
        names = senders(db, [*(int(key) for key, _rate in by_sender), *(one.sender or 0 for one in found)])
        layouts = self.request.portal.import_layouts
        return {
            "base": self.base,
            "may_draw": bool(self.request.has_permission(Permission.IMPORT_REVIEW, self.context)),
            "desk_url": self.request.resource_path(self.context.__parent__),
            "checks": [
                {
                    "id": one.id,
                    "url": f"{self.base}{one.id}/",
                    "of": self.subject(one, names),
                    "drawn": format_jst(one.drawn_at),
                    "population": f"{one.population:,}",
                    **self.words.rate(said.get(one.id)),
                }
                for one in found
            ],
            "by_layout": [
                {"of": self.words.layout(layouts.get(key), key), **self.words.rate(rate)}
                for key, rate in pooled(db, "layout")
            ],
            "by_sender": [
                {"of": names.get(int(key), key), **self.words.rate(rate)} for key, rate in by_sender
            ],
        }

    @view_config(
        name="new",
        request_method="GET",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/mismatch/sample_new.pt",
    )
    def new(self) -> dict[str, Any]:
        """Show the form, and for what it says how many rows there are and how many a sample needs."""
        scope, aim = self._asked(self.request.GET)
        return self._form(scope, aim)

    @view_config(
        name="draw",
        request_method="POST",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/mismatch/sample_new.pt",
    )
    def draw(self) -> dict[str, Any] | Response:
        """Draw the sample: the seed is the machine's, so that nobody chooses rows."""
        request = self.request
        scope, aim = self._asked(request.POST)
        if scope is None:
            return self._again(scope, aim, _("Choose a file, or a layout."))
        try:
            check = draw(
                request.db,
                request.audit,
                scope,
                aim,
                seed=secrets.token_hex(8),
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except NothingToDrawError:
            return self._again(scope, aim, _("No recorded row is there to draw from."))
        return HTTPSeeOther(f"{self.base}{check.id}/")

    def _again(self, scope: Scope | None, aim: Aim, problem: str) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return {**self._form(scope, aim), "problem": self.words.say(problem)}

    def _asked(self, said: Any) -> tuple[Scope | None, Aim]:
        """Return what the form asks for; None for the scope while neither file nor layout is named."""
        batch, layout = said.get("batch", ""), said.get("layout", "")
        sender = said.get("sender", "")
        if any(text and not is_id(text) for text in (batch, sender)):
            raise HTTPBadRequest
        if layout and layout not in self.request.portal.import_layouts:
            raise HTTPBadRequest
        aim = Aim(
            _one_of(said.get("confidence", ""), _CONFIDENCES, 9_500),
            _one_of(said.get("tolerable", ""), _TOLERABLE, 100),
            _one_of(said.get("allowed", ""), range(_MOST_ALLOWED + 1), 0),
        )
        if batch:
            return Scope(batch_id=int(batch)), aim
        if not layout:
            return None, aim
        days = [_day(said.get(name, "")) for name in ("first_day", "last_day")]
        return Scope(None, layout, int(sender) if sender else None, *days), aim

    def _form(self, scope: Scope | None, aim: Aim) -> dict[str, Any]:
        population = size = 0
        if scope is not None:
            try:
                population, size = reckon(self.request.db, scope, aim)
            except NothingToDrawError:
                population = size = 0
        return {
            "base": self.base,
            "desk_url": self.request.resource_path(self.context.__parent__),
            "problem": "",
            "scope": scope,
            "aim": aim,
            "population": population,
            "size": size,
            "layouts": [
                (code, self.words.layout(layout, code))
                for code, layout in self.request.portal.import_layouts.items()
            ],
            "confidences": [(value, f"{value / 100:g} %") for value in _CONFIDENCES],
            "tolerables": [(value, f"{value / 100:g} %") for value in _TOLERABLE],
        }


@view_defaults(context=SampleNode)
class SampleView(_Pages):
    """One sample: what it says, and comparing row after row."""

    def __init__(self, context: SampleNode, request: PortalRequest) -> None:
        super().__init__(request)
        self.context, self.check = context, context.check
        self.base = request.resource_path(context)

    @view_config(
        request_method="GET",
        permission=Permission.IMPORT_VIEW,
        renderer="yvaxportal:templates/mismatch/sample.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the rate with its interval, and in which fields rows were wrong."""
        request, check = self.request, self.check
        names = senders(request.db, [check.drawn_by, *([check.sender] if check.sender else [])])
        said = rates(request.db, [check]).get(check.id)
        met = said is not None and said.worst is not None and said.worst <= check.tolerable / 10_000
        return {
            **self._frame(),
            "of": self.subject(check, names),
            "check": check,
            "drawn_by": names.get(check.drawn_by, ""),
            "drawn": format_jst(check.drawn_at),
            "confidence": f"{check.confidence / 100:g} %",
            "tolerable": f"{check.tolerable / 100:g} %",
            "rate": said,
            "said": self.words.rate(said),
            "met": met,
            "fields": [(self.words.field(name), count) for name, count in wrong_fields(request.db, check.id)],
            "may_check": bool(said and said.open)
            and bool(request.has_permission(Permission.IMPORT_REVIEW, self.context)),
        }

    @view_config(
        name="next",
        request_method="GET",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/mismatch/sample_row.pt",
    )
    def next(self) -> dict[str, Any] | Response:
        """Take the next row for whoever asks and show what was recorded."""
        request = self.request
        after = request.GET.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) <= _MOST_DIGITS):
            raise HTTPBadRequest
        place = next_to_check(
            request.db, self.check.id, staff_id=request.identity.staff_id, now=request.now, after=int(after)
        )
        if place is None:
            request.flash("info", _("No row of this sample waits for you."))
            return HTTPSeeOther(self.base)
        return self._row(place)

    @view_config(
        name="tell",
        request_method="POST",
        permission=Permission.IMPORT_REVIEW,
        renderer="yvaxportal:templates/mismatch/sample_row.pt",
    )
    def tell(self) -> dict[str, Any] | Response:
        """Write down what the paper says, and go on."""
        request = self.request
        text, note = request.POST.get("place", ""), request.POST.get("note", "").strip()
        wrong = request.POST.getall("wrong")
        known = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        if not known or any(name not in FIELDS for name in wrong):
            raise HTTPBadRequest
        place = int(text)
        try:
            verdict = SampleVerdict(request.POST.get("verdict", ""))
        except ValueError:
            raise HTTPBadRequest from None
        if len(note) > _LONGEST_NOTE or contains_personal_number(note):
            return self._again(place, _("Write up to 200 characters, without any personal number."))
        if (verdict is SampleVerdict.WRONG) != bool(wrong):
            return self._again(place, _("Tick the fields that are wrong, and only then choose “wrong”."))
        done = tell(
            request.db,
            request.audit,
            self.check.id,
            place,
            verdict,
            wrong_fields=wrong,
            note=note,
            staff_id=request.identity.staff_id,
            now=request.now,
        )
        if not done:
            request.flash("info", _("Somebody else has compared this row."))
        return HTTPSeeOther(f"{self.base}next?after={place}")

    def _again(self, place: int, problem: str) -> dict[str, Any]:
        self.request.response.status_int = HTTPStatus.UNPROCESSABLE_ENTITY
        return {**self._row(place), "problem": self.words.say(problem)}

    def _row(self, place: int) -> dict[str, Any]:
        request = self.request
        found = row_of(request.db, self.check.id, place)
        if found is None:
            raise HTTPBadRequest
        drawn, row = found
        request.audit.record(
            Action.SAMPLE_VIEWED,
            resident_id=row.resident_id,
            subject=f"sample:{self.check.id}",
            detail={"place": place, "import": row.batch_id, "row": row.number},
        )
        batch = request.db.get_one(ImportBatch, row.batch_id)
        said = {**row.parsed.get("person", {}), **row.parsed.get("dose", {})}
        return {
            **self._frame(),
            "problem": "",
            "place": place,
            "size": self.check.size,
            "file_name": batch.file_name,
            "line": row.line,
            "number": row.number,
            "row_url": request.resource_path(
                request.root, "imports", str(row.batch_id), "rows", str(row.number), ""
            ),
            "items": [
                {
                    "name": name,
                    "label": self.words.field(name),
                    "value": self.words.value(name, said.get(name)),
                }
                for name in FIELDS
                if name in said
            ],
            "verdicts": [
                {"value": one.value, "label": self.words.say(VERDICTS[one]), "key": _KEYS[one]}
                for one in SampleVerdict
            ],
            "told": drawn.verdict is not None,
        }

    def _frame(self) -> dict[str, Any]:
        return {
            "base": self.base,
            "samples_url": self.request.resource_path(self.context.__parent__),
            "desk_url": self.request.resource_path(self.request.root, "mismatch", ""),
        }


def _one_of(text: str, allowed: Sequence[int], otherwise: int) -> int:
    """Return the number that a form names, 400 when it is none of those it offers."""
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) in allowed):
        raise HTTPBadRequest
    return int(text)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise HTTPBadRequest from None
