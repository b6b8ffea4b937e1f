"""The tax register as files that it delivers (docs/protocols/folder.md)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection
from typing import ClassVar

from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound
from yvaxportal.adapters.folder.adapter import FilesAdapter
from yvaxportal.adapters.folder.faults import TWICE, Fault
from yvaxportal.adapters.folder.layouts import Scope
from yvaxportal.adapters.folder.ledger import Standing
from yvaxportal.adapters.folder.reading import Wanted
from yvaxportal.adapters.folder.records import Values
from yvaxportal.adapters.folder.register import Delivery, Rows
from yvaxportal.adapters.interfaces import ITaxRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.tax import HouseholdTaxation, Taxation, TaxationState

_STATES = {
    "1": TaxationState.EXEMPT,
    "2": TaxationState.TAXED,
    "3": TaxationState.NOT_FILED,
    "9": TaxationState.UNKNOWN,
}
# A household is what its least certain member leaves of it.
_ORDER = (TaxationState.TAXED, TaxationState.NOT_FILED, TaxationState.UNKNOWN, TaxationState.EXEMPT)
_TAKEN_BACK = "2"
_TABLE = "(line INTEGER, atena TEXT, household TEXT, year INTEGER, state TEXT, as_of TEXT, process TEXT)"
_INSERT = "INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM {table} WHERE line = ?"
_DOUBLES = """SELECT line, atena FROM {table} JOIN
    (SELECT atena, year FROM {table} GROUP BY atena, year HAVING count(*) > 1) USING (atena, year)"""


class TaxTables:
    """A row for each person and fiscal year; a person is in the household of their latest year."""

    wanted: Mapping[Scope, Wanted]
    essential: Mapping[Scope, Sequence[str]]
    tables: Sequence[str] = (f"CREATE TABLE taxation {_TABLE}",)
    indexes: Sequence[str] = (
        "CREATE INDEX taxation_atena ON taxation (atena, year)",
        "CREATE INDEX taxation_household ON taxation (household)",
    )
    counted = "taxation"
    lasting: Sequence[str] = ()

    def __init__(self) -> None:
        columns = ("atenabango", "setaibango", "nendo", "kazeikubun", "shorikubun")
        self.wanted = dict.fromkeys(Scope, Wanted(columns, "atenabango", _judge))
        self.essential = {Scope.FULL: columns[:4], Scope.DIFFERENCE: columns}

    def fill(self, connection: Connection, rows: Rows, delivery: Delivery) -> None:
        self._insert(connection, "taxation", rows, delivery)

    def settle(self, connection: Connection, delivery: Delivery) -> Iterator[Fault]:
        del delivery
        yield from self._without_doubles(connection, "main.taxation")

    def carry(self, connection: Connection, delivery: Delivery) -> None:
        del delivery
        connection.execute(
            """INSERT INTO main.taxation SELECT * FROM old.taxation o WHERE atena IN (SELECT key FROM refused)
            AND NOT EXISTS (SELECT 1 FROM main.taxation n WHERE n.atena = o.atena AND n.year = o.year)"""
        )

    def apply(self, connection: Connection, rows: Rows, delivery: Delivery) -> Iterator[Fault]:
        connection.execute(f"CREATE TEMP TABLE staged {_TABLE}")
        self._insert(connection, "staged", rows, delivery)
        connection.execute("CREATE INDEX temp.staged_atena ON staged (atena, year)")
        yield from self._without_doubles(connection, "temp.staged")
        connection.execute("DELETE FROM taxation WHERE (atena, year) IN (SELECT atena, year FROM staged)")
        connection.execute("INSERT INTO taxation SELECT * FROM staged WHERE process <> ?", (_TAKEN_BACK,))

    def prune(self, connection: Connection, before: datetime) -> None:
        """Keep everything: years are few."""

    @staticmethod
    def _insert(connection: Connection, table: str, rows: Rows, delivery: Delivery) -> None:
        as_of = delivery.as_of.isoformat()
        connection.executemany(
            _INSERT.format(table=table),
            (
                (line, atena, household, int(year), state, as_of, process)
                for line, (atena, household, year, state, process) in rows
            ),
        )

    @staticmethod
    def _without_doubles(connection: Connection, table: str) -> Iterator[Fault]:
        found = connection.execute(_DOUBLES.format(table=table)).fetchall()
        connection.executemany(_DELETE.format(table=table), ((line,) for line, _ in found))
        connection.executemany("INSERT OR IGNORE INTO refused VALUES (?)", ((key,) for _, key in found))
        for line, _ in found:
            yield Fault(line, "nendo", TWICE)


def _judge(values: Values) -> str | None:
    _atena, _household, _year, state, process = values
    return None if state or process == _TAKEN_BACK else "kazeikubun"


@implementer(ITaxRegister)
class FilesTaxRegister(FilesAdapter):
    """Answers from the last delivery of the tax system."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.tax"
    REGISTER: ClassVar[type[TaxTables]] = TaxTables

    def taxation(self, atena_number: str, fiscal_year: int, context: CallContext) -> Taxation:
        """See ``ITaxRegister``."""
        del context
        with self.state() as (connection, standing):
            found = _of_person(connection, standing, atena_number, fiscal_year)
        if found is None:
            raise NotFound(self.system, "person")
        return found

    def household_taxation(
        self, household_number: str, fiscal_year: int, context: CallContext
    ) -> HouseholdTaxation:
        """See ``ITaxRegister``."""
        del context
        with self.state() as (connection, standing):
            members = connection.execute(
                """SELECT DISTINCT atena FROM taxation t WHERE household = ? AND household <> ''
                AND year = (SELECT max(year) FROM taxation WHERE atena = t.atena) ORDER BY line""",
                (household_number,),
            ).fetchall()
            people = [_of_person(connection, standing, atena, fiscal_year) for (atena,) in members]
        found = {person.atena_number: person for person in people if person is not None}
        if not found:
            raise NotFound(self.system, "household")
        states = {number: person.state for number, person in found.items()}
        return HouseholdTaxation(
            household_number=household_number,
            fiscal_year=fiscal_year,
            state=next(state for state in _ORDER if state in states.values()),
            members=states,
            as_of=min(person.as_of for person in found.values()),
        )

    def taxations(
        self, atena_numbers: Sequence[str], fiscal_year: int, context: CallContext
    ) -> Iterator[Taxation]:
        """See ``ITaxRegister``; all answers are of one state."""
        self.receive_for(context)
        if not atena_numbers:
            return
        with self.state() as (connection, standing):
            for number in atena_numbers:
                found = _of_person(connection, standing, number, fiscal_year)
                if found is not None:
                    yield found


def _of_person(
    connection: Connection, standing: Standing, atena_number: str, fiscal_year: int
) -> Taxation | None:
    """Return a person's state; ``unknown`` as of the last delivery when only other years are known."""
    latest = None
    for year, state, as_of in connection.execute(
        "SELECT year, state, as_of FROM taxation WHERE atena = ?", (atena_number,)
    ):
        latest = Taxation(atena_number, fiscal_year, TaxationState.UNKNOWN, standing.as_of)
        if year == fiscal_year:
            return Taxation(atena_number, fiscal_year, _STATES[state], datetime.fromisoformat(as_of))
    return latest
