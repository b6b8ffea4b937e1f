"""For which birth dates a target's window touches certain days: the windows from the other side."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from functools import partial

from yvaxportal.programme.bounds import NO_BEGIN, NO_END
from yvaxportal.programme.schedule import Rule, Season, Target
from yvaxportal.values.fiscal import fiscal_year_range, fiscal_year_reaching_age

# Nobody who lives was born before; ages are counted from here on.
FIRST_BIRTH = date(1880, 1, 1)
_DAY = timedelta(days=1)
Births = tuple[date, date]


def births(rule: Rule, target: Target, first: date, last: date) -> Iterator[Births]:
    """Give the birth dates (inclusive) of who has a legal day from ``first`` to ``last`` by this target.

    What a target asks for beside the age (risk, circumstances, doses) is not looked at; of pregnancies there
    is nothing to say.
    """
    if target.pregnancy is not None:
        return
    begin = max(first, rule.valid_from, target.days_from or NO_BEGIN)
    end = min(last, rule.valid_to or NO_END, target.days_to or NO_END)
    spans = [(begin, end)] if rule.season is None else list(_seasons(rule.season, begin, end))
    for opened, closed in spans:
        if opened > closed:
            continue
        for youngest, oldest in _ages(target, opened, closed):
            born_from = max(oldest, target.born_from or FIRST_BIRTH)
            born_to = min(youngest, target.born_to or closed)
            if born_from <= born_to:
                yield born_from, born_to


def joined(found: Sequence[Births]) -> list[Births]:
    """Return birth dates in order, those that touch joined."""
    result: list[Births] = []
    for first, last in sorted(found):
        if result and first.toordinal() <= result[-1][1].toordinal() + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return result


def _seasons(season: Season, first: date, last: date) -> Iterator[tuple[date, date]]:
    for year in range(first.year - 1, last.year + 1):
        begin, end = season.of_year(year)
        yield max(begin, first), min(end, last)


def _ages(target: Target, opened: date, closed: date) -> Iterator[Births]:
    """Give the youngest and the oldest birth date with a legal day from ``opened`` to ``closed``."""
    lower, upper = target.first, target.last
    # Both ends of a window move forward with the birth date, so each is found by halving.
    youngest = _last_birth(lambda birth: lower.day(birth, last=False) if lower else birth, closed)
    oldest = _first_birth(lambda birth: upper.day(birth, last=True), opened) if upper else FIRST_BIRTH
    if not target.fiscal_year_ages and target.fiscal_year_age_from is None:
        yield youngest, oldest
        return
    for age in target.fiscal_year_ages:
        first = _first_birth(partial(_fiscal_year_end, age=age), opened)
        last = _last_birth(partial(_fiscal_year_begin, age=age), closed)
        yield min(youngest, last), max(oldest, first)
    if target.fiscal_year_age_from is not None:
        last = _last_birth(partial(_fiscal_year_begin, age=target.fiscal_year_age_from), closed)
        yield min(youngest, last), oldest


def _fiscal_year_begin(birth: date, age: int) -> date:
    return fiscal_year_range(fiscal_year_reaching_age(birth, age))[0]


def _fiscal_year_end(birth: date, age: int) -> date:
    return fiscal_year_range(fiscal_year_reaching_age(birth, age))[1]


def _first_birth(day_of: Callable[[date], date], day: date) -> date:
    """Return the earliest birth date whose day is not before ``day``."""
    return _halved(lambda birth: day_of(birth) >= day, day)


def _last_birth(day_of: Callable[[date], date], day: date) -> date:
    """Return the latest birth date whose day is not after ``day``; the day before FIRST_BIRTH if none is."""
    return _halved(lambda birth: day_of(birth) > day, day) - _DAY


def _halved(holds: Callable[[date], bool], last: date) -> date:
    """Return the first birth date up to ``last`` for which something holds, else the day after ``last``."""
    low, high = FIRST_BIRTH.toordinal(), last.toordinal() + 1
    while low < high:
        middle = (low + high) // 2
        if holds(date.fromordinal(middle)):
            high = middle
        else:
            low = middle + 1
    return date.fromordinal(low)
