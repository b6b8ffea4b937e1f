"""What papers say of the people of a made-up city, with slips of every kind, and who is truly meant.

The slips are those that the matching is measured with (``bench.matching``): the same seed gives the same
cases of the same city. Nothing is written anywhere.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, text

from yvaxportal.values.kana import katakana_to_hiragana
from yvaxportal.values.variants import GROUPS

_PEOPLE = text(
    "SELECT r.id, r.business_atena_number, r.date_of_birth, r.name, coalesce(r.name_kana, ''), r.sex, "
    "coalesce(c.current_address, ''), coalesce(r.former_name, ''), r.household_number "
    "FROM resident r LEFT JOIN resident_contact c ON c.resident_id = r.id "
    "WHERE r.resident_category = 'resident' AND r.date_of_birth IS NOT NULL "
    "AND NOT r.support_measure_flag AND r.name LIKE :spaced ORDER BY r.id"
)
_MERGED = text(
    "SELECT g.kept_resident_id, m.business_atena_number FROM resident_merge g "
    "JOIN resident m ON m.id = g.merged_resident_id WHERE g.undone_at IS NULL ORDER BY g.id"
)
_SPACE = "\u3000"
_VARIANTS: Mapping[str, str] = MappingProxyType(
    {group[0]: group[1] for group in GROUPS} | {other: group[0] for group in GROUPS for other in group[1:]}
)
_NOT_AGAIN = 31


@dataclass(frozen=True, slots=True)
class Someone:
    """A resident as the register has them."""

    id: int
    number: str
    born: date
    name: str
    kana: str
    sex: str
    address: str
    former_name: str
    household: str


@dataclass(frozen=True, slots=True)
class Case:
    """What a paper says (``person``, as ``Parsed`` has it), and whose it is; None for nobody of the city."""

    kind: str
    person: Mapping[str, Any]
    truth: int | None


class Cases:
    """Makes cases about one city."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up data
        self._people = [Someone(*row) for row in connection.execute(_PEOPLE, {"spaced": f"%{_SPACE}%"})]
        self._merged = {row[0]: row[1] for row in connection.execute(_MERGED)}
        homes: dict[tuple[str, date], list[Someone]] = defaultdict(list)
        for one in self._people:
            homes[one.household, one.born].append(one)
        self._twins = [
            (pair[0], pair[1])
            for pair in homes.values()
            # Of twins with one name nobody could say which is meant.
            if len(pair) > 1 and _family(pair[0]) == _family(pair[1]) and pair[0].name != pair[1].name
        ]
        self._makers: Mapping[str, Callable[[Someone], Case | None]] = {
            "as_registered": self._as_registered,
            "digits_swapped": self._digits_swapped,
            "digit_wrong": self._digit_wrong,
            "birth_slip": self._birth_slip,
            "digits_swapped_and_birth_slip": self._number_and_birth,
            "number_missing": lambda one: self._case("number_missing", one, business_atena_number=None),
            "kana_variants": self._kana_variants,
            "kanji_variants": self._kanji_variants,
            "name_slip": self._name_slip,
            "former_name": self._former_name,
            "name_changed": self._name_changed,
            "name_changed_and_moved": self._changed_and_moved,
            "household_moved": self._moved,
            "little_on_the_paper": self._little,
            "number_merged": self._number_merged,
            "several_slips": self._several,
            "stranger": self._stranger,
            "stranger_of_same_name": self._namesake,
            "unregistered_child": self._unregistered,
        }

    def all(self, of_each: int) -> Iterator[Case]:
        """Give up to ``of_each`` cases of each kind; fewer where the city has not so many people for it."""
        for make in self._makers.values():
            people = self._random.sample(self._people, len(self._people))
            made = 0
            for one in people:
                case = make(one)
                if case is None:
                    continue
                yield case
                made += 1
                if made == of_each:
                    break
        yield from self._of_twins(of_each)

    def _case(self, kind: str, one: Someone, **said: Any) -> Case:
        person: dict[str, Any] = {
            "business_atena_number": one.number,
            "birth": one.born.isoformat(),
            "name": one.name,
            "name_kana": one.kana,
            "sex": one.sex,
            "address": one.address,
        } | said
        return Case(kind, {name: value for name, value in person.items() if value}, one.id)

    def _as_registered(self, one: Someone) -> Case:
        return self._case("as_registered", one)

    def _digits_swapped(self, one: Someone) -> Case | None:
        swapped = self._swapped(one.number)
        return self._case("digits_swapped", one, business_atena_number=swapped) if swapped else None

    def _swapped(self, number: str) -> str | None:
        places = [at for at in range(len(number) - 1) if number[at] != number[at + 1]]
        if not places:
            return None
        at = self._random.choice(places)
        return number[:at] + number[at + 1] + number[at] + number[at + 2 :]

    def _digit_wrong(self, one: Someone) -> Case:
        at = self._random.randrange(len(one.number))
        digit = self._random.choice([other for other in "0123456789" if other != one.number[at]])
        wrong = one.number[:at] + digit + one.number[at + 1 :]
        return self._case("digit_wrong", one, business_atena_number=wrong)

    def _slipped(self, born: date) -> date:
        """Return a day that somebody may type in place of another: a neighbour, swapped, another era."""
        years = born.year
        near = [
            born + timedelta(days=1),
            born - timedelta(days=1),
            date(years, born.day, born.month) if born.day <= 12 else None,  # noqa: PLR2004 - months
            _on(years + 10, born),
            _on(years - 1, born),
            # The same year of the era before or after: 昭和 and 平成 begin 63 years apart.
            _on(years + 63, born),
        ]
        today = date(2026, 11, 1)
        return self._random.choice([day for day in near if day and day != born and day < today])

    def _birth_slip(self, one: Someone) -> Case:
        return self._case("birth_slip", one, birth=self._slipped(one.born).isoformat())

    def _number_and_birth(self, one: Someone) -> Case | None:
        swapped, slipped = self._swapped(one.number), self._slipped(one.born).isoformat()
        if swapped is None:
            return None
        kind = "digits_swapped_and_birth_slip"
        return self._case(kind, one, business_atena_number=swapped, birth=slipped)

    def _kana_variants(self, one: Someone) -> Case | None:
        if not one.kana:
            return None
        written = katakana_to_hiragana(one.kana).replace("ょう", "よう").replace(_SPACE, "")
        if self._random.random() < 0.5:  # noqa: PLR2004 - one half
            written = written.replace("おお", "おー").replace("こう", "こお").replace("う", "ー", 1)
        return self._case("kana_variants", one, business_atena_number=None, name=None, name_kana=written)

    def _kanji_variants(self, one: Someone) -> Case | None:
        written = "".join(_VARIANTS.get(char, char) for char in one.name).replace(_SPACE, " ")
        if written == one.name.replace(_SPACE, " "):
            return None
        return self._case("kanji_variants", one, business_atena_number=None, name=written, address=None)

    def _name_slip(self, one: Someone) -> Case | None:
        """Leave out a kana of the given name, and write the given name in kana."""
        family, _space, given = one.kana.partition(_SPACE)
        if len(given) < 3:  # noqa: PLR2004 - two are left
            return None
        at = self._random.randrange(len(given))
        kana = f"{family}{_SPACE}{given[:at]}{given[at + 1 :]}"
        name = f"{_family(one)}{_SPACE}{katakana_to_hiragana(given)}"
        return self._case("name_slip", one, business_atena_number=None, name=name, name_kana=kana)

    def _several(self, one: Someone) -> Case | None:
        """Slip in the kana, move, and give a birth date that is nearly right."""
        slipped = self._name_slip(one)
        if slipped is None:
            return None
        other = self._random.choice(self._people)
        said = {"name": one.name, "name_kana": slipped.person["name_kana"], "address": other.address}
        birth = (one.born + timedelta(days=1)).isoformat()
        return self._case("several_slips", one, business_atena_number=None, birth=birth, **said)

    def _former_name(self, one: Someone) -> Case | None:
        if not one.former_name:
            return None
        return self._case(
            "former_name", one, business_atena_number=None, name=one.former_name, name_kana=None, address=None
        )

    def _name_changed(self, one: Someone) -> Case:
        """Give a family name that the register does not know, as after a marriage that is not reported."""
        other = self._random.choice(self._people)
        name = f"{_family(other)}{_SPACE}{_given(one)}"
        kana = ""
        if one.kana and other.kana:
            kana = f"{other.kana.partition(_SPACE)[0]}{_SPACE}{one.kana.partition(_SPACE)[2]}"
        return self._case("name_changed", one, business_atena_number=None, name=name, name_kana=kana)

    def _changed_and_moved(self, one: Someone) -> Case:
        kind, other = "name_changed_and_moved", self._random.choice(self._people)
        person = {**self._name_changed(one).person, "address": other.address}
        return Case(kind, person, one.id)

    def _little(self, one: Someone) -> Case:
        """Give name and birth date alone."""
        missing = dict.fromkeys(("business_atena_number", "name_kana", "sex", "address"))
        return self._case("little_on_the_paper", one, **missing)

    def _moved(self, one: Someone) -> Case:
        other = self._random.choice(self._people)
        return self._case("household_moved", one, business_atena_number=None, address=other.address)

    def _number_merged(self, one: Someone) -> Case | None:
        number = self._merged.get(one.id)
        return self._case("number_merged", one, business_atena_number=number) if number else None

    def _stranger(self, one: Someone) -> Case:
        """Describe somebody who is not there: born on one's birthday, called otherwise, living elsewhere."""
        family, given, home = (self._random.choice(self._people) for _ in range(3))
        kana = (family.kana.partition(_SPACE)[0], given.kana.partition(_SPACE)[2])
        said = {
            "business_atena_number": str(700_000_000 + self._random.randrange(10_000_000)),
            "birth": _on(one.born.year, one.born + timedelta(days=_NOT_AGAIN)) or one.born,
            "name": f"{_family(family)}{_SPACE}{_given(given)}",
            "name_kana": _SPACE.join(kana) if all(kana) else "",
            "address": home.address,
            "sex": given.sex,
        }
        said["birth"] = str(said["birth"])
        return self._of_nobody("stranger", one, **said)

    def _namesake(self, one: Someone) -> Case:
        """Describe somebody elsewhere who bears a resident's name and was born on another day."""
        home = self._random.choice(self._people)
        birth = str(
            _on(one.born.year, one.born + timedelta(days=_NOT_AGAIN)) or one.born - timedelta(days=40)
        )
        kind = "stranger_of_same_name"
        return self._of_nobody(kind, one, business_atena_number=None, birth=birth, address=home.address)

    def _unregistered(self, one: Someone) -> Case:
        """Describe a brother or sister, born on the same day, whom the register does not have yet."""
        other = self._random.choice(self._people)
        kana = (one.kana.partition(_SPACE)[0], other.kana.partition(_SPACE)[2])
        said = {
            "name": f"{_family(one)}{_SPACE}{_given(other)}",
            "name_kana": _SPACE.join(kana) if all(kana) else "",
            "sex": other.sex,
        }
        return self._of_nobody("unregistered_child", one, business_atena_number=None, **said)

    def _of_nobody(self, kind: str, one: Someone, **said: Any) -> Case:
        return Case(kind, self._case(kind, one, **said).person, None)

    def _of_twins(self, of_each: int) -> Iterator[Case]:
        """Describe a twin without a number; and one with the number of the other, born on the same day."""
        pairs: Sequence[tuple[Someone, Someone]] = self._twins
        for one, _other in pairs[:of_each]:
            yield self._case("twin", one, business_atena_number=None)
        for one, other in pairs[:of_each]:
            yield self._case("number_of_twin", one, business_atena_number=other.number)


def _family(one: Someone) -> str:
    return one.name.partition(_SPACE)[0]


def _given(one: Someone) -> str:
    return one.name.partition(_SPACE)[2]


def _on(year: int, born: date) -> date | None:
    try:
        return born.replace(year=year)
    except ValueError:
        return None
