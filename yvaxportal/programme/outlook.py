"""The forecasts of very many people on one day.

The birth date decides which programmes can be open to somebody at all; that is worked out once, for
stretches of birth dates. For most adults nothing is left to do, for the others only the doses of what is open
are judged.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property
from typing import NamedTuple

from yvaxportal.programme.births import FIRST_BIRTH, Births, births, joined
from yvaxportal.programme.bounds import NO_END
from yvaxportal.programme.forecasting import Forecast, Forecaster, agreed, forecast
from yvaxportal.programme.person import GivenDose, Person
from yvaxportal.programme.reasons import reason
from yvaxportal.programme.schedule import Programme, Schedule, Target

_DAY = timedelta(days=1)
_MOST_KEPT = 100_000
_SEXES = ("0", "1", "2")


class _Open(NamedTuple):
    """A programme that may be open to those of one stretch.

    ``same``: the forecast of who has had no dose, where it is the same for the whole stretch; ``place`` is
    its place among the programmes. ``counts``: vaccines whose doses matter, if given since ``since``;
    ``beside``: those to keep a distance from now.
    """

    programme: Programme
    place: int
    same: Forecast | None
    counts: frozenset[str]
    since: date
    beside: frozenset[str]


class _Stretch(NamedTuple):
    """Birth dates for which the same programmes may be open, for one sex."""

    answers: tuple[Forecast, ...]
    open: tuple[_Open, ...]
    counts: frozenset[str]
    programmes: frozenset[str]
    since: Mapping[str, date]


class Outlook:
    """The programmes on one day, ready for very many people.

    What is over for somebody, or begins more than ``soon_days`` from now, is "not_target" here without a look
    at the doses: whether it was done in its time, ``forecast`` tells.
    """

    def __init__(self, schedule: Schedule, today: date) -> None:
        self.schedule, self.today = schedule, today
        self._programmes = tuple(schedule.programmes.values())
        self._shut = tuple(_shut(programme, schedule.soon_days) for programme in self._programmes)
        self._born = {one.code: self._births(one) for one in self._programmes}
        self._starts = self._boundaries()
        self._beside_now = {one.code: self._keeps_from(one) for one in self._programmes}
        self._stretches = {sex: [self._stretch(sex, *ends) for ends in self._ends()] for sex in _SEXES}
        self._longest = timedelta(days=schedule.longest_spacing)
        self._recent = today - self._longest
        self._kept: dict[tuple[str, date, str], Forecast] = {}

    def forecast(self, person: Person, doses: Sequence[GivenDose]) -> Sequence[Forecast]:
        """Return one forecast for each programme, in the order of the schedule. Do not change it."""
        birth = person.birth
        if person.circumstances or not isinstance(birth, date):
            return self._unusual(person, doses)
        stretches = self._stretches.get(person.sex) or self._stretches["0"]
        stretch = stretches[bisect_right(self._starts, birth) - 1]
        if not stretch.open:
            return stretch.answers
        answers = list(stretch.answers)
        judged: Forecaster | None = None
        for one in stretch.open:
            found = one.same or self._without_doses(one.programme, birth, person.sex)
            if doses and self._touches(one, found, doses):
                if judged is None:
                    only, since = stretch.programmes, stretch.since
                    judged = Forecaster(
                        self.schedule, person, birth, doses, self.today, only=only, since=since
                    )
                found = judged.one(one.programme)
            answers[one.place] = found
        return answers

    @cached_property
    def needed(self) -> Mapping[str, date]:
        """The vaccines whose doses bear on the day, and since when they do; for selecting them.

        Whatever else was given moves at most an earliest day that is past.
        """
        found: dict[str, date] = {}
        for stretch in self._stretches["0"] + self._stretches["1"] + self._stretches["2"]:
            for vaccine, since in stretch.since.items():
                found[vaccine] = min(since, found.get(vaccine, NO_END))
            for one in stretch.open:
                for vaccine in one.beside:
                    found[vaccine] = min(self._recent, found.get(vaccine, NO_END))
        return found

    def _touches(self, one: _Open, found: Forecast, doses: Sequence[GivenDose]) -> bool:
        """Tell whether a dose counts in a programme, or was given so near that a distance is to be kept."""
        counts, since, beside, recent = one.counts, one.since, one.beside, self._recent
        for dose in doses:
            if dose.vaccine in counts:
                if dose.given_on >= since:
                    return True
            elif dose.given_on >= recent and dose.vaccine in beside:
                return True
        earliest = found.earliest
        if earliest is None:
            return False
        # What lay between the earliest day and another vaccine then, moves that day.
        nearest = earliest - self._longest
        return any(nearest <= dose.given_on < earliest for dose in doses)

    def _without_doses(self, programme: Programme, birth: date, sex: str) -> Forecast:
        key = programme.code, birth, sex
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            found = Forecaster(self.schedule, Person(birth, sex), birth, (), self.today).one(programme)
            self._kept[key] = found
        return found

    def _unusual(self, person: Person, doses: Sequence[GivenDose]) -> Sequence[Forecast]:
        """Return the forecasts of who has circumstances, or a birth date that is not wholly known."""
        birth = person.birth
        if person.circumstances or birth is None or isinstance(birth, date):
            return forecast(self.schedule, person, doses, self.today)
        earliest = max(birth.earliest, FIRST_BIRTH)
        latest = max(earliest, min(birth.latest, self.today))
        possible = [earliest, latest]
        for start in self._starts[bisect_right(self._starts, earliest) : bisect_right(self._starts, latest)]:
            possible += [start - _DAY, start]
        answers = [self.forecast(person._replace(birth=day), doses) for day in sorted(set(possible))]
        unknown = Forecaster(self.schedule, person, None, (), self.today)
        return [
            agreed(programme, person.sex, [answer[place] for answer in answers], unknown.one)
            for place, programme in enumerate(self._programmes)
        ]

    def _births(self, programme: Programme) -> list[Births]:
        """Return the birth dates of those to whom a programme may be open today or soon."""
        until = self.today + timedelta(days=self.schedule.soon_days)
        found: list[Births] = []
        for rule in programme.rules:
            for target in rule.targets:
                if not _asks(target):
                    found += births(rule, target, self.today, until)
        if found and programme.counts_from is not None:
            # A private dose may have begun the course before the age of the law.
            private = Target(first=programme.counts_from)
            younger = births(replace(programme.rules[-1], season=None), private, self.today, until)
            oldest = max(last for _, last in found)
            found += [(oldest, last) for _, last in younger if last > oldest]
        return joined(found)

    def _ever_born(self, code: str) -> list[Births]:
        """Return the birth dates of those to whom a programme was or will be open at any time."""
        programme = self.schedule.programmes[code]
        found: list[Births] = []
        for rule in programme.rules:
            plain = replace(rule, season=None)
            for target in rule.targets:
                found += births(plain, target, FIRST_BIRTH, self.today)
        return joined(found)

    def _boundaries(self) -> list[date]:
        starts = {FIRST_BIRTH}
        for programme in self._programmes:
            for first, last in self._born[programme.code]:
                starts |= {first, last + _DAY}
        return sorted(starts)

    def _ends(self) -> Iterable[tuple[date, date]]:
        followers = [*self._starts[1:], self.today + _DAY]
        for first, after in zip(self._starts, followers, strict=True):
            yield first, max(first, after - _DAY)

    def _stretch(self, sex: str, first: date, last: date) -> _Stretch:
        answers = list(self._shut)
        found = []
        for place, programme in enumerate(self._programmes):
            other_sex = programme.sex is not None and sex in _SEXES[1:] and sex != programme.sex
            if other_sex or not any(a <= first and last <= b for a, b in self._born[programme.code]):
                continue
            one, other = (
                Forecaster(self.schedule, Person(birth, sex), birth, (), self.today).one(programme)
                for birth in (first, last)
            )
            # Windows move forward with the birth date: what is the same at both ends is so in between.
            same = one if one == other else None
            if same is not None:
                answers[place] = same
            counts = self._counts(programme)
            found.append(
                _Open(
                    programme, place, same, counts, self._since(programme), self._beside_now[programme.code]
                )
            )
        counts = frozenset().union(*(one.counts for one in found))
        since = {vaccine: min(one.since for one in found if vaccine in one.counts) for vaccine in counts}
        beside = frozenset().union(*(self._beside(one.programme) for one in found))
        codes = frozenset(
            code for code in beside if any(a <= last and first <= b for a, b in self._ever_born(code))
        )
        return _Stretch(tuple(answers), tuple(found), counts, codes, since)

    def _beside(self, programme: Programme) -> frozenset[str]:
        """Return the programmes that decide together with this one whose a dose is."""
        tracks = {programme.track} | {self.schedule.programmes[code].track for code in programme.continues}
        return frozenset(one.code for one in self._programmes if one.track in tracks)

    def _counts(self, programme: Programme) -> frozenset[str]:
        """Return the vaccines whose doses bear on a programme: its own, its family's, those in doubt."""
        found = set(programme.vaccines) | programme.doubtful_with
        for code in programme.continues:
            found |= set(self.schedule.programmes[code].vaccines)
        for other in self.schedule.families.get(programme.family or "", ()):
            found |= other.begins_with
        return frozenset(found)

    def _keeps_from(self, programme: Programme) -> frozenset[str]:
        """Return the vaccines after which one of the programme's may not be given at once today."""
        return frozenset(
            before
            for before in self.schedule.catalogue.vaccines
            for vaccine in programme.vaccines
            for spacing in self.schedule.between(before, vaccine)
            if spacing.valid_to is None or spacing.valid_to >= self.today
        )

    def _since(self, programme: Programme) -> date:
        """Return the first day of doses that bear on a programme."""
        season = next((rule.season for rule in reversed(programme.rules) if rule.season), None)
        if season is None:
            return FIRST_BIRTH
        begins = (season.of_year(year)[0] for year in (self.today.year, self.today.year - 1))
        return next(day for day in begins if day <= self.today)


def _asks(target: Target) -> bool:
    return bool(target.risk or target.needs or target.pregnancy)


def _shut(programme: Programme, days: int) -> Forecast:
    return Forecast(
        programme.code,
        programme.series,
        "not_target",
        programme.first_number,
        None,
        None,
        None,
        None,
        (reason("not_open", days=days),),
        False,
    )
