"""Layouts: what a file looks like, as TOML. Ours are package data; a municipality may have its own."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from yvaxportal.adapters.folder.columns import Characters, Column, DateForm, Fill, Kind
from yvaxportal.adapters.folder.lines import Encoding
from yvaxportal.values.clock import JST

_SCOPES = ("full", "difference")
_FILE_KEYS = {"encoding", "form", "marks", "headings", "complete"}
_SCOPE_KEYS = {"layout", "version", "name", "totals", "columns"}
#: What a table may say of a column.
COLUMN_KEYS = {
    "name",
    "kind",
    "width",
    "required",
    "characters",
    "codes",
    "empty",
    "form",
    "fill",
    "title",
}
_GROUPS = {"sequence", "as_of"}
_NAME = "{layout}_{letter}_(?P<municipality>[0-9]{{6}})_(?P<sequence>[0-9]{{8}})_(?P<as_of>[0-9]{{14}})\\.csv"
_WIDEST = 4_000
_AS_OF = {14: "%Y%m%d%H%M%S", 12: "%Y%m%d%H%M", 8: "%Y%m%d"}

Word = TypeVar("Word", bound=StrEnum)


class LayoutError(ValueError):
    """A layout file is wrong; the text says where."""


class Scope(StrEnum):
    """Everybody, or what has changed since the file before. The values are the letters of the protocol."""

    FULL = "Z"
    DIFFERENCE = "S"


class Form(StrEnum):
    """How columns stand in a line."""

    CSV = "csv"
    FIXED = "fixed"


class Complete(StrEnum):
    """How a file is known to be whole: it was renamed into place, or ``<name>.end`` stands beside it."""

    RENAME = "rename"
    END_FILE = "end_file"


@dataclass(frozen=True, slots=True)
class Named:
    """What the name of a file says."""

    scope: Scope
    sequence: int
    as_of: datetime
    municipality_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLayout:
    """How lines of one kind look.

    :param marks: each line begins with its mark.
    """

    encoding: Encoding
    form: Form
    columns: tuple[Column, ...]
    marks: bool = True
    mark: str = "D"

    @property
    def counts_bytes(self) -> bool:
        """Tell whether widths are bytes: fixed length in CP932."""
        return self.form is Form.FIXED and self.encoding is Encoding.CP932

    @property
    def has_secrets(self) -> bool:
        """Tell whether a column holds personal numbers."""
        return any(column.is_secret for column in self.columns)

    def places(self, wanted: Iterable[str]) -> list[int]:
        """Return where each wanted column stands; -1 for one that the file does not have."""
        names = [column.name for column in self.columns]
        return [names.index(name) if name in names else -1 for name in wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout(LineLayout):
    """One kind of file.

    With ``marks`` lines begin with H, D or T, the first is a header and the last a trailer.

    :param headings: so many lines with the titles of columns come before the data.
    :param totals: columns of digits whose sum, modulo 10**15, the trailer has.
    """

    scope: Scope
    layout: str
    version: str
    headings: int
    complete: Complete
    name: re.Pattern[str]
    totals: tuple[str, ...]

    def named(self, name: str) -> Named | None:
        """Return what a file name says; None for another kind of name."""
        found = self.name.fullmatch(name)
        if found is None:
            return None
        parts = found.groupdict()
        written = parts["as_of"]
        try:
            as_of = datetime.strptime(written, _AS_OF[len(written)]).replace(tzinfo=JST).astimezone(UTC)
        except (KeyError, ValueError, OverflowError):
            return None
        return Named(self.scope, int(parts["sequence"]), as_of, parts.get("municipality"))


@dataclass(frozen=True, slots=True)
class Layouts:
    """The kinds of file of one system."""

    full: Layout
    difference: Layout | None

    def named(self, name: str) -> tuple[Layout, Named] | None:
        """Return the layout that a file name belongs to, and what the name says."""
        for layout in (self.full, self.difference):
            if layout is not None and (named := layout.named(name)):
                return layout, named
        return None


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says; LayoutError."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LayoutError(f"cannot be read ({type(error).__name__})") from None
    except tomllib.TOMLDecodeError as error:
        raise LayoutError(f"is no TOML: {error}") from None


def load_layouts(path: Path, essential: Mapping[Scope, Iterable[str]]) -> Layouts:
    """Read a layout file.

    :param essential: the columns that a layout must have.
    :raises LayoutError: what is wrong and where.
    """
    content = read_toml(path)
    refuse_unknown(content, {"file", *_SCOPES}, "the file")
    if "full" not in content:
        raise LayoutError("has no [full]")
    common = content.get("file", {})
    refuse_unknown(common, _FILE_KEYS, "[file]")
    full = _layout(common, content["full"], Scope.FULL, essential)
    difference = None
    if "difference" in content:
        difference = _layout(common, content["difference"], Scope.DIFFERENCE, essential)
    return Layouts(full, difference)


def _layout(
    common: Mapping[str, Any], said: Mapping[str, Any], scope: Scope, essential: Mapping[Scope, Iterable[str]]
) -> Layout:
    where = f"[{scope.name.lower()}]"
    refuse_unknown(said, _SCOPE_KEYS, where)
    columns = tuple(
        _column(one, f"{where} column {place}") for place, one in enumerate(said.get("columns", ()), 1)
    )
    names = [column.name for column in columns]
    if len(set(names)) < len(names):
        raise LayoutError(f"{where} has a column twice")
    for name in essential[scope]:
        if name not in names:
            raise LayoutError(f"{where} lacks the column {name}")
    layout = read_text(said, "layout", where)
    totals = tuple(said.get("totals", ()))
    for name in totals:
        if name not in names or columns[names.index(name)].kind is not Kind.DIGITS:
            raise LayoutError(f"{where} totals: {name} is no column of digits")
    marks = common.get("marks", True) is True
    if totals and not marks:
        raise LayoutError(f"{where} totals stand in a trailer, and there is none without marks")
    return Layout(
        scope=scope,
        layout=layout,
        version=read_text(said, "version", where),
        encoding=read_word(Encoding, common, "encoding", "[file]", Encoding.UTF_8),
        form=read_word(Form, common, "form", "[file]", Form.CSV),
        marks=marks,
        headings=read_number(common, "headings", "[file]", (0, 10), 0),
        complete=read_word(Complete, common, "complete", "[file]", Complete.RENAME),
        name=_pattern(said.get("name"), layout, scope, where),
        columns=columns,
        totals=totals,
    )


def _pattern(written: str | None, layout: str, scope: Scope, where: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(written or _NAME.format(layout=re.escape(layout), letter=scope.value))
    except re.error as error:
        raise LayoutError(f"{where} name is no regular expression: {error}") from None
    missing = sorted(_GROUPS - set(pattern.groupindex))
    if missing:
        raise LayoutError(f"{where} name lacks the group {missing[0]}")
    return pattern


def _column(said: Mapping[str, Any], where: str) -> Column:
    refuse_unknown(said, COLUMN_KEYS, where)
    return read_column(said, where)


def read_column(said: Mapping[str, Any], where: str) -> Column:
    """Return the column that a table describes; LayoutError. Keys of other meanings are left alone."""
    name = read_text(said, "name", where)
    kind = read_word(Kind, said, "kind", where, Kind.TEXT)
    codes = {str(code): str(meaning) for code, meaning in said.get("codes", {}).items()}
    if (kind is Kind.CODE) != bool(codes):
        raise LayoutError(f"{where} ({name}): codes belong to kind = code, and to no other")
    return Column(
        name=name,
        kind=kind,
        width=read_number(said, "width", f"{where} ({name})", (1, _WIDEST)),
        required=said.get("required", False) is True,
        characters=read_word(Characters, said, "characters", where, Characters.ANY),
        codes=codes,
        empty=tuple(str(one) for one in said.get("empty", ())),
        form=read_word(DateForm, said, "form", where, DateForm.ISO),
        fill=read_word(Fill, said, "fill", where, Fill.SPACE),
        title=str(said.get("title", "")),
    )


def refuse_unknown(said: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    """Raise LayoutError for a key that is not known."""
    if not isinstance(said, dict):
        raise LayoutError(f"{where} is no table")
    for key in sorted(said):
        if key not in known:
            raise LayoutError(f"{where}: no such key: {key}")


def read_text(said: Mapping[str, Any], key: str, where: str) -> str:
    """Return a text that must be there; LayoutError."""
    value = said.get(key)
    if not isinstance(value, str) or not value:
        raise LayoutError(f"{where}: {key} is missing")
    return value


def read_number(
    said: Mapping[str, Any], key: str, where: str, bounds: tuple[int, int], default: int | None = None
) -> int:
    """Return a number between two bounds; LayoutError."""
    value, (lowest, highest) = said.get(key, default), bounds
    if not isinstance(value, int) or not lowest <= value <= highest:
        raise LayoutError(f"{where}: {key} must be a number from {lowest} to {highest}")
    return value


def read_word(words: type[Word], said: Mapping[str, Any], key: str, where: str, default: Word) -> Word:
    """Return one of some words; LayoutError."""
    try:
        return words(said.get(key, default))
    except ValueError:
        raise LayoutError(f"{where}: {key} must be one of {', '.join(words)}") from None
