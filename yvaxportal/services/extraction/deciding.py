"""The questions that a list asks the engine: is the person a target at all, and is a dose due by the day.

Most people of one birth date who have nothing special and no doses get the same answer, so it is asked once.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from yvaxportal.programme.forecasting import Forecast, forecast
from yvaxportal.programme.person import Circumstance, GivenDose, Person
from yvaxportal.programme.reasons import Reason
from yvaxportal.programme.schedule import Programme, Schedule
from yvaxportal.programme.targets import targets
from yvaxportal.services.extraction.cohort import Bounds, Candidate
from yvaxportal.services.extraction.criteria import Criteria

DONE, DOUBTFUL = "done", "doubtful"
_OPEN = frozenset({"due", "overdue", DOUBTFUL})
_NOT_YET = "not_yet"
_ALWAYS_EXCLUDING = frozenset({"disease_history", "contraindication"})


class NoSuchProgrammeError(ValueError):
    """The programme is unknown, or was not in force on the reference date."""


class Decider:
    """Answers for one programme and one reference date."""

    def __init__(self, schedule: Schedule, criteria: Criteria) -> None:
        programme = schedule.get(criteria.programme)
        if programme is None:
            raise NoSuchProgrammeError(criteria.programme)
        self.programme: Programme = programme
        self._schedule = schedule
        self._day, self._until = criteria.reference_date, criteria.due_until
        self._only = frozenset({programme.code})
        self._known: dict[Person, Forecast] = {}
        self._texts: dict[tuple[Reason, ...], list[dict[str, str]]] = {}

    @property
    def asks_for_doses(self) -> bool:
        """Tell whether being a target at all depends on doses, as in a programme that is closing."""
        rules = [self.programme.rule_on(day) for day in (self._day, self._until)]
        return any(
            rule.only_if_started or any(target.given_from or target.given_to for target in rule.targets)
            for rule in rules
            if rule is not None
        )

    def bounds(self) -> Bounds:
        """Return who comes into question from the reference date to the last day that counts as due."""
        days = [day for day in (self._day, self._until) if self.programme.rule_on(day) is not None]
        if not days:
            raise NoSuchProgrammeError(self.programme.code)
        cohorts = [targets(self.programme, day) for day in days]
        needs = frozenset[str]().union(*(cohort.needs for cohort in cohorts))
        if self.is_for_pregnancy:
            needs = frozenset({"pregnancy"})
        return Bounds(
            programme=self.programme.code,
            birth_from=_first(cohort.birth_from for cohort in cohorts),
            birth_to=_last(cohort.birth_to for cohort in cohorts),
            sex=self.programme.sex,
            risk_from=_first(cohort.risk_born_from for cohort in cohorts),
            risk_to=_last(cohort.risk_born_to for cohort in cohorts),
            needs=needs,
        )

    @property
    def is_for_pregnancy(self) -> bool:
        """Tell whether an expected delivery decides and no birth date."""
        return self.programme.per == "pregnancy"

    def is_target(self, candidate: Candidate, doses: Sequence[GivenDose] = ()) -> Forecast:
        """Return the answer without what may exclude the person: age, sex, and what a target group needs."""
        return self._ask(candidate, self._without_excluding(candidate), doses)

    def next_dose(self, candidate: Candidate, doses: Sequence[GivenDose]) -> Forecast:
        """Return the answer with everything that is known."""
        return self._ask(candidate, candidate.circumstances, doses)

    def is_open(self, answer: Forecast) -> bool:
        """Tell whether a dose is due, or will be by the last day that counts; doubts stay in."""
        if answer.status in _OPEN:
            return True
        comes = answer.status == "soon" or any(reason.code == _NOT_YET for reason in answer.reasons[:1])
        return comes and answer.earliest is not None and answer.earliest <= self._until

    def is_excluding(self, circumstance: Circumstance) -> bool:
        """Tell whether a circumstance can only take somebody out of the programme."""
        kind, subject = circumstance.kind, circumstance.subject
        excluding = self.programme.excluded_by
        return kind in _ALWAYS_EXCLUDING or kind in excluding or f"{kind}:{subject}" in excluding

    def facts(self, answer: Forecast) -> dict[str, Any]:
        """Return an answer for the saved list: state, days and the reasons in both languages."""
        return {
            "status": answer.status,
            "earliest": _iso(answer.earliest),
            "latest": _iso(answer.latest),
            "reasons": self._say(answer.reasons),
        }

    def _without_excluding(self, candidate: Candidate) -> tuple[Circumstance, ...]:
        return tuple(one for one in candidate.circumstances if not self.is_excluding(one))

    def _ask(
        self, candidate: Candidate, circumstances: tuple[Circumstance, ...], doses: Sequence[GivenDose]
    ) -> Forecast:
        person = Person(candidate.birth, candidate.sex.value, circumstances)
        if doses:
            return forecast(self._schedule, person, doses, self._day, self._only)[0]
        if person not in self._known:
            self._known[person] = forecast(self._schedule, person, (), self._day, self._only)[0]
        return self._known[person]

    def _say(self, reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
        if reasons not in self._texts:
            self._texts[reasons] = [{"ja": one.ja, "en": one.en} for one in reasons]
        return self._texts[reasons]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _first(days: Iterable[date | None]) -> date | None:
    return min((day for day in days if day), default=None)


def _last(days: Iterable[date | None]) -> date | None:
    return max((day for day in days if day), default=None)
