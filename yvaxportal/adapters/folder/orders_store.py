"""What was ordered and what was answered, on SQLite: an order is written once, its answer is read once.

Answers to changing calls stay for the term of their keys, those of look-ups until they are fetched. A
personal number is in none of them: what an order was about is kept as a digest that has at most the vault's
keyed index of such a number.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from yvaxportal.adapters.errors import BadAnswerReason

_FILE = "orders.sqlite3"
_BUSY_SECONDS = 5.0
_TABLES = (
    """CREATE TABLE IF NOT EXISTS ordered (
        number TEXT PRIMARY KEY, operation TEXT NOT NULL, key TEXT UNIQUE, content BLOB NOT NULL,
        name TEXT NOT NULL, ordered_at TEXT NOT NULL, expires_at TEXT NOT NULL, state TEXT NOT NULL,
        code TEXT NOT NULL DEFAULT '', answer TEXT, answered_at TEXT, digest TEXT, answer_name TEXT,
        lines INTEGER NOT NULL DEFAULT 0, reason TEXT, place TEXT NOT NULL DEFAULT '', bad_at TEXT,
        finished INTEGER NOT NULL DEFAULT 0)""",
    "CREATE INDEX IF NOT EXISTS ordered_state ON ordered (state, ordered_at)",
    "CREATE TABLE IF NOT EXISTS note (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
)
_COLUMNS = (
    "number, operation, key, content, name, ordered_at, expires_at, state, code, answer, answered_at, "
    "digest, answer_name, lines, reason, place, finished"
)
_STATE, _REASON = 7, 14
_OPEN = "state IN ('new', 'out')"


class OrderState(StrEnum):
    """Where an order stands: entered, lying in ``out``, answered, or given up."""

    NEW = "new"
    OUT = "out"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Order:
    """One order. Instants are RFC 3339 in UTC.

    :param key: the idempotency key; None for a look-up.
    :param content: digest of what was asked.
    :param answer: JSON; None before there is one, when there is none, or after it was fetched.
    :param reason: why the answer that came last is refused, ``place`` where.
    """

    number: str
    operation: str
    key: str | None
    content: bytes
    name: str
    ordered_at: str
    expires_at: str
    state: OrderState
    code: str = ""
    answer: str | None = None
    answered_at: str | None = None
    digest: str | None = None
    answer_name: str | None = None
    lines: int = 0
    reason: BadAnswerReason | None = None
    place: str = ""
    finished: int = 0

    @property
    def is_open(self) -> bool:
        """Tell whether an answer is waited for."""
        return self.state in {OrderState.NEW, OrderState.OUT}


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the health page shows: how many orders wait, since when, and what came last."""

    count: int
    oldest: datetime | None
    answered_at: datetime | None
    bad_at: datetime | None
    bad: str


class OrderStore:
    """The orders of one system, in a folder of the portal's own on a local disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the file when there is none."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives its side files the rights of the file itself.
        os.close(os.open(self.folder / _FILE, os.O_RDWR | os.O_CREAT, 0o600))
        with self.open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for statement in _TABLES:
                connection.execute(statement)

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """Give a connection. Each statement is kept for good when it ends, what lookups enter excepted."""
        connection = sqlite3.connect(self.folder / _FILE, isolation_level=None, timeout=_BUSY_SECONDS)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            # What was answered about somebody is to be gone when it is deleted.
            connection.execute("PRAGMA secure_delete = ON")
            yield connection
        finally:
            connection.close()


def enter(connection: Connection, order: Order) -> None:
    """Enter an order unless there is one of this number or key."""
    # A look-up that is lost with the power is asked again; only what changes something is worth the wait.
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if order.key is None else 'FULL'}")
    connection.execute(
        "INSERT OR IGNORE INTO ordered "
        "(number, operation, key, content, name, ordered_at, expires_at, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order.number,
            order.operation,
            order.key,
            order.content,
            order.name,
            order.ordered_at,
            order.expires_at,
            order.state.value,
        ),
    )


def find(connection: Connection, number: str) -> Order | None:
    """Return the order of a number."""
    return _first(connection, "number = ?", number)


def find_by_key(connection: Connection, key: str) -> Order | None:
    """Return the order of an idempotency key."""
    return _first(connection, "key = ?", key)


def unfinished(connection: Connection) -> list[Order]:
    """Return answered orders whose papers are not written yet."""
    return _orders(connection, "state = 'answered' AND finished = 0")


def expired(connection: Connection, now: str) -> list[Order]:
    """Return orders whose term is over."""
    return _orders(connection, "expires_at < ?", now)


def put_out(connection: Connection, number: str) -> None:
    """Note that the file of an order lies in ``out``."""
    connection.execute("UPDATE ordered SET state = 'out' WHERE number = ? AND state = 'new'", (number,))


def answered(
    connection: Connection,
    number: str,
    *,
    code: str,
    answer: str | None,
    digest: str,
    name: str,
    lines: int,
    now: str,
) -> bool:
    """Note the answer; False when the order does not wait for one any more."""
    done = connection.execute(
        "UPDATE ordered SET state = 'answered', code = ?, answer = ?, digest = ?, answer_name = ?, "  # noqa: S608
        f"lines = ?, answered_at = ?, reason = NULL, place = '', finished = 0 WHERE number = ? AND {_OPEN}",
        (code, answer, digest, name, lines, now, number),
    )
    return done.rowcount > 0


def answered_badly(
    connection: Connection, number: str, reason: BadAnswerReason, place: str, now: str
) -> None:
    """Note that an answer came which is refused; the order waits on."""
    connection.execute(
        f"UPDATE ordered SET reason = ?, place = ?, bad_at = ? WHERE number = ? AND {_OPEN}",  # noqa: S608
        (reason.value, place, now, number),
    )
    said = f"the answer is {reason.value}" + (f" at {place}" if place else "")
    connection.execute("INSERT OR REPLACE INTO note VALUES ('bad_at', ?), ('bad', ?)", (now, said))


def withdraw(connection: Connection, number: str) -> bool:
    """Give an order up; False when it was answered in the meantime."""
    done = connection.execute(
        f"UPDATE ordered SET state = 'withdrawn', finished = 1 WHERE number = ? AND {_OPEN}",  # noqa: S608
        (number,),
    )
    return done.rowcount > 0


def finish(connection: Connection, number: str) -> None:
    """Note that the papers about an answer are written."""
    connection.execute("UPDATE ordered SET finished = 1 WHERE number = ?", (number,))


def fetched(connection: Connection, number: str) -> None:
    """Forget the answer to a look-up: whoever asked has it."""
    connection.execute("UPDATE ordered SET answer = NULL WHERE number = ? AND key IS NULL", (number,))


def forget(connection: Connection, number: str) -> None:
    """Forget an order."""
    connection.execute("DELETE FROM ordered WHERE number = ?", (number,))


def waiting(connection: Connection) -> Waiting:
    """Return what waits, and what came last."""
    count, oldest = connection.execute(
        f"SELECT count(*), min(ordered_at) FROM ordered WHERE {_OPEN}"  # noqa: S608
    ).fetchone()
    (last,) = connection.execute("SELECT max(answered_at) FROM ordered").fetchone()
    notes = dict(connection.execute("SELECT key, value FROM note"))
    return Waiting(count, _moment(oldest), _moment(last), _moment(notes.get("bad_at")), notes.get("bad", ""))


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def _first(connection: Connection, condition: str, parameter: str) -> Order | None:
    found = _orders(connection, condition, parameter)
    return found[0] if found else None


def _orders(connection: Connection, condition: str, *parameters: str) -> list[Order]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM ordered WHERE {condition}", parameters)  # noqa: S608
    found = []
    for row in rows:
        values: list[Any] = list(row)
        values[_STATE] = OrderState(values[_STATE])
        values[_REASON] = None if values[_REASON] is None else BadAnswerReason(values[_REASON])
        found.append(Order(*values))
    return found
