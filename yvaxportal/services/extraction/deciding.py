"""The questions that a list asks the engine: is the person a target at all, and is a dose due by the day.

Most people of one birth date who have nothing special and no doses get the same answer, so it is asked once.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from yvaxportal.programme.bounds import NO_BEGIN
from yvaxportal.programme.forecasting import Forecast, Forecaster, forecast
from yvaxportal.programme.person import Circumstance, GivenDose, Person
from yvaxportal.programme.reasons import Reason
from yvaxportal.programme.schedule import Programme, Schedule
from yvaxportal.programme.targets import targets
from yvaxportal.services.extraction.answers import Answers, Question
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

    def __init__(self, schedule: Schedule, criteria: Criteria, answers: Answers | None = None) -> None:
        programme = schedule.get(criteria.programme)
        if programme is None:
            raise NoSuchProgrammeError(criteria.programme)
        self.programme: Programme = programme
        self._schedule = schedule
        self._extended = criteria.extended
        self._day, self._until = criteria.reference_date, criteria.due_until
        self._only = frozenset({programme.code})
        self._beside = self._programmes_beside()
        judged = frozenset(vaccine for code in self._beside for vaccine in schedule.programmes[code].vaccines)
        #: Doses before this day bear on nothing: those of other seasons.
        self.first_day = self._season_begins()
        self._since = dict.fromkeys(judged, self.first_day)
        self.bearing = judged | self._doubts()
        self._answers = answers or Answers()
        self._texts: dict[tuple[Reason, ...], list[dict[str, str]]] = {}

    def _programmes_beside(self) -> frozenset[str]:
        """Return the programmes that decide together with this one whose a dose is."""
        programmes = self._schedule.programmes
        tracks = {self.programme.track} | {programmes[code].track for code in self.programme.continues}
        return frozenset(code for code, one in programmes.items() if one.track in tracks)

    def _doubts(self) -> frozenset[str]:
        """Return the vaccines whose doses leave a doubt, or choose between programmes of one family."""
        families = self._schedule.families.get(self.programme.family or "", ())
        return self.programme.doubtful_with.union(*(other.begins_with for other in families))

    def _season_begins(self) -> date:
        """Return the first day of the season under way, or of the last one; NO_BEGIN without seasons."""
        season = next((rule.season for rule in reversed(self.programme.rules) if rule.season), None)
        if season is None:
            return NO_BEGIN
        begins = (season.of_year(year)[0] for year in (self._day.year, self._day.year - 1))
        return next(day for day in begins if day <= self._day)

    @property
    def most_days_apart(self) -> int:
        """Return the most days by which a dose of another vaccine can bear on one of these."""
        return max((spacing.days for spacing in self._schedule.spacings), default=0) + 1

    def bounds(self) -> Bounds:
        """Return who comes into question from the reference date to the last day that counts as due."""
        programme = self.programme
        if all(programme.rule_on(day) is None for day in (self._day, self._until)):
            raise NoSuchProgrammeError(programme.code)
        cohort = targets(programme, self._day, self._until)
        return Bounds(
            programme=programme.code,
            births=cohort.born + cohort.extended if self._extended else cohort.born,
            sex=cohort.sex,
            risk_births=cohort.risk_born,
            needs=frozenset({"pregnancy"}) if self.is_for_pregnancy else cohort.needs,
            long_illness=cohort.long_illness,
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

    def is_in(self, answer: Forecast) -> bool:
        """Tell whether somebody is a target at all: a dose is due by then, or all are given."""
        return answer.status == DONE or self.is_open(answer)

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
        question = Question(self._schedule.version, self.programme.code, self._day, person, tuple(doses))
        answer = self._answers.get(question)
        if answer is None:
            answer = self._forecast(person, question.doses)
            self._answers.keep(question, answer)
        return answer

    def _forecast(self, person: Person, doses: Sequence[GivenDose]) -> Forecast:
        birth = person.birth
        if not isinstance(birth, date):
            return forecast(self._schedule, person, doses, self._day, self._only)[0]
        # Only what bears on this one programme is looked at: the same answer, at a tenth of the time.
        asked = Forecaster(
            self._schedule, person, birth, doses, self._day, only=self._beside, since=self._since
        )
        return asked.one(self.programme)

    def _say(self, reasons: tuple[Reason, ...]) -> list[dict[str, str]]:
        if reasons not in self._texts:
            self._texts[reasons] = [{"ja": one.ja, "en": one.en} for one in reasons]
        return self._texts[reasons]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
