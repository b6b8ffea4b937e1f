"""The worklist: what nobody looked at, the most doubtful first."""

from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPBadRequest
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.import_labels import OUTCOMES, ROW_STATES
from yvaxportal.forms.mismatch_labels import DOUBTS
from yvaxportal.models.codes import ImportRowState, SecondEntryState
from yvaxportal.request import PortalRequest
from yvaxportal.resources import MismatchDesk, is_id
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.desk import batches
from yvaxportal.services.imports.doubt import WEIGHTS
from yvaxportal.services.imports.doubtful import PAGE, Doubtful, Place, Wanted, doubtful_page
from yvaxportal.services.imports.sampling import count_open
from yvaxportal.values.text import _
from yvaxportal.views.imports.rows import state_of
from yvaxportal.views.mismatch.words import MismatchWords, doubt_mark

_PARTS = 3


@view_defaults(context=MismatchDesk, permission=Permission.IMPORT_VIEW)
class WorklistView:
    """The list."""

    def __init__(self, context: MismatchDesk, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = MismatchWords(request)

    @view_config(request_method="GET", renderer="yvaxportal:templates/mismatch/worklist.pt")
    def show(self) -> dict[str, Any]:
        """Show a page of the list."""
        request = self.request
        wanted = self._wanted()
        after = place_of(request.GET.get("after", ""))
        found = doubtful_page(request.db, wanted, after=after)
        shown = found[:PAGE]
        asked = {
            "batch": str(wanted.batch_id or ""),
            "state": wanted.state.value if wanted.state else "",
            "reason": wanted.reason or "",
        }
        request.audit.record(Action.DOUBTFUL_VIEWED, detail={**asked, "rows": len(shown)})
        base = request.resource_path(self.context)
        kept = {name: value for name, value in asked.items() if value}
        following = None
        if len(found) > PAGE:
            last = shown[-1].place
            place = f"{last.doubt}.{last.batch_id}.{last.number}"
            following = f"{base}?{urlencode({**kept, 'after': place})}"
        return {
            "base": base,
            "asked": asked,
            "rows": [self._line(row) for row in shown],
            "next_url": following,
            "states": [(one.value, self.words.say(label)) for one, (label, _kind) in ROW_STATES.items()],
            "reasons": [(code, self.words.kind_of_doubt(code)) for code in WEIGHTS if code in DOUBTS],
            "files": [(one.id, one.file_name) for one in batches(request.db, before=None, only_of=None)],
            "samples_url": f"{base}samples/",
            "samples_open": count_open(request.db),
            "second_url": request.resource_path(request.root, "second-entry", ""),
        }

    def _wanted(self) -> Wanted:
        request = self.request
        batch, reason = request.GET.get("batch", ""), request.GET.get("reason", "")
        if (batch and not is_id(batch)) or (reason and reason not in WEIGHTS):
            raise HTTPBadRequest
        state: ImportRowState | None = state_of(request.GET.get("state", ""))
        return Wanted(int(batch) if batch else None, state, reason or None)

    def _line(self, row: Doubtful) -> dict[str, Any]:
        person, dose = row.parsed.get("person", {}), row.parsed.get("dose", {})
        hidden = row.second_entry is SecondEntryState.WANTED
        address = self.request.resource_path(
            self.request.root, "imports", str(row.batch_id), "rows", str(row.number), ""
        )
        return {
            "url": f"{address}?from=mismatch",
            "file": row.file_name,
            "number": row.number,
            "line": row.line,
            "points": row.doubt,
            "mark": doubt_mark(row.doubt),
            "reasons": self.words.doubts(row.reasons),
            "state": self.words.row_state(row.state),
            "recorded": self.words.say(OUTCOMES[row.outcome]) if row.outcome else "",
            "hidden": self.words.say(_("Waits for the second entry")) if hidden else "",
            "name": "" if hidden else person.get("name") or person.get("name_kana") or "",
            "dose": ""
            if hidden
            else f"{self.words.value('vaccine', dose.get('vaccine'))} "
            f"{self.words.value('given_on', dose.get('given_on'))}".strip(),
        }


def place_of(text: str) -> Place | None:
    """Return the place that an address names, None for the beginning; 400 for anything else."""
    if not text:
        return None
    parts = text.split(".")
    if len(parts) != _PARTS or not all(is_id(part) for part in parts):
        raise HTTPBadRequest
    points, batch_id, number = map(int, parts)
    if points > 100 or number >= 2**31:  # noqa: PLR2004 - a share, and an integer of the database
        raise HTTPBadRequest
    return Place(points, batch_id, number)
