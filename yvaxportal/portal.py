"""What one process holds for its whole life, made once from the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pyramid.config import Configurator
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from yvaxportal.models.database import open_engine
from yvaxportal.programme.catalogue import Catalogue, load_catalogue
from yvaxportal.security.acl_store import AclStore
from yvaxportal.services.connections import Connections, open_connections
from yvaxportal.services.fees.tariff import Tariff, load_tariff
from yvaxportal.services.reports.library import Library, load_library
from yvaxportal.settings import Settings, SettingsError, read_settings
from yvaxportal.values.clock import now_utc
from yvaxportal.vault.keyring import SETTING as KEY_RING_SETTING
from yvaxportal.vault.keyring import KeyRing, KeyRingError
from yvaxportal.vault.purposes import load_purposes
from yvaxportal.vault.vault import Vault

Content = TypeVar("Content")


@dataclass(frozen=True)
class Portal:
    """The registry's ``portal``: nothing global, everything reached through the request."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    key_ring: KeyRing
    vault: Vault
    acl: AclStore
    catalogue: Catalogue
    reports: Library
    tariff: Tariff
    connections: Connections
    clock: Callable[[], datetime]


def open_portal(settings: Settings) -> Portal:
    """Open everything that the settings name.

    :raises SettingsError: a file is missing or the database does not answer.
    """
    engine = open_engine(settings.database_url, pool_size=settings.pool_size)
    try:
        engine.connect().close()
    except OperationalError:
        raise SettingsError("yvaxportal.database.url", "the database cannot be reached") from None
    try:
        key_ring = KeyRing.load(settings.key_ring_file)
    except KeyRingError as error:
        raise SettingsError(KEY_RING_SETTING, error.problem) from None
    purposes = _own_file("yvaxportal.vault.purposes_file", settings.purposes_file, load_purposes)
    catalogue = _own_file("yvaxportal.programme.vaccines_file", settings.vaccines_file, load_catalogue)
    reports = _own_file(
        "yvaxportal.reports.folder", settings.reports_folder, lambda path: load_library(catalogue, path)
    )
    tariff = _own_file(
        "yvaxportal.fees.tariff_file", settings.tariff_file, lambda path: load_tariff(catalogue, path)
    )
    vault = Vault(engine, key_ring, settings.municipality_code, purposes=purposes)
    return Portal(
        settings=settings,
        engine=engine,
        sessions=sessionmaker(engine, autoflush=True),
        key_ring=key_ring,
        vault=vault,
        acl=AclStore(),
        catalogue=catalogue,
        reports=reports,
        tariff=tariff,
        connections=open_connections(settings, engine, vault, now_utc),
        clock=now_utc,
    )


def _own_file(setting: str, path: Path | None, load: Callable[[Path | None], Content]) -> Content:
    """Load what ships, together with the municipality's own file; the error names the setting."""
    try:
        return load(path)
    except OSError as error:
        raise SettingsError(setting, f"the file cannot be read ({type(error).__name__})") from None
    except ValueError as error:
        raise SettingsError(setting, " ".join(str(error).split())) from None


def includeme(config: Configurator) -> None:
    """Read the settings, open what they name, and put it on the registry."""
    config.registry.portal = open_portal(read_settings(config.registry.settings))
