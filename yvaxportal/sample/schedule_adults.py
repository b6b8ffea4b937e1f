"""The doses of adults: category B of the elderly, rubella's fifth term, RS virus in pregnancy."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from yvaxportal.sample.choice import Weighted, chance, day_between, one_of
from yvaxportal.sample.planned import ROUTINE, SUBSIDISED, VOLUNTARY, Planned, later
from yvaxportal.values.ages import day_age_is_reached
from yvaxportal.values.fiscal import fiscal_year_reaching_age

_FIRST_SEASON = 2002
_HABITS = Weighted([0.93, 0.4, 0.0], [66, 18, 16])  # how surely somebody comes each autumn
_HIGH_DOSE_FROM_SEASON, _HIGH_DOSE_AGE = 2026, 75
_PPSV23_FROM_YEAR, _PPSV23_STEPS_UNTIL_YEAR, _PCV20_FROM_YEAR = 2014, 2023, 2026
_SHINGLES_FROM_YEAR, _SHINGLES_SUBSIDISED_FROM = 2025, date(2023, 4, 1)
_FIFTH_TERM_BIRTHS = date(1962, 4, 2), date(1979, 4, 1)
_FIFTH_TERM = date(2019, 4, 1), date(2025, 3, 31)
_RS_FROM, _RS_LAST_DAYS, _RS_FIRST_DAYS = date(2026, 4, 1), 22, 84
_STEPS = range(65, 101, 5)
_ELDERLY, _SHINGLES_PRIVATE_AGE = 65, 50


def adulthood(rng: Random, birth: date, sex: str, today: date) -> Iterator[Planned]:
    """Give the planned doses of an adult; days after ``today`` are for the caller to drop."""
    elderly_from = day_age_is_reached(birth, _ELDERLY)
    if elderly_from <= today:
        yield from _influenza(rng, birth, elderly_from, today)
        yield from _pneumococcal(rng, birth, today)
    yield from _shingles(rng, birth, today)
    if sex == "1" and _FIFTH_TERM_BIRTHS[0] <= birth <= _FIFTH_TERM_BIRTHS[1] and chance(rng, 0.2):
        yield Planned("mr_rubella_fifth", 1, day_between(rng, *_FIFTH_TERM))


def in_pregnancy(rng: Random, childs_birth: date) -> Iterator[Planned]:
    """Give the mother's dose against RS virus, by the birth date of the child."""
    day = childs_birth - timedelta(days=_RS_LAST_DAYS + int(rng.random() * (_RS_FIRST_DAYS - _RS_LAST_DAYS)))
    if day >= _RS_FROM and chance(rng, 0.6):
        yield Planned("rs_maternal", 1, day)


def _influenza(rng: Random, birth: date, elderly_from: date, today: date) -> Iterator[Planned]:
    habit = _HABITS.pick(rng)
    if not habit:
        return
    for season in range(max(_FIRST_SEASON, elderly_from.year), today.year + 1):
        if chance(rng, habit):
            day = date(season, 10, 2) + timedelta(days=int(rng.random() ** 1.6 * 88))
            high = (
                season >= _HIGH_DOSE_FROM_SEASON and season - birth.year > _HIGH_DOSE_AGE and chance(rng, 0.3)
            )
            if day >= elderly_from:
                yield Planned("influenza_high_dose" if high else "influenza", 1, day)


def _pneumococcal(rng: Random, birth: date, today: date) -> Iterator[Planned]:
    for step in _STEPS:
        year = fiscal_year_reaching_age(birth, step)
        if not _PPSV23_FROM_YEAR <= year <= today.year:
            continue
        if step > _ELDERLY and year > _PPSV23_STEPS_UNTIL_YEAR:
            continue
        if chance(rng, 0.4):
            first = date(year, 10 if year == _PPSV23_FROM_YEAR else 4, 1)
            last = date(year + 1, 3, 31)
            if year > _PPSV23_STEPS_UNTIL_YEAR:
                first, last = day_age_is_reached(birth, 65), day_age_is_reached(birth, 66)
            day = day_between(rng, first, last)
            yield Planned("pcv20_elderly" if day >= date(_PCV20_FROM_YEAR, 4, 1) else "ppsv23", 1, day)
        return


def _shingles(rng: Random, birth: date, today: date) -> Iterator[Planned]:
    vaccine = one_of(rng, ("shingles_recombinant", "shingles_recombinant", "shingles_live"))
    start, category = None, SUBSIDISED
    for step in _STEPS:
        year = fiscal_year_reaching_age(birth, step)
        if _SHINGLES_FROM_YEAR <= year <= today.year and chance(rng, 0.22):
            start, category = day_between(rng, date(year, 4, 1), date(year + 1, 3, 31)), ROUTINE
    if start is None:
        private_from = max(day_age_is_reached(birth, _SHINGLES_PRIVATE_AGE), _SHINGLES_SUBSIDISED_FROM)
        if private_from > today or not chance(rng, 0.03):
            return
        start = day_between(rng, private_from, min(today, date(_SHINGLES_FROM_YEAR, 3, 31)))
        category = SUBSIDISED if chance(rng, 0.7) else VOLUNTARY
    yield Planned(vaccine, 1, start, category)
    if vaccine == "shingles_recombinant":
        yield Planned(vaccine, 2, later(rng, start, 62, 80), category)
