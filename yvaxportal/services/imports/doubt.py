"""How doubtful a row is: one number from 0 to 100, and the reasons that make it up. Pure; no database.

Every row gets one, also those that are ready: number and birth date can agree where the name on the paper is
another's. The points add up and end at 100; which reason weighs how much is ``WEIGHTS`` and stands in
docs/mismatch_desk.md. They order a worklist and decide nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.services.dose_draft import Place
from yvaxportal.services.dose_findings import DoseAlert
from yvaxportal.services.imports.parsing import Parsed, Reason
from yvaxportal.values.kana import fold_name

MOST = 100
#: Points of each reason.
WEIGHTS: Mapping[str, int] = MappingProxyType(
    {
        "state_unreadable": 70,
        "state_birth_differs": 60,
        "state_deceased": 60,
        "state_number_unknown": 55,
        "state_similar_found": 45,
        "state_conflict": 40,
        "state_not_resident": 40,
        "state_not_eligible": 30,
        "state_changed": 30,
        "name_of_another": 50,
        "given_name_differs": 45,
        "name_differs": 35,
        "sex_differs": 25,
        "lot_of_other": 25,
        "number_near": 20,
        "too_close": 20,
        "sex_of_vaccine": 15,
        "lot_day": 15,
        "kana_differs": 10,
        "institution_unknown": 10,
        "institution_pattern": 10,
        "day_of_birth": 10,
        "long_ago": 10,
        "birth_partly": 10,
        "lot_new": 8,
        "kanji_differs": 8,
        "no_name": 6,
        "window_edge": 6,
        "alert": 6,
        "further_fault": 5,
        "number_merged": 5,
        "name_former": 5,
        "zeros_restored": 4,
    }
)
#: Doses of one course fewer days apart than this are a slip sooner than a dose.
CLOSE_DAYS = 6
#: A dose so near the first or last day on which it may be given is looked at.
EDGE_DAYS = 3
LONG_AGO_DAYS = 2 * 365
#: A lot is in use for about this long before and after the days on which its doses are recorded.
LOT_DAYS = 365

_STATES = {state: f"state_{state.value}" for state in State}
_QUIET = frozenset({State.READY, State.ALREADY_THERE})
_NO_DOUBT = frozenset({DoseAlert.SUPPORT_MEASURE.value})
_ALERTS = frozenset(alert.value for alert in DoseAlert) - _NO_DOUBT

_fold = lru_cache(maxsize=65_536)(fold_name)


@dataclass(frozen=True, slots=True)
class Names:
    """What the register calls a person; ``others``: former names and aliases."""

    name: str
    kana: str | None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Double:
    """Another resident with the birth date that a row states."""

    number: str
    names: Names


@dataclass(frozen=True, slots=True)
class LotUse:
    """How a lot number is used: in the record with this vaccine (first and last day), with others, and here.

    ``in_file`` counts the rows of the file with this lot and vaccine, ``of_vaccine`` those with any lot of
    it; both 0 where that is not known.
    """

    first: date | None = None
    last: date | None = None
    with_others: bool = False
    in_file: int = 0
    of_vaccine: int = 0


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that speaks for or against a row.

    ``names``, ``sex`` and ``born`` are the register's, of whoever the number names. ``alike``: other
    residents with the birth date the row states. ``nearest``: days to the nearest other dose of the series.
    ``edge``: days to the nearest end of the time in which the dose may be given under the law.
    ``sex_wanted``: the only sex that the vaccine's programmes are for.
    """

    row: Parsed
    state: State
    reasons: Sequence[Reason]
    handed_in: date
    names: Names | None = None
    sex: str = ""
    place: Place | None = None
    alike: Sequence[Double] = ()
    nearest: int | None = None
    edge: int | None = None
    sex_wanted: str | None = None
    lot: LotUse | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """The points, and of each reason code, facts and points, the heaviest first."""

    points: int = 0
    reasons: Sequence[Sequence[Any]] = ()

    @property
    def main(self) -> str | None:
        """Return the code of the heaviest reason."""
        return str(self.reasons[0][0]) if self.reasons else None


NO_DOUBT = Doubt()


def weigh(evidence: Evidence, weights: Mapping[str, int] = WEIGHTS) -> Doubt:
    """Return how doubtful a row is, and why."""
    found: list[tuple[str, dict[str, Any]]] = []
    if evidence.state not in _QUIET:
        found.append((_STATES[evidence.state], {}))
    _reading(evidence, found)
    if evidence.state is not State.UNREADABLE:
        if evidence.names is not None:
            _person(evidence, evidence.names, found)
        _dose(evidence, found)
    return _sum(found, weights)


def plus(doubt: Doubt, code: str, facts: dict[str, Any], weights: Mapping[str, int] = WEIGHTS) -> Doubt:
    """Return a doubt with one reason more; the same reason is not counted twice."""
    kept = [(str(one[0]), dict(one[1])) for one in doubt.reasons if one[0] != code]
    return _sum([*kept, (code, facts)], weights)


def _sum(found: list[tuple[str, dict[str, Any]]], weights: Mapping[str, int]) -> Doubt:
    if not found:
        return NO_DOUBT
    found.sort(key=lambda reason: -weights[reason[0]])
    points = sum(weights[code] for code, _facts in found)
    return Doubt(min(MOST, points), [[code, facts, weights[code]] for code, facts in found])


def _reading(evidence: Evidence, found: list[tuple[str, dict[str, Any]]]) -> None:
    """Add what was read with trouble: faults beyond the first, zeros put back, alerts on a ready row."""
    faults = 0
    for code, facts in evidence.reasons:
        if code in {"zeros_restored", "number_merged"}:
            found.append((code, facts))
        elif evidence.state is State.UNREADABLE:
            faults += 1
        elif code in _ALERTS and evidence.state in _QUIET:
            found.append(("alert", {"alert": code, **facts}))
    found.extend(("further_fault", {}) for _ in range(faults - 1))
    written = evidence.row.person.get("birth")
    if written is not None and "-00" in written:
        found.append(("birth_partly", {}))


def _person(evidence: Evidence, names: Names, found: list[tuple[str, dict[str, Any]]]) -> None:
    person = evidence.row.person
    name, kana = person.get("name"), person.get("name_kana")
    if not name and not kana:
        found.append(("no_name", {}))
        _neighbour(evidence, found)
    elif not (name == names.name and (not kana or kana == names.kana)):
        code = compare_names(name, kana, names)
        if code is not None:
            if code != "name_former" and _named(evidence, code, _fold(name or ""), _fold(kana or "")):
                code = "name_of_another"
            if code in {"name_of_another", "name_differs", "given_name_differs"}:
                _neighbour(evidence, found)
            found.append((code, {}))
    sex = person.get("sex")
    if sex and evidence.sex and "0" not in (sex, evidence.sex) and sex != evidence.sex:
        found.append(("sex_differs", {}))


def compare_names(name: str | None, kana: str | None, names: Names) -> str | None:
    """Return in what a written name differs from the register's, None when in nothing that counts.

    Forms of kanji, width, kind and size of kana make no difference. name_former: an earlier name or an
    alias. kanji_differs, kana_differs: one agrees, the other does not. given_name_differs: only the family
    name agrees, as with brothers and sisters.
    """
    key, kana_key = _fold(name or ""), _fold(kana or "")
    theirs, their_kana = _fold(names.name), _fold(names.kana or "")
    if key in {_fold(other) for other in names.others} and key:
        return "name_former"
    name_same = not key or key == theirs or (bool(their_kana) and key == their_kana)
    kana_same = not kana_key or not their_kana or kana_key == their_kana
    if name_same and kana_same:
        return None
    if name_same and key:
        return "kana_differs"
    if kana_same and kana_key and their_kana:
        return "kanji_differs"
    written, known = (names.name, key) if key else (names.kana or "", kana_key)
    family, _space, given = written.replace("\u3000", " ").strip().partition(" ")
    if given and known.startswith(_fold(family)):
        return "given_name_differs"
    return "name_differs"


def _named(evidence: Evidence, code: str, key: str, kana: str) -> bool:
    """Tell whether another resident with this birth date is called so.

    Where the name differs altogether one of kanji and kana is enough; where one of them is the owner's, too,
    both have to be the other's.
    """
    apart = code in {"name_differs", "given_name_differs"}
    for one in evidence.alike:
        same = bool(key) and key == _fold(one.names.name)
        sounds = bool(kana) and kana == _fold(one.names.kana or "")
        if (apart and (same or sounds)) or (same and (sounds or not kana or not one.names.kana)):
            return True
    return False


def _neighbour(evidence: Evidence, found: list[tuple[str, dict[str, Any]]]) -> None:
    """Add that a slip of one digit would mean another resident with the same birth date (twins, often)."""
    number = evidence.row.person.get("business_atena_number") or evidence.row.person.get("atena_number")
    if number and any(near(number, one.number) for one in evidence.alike):
        found.append(("number_near", {}))


def near(one: str, other: str) -> bool:
    """Tell whether two numbers of the same length differ by one digit, or by two neighbours that swapped."""
    if one == other or len(one) != len(other):
        return False
    differing = [at for at in range(len(one)) if one[at] != other[at]]
    if len(differing) == 1:
        return True
    if len(differing) != 2 or differing[1] != differing[0] + 1:  # noqa: PLR2004 - two neighbours
        return False
    first, second = differing
    return one[first] == other[second] and one[second] == other[first]


def _dose(evidence: Evidence, found: list[tuple[str, dict[str, Any]]]) -> None:
    dose = evidence.row.dose
    given = date.fromisoformat(dose["given_on"]) if dose.get("given_on") else None
    if evidence.nearest is not None and 0 < evidence.nearest < CLOSE_DAYS:
        found.append(("too_close", {"days": evidence.nearest}))
    if evidence.edge is not None and evidence.edge <= EDGE_DAYS:
        found.append(("window_edge", {"days": evidence.edge}))
    if given is not None:
        if dose["given_on"] == evidence.row.person.get("birth"):
            found.append(("day_of_birth", {}))
        if (evidence.handed_in - given).days > LONG_AGO_DAYS:
            found.append(("long_ago", {"years": (evidence.handed_in - given).days // 365}))
    if evidence.place is None and dose.get("institution_name"):
        found.append(("institution_unknown", {}))
    if evidence.sex_wanted and evidence.sex in {"1", "2"} and evidence.sex != evidence.sex_wanted:
        found.append(("sex_of_vaccine", {}))
    if evidence.lot is not None and (code := _lot(evidence.lot, given)):
        found.append((code, {}))


#: A lot that a file has so seldom, while the file has many doses of the vaccine, is more likely a slip.
_SELDOM, _MANY = 2, 20


def _lot(lot: LotUse, given: date | None) -> str | None:
    if lot.first is None or lot.last is None:
        if lot.with_others:
            return "lot_of_other"
        return "lot_new" if 0 < lot.in_file <= _SELDOM and lot.of_vaccine >= _MANY else None
    if given is None:
        return None
    outside = max((lot.first - given).days, (given - lot.last).days)
    return "lot_day" if outside > LOT_DAYS else None
