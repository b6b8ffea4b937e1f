"""What the import services need beside a transaction, and how they say how far they are."""

import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Json
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects.postgresql import insert

from yvaxportal.audit.trail import Actor
from yvaxportal.models.imports import ImportProgress
from yvaxportal.models.staff import StaffAccount
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.imports.layouts import Layout, load_layouts
from yvaxportal.services.own_rules import open_schedule, own_file
from yvaxportal.settings import Settings
from yvaxportal.values.clock import jst_date
from yvaxportal.vault.keyring import KeyRing

# The first key of the advisory lock of a batch; the second is its id, modulo 2^31.
_LOCK = 0x696D7074
LOT = 2_000
LAYOUTS_SETTING = "yvaxportal.imports.layouts_folder"


@contextmanager
def collected_by_lot() -> Iterator[None]:
    """Look for cyclic garbage once a lot (``Progress.tell``) instead of all the time, which costs a third.

    What was there before is left alone meanwhile, so that looking is cheap.
    """
    was = gc.isenabled()
    gc.disable()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        if was:
            gc.enable()


class CancelledError(Exception):
    """Somebody asked for the end of a run; its transaction is rolled back."""


@dataclass(frozen=True)
class Bureau:
    """Made once by a process.

    :param match_floor: thousandths of the rows that must match, or the file is refused whole.
    """

    engine: Engine
    ring: KeyRing
    schedule: Schedule
    layouts: Mapping[str, Layout]
    municipality_code: str
    match_floor: int
    clock: Callable[[], datetime]

    @property
    def catalogue(self) -> Catalogue:
        """Return the vaccines that can be recorded."""
        return self.schedule.catalogue

    @property
    def today(self) -> date:
        """Return the day in Japan."""
        return jst_date(self.clock())

    def rules_version(self, layout: Layout) -> str:
        """Return what changes whenever a row may be judged otherwise: catalogue, rules or layout."""
        said = repr((sorted(self.catalogue.vaccines.items()), self.schedule.version, layout.sha256))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    @contextmanager
    def alone(self, batch_id: int) -> Iterator[Connection | None]:
        """Open the one transaction of a run; None while another run has the batch.

        The lock ends with the transaction, and with the process, however that ends.
        """
        with collected_by_lot(), self.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            mine = connection.scalar(
                text("SELECT pg_try_advisory_xact_lock(CAST(:place AS integer), CAST(:batch AS integer))"),
                {"place": _LOCK, "batch": batch_id % 2**31},
            )
            yield connection if mine else None


def open_bureau(settings: Settings, engine: Engine, ring: KeyRing, clock: Callable[[], datetime]) -> Bureau:
    """Return the bureau of a process, as the settings say; SettingsError when a file of theirs is wrong."""
    return Bureau(
        engine=engine,
        ring=ring,
        schedule=open_schedule(settings),
        layouts=own_file(LAYOUTS_SETTING, settings.import_layouts_folder, load_layouts),
        municipality_code=settings.municipality_code,
        match_floor=settings.import_match_percent * 10,
        clock=clock,
    )


class Progress:
    """How far one run is: written on a connection of its own, so that pages see it while the run goes on."""

    def __init__(self, bureau: Bureau, batch_id: int) -> None:
        self._bureau = bureau
        self._batch_id = batch_id

    def begin(self, phase: str, total: int | None = None) -> None:
        """Say that a phase begins."""
        self._write(phase=phase, done=0, total=total)

    def tell(self, done: int) -> None:
        """Say how much is done.

        :raises CancelledError: somebody asked for the end.
        """
        gc.collect()
        if self._write(done=done):
            raise CancelledError

    def _write(self, **values: Any) -> bool:
        now = self._bureau.clock()
        row = {"batch_id": self._batch_id, "phase": "", "done": 0, "total": None, "cancel_requested": False}
        statement = insert(ImportProgress).values({**row, **values, "updated_at": now})
        statement = statement.on_conflict_do_update(
            index_elements=["batch_id"], set_={**values, "updated_at": now}
        )
        with self._bureau.engine.begin() as connection:
            return bool(connection.scalar(statement.returning(ImportProgress.cancel_requested)))


def copy_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Write rows by COPY in the connection's transaction; table and columns are names of ours."""
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row(row)


def as_json(value: object) -> Json:
    """Return a value as COPY takes it for a column of JSON."""
    return Json(value)


def actor_of(connection: Connection, staff_id: int | None) -> Actor:
    """Return the member of staff in whose name a run works."""
    login = connection.scalar(select(StaffAccount.login).where(StaffAccount.id == staff_id))
    return Actor(login or "system", (), None)
