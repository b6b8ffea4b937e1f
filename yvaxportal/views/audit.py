"""The auditor's page, and who looked at one resident (measures M14, M15, M42)."""

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

import deform
from pyramid.view import view_config, view_defaults
from translationstring import TranslationString

from yvaxportal.audit.actions import Action
from yvaxportal.forms.audit import audit_schema
from yvaxportal.forms.audit_labels import ACTION_LABELS
from yvaxportal.forms.rendering import PortalForm
from yvaxportal.models.codes import Outcome
from yvaxportal.outputs.register import files_with
from yvaxportal.request import PortalRequest
from yvaxportal.resources import AccessLog, AuditLog, OutputNode, Outputs
from yvaxportal.security.permissions import Permission
from yvaxportal.services.audit_search import (
    AuditLine,
    AuditPage,
    AuditQuery,
    events_about,
    many_searches,
    seal_state,
    search_events,
)
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.outputs import KINDS
from yvaxportal.views.parts import parts_of
from yvaxportal.views.wording import Wording

MAX_CURSOR_DIGITS = 18
LOOK_BACK = timedelta(days=30)
#: Ready-made questions: the key in the address and the words on the page.
CANNED: dict[str, TranslationString] = {
    "refused": _("Refusals and failures today"),
    "sign-ins": _("Failed sign-ins of thirty days"),
    "off-hours": _("At night and on weekends, thirty days"),
    "numbers": _("Readings of personal numbers"),
    "searches": _("Very many searches, thirty days"),
}
_LABELS = {str(action): label for action, label in ACTION_LABELS.items()}
_OUTCOME_KINDS = {Outcome.DONE: "ok", Outcome.REFUSED: "overdue", Outcome.FAILED: "doubtful"}


class AuditView:
    """What both pages share: how an event is shown."""

    def __init__(self, context: AuditLog | AccessLog, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)

    def before(self) -> int | None:
        """Return the cursor of the address, None when it is none."""
        text = self.request.GET.get("before", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_CURSOR_DIGITS else None

    def lines(self, events: Iterable[AuditLine]) -> list[dict[str, Any]]:
        """Return the events in words."""
        return [self._line(event) for event in events]

    def _line(self, event: AuditLine) -> dict[str, Any]:
        label = _LABELS.get(event.action)
        more = {
            self.words.say(title): json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
            for title, value in (
                (_("Details"), event.detail),
                (_("Before"), self._told(event, event.before)),
                (_("After"), self._told(event, event.after)),
            )
            if value
        }
        url = None
        if event.atena_number is not None:
            url = self.request.resource_path(
                self.request.root, "residents", event.atena_number, "access-log", ""
            )
        return {
            "id": event.id,
            "when": format_jst(event.occurred_at),
            "who": event.actor or self.words.say(_("(visitor)")),
            "groups": event.actor_groups,
            "terminal": event.address or "",
            "what": self.words.say(label) if label else event.action,
            "whom": event.atena_number or event.subject or "",
            "url": url,
            "outcome": self.words.code(event.outcome),
            "kind": _OUTCOME_KINDS[event.outcome],
            "purpose": self._purpose(event.purpose),
            "case": event.case_reference or "",
            "more": more,
        }

    def _purpose(self, written: str | None) -> str:
        """Return the label of a purpose; one that is no longer configured stands for itself."""
        purpose = self.request.vault.purposes.get(written or "")
        if purpose is None:
            return written or ""
        return purpose.label_ja if self.words.japanese else purpose.label_en

    def _told(self, event: AuditLine, values: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return changed values; of a resident's record only which items changed, never what they hold.

        The log keeps both. Here they would go round the rights on names and addresses, which auditors lack.
        """
        if values is None or event.resident_id is None:
            return values
        return dict.fromkeys(values, self.words.say(_("not shown here")))

    def page_urls(self, page: AuditPage, filters: dict[str, str]) -> dict[str, str | None]:
        """Return the addresses of the first and the next page under the same filter."""
        here = self.request.resource_path(self.context)
        first = here + (f"?{urlencode(filters)}" if filters else "")
        more = urlencode(filters | {"before": str(page.next_before)})
        return {
            "first_url": first if self.before() is not None else None,
            "next_url": f"{here}?{more}" if page.next_before else None,
        }


@view_defaults(
    context=AuditLog, permission=Permission.AUDIT_VIEW, renderer="yvaxportal:templates/audit/search.pt"
)
class SearchAuditLog(AuditView):
    """The auditor's page."""

    @view_config(request_method="GET")
    def show(self) -> dict[str, Any]:
        """Search the log; the search is an event itself."""
        request = self.request
        form = PortalForm(
            audit_schema(request),
            action=request.resource_path(self.context),
            buttons=(deform.Button("search", _("Search")),),
            formid="audit-search",
            method="get",
        )
        canned = request.GET.get("view", "")
        filters = {
            name: value for name, value in request.GET.items() if value and name not in {"before", "view"}
        }
        wanted = {
            name: filters[name] for name in filters if name not in {"__formid__", "_charset_", "search"}
        }
        try:
            values = form.validate(filters.items())
        except deform.ValidationFailure as failure:
            request.response.status_int = 422
            return self._page(failure.render(), AuditPage([], None), {}, canned)
        query = self._canned(canned, AuditQuery(**_given(values)))
        asked = {name: value for name, value in asdict(query).items() if value}
        page = search_events(request.db, query, before=self.before())
        request.audit.record(Action.AUDIT_SEARCHED, detail={"filter": asked, "shown": len(page.lines)})
        kept = wanted | ({"view": canned} if canned in CANNED else {})
        return self._page(form.render(_given(values)), page, kept, canned)

    def _canned(self, canned: str, query: AuditQuery) -> AuditQuery:
        today = self.request.today
        since = today - LOOK_BACK
        if canned == "refused":
            return replace(query, not_done=True, first_day=today)
        if canned == "sign-ins":
            return replace(query, action=Action.SIGN_IN_FAILED, first_day=since)
        if canned == "off-hours":
            return replace(query, off_hours=True, first_day=since)
        if canned == "numbers":
            return replace(query, action=Action.PERSONAL_NUMBER_READ)
        if canned == "searches":
            return replace(query, action=Action.RESIDENT_SEARCHED, first_day=since)
        return query

    def _page(self, form: str, page: AuditPage, kept: dict[str, str], canned: str) -> dict[str, Any]:
        request = self.request
        state = seal_state(request.db)
        many = many_searches(request.db, request.today - LOOK_BACK, request.today)
        return {
            "form": form,
            "lines": self.lines(page.lines),
            "canned": [(key, label, key == canned) for key, label in CANNED.items()],
            "many": [
                {"who": row.actor, "hour": format_jst(row.hour), "count": row.searches}
                for row in (many if canned == "searches" else ())
            ],
            "sealed_at": format_jst(state.sealed_at) if state.sealed_at else None,
            "unsealed": max(state.last_event - state.last_sealed_event, 0),
            "seals": state.seals,
            "base": request.resource_path(self.context),
            **self.page_urls(page, kept),
        }


def _given(values: dict[str, object]) -> dict[str, Any]:
    """Return what was filled in, as ``AuditQuery`` takes it and the form shows it again."""
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    for name, kind in (("action", Action), ("outcome", Outcome)):
        if name in given:
            given[name] = kind(given[name])
    return {name: value for name, value in given.items() if isinstance(value, str | date)}


@view_config(
    context=AccessLog,
    request_method="GET",
    permission=Permission.ACCESS_LOG_VIEW,
    renderer="yvaxportal:templates/audit/access_log.pt",
)
class ResidentAccessLog(AuditView):
    """Who looked at one person, when, and why. An auditor sees it without the person's page or name."""

    context: AccessLog

    def __call__(self) -> dict[str, Any]:
        """Show the events about the person; looking here is one of them."""
        request, resident = self.request, self.context.resident
        node = self.context.resident_node
        page = events_about(request.db, resident.id, before=self.before())
        request.audit.record(Action.ACCESS_LOG_VIEWED, resident_id=resident.id)
        return {
            "atena_number": resident.atena_number,
            "parts": (
                parts_of(request, node, "access-log")
                if request.has_permission(Permission.RESIDENT_VIEW, node)
                else []
            ),
            "lines": self.lines(page.lines),
            "files": self._files() if self.before() is None else [],
            **self.page_urls(page, {}),
        }

    def _files(self) -> list[dict[str, Any]]:
        """Return the files that the person is or was in: who took them out, for what, and who allowed it."""
        request, words = self.request, self.words
        outputs = Outputs(request.root, "outputs", request)
        lines = []
        for one in files_with(request.db, self.context.resident.id):
            output = one.listed.output
            place = OutputNode(outputs, str(output.id), request, output)
            may_open = request.has_permission(Permission.OUTPUT_VIEW, place)
            approved = output.approved_sha256 is not None
            lines.append(
                {
                    "id": output.id,
                    "title": output.title,
                    "url": request.resource_path(place) if may_open else None,
                    "purpose": output.purpose,
                    "asked_by": one.listed.requester,
                    "asked_at": format_jst(output.requested_at),
                    "state": words.code(output.state),
                    "kind": KINDS[output.state],
                    "approved_by": one.listed.decider if approved else None,
                    "approved_at": format_jst(output.decided_at)
                    if approved and output.decided_at is not None
                    else "",
                    "no_approval": output.approval_needed is False,
                    "taken": [
                        {"at": format_jst(taken.at), "by": taken.by, "medium": taken.medium or ""}
                        for taken in one.taken
                    ],
                }
            )
        return lines
