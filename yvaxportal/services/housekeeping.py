"""Removing what is over: sessions, searches nobody goes back to, forgotten failures to sign in, used keys."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, delete

from yvaxportal.models.atena import AdapterKey
from yvaxportal.models.search import SearchRequest
from yvaxportal.models.staff import SignInThrottle, StaffSession
from yvaxportal.services.throttle import FORGOTTEN_AFTER

# Searches hold names as typed: they stay for a working day, to go back to, and no longer.
SEARCHES_KEPT = timedelta(hours=24)
# An ended session stays long enough to be looked at after an incident; who did what is in the audit trail.
SESSIONS_KEPT = timedelta(days=7)
# A key may come again for 30 days (adapters.interfaces); twice that is safe.
ADAPTER_KEYS_KEPT = timedelta(days=60)


def purge(engine: Engine, now: datetime) -> None:
    """Remove what was over before ``now`` (aware). May be repeated, and by several workers at once."""
    with engine.begin() as connection:
        connection.execute(delete(SearchRequest).where(SearchRequest.requested_at < now - SEARCHES_KEPT))
        connection.execute(delete(StaffSession).where(StaffSession.expires_at < now - SESSIONS_KEPT))
        connection.execute(
            delete(AdapterKey).where(AdapterKey.used_at < now - ADAPTER_KEYS_KEPT),
        )
        connection.execute(
            delete(SignInThrottle).where(SignInThrottle.last_failure_at < now - FORGOTTEN_AFTER)
        )
