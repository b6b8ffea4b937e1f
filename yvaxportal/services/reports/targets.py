"""Who the targets (対象者) of a row are: rules as data, giving the birth dates that belong to a period."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from yvaxportal.services.reports.periods import Period
from yvaxportal.values.ages import day_months_are_reached

_DAY = timedelta(days=1)
_OLDEST = date(1880, 1, 1)


@dataclass(frozen=True, slots=True)
class Births:
    """Birth dates, both inclusive, of people of one sex or (``""``) of both."""

    first: date
    last: date
    sex: str = ""


@dataclass(frozen=True, slots=True)
class TargetRule:
    """One definition of targets, in force from ``valid_from`` to ``valid_to`` (inclusive, None: still).

    ``kind`` and ``values`` (months or years of age by law):

    - ``months``: those who reach that age within the period;
    - ``years_in_fiscal_year``: those who reach one of these ages within the fiscal year, whatever the period;
    - ``from_years``: those who have reached that age on the last day of the period;
    - ``born``: those born from ``born_from`` to ``born_to``.
    """

    key: str
    kind: str
    values: tuple[int, ...]
    valid_from: date
    valid_to: date | None
    sex: str
    born_from: date | None
    born_to: date | None
    citation: str
    unverified: bool

    def in_force(self, day: date) -> bool:
        """Tell whether the rule was in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def births(self, period: Period) -> Sequence[Births]:
        """Return the birth dates of the targets of a period, in intervals that do not overlap."""
        return KINDS[self.kind](self, period)


def _reaching_months(rule: TargetRule, period: Period) -> Sequence[Births]:
    return [_between(months, period.first_day, period.last_day, rule.sex) for months in rule.values]


def _reaching_years(rule: TargetRule, period: Period) -> Sequence[Births]:
    year = Period(period.fiscal_year)
    return [_between(12 * years, year.first_day, year.last_day, rule.sex) for years in rule.values]


def _from_years(rule: TargetRule, period: Period) -> Sequence[Births]:
    return [Births(_OLDEST, _last_birth(12 * min(rule.values), period.last_day), rule.sex)]


def _born(rule: TargetRule, _period: Period) -> Sequence[Births]:
    return [Births(rule.born_from or _OLDEST, rule.born_to or date.max, rule.sex)]


KINDS: Mapping[str, Callable[[TargetRule, Period], Sequence[Births]]] = MappingProxyType(
    {
        "months": _reaching_months,
        "years_in_fiscal_year": _reaching_years,
        "from_years": _from_years,
        "born": _born,
    }
)


def _between(months: int, first: date, last: date, sex: str) -> Births:
    """Return the births that reach an age of so many months from ``first`` to ``last``."""
    return Births(_last_birth(months, first - _DAY) + _DAY, _last_birth(months, last), sex)


def _last_birth(months: int, day: date) -> date:
    """Return the last birth date that has reached an age of so many months on ``day``."""
    # The same day so many months before is at most a few days off: months differ in length.
    years, month0 = divmod(day.month - 1 - months, 12)
    birth = date(day.year + years, month0 + 1, min(day.day, 28)) + timedelta(days=5)
    while day_months_are_reached(birth, months) > day:
        birth -= _DAY
    return birth


def read_rule(key: str, entry: Mapping[str, Any]) -> TargetRule:
    """Return a rule of the file of targets; ValueError with the reason when it is none."""
    known = {
        "kind",
        "values",
        "valid_from",
        "valid_to",
        "sex",
        "born_from",
        "born_to",
        "citation",
        "unverified",
    }
    if unknown := entry.keys() - known:
        raise ValueError(f"{key}: {min(unknown)} is not known")
    kind = entry.get("kind", "")
    if kind not in KINDS:
        raise ValueError(f"{key}: kind is not known")
    values = tuple(entry.get("values", ()))
    if (kind != "born") != bool(values) or not all(type(value) is int and value >= 0 for value in values):
        raise ValueError(f"{key}: values must be ages")
    if kind in {"months", "from_years"} and len(values) != 1:
        raise ValueError(f"{key}: {kind} takes one age, or people would count twice")
    if len(set(values)) != len(values):
        raise ValueError(f"{key}: an age is named twice")
    if entry.get("sex", "") not in {"", "1", "2"}:
        raise ValueError(f"{key}: sex is 1 or 2")
    for name in ("valid_from", "valid_to", "born_from", "born_to"):
        if name in entry and type(entry[name]) is not date:
            raise ValueError(f"{key}: {name} is no date")
    if "valid_from" not in entry or not entry.get("citation"):
        raise ValueError(f"{key}: valid_from and citation are missing")
    return TargetRule(
        key=key,
        kind=kind,
        values=values,
        valid_from=entry["valid_from"],
        valid_to=entry.get("valid_to"),
        sex=entry.get("sex", ""),
        born_from=entry.get("born_from"),
        born_to=entry.get("born_to"),
        citation=entry["citation"],
        unverified=entry.get("unverified", False),
    )
