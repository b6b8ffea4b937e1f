"""What comes next for a person in each programme, and why."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, NamedTuple, TypeAlias

from yvaxportal.programme.exclusions import exclusion
from yvaxportal.programme.history import History, instance, is_allowed
from yvaxportal.programme.periods import Period, Run, runs
from yvaxportal.programme.person import GivenDose, Person
from yvaxportal.programme.possible import exact_birth, possible_births
from yvaxportal.programme.reasons import Reason, reason
from yvaxportal.programme.schedule import Programme, Schedule
from yvaxportal.programme.spacing import earliest_beside
from yvaxportal.programme.walk import Opening, Walk

_DAY = timedelta(days=1)

Status: TypeAlias = Literal["due", "soon", "overdue", "done", "doubtful", "not_target"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What comes next in one programme; all dates are inclusive, None where there are none.

    ``dose_number``: of the next dose, or of the last one when ``done``. ``earliest`` and ``latest`` are the
    legal days, ``recommended_from`` and ``recommended_until`` the standard time within them. ``vaccines``:
    what may be given then. ``unverified``: to be confirmed by the municipality.
    """

    programme: str
    series: str
    status: Status
    dose_number: int
    earliest: date | None
    recommended_from: date | None
    recommended_until: date | None
    latest: date | None
    reasons: tuple[Reason, ...]
    unverified: bool
    vaccines: tuple[str, ...] = ()


def forecast(
    schedule: Schedule,
    person: Person,
    doses: Sequence[GivenDose],
    today: date,
    only: Collection[str] | None = None,
) -> list[Forecast]:
    """Return one forecast for each programme, in the order of the schedule.

    With a birth date that is not wholly known, a programme gets a status only where all possible days agree,
    and never "done".

    :param only: codes of the programmes that are asked about; all by default.
    """
    asked = [one for code, one in schedule.programmes.items() if only is None or code in only]
    birth = exact_birth(person)
    if birth is not None:
        return Forecaster(schedule, person, birth, doses, today).all(asked)
    answers = [
        Forecaster(schedule, person, day, doses, today).all(asked) for day in possible_births(person, today)
    ]
    unknown = Forecaster(schedule, person, None, doses, today)
    return [
        agreed(programme, person.sex, [answer[position] for answer in answers], unknown.one)
        for position, programme in enumerate(asked)
    ]


def agreed(
    programme: Programme,
    sex: str,
    answers: Sequence[Forecast],
    without_birth: Callable[[Programme], Forecast],
) -> Forecast:
    """Return what the forecasts for all possible birth dates agree on, else that it is doubtful.

    :param without_birth: forecasts a programme for which the birth date does not matter.
    """
    if programme.per == "pregnancy" or (programme.sex is not None and sex in _OTHER_SEX[programme.sex]):
        return without_birth(programme)
    first = answers[0] if answers else None
    if first is not None and first.status != "done":
        kept = [one for one in answers if (one.status, one.dose_number) == (first.status, first.dose_number)]
        if len(kept) == len(answers):
            return _blurred(answers)
    return Forecast(
        programme.code,
        programme.series,
        "doubtful",
        first.dose_number if first else programme.first_number,
        None,
        None,
        None,
        None,
        (reason("birth_unknown"),),
        programme.unverified,
    )


def _blurred(answers: Sequence[Forecast]) -> Forecast:
    """Return one forecast with those days only on which all agree."""
    first = answers[0]
    if all(one == first for one in answers):
        return first
    return replace(
        first,
        earliest=_same([one.earliest for one in answers]),
        recommended_from=_same([one.recommended_from for one in answers]),
        recommended_until=_same([one.recommended_until for one in answers]),
        latest=_same([one.latest for one in answers]),
        reasons=(reason("birth_partly_unknown"),),
    )


def _same(days: Sequence[date | None]) -> date | None:
    return days[0] if all(day == days[0] for day in days) else None


_OTHER_SEX = {"1": "2", "2": "1"}


class _Option(NamedTuple):
    """What comes next on one course: ``beside`` says which other vaccine moved the earliest day."""

    opening: Opening
    earliest: date
    latest: date
    beside: Reason | None
    vaccines: tuple[str, ...]


def _window_reason(period: Period, first: date, last: date) -> Reason:
    illness = period.rule.long_illness
    if period.illness and illness is not None:
        return reason("long_illness", illness.citation, day=period.first, last=period.last)
    return reason("window", period.rule.citations[0], first=first, last=last)


class Forecaster:
    """One person on one day."""

    def __init__(
        self,
        schedule: Schedule,
        person: Person,
        birth: date | None,
        doses: Sequence[GivenDose],
        today: date,
        *,
        only: Collection[str] | None = None,
        since: Mapping[str, date] | None = None,
    ) -> None:
        self.schedule, self.person, self.birth, self.today = schedule, person, birth, today
        self.history = History(schedule, person, birth, doses, today, only=only, since=since)
        self.given = [dose for dose in self.history.doses if dose.given_on <= today]

    def all(self, programmes: Sequence[Programme]) -> list[Forecast]:
        """Return the forecasts of some programmes."""
        return [self.one(programme) for programme in programmes]

    def one(self, programme: Programme) -> Forecast:
        """Return the forecast of one programme."""
        number = programme.first_number
        if programme.sex is not None and self.person.sex not in {"1", "2"}:
            return self._without_sex(programme)
        if self.birth is None and programme.per != "pregnancy":
            return self._answer(programme, "doubtful", number, (reason("birth_unknown"),))
        legal = self.history.legal(programme, self.today)
        why = self._outsider(programme, legal)
        if why is not None:
            return self._answer(programme, "not_target", number, (why,))
        return self._within(programme, self._open_to(programme, legal))

    def _outsider(self, programme: Programme, legal: Sequence[Period]) -> Reason | None:
        """Return why somebody is no target at all, None when they are."""
        citation = programme.rules[-1].citations[0]
        if programme.sex is not None and self.person.sex != programme.sex:
            return reason("other_sex", citation)
        if excluded := exclusion(programme, self.person, self.today):
            return excluded
        if not self.history.follows(programme):
            return reason("begun_with_other", citation)
        if not legal:
            return reason("not_in_cohort", citation)
        open_to_all = self._open_to(programme, legal)
        if len(open_to_all) < len(legal) and not any(one.last >= self.today for one in open_to_all):
            return reason("not_started", legal[-1].rule.citations[0])
        return None

    def _open_to(self, programme: Programme, legal: Sequence[Period]) -> Sequence[Period]:
        """Return the periods without those that are only for who has begun, if nothing was."""
        if not any(period.rule.only_if_started for period in legal) or self.history.started(programme):
            return legal
        return [period for period in legal if not period.rule.only_if_started]

    def _without_sex(self, programme: Programme) -> Forecast:
        """Return that a programme for one sex is doubtful, unless that sex would be no target either."""
        alike = Forecaster(
            self.schedule,
            self.person._replace(sex=programme.sex or ""),
            self.birth,
            self.history.doses,
            self.today,
            only=self.history.only,
            since=self.history.since,
        ).one(programme)
        if alike.status == "not_target":
            return alike
        unknown = reason("sex_unknown", programme.rules[-1].citations[0])
        return replace(alike, status="doubtful", reasons=(unknown, *alike.reasons))

    def _within(self, programme: Programme, legal: Sequence[Period]) -> Forecast:
        windows = runs(legal)
        run = next((one for one in windows if one.last >= self.today), windows[-1])
        key = instance(programme, max(run.first, min(self.today, run.last)), legal)
        walk = self.history.walk(programme, key)
        number = walk.next_number
        if programme.open_ended and run.last < self.today:
            why = reason("closed", run.periods[-1].rule.citations[0], day=run.last)
            return self._answer(programme, "not_target", number, (why,), run)
        if walk.flawed:
            return self._answer(programme, "doubtful", number, tuple(walk.flawed), run)
        if walk.complete:
            done = reason("done", run.periods[-1].rule.citations[0], number=len(walk.counted))
            return self._answer(programme, "done", number - 1, (done, *walk.notes), run, days=False)
        if self._has(programme.doubtful_with, run.first):
            why = reason("other_vaccine", run.periods[-1].rule.citations[0])
            return self._answer(programme, "doubtful", number, (why,), run)
        for window in (one for one in windows if one.last >= run.last):
            found = self._next(programme, walk, window, legal)
            if found is not None:
                return found
        why = reason("closed", run.periods[-1].rule.citations[0], day=windows[-1].last)
        return self._answer(programme, "not_target", number, (why, *walk.notes), windows[-1])

    def _has(self, vaccines: Collection[str], since: date) -> bool:
        return bool(vaccines) and any(
            dose.vaccine in vaccines and dose.given_on >= since for dose in self.given
        )

    def _next(self, programme: Programme, walk: Walk, run: Run, legal: Sequence[Period]) -> Forecast | None:
        """Return the next dose within one run, None when no legal day is left in it."""
        options = []
        day = max(self.today, run.first)
        for place in walk.suiting(day):
            opening = walk.opening(place, day)
            if opening is None:
                continue
            earliest = max(run.first, opening.earliest, self.history.apart_until(programme, walk))
            option = self._with_vaccines(programme, opening, earliest, min(run.last, opening.latest))
            if option.earliest <= option.latest and option.latest >= self.today:
                options.append(option)
        if not options:
            return None
        # A course of which no vaccine is to be had any more is the last choice.
        chosen = next((one for one in options if one.vaccines), options[0])
        chosen = chosen._replace(latest=max(option.latest for option in options))
        period = run.on(max(chosen.earliest, self.today))
        if period.exceptional:
            ordinary = [one.last for one in legal if not one.exceptional and one.last < period.last]
            standard = max(ordinary, default=period.first - _DAY)
            chosen = chosen._replace(opening=chosen.opening._replace(standard=standard))
        return self._coming(programme, walk, period, chosen)

    def _with_vaccines(
        self, programme: Programme, opening: Opening, earliest: date, latest: date
    ) -> "_Option":
        """Return the first day with regard to other vaccines, why, and what may be given then."""
        course = opening.place.course
        found: list[tuple[date, Reason | None, str]] = []
        for vaccine in programme.vaccines:
            if course.vaccines is not None and vaccine not in course.vaccines:
                continue
            if opening.step.vaccines is not None and vaccine not in opening.step.vaccines:
                continue
            day, why = earliest_beside(self.schedule, vaccine, self.given, earliest)
            if day < self.today:
                # The time has begun, but another vaccine may just have been given.
                again, because = earliest_beside(self.schedule, vaccine, self.given, self.today)
                if again > self.today:
                    day, why = again, because
            if is_allowed(self.schedule, programme, vaccine, max(day, self.today), self.birth):
                found.append((day, why, vaccine))
        if not found:
            return _Option(opening, earliest, latest, None, ())
        first = min(day for day, _, _ in found)
        why = next(why for day, why, _ in found if day == first)
        vaccines = tuple(vaccine for day, _, vaccine in found if day == first)
        return _Option(opening, first, latest, why, vaccines)

    def _coming(self, programme: Programme, walk: Walk, period: Period, option: "_Option") -> Forecast:
        opening, earliest, latest, beside, vaccines = option
        today, standard = self.today, opening.standard
        recommended = max(earliest, walk.recommended_from(opening))
        citation = period.rule.citations[0]
        status: Status
        if today < earliest:
            days = (earliest - today).days
            near = days <= self.schedule.soon_days or bool(walk.counted)
            status = "soon" if near else "not_target"
            main = reason("not_yet", citation, day=earliest, days=days)
        elif standard is not None and today > standard:
            status = "overdue"
            main = reason("overdue", citation, day=standard, days=(today - standard).days)
        else:
            status = "due"
            main = reason("until", citation, day=latest, days=(latest - today).days)
        until = None if standard is None or standard < recommended else min(standard, latest)
        why = [main, _window_reason(period, earliest, latest)]
        if today < recommended:
            why.append(reason("not_advised_yet", citation, day=recommended, days=(recommended - today).days))
        if opening.interval is not None and opening.interval.length and opening.earliest >= earliest:
            why.append(opening.interval.reason(opening.place.course))
        if beside is not None:
            why.append(beside)
        why += walk.notes
        unverified = period.unverified or opening.place.course.unverified
        if unverified:
            why.append(reason("unverified"))
        return Forecast(
            programme=programme.code,
            series=programme.series,
            status=status,
            dose_number=walk.next_number,
            earliest=earliest,
            recommended_from=min(recommended, latest),
            recommended_until=until,
            latest=latest,
            reasons=tuple(why),
            unverified=unverified,
            vaccines=vaccines,
        )

    def _answer(
        self,
        programme: Programme,
        status: Status,
        number: int,
        reasons: tuple[Reason, ...],
        run: Run | None = None,
        *,
        days: bool = True,
    ) -> Forecast:
        first, last = (run.first, run.last) if run and days else (None, None)
        unverified = any(period.unverified for period in run.periods) if run else False
        return Forecast(
            programme.code, programme.series, status, number, first, None, None, last, reasons, unverified
        )
