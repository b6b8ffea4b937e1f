"""Who a row may be about when its number is nobody's: scored, explained, and never applied by itself.

Certain is one thing only: the number and the birth date (M08). A number that differs never matches; what is
found here is shown to a person, who decides.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, text

from yvaxportal.services.imports.doubt import near
from yvaxportal.services.imports.parsing import Parsed
from yvaxportal.values.kana import fold_address, fold_name, is_kana

#: A candidate is named from this score on; of 100 points.
POSSIBLE = 60
MOST = 3

_BIRTH, _BIRTH_NEARLY = 40, 15
_NAME, _NAME_IN_KANA, _KANA, _KANA_NEARLY, _GIVEN = 25, 15, 20, 10, 12
_SEX, _OTHER_SEX = 5, -20
_ADDRESS, _TOWN, _FORMER_ADDRESS = 15, 7, 10
_NUMBER_NEARLY, _HOUSEHOLD = 15, 10
_TWIN = -25
_ALIKE = 0.8
_TOWN_LENGTH = 6
#: Larger households are homes and the like: that two live there says nothing.
_LARGEST_HOUSEHOLD = 12

_fold = lru_cache(maxsize=65_536)(fold_name)
_fold_address = lru_cache(maxsize=8_192)(fold_address)

# Everybody born on the day that the row states, and everybody of the name, whatever the birth date. A number
# that was joined into another one is nobody any more: its person is found under the other.
_CANDIDATES = text(
    "WITH wanted AS (SELECT * FROM unnest(CAST(:rows AS int[]), CAST(:births AS text[]), "
    "CAST(:names AS text[]), CAST(:kanas AS text[])) AS w(row, birth, name, kana)), "
    "found AS ("
    "SELECT w.row, n.resident_id FROM wanted w JOIN resident_name n ON n.key IN (w.name, w.kana) "
    "WHERE n.key <> '' UNION "
    "SELECT w.row, r.id FROM wanted w JOIN resident r ON r.date_of_birth_written = w.birth) "
    "SELECT f.row, r.id, r.business_atena_number, r.name, r.name_kana, r.former_name, r.alias_name, "
    "r.date_of_birth_written, r.sex, r.support_measure_flag, c.address_key, c.address_before_moving_in, "
    "c.address_after_moving_out, r.household_number "
    "FROM found f JOIN resident r ON r.id = f.resident_id "
    "LEFT JOIN resident_contact c ON c.resident_id = r.id "
    "WHERE NOT EXISTS (SELECT 1 FROM resident_merge g WHERE g.merged_resident_id = r.id "
    "AND g.undone_at IS NULL) ORDER BY f.row, r.id"
)
# Nothing is joined across a support measure, in either direction.
_HOUSEHOLDS = text(
    "SELECT m.household_number, m.id, m.name, m.former_name FROM resident m "
    "WHERE m.household_number = ANY(:households) AND NOT m.support_measure_flag "
    "ORDER BY m.household_number, m.id"
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
    """A resident as candidates are compared; ``household``: the names of those who live with them."""

    resident_id: int
    name: str
    name_kana: str | None
    other_names: tuple[str, ...]
    birth: str
    sex: str
    address_key: str | None
    number: str = ""
    former_addresses: tuple[str, ...] = ()
    household: tuple[str, ...] = ()


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
    doubtful: list[tuple[int, Known, str]] = []
    for number, key, *known in connection.execute(_CANDIDATES, parameters):
        person, household = _known(key, known)
        candidate = score(asked[number].person, person)
        if candidate.score >= POSSIBLE:
            found.setdefault(number, []).append(candidate)
        elif candidate.score >= POSSIBLE - _HOUSEHOLD and household:
            doubtful.append((number, person, household))
    for number, candidate in _with_households(connection, asked, doubtful):
        found.setdefault(number, []).append(candidate)
    return {
        number: sorted(people, key=lambda one: (-one.score, one.resident_id))[:MOST]
        for number, people in found.items()
    }


def _known(key: int, columns: Sequence[Any]) -> tuple[Known, str]:
    """Return a resident to be compared, and the household to ask for (empty: none may be)."""
    number, name, kana, former, alias, birth, sex, protected, address, before, after, household = columns
    others = tuple(other for other in (former, alias) if other)
    if protected:
        # Where and with whom somebody under a support measure lives shall not be learnt from a comparison.
        return Known(key, name, kana, others, birth, sex, None, number), ""
    earlier = tuple(_fold_address(one) for one in (before, after) if one)
    return Known(key, name, kana, others, birth, sex, address, number, earlier), household


def _with_households(
    connection: Connection, asked: Mapping[int, Parsed], doubtful: Sequence[tuple[int, Known, str]]
) -> Iterator[tuple[int, Candidate]]:
    """Give those whom their household makes possible: asked for only where it can decide."""
    if not doubtful:
        return
    members: dict[str, list[tuple[int, str]]] = defaultdict(list)
    households = sorted({household for _number, _known, household in doubtful})
    for household, key, name, former in connection.execute(_HOUSEHOLDS, {"households": households}):
        members[household] += [(key, one) for one in (name, former) if one]
    for number, known, household in doubtful:
        others = tuple(name for key, name in members[household] if key != known.resident_id)
        if len(members[household]) > _LARGEST_HOUSEHOLD:
            continue
        candidate = score(asked[number].person, replace(known, household=others))
        if candidate.score >= POSSIBLE:
            yield number, candidate


def score(person: Mapping[str, Any], known: Known) -> Candidate:
    """Return how well a row's person and a resident agree, 0 to 100, and in what."""
    points, why = 0, []
    for found in (
        _number(person.get("business_atena_number"), known.number),
        _birth(person.get("birth"), known.birth),
        *_names(person, known),
        _household(person.get("name"), known),
        _sex(person.get("sex"), known.sex),
        _address(person.get("address"), known),
    ):
        if found is not None:
            points += found[0]
            why.append(found[1])
    return Candidate(known.resident_id, max(0, min(100, points)), tuple(why))


def _number(ours: str | None, theirs: str) -> tuple[int, str] | None:
    return (_NUMBER_NEARLY, "number_nearly") if ours and near(ours, theirs) else None


def _household(name: str | None, known: Known) -> tuple[int, str] | None:
    """Say that somebody lives with the resident who bears the family name that the row states.

    So it is after a marriage or a divorce: the name on the paper is the household's, the register's not yet,
    or no longer.
    """
    ours = _fold(name or "")
    if not ours or ours == _fold(known.name):
        return None
    for member in known.household:
        family, given = _parts(member)
        if given and ours.startswith(family) and not _fold(known.name).startswith(family):
            return _HOUSEHOLD, "household_name"
    return None


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
    if name and name in {_fold(known.name), their_kana}:
        found.append((_NAME, "name_same"))
    elif name and name in {_fold(other) for other in known.other_names}:
        found.append((_NAME, "name_changed"))
    elif name and _given_same(name, known.name):
        found.append((_GIVEN, "given_name_same"))
    elif name and _given_in_kana(name, known):
        found.append((_NAME_IN_KANA, "given_name_in_kana"))
    elif name and _twin(name, known.name):
        found.append((_TWIN, "given_name_differs"))
    if kana and their_kana:
        if kana == their_kana:
            found.append((_KANA, "kana_same"))
        elif _alike(kana, their_kana):
            found.append((_KANA_NEARLY, "kana_nearly"))
    return found


def _given_in_kana(ours: str, known: Known) -> bool:
    """Tell whether the family name is the register's and the given name its kana, nearly at least."""
    family, _given = _parts(known.name)
    _family_kana, given_kana = _parts(known.name_kana or "")
    if not (family and given_kana and ours.startswith(family)):
        return False
    ours = ours[len(family) :]
    return ours == given_kana or (bool(ours) and is_kana(ours) and _alike(ours, given_kana))


def _alike(one: str, other: str) -> bool:
    # The cheap question first: most of those who were born on the same day are called quite otherwise.
    if one[0] != other[0] and one[-1] != other[-1]:
        return False
    compared = SequenceMatcher(None, one, other)
    return compared.quick_ratio() >= _ALIKE and compared.ratio() >= _ALIKE


@lru_cache(maxsize=65_536)
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


def _address(ours: str | None, known: Known) -> tuple[int, str] | None:
    if not ours:
        return None
    key = _fold_address(ours)
    if known.address_key and _same_address(key, known.address_key):
        return _ADDRESS, "address_same"
    if any(_same_address(key, earlier) for earlier in known.former_addresses):
        return _FORMER_ADDRESS, "address_former"
    if not known.address_key:
        return None
    shared = SequenceMatcher(None, key, known.address_key).find_longest_match().size
    return (_TOWN, "town_same") if shared >= _TOWN_LENGTH else None


def _same_address(one: str, other: str) -> bool:
    return bool(one and other) and (one == other or other.endswith(one) or one.endswith(other))
