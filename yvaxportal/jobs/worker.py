"""A worker: takes jobs until it is told to stop."""

from procrastinate import App
from sqlalchemy import Engine

from yvaxportal.audit.keys import SigningKeyError, load_signing_key
from yvaxportal.jobs.app import make_app
from yvaxportal.jobs.context import KEY, Tools
from yvaxportal.models.database import open_engine
from yvaxportal.programme.catalogue import CatalogueError, load_catalogue
from yvaxportal.services.connections import Connections, open_connections
from yvaxportal.services.imports.bureau import Bureau, open_bureau
from yvaxportal.services.imports.layouts import LayoutError, load_layouts
from yvaxportal.services.metrics.listener import telling
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
    connections = _connections(settings, engine)
    app = make_app(settings.database_url)
    try:
        with telling(METRICS_SETTING, settings.metrics_worker, connections, database=True):
            await _run(app, Tools(engine, signing_key, connections, _bureau(settings, engine)))
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


def _bureau(settings: Settings, engine: Engine) -> Bureau:
    try:
        ring = KeyRing.load(settings.key_ring_file)
        layouts = load_layouts(settings.import_layouts_folder)
        catalogue = load_catalogue(settings.vaccines_file)
    except KeyRingError as error:
        raise SettingsError(KEY_RING_SETTING, error.problem) from None
    except LayoutError as error:
        raise SettingsError("yvaxportal.imports.layouts_folder", str(error)) from None
    except CatalogueError as error:
        raise SettingsError("yvaxportal.programme.vaccines_file", str(error)) from None
    return open_bureau(settings, engine, ring, catalogue=catalogue, layouts=layouts, clock=now_utc)


def _connections(settings: Settings, engine: Engine) -> Connections:
    try:
        ring = KeyRing.load(settings.key_ring_file)
    except KeyRingError as error:
        raise SettingsError(KEY_RING_SETTING, error.problem) from None
    vault = Vault(engine, ring, settings.municipality_code)
    return open_connections(settings, engine, vault, now_utc)
