"""What comes next for a person in each programme, and why."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, TypeAlias

from yvaxportal.programme.exclusions import exclusion
from yvaxportal.programme.history import History, instance, is_allowed
from yvaxportal.programme.periods import Period, Run, periods, runs
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
        _agreed(schedule, programme, person, [answer[position] for answer in answers], unknown)
        for position, programme in enumerate(asked)
    ]


def _agreed(
    schedule: Schedule, programme: Programme, person: Person, answers: list[Forecast], unknown: "Forecaster"
) -> Forecast:
    """Return what all possible birth dates agree on, else that it is doubtful."""
    if programme.per == "pregnancy" or (programme.sex is not None and person.sex in _OTHER_SEX[programme.sex]):
        return unknown.one(programme)
    if answers:
        first = answers[0]
        same = all((one.status, one.dose_number) == (first.status, first.dose_number) for one in answers)
        if same and first.status != "done":
            return _blurred(answers)
    number = answers[0].dose_number if answers else programme.first_number
    return Forecast(
        programme.code,
        programme.series,
        "doubtful",
        number,
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
    kept = {
        name: value
        for name in ("earliest", "recommended_from", "recommended_until", "latest", "reasons")
        if all(getattr(one, name) == (value := getattr(first, name)) for one in answers)
    }
    if len(kept) == 5:  # noqa: PLR2004
        return first
    days = {name: kept.get(name) for name in ("earliest", "recommended_from", "recommended_until", "latest")}
    reasons = kept.get("reasons") or (*first.reasons[:1], reason("birth_partly_unknown"))
    return replace(first, **days, reasons=reasons)


_OTHER_SEX = {"1": "2", "2": "1"}


class Forecaster:
    """One person on one day."""

    def __init__(
        self, schedule: Schedule, person: Person, birth: date | None, doses: Sequence[GivenDose], today: date
    ) -> None:
        self.schedule, self.person, self.birth, self.today = schedule, person, birth, today
        self.history = History(schedule, person, birth, doses, today)
        self.given = [dose for dose in self.history.doses if dose.given_on <= today]

    def all(self, programmes: Sequence[Programme]) -> list[Forecast]:
        """Return the forecasts of some programmes."""
        return [self.one(programme) for programme in programmes]

    def one(self, programme: Programme) -> Forecast:
        """Return the forecast of one programme."""
        number = programme.first_number
        citation = programme.rules[-1].citations[0]
        if programme.sex is not None and self.person.sex != programme.sex:
            if self.person.sex in _OTHER_SEX:
                return self._none(programme, number, reason("other_sex", citation))
            return self._answer(programme, "doubtful", number, (reason("sex_unknown", citation),))
        if self.birth is None and programme.per != "pregnancy":
            return self._answer(programme, "doubtful", number, (reason("birth_unknown"),))
        if excluded := exclusion(programme, self.person, self.today):
            return self._none(programme, number, excluded)
        legal = periods(programme, self.birth, self.person, self.given, self.today)
        started = self.history.started(programme)
        if not self.history.follows(programme):
            return self._none(programme, number, reason("begun_with_other", citation))
        if not legal:
            return self._none(programme, number, reason("not_in_cohort", citation))
        if not started:
            open_to_all = [period for period in legal if not period.rule.only_if_started]
            current = [period for period in open_to_all if period.last >= self.today]
            if not current and len(open_to_all) < len(legal):
                return self._none(programme, number, reason("not_started", legal[-1].rule.citations[0]))
            legal = open_to_all
        return self._within(programme, legal)

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

    def _next(
        self, programme: Programme, walk: Walk, run: Run, legal: Sequence[Period]
    ) -> Forecast | None:
        """Return the next dose within one run, None when no legal day is left in it."""
        options = []
        day = max(self.today, run.first)
        for place in walk.suiting(day):
            opening = walk.opening(place, day)
            if opening is None:
                continue
            earliest = max(run.first, opening.earliest, self.history.apart_until(programme, walk))
            latest = min(run.last, opening.latest)
            earliest, beside, vaccines = self._vaccines(programme, opening, earliest)
            if earliest <= latest and latest >= self.today:
                options.append((opening, earliest, latest, beside, vaccines))
        if not options:
            return None
        # A course of which no vaccine is to be had any more is the last choice.
        opening, earliest, latest, beside, vaccines = next((one for one in options if one[4]), options[0])
        latest = max(option[2] for option in options)
        return self._coming(programme, walk, run, legal, opening, (earliest, latest), beside, vaccines)

    def _vaccines(
        self, programme: Programme, opening: Opening, earliest: date
    ) -> tuple[date, Reason | None, tuple[str, ...]]:
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
            return earliest, None, ()
        first = min(day for day, _, _ in found)
        why = next(why for day, why, _ in found if day == first)
        return first, why, tuple(vaccine for day, _, vaccine in found if day == first)

    def _coming(
        self,
        programme: Programme,
        walk: Walk,
        run: Run,
        legal: Sequence[Period],
        opening: Opening,
        window: tuple[date, date],
        beside: Reason | None,
        vaccines: tuple[str, ...],
    ) -> Forecast:
        earliest, latest = window
        today, standard = self.today, opening.standard
        recommended = max(earliest, walk.recommended_from(opening))
        period = run.on(max(earliest, today))
        citation = period.rule.citations[0]
        if period.exceptional:
            ordinary = [one.last for one in legal if not one.exceptional and one.last < period.last]
            standard = max(ordinary, default=period.first - _DAY)
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
        why = [main, self._window_reason(period, window)]
        if today < recommended:
            why.append(reason("not_advised_yet", citation, day=recommended, days=(recommended - today).days))
        if opening.why is not None and opening.earliest >= earliest:
            why.append(opening.why)
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

    def _window_reason(self, period: Period, window: tuple[date, date]) -> Reason:
        first, last = window
        citation = period.rule.citations[0]
        if period.illness and period.rule.long_illness is not None:
            return reason("long_illness", period.rule.long_illness.citation, day=period.first, last=period.last)
        return reason("window", citation, first=first, last=last)

    def _none(self, programme: Programme, number: int, why: Reason) -> Forecast:
        return self._answer(programme, "not_target", number, (why,))

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
