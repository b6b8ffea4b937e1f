"""All saved lists of targets, the newest first."""

from typing import Any

from pyramid.view import view_config

from yvaxportal.models.codes import ExtractionState
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Extractions, is_id
from yvaxportal.security.permissions import Permission
from yvaxportal.services.extraction.jobs import lately_asked
from yvaxportal.services.extraction.lists import PAGE_SIZE, lists
from yvaxportal.values.clock import format_jst
from yvaxportal.views.extractions.words import ListWords


def cursor_of(request: PortalRequest, name: str) -> int | None:
    """Return an id that the address carries to page on; None for none, and for what is none."""
    written = request.GET.get(name, "")
    return int(written) if is_id(written) else None


@view_config(
    context=Extractions,
    request_method="GET",
    permission=Permission.EXTRACTION_VIEW,
    renderer="yvaxportal:templates/extractions/listing.pt",
)
def show_lists(context: Extractions, request: PortalRequest) -> dict[str, Any]:
    """Show a page of lists: figures only, nobody's name."""
    words = ListWords(request)
    before = cursor_of(request, "before")
    rows = lists(request.db, before=before, limit=PAGE_SIZE + 1)
    here = request.resource_path(context)
    shown = rows[:PAGE_SIZE]
    jobs = lately_asked(request.db, request.identity.staff_id, request.now)
    return {
        "base": here,
        "jobs": [
            {
                "url": f"{here}jobs/{job.id}/",
                "title": f"{words.code(job.kind)}: {job.title}",
                "state": words.code(job.state),
            }
            for job in jobs
        ],
        "may_make": bool(request.has_permission(Permission.EXTRACTION_MAKE, context)),
        "lists": [
            {
                "id": row.id,
                "url": f"{here}{row.id}/",
                "title": row.title,
                "programme": words.programme(row.programme),
                "day": words.day(row.reference_date),
                "base": f"{row.base:,}",
                "left": f"{row.by_rules:,}",
                "saved": format_jst(row.created_at),
                "by": row.created_by,
                "state": words.code(row.state),
                "kind": "ok" if row.state is ExtractionState.SAVED else "neutral",
            }
            for row in shown
        ],
        "previous_url": here if before is not None else None,
        "next_url": f"{here}?before={shown[-1].id}" if len(rows) > PAGE_SIZE else None,
    }
