"""The tax register out of the portal's own eligibilities (record item 40)."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, or_, select
from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound
from yvaxportal.adapters.interfaces import ITaxRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.tax import HouseholdTaxation, Taxation, TaxationState
from yvaxportal.adapters.own_tables import LocalAdapter
from yvaxportal.models.codes import EligibilityKind, ResidentCategory
from yvaxportal.models.resident import Eligibility, Resident
from yvaxportal.values.fiscal import fiscal_year_range

CHUNK = 1_000
# A household is what its least certain member leaves of it.
_ORDER = (TaxationState.TAXED, TaxationState.NOT_FILED, TaxationState.UNKNOWN, TaxationState.EXEMPT)


@implementer(ITaxRegister)
class LocalTaxRegister(LocalAdapter):
    """Answers from what staff entered or another adapter brought; nobody's entry missing means ``unknown``.

    Of several entries within a fiscal year the one that began last counts.
    """

    def taxation(self, atena_number: str, fiscal_year: int, context: CallContext) -> Taxation:
        """See ``ITaxRegister``."""
        del context
        with self.engine.connect() as connection:
            rows = self._rows(connection, [atena_number], fiscal_year)
        if not rows:
            raise NotFound(self.system, "person")
        return self._taxation(rows[-1], fiscal_year)

    def household_taxation(
        self, household_number: str, fiscal_year: int, context: CallContext
    ) -> HouseholdTaxation:
        """See ``ITaxRegister``."""
        del context
        present = select(Resident.atena_number).where(
            Resident.household_number == household_number,
            Resident.resident_category == ResidentCategory.RESIDENT,
        )
        with self.engine.connect() as connection:
            rows = self._rows(connection, list(connection.scalars(present)), fiscal_year)
        if not rows:
            raise NotFound(self.system, "household")
        people = {row.atena_number: self._taxation(row, fiscal_year) for row in rows}
        states = {number: person.state for number, person in people.items()}
        return HouseholdTaxation(
            household_number=household_number,
            fiscal_year=fiscal_year,
            state=next(state for state in _ORDER if state in states.values()),
            members=states,
            as_of=min(person.as_of for person in people.values()),
        )

    def taxations(
        self, atena_numbers: Sequence[str], fiscal_year: int, context: CallContext
    ) -> Iterator[Taxation]:
        """See ``ITaxRegister``."""
        del context
        with self.engine.connect() as connection:
            for start in range(0, len(atena_numbers), CHUNK):
                rows = self._rows(connection, atena_numbers[start : start + CHUNK], fiscal_year)
                latest = {row.atena_number: row for row in rows}
                yield from (self._taxation(row, fiscal_year) for row in latest.values())

    def _rows(
        self, connection: Connection, atena_numbers: Sequence[str], fiscal_year: int
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        first, last = fiscal_year_range(fiscal_year)
        return connection.execute(_entries(atena_numbers, first, last)).all()

    def _taxation(self, row: Row[*tuple[Any, ...]], fiscal_year: int) -> Taxation:
        return Taxation(
            atena_number=row.atena_number,
            fiscal_year=fiscal_year,
            state=TaxationState(row.state.value) if row.state else TaxationState.UNKNOWN,
            as_of=row.as_of or self.clock(),
        )


def _entries(atena_numbers: Sequence[str], first: date, last: date) -> Select[*tuple[Any, ...]]:
    """Return each person with the entries that overlap the year, the latest beginning last."""
    return (
        select(Resident.atena_number, Eligibility.state, Eligibility.as_of)
        .outerjoin(
            Eligibility,
            and_(
                Eligibility.resident_id == Resident.id,
                Eligibility.kind == EligibilityKind.TAX_EXEMPT,
                Eligibility.valid_from <= last,
                or_(Eligibility.valid_to.is_(None), Eligibility.valid_to >= first),
            ),
        )
        .where(Resident.atena_number.in_(atena_numbers))
        .order_by(Resident.atena_number, Eligibility.valid_from, Eligibility.id)
    )
