"""What became of each file: in the same database as the data, so that both are true or neither."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from sqlite3 import Connection
from typing import Any

from yvaxportal.adapters.folder.faults import Fault
from yvaxportal.adapters.folder.register import Delivery

TABLES = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE delivery (
        digest TEXT PRIMARY KEY, name TEXT NOT NULL, scope TEXT NOT NULL, sequence INTEGER NOT NULL,
        as_of TEXT NOT NULL, taken_at TEXT NOT NULL, result TEXT NOT NULL, code TEXT NOT NULL,
        code_line INTEGER NOT NULL, lines INTEGER NOT NULL, refused INTEGER NOT NULL,
        finished INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE refused_line (
        digest TEXT NOT NULL, line INTEGER NOT NULL, place TEXT NOT NULL, code TEXT NOT NULL,
        PRIMARY KEY (digest, line)) WITHOUT ROWID""",
)
LASTING = ("meta", "delivery", "refused_line")
_INSERT = "INSERT OR REPLACE INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)"
_SELECT = "SELECT * FROM delivery"
_RESULT = 6


class Result(StrEnum):
    """What became of a file."""

    ACCEPTED = "accepted"
    PARTLY = "partly"
    REFUSED = "refused"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger. ``line`` is where a refused file went wrong, 0 for nowhere in particular."""

    digest: str
    name: str
    scope: str
    sequence: int
    as_of: str
    taken_at: str
    result: Result
    code: str
    line: int
    lines: int
    refused: int
    finished: int

    @property
    def accepted(self) -> int:
        """Return how many lines of data were taken over."""
        return 0 if self.result is Result.REFUSED else self.lines - self.refused


@dataclass(frozen=True, slots=True)
class Standing:
    """What has been taken in so far; None before the first full file."""

    sequence: int
    as_of: datetime
    taken_at: datetime


def standing(connection: Connection) -> Standing | None:
    """Return what was taken in last."""
    said = dict(connection.execute("SELECT key, value FROM meta"))
    if "sequence" not in said:
        return None
    moments = (datetime.fromisoformat(said[key]) for key in ("as_of", "taken_at"))
    return Standing(int(said["sequence"]), *moments)


def meta(connection: Connection, **values: str) -> None:
    """Keep values by name."""
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values.items())


def enter_taken(connection: Connection, delivery: Delivery, lines: int, faults: Iterable[Fault]) -> None:
    """Enter a file that was taken in, whole or without some lines."""
    refused = list(faults)
    result = Result.PARTLY if refused else Result.ACCEPTED
    _enter(connection, delivery, result, ("", 0, lines, len(refused)))
    connection.executemany(
        "INSERT OR REPLACE INTO refused_line VALUES (?, ?, ?, ?)",
        ((delivery.digest, fault.line, fault.column, fault.code) for fault in refused),
    )
    meta(
        connection,
        sequence=str(delivery.sequence),
        as_of=delivery.as_of.isoformat(),
        taken_at=delivery.taken_at.isoformat(),
    )


def enter_refused(connection: Connection, delivery: Delivery, code: str, line: int) -> None:
    """Enter a file that is refused as a whole."""
    _enter(connection, delivery, Result.REFUSED, (code, line, 0, 0))


def _enter(
    connection: Connection, delivery: Delivery, result: Result, figures: tuple[str, int, int, int]
) -> None:
    connection.execute("DELETE FROM refused_line WHERE digest = ?", (delivery.digest,))
    connection.execute(
        _INSERT,
        (
            delivery.digest,
            delivery.name,
            delivery.scope.value,
            delivery.sequence,
            delivery.as_of.isoformat(),
            delivery.taken_at.isoformat(),
            result.value,
            *figures,
        ),
    )


def finish(connection: Connection, digest: str) -> None:
    """Note that a file has been acknowledged and put away."""
    connection.execute("UPDATE delivery SET finished = 1 WHERE digest = ?", (digest,))


def find(connection: Connection, digest: str) -> Entry | None:
    """Return what became of a file of this content."""
    for entry in _entries(connection, "WHERE digest = ?", digest):
        return entry
    return None


def unfinished(connection: Connection) -> list[Entry]:
    """Return files that were dealt with and not yet put away."""
    return list(_entries(connection, "WHERE finished = 0"))


def latest(connection: Connection) -> Entry | None:
    """Return what became of the last file."""
    for entry in _entries(connection, "ORDER BY taken_at DESC, rowid DESC LIMIT 1"):
        return entry
    return None


def faults_of(connection: Connection, digest: str) -> list[Fault]:
    """Return the refused lines of a file, in order."""
    rows = connection.execute(
        "SELECT line, place, code FROM refused_line WHERE digest = ? ORDER BY line", (digest,)
    )
    return [Fault(*row) for row in rows]


def _entries(connection: Connection, rest: str, *parameters: str) -> Iterator[Entry]:
    for row in connection.execute(f"{_SELECT} {rest}", parameters):
        values: list[Any] = list(row)
        values[_RESULT] = Result(values[_RESULT])
        yield Entry(*values)
