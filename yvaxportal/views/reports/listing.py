"""The list of reports, and the figures of one as they stand now."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.report_labels import NO_PERIOD, REFUSALS
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ReportNode, Reports
from yvaxportal.security.permissions import Permission
from yvaxportal.services.reports.counting import Counting, count
from yvaxportal.services.reports.library import Report
from yvaxportal.services.reports.periods import Period, PeriodError, halves_and_months, parse_period
from yvaxportal.services.reports.snapshots import ReportRefusedError, latest, make, snapshots
from yvaxportal.services.reports.table import table
from yvaxportal.values.clock import format_jst
from yvaxportal.values.fiscal import fiscal_year
from yvaxportal.values.text import _
from yvaxportal.views.reports.words import ReportPages

YEARS_BACK = 10
MOST_LINES = 20


@view_config(
    context=Reports,
    request_method="GET",
    permission=Permission.REPORT_VIEW,
    renderer="yvaxportal:templates/reports/list.pt",
)
def show_list(context: Reports, request: PortalRequest) -> dict[str, Any]:
    """Show every report with its newest frozen table."""
    words = ReportPages(request)
    newest = latest(request.db)
    lines = []
    for report in request.portal.reports.reports.values():
        base = request.resource_path(context, report.code, "")
        line = newest.get(report.code)
        lines.append(
            {
                "title": report.title_ja if words.japanese else report.title_en,
                "url": base,
                "unverified": report.unverified,
                "period": words.period(line.period) if line else "",
                "as_of": format_jst(line.data_as_of) if line else "",
                "closed": bool(line and line.is_closed),
                "latest_url": f"{base}{line.id}/" if line else None,
            }
        )
    return {"lines": lines}


@view_defaults(context=ReportNode)
class ReportPage:
    """One report: figures now, and its frozen tables."""

    def __init__(self, context: ReportNode, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ReportPages(request)
        self.base = str(request.resource_path(context))

    @property
    def report(self) -> Report:
        """Return the report; traversal has looked it up."""
        return self.request.portal.reports.reports[self.context.__name__]

    @view_config(
        request_method="GET",
        permission=Permission.REPORT_VIEW,
        renderer="yvaxportal:templates/reports/report.pt",
    )
    def show(self) -> dict[str, Any]:
        """Count for the chosen period and show; nothing is kept."""
        request, report = self.request, self.report
        problem = None
        period = self._default()
        if "year" in request.GET:
            try:
                period = self._wanted(request.GET)
            except ReportRefusedError as error:
                problem = REFUSALS.get(error.rule, NO_PERIOD)
                request.response.status_int = 422
        settings = request.portal.settings
        definition = request.portal.reports.resolve(report.code, period)
        counting = Counting(definition, period, settings.municipality_code, request.today)
        figures = table(definition, count(request.db, counting))
        kept = snapshots(request.db, report.code, period=period, limit=1)
        request.audit.record(
            Action.REPORT_VIEWED, subject=f"report:{report.code}", detail={"period": str(period)}
        )
        return {
            **self._frame(period),
            "problem": self.words.say(problem) if problem else None,
            "blocks": [self.words.block(figures, block, None) for block in definition.blocks],
            "notes": self.words.parts.notes(definition, public=False),
            "unverified": definition.unverified,
            "needs_reason": bool(kept and kept[0].is_closed),
            "may_make": bool(request.has_permission(Permission.REPORT_MAKE, self.context)),
        }

    @view_config(name="make", request_method="POST", permission=Permission.REPORT_MAKE)
    def make(self) -> Response:
        """Freeze the report for the chosen period."""
        request = self.request
        try:
            period = self._wanted(request.POST)
            made = make(
                request.db,
                request.audit,
                request.portal.reports,
                report=self.report.code,
                period=period,
                municipality_code=request.portal.settings.municipality_code,
                reason=request.POST.get("reason", ""),
                staff_id=request.identity.staff_id,
                today=request.today,
                now=request.now,
            )
        except ReportRefusedError as error:
            request.flash("error", REFUSALS.get(error.rule, NO_PERIOD))
            return HTTPSeeOther(self._again())
        request.flash("success", _("The table was frozen. Every figure leads to the people behind it."))
        return HTTPSeeOther(f"{self.base}{made}/")

    def _again(self) -> str:
        try:
            period = self._wanted(self.request.POST)
        except ReportRefusedError:
            return self.base
        return f"{self.base}?year={period.fiscal_year}&period={period.code}"

    def _default(self) -> Period:
        year = fiscal_year(self.request.today)
        return Period(year, halves_and_months(self.report.periods)[0])

    def _wanted(self, given: Any) -> Period:
        """Return the period that was asked for; ReportRefusedError when there can be none."""
        try:
            period = parse_period(given.get("year", ""), given.get("period", ""))
        except PeriodError:
            raise ReportRefusedError("none") from None
        if period.kind not in self.report.periods:
            raise ReportRefusedError("period")
        if period.first_day > self.request.today:
            raise ReportRefusedError("future")
        return period

    def _frame(self, period: Period) -> dict[str, Any]:
        request, report, words = self.request, self.report, self.words
        this_year = fiscal_year(request.today)
        return {
            "base": self.base,
            "title": report.title_ja if words.japanese else report.title_en,
            "steps": [
                (words.say(_("Reports")), request.resource_path(request.root, "reports", "")),
            ],
            "period": period,
            "period_text": words.period(period),
            "years": [
                (year, words.year(year), year == period.fiscal_year)
                for year in range(this_year, this_year - YEARS_BACK, -1)
            ],
            "parts": [
                (code, words.part(code), code == period.code) for code in halves_and_months(report.periods)
            ],
            "kept": [
                {
                    "id": line.id,
                    "url": f"{self.base}{line.id}/",
                    "period": words.period(line.period),
                    "as_of": format_jst(line.data_as_of),
                    "by": line.made_by,
                    "state": words.say(
                        _("Closed")
                        if line.is_closed
                        else (_("Superseded") if line.superseded_by else _("Not closed"))
                    ),
                    "kind": "ok" if line.is_closed else ("neutral" if line.superseded_by else "soon"),
                    "reason": line.reason or "",
                }
                for line in snapshots(request.db, report.code, limit=MOST_LINES)
            ],
        }
