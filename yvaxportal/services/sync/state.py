"""How far a system was followed: read and written in small transactions of their own or of a page."""

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from yvaxportal.models.sync import SyncState


def state_of(session: Session, system: str) -> SyncState:
    """Return the row of a system, made when there is none."""
    session.execute(insert(SyncState).values(system=system, more=False, failure="").on_conflict_do_nothing())
    return session.scalars(
        select(SyncState).where(SyncState.system == system).execution_options(populate_existing=True)
    ).one()


def change_state(session: Session, system: str, **values: Any) -> None:
    """Write some columns of a system's row."""
    session.execute(update(SyncState).where(SyncState.system == system).values(**values))


def began(session: Session, system: str, now: datetime) -> SyncState:
    """Note that a run began and return how far the last one came."""
    state = state_of(session, system)
    change_state(session, system, started_at=now)
    return state


def all_states(session: Session) -> dict[str, SyncState]:
    """Return the rows by system."""
    return {state.system: state for state in session.scalars(select(SyncState).order_by(SyncState.system))}
