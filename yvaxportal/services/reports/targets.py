"""Who the targets (対象者) of a row are: rules as data, giving the birth dates that belong to a period."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from yvaxportal.programme.schedule import Schedule
from yvaxportal.programme.targets import targets
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
    - ``born``: those born from ``born_from`` to ``born_to``;
    - ``programme``: whoever is a target of that programme on some day of the period, by its rules of that
      day; those who need a risk group, and extensions for who missed their time, left out.
    """

    key: str
    kind: str
    values: tuple[int, ...]
    valid_from: date
    valid_to: date | None
    sex: str
    born_from: date | None
    born_to: date | None
    programme: str
    citation: str
    unverified: bool

    def in_force(self, day: date) -> bool:
        """Tell whether the rule was in force on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def births(self, period: Period, schedule: Schedule) -> Sequence[Births]:
        """Return the birth dates of the targets of a period, in intervals that do not overlap."""
        return KINDS[self.kind](self, period, schedule)


def _reaching_months(rule: TargetRule, period: Period, _schedule: Schedule) -> Sequence[Births]:
    return [_between(months, period.first_day, period.last_day, rule.sex) for months in rule.values]


def _reaching_years(rule: TargetRule, period: Period, _schedule: Schedule) -> Sequence[Births]:
    year = Period(period.fiscal_year)
    return [_between(12 * years, year.first_day, year.last_day, rule.sex) for years in rule.values]


def _from_years(rule: TargetRule, period: Period, _schedule: Schedule) -> Sequence[Births]:
    return [Births(_OLDEST, _last_birth(12 * min(rule.values), period.last_day), rule.sex)]


def _born(rule: TargetRule, _period: Period, _schedule: Schedule) -> Sequence[Births]:
    return [Births(rule.born_from or _OLDEST, rule.born_to or date.max, rule.sex)]


def _of_programme(rule: TargetRule, period: Period, schedule: Schedule) -> Sequence[Births]:
    programme = schedule.get(rule.programme)
    if programme is None:
        raise ValueError(f"{rule.key}: there is no programme {rule.programme}")
    cohort = targets(programme, period.first_day, period.last_day)
    return [Births(first, last, rule.sex or cohort.sex or "") for first, last in cohort.born]


KINDS: Mapping[str, Callable[[TargetRule, Period, Schedule], Sequence[Births]]] = MappingProxyType(
    {
        "months": _reaching_months,
        "years_in_fiscal_year": _reaching_years,
        "from_years": _from_years,
        "born": _born,
        "programme": _of_programme,
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


_KNOWN = frozenset(
    {"kind", "values", "valid_from", "valid_to", "sex", "born_from", "born_to", "programme", "citation"}
    | {"unverified"}
)


def read_rule(key: str, entry: Mapping[str, Any]) -> TargetRule:
    """Return a rule of the file of targets; ValueError with the reason when it is none."""
    if unknown := entry.keys() - _KNOWN:
        raise ValueError(f"{key}: {min(unknown)} is not known")
    kind, values = entry.get("kind", ""), tuple(entry.get("values", ()))
    mistakes = {
        "kind is not known": kind not in KINDS,
        "values must be ages": not all(type(value) is int and value >= 0 for value in values)
        or (kind in {"born", "programme"}) == bool(values),
        f"{kind} takes one age, or people would count twice": kind in {"months", "from_years"}
        and len(values) != 1,
        "an age is named twice": len(set(values)) != len(values),
        "programme is for the kind programme": (kind == "programme") != bool(entry.get("programme")),
        "sex is 1 or 2": entry.get("sex", "") not in {"", "1", "2"},
        "valid_from and citation are missing": "valid_from" not in entry or not entry.get("citation"),
        "a date is none": any(
            type(entry[name]) is not date
            for name in ("valid_from", "valid_to", "born_from", "born_to")
            if name in entry
        ),
    }
    for mistake, made in mistakes.items():
        if made:
            raise ValueError(f"{key}: {mistake}")
    return TargetRule(
        key=key,
        kind=kind,
        values=values,
        valid_from=entry["valid_from"],
        valid_to=entry.get("valid_to"),
        sex=entry.get("sex", ""),
        born_from=entry.get("born_from"),
        born_to=entry.get("born_to"),
        programme=entry.get("programme", ""),
        citation=entry["citation"],
        unverified=entry.get("unverified", False),
    )
