"""Waking the worker that makes files: the job is queued exactly when the caller's transaction commits."""

from datetime import datetime

from sqlalchemy.orm import Session

from yvaxportal.services.waking import wake

#: The name of the task (``jobs.app``), without its namespace.
MAKE_OUTPUTS = "make_outputs"


def wake_worker(session: Session, now: datetime) -> None:
    """Put the job that makes what is queued into the queue, in the session's transaction."""
    wake(session, MAKE_OUTPUTS, now, alone=True)
