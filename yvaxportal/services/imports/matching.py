"""Who a row may be about when its number is nobody's: scored, explained, and never applied by itself.

Certain is one thing only: the number and the birth date (M08). A number that differs never matches; what is
found here is shown to a person, who decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, text

from yvaxportal.services.imports.parsing import Parsed
from yvaxportal.values.kana import fold_address, fold_name

#: A candidate is named from this score on; of 100 points.
POSSIBLE = 60
MOST = 3

_BIRTH, _BIRTH_NEARLY = 40, 15
_NAME, _KANA, _KANA_NEARLY, _GIVEN = 25, 20, 10, 12
_SEX, _OTHER_SEX = 5, -20
_ADDRESS, _TOWN = 15, 7
_TWIN = -25
_ALIKE = 0.8
_TOWN_LENGTH = 6

_fold = lru_cache(maxsize=65_536)(fold_name)

_CANDIDATES = text(
    "WITH wanted AS (SELECT * FROM unnest(CAST(:rows AS int[]), CAST(:births AS text[]), "
    "CAST(:names AS text[]), CAST(:kanas AS text[])) AS w(row, birth, name, kana)), "
    "found AS ("
    "SELECT w.row, n.resident_id FROM wanted w JOIN resident_name n ON n.key IN (w.name, w.kana) "
    "WHERE n.key <> '' UNION "
    "SELECT w.row, n.resident_id FROM wanted w JOIN resident_name n ON n.date_of_birth_written = w.birth "
    "AND left(n.key, 1) IN (left(w.name, 1), left(w.kana, 1), right(w.name, 1))) "
    "SELECT f.row, r.id, r.name, r.name_kana, r.former_name, r.alias_name, r.date_of_birth_written, r.sex, "
    "r.support_measure_flag, c.address_key "
    "FROM found f JOIN resident r ON r.id = f.resident_id "
    "LEFT JOIN resident_contact c ON c.resident_id = r.id ORDER BY f.row, r.id"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody a row may be about; ``why`` are codes of ``forms.import_labels``."""

    resident_id: int
    score: int
    why: tuple[str, ...]

    def stored(self) -> dict[str, Any]:
        """Return what the table keeps."""
        return {"id": self.resident_id, "score": self.score, "why": list(self.why)}


@dataclass(frozen=True, slots=True)
class Known:
    """A resident as candidates are compared."""

    resident_id: int
    name: str
    name_kana: str | None
    other_names: tuple[str, ...]
    birth: str
    sex: str
    address_key: str | None


def find_candidates(connection: Connection, rows: Mapping[int, Parsed]) -> dict[int, list[Candidate]]:
    """Return for each row up to three people it may be about, the likeliest first."""
    asked = {number: row for number, row in rows.items() if row.person.get("birth")}
    if not asked:
        return {}
    parameters = {
        "rows": list(asked),
        "births": [row.person["birth"] for row in asked.values()],
        "names": [_fold(row.person.get("name", "")) for row in asked.values()],
        "kanas": [_fold(row.person.get("name_kana", "")) for row in asked.values()],
    }
    found: dict[int, list[Candidate]] = {}
    for number, key, name, kana, former, alias, birth, sex, protected, address in connection.execute(
        _CANDIDATES, parameters
    ):
        others = tuple(other for other in (former, alias) if other)
        # Where somebody under a support measure lives shall not be learnt from a comparison.
        known = Known(key, name, kana, others, birth, sex, None if protected else address)
        candidate = score(asked[number].person, known)
        if candidate.score >= POSSIBLE:
            found.setdefault(number, []).append(candidate)
    return {
        number: sorted(people, key=lambda one: (-one.score, one.resident_id))[:MOST]
        for number, people in found.items()
    }


def score(person: Mapping[str, Any], known: Known) -> Candidate:
    """Return how well a row's person and a resident agree, 0 to 100, and in what."""
    points, why = 0, []
    for found in (
        _birth(person.get("birth"), known.birth),
        *_names(person, known),
        _sex(person.get("sex"), known.sex),
        _address(person.get("address"), known.address_key),
    ):
        if found is not None:
            points += found[0]
            why.append(found[1])
    return Candidate(known.resident_id, max(0, min(100, points)), tuple(why))


def _birth(ours: str | None, theirs: str) -> tuple[int, str] | None:
    if not ours:
        return None
    if ours == theirs:
        return _BIRTH, "birth_same"
    same = sum(one == other for one, other in zip(ours.split("-"), theirs.split("-"), strict=False))
    swapped = ours[:4] == theirs[:4] and ours[5:7] == theirs[8:] and ours[8:] == theirs[5:7]
    return (_BIRTH_NEARLY, "birth_nearly") if same == 2 or swapped else None  # noqa: PLR2004 - two of three


def _names(person: Mapping[str, Any], known: Known) -> Sequence[tuple[int, str] | None]:
    name, kana = _fold(person.get("name", "")), _fold(person.get("name_kana", ""))
    found: list[tuple[int, str] | None] = []
    their_kana = _fold(known.name_kana or "")
    if name and name == _fold(known.name):
        found.append((_NAME, "name_same"))
    elif name and name in {_fold(other) for other in known.other_names}:
        found.append((_NAME, "name_changed"))
    elif name and _given_same(name, known.name):
        found.append((_GIVEN, "given_name_same"))
    elif name and _twin(name, known.name):
        found.append((_TWIN, "given_name_differs"))
    if kana and their_kana:
        if kana == their_kana:
            found.append((_KANA, "kana_same"))
        elif SequenceMatcher(None, kana, their_kana).ratio() >= _ALIKE:
            found.append((_KANA_NEARLY, "kana_nearly"))
    return found


def _parts(name: str) -> tuple[str, str]:
    family, _space, given = name.replace("\u3000", " ").strip().partition(" ")
    return _fold(family), _fold(given)


def _given_same(ours: str, theirs: str) -> bool:
    """Tell whether only the family name differs, as after a marriage."""
    family, given = _parts(theirs)
    return bool(given) and ours.endswith(given) and not ours.startswith(family)


def _twin(ours: str, theirs: str) -> bool:
    """Tell whether only the given name differs, as with twins and other brothers and sisters."""
    family, given = _parts(theirs)
    return bool(family and given) and ours.startswith(family) and not ours.endswith(given)


def _sex(ours: str | None, theirs: str) -> tuple[int, str] | None:
    if not ours or "0" in (ours, theirs):
        return None
    return (_SEX, "sex_same") if ours == theirs else (_OTHER_SEX, "sex_differs")


def _address(ours: str | None, theirs: str | None) -> tuple[int, str] | None:
    if not ours or not theirs:
        return None
    key = fold_address(ours)
    if key == theirs or theirs.endswith(key) or key.endswith(theirs):
        return _ADDRESS, "address_same"
    shared = SequenceMatcher(None, key, theirs).find_longest_match().size
    return (_TOWN, "town_same") if shared >= _TOWN_LENGTH else None
