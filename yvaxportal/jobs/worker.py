"""A worker: takes jobs until it is told to stop."""

from yvaxportal.audit.keys import SigningKeyError, load_signing_key
from yvaxportal.jobs.app import make_app
from yvaxportal.jobs.context import KEY, Tools
from yvaxportal.models.database import open_engine
from yvaxportal.settings import Settings, SettingsError

# A job that needs longer than this after SIGTERM is given up and taken up by the next worker.
GRACE_SECONDS = 20


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT.

    :raises SettingsError: the signing key cannot be read.
    """
    try:
        signing_key = load_signing_key(settings.signing_key_file)
    except SigningKeyError:
        raise SettingsError("yvaxportal.audit.signing_key_file", "holds no Ed25519 key in PEM") from None
    engine = open_engine(settings.database_url, pool_size=settings.pool_size)
    app = make_app(settings.database_url)
    try:
        async with app.open_async():
            await app.run_worker_async(
                concurrency=2,
                delete_jobs="successful",
                shutdown_graceful_timeout=GRACE_SECONDS,
                additional_context={KEY: Tools(engine, signing_key)},
            )
    finally:
        engine.dispose()
