"""The doses of childhood and school age, as the programme stood in the years of each child.

Children are vaccinated at visits, several vaccines at a time; what a visit gives depends on the day, because
products and programmes changed (DPT-IPV-Hib from 2024-04, PCV7, 13, 15, 20, rotavirus from 2020-10, ...).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from yvaxportal.sample.choice import chance, day_between, one_of
from yvaxportal.sample.planned import ROUTINE, SUBSIDISED, VOLUNTARY, Planned, later
from yvaxportal.values.ages import day_age_is_reached, day_months_are_reached
from yvaxportal.values.fiscal import fiscal_year_range, fiscal_year_reaching_age, preschool_year

#: Records of people born earlier are on paper.
FIRST_BIRTH = date(1979, 4, 2)

_DPT_IPV_HIB_FROM, _DPT_IPV_FROM = date(2024, 2, 1), date(2012, 8, 1)
_DPT_IPV_AT_TWO_MONTHS_FROM = date(2023, 2, 1)
_HIB_FROM, _PCV_FROM = date(2010, 10, 1), date(2010, 10, 1)
_HEPATITIS_B_FROM, _VARICELLA_FROM = date(2016, 4, 1), date(2011, 10, 2)
_ROTAVIRUS_VOLUNTARY_FROM, _ROTAVIRUS_FROM = date(2013, 1, 1), date(2020, 8, 1)
_MR_FROM, _IPV_FROM = date(2006, 4, 1), date(2012, 9, 1)
_PCV = (("pcv20", date(2024, 10, 1)), ("pcv15", date(2024, 4, 1)), ("pcv13", date(2013, 11, 1)))
_JE_STOPPED, _JE_AGAIN, _JE_CELL_CULTURE_FROM = date(2005, 6, 1), date(2010, 4, 1), date(2009, 6, 2)
_HPV_STARTED, _HPV_STOPPED, _HPV_AGAIN = date(2011, 9, 1), date(2013, 6, 13), date(2022, 4, 1)
_HPV_NONAVALENT, _HPV_CATCH_UP_END = date(2023, 4, 1), date(2025, 3, 31)
_HPV_BIRTHS_BEFORE_STOP, _HPV_BIRTHS_LOST = date(1994, 4, 2), date(2000, 4, 2)
_HPV_BIRTHS_NOW = date(2008, 4, 2)


def childhood(rng: Random, birth: date, sex: str, today: date) -> Iterator[Planned]:
    """Give the planned doses of somebody born on ``birth``; the caller drops days to come."""
    if birth < FIRST_BIRTH:
        return
    yield from _first_years(rng, birth)
    yield from _japanese_encephalitis(rng, birth)
    preschool = day_between(rng, *preschool_year(birth))
    if chance(rng, 0.94):
        yield from _measles(preschool, 2)
    if birth >= _VARICELLA_FROM and chance(rng, 0.35):
        yield Planned("mumps", 2, preschool, SUBSIDISED)
    if chance(rng, 0.85):
        yield Planned("dt", 1, later(rng, day_age_is_reached(birth, 11), 0, 600))
    if sex == "2":
        yield from _hpv(rng, birth, today)


def _first_years(rng: Random, birth: date) -> Iterator[Planned]:
    first = later(rng, day_months_are_reached(birth, 2), 0, 22)
    second = later(rng, first, 28, 9)
    third = later(rng, second, 28, 9)
    fourth = later(rng, third, 28, 12)
    at_seven_months = max(later(rng, day_months_are_reached(birth, 7), 0, 35), first + timedelta(days=141))
    at_one_year = later(rng, day_months_are_reached(birth, 12), 0, 40)
    half_year_later = later(rng, at_one_year, 186, 90)
    infant = (first, second, third, at_one_year)
    if birth >= _DPT_IPV_HIB_FROM:
        yield from _course("dpt_ipv_hib", (*infant[:3], max(at_one_year, later(rng, third, 186, 60))))
    else:
        early = birth >= _DPT_IPV_AT_TWO_MONTHS_FROM
        primary = (first, second, third) if early else (second, third, fourth)
        yield from _combined(birth, (*primary, later(rng, primary[2], 370, 170)), rng)
        if birth >= _HIB_FROM:
            yield from _course("hib", (*infant[:3], max(at_one_year, later(rng, third, 215, 60))))
    if birth >= _PCV_FROM:
        for number, day in enumerate(infant, 1):
            yield Planned(next((code for code, since in _PCV if day >= since), "pcv7"), number, day)
    if birth >= _HEPATITIS_B_FROM:
        yield from _course("hepatitis_b", (first, second, at_seven_months))
    yield from _rotavirus(rng, birth, infant[:3])
    yield Planned("bcg", 1, later(rng, day_months_are_reached(birth, 5), 0, 85))
    if chance(rng, 0.97):
        yield from _measles(at_one_year, 1)
    if birth >= _VARICELLA_FROM:
        yield Planned("varicella", 1, at_one_year)
        if chance(rng, 0.92):
            yield Planned("varicella", 2, half_year_later)
        if chance(rng, 0.5):
            yield Planned("mumps", 1, at_one_year, SUBSIDISED)


def _course(vaccine: str, days: tuple[date, ...]) -> Iterator[Planned]:
    for number, day in enumerate(days, 1):
        yield Planned(vaccine, number, day)


def _combined(birth: date, days: tuple[date, ...], rng: Random) -> Iterator[Planned]:
    """Give DPT-IPV, or before it DPT and polio apart."""
    if birth >= _DPT_IPV_FROM:
        yield from _course("dpt_ipv", days)
        return
    yield from _course("dpt", days)
    for number in (1, 2):
        day = later(rng, days[2], 60 + 180 * number, 60)
        yield Planned("opv" if day < _IPV_FROM else "ipv", number, day)


def _rotavirus(rng: Random, birth: date, days: tuple[date, ...]) -> Iterator[Planned]:
    if birth < _ROTAVIRUS_VOLUNTARY_FROM or (birth < _ROTAVIRUS_FROM and not chance(rng, 0.4)):
        return
    category = ROUTINE if birth >= _ROTAVIRUS_FROM else VOLUNTARY
    vaccine = one_of(rng, ("rotavirus_1", "rotavirus_5"))
    for number, day in enumerate(days[: 2 if vaccine == "rotavirus_1" else 3], 1):
        yield Planned(vaccine, number, day, category)


def _measles(day: date, number: int) -> Iterator[Planned]:
    if day >= _MR_FROM:
        yield Planned("mr", number, day)
    elif number == 1:
        yield Planned("measles", 1, day)
        yield Planned("rubella", 1, day + timedelta(days=45))


def _japanese_encephalitis(rng: Random, birth: date) -> Iterator[Planned]:
    if not chance(rng, 0.9):
        return
    first = later(rng, day_age_is_reached(birth, 3), 0, 240)
    if _JE_STOPPED <= first < _JE_AGAIN:
        # While it was not recommended nobody came; the special cohorts caught up later (施行令附則2項).
        first = later(rng, _JE_AGAIN, 0, 900)
    second = later(rng, first, 7, 21)
    third = later(rng, second, 330, 120)
    fourth = max(later(rng, day_age_is_reached(birth, 9), 0, 500), later(rng, third, 7, 30))
    for number, day in enumerate((first, second, third, fourth), 1):
        yield Planned("je" if day >= _JE_CELL_CULTURE_FROM else "je_mouse_brain", number, day)


def _hpv(rng: Random, birth: date, today: date) -> Iterator[Planned]:
    window = (
        fiscal_year_range(fiscal_year_reaching_age(birth, 12))[0],
        fiscal_year_range(fiscal_year_reaching_age(birth, 16))[1],
    )
    if _HPV_BIRTHS_BEFORE_STOP <= birth < _HPV_BIRTHS_LOST and chance(rng, 0.65):
        start = day_between(rng, max(window[0], _HPV_STARTED), min(window[1], _HPV_STOPPED))
        yield from _three_doses(rng, one_of(rng, ("hpv2", "hpv4")), start)
    elif birth < _HPV_BIRTHS_NOW and chance(rng, 0.3):
        start = day_between(rng, _HPV_AGAIN, _HPV_CATCH_UP_END - timedelta(days=200))
        yield from _three_doses(rng, "hpv9" if start >= _HPV_NONAVALENT else "hpv4", start)
    elif birth >= _HPV_BIRTHS_NOW and chance(rng, 0.5):
        start = day_between(rng, max(window[0], _HPV_AGAIN), min(window[1], today))
        two_are_enough = start < day_age_is_reached(birth, 15)
        if start >= _HPV_NONAVALENT and two_are_enough:
            yield Planned("hpv9", 1, start)
            yield Planned("hpv9", 2, later(rng, start, 184, 60))
        else:
            yield from _three_doses(rng, "hpv9" if start >= _HPV_NONAVALENT else "hpv4", start)


def _three_doses(rng: Random, vaccine: str, start: date) -> Iterator[Planned]:
    second = later(rng, start, 61, 20)
    for number, day in enumerate((start, second, later(rng, second, 122, 40)), 1):
        yield Planned(vaccine, number, day)
