"""What a report is made of, resolved for one period: rows, columns, age classes, targets."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal

from yvaxportal.services.reports.targets import Births

Measure = Literal["given", "not_given", "targets", "rate", "band"]
#: Measures that count people or doses; the others follow from these.
COUNTS: frozenset[str] = frozenset({"given", "not_given", "targets"})


@dataclass(frozen=True, slots=True)
class AgeClass:
    """Ages by law on the day of the dose, in whole months: from ``first`` to below ``below`` (None: open)."""

    key: str
    ja: str
    en: str
    first: int
    below: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line: doses of ``vaccines`` with a number from ``first_number`` to ``last_number``.

    ``births`` restricts whose doses count (empty: everybody's). ``target_births`` are the birth dates of the
    row's targets in the period; None where the row has no targets.
    """

    key: str
    ja: str
    en: str
    group_ja: str
    group_en: str
    vaccines: tuple[str, ...]
    first_number: int
    last_number: int
    births: tuple[Births, ...]
    target: str
    target_births: tuple[Births, ...] | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: a measure over the figures that agree with every condition that is not empty.

    ``part_of`` names the column whose figure is the sum of this one and its like; ``of_which`` the one that
    contains it.
    """

    key: str
    ja: str
    en: str
    measure: Measure
    part_of: str = ""
    of_which: str = ""
    months: tuple[int, ...] = ()
    ages: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    histories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Columns that stand together: a page's table, a sheet of a workbook."""

    key: str
    ja: str
    en: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Definition:
    """A report for one period.

    ``categories`` are the legal categories of the doses counted (empty: all); ``history``: whether the dose
    before is looked for; ``total_row``: whether rows may be added up (no dose in two of them);
    ``hides_empty``: rows without any figure are not shown; ``bands``: lower bounds of classes of rates, in
    per cent, descending.
    """

    code: str
    title_ja: str
    title_en: str
    citation: str
    unverified: bool
    notes_ja: tuple[str, ...]
    notes_en: tuple[str, ...]
    categories: tuple[str, ...]
    history: bool
    total_row: bool
    hides_empty: bool
    bands: tuple[int, ...]
    ages: tuple[AgeClass, ...]
    rows: tuple[Row, ...]
    blocks: tuple[Block, ...]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Return every column by key; one that stands in several blocks once."""
        return {column.key: column for block in self.blocks for column in block.columns}

    @property
    def counted_vaccines(self) -> tuple[str, ...]:
        """Return the vaccines of all rows."""
        return tuple(dict.fromkeys(vaccine for row in self.rows for vaccine in row.vaccines))

    def as_json(self) -> dict[str, Any]:
        """Return the definition as it is stored with a table."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=date.isoformat))
        return plain

    @cached_property
    def sha256(self) -> str:
        """Return the digest of the stored form: equal for equal rules."""
        written = json.dumps(self.as_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(written.encode()).hexdigest()


def definition_of(stored: Mapping[str, Any]) -> Definition:
    """Return the definition that was stored with a table."""
    plain = dict(stored)
    plain["ages"] = tuple(AgeClass(**entry) for entry in stored["ages"])
    plain["rows"] = tuple(_row(entry) for entry in stored["rows"])
    plain["blocks"] = tuple(
        Block(**{**entry, "columns": tuple(_column(column) for column in entry["columns"])})
        for entry in stored["blocks"]
    )
    for name in ("notes_ja", "notes_en", "categories", "bands"):
        plain[name] = tuple(stored[name])
    return Definition(**plain)


def _row(entry: Mapping[str, Any]) -> Row:
    births = entry["target_births"]
    return Row(
        **{
            **entry,
            "vaccines": tuple(entry["vaccines"]),
            "births": tuple(_births(one) for one in entry["births"]),
            "target_births": None if births is None else tuple(_births(one) for one in births),
        }
    )


def _births(entry: Mapping[str, str]) -> Births:
    return Births(date.fromisoformat(entry["first"]), date.fromisoformat(entry["last"]), entry["sex"])


def _column(entry: Mapping[str, Any]) -> Column:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()
    }
    return Column(**values)
