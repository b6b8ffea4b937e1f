"""The tax register."""

from collections.abc import Iterator, Sequence

from yvaxportal.adapters.interfaces.common import IAdapter
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.tax import HouseholdTaxation, Taxation


class ITaxRegister(IAdapter):
    """税務システム: who pays no municipal inhabitant's tax (非課税情報, record item 40). It is read only.

    Which year's taxation counts for a fee is the programme's business: a fiscal year's states are decided in
    June; before that the register answers ``unknown``.
    """

    def taxation(atena_number: str, fiscal_year: int, context: CallContext) -> Taxation:
        """Return one person's state for a fiscal year (2026: April 2026 to March 2027).

        ``unknown`` where the register cannot say, such as somebody who moved in after 1 January.

        :raises NotFound: the register does not know the number.
        """

    def household_taxation(
        household_number: str, fiscal_year: int, context: CallContext
    ) -> HouseholdTaxation:
        """Return the state of a household as a whole, as it stands now.

        ``exempt`` only when all members are; ``taxed`` when one is; else ``not_filed`` before ``unknown``.

        :raises NotFound: the register does not know the household.
        """

    def taxations(atena_numbers: Sequence[str], fiscal_year: int, context: CallContext) -> Iterator[Taxation]:
        """Return the states of many, in any order; numbers the register does not know are left out.

        The time limit holds for each piece that is waited for.

        :param atena_numbers: up to 1,000,000, each once.
        """
