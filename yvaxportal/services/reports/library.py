"""The reports that there are: read from ``definitions/*.toml``, checked, resolved for a period.

A municipality's own folder of the same form adds reports, or replaces those of the same code.
"""

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from yvaxportal.models.codes import DeliveryCategory, DoseCategory
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.reports.atoms import NO_CLASS, NO_DELIVERY
from yvaxportal.services.reports.definition import AgeClass, Block, Column, Definition, Measure, Row
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.targets import Births, TargetRule, read_rule

SHIPPED = Path(__file__).with_name("definitions")
COMMON, TARGETS = "common.toml", "targets.toml"

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_MOST_DOSES = 99
_KINDS = frozenset({"year", "half", "month"})
_REPORT = {
    "order": int, "title_ja": str, "title_en": str, "periods": list, "citation": str, "unverified": bool,
    "notes_ja": list, "notes_en": list, "categories": list, "history": bool, "total_row": bool,
    "hides_empty": bool, "bands": list, "ages": str, "rows_from": str, "row": list, "block": list,
    "valid_from": date, "valid_to": date,
}  # fmt: skip
_NEEDED = ("order", "title_ja", "title_en", "periods", "citation", "ages", "block")
_ROW = frozenset(
    {"key", "ja", "en", "group_ja", "group_en", "vaccines", "series", "numbers", "target", "births_of"}
    | {"valid_from", "valid_to"}
)
_COLUMN = frozenset(
    {"key", "ja", "en", "measure", "expand", "part_of", "of_which", "ages", "deliveries", "categories"}
    | {"histories"}
)
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class DefinitionError(ValueError):
    """A file of reports is wrong. The text names the file and the mistake."""


@dataclass(frozen=True)
class Report:
    """A report before it is resolved: what lists show of it, and its file's content."""

    code: str
    order: int
    title_ja: str
    title_en: str
    periods: tuple[str, ...]
    unverified: bool
    entry: Mapping[str, Any]


@dataclass(frozen=True)
class Library:
    """All reports by code, in order, with the rules of targets and the names they share."""

    reports: Mapping[str, Report]
    targets: Mapping[str, tuple[TargetRule, ...]]
    common: Mapping[str, Any]
    schedule: Schedule
    rules_version: str

    @property
    def catalogue(self) -> Catalogue:
        """Return the vaccines."""
        return self.schedule.catalogue

    def get(self, code: str) -> Report | None:
        """Return a report, None for an unknown code."""
        return self.reports.get(code)

    def resolve(self, code: str, period: Period) -> Definition:
        """Return the definition of a report for a period: rows and targets in force on its last day.

        :raises KeyError: no such report; :raises DefinitionError: not for periods of this kind.
        """
        report = self.reports[code]
        if period.kind not in report.periods:
            raise DefinitionError(f"{code}: there is no such report for a {period.kind}")
        return _Resolving(self, report, period).definition()


def load_library(schedule: Schedule, extra: Path | None = None) -> Library:
    """Return the shipped reports and those of the folder ``extra``.

    :param schedule: the programme, whose targets some reports ask for; its version goes into theirs.
    :raises DefinitionError: a file is no TOML, or says what cannot be.
    """
    reports: dict[str, Report] = {}
    targets: dict[str, tuple[TargetRule, ...]] = {}
    common: dict[str, Any] = {}
    for folder in (SHIPPED, extra) if extra else (SHIPPED,):
        for path in sorted(folder.glob("*.toml")):
            content = _read(path)
            if path.name == COMMON:
                common |= content
            elif path.name == TARGETS:
                targets |= _target_rules(path, content)
            else:
                reports[path.stem] = _report(path, content)
    ordered = dict(sorted(reports.items(), key=lambda item: item[1].order))
    digest = hashlib.sha256(
        repr((sorted(schedule.catalogue.vaccines.items()), schedule.version)).encode()
    ).hexdigest()[:12]
    library = Library(
        MappingProxyType(ordered), MappingProxyType(targets), MappingProxyType(common), schedule, digest
    )
    for report in ordered.values():
        for kind, code in (("year", "year"), ("half", "h1"), ("month", "m04")):
            if kind in report.periods:
                library.resolve(report.code, Period(2026, code))
    return library


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DefinitionError(f"{path}: {error}") from None


def _target_rules(path: Path, content: Mapping[str, Any]) -> dict[str, tuple[TargetRule, ...]]:
    found: dict[str, tuple[TargetRule, ...]] = {}
    for key, entries in content.items():
        try:
            rules = tuple(read_rule(key, entry) for entry in entries)
        except (ValueError, AttributeError, TypeError) as error:
            raise DefinitionError(f"{path}: {error}") from None
        ordered = sorted(rules, key=lambda rule: rule.valid_from)
        for one, later in pairwise(ordered):
            if one.valid_to is None or one.valid_to >= later.valid_from:
                raise DefinitionError(f"{path}: {key}: two rules are in force on one day")
        found[key] = tuple(ordered)
    return found


def _report(path: Path, content: Mapping[str, Any]) -> Report:
    if not _CODE.fullmatch(path.stem):
        raise DefinitionError(f"{path}: a report's file is named by lower-case letters, digits, underscores")
    for name, value in content.items():
        if name not in _REPORT:
            raise DefinitionError(f"{path}: {name} is not known")
        if type(value) is not _REPORT[name]:
            raise DefinitionError(f"{path}: {name} has the wrong type")
    for name in _NEEDED:
        if name not in content:
            raise DefinitionError(f"{path}: {name} is missing")
    if not set(content["periods"]) <= _KINDS or not content["periods"]:
        raise DefinitionError(f"{path}: periods are year, half, month")
    return Report(
        code=path.stem,
        order=content["order"],
        title_ja=content["title_ja"],
        title_en=content["title_en"],
        periods=tuple(content["periods"]),
        unverified=content.get("unverified", False),
        entry=MappingProxyType(dict(content)),
    )


class _Resolving:
    """Resolves one report for one period."""

    def __init__(self, library: Library, report: Report, period: Period) -> None:
        self._library, self._report, self._period = library, report, period
        self._entry = report.entry
        ages = library.common.get("ages", {}).get(self._entry["ages"])
        if ages is None:
            raise self._mistake("ages names no classes")
        self._ages = tuple(AgeClass(**{"below": None, **one}) for one in ages)

    def _mistake(self, text: str) -> DefinitionError:
        return DefinitionError(f"{self._report.code}: {text}")

    def definition(self) -> Definition:
        entry = self._entry
        rows = tuple(self._rows())
        blocks = tuple(self._block(one) for one in entry["block"])
        if len({row.key for row in rows}) != len(rows):
            raise self._mistake("two rows have the same key")
        found = Definition(
            code=self._report.code,
            title_ja=entry["title_ja"],
            title_en=entry["title_en"],
            citation=entry["citation"],
            unverified=entry.get("unverified", False),
            notes_ja=tuple(entry.get("notes_ja", ())),
            notes_en=tuple(entry.get("notes_en", ())),
            categories=self._codes(entry.get("categories", ()), DoseCategory),
            history=entry.get("history", False),
            total_row=entry.get("total_row", False),
            hides_empty=entry.get("hides_empty", False),
            bands=tuple(entry.get("bands", ())),
            ages=self._ages,
            rows=rows,
            blocks=blocks,
        )
        for column in found.columns.values():
            for other in (column.part_of, column.of_which):
                if other and other not in found.columns:
                    raise self._mistake(f"column {column.key}: {other} is no column")
        if found.total_row:
            self._refuse_doubles(rows)
        return found

    def _codes(self, values: Sequence[str], codes: type[Any]) -> tuple[str, ...]:
        known = {member.value for member in codes} | {NO_DELIVERY}
        if not set(values) <= known:
            raise self._mistake(f"{min(set(values) - known)} is no {codes.__name__}")
        return tuple(values)

    def _refuse_doubles(self, rows: Sequence[Row]) -> None:
        seen: dict[tuple[str, int], str] = {}
        for row in rows:
            for vaccine in row.vaccines:
                for number in range(row.first_number, row.last_number + 1):
                    if (vaccine, number) in seen:
                        raise self._mistake(f"{row.key}: a dose would count twice in the total")
                    seen[vaccine, number] = row.key

    # Rows

    def _rows(self) -> Iterator[Row]:
        if self._entry.get("rows_from") == "vaccines":
            yield from self._rows_of_vaccines()
        elif "rows_from" in self._entry:
            raise self._mistake("rows_from is not known")
        for entry in self._entry.get("row", ()):
            if self._in_force(entry):
                yield self._row(entry)

    def _rows_of_vaccines(self) -> Iterator[Row]:
        catalogue = self._library.catalogue
        for code, series in catalogue.series().items():
            for vaccine in catalogue.of_series(code):
                for number in range(1, vaccine.doses + 2):
                    more = number > vaccine.doses
                    yield Row(
                        key=f"{vaccine.code}_{number}",
                        ja=f"{number}回目以降" if more else f"{number}回目",
                        en=f"dose {number} and later" if more else f"dose {number}",
                        group_ja=vaccine.name_ja,
                        group_en=f"{series.name_en}: {vaccine.name_en}",
                        vaccines=(vaccine.code,),
                        first_number=number,
                        last_number=_MOST_DOSES if more else number,
                        births=(),
                        target="",
                        target_births=None,
                    )

    def _in_force(self, entry: Mapping[str, Any]) -> bool:
        first, last = entry.get("valid_from"), entry.get("valid_to")
        return (first is None or first <= self._period.last_day) and (
            last is None or self._period.first_day <= last
        )

    def _row(self, entry: Mapping[str, Any]) -> Row:
        key = entry.get("key", "")
        if unknown := entry.keys() - _ROW:
            raise self._mistake(f"row {key}: {min(unknown)} is not known")
        if not _CODE.fullmatch(key) or not entry.get("ja") or not entry.get("en"):
            raise self._mistake(f"row {key!r}: key, ja and en are needed")
        catalogue = self._library.catalogue
        vaccines = list(entry.get("vaccines", ()))
        for series in entry.get("series", ()):
            if series not in catalogue.series():
                raise self._mistake(f"row {key}: there is no series {series}")
            vaccines += [vaccine.code for vaccine in catalogue.of_series(series)]
        if len(set(vaccines)) != len(vaccines) or any(catalogue.get(code) is None for code in vaccines):
            raise self._mistake(f"row {key}: a vaccine is unknown or named twice")
        numbers = entry.get("numbers", [1, _MOST_DOSES])
        target = entry.get("target", "")
        return Row(
            key=key,
            ja=entry["ja"],
            en=entry["en"],
            group_ja=entry.get("group_ja", ""),
            group_en=entry.get("group_en", ""),
            vaccines=tuple(vaccines),
            first_number=numbers[0],
            last_number=numbers[-1],
            births=self._births(entry.get("births_of", "")) or (),
            target=target,
            target_births=self._births(target),
        )

    def _births(self, target: str) -> tuple[Births, ...] | None:
        if not target:
            return None
        rules = self._library.targets.get(target)
        if rules is None:
            raise self._mistake(f"there are no targets {target}")
        rule = next((rule for rule in rules if rule.in_force(self._period.last_day)), None)
        if rule is None:
            return None
        try:
            return tuple(rule.births(self._period, self._library.schedule))
        except ValueError as error:
            raise self._mistake(str(error)) from None

    # Columns

    def _block(self, entry: Mapping[str, Any]) -> Block:
        columns = tuple(column for one in entry["columns"] for column in self._columns(one))
        if len({column.key for column in columns}) != len(columns):
            raise self._mistake(f"block {entry['key']}: two columns have the same key")
        return Block(entry["key"], entry["ja"], entry["en"], columns)

    def _columns(self, entry: Mapping[str, Any]) -> Iterator[Column]:
        if unknown := entry.keys() - _COLUMN:
            raise self._mistake(f"column {entry.get('key')}: {min(unknown)} is not known")
        measure = entry.get("measure", "given")
        if measure not in get_args(Measure):
            raise self._mistake(f"there is no measure {measure}")
        expand = entry.get("expand")
        if expand is not None:
            yield from self._expanded(expand, measure, entry.get("part_of", ""))
            return
        yield Column(
            key=entry["key"],
            ja=entry["ja"],
            en=entry["en"],
            measure=measure,
            part_of=entry.get("part_of", ""),
            of_which=entry.get("of_which", ""),
            ages=tuple(entry.get("ages", ())),
            deliveries=self._codes(entry.get("deliveries", ()), DeliveryCategory),
            categories=self._codes(entry.get("categories", ()), DoseCategory),
            histories=tuple(entry.get("histories", ())),
        )

    def _expanded(self, what: str, measure: Measure, part_of: str) -> Iterator[Column]:
        common = self._library.common
        if what == "month":
            for month in self._period.months:
                key = f"{measure}_m{month:02}"
                yield Column(
                    key, f"{month}月", _MONTHS_EN[month - 1], measure, part_of=part_of, months=(month,)
                )
        elif what == "age":
            for one in self._ages:
                yield Column(
                    f"{measure}_{one.key}", one.ja, one.en, measure, part_of=part_of, ages=(one.key,)
                )
            words = common["unknown"]
            key = f"{measure}_age_unknown"
            yield Column(key, words["ja"], words["en"], measure, part_of=part_of, ages=(NO_CLASS,))
        elif what in {"delivery", "category"}:
            for code, words in common[what].items():
                condition = {"delivery": "deliveries", "category": "categories"}[what]
                key = f"{measure}_{code}" if code != NO_DELIVERY else f"{measure}_{what}_unknown"
                column = Column(key, words["ja"], words["en"], measure, part_of=part_of)
                yield _with(column, condition, code)
        else:
            raise self._mistake(f"nothing expands to {what}")


def _with(column: Column, condition: str, code: str) -> Column:
    deliveries = (code,) if condition == "deliveries" else ()
    categories = (code,) if condition == "categories" else ()
    return Column(
        column.key,
        column.ja,
        column.en,
        column.measure,
        part_of=column.part_of,
        deliveries=deliveries,
        categories=categories,
    )
