"""What the insurance, tax and welfare registers say of people (record items 37 to 41)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from yvaxportal.models.codes import EligibilityKind as Kind
from yvaxportal.models.codes import EligibilityState as State
from yvaxportal.sample.choice import Weighted, between, chance, one_of
from yvaxportal.sample.people import Person
from yvaxportal.values.ages import day_age_is_reached
from yvaxportal.values.fiscal import fiscal_year, fiscal_year_range

_LATE_ELDERLY, _RETIRED, _ADULT = 75, 65, 18
_TAX = Weighted([State.TAXED, State.EXEMPT, State.NOT_FILED, State.UNKNOWN], [70, 25, 4, 1])
_TAX_ELDERLY = Weighted([State.TAXED, State.EXEMPT, State.NOT_FILED, State.UNKNOWN], [45, 51, 3, 1])
_GRADES = ("1級", "2級", "3級", "4級", "1級（心臓機能障害）", "1級（腎臓機能障害）", "3級（呼吸器機能障害）")
_SHARES = ("3割", "2割", "1割", "1割")  # what the insured pay themselves
_STALE_DAYS = 45


@dataclass(frozen=True, slots=True)
class Entry:
    """One period of one eligibility; ``as_of`` is the day the source said so."""

    kind: Kind
    state: State
    detail: str | None
    valid_from: date
    valid_to: date | None
    as_of: date
    source: str


class Registers:
    """Draws the eligibilities of a household's members."""

    def __init__(self, today: date) -> None:
        self._today = today

    def entries(self, rng: Random, members: list[Person]) -> Iterator[tuple[Person, Entry]]:
        """Give the entries of all members, as of yesterday or, for a few households, some weeks ago."""
        age = max(member.age_on(self._today) for member in members)
        insured = chance(rng, 0.72 if age >= _RETIRED else 0.2)
        assisted = chance(rng, 0.014)
        stale = chance(rng, 0.06)
        as_of = self._today - timedelta(days=_STALE_DAYS if stale else 1)
        for member in members:
            for entry in (
                *self._insurance(rng, member, as_of, insured=insured and not assisted),
                *self._assistance(rng, member, as_of, assisted=assisted),
                *self._tax(rng, member, as_of),
                *self._disability(rng, member, as_of),
            ):
                yield member, entry

    def _insurance(self, rng: Random, member: Person, as_of: date, *, insured: bool) -> Iterator[Entry]:
        since = member.became_on or date(2008, 4, 1)
        late = day_age_is_reached(member.birth, _LATE_ELDERLY) + timedelta(days=1)
        if insured and since < late:
            end = self._end(member, late - timedelta(days=1) if late <= self._today else None)
            start = max(since, date(2008, 4, 1))
            if start < late:
                yield self._entry(
                    Kind.NATIONAL_HEALTH_INSURANCE, State.HELD, start, end, as_of, detail=one_of(rng, _SHARES)
                )
        elif not insured and chance(rng, 0.15):
            start = date(self._today.year - between(rng, 1, 6), 4, 1)
            yield self._entry(
                Kind.NATIONAL_HEALTH_INSURANCE, State.NOT_HELD, max(start, member.birth), None, as_of
            )
        if late <= self._today and (member.ceased_on is None or member.ceased_on >= late):
            yield self._entry(
                Kind.LATE_ELDERLY_INSURANCE,
                State.HELD,
                max(late, since),
                self._end(member, None),
                as_of,
                detail=one_of(rng, _SHARES),
            )

    def _assistance(self, rng: Random, member: Person, as_of: date, *, assisted: bool) -> Iterator[Entry]:
        if assisted:
            start = max(member.birth, self._today - timedelta(days=between(rng, 60, 2500)))
            end = start + timedelta(days=400) if chance(rng, 0.2) else None
            if end is None or end <= self._today:
                yield self._entry(
                    Kind.PUBLIC_ASSISTANCE, State.HELD, start, end, as_of, detail="生活扶助・医療扶助"
                )

    def _tax(self, rng: Random, member: Person, as_of: date) -> Iterator[Entry]:
        age = member.age_on(self._today)
        if age < _ADULT or member.ceased_on is not None:
            return
        this_year = fiscal_year(self._today)
        for year in (this_year - 1, this_year) if age >= _RETIRED else (this_year,):
            state = (_TAX_ELDERLY if age >= _RETIRED else _TAX).pick(rng)
            yield self._entry(Kind.TAX_EXEMPT, state, *fiscal_year_range(year), as_of, detail=f"{year}年度")

    def _disability(self, rng: Random, member: Person, as_of: date) -> Iterator[Entry]:
        if chance(rng, 0.08 if member.age_on(self._today) >= _RETIRED else 0.015):
            start = max(member.birth, self._today - timedelta(days=between(rng, 100, 6000)))
            # Some are granted for five years and then examined again.
            end = start + timedelta(days=5 * 365) if chance(rng, 0.1) else None
            grade = one_of(rng, _GRADES)
            yield self._entry(
                Kind.PHYSICAL_DISABILITY_CERTIFICATE, State.HELD, start, end, as_of, detail=grade
            )

    @staticmethod
    def _end(member: Person, end: date | None) -> date | None:
        if member.ceased_on is None:
            return end
        return min(end, member.ceased_on) if end else member.ceased_on

    @staticmethod
    def _entry(
        kind: Kind, state: State, first: date, last: date | None, as_of: date, *, detail: str | None = None
    ) -> Entry:
        tax = kind is Kind.TAX_EXEMPT
        source = "tax:local" if tax else "welfare:local"
        return Entry(kind, state, detail, first, max(first, last) if last else None, as_of, source)
