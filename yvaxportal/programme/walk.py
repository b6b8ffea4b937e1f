"""Following the courses of one programme dose by dose."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from yvaxportal.programme.bounds import NO_BEGIN, NO_END
from yvaxportal.programme.reasons import Reason, reason
from yvaxportal.programme.schedule import Course, Programme, Step
from yvaxportal.values.ages import (
    earliest_after_days_between,
    earliest_after_half_months,
    earliest_after_months_between,
)

_DAY = timedelta(days=1)


class Place(NamedTuple):
    """Where on a course somebody stands: ``index`` is the next step."""

    course: Course
    index: int

    @property
    def complete(self) -> bool:
        """Whether no step is left."""
        return self.index >= len(self.course.steps)


class Opening(NamedTuple):
    """The next step of a course: its first and last day by the course alone, and the recommended time."""

    place: Place
    step: Step
    earliest: date
    latest: date
    advised: date
    standard: date | None
    why: Reason | None


class Answer(NamedTuple):
    """What a course says to a dose: where it leads, or the verdict and the reason against it."""

    place: Place | None
    verdict: str
    against: Reason | None
    days: int = 0


class Walk:
    """How far somebody has come in one programme (in one season or pregnancy of it).

    ``counted`` are the days of the doses that count, ``last`` the last dose that was given at all, ``flawed``
    the reasons why something is not sure.
    """

    __slots__ = ("birth", "counted", "flawed", "last", "notes", "places", "programme", "started", "steps_seen")

    def __init__(self, programme: Programme, birth: date | None) -> None:
        self.programme, self.birth = programme, birth
        self.places = [Place(course, 0) for course in programme.courses]
        self.counted: list[date] = []
        self.steps_seen = 0
        self.last: date | None = None
        self.started = False
        self.flawed: list[Reason] = []
        self.notes: list[Reason] = []

    @property
    def complete(self) -> bool:
        """Whether the course that is followed has no step left."""
        return bool(self.places) and self.places[0].complete and not self.programme.open_ended

    @property
    def next_number(self) -> int:
        """The number of the next dose."""
        return self.programme.first_number + len(self.counted)

    def suiting(self, day: date, vaccine: str | None = None) -> list[Place]:
        """Return the courses that are open to who has (or would have) the next dose on a day."""
        found = []
        for place in self.places:
            course = place.course
            if vaccine is not None and not _takes(place, vaccine):
                continue
            if self.counted or self._may_start(course, day):
                found.append(place)
        return found

    def _may_start(self, course: Course, day: date) -> bool:
        if not (course.started_from or NO_BEGIN) <= day <= (course.started_to or NO_END):
            return False
        if self.birth is None:
            return True
        if course.started_after is not None and day <= course.started_after.day(self.birth, last=True):
            return False
        return course.started_until is None or day <= course.started_until.day(self.birth, last=True)

    def answers(self, day: date, vaccine: str) -> list[Answer]:
        """Return what each course says to a dose, those followed first; empty for a wrong product."""
        return [self._answer(place, day) for place in self.suiting(day, vaccine)]

    def _answer(self, place: Place, day: date) -> Answer:
        if place.complete:
            return Answer(None, "surplus", reason("surplus", number=self.next_number))
        opening = self.opening(place, day)
        if opening is None:
            return Answer(None, "surplus", reason("surplus", number=self.next_number))
        number = self.next_number
        citation = place.course.citations[0]
        step = opening.step
        if step.first and self.birth and (first := step.first.day(self.birth, last=False)) > day:
            short = (first - day).days
            return Answer(
                None,
                "too_early",
                reason("too_early", citation, number=number, days=short, day=first, age=step.first),
                short,
            )
        if opening.latest < day:
            late = (day - opening.latest).days
            return Answer(
                None, "too_late", reason("too_late", citation, number=number, days=late, day=opening.latest), late
            )
        if opening.earliest > day:
            short = (opening.earliest - day).days
            after = Place(place.course, opening.place.index + 1)
            if step.doctor_days is not None and self.last is not None:
                allowed = earliest_after_days_between(self.last, step.doctor_days)
                if allowed <= day:
                    return Answer(after, "unsure", reason("doctor_only", citation, number=number, days=short), short)
            return Answer(
                None,
                "wrong_interval",
                reason("interval_short", citation, number=number, days=short, day=opening.earliest),
                short,
            )
        return Answer(Place(place.course, opening.place.index + 1), "valid", None)

    def opening(self, place: Place, day: date) -> Opening | None:
        """Return the next step for who has the dose on a day; None when all that are left are skipped.

        A step that is past its age is left out; until then the dose would be that step.
        """
        course, index = place
        earliest = NO_BEGIN
        while index < len(course.steps):
            step = course.steps[index]
            bound = step.skip_if_previous_after
            if bound and self.birth and self.counted and self.counted[-1] > bound.day(self.birth, last=True):
                index += 1
                continue
            if step.skippable and step.last and self.birth:
                last = step.last.day(self.birth, last=True)
                if day > last:
                    earliest, index = max(earliest, last + _DAY), index + 1
                    continue
            return self._opening(Place(course, index), step, earliest, skipped=index > place.index)
        return None

    def _opening(self, place: Place, step: Step, earliest: date, *, skipped: bool) -> Opening:
        birth, advised, why = self.birth, NO_BEGIN, None
        latest, standard = NO_END, None
        if birth is not None:
            if step.first:
                earliest = max(earliest, step.first.day(birth, last=False))
            if step.last and not step.skippable:
                latest = step.last.day(birth, last=True)
            if step.advised_from:
                advised = step.advised_from.day(birth, last=False)
            if step.standard_until:
                standard = step.standard_until.day(birth, last=True)
        if self.last is not None:
            if skipped and step.after_skip_days is not None:
                step = replace(step, days=step.after_skip_days, months=None)
            allowed, why = self._after_interval(step, place.course)
            if allowed > earliest:
                earliest = allowed
            until = _recommended_end(step, self.last)
            if until is not None:
                standard = until if standard is None else max(standard, until)
        return Opening(place, step, earliest, latest, max(advised, earliest), standard, why)

    def recommended_from(self, opening: Opening) -> date:
        """Return the first day of the recommended time, intervals included."""
        step, first = opening.step, opening.advised
        if self.last is None:
            return first
        if step.advised_days is not None:
            first = max(first, earliest_after_days_between(self.last, step.advised_days))
        if step.advised_months is not None:
            first = max(first, earliest_after_months_between(self.last, step.advised_months))
        return first

    def _after_interval(self, step: Step, course: Course) -> tuple[date, Reason]:
        """Return the first day that the intervals allow, and which of them decides."""
        if self.last is None:
            raise ValueError("there is no dose before")
        previous = self.last
        citation = course.citations[0]
        options = [(previous + _DAY, reason("after_days", citation, number=0, days=0, day=previous))]
        if step.days is not None:
            day = earliest_after_days_between(previous, step.days)
            options.append((day, reason("after_days", citation, days=step.days, day=previous)))
        if step.months is not None:
            day = earliest_after_months_between(previous, step.months)
            options.append((day, reason("after_months", citation, months=step.months, day=previous)))
        if step.half_months is not None:
            day = earliest_after_half_months(previous, step.half_months)
            options.append((day, reason("after_half_months", citation, months=step.half_months, day=previous)))
        if self.counted:
            first = self.counted[0]
            if step.first_days is not None:
                day = earliest_after_days_between(first, step.first_days)
                options.append((day, reason("after_first_days", citation, days=step.first_days, day=first)))
            if step.first_months is not None:
                day = earliest_after_months_between(first, step.first_months)
                options.append(
                    (day, reason("after_first_months", citation, months=step.first_months, day=first))
                )
        return max(options, key=lambda option: option[0])

    def count(self, day: date, places: Iterable[Place]) -> int:
        """Take a dose as one that counts; return its number."""
        number = self.next_number
        self.places = list(places)
        self.counted.append(day)
        self.last, self.started = day, True
        return number

    def note_given(self, day: date) -> None:
        """Take a dose that does not count: the next interval begins here all the same."""
        self.last, self.started = day, True


def _takes(place: Place, vaccine: str) -> bool:
    course = place.course
    if course.vaccines is not None and vaccine not in course.vaccines:
        return False
    if place.complete:
        return True
    wanted = course.steps[place.index].vaccines
    return wanted is None or vaccine in wanted


def _recommended_end(step: Step, previous: date) -> date | None:
    if step.standard_days is not None:
        # "20 to 56 days apart": 56 full days lie between, so the 57th is the last of the period.
        return earliest_after_days_between(previous, step.standard_days)
    if step.standard_months is not None:
        return earliest_after_months_between(previous, step.standard_months)
    return None


def places_after(answers: Sequence[Answer]) -> list[Place]:
    """Return where the courses lead that accept a dose."""
    return [answer.place for answer in answers if answer.place is not None]
