"""What a person is due, by simple age rules: what the resident page says until a nurse looks closer.

The answer is "done" only where every recorded dose fits the rule. Whatever does not fit (a dose too early, a
missing number, an unknown birth date) is "doubtful", with the reason counted in days and the citation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from yvaxportal.programme.simple_rules import Course, Rule, Step, Window, load_simple_rules
from yvaxportal.programme.wording import Reason, say
from yvaxportal.values.wareki import PartialDate

Status: TypeAlias = Literal["due", "soon", "overdue", "done", "doubtful", "not_target"]


@dataclass(frozen=True, slots=True)
class GivenDose:
    """An active dose that was really given. ``series`` and ``vaccine`` are codes of the catalogue."""

    series: str
    vaccine: str
    dose_number: int
    given_on: date


@dataclass(frozen=True, slots=True)
class DueItem:
    """One answer for one rule: the next dose of ``series`` (the last one, when done), and why.

    ``earliest`` and ``latest`` are inclusive legal days, None where there are none. ``unverified``: the rule
    rests on no public text that was read.
    """

    series: str
    dose_number: int
    status: Status
    earliest: date | None
    latest: date | None
    reason_en: str
    reason_ja: str
    citation: str
    unverified: bool = False


class _ViolationError(Exception):
    """A recorded dose contradicts the course; the reason says which and by how many days."""

    def __init__(self, number: int, reason: Reason) -> None:
        super().__init__(number)
        self.number = number
        self.reason = reason


def due(
    birth: date | PartialDate | None,
    sex: str,
    doses: Sequence[GivenDose],
    today: date,
    *,
    series: str | None = None,
) -> list[DueItem]:
    """Return one item for each rule, in the order of the programme.

    :param birth: a ``PartialDate`` or None where the register does not know all of it: nothing is then
        "done", and whatever depends on the unknown part is doubtful.
    :param sex: "1" male, "2" female, as ``models.codes.Sex``.
    :param doses: active doses with judgement "given"; cancelled and refused ones do not count.
    :param series: only the rules of this series, for whoever judges many doses one by one.
    """
    rules = load_simple_rules().rules
    if series is not None:
        rules = tuple(rule for rule in rules if rule.series == series)
    if isinstance(birth, PartialDate):
        birth = birth.exact or birth
    if isinstance(birth, date):
        return [_Judge(rule, birth, sex, doses, today).item() for rule in rules]
    return [_unsure(rule, birth, sex, doses, today) for rule in rules]


def _unsure(
    rule: Rule, birth: PartialDate | None, sex: str, doses: Sequence[GivenDose], today: date
) -> DueItem:
    possible = _possible_days(birth) if birth else ()
    items = [_Judge(rule, day, sex, doses, today).item() for day in possible]
    if items and all(item == items[0] and item.status != "done" for item in items):
        return items[0]
    if items and all(item.status == "not_target" for item in items):
        return _answer(rule, "not_target", rule.first_number, say("not_in_cohort"))
    if rule.sex is not None and sex != rule.sex:
        return _answer(rule, "not_target", rule.first_number, say("not_in_cohort"))
    return _answer(rule, "doubtful", rule.first_number, say("birth_unknown"))


def _possible_days(birth: PartialDate) -> Iterator[date]:
    """Give the first two and the last day of each month it may be: every rule changes on one of these."""
    day = birth.earliest
    while day <= birth.latest:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield day
        yield day + timedelta(days=1)
        yield following - timedelta(days=1)
        day = following


def _answer(
    rule: Rule,
    status: Status,
    number: int,
    reason: Reason,
    period: Window | None = None,
) -> DueItem:
    earliest, latest = period or (None, None)
    return DueItem(
        series=rule.series,
        dose_number=number,
        status=status,
        earliest=earliest,
        latest=latest,
        reason_en=f"{reason.en} ({rule.citation})",
        reason_ja=f"{reason.ja}（{rule.citation}）",
        citation=rule.citation,
        unverified=rule.unverified,
    )


class _Judge:
    """One rule, one person, one day."""

    def __init__(self, rule: Rule, birth: date, sex: str, doses: Sequence[GivenDose], today: date) -> None:
        self._rule, self._birth, self._sex, self._today = rule, birth, sex, today
        numbers = range(rule.first_number, rule.first_number + rule.doses)
        self._given = sorted(
            (dose for dose in doses if dose.series in rule.counts and dose.dose_number in numbers),
            key=lambda dose: (dose.given_on, dose.dose_number, dose.vaccine),
        )
        self._foreign = [dose for dose in doses if dose.series in rule.doubtful_with]

    def item(self) -> DueItem:
        rule = self._rule
        if not rule.is_for(self._birth, self._sex):
            return self._not_target(say("not_in_cohort"))
        if rule.only_if_started and not any(dose.series == rule.series for dose in self._given):
            return self._not_target(say("not_started"))
        window = rule.window(self._birth, self._today)
        if window is None:
            return self._not_target(say("not_in_cohort"))
        if rule.season:
            # What was given in other seasons does not count in this one.
            self._given = [dose for dose in self._given if window[0] <= dose.given_on <= window[1]]
            return self._next_of(Course((Step(),)), window, bool(self._given))
        return self._follow(window)

    def _follow(self, window: Window) -> DueItem:
        started_on = self._given[0].given_on if self._given else max(self._today, window[0])
        vaccines = {dose.vaccine for dose in self._given}
        courses = [c for c in self._rule.courses if c.suits(self._birth, started_on, vaccines)]
        if not courses:
            return _answer(self._rule, "doubtful", 1 + len(self._given), say("mixed_vaccines"))
        violations = []
        for course in courses:
            try:
                self._check(course, window)
            except _ViolationError as violation:
                violations.append(violation)
            else:
                return self._next_of(course, window, len(self._given) >= len(course.steps))
        first = violations[0]
        return _answer(self._rule, "doubtful", first.number, first.reason)

    def _check(self, course: Course, window: Window) -> None:
        """Raise _ViolationError for the first recorded dose that contradicts the course."""
        before: list[date] = []
        for index, dose in enumerate(self._given[: len(course.steps)]):
            number = self._rule.first_number + index
            if dose.dose_number > number:
                raise _ViolationError(number, say("number_missing", number=number))
            if dose.dose_number < number:
                raise _ViolationError(number, say("number_twice", number=dose.dose_number))
            step = course.steps[index]
            earliest, latest = self._bounds(step, window)
            if not self._rule.any_age:
                if (early := (earliest - dose.given_on).days) > 0 and not step.advised:
                    raise _ViolationError(number, say("too_early", number=number, days=early))
                if (late := (dose.given_on - latest).days) > 0:
                    raise _ViolationError(number, say("too_late", number=number, days=late))
            allowed = step.earliest_after(before)
            if allowed and (short := (allowed - dose.given_on).days) > 0:
                raise _ViolationError(number, say("interval_short", number=number, days=short))
            if dose.given_on > self._today:
                raise _ViolationError(number, say("in_the_future", number=number))
            before.append(dose.given_on)

    def _bounds(self, step: Step, window: Window) -> Window:
        earliest = max(window[0], step.first.day(self._birth, last=False)) if step.first else window[0]
        latest = min(window[1], step.last.day(self._birth, last=True)) if step.last else window[1]
        return earliest, latest

    def _next_of(self, course: Course, window: Window, complete: bool) -> DueItem:
        rule, today = self._rule, self._today
        if complete:
            return _answer(rule, "done", rule.first_number + len(course.steps) - 1, say("done"))
        number = rule.first_number + len(self._given)
        step = course.steps[len(self._given)]
        before = [dose.given_on for dose in self._given]
        earliest, latest = self._bounds(step, window)
        if allowed := step.earliest_after(before):
            earliest = max(earliest, allowed)
        if latest < max(earliest, today):
            return self._not_target(say("closed", day=latest), number)
        if self._foreign:
            return _answer(rule, "doubtful", number, say("other_vaccine"), (earliest, latest))
        if today < earliest:
            soon = (earliest - today).days <= load_simple_rules().soon_days
            status: Status = "soon" if soon else "not_target"
            return _answer(rule, status, number, say("not_yet", day=earliest), (earliest, latest))
        standard = self._standard_end(step, before)
        if standard and today > standard:
            reason = say("overdue", day=standard, days=(today - standard).days)
            return _answer(rule, "overdue", number, reason, (earliest, latest))
        return _answer(rule, "due", number, say("until", day=latest), (earliest, latest))

    def _standard_end(self, step: Step, before: Sequence[date]) -> date | None:
        if step.standard_days is not None and before:
            # "20 to 56 days apart": 56 full days lie between, so the 57th is the last of the period.
            return before[-1] + timedelta(days=step.standard_days + 1)
        return step.standard_until.day(self._birth, last=True) if step.standard_until else None

    def _not_target(self, reason: Reason, number: int | None = None) -> DueItem:
        return _answer(self._rule, "not_target", number or self._rule.first_number, reason)
