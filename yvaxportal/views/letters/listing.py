"""All runs of letters, the newest first."""

from typing import Any

from pyramid.view import view_config

from yvaxportal.request import PortalRequest
from yvaxportal.resources import Letters
from yvaxportal.security.permissions import Permission
from yvaxportal.services.letters.book import counts_of
from yvaxportal.services.letters.runs import PAGE_SIZE, list_runs
from yvaxportal.values.clock import format_jst
from yvaxportal.views.extractions.listing import cursor_of
from yvaxportal.views.letters.words import LetterWords


@view_config(
    context=Letters,
    request_method="GET",
    permission=Permission.LETTER_VIEW,
    renderer="yvaxportal:templates/letters/listing.pt",
)
def show_runs(context: Letters, request: PortalRequest) -> dict[str, Any]:
    """Show a page of runs: figures only, nobody's name."""
    words = LetterWords(request)
    here = request.resource_path(context)
    before = cursor_of(request, "before")
    rows = list_runs(request.db, before=before)
    counts = counts_of(request.db, [row.id for row in rows])
    lines = []
    for row in rows:
        state, kind = words.state(row)
        figures = counts[row.id]
        made = row.finished_at is not None
        lines.append(
            {
                "id": row.id,
                "url": f"{here}{row.id}/",
                "title": row.title,
                "letter": words.code(row.kind),
                "programme": words.programme(row.programme),
                "day": words.day(row.printed_for),
                "asked": format_jst(row.requested_at),
                "by": row.requested_by,
                "printed": f"{figures.printed:,}" if made else "",
                "held": f"{figures.held:,}" if made else "",
                "open": f"{figures.open:,}" if made else "",
                "state": state,
                "kind": kind,
            }
        )
    full = len(rows) == PAGE_SIZE
    return {
        "base": here,
        "runs": lines,
        "lists_url": request.resource_path(request.root, "extractions", ""),
        "may_make": bool(request.has_permission(Permission.LETTER_MAKE, context)),
        "previous_url": here if before is not None else None,
        "next_url": f"{here}?before={rows[-1].id}" if full else None,
    }
