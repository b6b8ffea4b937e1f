"""The tasks. Each calls one service; a task may run twice, so each service bears being repeated."""

import logging
from datetime import UTC, datetime

from procrastinate import JobContext
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from yvaxportal.audit.seal import seal_pending
from yvaxportal.jobs.context import tools
from yvaxportal.outputs.wiping import wipe_expired
from yvaxportal.services.doubles.finding import find_doubles
from yvaxportal.services.housekeeping import purge
from yvaxportal.services.imports.run import run_waiting
from yvaxportal.services.sync.eligibility import TAX, WELFARE
from yvaxportal.services.sync.run import SyncReport

log = logging.getLogger(__name__)

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


def sync_residents(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Take over what happened in the resident register; nothing when there is no other side."""
    connections = tools(context).connections
    if connections.follows("resident_register"):
        told("resident_register", connections.residents.run())


def sync_notices(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Take over which atena numbers were merged or split; nothing when there is no other side."""
    connections = tools(context).connections
    if connections.follows("atena"):
        told("atena", connections.notices.run())


def deliver_outbox(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Tell the other systems what they have to be told."""
    counts = tools(context).connections.outbox.run()
    if counts:
        log.info("outbox: %s", dict(counts))


def refresh_eligibility(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Ask the tax and welfare registers about everybody."""
    connections = tools(context).connections
    for system in (TAX, WELFARE):
        if connections.follows(system):
            log.info("%s: %s", system, dict(connections.eligibility.for_all(system)))


def search_doubles(context: JobContext, timestamp: int) -> None:
    """Look for numbers that may be one person, as of ``timestamp`` (seconds since 1970)."""
    found = find_doubles(tools(context).engine, datetime.fromtimestamp(timestamp, UTC))
    log.info("doubles: %d pairs compared, %d listed, %d gone", found.compared, found.listed, found.gone)


def run_imports(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Check, apply and take back the files of doses of which somebody asked it."""
    bureau = tools(context).bureau
    if bureau is not None:
        run_waiting(bureau)


def run_lists(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Try out and save the lists of targets of which somebody asked it, and ask the registers for them."""
    lists = tools(context).lists
    if lists is not None:
        lists.run()


def make_outputs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - as above
    """Make the files that were asked for."""
    made = tools(context).workshop.run()
    if made:
        log.info("outputs: %d made", made)


def wipe_outputs(context: JobContext, timestamp: int) -> None:
    """Wipe the files whose term ended before ``timestamp`` (seconds since 1970)."""
    shop = tools(context).workshop
    wiped = wipe_expired(shop.engine, shop.folder, shop.temporary, datetime.fromtimestamp(timestamp, UTC))
    if wiped:
        log.info("outputs: %d wiped", wiped)


def told(system: str, report: SyncReport) -> None:
    """Log what a run did: numbers and kinds, nobody."""
    if report.busy:
        log.info("%s: another run is under way", system)
    elif report.failure:
        log.warning("%s: %s; %s", system, report.failure, dict(report.counts))
    elif report.counts:
        log.info("%s: %s", system, dict(report.counts))


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
