"""The funnel: the base cohort goes through the rules one after another; whom a rule takes out is out.

A handful of statements whatever the size: the cohort, what is special about its members, and the doses of
those who are still in when doses are asked about.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from yvaxportal.models.codes import ResidentCategory
from yvaxportal.programme.person import GivenDose
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.circumstances import circumstances_of, not_invited
from yvaxportal.services.extraction.answers import Answers
from yvaxportal.services.extraction.bearing import Doses, bearing_doses
from yvaxportal.services.extraction.cohort import BORN, Bounds, Candidate, base_cohort, count_cohort, stays
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.deciding import DONE, DOUBTFUL, Decider
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.extraction.states import REGISTERS, Freshness, StatesAge, ages_of, systems_of

Facts = dict[str, Any]
Report = Callable[[int, int | None], object]


def untold(_done: int, _total: int | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of a run: how many it took out, how many remained."""

    rule: Rule
    out: int
    left: int


@dataclass(frozen=True, slots=True)
class FunnelRun:
    """A whole run; ``candidates`` are the base cohort, each with what became of them.

    ``states``: how old the states are that the rules went by; empty where none goes by states.
    """

    criteria: Criteria
    bounds: Bounds
    schedule_version: str
    steps: tuple[Step, ...]
    candidates: Sequence[Candidate]
    states: tuple[StatesAge, ...] = ()

    @property
    def base(self) -> int:
        """Return how many people came into question."""
        return len(self.candidates)

    @property
    def left(self) -> int:
        """Return how many are on the list."""
        return self.steps[-1].left if self.steps else self.base

    @property
    def wanting(self) -> bool:
        """Tell whether a register could be asked for states that are missing or old."""
        return any(age.wanting for age in self.states)

    @property
    def kept(self) -> list[Candidate]:
        """Return who is on the list."""
        return [one for one in self.candidates if one.excluded_by is None]

    @property
    def doubtful(self) -> int:
        """Return how many are on the list although the records are unsure."""
        return sum(is_doubtful(one) for one in self.kept)

    @property
    def protected(self) -> int:
        """Return how many on the list are under a support measure."""
        return sum(one.protected for one in self.kept)

    @property
    def figures(self) -> tuple[int, ...]:
        """Return the numbers by which two runs of the same criteria are compared."""
        return (self.base, *(step.out for step in self.steps), self.left)


def is_doubtful(candidate: Candidate) -> bool:
    """Tell whether the records about somebody are unsure, so that a person has to look."""
    return candidate.forecast is not None and candidate.forecast.status == DOUBTFUL


def run_funnel(
    session: Session,
    schedule: Schedule,
    criteria: Criteria,
    *,
    today: date,
    answers: Answers | None = None,
    freshness: Freshness | None = None,
    now: datetime | None = None,
    report: Report = untold,
) -> FunnelRun:
    """Run the funnel and keep nothing.

    :param answers: of the engine, remembered by the process from one run to the next.
    :param today: the day whose register is asked, for who left or died meanwhile.
    :param freshness: tells when states are old; without it and ``now`` nobody looks at their age.
    :param report: is told how many people were decided on, of how many; what it raises ends the run.
    :raises NoSuchProgrammeError: the programme is unknown or not in force.
    """
    decider = Decider(schedule, criteria, answers)
    bounds = decider.bounds()
    candidates = base_cohort(session, criteria, bounds)
    ids = [one.id for one in candidates]
    special = circumstances_of(session, ids, criteria.reference_date, certificates=bool(bounds.risk_births))
    for one in candidates:
        one.circumstances = special.get(one.id, ())
    left: list[Candidate] = candidates
    steps = []
    judges = _Judges(session, criteria, decider, today, report)
    states: tuple[StatesAge, ...] = ()
    for rule in criteria.rules:
        if rule in REGISTERS and not states and freshness is not None and now is not None:
            looked_at = [one.id for one in left]
            states = ages_of(session, looked_at, systems_of(criteria), freshness, now)
        judge = judges.of(rule, left)
        remaining = []
        for one in left:
            facts = judge(one)
            if facts is None:
                remaining.append(one)
            else:
                one.excluded_by, one.facts = rule, facts
        steps.append(Step(rule, len(left) - len(remaining), len(remaining)))
        left = remaining
    for one in left:
        if one.forecast is not None:
            one.facts = decider.facts(one.forecast)
    return FunnelRun(criteria, bounds, schedule.version, tuple(steps), candidates, states)


def count_base(session: Session, schedule: Schedule, criteria: Criteria) -> int:
    """Return how many people ``run_funnel`` would decide on, in a fraction of its time.

    :raises NoSuchProgrammeError: the programme is unknown or not in force.
    """
    return count_cohort(session, criteria, Decider(schedule, criteria).bounds())


class _Judges:
    """Makes, for each rule, the function that tells why somebody is out, or None for who stays."""

    def __init__(
        self, session: Session, criteria: Criteria, decider: Decider, today: date, report: Report
    ) -> None:
        self._session, self._criteria, self._decider, self._today = session, criteria, decider, today
        self._report = report
        self._doses = Doses({}, {})
        self._loaded: set[int] = set()
        self._outside: dict[int, Facts] = {}
        self._held: dict[int, Facts] = {}
        self._asked = False

    def of(self, rule: Rule, left: Sequence[Candidate]) -> Callable[[Candidate], Facts | None]:
        """Return the function of a rule, for those who are still in."""
        if rule is Rule.AGE:
            self._find_targets(left)
        if rule in {Rule.DONE, Rule.NOT_YET_DUE, Rule.CIRCUMSTANCES}:
            self._ask_for_doses(left)
        if rule is Rule.NO_INVITATION:
            silent = not_invited(self._session, [one.id for one in left], self._criteria.reference_date)
            return lambda one: {} if one.id in silent else None
        judge: Callable[[Candidate], Facts | None] = getattr(self, f"_{rule.value}")
        return judge

    def _find_targets(self, everybody: Sequence[Candidate]) -> None:
        """Find who is a target at all: by age alone, or because the doses so far keep a course open."""
        rules = self._criteria.rules
        known = [one for one in everybody if one.birth is not None or self._decider.is_for_pregnancy]
        self._outside = {one.id: {"unknown": True} for one in everybody}
        if rules[1:2] == (Rule.DONE,):
            # Nobody is taken out in between, so each of them is asked about with the doses sooner or later.
            unclear = self._by_doses(known)
            unclear = self._by_age(unclear)
        else:
            unclear = self._by_age(known)
            unclear = self._by_doses(unclear)
        for one in unclear:
            self._outside[one.id] = self._decider.facts(self._decider.is_target(one, self._given(one)))

    def _by_age(self, some: Sequence[Candidate]) -> list[Candidate]:
        """Let in who is a target by age alone; return the others."""
        decider = self._decider
        return self._let_in(some, lambda one: decider.is_in(decider.is_target(one)))

    def _by_doses(self, some: Sequence[Candidate]) -> list[Candidate]:
        """Let in who is a target given the doses so far; return the others."""
        self._load_doses(some)

        def is_in(one: Candidate) -> bool:
            answer = self._decider.is_target(one, self._given(one))
            if self._criteria.doses and not one.circumstances:
                one.forecast = answer
            return self._decider.is_in(answer)

        return self._let_in(some, is_in)

    def _let_in(self, some: Sequence[Candidate], is_in: Callable[[Candidate], bool]) -> list[Candidate]:
        others = []
        for done, one in enumerate(some):
            self._report(done, len(some))
            if is_in(one):
                del self._outside[one.id]
            else:
                others.append(one)
        return others

    def _given(self, one: Candidate) -> Sequence[GivenDose]:
        return self._doses.given.get(one.id, ())

    def _load_doses(self, some: Sequence[Candidate]) -> None:
        ids = [one.id for one in some if one.id not in self._loaded]
        if not ids:
            return
        found = bearing_doses(
            self._session,
            ids,
            vaccines=self._decider.bearing,
            apart=self._decider.most_days_apart,
            first_day=self._decider.first_day,
            day=self._criteria.reference_date,
            today=self._today,
        )
        self._loaded.update(ids)
        self._doses = Doses({**self._doses.given, **found.given}, {**self._doses.since, **found.since})

    def _ask_for_doses(self, left: Sequence[Candidate]) -> None:
        """Ask the engine once about everybody who is still in."""
        if self._asked:
            return
        self._asked = True
        if self._criteria.doses:
            self._load_doses(left)
        decider = self._decider
        for done, one in enumerate(left):
            self._report(done, len(left))
            given = self._given(one) if self._criteria.doses else ()
            answer = one.forecast or decider.next_dose(one, given)
            if one.circumstances and not decider.is_in(answer):
                without = decider.is_target(one, given)
                if decider.is_open(without):
                    self._held[one.id] = decider.facts(answer)
                    answer = without
            one.forecast = answer

    def _age(self, one: Candidate) -> Facts | None:
        return self._outside.get(one.id)

    def _area(self, one: Candidate) -> Facts | None:
        # Where a protected person lives must not follow from whether they are on the list of an area.
        if one.protected or one.town in self._criteria.towns:
            return None
        return {"town": one.town}

    def _school(self, one: Candidate) -> Facts | None:
        if one.protected or any(school in self._criteria.schools for school in one.schools if school):
            return None
        return {"schools": list(one.schools)}

    def _national_health_insurance(self, one: Candidate) -> Facts | None:
        stay = stays(self._criteria.national_health_insurance, one.insured)
        return None if stay else {"state": one.insured}

    def _late_elderly_insurance(self, one: Candidate) -> Facts | None:
        stay = stays(self._criteria.late_elderly_insurance, one.late_elderly)
        return None if stay else {"state": one.late_elderly}

    def _taxation(self, one: Candidate) -> Facts | None:
        return None if one.taxed in self._criteria.taxation else {"state": one.taxed}

    def _public_assistance(self, one: Candidate) -> Facts | None:
        stay = stays(self._criteria.public_assistance, one.assisted)
        return None if stay else {"state": one.assisted}

    def _done(self, one: Candidate) -> Facts | None:
        since = self._doses.since.get(one.id)
        if since is not None:
            return {"given_since": since.isoformat()}
        forecast = one.forecast
        return self._decider.facts(forecast) if forecast is not None and forecast.status == DONE else None

    def _not_yet_due(self, one: Candidate) -> Facts | None:
        forecast = one.forecast
        if forecast is None or self._decider.is_open(forecast):
            return None
        return self._decider.facts(forecast)

    def _circumstances(self, one: Candidate) -> Facts | None:
        return self._held.get(one.id)

    def _moved_in(self, one: Candidate) -> Facts | None:
        since = self._criteria.moved_in_since
        moved = one.became_on is not None and one.became_reason != BORN
        if since is None or (moved and one.became_on is not None and one.became_on >= since):
            return None
        return {"became_on": _iso(one.became_on), "reason": one.became_reason}

    def _gone(self, one: Candidate) -> Facts | None:
        left = (
            one.ceased_on is not None
            and one.ceased_on <= self._today
            and (one.became_on is None or one.ceased_on > one.became_on)
        )
        if one.category is ResidentCategory.RESIDENT and not left:
            return None
        return {"category": one.category, "ceased_on": _iso(one.ceased_on)}

    def _earlier_list(self, one: Candidate) -> Facts | None:
        return {"list": self._criteria.not_on} if one.on_earlier_list else None


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
