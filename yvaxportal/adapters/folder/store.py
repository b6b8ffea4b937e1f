"""What was taken in, as it stands: one SQLite file at a time, replaced as a whole by a full delivery.

``current`` names the file. A full delivery builds the next one beside it and then changes the name, so that
whoever reads sees the old state or the new one. A difference is one transaction on the current file.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from sqlite3 import Connection

from yvaxportal.adapters.folder import ledger
from yvaxportal.adapters.folder.register import Register
from yvaxportal.adapters.folder.writing import sync_folder, whole_file

_POINTER = "current"
_BUILDING = ".building"
#: How long one waits for another to change the state; a page, shorter than it may wait at all.
_BUSY_SECONDS, _BUSY_READING_SECONDS = 5.0, 1.0
#: The state of before stays for as long, for those who began to read it.
_KEPT_BEFORE = 1
_COPY = "INSERT INTO main.{table} SELECT * FROM old.{table}"
_SIDE_FILES = ("", "-wal", "-shm", "-journal")


class NothingTakenError(Exception):
    """There is no state yet."""


class Store:
    """The states of one system in a folder of the portal's own, on a local disk."""

    def __init__(self, folder: Path, register: Register) -> None:
        self.folder, self.register = folder, register

    def generation(self) -> int:
        """Return the number of the present state; NothingTakenError before the first."""
        try:
            return int((self.folder / _POINTER).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            raise NothingTakenError from None

    def path(self, generation: int) -> Path:
        """Return the file of a state."""
        return self.folder / f"{generation:08}.sqlite3"

    def prepare(self) -> None:
        """Make an empty state when there is none, and take away what a broken build left; one caller only."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            present = self.generation()
        except NothingTakenError:
            present = 0
            with self._building(present) as connection:
                ledger.meta(connection, store=token_hex(8))
        kept = {f"{number:08}.sqlite3" for number in range(max(0, present - _KEPT_BEFORE), present + 1)}
        for path in self.folder.iterdir():
            if ".sqlite3" in path.name and f"{path.name.partition('.sqlite3')[0]}.sqlite3" not in kept:
                path.unlink()

    @contextmanager
    def reading(self, generation: int | None = None) -> Iterator[Connection]:
        """Give the present state, or an earlier one that is still there, to read.

        :raises NothingTakenError: there is none.
        """
        connection = self._open(generation)
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_READING_SECONDS * 1_000:.0f}")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """Give the present state to change in one transaction, kept for good when the block ends well."""
        connection = self._open(None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("CREATE TEMP TABLE refused (key TEXT PRIMARY KEY)")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()

    @contextmanager
    def replacing(self) -> Iterator[Connection]:
        """Give a new, empty state with the present one as ``old``; it is the present one afterwards.

        When the block fails, nothing has happened.
        """
        present = self.generation()
        with self._building(present + 1) as connection:
            connection.execute("ATTACH ? AS old", (f"file:{self.path(present)}?mode=rw",))
            connection.execute("BEGIN")
            for table in (*ledger.LASTING, *self.register.lasting):
                connection.execute(_COPY.format(table=table))
            # Numbers that were given are not given again, even when their rows are gone.
            connection.execute("DELETE FROM main.sqlite_sequence")
            connection.execute("INSERT INTO main.sqlite_sequence SELECT * FROM old.sqlite_sequence")
            connection.execute("CREATE TEMP TABLE refused (key TEXT PRIMARY KEY)")
            yield connection
            connection.execute("COMMIT")
            connection.execute("DETACH old")

    @contextmanager
    def _building(self, generation: int) -> Iterator[Connection]:
        final = self.path(generation)
        beside = final.with_name(final.name + _BUILDING)
        for ending in _SIDE_FILES:
            beside.with_name(beside.name + ending).unlink(missing_ok=True)
        # Nobody else sees the file, and a broken build is thrown away: no journal, no waiting for the disk.
        connection = sqlite3.connect(
            f"file:{beside}", uri=True, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA cache_size = -16384")
            for statement in (*ledger.TABLES, _SEQUENCES, *self.register.tables):
                connection.execute(statement)
            yield connection
            for statement in self.register.indexes:
                connection.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS"))
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        handle = os.open(beside, os.O_RDWR)
        try:
            os.fchmod(handle, 0o600)
            os.fsync(handle)
        finally:
            os.close(handle)
        beside.replace(final)
        sync_folder(self.folder)
        with whole_file(self.folder / _POINTER) as file:
            file.write(str(generation).encode("ascii"))

    def _open(self, generation: int | None) -> Connection:
        # Between reading the name and opening the file another may have taken its place: once more, then.
        for last in (False, True):
            wanted = self.generation() if generation is None else generation
            try:
                return sqlite3.connect(
                    f"file:{self.path(wanted)}?mode=rw",
                    uri=True,
                    isolation_level=None,
                    timeout=_BUSY_SECONDS,
                    check_same_thread=False,
                )
            except sqlite3.OperationalError:
                if generation is not None:
                    raise NothingTakenError from None
                if last:
                    raise
        raise NothingTakenError


# AUTOINCREMENT of any table makes sqlite_sequence; this one is there when no other is.
_SEQUENCES = "CREATE TABLE numbering (n INTEGER PRIMARY KEY AUTOINCREMENT)"
