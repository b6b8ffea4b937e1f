"""The dashboard: coverage of cohorts over the months, the newest reported rates, what waits for whom."""

from datetime import date
from decimal import Decimal
from typing import Any

from pyramid.view import view_config

from yvaxportal.request import PortalRequest
from yvaxportal.resources import Dashboard
from yvaxportal.security.permissions import Permission
from yvaxportal.services.dashboard.coverage import REPORT, Curve, choices, curves, months_until
from yvaxportal.services.dashboard.outcomes import PARTS, newest
from yvaxportal.services.dashboard.waiting import Waiting, waiting
from yvaxportal.services.reports.snapshots import atoms_in, definition_in, latest
from yvaxportal.services.reports.table import table
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.coverage_charts import Bar, Line, Stack, bar_chart, line_chart, stacked_chart
from yvaxportal.views.imports.words import ImportWords
from yvaxportal.views.reports.words import ReportPages

FIRST_CHOICE = "mr_1"
#: What each kind is called, where it is settled, and what one must hold to go there.
PLACES = {
    "people": (_("People waiting for an atena number"), "residents/waiting", Permission.RESIDENT_EDIT),
    "outbox": (_("Other systems to be told"), "connections/", Permission.CONNECTION_VIEW),
    "outbox_refused": (_("Refused by other systems"), "connections/", Permission.CONNECTION_VIEW),
    "refusals": (_("Not taken over from other systems"), "connections/", Permission.CONNECTION_VIEW),
    "imports": (_("Rows of files waiting for a decision"), "imports/", Permission.IMPORT_REVIEW),
    "second_entries": (
        _("Rows waiting for a second entry"),
        "second-entry/",
        Permission.IMPORT_SECOND_ENTRY,
    ),
    "samples": (
        _("Recorded rows to be compared with the paper"),
        "mismatch/samples/",
        Permission.IMPORT_REVIEW,
    ),
    "doubles": (_("Numbers that may be one person"), "doubles/", Permission.DOUBLE_VIEW),
    "outputs": (_("Files waiting for approval"), "outputs/", Permission.OUTPUT_APPROVE),
    "media": (_("Storage media waiting for approval"), "media/", Permission.MEDIUM_APPROVE),
    "letters": (_("Letters held for a support measure"), "letters/", Permission.LETTER_RELEASE),
    "proposals": (_("Permissions waiting for a second administrator"), "groups/", Permission.ACL_EDIT),
}
#: The parts of a file of doses, as ``services.dashboard.outcomes`` counts them.
OUTCOMES = {
    "ready": _("Ready"),
    "already_there": _("Already recorded"),
    "held": _("Looked at by a person"),
    "unreadable": _("Cannot be read"),
}


@view_config(
    context=Dashboard,
    request_method="GET",
    permission=Permission.REPORT_VIEW,
    renderer="yvaxportal:templates/dashboard.pt",
)
class DashboardPage:
    """The page."""

    def __init__(self, context: Dashboard, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ReportPages(request)

    def __call__(self) -> dict[str, Any]:
        """Show the pictures with their tables."""
        request = self.request
        rows = choices(request.portal.reports, request.today)
        keys = [row.key for row in rows]
        wanted = request.GET.get("dose", "")
        chosen = wanted if wanted in keys else (FIRST_CHOICE if FIRST_CHOICE in keys else keys[0])
        found = curves(request.db, request.portal.reports, chosen, request.today)
        parts = self.words.parts
        return {
            "base": request.resource_path(self.context),
            "choices": [
                (row.key, f"{parts.group(row)} {parts.named(row)}", row.key == chosen) for row in rows
            ],
            **self._curves(found, months_until(request.today)),
            **self._reported(),
            **self._outcomes(),
            "waiting": [self._waiting(one) for one in waiting(request.db)],
        }

    def _curves(self, found: list[Curve] | Any, months: Any) -> dict[str, Any]:
        words = self.words
        lines = [Line(words.year(curve.fiscal_year), curve.rates()) for curve in found]
        title = words.say(_("Coverage of the targets of each fiscal year, month by month"))
        ticks = [_month(month) for month in months]
        return {
            "curves_chart": line_chart(lines, ticks, title=title, figure_id="coverage-curves"),
            "months": ticks[-12:],
            "curves": [
                {
                    "name": words.year(curve.fiscal_year),
                    "people": f"{curve.people:,}",
                    "rates": ["" if one is None else f"{one}%" for one in curve.rates()[-12:]],
                }
                for curve in found
            ],
        }

    def _reported(self) -> dict[str, Any]:
        """Return the rates of the newest frozen table of coverage."""
        request, words = self.request, self.words
        line = latest(request.db).get(REPORT)
        if line is None:
            return {"reported": None}
        definition = definition_in(request.db, line.id)
        figures = table(definition, atoms_in(request.db, line.id))
        rows = []
        for row in figures.rows:
            found = figures.at(row.key, "rate").value
            if isinstance(found, Decimal) and found > 0:
                rows.append((f"{words.parts.group(row)} {words.parts.named(row)}", row.key, found))
        title = words.say(_("Coverage: ${period}", mapping={"period": words.period(line.period)}))
        bars = [Bar(name, found, f"{found}%") for name, _key, found in rows]
        return {
            "reported": title,
            "reported_url": request.resource_path(request.root, "reports", REPORT, str(line.id), ""),
            "reported_as_of": format_jst(line.data_as_of),
            "bars": bar_chart(bars, title=title, figure_id="coverage-bars"),
            "rates": [
                {
                    "name": name,
                    "targets": f"{figures.at(key, 'targets').value:,}",
                    "given": f"{figures.at(key, 'given').value:,}",
                    "rate": f"{found}%",
                }
                for name, key, found in rows
            ],
        }

    def _outcomes(self) -> dict[str, Any]:
        """Return how the newest files of doses were judged, for those who may see everybody's files."""
        request, words = self.request, self.words
        if Permission.IMPORT_VIEW not in request.own_permissions:
            return {"files": None, "files_title": ""}
        imports, layouts = ImportWords(request), request.portal.import_layouts
        names = [words.say(OUTCOMES[part]) for part in PARTS]
        title = words.say(_("How the newest files of doses were judged"))
        files = [
            {
                "name": f"{one.batch_id}: {imports.layout(layouts.get(one.layout), one.layout)}",
                "url": request.resource_path(request.root, "imports", str(one.batch_id), ""),
                "came": format_jst(one.uploaded_at),
                "parts": [one.rows[part] for part in PARTS],
            }
            for one in newest(request.db)
        ]
        stacks = [Stack(file["name"], file["parts"]) for file in files]
        return {
            "files": files,
            "files_title": title,
            "files_names": names,
            "files_chart": stacked_chart(stacks, names, title=title, figure_id="files-outcomes"),
        }

    def _waiting(self, one: Waiting) -> dict[str, Any]:
        label, path, permission = PLACES[one.key]
        leads = one.count and permission in self.request.own_permissions
        known = path.partition("/")[0] in self.request.root.children
        return {
            "label": self.words.say(label),
            "count": f"{one.count:,}",
            "some": one.count > 0,
            "since": format_jst(one.oldest) if one.oldest else "",
            "url": f"/{path}" if leads and known else None,
        }


def _month(first: date) -> str:
    return f"{first:%Y-%m}"
