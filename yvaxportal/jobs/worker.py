"""A worker: takes jobs until it is told to stop."""

from yvaxportal.jobs.app import make_app
from yvaxportal.jobs.context import KEY, Tools
from yvaxportal.models.database import open_engine
from yvaxportal.settings import Settings

# A job that needs longer than this after SIGTERM is given up and taken up by the next worker.
GRACE_SECONDS = 20


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    engine = open_engine(settings.database_url, pool_size=settings.pool_size)
    app = make_app(settings.database_url)
    try:
        async with app.open_async():
            await app.run_worker_async(
                concurrency=2,
                delete_jobs="successful",
                shutdown_graceful_timeout=GRACE_SECONDS,
                additional_context={KEY: Tools(engine, settings)},
            )
    finally:
        engine.dispose()
