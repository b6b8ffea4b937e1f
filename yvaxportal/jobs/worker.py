"""A worker: takes jobs until it is told to stop."""

from procrastinate import App

from yvaxportal.audit.keys import SigningKeyError, load_signing_key
from yvaxportal.jobs.app import make_app
from yvaxportal.jobs.context import KEY, Tools
from yvaxportal.models.database import open_engine
from yvaxportal.outputs.opening import open_workshop
from yvaxportal.outputs.press import open_press
from yvaxportal.services.connections import open_connections
from yvaxportal.services.extraction.working import ListRoom, freshness_of
from yvaxportal.services.imports.bureau import open_bureau
from yvaxportal.services.metrics.listener import telling
from yvaxportal.services.own_rules import open_schedule
from yvaxportal.settings import Settings, SettingsError
from yvaxportal.values.clock import now_utc
from yvaxportal.vault.keyring import SETTING as KEY_RING_SETTING
from yvaxportal.vault.keyring import KeyRing, KeyRingError
from yvaxportal.vault.vault import Vault

# A job that needs longer than this after SIGTERM is given up and taken up by the next worker.
GRACE_SECONDS = 20
METRICS_SETTING = "yvaxportal.metrics.worker"


async def work(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT.

    :raises SettingsError: a key cannot be read, or an adapter cannot be had.
    """
    try:
        signing_key = load_signing_key(settings.signing_key_file)
    except SigningKeyError:
        raise SettingsError("yvaxportal.audit.signing_key_file", "holds no Ed25519 key in PEM") from None
    engine = open_engine(settings.database_url, pool_size=settings.pool_size)
    ring = _key_ring(settings)
    workshop = open_workshop(settings, engine, ring, now_utc, open_press(settings, open_schedule(settings)))
    bureau = open_bureau(settings, engine, ring, now_utc)
    vault = Vault(engine, ring, settings.municipality_code)
    connections = open_connections(settings, engine, vault, now_utc)
    lists = ListRoom(engine, bureau.schedule, connections, freshness_of(settings, connections), now_utc)
    app = make_app(settings.database_url)
    try:
        with telling(METRICS_SETTING, settings.metrics_worker, connections, database=True):
            await _run(app, Tools(engine, signing_key, connections, workshop, bureau, lists))
    finally:
        connections.adapters.close()
        engine.dispose()


async def _run(app: App, tools: Tools) -> None:
    async with app.open_async():
        await app.run_worker_async(
            concurrency=2,
            delete_jobs="successful",
            shutdown_graceful_timeout=GRACE_SECONDS,
            additional_context={KEY: tools},
        )


def _key_ring(settings: Settings) -> KeyRing:
    try:
        return KeyRing.load(settings.key_ring_file)
    except KeyRingError as error:
        raise SettingsError(KEY_RING_SETTING, error.problem) from None
