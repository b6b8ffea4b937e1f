"""On which days somebody is a target of a programme: the legal windows of all its versions."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from yvaxportal.programme.bounds import NO_BEGIN, NO_END
from yvaxportal.programme.person import Circumstance, GivenDose, Person
from yvaxportal.programme.schedule import Programme, Rule, Season, Target
from yvaxportal.values.ages import day_age_is_reached
from yvaxportal.values.fiscal import fiscal_year, fiscal_year_range, fiscal_year_reaching_age

_DAY = timedelta(days=1)


class Period(NamedTuple):
    """Days (inclusive) on which one version of a programme is for somebody; ``illness``: by the exception."""

    first: date
    last: date
    rule: Rule
    target: Target | None
    illness: bool = False

    @property
    def exceptional(self) -> bool:
        """Whether it follows on the ordinary time: a long illness, an extension."""
        return self.illness or (self.target is not None and self.target.late)

    @property
    def unverified(self) -> bool:
        """Whether the municipality has to confirm it."""
        return self.rule.unverified or (self.target is not None and self.target.unverified)


class Run(NamedTuple):
    """Periods that follow one another without a gap."""

    first: date
    last: date
    periods: tuple[Period, ...]

    def on(self, day: date) -> Period:
        """Return the period of a day: the first that has it, else the nearest end of the run."""
        for period in self.periods:
            if period.first <= day <= period.last:
                return period
        return self.periods[0] if day < self.first else self.periods[-1]


def periods(
    programme: Programme, birth: date | None, person: Person, doses: Sequence[GivenDose], around: date
) -> list[Period]:
    """Return the legal days by their beginning; empty for who is no target in any version.

    :param birth: None only says something about programmes for pregnant women.
    :param doses: asked by rules for who had a dose of the track in a certain time.
    :param around: of seasonal programmes only the seasons next to this day are given.
    """
    if programme.sex is not None and person.sex != programme.sex:
        return []
    found: list[Period] = []
    for rule in programme.rules:
        if rule.season is not None and not _near(rule, around):
            continue
        if birth is not None and rule.valid_to is not None and rule.valid_to < birth:
            continue
        for period in periods_of_rule(rule, birth, person, doses, around):
            begin = max(period.first, rule.valid_from)
            end = period.last if rule.valid_to is None else min(period.last, rule.valid_to)
            if begin <= end:
                found.append(period._replace(first=begin, last=end))
    if birth is not None and any(one.kind == "long_illness" for one in person.circumstances):
        found.extend(_after_illness(programme, birth, person, doses, around))
    found.sort(key=lambda period: (period.first, period.last))
    return found


def _near(rule: Rule, around: date) -> bool:
    """Tell whether a version was in force in the seasons next to a day."""
    return rule.valid_from.year <= around.year + 2 and (
        rule.valid_to is None or rule.valid_to.year >= around.year - 1
    )


def periods_of_rule(
    rule: Rule, birth: date | None, person: Person, doses: Sequence[GivenDose], around: date
) -> list[Period]:
    """Return the periods of one version as if it had always been in force, without regard to sex."""
    found: list[Period] = []
    subject = _Subject(birth, person.circumstances, doses, around)
    for target in rule.targets:
        if not _may_be_for(target, subject):
            continue
        for first, last in _spans(target, rule.season, subject):
            found.append(Period(first, last, rule, target))
    return found


def lower_ages(programme: Programme, birth: date) -> date:
    """Return the first day on which a private dose may count: the age where the programme begins."""
    if programme.counts_from is not None:
        return programme.counts_from.day(birth, last=False)
    days = []
    for rule in programme.rules:
        for target in rule.targets:
            ages = target.fiscal_year_ages
            first = target.first.day(birth, last=False) if target.first else birth
            if ages:
                first = max(first, fiscal_year_range(fiscal_year_reaching_age(birth, min(ages)))[0])
            days.append(first)
    return min(days)


def runs(found: Sequence[Period]) -> list[Run]:
    """Return the periods joined where one follows the other."""
    joined: list[Run] = []
    for period in found:
        last = joined[-1] if joined else None
        if last is not None and (last.last >= NO_END or period.first <= last.last + _DAY):
            joined[-1] = Run(last.first, max(last.last, period.last), (*last.periods, period))
        else:
            joined.append(Run(period.first, period.last, (period,)))
    return joined


class _Subject(NamedTuple):
    """Whose days are asked for, and around which day."""

    birth: date | None
    circumstances: Sequence[Circumstance]
    doses: Sequence[GivenDose]
    around: date


def _may_be_for(target: Target, subject: _Subject) -> bool:
    """Tell whether days are to be looked for at all; for most targets the birth date says no."""
    birth = subject.birth
    if target.pregnancy is None:
        if birth is None:
            return False
        if target.born_from is not None and birth < target.born_from:
            return False
        if target.born_to is not None and birth > target.born_to:
            return False
    if (target.risk or target.needs or target.pregnancy is not None) and not subject.circumstances:
        return False
    return target.given_from is None or _given_between(target, subject.doses)


def _spans(target: Target, season: Season | None, subject: _Subject) -> Iterator[tuple[date, date]]:
    birth, circumstances, _doses, around = subject
    if target.pregnancy is not None:
        spans = _pregnancies(target.pregnancy, circumstances)
    elif birth is None:
        return
    else:
        spans = _ages(target, birth)
    for first, last in spans:
        begin, end = max(first, target.days_from or NO_BEGIN), min(last, target.days_to or NO_END)
        if not target.risk and not target.needs:
            yield from _in_season(begin, end, season, around)
            continue
        for opened, closed in _asked(target, circumstances):
            yield from _in_season(max(begin, opened), min(end, closed), season, around)


def _ages(target: Target, birth: date) -> Iterator[tuple[date, date]]:
    first = target.first.day(birth, last=False) if target.first else birth
    last = target.last.day(birth, last=True) if target.last else NO_END
    if not target.fiscal_year_ages and target.fiscal_year_age_from is None:
        yield first, last
        return
    # An age is reached on the day before the birthday: every year in the same part of the fiscal year.
    born_in = fiscal_year(birth - _DAY)
    for age in target.fiscal_year_ages:
        begin, end = fiscal_year_range(born_in + age)
        yield max(first, begin), min(last, end)
    if target.fiscal_year_age_from is not None:
        begin, _end = fiscal_year_range(born_in + target.fiscal_year_age_from)
        yield max(first, begin), last


def _pregnancies(days: tuple[int, int], circumstances: Sequence[Circumstance]) -> Iterator[tuple[date, date]]:
    for one in circumstances:
        if one.kind == "pregnancy" and one.ends_on is not None:
            yield one.ends_on - timedelta(days=days[0]), one.ends_on - timedelta(days=days[1])


def _asked(target: Target, circumstances: Sequence[Circumstance]) -> Iterator[tuple[date, date]]:
    """Give the days on which what the target asks for holds."""
    for one in circumstances:
        if one.kind == "risk_group" and one.subject in target.risk:
            yield one.starts_on or NO_BEGIN, one.ends_on or NO_END
        elif one.kind in target.needs or f"{one.kind}:{one.subject}" in target.needs:
            began = one.starts_on or NO_BEGIN
            if began <= (target.needs_by or NO_END):
                yield began, NO_END


def _in_season(first: date, last: date, season: Season | None, around: date) -> Iterator[tuple[date, date]]:
    if season is None:
        if first <= last:
            yield first, last
        return
    for year in (around.year - 1, around.year, around.year + 1):
        begin, end = season.of_year(year)
        if max(first, begin) <= min(last, end):
            yield max(first, begin), min(last, end)


def _given_between(target: Target, doses: Sequence[GivenDose]) -> bool:
    first, last = target.given_from or NO_BEGIN, target.given_to or NO_END
    return any(first <= dose.given_on <= last for dose in doses)


def _after_illness(
    programme: Programme, birth: date, person: Person, doses: Sequence[GivenDose], around: date
) -> Iterator[Period]:
    """Give what a long illness adds (施行規則2条の7): years from the day its reason ended, up to an age."""
    for one in person.circumstances:
        if one.kind != "long_illness" or one.subject not in {"", programme.code} or one.ends_on is None:
            continue
        began = one.starts_on or NO_BEGIN
        for rule in programme.rules:
            # The programme of a combined vaccine may be younger than the time that was missed.
            ordinary = periods_of_rule(rule, birth, person, doses, around)
            missed = any(began <= period.last and one.ends_on >= period.first for period in ordinary)
            if rule.long_illness is None or not missed:
                continue
            last = day_age_is_reached(one.ends_on, rule.long_illness.years)
            if rule.long_illness.until is not None:
                last = min(last, rule.long_illness.until.day(birth, last=True))
            begin, end = max(one.ends_on, rule.valid_from), min(last, rule.valid_to or NO_END)
            if begin <= end:
                yield Period(begin, end, rule, None, illness=True)


def season_of(season: Season, day: date) -> int:
    """Return the year in which the season of ``day`` begins; between seasons it is the last one's."""
    return day.year if (day.month, day.day) >= season.first else day.year - 1
