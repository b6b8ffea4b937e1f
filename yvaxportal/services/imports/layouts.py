"""What the columns of a file mean: layouts as data, the portal's own and the municipality's."""

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from yvaxportal.models.codes import (
    DeliveryCategory,
    DoseCategory,
    DoseSource,
    IdentityCheckMethod,
    IdentityDocument,
    IneligibilityJudgement,
    Judgement,
    PneumococcalType,
    Sex,
)
from yvaxportal.services.imports.encodings import ENCODINGS

SHIPPED = Path(__file__).with_name("layouts")

FORMATS = ("csv", "tsv", "fixed", "xlsx")
#: What identifies the person of a row; the field that carries it has the same name.
KEYS = ("business_atena_number", "atena_number", "ticket_number")
DATE_FORMATS = ("seireki", "wareki", "compact", "era_digit", "excel_serial")

#: What a row says of the person; the rest is the dose's.
PERSON_FIELDS = ("business_atena_number", "atena_number", "name", "name_kana", "birth", "sex", "address")
CODE_FIELDS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "sex": Sex,
        "judgement": Judgement,
        "ineligibility_judgement": IneligibilityJudgement,
        "dose_category": DoseCategory,
        "delivery_category": DeliveryCategory,
        "pneumococcal_type": PneumococcalType,
        "identity_method": IdentityCheckMethod,
        "identity_document": IdentityDocument,
    }
)
DATE_FIELDS = ("birth", "given_on")
NUMBER_FIELDS = ("dose_number", "fee")
#: Kept as digits; a layout may say to how many digits lost leading zeros are restored.
DIGIT_FIELDS = (
    "business_atena_number",
    "atena_number",
    "ticket_number",
    "institution_code",
    "municipality_code",
)
TEXT_FIELDS = (
    "name",
    "name_kana",
    "address",
    "institution_name",
    "physician",
    "lot_number",
    "remarks",
    "manufacturer",
)
FIELDS = (*dict.fromkeys((*PERSON_FIELDS, "vaccine", *DATE_FIELDS, *NUMBER_FIELDS, *DIGIT_FIELDS)),)
ALL_FIELDS = frozenset({*FIELDS, *TEXT_FIELDS, *CODE_FIELDS})

_CODE = re.compile(r"[a-z][a-z0-9_]*")
_HUNDRED = 100
_COLUMN_KEYS = frozenset({"field", "headings", "required", "formats", "pad_to", "bytes", "block"})
_KEYS = frozenset(
    {
        "title_ja",
        "title_en",
        "source",
        "key",
        "formats",
        "encodings",
        "header",
        "blocks",
        "match_by_key_alone",
    }
)


class LayoutError(ValueError):
    """A layout file is wrong. The text names the file and the mistake."""


@dataclass(frozen=True, slots=True)
class Column:
    """One item of a record.

    ``headings``: what the column may be called; ``{n}`` stands for the block's number. ``pad_to``: digits to
    which lost leading zeros are restored, 0 for never. ``width``: bytes in a file of fixed length.
    """

    field: str
    headings: tuple[str, ...]
    required: bool = False
    formats: tuple[str, ...] = ()
    pad_to: int = 0
    width: int = 0
    block: bool = False


@dataclass(frozen=True, slots=True)
class SecondEntryDefault:
    """Which rows of a layout's files are typed a second time by themselves, and which fields.

    ``chosen``: all | doubt (from ``from_points`` on) | sample (``percent`` of the rows).
    """

    chosen: str
    fields: tuple[str, ...]
    from_points: int | None = None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of file.

    ``blocks``: how many doses a record holds, 0 when it is one; the dose number is then the block's.
    ``sha256`` names the content, so that a changed layout is noticed.
    """

    code: str
    title_ja: str
    title_en: str
    source: DoseSource
    key: str
    formats: tuple[str, ...]
    encodings: tuple[str, ...]
    header: bool
    blocks: int
    match_by_key_alone: bool
    columns: tuple[Column, ...]
    defaults: Mapping[str, Any]
    codes: Mapping[str, Mapping[str, str]]
    sha256: str
    second_entry: SecondEntryDefault | None = None

    def column(self, field: str) -> Column | None:
        """Return the column of a field, None when the layout has none."""
        return next((column for column in self.columns if column.field == field), None)

    def slots(self) -> Sequence[tuple[str, Column, int]]:
        """Return every place that a column of the file can be mapped to: its name, the column, the block."""
        found: list[tuple[str, Column, int]] = []
        for column in self.columns:
            if column.block:
                found += ((f"{column.field}.{n}", column, n) for n in range(1, self.blocks + 1))
            else:
                found.append((column.field, column, 0))
        return found

    @property
    def widths(self) -> tuple[int, ...]:
        """Return the bytes of each column of a file of fixed length."""
        return tuple(column.width for column in self.columns)


def load_layouts(extra: Path | None = None) -> Mapping[str, Layout]:
    """Return the layouts by code, in the order of their files' names.

    :param extra: the municipality's own folder: a file there adds a layout, or replaces the shipped one of
        the same name.
    :raises LayoutError: a file cannot be read, or contradicts itself.
    """
    found: dict[str, Layout] = {}
    for folder in (SHIPPED, extra) if extra else (SHIPPED,):
        if not folder.is_dir():
            raise LayoutError(f"{folder}: there is no such folder")
        for path in sorted(folder.glob("*.toml")):
            found[path.stem] = _load(path)
    return MappingProxyType(found)


def _load(path: Path) -> Layout:
    try:
        data = path.read_bytes()
        content = tomllib.loads(data.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LayoutError(f"{path}: {error}") from None
    if not _CODE.fullmatch(path.stem):
        raise LayoutError(f"{path}: a name is lower-case letters, digits and underscores")
    if unknown := content.keys() - _KEYS - {"column", "defaults", "codes", "second_entry"}:
        raise LayoutError(f"{path}: {min(unknown)} is not known")
    try:
        layout = Layout(
            code=path.stem,
            title_ja=str(content["title_ja"]),
            title_en=str(content["title_en"]),
            source=DoseSource(content.get("source", DoseSource.FILE.value)),
            key=str(content["key"]),
            formats=tuple(content["formats"]),
            encodings=tuple(content.get("encodings", ENCODINGS)),
            header=bool(content.get("header", True)),
            blocks=int(content.get("blocks", 0)),
            match_by_key_alone=bool(content.get("match_by_key_alone", False)),
            columns=tuple(_column(path, entry) for entry in content["column"]),
            defaults=_defaults(path, content.get("defaults", {})),
            codes=_codes(path, content.get("codes", {})),
            sha256=hashlib.sha256(data).hexdigest(),
            second_entry=_second_entry(path, content.get("second_entry")),
        )
    except KeyError as error:
        raise LayoutError(f"{path}: {error.args[0]} is missing") from None
    except (TypeError, ValueError) as error:
        raise LayoutError(f"{path}: {error}") from None
    _check(path, layout)
    return layout


#: What is typed again where nothing else is said: what decides which dose it is, and its lot.
SECOND_ENTRY_FIELDS = ("birth", "vaccine", "dose_number", "given_on", "lot_number")
_CHOSEN = {"all": None, "doubt": "from_points", "sample": "percent"}


def _second_entry(path: Path, entry: Mapping[str, Any] | None) -> SecondEntryDefault | None:
    if entry is None:
        return None
    chosen = entry.get("rows")
    if chosen not in _CHOSEN:
        raise LayoutError(f"{path}: second_entry: rows is one of {', '.join(_CHOSEN)}")
    number = _CHOSEN[chosen]
    if unknown := entry.keys() - {"rows", "fields"} - ({number} if number else set()):
        raise LayoutError(f"{path}: second_entry: {min(unknown)} is not known for rows = {chosen}")
    if number and not (isinstance(entry.get(number), int) and 1 <= entry[number] <= _HUNDRED):
        raise LayoutError(f"{path}: second_entry: {number} is a whole number from 1 to 100")
    fields = tuple(entry.get("fields", SECOND_ENTRY_FIELDS))
    if not fields or set(fields) - ALL_FIELDS:
        raise LayoutError(f"{path}: second_entry: fields are items that a file can have")
    return SecondEntryDefault(
        chosen,
        fields,
        entry.get("from_points"),
        entry.get("percent"),
    )


def _column(path: Path, entry: Mapping[str, Any]) -> Column:
    if unknown := entry.keys() - _COLUMN_KEYS:
        raise LayoutError(f"{path}: {min(unknown)} is not known in a column")
    field = entry["field"]
    if field not in ALL_FIELDS:
        raise LayoutError(f"{path}: {field}: there is no such item")
    formats = tuple(entry.get("formats", ()))
    if wrong := set(formats) - set(DATE_FORMATS):
        raise LayoutError(f"{path}: {field}: {min(wrong)} is no way to write a day")
    if bool(formats) != (field in DATE_FIELDS):
        raise LayoutError(f"{path}: {field}: formats belong to days, and every day needs some")
    return Column(
        field=field,
        headings=tuple(entry.get("headings", ())),
        required=bool(entry.get("required", False)),
        formats=formats,
        pad_to=int(entry.get("pad_to", 0)),
        width=int(entry.get("bytes", 0)),
        block=bool(entry.get("block", False)),
    )


def _defaults(path: Path, entry: Mapping[str, Any]) -> Mapping[str, Any]:
    for field, value in entry.items():
        if field not in ALL_FIELDS:
            raise LayoutError(f"{path}: defaults: {field}: there is no such item")
        if field in CODE_FIELDS:
            CODE_FIELDS[field](value)
    return MappingProxyType(dict(entry))


def _codes(path: Path, entry: Mapping[str, Any]) -> Mapping[str, Mapping[str, str]]:
    for field, written in entry.items():
        if field not in CODE_FIELDS and field != "vaccine":
            raise LayoutError(f"{path}: codes: {field} has no codes")
        for value in written.values():
            if field in CODE_FIELDS:
                CODE_FIELDS[field](value)
    return MappingProxyType({field: MappingProxyType(dict(written)) for field, written in entry.items()})


def _check(path: Path, layout: Layout) -> None:
    fields = [column.field for column in layout.columns]
    mistakes = {
        "key is not known": layout.key not in KEYS,
        "formats: not known": not layout.formats or not set(layout.formats) <= set(FORMATS),
        "encodings: not known": not layout.encodings or not set(layout.encodings) <= set(ENCODINGS),
        "an item stands twice": len(fields) != len(set(fields)),
        f"there is no column for {layout.key}": layout.key not in fields,
        "there is no column for birth": "birth" not in fields and not layout.match_by_key_alone,
        "bytes are missing": "fixed" in layout.formats and not all(layout.widths),
        "blocks and block columns do not agree": bool(layout.blocks)
        != any(column.block for column in layout.columns),
        "headings are missing": layout.header
        and layout.formats != ("fixed",)
        and not all(column.headings for column in layout.columns),
    }
    for mistake, made in mistakes.items():
        if made:
            raise LayoutError(f"{path}: {mistake}")
