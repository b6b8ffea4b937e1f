"""What one process holds for its whole life, made once from the settings."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pyramid.config import Configurator
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from yvaxportal.models.database import open_engine
from yvaxportal.outputs.layouts import Layout
from yvaxportal.outputs.opening import open_layouts
from yvaxportal.outputs.press import LetterPress, open_press
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.programme.schedule import Schedule
from yvaxportal.security.acl_store import AclStore
from yvaxportal.services.connections import Connections, open_connections
from yvaxportal.services.extraction.answers import Answers
from yvaxportal.services.extraction.states import Freshness
from yvaxportal.services.extraction.working import freshness_of
from yvaxportal.services.fees.tariff import Tariff, load_tariff
from yvaxportal.services.imports.bureau import LAYOUTS_SETTING, Bureau
from yvaxportal.services.imports.layouts import Layout as ImportLayout
from yvaxportal.services.imports.layouts import load_layouts as load_import_layouts
from yvaxportal.services.own_rules import open_schedule, own_file
from yvaxportal.services.reports.library import Library, load_library
from yvaxportal.settings import Settings, SettingsError, read_settings
from yvaxportal.values.clock import now_utc
from yvaxportal.vault.keyring import SETTING as KEY_RING_SETTING
from yvaxportal.vault.keyring import KeyRing, KeyRingError
from yvaxportal.vault.purposes import load_purposes
from yvaxportal.vault.vault import Vault


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
    schedule: Schedule
    press: LetterPress
    connections: Connections
    import_layouts: Mapping[str, ImportLayout]
    layouts: Mapping[str, Layout]
    clock: Callable[[], datetime]
    answers: Answers = field(default_factory=Answers)
    #: The links of the menu by language and by what decides who may follow them (``views.layout``).
    menus: dict[Hashable, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)

    @property
    def freshness(self) -> Freshness:
        """Return which registers can be asked for states, and when what they said is old."""
        return freshness_of(self.settings, self.connections)

    @property
    def bureau(self) -> Bureau:
        """Return what the services of files of doses need."""
        return Bureau(
            engine=self.engine,
            ring=self.key_ring,
            schedule=self.schedule,
            layouts=self.import_layouts,
            municipality_code=self.settings.municipality_code,
            match_floor=self.settings.import_match_percent * 10,
            clock=self.clock,
        )


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
    purposes = own_file("yvaxportal.vault.purposes_file", settings.purposes_file, load_purposes)
    schedule = open_schedule(settings)
    reports = own_file("yvaxportal.reports.folder", settings.reports_folder, partial(load_library, schedule))
    tariff = own_file(
        "yvaxportal.fees.tariff_file", settings.tariff_file, partial(load_tariff, schedule.catalogue)
    )
    vault = Vault(engine, key_ring, settings.municipality_code, purposes=purposes)
    return Portal(
        settings=settings,
        engine=engine,
        sessions=sessionmaker(engine, autoflush=True),
        key_ring=key_ring,
        vault=vault,
        acl=AclStore(),
        catalogue=schedule.catalogue,
        schedule=schedule,
        press=open_press(settings, schedule),
        reports=reports,
        tariff=tariff,
        connections=open_connections(settings, engine, vault, now_utc),
        import_layouts=own_file(LAYOUTS_SETTING, settings.import_layouts_folder, load_import_layouts),
        layouts=open_layouts(settings),
        clock=now_utc,
    )


def includeme(config: Configurator) -> None:
    """Read the settings, open what they name, and put it on the registry."""
    config.registry.portal = open_portal(read_settings(config.registry.settings))
