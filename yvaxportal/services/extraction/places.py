"""Reading towns and school districts as a clerk types them: several, with commas, by name or code."""

import re
from collections.abc import Sequence

from yvaxportal.services.extraction.lists import Town
from yvaxportal.values.kana import fold_address

_BETWEEN = re.compile(r"[,、，;；\s]+")
_SHOWN = 4


class UnknownPlaceError(ValueError):
    """Nothing is called so. ``name`` is what was typed."""

    def __init__(self, name: str) -> None:
        super().__init__("no such place")
        self.name = name


class AmbiguousPlaceError(ValueError):
    """Several are called so. ``some`` of them are given."""

    def __init__(self, name: str, some: Sequence[str]) -> None:
        super().__init__("several such places")
        self.name = name
        self.some = tuple(some)[:_SHOWN]


def read_towns(typed: str, towns: Sequence[Town]) -> tuple[str, ...]:
    """Return the codes of the towns that were typed.

    A name stands for every part of the town (錦町 for 錦町一丁目 and 錦町二丁目), a code for itself.

    :raises UnknownPlaceError: one of them is no town.
    """
    found: dict[str, None] = {}
    for name in _names(typed):
        folded = fold_address(name)
        codes = [
            town.code
            for town in towns
            if town.code == name or (folded and fold_address(town.name).startswith(folded))
        ]
        if not codes:
            raise UnknownPlaceError(name)
        found |= dict.fromkeys(codes)
    return tuple(found)


def read_schools(typed: str, schools: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the school districts that were typed, as the register writes them.

    :raises UnknownPlaceError: one of them is none.
    :raises AmbiguousPlaceError: one of them can be several and is none exactly.
    """
    found: dict[str, None] = {}
    for name in _names(typed):
        exact = [school for school in schools if school == name]
        beginning = exact or [school for school in schools if school.startswith(name)]
        if not beginning:
            raise UnknownPlaceError(name)
        if len(beginning) > 1:
            raise AmbiguousPlaceError(name, beginning)
        found[beginning[0]] = None
    return tuple(found)


def _names(typed: str) -> list[str]:
    return [name for name in _BETWEEN.split(typed) if name]
