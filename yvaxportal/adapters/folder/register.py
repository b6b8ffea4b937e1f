"""What a system does with the rows of its files: it keeps them in tables of its own, on SQLite."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection
from typing import Protocol

from yvaxportal.adapters.folder.faults import Fault
from yvaxportal.adapters.folder.layouts import Scope
from yvaxportal.adapters.folder.reading import Wanted

Rows = Iterable[tuple[int, list[str]]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file that is being taken in. Instants are aware and in UTC."""

    digest: str
    name: str
    scope: Scope
    sequence: int
    as_of: datetime
    taken_at: datetime


class Register(Protocol):
    """The tables of one system. Statements run in a transaction of the caller's.

    While a full file is taken in, the tables are new and empty; those of before are in the schema ``old``.
    Keys of people of whom a line was refused are in ``temp.refused (key)``; who refuses more adds to it.

    :ivar wanted: what is read of each kind of file.
    :ivar essential: the columns without which a layout is of no use.
    :ivar tables: statements that make the tables; ``indexes`` are made when a full file is in.
    :ivar counted: the table whose rows are counted to see whether a full file lost many.
    :ivar lasting: tables whose content outlives a full file.
    """

    wanted: Mapping[Scope, Wanted]
    essential: Mapping[Scope, Sequence[str]]
    tables: Sequence[str]
    indexes: Sequence[str]
    counted: str
    lasting: Sequence[str]

    def fill(self, connection: Connection, rows: Rows, delivery: Delivery) -> None:
        """Take the rows of a full file into the empty tables."""

    def settle(self, connection: Connection, delivery: Delivery) -> Iterator[Fault]:
        """Refuse rows of a full file that contradict each other or what is known, and take them away."""

    def carry(self, connection: Connection, delivery: Delivery) -> None:
        """Keep for refused people what was known before; tell apart what has changed."""

    def apply(self, connection: Connection, rows: Rows, delivery: Delivery) -> Iterator[Fault]:
        """Take the rows of a difference file into the tables; refused rows change nothing."""

    def prune(self, connection: Connection, before: datetime) -> None:
        """Forget what is kept for a term only and is older than ``before``."""
