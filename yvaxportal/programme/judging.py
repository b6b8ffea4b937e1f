"""Judging doses that were given."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias, cast

from yvaxportal.programme.bounds import NO_BEGIN
from yvaxportal.programme.history import Finding, History
from yvaxportal.programme.person import GivenDose, Person
from yvaxportal.programme.possible import exact_birth, possible_births
from yvaxportal.programme.reasons import Reason, reason
from yvaxportal.programme.schedule import Schedule

_SEASONS_DAYS = 800

Verdict: TypeAlias = Literal[
    "valid",
    "too_early",
    "too_late",
    "wrong_interval",
    "wrong_product",
    "surplus",
    "not_in_programme",
    "unsure",
]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules in force on its day say about one dose.

    ``programme`` is a code, None where the vaccine is in no programme; ``counts_as`` the number of the dose
    in its course, None where it does not count.
    """

    dose: GivenDose
    programme: str | None
    counts_as: int | None
    verdict: Verdict
    reasons: tuple[Reason, ...]


def judge(schedule: Schedule, person: Person, doses: Sequence[GivenDose], today: date) -> list[Judged]:
    """Return what is to be said of each dose, in the order of ``doses``; that order decides nothing.

    With a birth date that is not wholly known, a dose is judged only where all possible days agree.
    """
    birth = exact_birth(person)
    if birth is not None:
        return _judged(schedule, person, birth, doses, today)
    answers = [_judged(schedule, person, day, doses, today) for day in possible_births(person, today)]
    if not answers:
        return [_unsure(schedule, one) for one in _judged(schedule, person, None, doses, today)]
    return [
        first if all(_same(first, answer[position]) for answer in answers) else _unsure(schedule, first)
        for position, first in enumerate(answers[0])
    ]


def judge_one(
    schedule: Schedule, person: Person, others: Sequence[GivenDose], new: GivenDose, today: date
) -> Judged:
    """Return what ``judge`` says of ``new`` beside the other doses, looking only at what can decide it.

    For whoever judges very many doses one by one. The others of no kin still keep their distance. That a
    dose is valid needs no reasons here.
    """
    birth = exact_birth(person)
    if birth is None:
        return judge(schedule, person, [*others, new], today)[-1]
    kin = schedule.kin.get(new.vaccine, frozenset((new.vaccine,)))
    first = NO_BEGIN
    programmes = [one for vaccine in kin for one in schedule.by_vaccine.get(vaccine, ())]
    if programmes and all(one.per == "season" for one in programmes):
        # What was given in seasons long over says nothing of this one.
        first = new.given_on - timedelta(days=_SEASONS_DAYS)
    since = dict.fromkeys(kin, first)
    history = History(schedule, person, birth, [*others, new], today, since=since)
    # Of doses that are alike in everything the last one is the one that came last.
    return _public([finding for finding in history.findings if finding.dose == new][-1])


def _judged(
    schedule: Schedule, person: Person, birth: date | None, doses: Sequence[GivenDose], today: date
) -> list[Judged]:
    found: dict[GivenDose, list[Finding]] = {}
    for finding in History(schedule, person, birth, doses, today).findings:
        found.setdefault(finding.dose, []).append(finding)
    return [_public(found[dose].pop(0)) for dose in doses]


def _public(finding: Finding) -> Judged:
    code = finding.programme.code if finding.programme else None
    return Judged(finding.dose, code, finding.counts_as, cast("Verdict", finding.verdict), finding.reasons)


def _same(one: Judged, other: Judged) -> bool:
    return (one.verdict, one.programme, one.counts_as) == (other.verdict, other.programme, other.counts_as)


def _unsure(schedule: Schedule, judged: Judged) -> Judged:
    programme = schedule.get(judged.programme) if judged.programme else None
    if programme is None or programme.per == "pregnancy":
        return judged
    return Judged(judged.dose, judged.programme, None, "unsure", (reason("birth_unknown"),))
