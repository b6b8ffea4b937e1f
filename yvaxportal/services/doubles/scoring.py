"""How likely two numbers are one person: the measure of imports, and what only two residents can have.

The points of names, birth dates, sex and address are those of ``services.imports.matching``; a person is
taken as the row and the other as the resident, both ways, and the better one counts. What is added here tells
namesakes and twins from doubles. Under a support measure neither address nor telephone nor household is
compared: nobody shall learn from a comparison where somebody lives.
"""

import hashlib
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any

from yvaxportal.models.codes import ResidentCategory
from yvaxportal.services.imports.matching import POSSIBLE, Known, score
from yvaxportal.values.kana import fold_name

#: From this score on a pair is called likely, below it possible; below ``POSSIBLE`` it is not listed.
LIKELY = 85
LISTED = POSSIBLE

_BIRTH_PARTLY, _BIRTH_CONTRADICTS = 25, -40
_OTHER_NAME, _NOTHING_ALIKE = 20, -25
_PHONE, _HOUSEHOLD, _FOLLOWS, _OUTSIDE = 10, 5, 5, 5
_ELSEWHERE, _ONE_DIED, _ONLY_NEARLY = -25, -15, -15
_UNKNOWN = "00"
_NAMES = frozenset({"name_same", "name_changed"})
_BESIDE = frozenset({"address_same", "phone_same", "household_same"})
_PARTS = frozenset(
    {"given_name_same", "given_name_in_kana", "given_name_differs", "kana_same", "kana_nearly"}
)


@dataclass(frozen=True, slots=True)
class Side:
    """One resident as they are compared. Where a support measure stands, the last three are None."""

    id: int
    name: str
    name_kana: str | None
    name_alphabet: str | None
    alias_name: str | None
    former_name: str | None
    date_of_birth_written: str
    sex: str
    resident_category: str
    became_resident_on: date | None
    ceased_resident_on: date | None
    support_measure_flag: bool
    household_number: str | None
    address_key: str | None
    phone_key: str | None

    @property
    def other_names(self) -> tuple[str, ...]:
        """Return what the person is or was also called."""
        return tuple(name for name in (self.former_name, self.alias_name, self.name_alphabet) if name)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two people are, 0 to 100, and in what (codes of ``forms.double_labels``)."""

    score: int
    why: tuple[str, ...]


def compare(one: Side, other: Side) -> Likeness:
    """Return how likely two residents are one person."""
    partial = _is_partial(one) or _is_partial(other)
    protected = one.support_measure_flag or other.support_measure_flag
    ways = (_score(one, other, partial, protected), _score(other, one, partial, protected))
    best = max(ways, key=lambda found: found.score)
    points, why = best.score, list(best.why)

    def add(found: tuple[int, str] | None) -> None:
        nonlocal points
        if found is not None:
            points += found[0]
            why.append(found[1])

    if partial:
        add(_birth(one, other))
    add(_other_names(one, other, why))
    if not protected:
        add(_home(one, other, why))
        add(_phone(one, other))
    add(_standing(one, other))
    add(_only_nearly(why))
    return Likeness(max(0, min(100, points)), tuple(why))


def fingerprint(one: Side, other: Side) -> str:
    """Return what names all that was compared of two people, whichever comes first."""
    sides = sorted((one, other), key=lambda side: side.id)
    return hashlib.blake2b(repr([astuple(side) for side in sides]).encode(), digest_size=12).hexdigest()


def _score(one: Side, other: Side, partial: bool, protected: bool) -> Likeness:
    person: dict[str, Any] = {
        "birth": None if partial else one.date_of_birth_written,
        "name": one.name,
        "name_kana": one.name_kana or "",
        "sex": one.sex,
        "address": None if protected else one.address_key,
    }
    known = Known(
        other.id,
        other.name,
        other.name_kana,
        other.other_names,
        other.date_of_birth_written,
        other.sex,
        None if protected else other.address_key,
    )
    found = score(person, known)
    return Likeness(found.score, found.why)


def _is_partial(side: Side) -> bool:
    return _UNKNOWN in side.date_of_birth_written[5:].split("-")


def _birth(one: Side, other: Side) -> tuple[int, str]:
    """Compare birth dates of which one is not wholly known: what both know has to agree."""
    parts = zip(one.date_of_birth_written.split("-"), other.date_of_birth_written.split("-"), strict=True)
    if all(ours == theirs or _UNKNOWN in {ours, theirs} for ours, theirs in parts):
        return _BIRTH_PARTLY, "birth_partly"
    return _BIRTH_CONTRADICTS, "birth_contradicts"


def _only_nearly(why: list[str]) -> tuple[int, str] | None:
    """Count against a birth date that differs when nothing tells of one home: namesakes of about one age."""
    alone = "birth_nearly" in why and _BESIDE.isdisjoint(why)
    return (_ONLY_NEARLY, "nearly_and_nothing_else") if alone else None


def _other_names(one: Side, other: Side, why: list[str]) -> tuple[int, str] | None:
    if not _NAMES.isdisjoint(why):
        return None
    ours, theirs = ({fold_name(name) for name in side.other_names} - {""} for side in (one, other))
    if ours & theirs:
        return _OTHER_NAME, "other_name_same"
    return (_NOTHING_ALIKE, "names_differ") if _PARTS.isdisjoint(why) else None


def _home(one: Side, other: Side, why: list[str]) -> tuple[int, str] | None:
    if one.household_number and one.household_number == other.household_number:
        return None if "given_name_differs" in why else (_HOUSEHOLD, "household_same")
    residents = {one.resident_category, other.resident_category} == {ResidentCategory.RESIDENT.value}
    known = bool(one.address_key and other.address_key)
    if residents and known and "address_same" not in why:
        # Two living residents of two households: namesakes rather than one person.
        return _ELSEWHERE, "lives_elsewhere"
    return None


def _phone(one: Side, other: Side) -> tuple[int, str] | None:
    return (_PHONE, "phone_same") if one.phone_key and one.phone_key == other.phone_key else None


def _standing(one: Side, other: Side) -> tuple[int, str] | None:
    """Compare what the register says of both: moved out and in again, outside the register, died."""
    categories = {one.resident_category, other.resident_category}
    if categories == {ResidentCategory.DECEASED.value, ResidentCategory.RESIDENT.value}:
        return _ONE_DIED, "one_died"
    if categories == {ResidentCategory.NON_REGISTERED.value, ResidentCategory.RESIDENT.value}:
        return _OUTSIDE, "one_outside_register"
    if categories == {ResidentCategory.MOVED_OUT.value, ResidentCategory.RESIDENT.value}:
        left = one if one.resident_category == ResidentCategory.MOVED_OUT else other
        came = other if left is one else one
        if (
            left.ceased_resident_on
            and came.became_resident_on
            and left.ceased_resident_on <= came.became_resident_on
        ):
            return _FOLLOWS, "moved_out_and_in"
    return None
