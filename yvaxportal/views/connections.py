"""How the connections to other systems stand, how fresh what they told is, and what was refused."""

from datetime import datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from yvaxportal.adapters.messages.common import AdapterHealth, HealthState
from yvaxportal.audit.actions import Action
from yvaxportal.forms.connection_labels import (
    FAILURES,
    HEALTH,
    IMPLEMENTATIONS,
    LEFT_ALONE,
    OTHER_FAILURE,
    REASONS,
    SYSTEMS,
    UNLISTED,
)
from yvaxportal.forms.outbox_labels import DEEDS, refusal
from yvaxportal.models.codes import OutboxState
from yvaxportal.models.sync import SyncState
from yvaxportal.request import PortalRequest
from yvaxportal.resources import Connections
from yvaxportal.security.permissions import Permission
from yvaxportal.services.outbox.queue import Depth, Untold, depths, try_again, untold, withdraw
from yvaxportal.services.sync.refusals import RefusalRow, count_open, open_refusals, settle
from yvaxportal.services.sync.state import all_states
from yvaxportal.services.waking import SYNC_RESIDENTS, wake
from yvaxportal.values.clock import format_jst
from yvaxportal.values.text import _
from yvaxportal.views.wording import Wording

REGISTER = "resident_register"
#: These are asked every ten minutes; after this something is wrong. The others are asked once a night.
STALE_AFTER = {REGISTER: timedelta(hours=1), "atena": timedelta(hours=1)}
_STALE_OTHERWISE = timedelta(hours=36)
_KINDS = {
    HealthState.UP: "ok",
    HealthState.DEGRADED: "soon",
    HealthState.DOWN: "overdue",
    HealthState.UNKNOWN: "neutral",
}
_MOST_DIGITS = 18


@view_defaults(context=Connections)
class ConnectionsView:
    """The page, and what can be done on it."""

    def __init__(self, context: Connections, request: PortalRequest) -> None:
        self.context, self.request = context, request
        self.words = Wording(request)
        self.connections = request.portal.connections

    @view_config(
        request_method="GET",
        permission=Permission.CONNECTION_VIEW,
        renderer="yvaxportal:templates/connections/connections.pt",
    )
    def show(self) -> dict[str, Any]:
        """Show every system and what waits for a person."""
        request = self.request
        states = all_states(request.db)
        queues = depths(request.db)
        refusals = open_refusals(request.db)
        # Who it is about is for those who may see residents; an administrator of the machine may not.
        names = request.has_permission(Permission.RESIDENT_VIEW, request.root["residents"])
        may_run = bool(request.has_permission(Permission.CONNECTION_RUN, self.context))
        return {
            "base": request.resource_path(self.context),
            "systems": [
                self._system(system, states.get(system), queues.get(system, Depth()))
                for system in self.connections.names
            ],
            "untold": [self._untold(row, names=bool(names)) for row in untold(request.db)],
            "refusals": [self._refusal(row, names=bool(names)) for row in refusals],
            "waiting": count_open(request.db),
            "may_run": may_run,
            "may_sync": may_run and self.connections.follows(REGISTER),
            "names_shown": names,
        }

    @view_config(name="sync", request_method="POST", permission=Permission.CONNECTION_RUN)
    def sync(self) -> Response:
        """Ask the worker to follow the resident register now."""
        request = self.request
        if not self.connections.follows(REGISTER):
            raise HTTPBadRequest
        asked = wake(request.db, SYNC_RESIDENTS, request.now, alone=True)
        request.audit.record(Action.SYNC_REQUESTED, subject=REGISTER)
        if asked:
            return self._back("success", _("The update was asked for. It shows here when it is done."))
        return self._back("info", _("An update waits already. It shows here when it is done."))

    @view_config(name="settle", request_method="POST", permission=Permission.CONNECTION_RUN)
    def settle(self) -> Response:
        """Take one refusal off the list."""
        request = self.request
        written = request.POST.get("refusal", "")
        if not (written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS):
            raise HTTPBadRequest
        staff_id = request.identity.staff_id
        if not settle(request.db, int(written), staff_id=staff_id, now=request.now):
            return self._back("info", _("Somebody else settled it already."))
        request.audit.record(Action.SYNC_SETTLED, subject=f"refusal:{written}")
        return self._back("success", _("Settled. When it comes again, it is listed again."))

    @view_config(name="retry", request_method="POST", permission=Permission.CONNECTION_RUN)
    def retry(self) -> Response:
        """Let the worker try a message again within a minute."""
        message = try_again(self.request.db, self._message(), now=self.request.now)
        if message is None:
            return self._back("info", _("Somebody else settled it already."))
        self.request.audit.record(Action.OUTBOX_RETRIED, subject=f"outbox:{message.id}")
        return self._back("success", _("It is tried again within a minute."))

    @view_config(name="withdraw", request_method="POST", permission=Permission.CONNECTION_RUN)
    def withdraw(self) -> Response:
        """Give up a message: the other system is not told."""
        message = withdraw(self.request.db, self._message(), now=self.request.now)
        if message is None:
            return self._back("info", _("Somebody else settled it already."))
        self.request.audit.record(Action.OUTBOX_WITHDRAWN, subject=f"outbox:{message.id}")
        return self._back("success", _("Withdrawn. The other system is not told."))

    def _message(self) -> int:
        written = self.request.POST.get("message", "")
        if not (written.isascii() and written.isdigit() and len(written) <= _MOST_DIGITS):
            raise HTTPBadRequest
        return int(written)

    def _untold(self, row: Untold, *, names: bool) -> dict[str, Any]:
        refused = row.state is OutboxState.REFUSED
        problem = refusal(row.problem) if refused else FAILURES.get(row.problem.partition(":")[0])
        url = None
        if names and row.atena_number is not None:
            url = self.request.resource_path(self.request.root, "residents", row.atena_number, "")
        return {
            "id": row.id,
            "system": self.words.say(SYSTEMS[row.system]),
            "deed": self.words.say(DEEDS[row.deed]),
            "whom": row.atena_number if names else None,
            "url": url,
            "state": self.words.code(row.state),
            "kind": "overdue" if refused else "soon",
            "problem": self.words.say(problem or OTHER_FAILURE) if row.problem else "",
            "asked": format_jst(row.asked_at),
            "next": "" if refused else format_jst(row.next_attempt_at),
            "attempts": row.attempts,
        }

    def _back(self, kind: str, text: str) -> Response:
        self.request.flash(kind, text)
        return HTTPSeeOther(self.request.resource_path(self.context))

    def _system(self, system: str, state: SyncState | None, queue: Depth) -> dict[str, Any]:
        name = self.connections.names[system]
        health: AdapterHealth = self.connections.adapters.by_system[system].health()
        follows = self.connections.follows(system)
        fresh = state.succeeded_at if state else None
        failure = state.failure if state else ""
        standing = _standing(health.state, state)
        stale = STALE_AFTER.get(system, _STALE_OTHERWISE)
        return {
            "key": system.replace("_", "-"),
            "label": self.words.say(SYSTEMS[system]),
            "implementation": self.words.say(IMPLEMENTATIONS.get(name, name)),
            "health": self.words.say(LEFT_ALONE if health.figures.get("breaker_open") else HEALTH[standing]),
            "kind": _KINDS[standing],
            "follows": follows,
            "fresh": format_jst(fresh) if fresh else "",
            "answered": _moment(health.last_success_at),
            "stale": follows and (fresh is None or self.request.now - fresh > stale),
            "as_of": _moment(state.as_of if state else None),
            "more": bool(state and state.more),
            "failure": failure,
            "failure_label": self._kind_of(failure or health.last_error),
            "failed": _moment(state.failed_at if state and failure else None),
            "loading": self._loading(state),
            "waiting": queue.waiting,
            "last_error": health.last_error,
            "last_error_at": _moment(health.last_error_at),
        }

    def _kind_of(self, told: str) -> str:
        """Return what kind of failure it was, in words; empty when there was none."""
        label = FAILURES.get(told.partition(":")[0], OTHER_FAILURE)
        return self.words.say(label) if told else ""

    def _loading(self, state: SyncState | None) -> str:
        if state is None or state.snapshot_id is None or state.cursor is not None:
            return ""
        text = _(
            "First load: ${taken} of ${expected} people",
            mapping={
                "taken": f"{state.snapshot_taken or 0:,}",
                "expected": f"{state.snapshot_expected or 0:,}",
            },
        )
        return self.words.say(text)

    def _refusal(self, row: RefusalRow, *, names: bool) -> dict[str, Any]:
        cause, remedy = REASONS.get(row.reason, UNLISTED)
        url = None
        if names and row.atena_number is not None:
            url = self.request.resource_path(self.request.root, "residents", row.atena_number, "")
        return {
            "id": row.id,
            "system": self.words.say(SYSTEMS.get(row.system, row.system)),
            "cause": self.words.say(cause),
            "remedy": self.words.say(remedy),
            "whom": row.atena_number if names else None,
            "url": url,
            "first": format_jst(row.first_at),
            "last": format_jst(row.last_at),
            "times": row.times,
        }


def _standing(health: HealthState, state: SyncState | None) -> HealthState:
    """Return how a connection stands: what this process saw of it, else how the worker's last run ended."""
    if health is not HealthState.UNKNOWN or state is None:
        return health
    if state.failure:
        return HealthState.DEGRADED
    return HealthState.UP if state.succeeded_at else health


def _moment(moment: datetime | None) -> str:
    return format_jst(moment) if moment else ""
