"""The welfare registers out of the portal's own eligibilities (record items 37 to 39 and 41)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, select
from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound
from yvaxportal.adapters.interfaces import IWelfareRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.welfare import WelfareHistory, WelfareKind, WelfarePeriod, WelfareState
from yvaxportal.adapters.own_tables import LocalAdapter
from yvaxportal.models.codes import EligibilityKind
from yvaxportal.models.resident import Eligibility, Resident

CHUNK = 1_000
_KINDS = tuple(EligibilityKind(kind.value) for kind in WelfareKind)


@implementer(IWelfareRegister)
class LocalWelfareRegister(LocalAdapter):
    """Answers from what staff entered or another adapter brought."""

    def history(self, atena_number: str, context: CallContext) -> WelfareHistory:
        """See ``IWelfareRegister``."""
        for found in self.histories([atena_number], context):
            return found
        raise NotFound(self.system, "person")

    def histories(self, atena_numbers: Sequence[str], context: CallContext) -> Iterator[WelfareHistory]:
        """See ``IWelfareRegister``."""
        del context
        entries = (
            select(
                Resident.atena_number,
                Eligibility.kind,
                Eligibility.state,
                Eligibility.valid_from,
                Eligibility.valid_to,
                Eligibility.detail,
                Eligibility.as_of,
            )
            .outerjoin(
                Eligibility, and_(Eligibility.resident_id == Resident.id, Eligibility.kind.in_(_KINDS))
            )
            .order_by(Resident.atena_number, Eligibility.valid_from, Eligibility.id)
        )
        with self.engine.connect() as connection:
            for start in range(0, len(atena_numbers), CHUNK):
                some = atena_numbers[start : start + CHUNK]
                rows = connection.execute(entries.where(Resident.atena_number.in_(some))).all()
                for number, of_person in groupby(rows, key=lambda row: row.atena_number):
                    yield self._history(number, list(of_person))

    def _history(self, atena_number: str, rows: Sequence[Row[*tuple[Any, ...]]]) -> WelfareHistory:
        known = [row for row in rows if row.kind is not None]
        return WelfareHistory(
            atena_number=atena_number,
            periods=_without_overlap(
                WelfarePeriod(
                    kind=WelfareKind(row.kind.value),
                    state=WelfareState(row.state.value),
                    valid_from=row.valid_from,
                    valid_to=row.valid_to,
                    detail=row.detail,
                )
                for row in known
            ),
            as_of=min((row.as_of for row in known), default=self.clock()),
        )


def _without_overlap(periods: Iterable[WelfarePeriod]) -> tuple[WelfarePeriod, ...]:
    """End each period where a later one of its kind begins; periods come oldest first."""
    kept: list[WelfarePeriod] = []
    for period in periods:
        for place, earlier in enumerate(kept):
            if earlier.kind is period.kind and (earlier.valid_to or date.max) >= period.valid_from:
                kept[place] = replace(earlier, valid_to=period.valid_from - timedelta(days=1))
        kept.append(period)
    return tuple(period for period in kept if (period.valid_to or date.max) >= period.valid_from)
