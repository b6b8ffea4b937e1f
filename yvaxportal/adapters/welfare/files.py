"""The welfare registers as files that they deliver (docs/protocols/folder.md)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from sqlite3 import Connection
from typing import ClassVar

from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound
from yvaxportal.adapters.folder.adapter import FilesAdapter
from yvaxportal.adapters.folder.faults import CONTRADICTION, PERSON_REFUSED, Fault
from yvaxportal.adapters.folder.layouts import Scope
from yvaxportal.adapters.folder.reading import Wanted
from yvaxportal.adapters.folder.records import Values
from yvaxportal.adapters.folder.register import Delivery, Rows
from yvaxportal.adapters.interfaces import IWelfareRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.welfare import WelfareHistory, WelfareKind, WelfarePeriod, WelfareState

_KINDS = {
    "1": WelfareKind.NATIONAL_HEALTH_INSURANCE,
    "2": WelfareKind.LATE_ELDERLY_INSURANCE,
    "3": WelfareKind.PUBLIC_ASSISTANCE,
    "4": WelfareKind.PHYSICAL_DISABILITY_CERTIFICATE,
}
_STATES = {"1": WelfareState.HELD, "2": WelfareState.NOT_HELD, "9": WelfareState.UNKNOWN}
_NONE = "0"
_TAKEN_BACK = "2"
_TABLE = """(line INTEGER, atena TEXT, kind TEXT, state TEXT, first TEXT, last TEXT, detail TEXT, as_of TEXT,
    process TEXT)"""
_INSERT = "INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LINES_OF_REFUSED = "SELECT line FROM {table} WHERE atena IN (SELECT key FROM refused)"
_DELETE_REFUSED = "DELETE FROM {table} WHERE atena IN (SELECT key FROM refused)"
# A line that says "no period" or "taken back" has kind 0 and stands alone; other lines of a person are of
# different days within a kind.
_OVERLAPPING = """SELECT line, atena FROM (
    SELECT line, atena, kind, first,
        max(CASE last WHEN '' THEN '9999-12-31' ELSE last END)
            OVER (PARTITION BY atena, kind ORDER BY first, line
                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier,
        count(*) OVER (PARTITION BY atena) AS lines,
        max(kind = '0') OVER (PARTITION BY atena) AS alone
    FROM {table}) WHERE first <= earlier OR (alone AND lines > 1 AND kind = '0')"""


class WelfareTables:
    """A row for each period. A person's history is one thing: it is taken over whole or not at all."""

    wanted: Mapping[Scope, Wanted]
    essential: Mapping[Scope, Sequence[str]]
    tables: Sequence[str] = (f"CREATE TABLE period {_TABLE}",)
    indexes: Sequence[str] = ("CREATE INDEX period_atena ON period (atena)",)
    counted = "period"
    lasting: Sequence[str] = ()

    def __init__(self) -> None:
        columns = (
            "atenabango",
            "seidokubun",
            "jotaikubun",
            "kaishibi",
            "shuryobi",
            "shosai",
            "shorikubun",
        )
        self.wanted = dict.fromkeys(Scope, Wanted(columns, "atenabango", _judge))
        self.essential = {Scope.FULL: columns[:5], Scope.DIFFERENCE: (*columns[:5], "shorikubun")}

    def fill(self, connection: Connection, rows: Rows, delivery: Delivery) -> None:
        self._insert(connection, "period", rows, delivery)

    def settle(self, connection: Connection, delivery: Delivery) -> Iterator[Fault]:
        del delivery
        yield from _whole_histories(connection, "main.period")

    def carry(self, connection: Connection, delivery: Delivery) -> None:
        del delivery
        connection.execute(
            "INSERT INTO main.period SELECT * FROM old.period WHERE atena IN (SELECT key FROM refused)"
        )

    def apply(self, connection: Connection, rows: Rows, delivery: Delivery) -> Iterator[Fault]:
        connection.execute(f"CREATE TEMP TABLE staged {_TABLE}")
        self._insert(connection, "staged", rows, delivery)
        connection.execute("CREATE INDEX temp.staged_atena ON staged (atena)")
        yield from _whole_histories(connection, "temp.staged")
        connection.execute("DELETE FROM period WHERE atena IN (SELECT atena FROM staged)")
        connection.execute("INSERT INTO period SELECT * FROM staged WHERE process <> ?", (_TAKEN_BACK,))

    def prune(self, connection: Connection, before: datetime) -> None:
        """Keep everything: histories are needed as long as the person is known."""

    @staticmethod
    def _insert(connection: Connection, table: str, rows: Rows, delivery: Delivery) -> None:
        as_of = delivery.as_of.isoformat()
        connection.executemany(
            _INSERT.format(table=table),
            ((line, *values[:6], as_of, values[6]) for line, values in rows),
        )


def _whole_histories(connection: Connection, table: str) -> Iterator[Fault]:
    """Refuse people whose periods overlap, and with each refused line all lines of the same person."""
    overlapping = connection.execute(_OVERLAPPING.format(table=table)).fetchall()
    connection.executemany("INSERT OR IGNORE INTO refused VALUES (?)", ((key,) for _, key in overlapping))
    for line, _ in overlapping:
        yield Fault(line, "kaishibi", CONTRADICTION)
    for (line,) in connection.execute(_LINES_OF_REFUSED.format(table=table)).fetchall():
        yield Fault(line, "", PERSON_REFUSED)
    connection.execute(_DELETE_REFUSED.format(table=table))


def _judge(values: Values) -> str | None:
    _atena, kind, state, first, last, detail, process = values
    if kind == _NONE or process == _TAKEN_BACK:
        filled = {"jotaikubun": state, "kaishibi": first, "shuryobi": last, "shosai": detail}
        wrong = "" if kind == _NONE else "seidokubun"
        return wrong or next((name for name, value in filled.items() if value), None)
    if not state or not first:
        return "kaishibi" if state else "jotaikubun"
    return "shuryobi" if last and last < first else None


@implementer(IWelfareRegister)
class FilesWelfareRegister(FilesAdapter):
    """Answers from the last delivery of the welfare and insurance systems."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.welfare"
    REGISTER: ClassVar[type[WelfareTables]] = WelfareTables

    def history(self, atena_number: str, context: CallContext) -> WelfareHistory:
        """See ``IWelfareRegister``."""
        del context
        with self.state() as (connection, _):
            found = _history(connection, atena_number)
        if found is None:
            raise NotFound(self.system, "person")
        return found

    def histories(self, atena_numbers: Sequence[str], context: CallContext) -> Iterator[WelfareHistory]:
        """See ``IWelfareRegister``; all answers are of one state."""
        self.receive_for(context)
        if not atena_numbers:
            return
        with self.state() as (connection, _):
            for number in atena_numbers:
                found = _history(connection, number)
                if found is not None:
                    yield found


def _history(connection: Connection, atena_number: str) -> WelfareHistory | None:
    rows = connection.execute(
        """SELECT kind, state, first, last, detail, as_of FROM period WHERE atena = ?
        ORDER BY first, kind""",
        (atena_number,),
    ).fetchall()
    if not rows:
        return None
    periods = tuple(
        WelfarePeriod(
            kind=_KINDS[kind],
            state=_STATES[state],
            valid_from=date.fromisoformat(first),
            valid_to=date.fromisoformat(last) if last else None,
            detail=detail or None,
        )
        for kind, state, first, last, detail, _ in rows
        if kind != _NONE
    )
    return WelfareHistory(atena_number, periods, datetime.fromisoformat(min(row[-1] for row in rows)))
