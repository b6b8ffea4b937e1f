"""The list of numbers that may be one person, the likeliest first."""

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import DoubleState
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Doubles, is_id
from yvaxportal.security.permissions import Permission
from yvaxportal.services.doubles.listing import Person, Row, counts, last_search, page
from yvaxportal.services.doubles.merges import merges_to_take_apart
from yvaxportal.services.waking import FIND_DOUBLES, wake
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.doubles.words import DoubleWords

STATES = (DoubleState.OPEN, DoubleState.TOLD, DoubleState.DIFFERENT, DoubleState.MERGED)


@view_defaults(context=Doubles)
class DoublesPage:
    """The list, and asking for a new search."""

    def __init__(self, context: Doubles, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = DoubleWords(request)
        self.base = request.resource_path(context)

    @view_config(
        request_method="GET",
        permission=Permission.DOUBLE_VIEW,
        renderer="yvaxportal:templates/doubles/list.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show a page of pairs and record that these people were seen."""
        request = self.request
        state = self._state()
        after = self._after()
        found = page(request.db, state, after=after)
        people = [one.id for row in found.rows for one in (row.first, row.second)]
        if people:
            request.audit.record(Action.DOUBLES_VIEWED, detail={"state": state, "people": len(people)})
        search, how_many = last_search(request.db), counts(request.db)
        query = f"?state={state.value}"
        return {
            "base": self.base,
            "merges_url": f"{self.base}merges/",
            "as_of": format_jst(search.finished_at) if search else "",
            "states": [
                {
                    "label": self.words.code(one),
                    "count": f"{how_many.get(one, 0):,}",
                    "url": f"{self.base}?state={one.value}",
                    "active": one is state,
                }
                for one in STATES
            ],
            "apart": [
                {
                    "url": f"{self.base}merges/{row.id}/",
                    "kept": row.kept_number,
                    "merged": row.merged_number,
                }
                for row in merges_to_take_apart(request.db)
            ],
            "rows": [self._row(row) for row in found.rows],
            "may_search": bool(request.has_permission(Permission.DOUBLE_DECIDE, self.context)),
            "previous_url": f"{self.base}{query}" if after else None,
            "next_url": f"{self.base}{query}&after={found.next_after[0]}.{found.next_after[1]}"
            if found.next_after
            else None,
        }

    @view_config(name="search", request_method="POST", permission=Permission.DOUBLE_DECIDE)
    def search(self) -> Response:
        """Ask the worker to look through everybody now."""
        request = self.request
        asked = wake(request.db, FIND_DOUBLES, request.now, alone=True)
        request.audit.record(Action.DOUBLES_SEARCHED)
        if asked:
            request.flash("success", _("The search was asked for. What it finds shows here when it is done."))
        else:
            request.flash("info", _("A search waits already. What it finds shows here when it is done."))
        return HTTPSeeOther(self.base)

    def _state(self) -> DoubleState:
        try:
            return DoubleState(self.request.GET.get("state", DoubleState.OPEN.value))
        except ValueError:
            raise HTTPBadRequest from None

    def _after(self) -> tuple[int, int] | None:
        written = self.request.GET.get("after", "")
        if not written:
            return None
        score, _dot, last = written.partition(".")
        if not (is_id(score) and is_id(last)):
            raise HTTPBadRequest
        return min(int(score), 100), int(last)

    def _row(self, row: Row) -> dict[str, Any]:
        label, kind = self.words.likely(row.score)
        return {
            "url": f"{self.base}{row.id}/",
            "score": row.score,
            "label": label,
            "kind": kind,
            "people": [self._person(one) for one in (row.first, row.second)],
            "why": self.words.why(row.why),
            "found": format_jst(row.found_at),
        }

    def _person(self, person: Person) -> dict[str, str]:
        return {
            "name": person.name,
            "number": person.atena_number,
            "birth": self.words.birth(person.date_of_birth_written, foreign=person.is_foreign_national),
            "category": self.words.code(person.resident_category),
        }
