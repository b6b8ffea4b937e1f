"""The welfare registers."""

from collections.abc import Iterator, Sequence

from yvaxportal.adapters.interfaces.common import IAdapter
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.welfare import WelfareHistory


class IWelfareRegister(IAdapter):
    """福祉・保険システム: insurance, public assistance, disability certificate. It is read only.

    Source: record items 37 (国保), 38 (後期), 39 (生保), 41 (身障).
    """

    def history(atena_number: str, context: CallContext) -> WelfareHistory:
        """Return all periods of one person; ``WelfareHistory.on`` gives the state on a day.

        :raises NotFound: no register knows the number.
        """

    def histories(atena_numbers: Sequence[str], context: CallContext) -> Iterator[WelfareHistory]:
        """Return the histories of many, in any order; numbers that no register knows are left out.

        The time limit holds for each piece that is waited for.

        :param atena_numbers: up to 1,000,000, each once.
        """
