"""The tax register over HTTPS (docs/protocols/tax.md)."""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from zope.interface import implementer

from yvaxportal.adapters.errors import BadAnswerReason
from yvaxportal.adapters.http.adapter import MANY, Record, RestAdapter
from yvaxportal.adapters.interfaces import ITaxRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.tax import HouseholdTaxation, Taxation, TaxationState

_STATES = {
    "1": TaxationState.EXEMPT,
    "2": TaxationState.TAXED,
    "3": TaxationState.NOT_FILED,
    "9": TaxationState.UNKNOWN,
}


@implementer(ITaxRegister)
class RestTaxRegister(RestAdapter):
    """Asks the tax system."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.tax"

    def taxation(self, atena_number: str, fiscal_year: int, context: CallContext) -> Taxation:
        """See ``ITaxRegister``."""
        path, query = {"atenabango": atena_number}, {"nendo": fiscal_year}
        (record,) = self.client.call("taxation", context, path=path, query=query)["result"]
        self.check_asked(record, {"atenabango": atena_number}, "/result/0")
        return self._taxation(record, fiscal_year, "/result/0")

    def household_taxation(
        self, household_number: str, fiscal_year: int, context: CallContext
    ) -> HouseholdTaxation:
        """See ``ITaxRegister``."""
        where, path, query = "/result/0", {"setaibango": household_number}, {"nendo": fiscal_year}
        (record,) = self.client.call("household_taxation", context, path=path, query=query)["result"]
        self.check_municipality(record, where)
        self.check_asked(record, {"setaibango": household_number, "nendo": fiscal_year}, where)
        members = {one["atenabango"]: _STATES[one["kazeikubun"]] for one in record["setaiin"]}
        state = _STATES[record["kazeikubun"]]
        if state is TaxationState.EXEMPT and set(members.values()) != {TaxationState.EXEMPT}:
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/kazeikubun")
        return HouseholdTaxation(
            household_number=household_number,
            fiscal_year=fiscal_year,
            state=state,
            members=members,
            as_of=self.moment(record, "kijunnichiji", where),
        )

    def taxations(
        self, atena_numbers: Sequence[str], fiscal_year: int, context: CallContext
    ) -> Iterator[Taxation]:
        """See ``ITaxRegister``; a thousand are asked for at a time."""
        for start in range(0, len(atena_numbers), MANY):
            asked = atena_numbers[start : start + MANY]
            body = {"nendo": fiscal_year, "atenabango": list(asked)}
            wanted = set(asked)
            for place, record in enumerate(self.client.call("taxations", context, body=body)["result"]):
                where = f"/result/{place}"
                if record["atenabango"] not in wanted:
                    raise self.bad(BadAnswerReason.WRONG_PERSON, f"{where}/atenabango")
                wanted.discard(record["atenabango"])
                yield self._taxation(record, fiscal_year, where)

    def _taxation(self, record: Record, fiscal_year: int, where: str) -> Taxation:
        self.check_municipality(record, where)
        self.check_asked(record, {"nendo": fiscal_year}, where)
        return Taxation(
            atena_number=record["atenabango"],
            fiscal_year=fiscal_year,
            state=_STATES[record["kazeikubun"]],
            as_of=self.moment(record, "kijunnichiji", where),
        )
