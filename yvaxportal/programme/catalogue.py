"""The vaccines that can be recorded and the series they belong to, read from ``vaccines.toml``."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import date
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

SHIPPED = Path(__file__).with_name("vaccines.toml")

_RECORD_GROUPS = frozenset({"infant_dose", "elderly_dose", "covid19"})
_PNEUMOCOCCAL_TYPES = frozenset({None, "7", "13", "15", "20", "23"})
_CODE = re.compile(r"[a-z][a-z0-9_]*")
_MOST_DOSES = 99
_TYPES: Mapping[str, type] = {
    "order": int,
    "doses": int,
    "manufacturers": list,
    **dict.fromkeys(("live", "injectable", "unverified"), bool),
    **dict.fromkeys(("valid_from", "valid_to", "routine_from", "routine_to"), date),
}


class CatalogueError(ValueError):
    """The file of vaccines is wrong. The text names the file, the entry and the mistake."""


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """A series of doses against the same diseases; ``order`` is its place in lists and timelines."""

    code: str
    name_ja: str
    name_en: str
    order: int


@dataclass(frozen=True, slots=True)
class Vaccine:
    """One vaccine as staff choose it. Dates are inclusive; an absent last day means "still".

    ``record_group`` is a value of ``models.codes.RecordGroup``, ``pneumococcal_type`` one of
    ``PneumococcalType``. ``doses`` is the greatest dose number of the legal course (of one season, for what
    is given every season). ``valid_*``: when it could be given in Japan at all; ``routine_*``: when under the
    law, None for what never was. ``kind`` and ``product_name`` are items covid19 11 and 12. ``unverified``:
    the dates rest on no public text that was read, so the municipality confirms them.
    """

    code: str
    name_ja: str
    name_en: str
    short_ja: str
    series: str
    record_group: str
    doses: int
    valid_from: date
    citation: str
    valid_to: date | None = None
    routine_from: date | None = None
    routine_to: date | None = None
    live: bool = False
    injectable: bool = True
    pneumococcal_type: str | None = None
    lot_pattern: str | None = None
    manufacturers: tuple[str, ...] = ()
    kind: str | None = None
    product_name: str | None = None
    unverified: bool = False

    def in_force(self, day: date) -> bool:
        """Tell whether the vaccine could be given on ``day``."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def is_routine(self, day: date) -> bool:
        """Tell whether the vaccine was part of the legal programme on ``day``, for whoever its target is."""
        if self.routine_from is None or day < self.routine_from:
            return False
        return self.routine_to is None or day <= self.routine_to

    def is_lot_number(self, text: str) -> bool:
        """Tell whether ``text`` has the form of this vaccine's lot numbers; True where no form is known."""
        return self.lot_pattern is None or re.fullmatch(self.lot_pattern, text) is not None


_Entry = TypeVar("_Entry", SeriesInfo, Vaccine)


@dataclass(frozen=True)
class Catalogue:
    """All vaccines by code and all series by code, in the order in which lists show them."""

    vaccines: Mapping[str, Vaccine]
    series_by_code: Mapping[str, SeriesInfo]

    def get(self, code: str) -> Vaccine | None:
        """Return the vaccine, None for an unknown code."""
        return self.vaccines.get(code)

    def series(self) -> Mapping[str, SeriesInfo]:
        """Return the series by code, in order."""
        return self.series_by_code

    def in_force(self, day: date) -> tuple[Vaccine, ...]:
        """Return the vaccines that could be given on ``day``, by series."""
        return tuple(vaccine for vaccine in self._in_order if vaccine.in_force(day))

    def of_series(self, code: str) -> tuple[Vaccine, ...]:
        """Return the vaccines of a series; empty for an unknown one."""
        return tuple(vaccine for vaccine in self._in_order if vaccine.series == code)

    @cached_property
    def _in_order(self) -> tuple[Vaccine, ...]:
        # Sorting is stable: within a series the order of the file is kept.
        return tuple(sorted(self.vaccines.values(), key=lambda v: self.series_by_code[v.series].order))


def load_catalogue(extra: Path | None = None) -> Catalogue:
    """Return the shipped catalogue; entries of ``extra`` are added, or replace the shipped one of that code.

    :raises CatalogueError: a file is no TOML, or an entry is incomplete or contradicts itself.
    """
    series: dict[str, SeriesInfo] = {}
    vaccines: dict[str, Vaccine] = {}
    for path in (SHIPPED, extra) if extra else (SHIPPED,):
        for code, entry in _table(path, "series").items():
            series[code] = _build(SeriesInfo, path, code, entry)
        for code, entry in _table(path, "vaccine").items():
            vaccines[code] = _build(Vaccine, path, code, entry)
            _check(vaccines[code], series, path)
    ordered = dict(sorted(series.items(), key=lambda item: item[1].order))
    return Catalogue(MappingProxyType(vaccines), MappingProxyType(ordered))


def _table(path: Path, name: str) -> dict[str, dict[str, Any]]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{path}: {error}") from None
    if unknown := content.keys() - {"series", "vaccine"}:
        raise CatalogueError(f"{path}: unknown table {min(unknown)!r}")
    found = content.get(name, {})
    if not isinstance(found, dict) or not all(isinstance(entry, dict) for entry in found.values()):
        raise CatalogueError(f"{path}: [{name}.*] must be tables")
    return found


def _build(kind: type[_Entry], path: Path, code: str, entry: dict[str, Any]) -> _Entry:
    if not _CODE.fullmatch(code):
        raise CatalogueError(f"{path}: {code!r}: a code is lower-case letters, digits and underscores")
    known = {field.name: field for field in fields(kind) if field.name != "code"}
    for name in entry.keys() - known.keys():
        raise CatalogueError(f"{path}: {code}: {name} is not known")
    for name, field in known.items():
        if name not in entry and field.default is MISSING:
            raise CatalogueError(f"{path}: {code}: {name} is missing")
    for name, value in entry.items():
        if type(value) is not _TYPES.get(name, str):
            raise CatalogueError(f"{path}: {code}: {name} has the wrong type")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }
    return kind(code=code, **values)


def _check(vaccine: Vaccine, series: Mapping[str, SeriesInfo], path: Path) -> None:
    mistakes = {
        "series is not known": vaccine.series not in series,
        "record_group is not known": vaccine.record_group not in _RECORD_GROUPS,
        "pneumococcal_type is not known": vaccine.pneumococcal_type not in _PNEUMOCOCCAL_TYPES,
        f"doses is not 1 to {_MOST_DOSES}": not 1 <= vaccine.doses <= _MOST_DOSES,
        "valid_to lies before valid_from": not _in_order(vaccine.valid_from, vaccine.valid_to),
        "routine_to lies before routine_from": not _in_order(vaccine.routine_from, vaccine.routine_to),
        "citation is empty": not vaccine.citation,
        "lot_pattern is no regular expression": not _is_pattern(vaccine.lot_pattern),
    }
    for mistake, made in mistakes.items():
        if made:
            raise CatalogueError(f"{path}: {vaccine.code}: {mistake}")


def _in_order(first: date | None, last: date | None) -> bool:
    return last is None or (first is not None and first <= last)


def _is_pattern(text: str | None) -> bool:
    try:
        re.compile(text or "")
    except re.error:
        return False
    return True
