"""Tax and welfare registers that say what a test says, and fall silent when a test says so."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound, TimedOut
from yvaxportal.adapters.interfaces import ITaxRegister, IWelfareRegister
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext, HealthState
from yvaxportal.adapters.messages.tax import HouseholdTaxation, Taxation, TaxationState
from yvaxportal.adapters.messages.welfare import WelfareHistory

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Says:
    """What the registers say; ``failing`` makes them fall silent after so many answers."""

    def __init__(self) -> None:
        self.as_of = NOW
        self.states: dict[str, Any] = {}
        self.failing: int | None = None
        self.error: Exception = TimedOut("tax", "no answer within the time limit")

    def each(self, numbers: Sequence[str]) -> Iterator[tuple[str, Any]]:
        for place, number in enumerate(number for number in numbers if number in self.states):
            if place == self.failing:
                raise self.error
            yield number, self.states[number]

    def health(self) -> AdapterHealth:
        return AdapterHealth(HealthState.UP)

    def close(self) -> None:
        pass


@implementer(ITaxRegister)
class Tax(Says):
    def taxation(self, atena_number: str, fiscal_year: int, context: CallContext) -> Taxation:
        for answer in self.taxations([atena_number], fiscal_year, context):
            return answer
        raise NotFound("tax", "person")

    def household_taxation(
        self, household_number: str, fiscal_year: int, context: CallContext
    ) -> HouseholdTaxation:
        raise NotImplementedError

    def taxations(
        self, atena_numbers: Sequence[str], fiscal_year: int, context: CallContext
    ) -> Iterator[Taxation]:
        del context
        for number, state in self.each(atena_numbers):
            yield Taxation(number, fiscal_year, TaxationState(state), self.as_of)


@implementer(IWelfareRegister)
class Welfare(Says):
    def history(self, atena_number: str, context: CallContext) -> WelfareHistory:
        for answer in self.histories([atena_number], context):
            return answer
        raise NotFound("welfare", "person")

    def histories(self, atena_numbers: Sequence[str], context: CallContext) -> Iterator[WelfareHistory]:
        del context
        for number, periods in self.each(atena_numbers):
            yield WelfareHistory(number, tuple(periods), self.as_of)
