"""What the ``files`` implementations share: options, the folders, the present state to read, health."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from sqlite3 import Connection
from typing import ClassVar, Self

from yvaxportal.adapters.errors import BadAnswer, Unavailable
from yvaxportal.adapters.folder import ledger
from yvaxportal.adapters.folder.faults import reason_of
from yvaxportal.adapters.folder.layouts import LayoutError, load_layouts
from yvaxportal.adapters.folder.ledger import Entry, Result, Standing
from yvaxportal.adapters.folder.places import Folders, Limits, must_wait, waiting
from yvaxportal.adapters.folder.receiving import Receiver
from yvaxportal.adapters.folder.register import Register
from yvaxportal.adapters.folder.store import NothingTakenError, Store
from yvaxportal.adapters.messages.common import BATCH, AdapterHealth, CallContext, HealthState
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.settings import SettingsError

_OPTIONS = (
    "folder",
    "layout_file",
    "keep_days",
    "max_file_bytes",
    "refused_percent",
    "smallest_percent",
    "stale_hours",
)
_WEEK_HOURS = 24.0 * 7
_YEARS_HOURS = 24.0 * 366 * 2


class FilesAdapter:
    """An implementation that answers from the last delivery; docs/protocols/folder.md is what it goes by.

    Files are taken in by ``receive``, which a job calls, and by calls that may take as long as a job's; a
    page never waits for it. Nothing is answered before the first full file: ``Unavailable``.
    """

    PACKAGE: ClassVar[str]
    REGISTER: ClassVar[type[Register]]

    def __init__(
        self, system: str, receiver: Receiver, clock: Callable[[], datetime], stale_after: timedelta
    ) -> None:
        self.system = system
        self.receiver = receiver
        self.municipality_code = receiver.municipality_code
        self.clock, self.stale_after = clock, stale_after

    @classmethod
    def create(cls, setup: AdapterSetup) -> Self:
        """Build the implementation and make its folders.

        :raises SettingsError: an option, the layout file or a folder is wrong.
        """
        setup.refuse_unknown(_OPTIONS)
        register = cls.REGISTER()
        with as_file(files(cls.PACKAGE) / "layout.toml") as shipped:
            path = setup.path("layout_file", shipped)
            try:
                layouts = load_layouts(path, register.essential)
            except LayoutError as error:
                raise SettingsError(setup.name_of("layout_file"), f"{path.name}: {error}") from None
        folders = Folders(setup.path("folder", setup.folder / "exchange"))
        try:
            folders.make()
        except OSError as error:
            problem = f"cannot be made or used ({type(error).__name__})"
            raise SettingsError(setup.name_of("folder"), problem) from None
        limits = Limits(
            max_file_bytes=int(setup.number("max_file_bytes", 4 << 30, lowest=1 << 10, highest=1 << 40)),
            refused_percent=setup.number("refused_percent", 1, lowest=0, highest=100),
            smallest_percent=setup.number("smallest_percent", 50, lowest=0, highest=100),
            keep=timedelta(days=setup.number("keep_days", 30, lowest=0, highest=3_650)),
        )
        receiver = Receiver(
            folders,
            layouts,
            register,
            Store(setup.folder / "state", register),
            municipality_code=setup.municipality_code,
            clock=setup.clock,
            limits=limits,
        )
        stale = setup.number("stale_hours", _WEEK_HOURS, lowest=1, highest=_YEARS_HOURS)
        return cls(setup.system, receiver, setup.clock, timedelta(hours=stale))

    def receive(self) -> int:
        """Take in what the other side has put there; return how many files were dealt with.

        It takes as long as the files need and can be ended at any point. Refused files raise nothing: they
        are acknowledged as refused, and ``health`` tells of them.

        :raises Unavailable: a folder or the state cannot be used.
        """
        with self._own_errors():
            return self.receiver.receive()

    def receive_for(self, context: CallContext) -> None:
        """Take in what is there when a job asks; a page is answered from what there is."""
        if context.time_limit >= BATCH:
            self.receive()

    @contextmanager
    def state(self, generation: int | None = None) -> Iterator[tuple[Connection, Standing]]:
        """Give the present state, or a certain one, to read as it is at this moment.

        :raises Unavailable: nothing was delivered so far, or the state cannot be read.
        """
        with self._own_errors(), self.receiver.store.reading(generation) as connection:
            connection.execute("BEGIN")
            standing = ledger.standing(connection)
            if standing is None:
                raise NothingTakenError
            yield connection, standing

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except NothingTakenError:
            raise Unavailable(self.system, "no full file has been delivered yet") from None
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(self.system, f"the folder cannot be used ({type(error).__name__})") from None

    def health(self) -> AdapterHealth:
        """Return what waits, what was refused, how old the last delivery is; looks into the folders only."""
        try:
            return self._health()
        except (OSError, sqlite3.Error) as error:
            problem = f"the folder cannot be used ({type(error).__name__})"
            return AdapterHealth(HealthState.DOWN, last_error_at=self.clock(), last_error=problem)

    def _health(self) -> AdapterHealth:
        receiver = self.receiver
        there = waiting(receiver.folders, receiver.layouts)
        figures = {
            "files_waiting": float(len(there)),
            "files_quarantined": float(_count(receiver.folders.quarantine)),
        }
        known, last = None, None
        try:
            with receiver.store.reading() as connection:
                known, last = ledger.standing(connection), ledger.latest(connection)
        except NothingTakenError:
            pass
        early = sum(
            1 for path in there if (of := receiver.layouts.named(path.name)) and must_wait(of[1], known)
        )
        figures["files_out_of_order"] = float(early)
        if last is not None:
            figures["lines_refused"] = float(last.refused)
        refused = last if last is not None and last.result is Result.REFUSED else None
        error_at, error = (None, "") if refused is None else (_moment(refused), self._problem(refused))
        if known is None:
            state = HealthState.UNKNOWN if refused is None else HealthState.DOWN
            return AdapterHealth(state, None, error_at, error, figures)
        age = self.clock() - known.taken_at
        figures["delivery_age_seconds"] = age.total_seconds()
        well = refused is None and age <= self.stale_after and not early
        state = HealthState.UP if well else HealthState.DEGRADED
        if early and not error:
            error_at, error = self.clock(), f"file {known.sequence + 1} is missing; later ones wait for it"
        return AdapterHealth(state, known.taken_at, error_at, error, figures)

    def _problem(self, refused: Entry) -> str:
        answer = BadAnswer(self.system, reason_of(refused.code), f"file {refused.sequence}, {refused.code}")
        return f"{type(answer).__name__}: {answer.problem}"

    def close(self) -> None:
        """Do nothing: nothing stays open between calls."""


def _moment(entry: Entry) -> datetime:
    return datetime.fromisoformat(entry.taken_at)


def _count(folder: Path) -> int:
    return sum(1 for path in folder.iterdir() if not path.name.startswith("."))
