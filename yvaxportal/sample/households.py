"""Households: who lives with whom, at which ages, so that the whole looks like a provincial city."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from yvaxportal.sample.choice import Weighted, between, chance, one_of
from yvaxportal.sample.names import Names, Word
from yvaxportal.sample.people import Person
from yvaxportal.sample.places import Home, Places

HEAD, WIFE, HUSBAND, CHILD = "世帯主", "妻", "夫", "子"

_DAYS_IN_YEAR = 365.2425
_LEAVES_HOME_FROM, _LEAVES_HOME_SHARE = 19, 0.72
_TWIN_SHARE = 0.012
_SETTLED_AT, _WIDOWED_AT = 60, 70

# Age of the person a household is built around, and how often.
_ANCHORS = Weighted(
    [(20, 24), (25, 29), (30, 34), (35, 39), (40, 44), (45, 49), (50, 54), (55, 59),
     (60, 64), (65, 69), (70, 74), (75, 79), (80, 84), (85, 89), (90, 98)],
    [7, 6.5, 6, 7, 8, 10, 12, 10.5, 11, 11, 13, 14.5, 12, 8.5, 4],
)  # fmt: skip
_KINDS = ("single", "couple", "family", "single_parent", "three_generations", "parent_and_child")
_YOUNG = Weighted(_KINDS, [72, 12, 12, 3, 1, 0])
_MIDDLE = Weighted(_KINDS, [20, 13, 50, 7, 8, 2])
_OLDER = Weighted(_KINDS, [22, 28, 30, 4, 6, 10])
_ELDERLY = Weighted(_KINDS, [35, 44, 0, 0, 5, 16])
_CHILDREN = Weighted([1, 2, 3, 4], [32, 48, 17, 3])


@dataclass(frozen=True, slots=True)
class Builder:
    """What households are made of."""

    names: Names
    places: Places
    today: date

    def household(self, rng: Random) -> list[Person]:
        """Return the members of one household, the head first."""
        age = between(rng, *_ANCHORS.pick(rng))
        kind = self._kind(rng, age)
        surname = self.names.surname(rng)
        home = self.places.home(rng, flat=kind == "single" and age < _SETTLED_AT)
        return _Household(self, rng, surname, home).build(kind, age)

    @staticmethod
    def _kind(rng: Random, age: int) -> str:
        for until, kinds in ((29, _YOUNG), (49, _MIDDLE), (64, _OLDER)):
            if age <= until:
                return kinds.pick(rng)
        return _ELDERLY.pick(rng)


class _Household:
    def __init__(self, builder: Builder, rng: Random, surname: Word, home: Home) -> None:
        self._builder, self._rng, self._surname, self._home = builder, rng, surname, home

    def build(self, kind: str, age: int) -> list[Person]:
        rng = self._rng
        if kind == "couple":
            return self._couple(age)
        if kind == "family":
            parents = self._couple(age)
            return parents + self._children(parents[1], CHILD)
        if kind == "single_parent":
            parent = self._person(age, "2" if chance(rng, 0.85) else "1", HEAD)
            return [parent, *self._children(parent, CHILD)]
        if kind == "three_generations":
            return self._three_generations(age)
        if kind == "parent_and_child":
            parent = self._person(age, "2" if chance(rng, 0.75) else "1", HEAD)
            return [parent, self._person(max(20, age - between(rng, 24, 34)), one_of(rng, "12"), CHILD)]
        # Women live longer, young men come for work.
        women = 0.75 if age >= _WIDOWED_AT else 0.42
        return [self._person(age, "2" if rng.random() < women else "1", HEAD)]

    def _couple(self, age: int, husband: str = HEAD, wife: str = WIFE) -> list[Person]:
        rng = self._rng
        man = self._person(age, "1", husband)
        woman = self._person(max(19, age - between(rng, -3, 6)), "2", wife)
        if husband == HEAD and chance(rng, 0.04):
            man.relationship, woman.relationship = HUSBAND, HEAD
            return [woman, man]
        if chance(rng, 0.015):
            woman.relationship = f"{wife}（未届）"
        return [man, woman]

    def _children(self, parent: Person, relationship: str) -> list[Person]:
        rng, today = self._rng, self._builder.today
        count = _CHILDREN.pick(rng)
        parents_age = parent.age_on(today)
        first_at = between(rng, 22, 36)
        if parents_age - first_at < 0:
            first_at = max(18, parents_age - between(rng, 0, 4))
        age, children = parents_age - first_at, []
        while count > 0 and age >= 0:
            if age < _LEAVES_HOME_FROM or not chance(rng, _LEAVES_HOME_SHARE):
                child = self._person(age, one_of(rng, "12"), relationship)
                children.append(child)
                if chance(rng, _TWIN_SHARE):
                    twin = self._person(age, one_of(rng, "12"), relationship)
                    twin.birth = child.birth
                    children.append(twin)
            age -= between(rng, 2, 4)
            count -= 1
        return children

    def _three_generations(self, age: int) -> list[Person]:
        rng = self._rng
        if age < _SETTLED_AT:  # the middle generation is the head
            parents = self._couple(age)
            mother = self._person(age + between(rng, 22, 32), "2", "母")
            return parents + self._children(parents[1], CHILD) + [mother]
        grandparent = self._person(age, one_of(rng, "12"), HEAD)
        couple = self._couple(max(26, age - between(rng, 25, 33)), CHILD, "子の妻")
        return [grandparent, *couple, *self._children(couple[1], "子の子")]

    def _person(self, age: int, sex: str, relationship: str) -> Person:
        rng, builder = self._rng, self._builder
        birth = builder.today - timedelta(days=int((age + rng.random()) * _DAYS_IN_YEAR))
        given = builder.names.given(rng, sex, birth.year)
        return Person(self._surname, given, sex, birth, relationship, self._home)
