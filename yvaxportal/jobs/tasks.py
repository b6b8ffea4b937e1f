"""The tasks. Each calls one service; a task may run twice, so each service bears being repeated."""

from datetime import UTC, datetime

from procrastinate import JobContext
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from yvaxportal.audit.seal import seal_pending
from yvaxportal.jobs.context import tools
from yvaxportal.services.housekeeping import purge

# A worker that gave no sign for this long is dead; signs come every 10 seconds.
STALLED_SECONDS = 60
KEPT_HOURS = 24 * 30


def seal_audit(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - every periodic task gets it
    """Seal the audit events that no seal covers yet."""
    given = tools(context)
    seal_pending(given.engine, given.signing_key)


def purge_expired(context: JobContext, timestamp: int) -> None:
    """Remove sessions and searches that are over at ``timestamp`` (seconds since 1970)."""
    purge(tools(context).engine, datetime.fromtimestamp(timestamp, UTC))


async def retry_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Put the jobs of killed workers back into the queue."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # The same job waits already: once is enough.
            await manager.finish_job(job, Status.FAILED, delete_job=True)


async def remove_finished(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Remove what is left of jobs that ended long ago."""
    await context.app.job_manager.delete_old_jobs(nb_hours=KEPT_HOURS, include_failed=True)
