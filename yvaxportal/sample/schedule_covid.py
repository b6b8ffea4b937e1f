"""COVID-19: the extraordinary programme of 2021 to 2024 in its rounds, and the routine since 2024-10."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from yvaxportal.sample.choice import Weighted, chance, day_between
from yvaxportal.sample.planned import ROUTINE, TEMPORARY, Planned, later
from yvaxportal.values.ages import day_age_is_reached


@dataclass(frozen=True, slots=True)
class Round:
    """One round of boosters: the days, the least age, who of those came before comes again, and what."""

    first: date
    last: date
    least_age: int
    share_elderly: float
    share_others: float
    vaccines: Weighted[str]


_FIRST_PRODUCTS = Weighted(["comirnaty", "spikevax", "vaxzevria"], [84, 15.5, 0.5])
_ROUNDS = (
    Round(date(2021, 12, 20), date(2022, 5, 31), 12, 0.96, 0.72,
          Weighted(["comirnaty", "spikevax", "nuvaxovid"], [55, 44, 1])),
    Round(date(2022, 6, 13), date(2022, 9, 18), 60, 0.85, 0.6, Weighted(["comirnaty", "spikevax"], [60, 40])),
    Round(date(2022, 10, 15), date(2023, 3, 31), 12, 0.8, 0.5,
          Weighted(["comirnaty_ba45", "comirnaty_ba1", "spikevax_ba1"], [70, 20, 10])),
    Round(date(2023, 5, 8), date(2023, 9, 10), 65, 0.75, 0,
          Weighted(["comirnaty_ba45", "spikevax_ba45"], [85, 15])),
    Round(date(2023, 9, 28), date(2024, 3, 30), 12, 0.75, 0.2,
          Weighted(["comirnaty_xbb", "spikevax_xbb", "daichirona_xbb"], [86, 11, 3])),
)  # fmt: skip
_SEASONS = (
    (2024, Weighted(["comirnaty_jn1", "spikevax_jn1", "daichirona_jn1", "kostaive_jn1", "nuvaxovid_jn1"],
                    [60, 18, 17, 2, 3])),
    (2025, Weighted(["comirnaty_lp81", "spikevax_lp81"], [80, 20])),
    (2026, Weighted(["comirnaty_2026", "spikevax_2026"], [80, 20])),
)  # fmt: skip
# Products that came after their round began; before, people got the other one.
_CAME_LATER = {
    "spikevax": (date(2021, 5, 24), "comirnaty"),
    "nuvaxovid": (date(2022, 5, 25), "comirnaty"),
    "spikevax_ba1": (date(2022, 9, 20), "comirnaty_ba1"),
    "daichirona_xbb": (date(2023, 12, 4), "comirnaty_xbb"),
}
_START_ELDERLY, _START_OTHERS = date(2021, 5, 10), date(2021, 6, 28)
_CHILDREN = date(2022, 3, 5), date(2022, 9, 30)
_INFANTS = date(2022, 11, 5), date(2023, 3, 31)
_CHILD_BIVALENT_FROM = date(2023, 3, 8)
_CHILDREN_XBB = date(2023, 12, 10), date(2024, 3, 30)
_BETWEEN_DAYS = 92
_ELDERLY, _ADULT, _GROWN, _SCHOOL = 65, 18, 12, 5


def covid19(rng: Random, birth: date, today: date) -> Iterator[Planned]:
    """Give the planned doses; days after ``today`` are for the caller to drop."""
    if birth <= date(2009, 10, 31):
        yield from _grown(rng, birth)
    elif birth <= date(2017, 9, 30):
        yield from _school_child(rng)
    elif birth <= date(2022, 4, 30) and chance(rng, 0.04):
        first = day_between(rng, *_INFANTS)
        second = later(rng, first, 21, 5)
        yield from _numbered("comirnaty_infant", (first, second, later(rng, second, 56, 10)))
        if chance(rng, 0.3):
            yield Planned("comirnaty_infant_xbb", 4, day_between(rng, *_CHILDREN_XBB), TEMPORARY)
    yield from _routine(rng, birth, today)


def _numbered(vaccine: str, days: tuple[date, ...]) -> Iterator[Planned]:
    for number, day in enumerate(days, 1):
        yield Planned(vaccine, number, day, TEMPORARY)


def _age(birth: date, day: date) -> int:
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def _grown(rng: Random, birth: date) -> Iterator[Planned]:
    age = _age(birth, _START_ELDERLY)
    comes = 0.93 if age >= _ELDERLY else 0.84 if age >= _ADULT else 0.74
    if not chance(rng, comes):
        return
    if age >= _ELDERLY:
        start = later(rng, _START_ELDERLY, 0, 75)
    else:
        start = later(rng, max(_START_OTHERS, day_age_is_reached(birth, _GROWN)), 0, 100)
    vaccine = "comirnaty" if age < _ADULT else _available(_FIRST_PRODUCTS.pick(rng), start)
    if vaccine == "vaxzevria" and start < date(2021, 8, 3):
        start = later(rng, date(2021, 8, 3), 0, 40)
    gap = {"comirnaty": 21, "spikevax": 28, "vaxzevria": 56}[vaccine]
    latest = later(rng, start, gap, 6)
    yield from _numbered(vaccine, (start, latest))
    yield from _boosters(rng, birth, latest)


def _available(vaccine: str, day: date) -> str:
    since, other = _CAME_LATER.get(vaccine, (date.min, vaccine))
    return vaccine if day >= since else other


def _boosters(rng: Random, birth: date, latest: date) -> Iterator[Planned]:
    number = 2
    for booster in _ROUNDS:
        age = _age(birth, booster.first)
        share = booster.share_elderly if age >= _ELDERLY else booster.share_others
        if age < booster.least_age:
            continue
        day = day_between(rng, booster.first, booster.last)
        # Rounds for the elderly alone keep nobody from the next one.
        if not chance(rng, share):
            if booster.least_age <= _GROWN:
                return
            continue
        day = max(day, latest + timedelta(days=_BETWEEN_DAYS))
        if day > booster.last:
            continue
        number, latest = number + 1, day
        yield Planned(_available(booster.vaccines.pick(rng), day), number, day, TEMPORARY)


def _school_child(rng: Random) -> Iterator[Planned]:
    if not chance(rng, 0.24):
        return
    first = day_between(rng, *_CHILDREN)
    second = later(rng, first, 21, 6)
    yield from _numbered("comirnaty_child", (first, second))
    if chance(rng, 0.4):
        day = later(rng, second, 155, 60)
        if day <= date(2023, 9, 19):
            vaccine = "comirnaty_child_ba45" if day >= _CHILD_BIVALENT_FROM else "comirnaty_child"
            yield Planned(vaccine, 3, day, TEMPORARY)
            if chance(rng, 0.2):
                yield Planned("comirnaty_child_xbb", 4, day_between(rng, *_CHILDREN_XBB), TEMPORARY)


def _routine(rng: Random, birth: date, today: date) -> Iterator[Planned]:
    elderly_from = day_age_is_reached(birth, _ELDERLY)
    if elderly_from > today or not chance(rng, 0.38):
        return
    for season, vaccines in _SEASONS:
        day = date(season, 10, 1) + timedelta(days=int(rng.random() ** 1.5 * 120))
        if day >= elderly_from and chance(rng, 0.7):
            yield Planned(vaccines.pick(rng), 1, day, ROUTINE)
