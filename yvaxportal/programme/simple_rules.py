"""The simple rules of ``due``, read from ``simple_rules.toml``: bounds, steps, courses."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from yvaxportal.values.ages import (
    day_age_is_reached,
    day_months_are_reached,
    earliest_after_days_between,
    earliest_after_half_months,
    earliest_after_months_between,
)
from yvaxportal.values.fiscal import (
    fiscal_year,
    fiscal_year_range,
    fiscal_year_reaching_age,
    preschool_year,
)

SHIPPED = Path(__file__).with_name("simple_rules.toml")

Unit: TypeAlias = Literal["days", "months", "years", "fiscal_year_of_age", "preschool"]
Window: TypeAlias = tuple[date, date]

_NO_END = date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of an age window, both ends inclusive."""

    unit: Unit
    value: int

    def day(self, birth: date, *, last: bool) -> date:
        """Return the first or last day of the window for somebody born on ``birth``."""
        if self.unit == "days":
            return birth + timedelta(days=self.value)
        if self.unit == "months":
            return day_months_are_reached(birth, self.value)
        if self.unit == "years":
            return day_age_is_reached(birth, self.value)
        if self.unit == "preschool":
            return preschool_year(birth)[last]
        return fiscal_year_range(fiscal_year_reaching_age(birth, self.value))[last]


@dataclass(frozen=True, slots=True)
class Step:
    """One dose of a course. ``advised``: its ``first`` is a recommendation; an earlier dose is no fault."""

    first: Bound | None = None
    advised: bool = False
    last: Bound | None = None
    standard_until: Bound | None = None
    standard_days: int | None = None
    days: int | None = None
    months: int | None = None
    half_months: int | None = None
    first_days: int | None = None

    def earliest_after(self, given: Iterable[date]) -> date | None:
        """Return the first day that the intervals to the doses before allow; None for a first dose."""
        before = sorted(given)
        if not before:
            return None
        allowed = [before[-1] + timedelta(days=1)]
        if self.days is not None:
            allowed.append(earliest_after_days_between(before[-1], self.days))
        if self.months is not None:
            allowed.append(earliest_after_months_between(before[-1], self.months))
        if self.half_months is not None:
            allowed.append(earliest_after_half_months(before[-1], self.half_months))
        if self.first_days is not None:
            allowed.append(earliest_after_days_between(before[0], self.first_days))
        return max(allowed)


@dataclass(frozen=True, slots=True)
class Course:
    """Doses one after another, for who began by an age and with certain vaccines only (None: any)."""

    steps: tuple[Step, ...]
    started_until: Bound | None = None
    vaccines: frozenset[str] | None = None

    def suits(self, birth: date, started_on: date, vaccines: Iterable[str]) -> bool:
        """Tell whether somebody who began (or would begin) on a day with these vaccines is on this course."""
        if self.started_until and started_on > self.started_until.day(birth, last=True):
            return False
        return self.vaccines is None or self.vaccines.issuperset(vaccines)


@dataclass(frozen=True, slots=True)
class Season:
    """A yearly season, as (month, day) inclusive; it may run over New Year."""

    first: tuple[int, int]
    last: tuple[int, int]

    def around(self, today: date) -> Window:
        """Return the season that ``today`` lies in, or the next one."""
        for year in (today.year - 1, today.year, today.year + 1):
            end = date(year + (self.last < self.first), *self.last)
            if today <= end:
                return date(year, *self.first), end
        raise AssertionError("a season comes every year")


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may get the doses of one series (or of one stage of it), and when."""

    series: str
    courses: tuple[Course, ...]
    citation: str
    counts: frozenset[str]
    doubtful_with: frozenset[str] = frozenset()
    first_number: int = 1
    sex: str | None = None
    born_from: date | None = None
    born_to: date | None = None
    in_force_from: date | None = None
    in_force_to: date | None = None
    first: Bound | None = None
    last: Bound | None = None
    season: Season | None = None
    fiscal_year_ages: tuple[int, ...] = ()
    any_age: bool = False
    only_if_started: bool = False
    unverified: bool = False

    @property
    def doses(self) -> int:
        """The number of doses of the longest course."""
        return max(len(course.steps) for course in self.courses)

    def is_for(self, birth: date, sex: str) -> bool:
        """Tell whether somebody of this birth date and sex belongs to the cohort at all."""
        if self.sex is not None and sex != self.sex:
            return False
        return (self.born_from or date.min) <= birth <= (self.born_to or _NO_END)

    def window(self, birth: date, today: date) -> Window | None:
        """Return the legal period around ``today``, None when there is (and was) none for this person."""
        if self.season:
            begin, end = self.season.around(today)
        elif self.fiscal_year_ages:
            years = sorted(fiscal_year_reaching_age(birth, age) for age in self.fiscal_year_ages)
            coming = [year for year in years if year >= fiscal_year(today)]
            begin, end = fiscal_year_range(coming[0] if coming else years[-1])
        else:
            begin, end = date.min, _NO_END
        if self.first:
            begin = max(begin, self.first.day(birth, last=False))
        if self.last:
            end = min(end, self.last.day(birth, last=True))
        begin = max(begin, self.in_force_from or date.min)
        end = min(end, self.in_force_to or _NO_END)
        return (begin, end) if begin <= end else None


@dataclass(frozen=True, slots=True)
class SimpleRules:
    """All rules, and how many days ahead a dose counts as coming soon."""

    soon_days: int
    rules: tuple[Rule, ...]


@cache
def load_simple_rules() -> SimpleRules:
    """Return the shipped rules; they are read once."""
    content = tomllib.loads(SHIPPED.read_text("utf-8"))
    return SimpleRules(content["soon_days"], tuple(_rule(entry) for entry in content["rule"]))


def _rule(entry: Mapping[str, Any]) -> Rule:
    said = dict(entry)
    season = said.pop("season", None)
    return Rule(
        courses=tuple(_course(course) for course in said.pop("course")),
        counts=frozenset(said.pop("counts", (said["series"],))),
        doubtful_with=frozenset(said.pop("doubtful_with", ())),
        first=_bound(said.pop("from", None)),
        last=_bound(said.pop("until", None)),
        season=Season(_month_and_day(season["from"]), _month_and_day(season["until"])) if season else None,
        fiscal_year_ages=tuple(said.pop("fiscal_year_ages", ())),
        **said,
    )


def _course(entry: Mapping[str, Any]) -> Course:
    said = dict(entry)
    vaccines = said.pop("vaccines", None)
    return Course(
        steps=tuple(_step(step) for step in said.pop("doses")),
        started_until=_bound(said.pop("started_until", None)),
        vaccines=frozenset(vaccines) if vaccines else None,
        **said,
    )


def _step(entry: Mapping[str, Any]) -> Step:
    said = dict(entry)
    return Step(
        first=_bound(said.pop("from", None)),
        last=_bound(said.pop("until", None)),
        standard_until=_bound(said.pop("standard_until", None)),
        **said,
    )


def _bound(entry: Mapping[Unit, int] | None) -> Bound | None:
    if entry is None:
        return None
    ((unit, value),) = entry.items()
    return Bound(unit, value)


def _month_and_day(text: str) -> tuple[int, int]:
    month, day = text.split("-")
    return int(month), int(day)
