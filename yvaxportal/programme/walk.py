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
    """Where on a course somebody stands: ``step`` is the position of the next one."""

    course: Course
    step: int

    @property
    def complete(self) -> bool:
        """Whether no step is left."""
        return self.step >= len(self.course.steps)

    def after(self) -> "Place":
        """Return where the next dose leads."""
        return Place(self.course, self.step + 1)


class Interval(NamedTuple):
    """What must lie between a dose and the one of ``since``: so many days or months, by ``kind``."""

    kind: str
    length: int
    since: date

    def reason(self, course: Course) -> Reason:
        """Return the sentence about it."""
        unit = "days" if self.kind.endswith("days") else "months"
        return reason(f"after_{self.kind}", course.citations[0], **{unit: self.length}, day=self.since)


class Opening(NamedTuple):
    """The next step of a course: its first and last day by the course alone, and the recommended time."""

    place: Place
    step: Step
    earliest: date
    latest: date
    advised: date
    standard: date | None
    interval: Interval | None


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

    __slots__ = (
        "birth",
        "counted",
        "flawed",
        "last",
        "notes",
        "places",
        "programme",
        "started",
        "steps_seen",
    )

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
        opening = None if place.complete else self.opening(place, day)
        if opening is None:
            return Answer(None, "surplus", reason("surplus", number=self.next_number))
        refused = self._by_age(opening, day) or self._by_interval(opening, day)
        return refused or Answer(opening.place.after(), "valid", None)

    def _by_age(self, opening: Opening, day: date) -> Answer | None:
        step, number, citation = opening.step, self.next_number, opening.place.course.citations[0]
        if step.first and self.birth and (first := step.first.day(self.birth, last=False)) > day:
            days = (first - day).days
            why = reason("too_early", citation, number=number, days=days, day=first, age=step.first)
            return Answer(None, "too_early", why, days)
        if opening.latest < day:
            days = (day - opening.latest).days
            why = reason("too_late", citation, number=number, days=days, day=opening.latest)
            return Answer(None, "too_late", why, days)
        return None

    def _by_interval(self, opening: Opening, day: date) -> Answer | None:
        if opening.earliest <= day:
            return None
        number, citation = self.next_number, opening.place.course.citations[0]
        days, doctor_days = (opening.earliest - day).days, opening.step.doctor_days
        shortest = doctor_days is not None and self.last is not None
        if shortest and earliest_after_days_between(self.last or day, doctor_days or 0) <= day:
            why = reason("doctor_only", citation, number=number, days=days)
            return Answer(opening.place.after(), "unsure", why, days)
        why = reason("interval_short", citation, number=number, days=days, day=opening.earliest)
        return Answer(None, "wrong_interval", why, days)

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
            return self._opening(Place(course, index), step, earliest, skipped=index > place.step)
        return None

    def _opening(self, place: Place, step: Step, earliest: date, *, skipped: bool) -> Opening:
        birth, advised, interval = self.birth, NO_BEGIN, None
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
            allowed, interval = self._after_interval(step)
            earliest = max(earliest, allowed)
            until = _recommended_end(step, self.last)
            if until is not None:
                standard = until if standard is None else max(standard, until)
        return Opening(place, step, earliest, latest, max(advised, earliest), standard, interval)

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

    def _after_interval(self, step: Step) -> tuple[date, "Interval"]:
        """Return the first day that the intervals allow, and which of them decides."""
        if self.last is None:
            raise ValueError("there is no dose before")
        previous, first = self.last, self.counted[0] if self.counted else self.last
        found = previous + _DAY, Interval("days", 0, previous)
        if step.days is not None:
            found = earliest_after_days_between(previous, step.days), Interval("days", step.days, previous)
        for kind, count, since, reckon in (
            ("months", step.months, previous, earliest_after_months_between),
            ("half_months", step.half_months, previous, earliest_after_half_months),
            ("first_days", step.first_days, first, earliest_after_days_between),
            ("first_months", step.first_months, first, earliest_after_months_between),
        ):
            if count is not None:
                day = reckon(since, count)
                if day > found[0]:
                    found = day, Interval(kind, count, since)
        return found

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
    wanted = course.steps[place.step].vaccines
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
