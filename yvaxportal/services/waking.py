"""Waking the worker: a job is in the queue exactly when the caller's transaction commits."""

import json
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

NAMESPACE = "yvax"
SYNC_RESIDENTS = "sync_residents"
DELIVER_OUTBOX = "deliver_outbox"
RUN_IMPORTS = "run_imports"
FIND_DOUBLES = "find_doubles"

# procrastinate's own deferring opens a connection of its own, which commits before the caller does. One job
# that waits is enough: whoever made it waits for the same worker.
_PUT = text(
    "INSERT INTO procrastinate_jobs (task_name, queue_name, lock, queueing_lock, args) "
    "VALUES (:task, 'default', :lock, :name, CAST(:args AS jsonb)) "
    "ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING RETURNING id"
)


def wake(session: Session, name: str, now: datetime, *, alone: bool) -> bool:
    """Put a task into the queue, in the session's transaction; False when it waits there already.

    :param name: of the task (``jobs.app``), without its namespace.
    :param alone: only one at a time, as ``jobs.app`` says of the same task.
    """
    args = json.dumps({"timestamp": int(now.timestamp())})
    values = {"task": f"{NAMESPACE}:{name}", "name": name, "lock": name if alone else None, "args": args}
    return session.execute(_PUT, values).first() is not None
