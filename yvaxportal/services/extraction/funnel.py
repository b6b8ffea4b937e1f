"""The funnel: the base cohort goes through the rules one after another; whom a rule takes out is out.

A handful of statements whatever the size: the cohort, what is special about its members, and the doses of
those who are still in when doses are asked about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseState, Judgement, ResidentCategory
from yvaxportal.models.dose import Dose
from yvaxportal.programme.person import GivenDose
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.circumstances import circumstances_of, not_invited
from yvaxportal.services.extraction.cohort import BORN, Bounds, Candidate, base_cohort, stays
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.deciding import DONE, DOUBTFUL, Decider
from yvaxportal.services.extraction.rules import Rule

Facts = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One rule of a run: how many it took out, how many remained."""

    rule: Rule
    out: int
    left: int


@dataclass(frozen=True, slots=True)
class FunnelRun:
    """A whole run; ``candidates`` are the base cohort, each with what became of them."""

    criteria: Criteria
    bounds: Bounds
    schedule_version: str
    steps: tuple[Step, ...]
    candidates: Sequence[Candidate]

    @property
    def base(self) -> int:
        """Return how many people came into question."""
        return len(self.candidates)

    @property
    def left(self) -> int:
        """Return how many are on the list."""
        return self.steps[-1].left if self.steps else self.base

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


def run_funnel(session: Session, schedule: Schedule, criteria: Criteria, *, today: date) -> FunnelRun:
    """Run the funnel and keep nothing.

    :param today: the day whose register is asked, for who left or died meanwhile.
    :raises NoSuchProgrammeError: the programme is unknown or not in force.
    """
    decider = Decider(schedule, criteria)
    bounds = decider.bounds()
    candidates = base_cohort(session, criteria, bounds)
    ids = [one.id for one in candidates]
    special = circumstances_of(
        session, ids, criteria.reference_date, certificates=bounds.risk_from is not None
    )
    for one in candidates:
        one.circumstances = special.get(one.id, ())
    left: list[Candidate] = candidates
    steps = []
    judges = _Judges(session, criteria, decider, today)
    for rule in criteria.rules:
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
    return FunnelRun(criteria, bounds, schedule.version, tuple(steps), candidates)


def doses_of(session: Session, ids: Sequence[int]) -> Mapping[int, list[GivenDose]]:
    """Return the doses that count of each resident who has any, the earliest first."""
    dose = Dose.__table__.c
    rows = session.execute(
        select(dose.resident_id, dose.vaccine, dose.given_on, dose.dose_number, dose.dose_category)
        .where(
            dose.resident_id == func.any(list(ids)),
            dose.state == DoseState.ACTIVE,
            dose.judgement == Judgement.GIVEN,
        )
        .order_by(dose.resident_id, dose.given_on, dose.id),
    )
    found: dict[int, list[GivenDose]] = {}
    for resident_id, vaccine, given_on, number, category in rows:
        found.setdefault(resident_id, []).append(GivenDose(vaccine, given_on, number, category.value))
    return found


class _Judges:
    """Makes, for each rule, the function that tells why somebody is out, or None for who stays."""

    def __init__(self, session: Session, criteria: Criteria, decider: Decider, today: date) -> None:
        self._session, self._criteria, self._decider, self._today = session, criteria, decider, today
        self._doses: Mapping[int, list[GivenDose]] | None = None
        self._held: dict[int, Facts] = {}
        self._asked = False

    def of(self, rule: Rule, left: Sequence[Candidate]) -> Callable[[Candidate], Facts | None]:
        """Return the function of a rule, for those who are still in."""
        if rule is Rule.AGE and self._decider.asks_for_doses:
            self._load_doses(left)
        if rule in {Rule.DONE, Rule.NOT_YET_DUE, Rule.CIRCUMSTANCES}:
            self._ask_for_doses(left)
        if rule is Rule.NO_INVITATION:
            silent = not_invited(self._session, [one.id for one in left], self._criteria.reference_date)
            return lambda one: {} if one.id in silent else None
        judge: Callable[[Candidate], Facts | None] = getattr(self, f"_{rule.value}")
        return judge

    def _load_doses(self, left: Sequence[Candidate]) -> None:
        if self._doses is None:
            self._doses = doses_of(self._session, [one.id for one in left])

    def _ask_for_doses(self, left: Sequence[Candidate]) -> None:
        """Ask the engine once about everybody who is still in."""
        if self._asked:
            return
        self._asked = True
        if self._criteria.doses:
            self._load_doses(left)
        doses = (self._doses or {}) if self._criteria.doses else {}
        decider = self._decider
        for one in left:
            given = doses.get(one.id, ())
            forecast = decider.next_dose(one, given)
            if one.circumstances and not decider.is_open(forecast) and forecast.status != DONE:
                without = decider.is_target(one, given)
                if decider.is_open(without):
                    self._held[one.id] = decider.facts(forecast)
                    forecast = without
            one.forecast = forecast

    def _age(self, one: Candidate) -> Facts | None:
        if one.birth is None and not self._decider.is_for_pregnancy:
            return {"unknown": True}
        doses = self._doses.get(one.id, ()) if self._doses is not None else ()
        forecast = self._decider.is_target(one, doses)
        if self._decider.is_open(forecast) or forecast.status == DONE:
            return None
        return self._decider.facts(forecast)

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
