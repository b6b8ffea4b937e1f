"""Asking for a periodic job out of its turn, from a page."""

from datetime import datetime

NAMESPACE = "yvax"
SYNC_RESIDENTS = "sync_residents"
DELIVER_OUTBOX = "deliver_outbox"
RUN_IMPORTS = "run_imports"
FIND_DOUBLES = "find_doubles"


def ask_for(database_url: str, name: str, now: datetime) -> bool:
    """Put a periodic task into the queue out of its turn; False when it waits there already."""
    # Only where it is asked for: the queue costs a web process ten megabytes.
    from procrastinate.exceptions import AlreadyEnqueued  # noqa: PLC0415

    from yvaxportal.jobs.app import make_app  # noqa: PLC0415

    app = make_app(database_url)
    with app.open():
        lock = app.tasks[f"{NAMESPACE}:{name}"].lock
        deferrer = app.configure_task(f"{NAMESPACE}:{name}", queueing_lock=name, lock=lock)
        try:
            deferrer.defer(timestamp=int(now.timestamp()))
        except AlreadyEnqueued:
            return False
    return True
