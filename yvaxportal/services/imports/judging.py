"""What a row of a file is worth: ready, there already, or held for a person, always with the reasons.

The rules for a dose are those of ``services.dose_checks``; here only follows which of the row's states they
amount to (measures M03 and M08). No database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.programme.catalogue import Vaccine
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.dose_checks import check_dose
from yvaxportal.services.dose_columns import settle
from yvaxportal.services.dose_draft import DoseDraft, OtherDose, Place
from yvaxportal.services.dose_findings import DoseAlert, DoseError, Finding, Findings
from yvaxportal.services.imports.parsing import Parsed, Reason, draft_of
from yvaxportal.services.imports.targets import COMPARED, Target
from yvaxportal.values.kana import fold_name

_DOUBLES = frozenset({DoseError.DOUBLE_DAY, DoseError.DOUBLE_NUMBER})
_NOT_RESIDENT = frozenset({DoseAlert.AFTER_LEAVING, DoseAlert.BEFORE_RESIDENCE, DoseAlert.NOT_REGISTERED})
_NOT_ELIGIBLE = frozenset(
    {
        DoseAlert.OUTSIDE_AGE,
        DoseAlert.AGE_UNKNOWN,
        DoseAlert.LIVE_INTERVAL,
        DoseAlert.NUMBER_GAP,
        DoseAlert.NUMBER_ORDER,
        DoseAlert.VACCINE_ENDED,
        DoseAlert.INELIGIBLE_ROUTINE,
    }
)
_ALERTS = frozenset(alert.value for alert in DoseAlert)
_FOLDED = frozenset({"institution_name", "physician", "manufacturer"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a row stands.

    ``other_dose_id``: the dose it doubles (negative: the row of this file with that number). ``findings``:
    what the check said, for whoever writes the dose.
    """

    state: State
    reasons: list[Reason] = field(default_factory=list)
    other_dose_id: int | None = None
    draft: DoseDraft | None = None
    vaccine: Vaccine | None = None
    place: Place | None = None
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True)
class Bench:
    """What every row of a file is judged with."""

    schedule: Schedule
    defaults: Mapping[str, Any]
    today: date
    by_key_alone: bool


def unreadable(row: Parsed) -> Verdict | None:
    """Return the verdict on a row that says nothing that can be judged, None when it does."""
    return Verdict(State.UNREADABLE, [*row.problems, *row.notes]) if row.problems else None


def birth_differs(row: Parsed, target: Target, bench: Bench) -> bool:
    """Tell whether number and birth date point to different people (M08: somebody looks at the paper)."""
    written = row.person.get("birth")
    if written is None:
        return not bench.by_key_alone
    return bool(written != target.born_written)


def judge(
    row: Parsed,
    target: Target,
    others: Sequence[OtherDose],
    bench: Bench,
    *,
    place: Place | None,
    details: Mapping[int, Mapping[str, object]],
    confirmed: bool = False,
) -> Verdict:
    """Judge a row whose number is known.

    :param others: the person's doses that matter, and (with negative ids) those of the file's other rows.
    :param place: the institution that the row means.
    :param details: of each other dose what ``COMPARED`` names.
    :param confirmed: a person said that the row is this person's, whatever the birth date.
    """
    try:
        draft = draft_of(row.dose, bench.defaults)
    except KeyError as missing:
        return Verdict(State.UNREADABLE, [["missing", {"field": missing.args[0]}], *row.notes])
    vaccine = bench.schedule.catalogue.get(draft.vaccine)
    draft = settle(draft, vaccine, place)
    if not confirmed and birth_differs(row, target, bench):
        return Verdict(State.BIRTH_DIFFERS, [["birth_differs", {}], *row.notes], None, draft, vaccine, place)
    findings = check_dose(draft, target.person, others, bench.schedule, bench.today, place=place)
    state, reasons, other = _weigh(row, draft, findings, target, details)
    return Verdict(state, [*reasons, *row.notes], other, draft, vaccine, place, findings)


def as_found(row: Parsed, place: Place | None, reasons: Sequence[Reason], bench: Bench) -> Verdict:
    """Return the verdict on a row that was found ready and of which nothing changed since."""
    draft = draft_of(row.dose, bench.defaults)
    vaccine = bench.schedule.catalogue.get(draft.vaccine)
    alerts = tuple(Finding(DoseAlert(code), "") for code, _facts in reasons if code in _ALERTS)
    return Verdict(State.READY, [], None, settle(draft, vaccine, place), vaccine, place, Findings((), alerts))


def _weigh(
    row: Parsed,
    draft: DoseDraft,
    findings: Findings,
    target: Target,
    details: Mapping[int, Mapping[str, object]],
) -> tuple[State, list[Reason], int | None]:
    errors = [one for one in findings.errors if one.code not in _DOUBLES]
    dead = [one for one in errors if one.code is DoseError.AFTER_DEATH]
    if impossible := [one for one in errors if one.code is not DoseError.AFTER_DEATH]:
        return State.UNREADABLE, _said(impossible), None
    doubles = [one for one in findings.errors if one.code in _DOUBLES]
    if doubles:
        return _double(row, draft, doubles, details)
    deceased = target.person.category is ResidentCategory.DECEASED
    away = [one for one in findings.alerts if one.code in _NOT_RESIDENT]
    leaving = [one for one in findings.alerts if one.code is DoseAlert.LEAVING_DAY_UNKNOWN]
    outside = [one for one in findings.alerts if one.code in _NOT_ELIGIBLE]
    for state, found in (
        (State.DECEASED, [*dead, *(leaving if deceased else ())]),
        (State.NOT_RESIDENT, [*away, *(() if deceased else leaving)]),
        (State.NOT_ELIGIBLE, outside),
    ):
        if found:
            return state, _said([*found, *(one for one in findings.alerts if one not in found)]), None
    return State.READY, _said(findings.alerts), None


def _said(findings: Sequence[Finding]) -> list[Reason]:
    return [[one.code.value, {name: _plain(fact) for name, fact in one.facts}] for one in findings]


def _plain(fact: object) -> object:
    return fact.isoformat() if isinstance(fact, date) else fact


def _double(
    row: Parsed, draft: DoseDraft, doubles: Sequence[Finding], details: Mapping[int, Mapping[str, object]]
) -> tuple[State, list[Reason], int | None]:
    """Return one of the three classes of doubles: the same dose, or one that a person has to settle."""
    first = next((one for one in doubles if one.code is DoseError.DOUBLE_DAY), doubles[0])
    other = first.dose_id
    theirs = details.get(other, {}) if other is not None else {}
    differing = differences(row, draft, theirs) if first.code is DoseError.DOUBLE_DAY else ("given_on",)
    reasons: list[Reason] = []
    if other is not None and other < 0:
        reasons.append(["twice_in_file", {"number": -other}])
    if not differing:
        return State.ALREADY_THERE, [*reasons, ["same_dose", {}]], other
    return State.CONFLICT, [["details_differ", {"fields": list(differing)}], *reasons, *_said(doubles)], other


def differences(row: Parsed, draft: DoseDraft, theirs: Mapping[str, object]) -> tuple[str, ...]:
    """Return in which items, of those that the file states, a row differs from a dose that is there."""
    found = []
    for name in COMPARED:
        if name not in row.dose:
            continue
        ours = getattr(draft, name)
        if ours is None and name == "institution_name" and draft.institution_code:
            continue
        if not _same(name, ours, theirs.get(name)):
            found.append(name)
    return tuple(found)


def _same(name: str, ours: object, theirs: object) -> bool:
    if ours is None:
        return True
    if name in _FOLDED and isinstance(ours, str) and isinstance(theirs, str):
        return fold_name(ours) == fold_name(theirs)
    return str(ours) == str(theirs) if theirs is not None else False
