"""The tax register from a SQLite file that the tax system writes every night.

The file has one table, ``kazei (atenabango TEXT, setaibango TEXT, nendo INTEGER, kubun TEXT)``, and one
row in ``teikyo (nichiji TEXT)``, the moment of the export with its offset.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from zope.interface import implementer

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, NotFound, Unavailable
from yvaxportal.adapters.interfaces import ITaxRegister
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext, HealthState
from yvaxportal.adapters.messages.tax import HouseholdTaxation, Taxation, TaxationState
from yvaxportal.adapters.setup import AdapterSetup

STATES = {
    "非課税": TaxationState.EXEMPT,
    "課税": TaxationState.TAXED,
    "未申告": TaxationState.NOT_FILED,
    "不明": TaxationState.UNKNOWN,
}
# The first of these that any member is, the household is.
ORDER = (TaxationState.TAXED, TaxationState.NOT_FILED, TaxationState.UNKNOWN, TaxationState.EXEMPT)


@implementer(ITaxRegister)
class SqliteTaxRegister:
    """Opens the file for each question: many threads ask at once, and the file is replaced at night."""

    def __init__(self, system: str, file: Path, clock: Callable[[], datetime]) -> None:
        self.system = system
        self.file = file
        self.clock = clock
        self.last_error = ""
        self.last_error_at: datetime | None = None
        self.last_success_at: datetime | None = None

    @classmethod
    def create(cls, setup: AdapterSetup) -> "SqliteTaxRegister":
        """Called once for each process; a wrong option stops the start with one line."""
        setup.refuse_unknown(("file",))
        return cls(setup.system, setup.path("file"), setup.clock)

    def health(self) -> AdapterHealth:
        """Tell what is known already; nothing is opened here."""
        if self.last_success_at is None and self.last_error_at is None:
            state = HealthState.UNKNOWN
        else:
            state = HealthState.DOWN if self.last_error else HealthState.UP
        return AdapterHealth(state, self.last_success_at, self.last_error_at, self.last_error)

    def close(self) -> None:
        """Nothing is kept open."""

    def taxation(self, atena_number: str, fiscal_year: int, context: CallContext) -> Taxation:
        """See ``ITaxRegister``: somebody known without a row for the year is ``unknown``, never exempt."""
        del context
        known, as_of = self._ask("SELECT 1 FROM kazei WHERE atenabango = ?", (atena_number,))
        if not known:
            raise NotFound(self.system, "person")
        rows, as_of = self._ask(
            "SELECT kubun FROM kazei WHERE atenabango = ? AND nendo = ?", (atena_number, fiscal_year)
        )
        state = self._state(rows[0][0]) if rows else TaxationState.UNKNOWN
        return Taxation(atena_number, fiscal_year, state, as_of)

    def household_taxation(
        self, household_number: str, fiscal_year: int, context: CallContext
    ) -> HouseholdTaxation:
        """See ``ITaxRegister``."""
        rows, as_of = self._ask(
            "SELECT DISTINCT atenabango FROM kazei WHERE setaibango = ?", (household_number,)
        )
        if not rows:
            raise NotFound(self.system, "household")
        members = {number: self.taxation(number, fiscal_year, context).state for (number,) in rows}
        whole = next(state for state in ORDER if state in members.values())
        return HouseholdTaxation(household_number, fiscal_year, whole, members, as_of)

    def taxations(
        self, atena_numbers: Sequence[str], fiscal_year: int, context: CallContext
    ) -> Iterator[Taxation]:
        """See ``ITaxRegister``: whom the register does not know is left out."""
        for number in atena_numbers:
            try:
                yield self.taxation(number, fiscal_year, context)
            except NotFound:
                continue

    def _ask(self, query: str, values: tuple[object, ...]) -> tuple[list[tuple[str, ...]], datetime]:
        try:
            address = f"{self.file.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(address, uri=True, timeout=1)) as connection:
                rows = connection.execute(query, values).fetchall()
                ((written,),) = connection.execute("SELECT nichiji FROM teikyo").fetchall()
            as_of = datetime.fromisoformat(written).astimezone(UTC)
        except sqlite3.Error as error:
            self._failed(type(error).__name__)
            raise Unavailable(self.system, "the file cannot be read") from None
        except ValueError:
            self._failed("the moment of the export cannot be read")
            raise BadAnswer(self.system, BadAnswerReason.MALFORMED, "teikyo") from None
        self.last_success_at, self.last_error = self.clock(), ""
        return rows, as_of

    def _state(self, written: str) -> TaxationState:
        try:
            return STATES[written]
        except KeyError:
            raise BadAnswer(self.system, BadAnswerReason.MALFORMED, "kazei/kubun") from None

    def _failed(self, problem: str) -> None:
        self.last_error, self.last_error_at = problem, self.clock()
