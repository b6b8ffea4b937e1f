"""The queue of rows that wait for a person, and deciding about many like ones at once."""

from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.audit.actions import Action
from yvaxportal.forms.import_labels import OUTCOMES, ROW_STATES
from yvaxportal.models.codes import ImportDecision, ImportRowState, SecondEntryState
from yvaxportal.request import PortalRequest
from yvaxportal.resources import ImportRows
from yvaxportal.security.permissions import Permission
from yvaxportal.services.imports.deciding import TOGETHER, Reviewer
from yvaxportal.services.imports.queue import PAGE, open_counts, open_kinds, open_page, rows_page
from yvaxportal.services.imports.rows import StoredRow
from yvaxportal.values.text import _, contains_personal_number
from yvaxportal.views.imports.words import ImportWords

_MOST_DIGITS = 9
_LONGEST_REASON = 200


def reviewer_of(request: PortalRequest) -> Reviewer:
    """Return the reviewer that whoever is signed in is."""
    return Reviewer(request.db, request.audit, request.portal.bureau, request.identity.staff_id, request.now)


def reason_of(request: PortalRequest) -> str | None:
    """Return the reason that a form gives, None when it is none that can be kept."""
    reason: str = request.POST.get("reason", "").strip()
    if not reason or len(reason) > _LONGEST_REASON or contains_personal_number(reason):
        return None
    return reason


def state_of(text: str) -> ImportRowState | None:
    """Return the state that an address names, None for none; 400 for what is no state."""
    if not text:
        return None
    try:
        return ImportRowState(text)
    except ValueError:
        raise HTTPBadRequest from None


@view_defaults(context=ImportRows)
class RowsView:
    """The queue."""

    def __init__(self, context: ImportRows, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = ImportWords(request)

    @view_config(
        request_method="GET",
        permission=Permission.IMPORT_VIEW,
        renderer="yvaxportal:templates/imports/rows.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show a page of rows: those of a state that wait, or all of them."""
        request, batch = self.request, self.context.batch
        state = state_of(request.GET.get("state", ""))
        after = self._after()
        waiting = open_counts(request.db, batch.id)
        everything = state is not None and not waiting.get(state)
        read = rows_page if everything else open_page
        found = read(request.db, batch.id, state=state, after=after)
        shown = found[:PAGE]
        request.audit.record(
            Action.IMPORT_VIEWED,
            subject=f"import:{batch.id}",
            detail={"state": state.value if state else "", "after": after, "rows": len(shown)},
        )
        base = request.resource_path(self.context)
        query = f"state={state.value}&" if state else ""
        return {
            "base": base,
            "batch": batch,
            "batch_url": request.resource_path(self.context.file),
            "list_url": request.resource_path(self.context.file.__parent__),
            "tabs": self._tabs(base, state, waiting),
            "rows": [self._line(row, state) for row in shown],
            "everything": everything,
            "next_url": f"{base}?{query}after={shown[-1].number}" if len(found) > PAGE else None,
            "kinds": self._kinds(state) if state and not everything else [],
            "state": state.value if state else "",
            "may_decide": bool(request.has_permission(Permission.IMPORT_REVIEW, self.context)),
        }

    @view_config(name="together", request_method="POST", permission=Permission.IMPORT_REVIEW)
    def together(self) -> Response:
        """Decide about all open rows of a state with the same first reason."""
        request = self.request
        state = state_of(request.POST.get("state", ""))
        code = request.POST.get("code", "")
        try:
            decision = ImportDecision(request.POST.get("decision", ""))
        except ValueError:
            raise HTTPBadRequest from None
        if state is None or state not in TOGETHER.get(decision, ()):
            raise HTTPBadRequest
        back = HTTPSeeOther(f"{request.resource_path(self.context)}?state={state.value}")
        reason = reason_of(request)
        if reason is None:
            request.flash("error", _("Give a reason of up to 200 characters, without any personal number."))
            return back
        count = reviewer_of(request).together(self.context.batch.id, state, code, decision, reason=reason)
        request.flash("success", _("Decided about ${count} rows.", mapping={"count": count}))
        return back

    def _after(self) -> int:
        text = self.request.GET.get("after", "0")
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
            raise HTTPBadRequest
        return int(text)

    def _tabs(
        self, base: str, state: ImportRowState | None, waiting: dict[ImportRowState, int]
    ) -> list[dict[str, Any]]:
        tabs = [
            {"label": self.words.say(_("All that wait")), "url": base, "active": state is None, "count": ""}
        ]
        tabs += (
            {
                "label": self.words.say(ROW_STATES[one][0]),
                "url": f"{base}?state={one.value}",
                "active": one is state,
                "count": waiting.get(one, ""),
            }
            for one in ImportRowState
            if one in waiting or one is state
        )
        return tabs

    def _kinds(self, state: ImportRowState | None) -> list[dict[str, Any]]:
        if state is None:
            return []
        decisions = [
            (decision.value, self.words.code_of_decision(decision))
            for decision, states in TOGETHER.items()
            if state in states
        ]
        return [
            {"code": code, "label": self.words.kind(code), "count": count, "decisions": decisions}
            for code, count in open_kinds(self.request.db, self.context.batch.id, state)
        ]

    def _line(self, row: StoredRow, state: ImportRowState | None) -> dict[str, Any]:
        person, dose = row.parsed.get("person", {}), row.parsed.get("dose", {})
        query = f"?state={state.value}" if state else ""
        became = ""
        if row.outcome is not None:
            became = self.words.say(OUTCOMES[row.outcome])
        elif row.decision is not None:
            became = self.words.code_of_decision(row.decision)
        if row.second_entry is SecondEntryState.WANTED:
            # Whoever reads the list could be the one who types the row again.
            person, dose = {}, {}
            became = self.words.say(_("Waits for the second entry"))
        return {
            "number": row.number,
            "line": row.line,
            "url": self.request.resource_path(self.context, str(row.number), "") + query,
            "state": self.words.row_state(row.state),
            "reasons": self.words.reasons(row.reasons),
            "name": person.get("name") or person.get("name_kana") or "",
            "birth": self.words.value("birth", person.get("birth")),
            "vaccine": self.words.value("vaccine", dose.get("vaccine")),
            "dose_number": dose.get("dose_number", ""),
            "given_on": self.words.value("given_on", dose.get("given_on")),
            "became": became,
        }
