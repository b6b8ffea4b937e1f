"""One frozen table: its figures, its closing, files, the people behind a figure, and what changed since."""

from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPBadRequest, HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.documents.paper import pdf
from yvaxportal.forms.report_labels import CAUSES, REFUSALS
from yvaxportal.models.codes import ReportSubject
from yvaxportal.outputs.gate import OutputRefusedError, request_output
from yvaxportal.request import PortalRequest
from yvaxportal.resources import SnapshotNode
from yvaxportal.security.permissions import Permission
from yvaxportal.services.reports.definition import COUNTS, Definition
from yvaxportal.services.reports.differences import Moved, differences, moved
from yvaxportal.services.reports.members import Member, cells_of, members
from yvaxportal.services.reports.sheets import workbook
from yvaxportal.services.reports.snapshots import (
    ReportRefusedError,
    SnapshotLine,
    atoms_in,
    close,
    definition_in,
    is_unchanged,
    snapshot,
    snapshots,
)
from yvaxportal.services.reports.table import TOTAL, Table, public, table
from yvaxportal.values.clock import format_jst
from yvaxportal.values.sheets import Workbook
from yvaxportal.values.text import _
from yvaxportal.views.reports.words import ReportPages


def _xlsx(book: Workbook, moment: datetime) -> bytes:
    # Only where it is asked for: reading and writing workbooks costs a process four megabytes.
    from yvaxportal.documents.spreadsheet import xlsx  # noqa: PLC0415

    return xlsx(book, moment)


def _csv(book: Workbook, _moment: datetime) -> bytes:
    from yvaxportal.documents.spreadsheet import csv_text  # noqa: PLC0415 - as above

    return csv_text(book)


#: How a file is called and made, by the word in the address.
FILES = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
    "csv": ("text/csv; charset=utf-8", _csv),
    "pdf": ("application/pdf", pdf),
}
#: The layout of the people behind a figure.
PEOPLE_LAYOUT = "report_people"
_MOST_DIGITS = 18


@view_defaults(context=SnapshotNode)
class FrozenPage:
    """The pages of one frozen table."""

    def __init__(self, context: SnapshotNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ReportPages(request)
        self.base = request.resource_path(context)

    @cached_property
    def line(self) -> SnapshotLine:
        """Return the table's header; 404 when the report has no such table."""
        found = snapshot(self.request.db, self.context.report, self.context.snapshot_id)
        if found is None:
            raise HTTPNotFound
        return found

    @cached_property
    def definition(self) -> Definition:
        """Return the definition that the table was made by."""
        return definition_in(self.request.db, self.line.id)

    @cached_property
    def table(self) -> Table:
        """Return the figures."""
        return table(self.definition, atoms_in(self.request.db, self.line.id))

    @property
    def may_see_people(self) -> bool:
        """Tell whether the reader may see who is behind a figure."""
        return bool(self.request.has_permission(Permission.REPORT_PEOPLE, self.context))

    def _public(self) -> Table:
        return public(self.table, self.request.portal.settings.reports_smallest_told)

    def _frame(self) -> dict[str, Any]:
        words, request = self.words, self.request
        return {
            "base": self.base,
            "title": words.parts.named(self.definition),
            "period_text": words.period(self.line.period),
            "steps": [
                (words.say(_("Reports")), request.resource_path(request.root, "reports", "")),
                (
                    words.parts.named(self.definition),
                    request.resource_path(request.root, "reports", self.context.report, ""),
                ),
            ],
        }

    @view_config(
        request_method="GET",
        permission=Permission.REPORT_VIEW,
        renderer="yvaxportal:templates/reports/frozen.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show the table; with ``version=public`` as it may be published."""
        request, line = self.request, self.line
        is_public = request.GET.get("version") == "public"
        figures = self._public() if is_public else self.table
        people = f"{self.base}people" if self.may_see_people and not is_public else None
        request.audit.record(Action.REPORT_VIEWED, subject=f"report:{line.id}")
        others = snapshots(request.db, self.context.report, period=line.period)
        may_make = bool(request.has_permission(Permission.REPORT_MAKE, self.context))
        return {
            **self._frame(),
            "facts": [{"label": label, "value": value} for label, value in self.words.facts(line)],
            "blocks": [self.words.block(figures, block, people) for block in self.definition.blocks],
            "notes": self.words.parts.notes(self.definition, public=is_public),
            "unverified": self.definition.unverified,
            "is_public": is_public,
            "unchanged": is_unchanged(request.db, line.id),
            "closed": line.is_closed,
            "newer_url": self._url_of(line.superseded_by),
            "may_close": may_make and not line.is_closed and line.superseded_by is None,
            "others": [
                (one.id, f"{one.id}: {format_jst(one.data_as_of)}") for one in others if one.id != line.id
            ],
            "people_shown": people is not None,
        }

    def _url_of(self, snapshot_id: int | None) -> str | None:
        if snapshot_id is None:
            return None
        return str(
            self.request.resource_path(
                self.request.root, "reports", self.context.report, str(snapshot_id), ""
            )
        )

    @view_config(name="close", request_method="POST", permission=Permission.REPORT_MAKE)
    def close(self) -> Response:
        """Close the table: it is what was reported."""
        request = self.request
        try:
            close(
                request.db,
                request.audit,
                report=self.context.report,
                snapshot_id=self.context.snapshot_id,
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except ReportRefusedError as error:
            request.flash("error", REFUSALS[error.rule])
        else:
            request.flash("success", _("Closed. A correction makes a new table and needs a reason."))
        return HTTPSeeOther(self.base)

    @view_config(name="file", request_method="GET", permission=Permission.REPORT_VIEW)
    def file(self) -> Response:
        """Hand out the table as a file: figures only, nobody's data, so it goes no longer way."""
        request, line = self.request, self.line
        kind = request.GET.get("format", "")
        version = request.GET.get("version", "complete")
        if kind not in FILES or version not in {"complete", "public"}:
            raise HTTPBadRequest
        is_public = version == "public"
        figures = self._public() if is_public else self.table
        facts = list(self.words.facts(line))
        if not is_public:
            note = self.words.say(_("Holds small figures: for official use only"))
            facts.insert(0, (self.words.say(_("Handling")), note))
        book = workbook(figures, self.words.parts, facts, public=is_public)
        media, make_file = FILES[kind]
        name = f"{self.context.report}_{line.period}_{line.id}{'_public' if is_public else ''}.{kind}"
        request.audit.record(
            Action.REPORT_TAKEN,
            subject=f"report:{line.id}",
            detail={"format": kind, "version": version, "sha256": line.content_sha256},
        )
        answer = Response(make_file(book, line.data_as_of), content_type=media.partition(";")[0])
        if "charset" in media:
            answer.charset = "utf-8"
        answer.content_disposition = f'attachment; filename="{name}"'
        return answer

    @view_config(
        name="people",
        request_method="GET",
        permission=Permission.REPORT_PEOPLE,
        renderer="yvaxportal:templates/reports/people.pt",
    )
    def people(self) -> dict[str, Any]:
        """Show who is behind one figure, page by page, and record that they were seen."""
        request = self.request
        row, column = request.GET.get("row", ""), request.GET.get("column", "")
        known = self.definition.columns.get(column)
        rows = {one.key: one for one in self.definition.rows}
        if known is None or known.measure not in COUNTS or (row not in rows and row != TOTAL):
            raise HTTPNotFound
        cells = cells_of(request.db, self.line.id, self.definition, row, column)
        subject = ReportSubject.RESIDENT if known.measure == "targets" else ReportSubject.DOSE
        own = request.own_permissions
        page = members(
            request.db,
            cells,
            subject,
            after=_cursor(request.GET.get("after", "")),
            contact=Permission.CONTACT_VIEW in own,
            protected=Permission.PROTECTED_CONTACT_VIEW in own,
        )
        request.audit.record(
            Action.REPORT_PEOPLE_VIEWED,
            subject=f"report:{self.line.id}",
            detail={"row": row, "column": column, "ids": [one.subject_id for one in page.members]},
        )
        named = self.words.say(_("Total"))
        if row in rows:
            named = f"{self.words.parts.group(rows[row])} {self.words.parts.named(rows[row])}"
        address = {"row": row, "column": column}
        return {
            **self._frame(),
            "steps": [*self._frame()["steps"], (self.words.period(self.line.period), self.base)],
            "row": row,
            "column": column,
            "may_ask": bool(request.has_permission(Permission.OUTPUT_REQUEST, self.context)),
            "purposes": request.portal.layouts[PEOPLE_LAYOUT].purposes_ja,
            "figure": f"{named} / {self.words.parts.named(known)}",
            "value": self.words.figure(self.table.at(row, column), known.measure),
            "doses": subject is ReportSubject.DOSE,
            "members": [self._member(one) for one in page.members],
            "first_url": f"{self.base}people?{urlencode(address)}" if request.GET.get("after") else None,
            "next_url": (
                f"{self.base}people?{urlencode(address | {'after': str(page.next_after)})}"
                if page.next_after
                else None
            ),
        }

    @view_config(name="people-file", request_method="POST", permission=Permission.OUTPUT_REQUEST)
    def people_file(self) -> Response:
        """Ask the gate for the people behind one figure as a file."""
        request = self.request
        if not self.may_see_people:
            raise HTTPForbidden
        row, column = request.POST.get("row", ""), request.POST.get("column", "")
        known = self.definition.columns.get(column)
        rows = {one.key for one in self.definition.rows} | {TOTAL}
        if known is None or known.measure not in COUNTS or row not in rows:
            raise HTTPBadRequest
        title = f"{self.words.parts.named(self.definition)} {self.words.period(self.line.period)}"
        back = f"{self.base}people?{urlencode({'row': row, 'column': column})}"
        try:
            request_output(
                request.db,
                request.audit,
                layout=PEOPLE_LAYOUT,
                title=title,
                purpose=request.POST.get("purpose", ""),
                subject={"snapshot": self.line.id, "row": row, "column": column},
                staff_id=request.identity.staff_id,
                now=request.now,
            )
        except OutputRefusedError:
            request.flash("error", _("Write what the file is for, without a personal number."))
        else:
            request.flash("success", _("The file was asked for. It appears among the files."))
        return HTTPSeeOther(back)

    def _member(self, one: Member) -> dict[str, Any]:
        words = self.words
        state = ""
        if one.atena_number is None:
            state = words.say(_("Removed at the end of retention"))
        elif one.cancelled:
            state = words.say(_("Cancelled since"))
        elif one.changed:
            state = words.say(_("Changed since"))
        return {
            "url": self._resident_url(one.atena_number),
            "name": one.name or "",
            "atena_number": one.atena_number or "",
            "born": words.birth(one.date_of_birth_written, foreign=False)
            if one.date_of_birth_written
            else "",
            "area": one.area or "",
            "protected": one.support_measure and one.area is None,
            "vaccine": words.vaccine(one.vaccine) if one.vaccine else "",
            "number": one.dose_number,
            "day": words.day(one.given_on),
            "state": state,
        }

    def _resident_url(self, atena_number: str | None) -> str | None:
        request = self.request
        residents = request.root["residents"]
        if atena_number is None or not request.has_permission(Permission.RESIDENT_VIEW, residents):
            return None
        return str(request.resource_path(residents, atena_number, ""))

    @view_config(
        name="compare",
        request_method="GET",
        permission=Permission.REPORT_VIEW,
        renderer="yvaxportal:templates/reports/compare.pt",
    )
    def compare(self) -> dict[str, Any]:
        """Show what differs between this table and another of the same report, oldest first."""
        request = self.request
        other = snapshot(request.db, self.context.report, _number(request.GET.get("with", "")))
        if other is None:
            raise HTTPNotFound
        older, newer = sorted((self.line, other), key=lambda line: line.id)
        first, second = (
            table(definition_in(request.db, line.id), atoms_in(request.db, line.id))
            for line in (older, newer)
        )
        same_rules = (older.definition_sha256, older.rules_version) == (
            newer.definition_sha256,
            newer.rules_version,
        )
        found: list[dict[str, Any]] = []
        following = None
        if self.may_see_people:
            try:
                page, following = moved(
                    request.db,
                    older.id,
                    newer.id,
                    first_as_of=older.data_as_of,
                    same_rules=same_rules,
                    after=request.GET.get("after", ""),
                )
            except ValueError:
                raise HTTPBadRequest from None
            found = [self._moved(one, first.definition, second.definition) for one in page]
        request.audit.record(
            Action.REPORT_COMPARED,
            subject=f"report:{older.id}",
            detail={"with": newer.id, "people": self.may_see_people, "shown": len(found)},
        )
        address = {"with": str(other.id)}
        return {
            **self._frame(),
            "steps": [*self._frame()["steps"], (self.words.period(self.line.period), self.base)],
            "older": {"id": older.id, "as_of": format_jst(older.data_as_of)},
            "newer": {"id": newer.id, "as_of": format_jst(newer.data_as_of), "reason": newer.reason or ""},
            "same_rules": same_rules,
            "differences": [
                {
                    "place": self._place(second, first, one.row, one.column),
                    "first": f"{one.first or 0:,}",
                    "second": f"{one.second or 0:,}",
                    "change": f"{(one.second or 0) - (one.first or 0):+,}",
                }
                for one in differences(first, second)
            ],
            "people_shown": self.may_see_people,
            "moved": found,
            "first_url": f"{self.base}compare?{urlencode(address)}" if request.GET.get("after") else None,
            "next_url": (
                f"{self.base}compare?{urlencode(address | {'after': following})}" if following else None
            ),
        }

    def _place(self, second: Table, first: Table, row: str, column: str) -> str:
        parts = self.words.parts
        named = self.words.say(_("Total"))
        for definition in (second.definition, first.definition):
            for one in definition.rows:
                if one.key == row:
                    named = f"{parts.group(one)} {parts.named(one)}"
        known = second.definition.columns.get(column) or first.definition.columns[column]
        return f"{named} / {parts.named(known)}"

    def _moved(self, one: Moved, first: Definition, second: Definition) -> dict[str, Any]:
        words = self.words
        what = ""
        if one.vaccine:
            what = f"{words.vaccine(one.vaccine)} {one.dose_number} {words.day(one.given_on)}"
        return {
            "url": self._resident_url(one.atena_number),
            "name": one.name or "",
            "atena_number": one.atena_number or "",
            "what": what,
            "cause": words.say(CAUSES[one.cause]),
            "reason": one.change_reason or "",
            "first": [words.place(first, *place) for place in one.first],
            "second": [words.place(second, *place) for place in one.second],
        }


def _number(written: str) -> int:
    if not (written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS):
        raise HTTPNotFound
    return int(written)


def _cursor(written: str) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS else 0
