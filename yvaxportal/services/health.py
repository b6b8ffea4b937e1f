"""How the portal and its connections stand, for a monitor: states, moments and numbers, nobody's data."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from yvaxportal.adapters.messages.common import AdapterHealth, HealthState
from yvaxportal.models.sync import SyncState
from yvaxportal.services.connections import Connections
from yvaxportal.services.outbox.queue import Depth, depths
from yvaxportal.services.sync.refusals import count_open
from yvaxportal.services.sync.state import all_states

_WAITING = text(
    "SELECT status::text, count(*), min(scheduled_at) FROM procrastinate_jobs "
    "WHERE status IN ('todo', 'doing', 'failed') GROUP BY status"
)


def report(session: Session, connections: Connections, now: datetime) -> dict[str, Any]:
    """Return the state of everything as JSON can hold it.

    ``status`` is ``ok``, or ``degraded`` when a followed system does not answer or the last run failed. A
    database that does not answer raises what SQLAlchemy raises.
    """
    states = all_states(session)
    systems = {
        system: _system(
            name,
            connections.adapters.by_system[system].health(),
            states.get(system),
            follows=connections.follows(system),
        )
        for system, name in connections.names.items()
    }
    jobs = jobs_by_status(session)
    degraded = any(not system["ok"] for system in systems.values())
    return {
        "status": "degraded" if degraded else "ok",
        "at": _written(session.scalar(select(func.now())) or now),
        "database": "ok",
        "jobs": jobs,
        "refused": count_open(session),
        "to_be_told": {system: _queue(depth) for system, depth in depths(session).items()},
        "systems": systems,
    }


def jobs_by_status(session: Session) -> dict[str, int]:
    """Return how many background jobs wait (``todo``), run (``doing``) or failed."""
    jobs = {row[0]: row[1] for row in session.execute(_WAITING)}
    return {status: jobs.get(status, 0) for status in ("todo", "doing", "failed")}


def _system(name: str, health: AdapterHealth, state: SyncState | None, *, follows: bool) -> dict[str, Any]:
    failing = bool(state and state.failure)
    return {
        "implementation": name,
        "ok": not follows or (health.state is not HealthState.DOWN and not failing),
        "state": health.state.value,
        "last_success_at": _written(health.last_success_at),
        "last_error_at": _written(health.last_error_at),
        "last_error": _kind(health.last_error),
        "taken_over_at": _written(state.succeeded_at if state else None),
        "failed_at": _written(state.failed_at if state and failing else None),
        "failure": _kind(state.failure if state else ""),
        "as_of": _written(state.as_of if state else None),
        "figures": dict(health.figures),
    }


def _queue(depth: Depth) -> dict[str, Any]:
    return {"waiting": depth.waiting, "refused": depth.refused, "oldest_at": _written(depth.oldest)}


def _kind(told: str) -> str:
    """Return the kind of an error without its text, which is for staff."""
    return told.partition(":")[0]


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
