"""Where a day lies on the dose timeline: by age for those under 20, by fiscal year for everybody else."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from yvaxportal.values.fiscal import fiscal_year
from yvaxportal.values.text import _
from yvaxportal.values.wareki import era_of

WIDTH = 1100
LEFT = 176
RIGHT = WIDTH - 22

ADULT_AGE = 20
# Half of all routine doses fall into the first year of life: it gets the room of six later years, and the
# second year that of three.
_YEAR_WEIGHTS = (6.0, 3.0)
_MIN_TICK_DISTANCE = 44
_MIN_FISCAL_DISTANCE = 62
_MONTH_TICKS = (2, 4, 6, 8, 10)
_PAST_FISCAL_YEARS = 9
_MAX_FISCAL_YEARS = 100


@dataclass(frozen=True, slots=True)
class Tick:
    """One line of the grid: its place in pixels from the left, and its words unless there is no room."""

    x: float
    label: str | None


@dataclass(frozen=True, slots=True)
class Axis:
    """Days in ascending order and the place of each in pixels; days between them lie in proportion."""

    days: Sequence[date]
    places: Sequence[float]
    ticks: Sequence[Tick]
    by_age: bool

    def x(self, day: date) -> float:
        """Return the place of ``day``; days outside the axis lie at its ends."""
        if day <= self.days[0]:
            return self.places[0]
        if day >= self.days[-1]:
            return self.places[-1]
        at = bisect_right(self.days, day) - 1
        part = (day - self.days[at]) / (self.days[at + 1] - self.days[at])
        return round(self.places[at] + part * (self.places[at + 1] - self.places[at]), 1)


def axis_of(days: Sequence[date], *, birth: date | None, today: date) -> Axis:
    """Return the axis for ``days`` (of doses and due windows) of somebody born on ``birth``.

    By age when ``birth`` is known and the person is under 20 on ``today``; by fiscal year otherwise.
    """
    if birth is not None and birth <= today < anniversary(birth, ADULT_AGE):
        return _age_axis(days, birth, today)
    return _fiscal_axis(days, today)


def anniversary(birth: date, years: int) -> date:
    """Return the birthday ``years`` later, 1 March for those born on 29 February in a common year."""
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return date(birth.year + years, 3, 1)


def _age_axis(days: Sequence[date], birth: date, today: date) -> Axis:
    latest = min(max([today, *days]), anniversary(birth, ADULT_AGE))
    years = 1
    while anniversary(birth, years) <= latest:
        years += 1
    years = max(years, 2)
    weights = [*_YEAR_WEIGHTS, *[1.0] * years][:years]
    unit = (RIGHT - LEFT) / sum(weights)
    places = [round(LEFT + unit * sum(weights[:year]), 1) for year in range(years + 1)]
    ticks = [_tick(x, year, places) for year, x in enumerate(places)]
    month = (places[1] - places[0]) / 12
    if month * 2 >= _MIN_TICK_DISTANCE:
        ticks += [
            Tick(round(LEFT + month * count, 1), _("${months} mo", mapping={"months": count}))
            for count in _MONTH_TICKS
        ]
    return Axis([anniversary(birth, year) for year in range(years + 1)], places, ticks, by_age=True)


def _tick(x: float, year: int, places: Sequence[float]) -> Tick:
    roomy = year == 0 or x - places[year - 1] >= _MIN_TICK_DISTANCE or year % 2 == 0
    return Tick(x, _("${years} y", mapping={"years": year}) if roomy else None)


def _fiscal_axis(days: Sequence[date], today: date) -> Axis:
    this_year = fiscal_year(today)
    first = min([this_year - _PAST_FISCAL_YEARS, *(fiscal_year(day) for day in days)])
    last = max([this_year, *(fiscal_year(day) for day in days if day > today)])
    last = min(last, this_year + 2)
    first = max(first, last - _MAX_FISCAL_YEARS)
    count = last - first + 1
    unit = (RIGHT - LEFT) / count
    step = next((step for step in (1, 2, 5, 10) if unit * step >= _MIN_FISCAL_DISTANCE), 20)
    places = [round(LEFT + unit * at, 1) for at in range(count + 1)]
    ticks = [
        Tick(places[at], _fiscal_label(first + at) if (first + at) % step == 0 and at < count else None)
        for at in range(count + 1)
    ]
    return Axis([date(first + at, 4, 1) for at in range(count + 1)], places, ticks, by_age=False)


def _fiscal_label(year: int) -> str:
    # 令和元年度 began on 1 April 2019, before the era did: a fiscal year is named by the era of its December.
    era = era_of(date(year, 12, 31))
    era_year = f"{era.letter}{year - era.first.year + 1}"
    label: str = _("FY ${era}", mapping={"era": era_year})
    return label
