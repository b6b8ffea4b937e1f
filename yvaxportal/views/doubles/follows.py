"""What followed from a merge, in words: each kind with what is to be done about it, and where."""

from typing import Any

from yvaxportal.request import PortalRequest
from yvaxportal.services.doubles.consequences import (
    CertificateIssued,
    Consequences,
    FigureReported,
    LetterSent,
    TicketIssued,
)
from yvaxportal.services.reports.periods import Period
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.doubles.words import DoubleWords
from yvaxportal.views.reports.words import ReportPages

_TITLES = (
    (
        _("Letters printed since"),
        _("They were made for one person. Write to whoever got the wrong one."),
    ),
    (
        _("Tickets issued since"),
        _("Those that replace one of the returning number go with it; the others stay."),
    ),
    (
        _("Certificates issued since"),
        _("They may tell of doses of the other person. Void them and issue them anew."),
    ),
    (
        _("Files that left since"),
        _("They hold one person instead of two. Tell whoever received them."),
    ),
    (
        _("Figures reported since"),
        _("Frozen tables stay as they are. Make those that were closed anew, with the reason."),
    ),
)


def sections(request: PortalRequest, words: DoubleWords, found: Consequences) -> list[dict[str, Any]]:
    """Return what there is for the template, each kind with its lines; none of which there is nothing."""

    def path(*names: str) -> str:
        return str(request.resource_path(request.root, *names, ""))

    lines: tuple[list[tuple[str, str | None]], ...] = (
        [(_letter(words, one), path("letters", str(one.run_id))) for one in found.letters],
        [(_ticket(words, one), None) for one in found.tickets],
        [(_certificate(words, one), None) for one in found.certificates],
        [
            (f"{one.id}: {one.title} ({format_jst(one.requested_at)})", path("outputs", str(one.id)))
            for one in found.files
        ],
        [
            (_figure(request, words, one), path("reports", one.report, str(one.snapshot_id)))
            for one in found.figures
        ],
    )
    return [
        {
            "id": f"follows-{at}",
            "title": words.say(title),
            "remedy": words.say(remedy),
            "lines": [{"text": text, "url": url} for text, url in written],
        }
        for at, ((title, remedy), written) in enumerate(zip(_TITLES, lines, strict=True))
        if written
    ]


def _letter(words: DoubleWords, one: LetterSent) -> str:
    about = (words.code(one.kind), words.day(one.printed_for), words.code(one.state))
    return f"{one.run_id}: {one.title} ({', '.join(about)})"


def _ticket(words: DoubleWords, one: TicketIssued) -> str:
    goes = words.say(_("goes back") if one.goes_back else _("stays"))
    about = (words.day(one.issued_on), words.code(one.state), goes)
    return f"{words.vaccine(one.vaccine)} {one.dose_number}, {one.ticket_number} ({', '.join(about)})"


def _certificate(words: DoubleWords, one: CertificateIssued) -> str:
    about = (words.code(one.kind), words.day(one.issued_on), words.code(one.state))
    return f"{one.certificate_id} ({', '.join(about)})"


def _figure(request: PortalRequest, words: DoubleWords, one: FigureReported) -> str:
    definition = request.portal.reports.get(one.report)
    title = one.report
    if definition is not None:
        title = definition.title_ja if words.japanese else definition.title_en
    text = _(
        "Table ${id}, ${report}, ${period}: ${figures} figures ${closed}",
        mapping={
            "id": one.snapshot_id,
            "report": title,
            "period": ReportPages(request).period(Period(one.fiscal_year, one.period)),
            "figures": f"{one.figures:,}",
            "closed": words.say(_("(closed)")) if one.closed else "",
        },
    )
    return words.say(text)
