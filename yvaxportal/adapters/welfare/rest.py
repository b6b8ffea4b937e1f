"""The welfare registers over HTTPS (docs/protocols/welfare.md)."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import ClassVar

from zope.interface import implementer

from yvaxportal.adapters.errors import BadAnswerReason
from yvaxportal.adapters.http.adapter import MANY, Record, RestAdapter
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


@implementer(IWelfareRegister)
class RestWelfareRegister(RestAdapter):
    """Asks the welfare and insurance systems."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.welfare"

    def history(self, atena_number: str, context: CallContext) -> WelfareHistory:
        """See ``IWelfareRegister``."""
        (record,) = self.client.call("history", context, path={"atenabango": atena_number})["result"]
        self.check_asked(record, {"atenabango": atena_number}, "/result/0")
        return self._history(record, "/result/0")

    def histories(self, atena_numbers: Sequence[str], context: CallContext) -> Iterator[WelfareHistory]:
        """See ``IWelfareRegister``; a thousand are asked for at a time."""
        for start in range(0, len(atena_numbers), MANY):
            asked = atena_numbers[start : start + MANY]
            wanted = set(asked)
            answer = self.client.call("histories", context, body={"atenabango": list(asked)})
            for place, record in enumerate(answer["result"]):
                where = f"/result/{place}"
                if record["atenabango"] not in wanted:
                    raise self.bad(BadAnswerReason.WRONG_PERSON, f"{where}/atenabango")
                wanted.discard(record["atenabango"])
                yield self._history(record, where)

    def _history(self, record: Record, where: str) -> WelfareHistory:
        self.check_municipality(record, where)
        periods = tuple(
            self._period(period, f"{where}/rireki/{place}") for place, period in enumerate(record["rireki"])
        )
        latest: dict[WelfareKind, date] = {}
        begun = date.min
        for place, period in enumerate(periods):
            last = period.valid_to or date.max
            if last < period.valid_from:
                raise self.bad(BadAnswerReason.MALFORMED, f"{where}/rireki/{place}/shuryobi")
            if period.valid_from < begun or period.valid_from <= latest.get(period.kind, date.min):
                raise self.bad(BadAnswerReason.OUT_OF_ORDER, f"{where}/rireki/{place}/kaishibi")
            begun, latest[period.kind] = period.valid_from, last
        return WelfareHistory(record["atenabango"], periods, self.moment(record, "kijunnichiji", where))

    def _period(self, period: Record, where: str) -> WelfarePeriod:
        return WelfarePeriod(
            kind=_KINDS[period["seidokubun"]],
            state=_STATES[period["jotaikubun"]],
            valid_from=self.day(period, "kaishibi", where),
            valid_to=self.day_if_any(period, "shuryobi", where),
            detail=period.get("shosai"),
        )
