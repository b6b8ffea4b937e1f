"""Waking the worker: the job is in the queue exactly when the caller's transaction commits."""

import json
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

#: The name of the task (``jobs.app``), without its namespace.
MAKE_OUTPUTS = "make_outputs"

# procrastinate's own deferring opens a connection of its own, which commits before the caller does. One job
# that waits is enough: whoever made it waits for the same worker.
_PUT = text(
    "INSERT INTO procrastinate_jobs (task_name, queue_name, lock, queueing_lock, args) "
    "VALUES (:task, 'default', :name, :name, CAST(:args AS jsonb)) "
    "ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING"
)


def wake_worker(session: Session, now: datetime) -> None:
    """Put the job that makes what is queued into the queue, in the session's transaction."""
    args = json.dumps({"timestamp": int(now.timestamp())})
    session.execute(_PUT, {"task": f"yvax:{MAKE_OUTPUTS}", "name": MAKE_OUTPUTS, "args": args})
