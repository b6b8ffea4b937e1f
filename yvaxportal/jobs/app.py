"""The job queue on the portal's own database. Nothing is global: an app is made for a database address."""

from collections.abc import Callable

from procrastinate import App, Blueprint, JobContext, PsycopgConnector

from yvaxportal.jobs import tasks
from yvaxportal.outputs.waking import MAKE_OUTPUTS
from yvaxportal.services.extraction.jobs import RUN_LISTS
from yvaxportal.services.waking import DELIVER_OUTBOX, FIND_DOUBLES, NAMESPACE, RUN_IMPORTS, SYNC_RESIDENTS


def make_app(database_url: str) -> App:
    """Return a queue on ``database_url`` (``postgresql+psycopg://``), not yet opened."""
    address = database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    app = App(connector=PsycopgConnector(conninfo=address, min_size=1, max_size=4))
    app.add_tasks_from(_blueprint(), namespace=NAMESPACE)
    return app


def _blueprint() -> Blueprint:
    """Return a fresh blueprint: adding one to an app changes it.

    A job's arguments are kept in the database and its logs: never a name, a number or a search in them.
    """
    jobs = Blueprint()
    every_minute, every_ten, nightly = "* * * * *", "*/10 * * * *", "20 18 * * *"  # UTC: 03:20 in Japan
    # ``lock``: one at a time. A killed worker keeps it, so the task that frees it has none.
    function: Callable[[JobContext, int], object]
    for name, function, cron, lock in (
        ("seal_audit", tasks.seal_audit, every_minute, "seal_audit"),
        ("purge_expired", tasks.purge_expired, every_ten, "purge_expired"),
        ("retry_stalled", tasks.retry_stalled, every_minute, None),
        ("remove_finished", tasks.remove_finished, nightly, "remove_finished"),
        ("sync_notices", tasks.sync_notices, every_ten, "sync_notices"),
        (DELIVER_OUTBOX, tasks.deliver_outbox, every_minute, DELIVER_OUTBOX),
        # Several files at once: each run takes the batches that no other has.
        (RUN_IMPORTS, tasks.run_imports, every_minute, None),
        # Several at once, likewise.
        (RUN_LISTS, tasks.run_lists, every_minute, None),
        (MAKE_OUTPUTS, tasks.make_outputs, every_minute, MAKE_OUTPUTS),
        ("wipe_outputs", tasks.wipe_outputs, every_ten, "wipe_outputs"),
        (SYNC_RESIDENTS, tasks.sync_residents, every_ten, SYNC_RESIDENTS),
        # After the night's update of the register and its clean-up: 04:40 in Japan.
        (FIND_DOUBLES, tasks.search_doubles, "40 19 * * *", FIND_DOUBLES),
        ("refresh_eligibility", tasks.refresh_eligibility, "0 17 * * *", "refresh_eligibility"),
    ):
        register = jobs.task(name=name, queueing_lock=name, lock=lock, pass_context=True)
        jobs.periodic(cron=cron)(register(function))
    return jobs
