"""One cell into one value, the way its column says. What cannot be read is a problem, never guessed.

Files repeat themselves (days, institutions, lots), so each reader remembers what it has read.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.services.imports.layouts import (
    CODE_FIELDS,
    DATE_FIELDS,
    DIGIT_FIELDS,
    NUMBER_FIELDS,
    Column,
    Layout,
)
from yvaxportal.values.kana import fold_name
from yvaxportal.values.text import contains_personal_number
from yvaxportal.values.wareki import PartialDate, parse_date
from yvaxportal.values.width import fold_dashes, fold_digits, fold_width

# Excel counts days from the last day of 1899, with a February 29 in 1900 that there was not.
_EXCEL_START = date(1899, 12, 30)
_EXCEL_DAYS = re.compile(r"[1-9][0-9]{4}")
_ERA_DIGIT = re.compile(r"([1-5])([0-9]{6})")
_ERA_LETTERS = {"1": "M", "2": "T", "3": "S", "4": "H", "5": "R"}
_COMPACT = re.compile(r"[0-9]{8}")
_WESTERN = re.compile(r"[0-9]{4}[^0-9].*")
_MIDNIGHT = re.compile(r"[ T]0?0:00(:00(\.0+)?)?$")
_WHOLE = re.compile(r"[0-9]{1,9}")
_SIGNS = re.compile(r"[円¥,回目第\s]")
_REMEMBERED = 8_192
_LONGEST = 400
_LONGEST_NUMBER = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a cell cannot be read: a code of ``forms.import_labels``."""

    code: str


@dataclass(frozen=True, slots=True)
class Noted:
    """A value that was read by a rule somebody should know of, such as leading zeros put back."""

    value: Any
    code: str


Reader = Callable[[str], Any]


def reader_of(column: Column, layout: Layout, catalogue: Catalogue) -> Reader:
    """Return the function that reads a column: text → value, None when empty, ``Problem`` or ``Noted``."""
    return _Remembering(_reader(column, layout, catalogue)).read


class _Remembering:
    def __init__(self, read: Reader) -> None:
        self._read = read
        self._known: dict[str, Any] = {}

    def read(self, text: str) -> Any:
        known = self._known
        if text in known:
            return known[text]
        value = self._read(text)
        if len(known) < _REMEMBERED:
            known[text] = value
        return value


def _reader(column: Column, layout: Layout, catalogue: Catalogue) -> Reader:
    field = column.field
    if field in DATE_FIELDS:
        return lambda text: _day(text, column.formats, partly=field == "birth")
    if field == "vaccine":
        return _coded(field, {**_vaccine_names(catalogue), **_folded(layout.codes.get(field, {}))})
    if field in CODE_FIELDS:
        own = {member.value: member.value for member in CODE_FIELDS[field]}
        return _coded(field, {**own, **_folded(layout.codes.get(field, {}))})
    if field in DIGIT_FIELDS:
        return lambda text: _digits(text, column.pad_to)
    return _whole if field in NUMBER_FIELDS else _lot if field == "lot_number" else _text


def _text(text: str) -> Any:
    kept = text.strip(" \u3000\t\n")
    if not kept:
        return None
    if len(kept) > _LONGEST:
        return Problem("too_long")
    return Problem("personal_number") if contains_personal_number(kept) else kept


def _lot(text: str) -> Any:
    kept = _text(text)
    return fold_dashes(fold_width(kept)).upper() if isinstance(kept, str) else kept


def _day(text: str, formats: tuple[str, ...], *, partly: bool) -> Any:
    plain = _MIDNIGHT.sub("", fold_digits(text.strip(" \u3000")))
    if not plain:
        return None
    found = _read_day(plain, formats)
    if found is None:
        return Problem("not_a_day")
    if partly:
        return str(found)
    return found.exact.isoformat() if found.exact else Problem("day_unknown")


def _read_day(plain: str, formats: tuple[str, ...]) -> PartialDate | None:
    if _EXCEL_DAYS.fullmatch(plain):
        if "excel_serial" not in formats:
            return None
        return PartialDate.of(_EXCEL_START + timedelta(days=int(plain)))
    if era := _ERA_DIGIT.fullmatch(plain):
        return parse_date(_ERA_LETTERS[era[1]] + era[2]) if "era_digit" in formats else None
    if _COMPACT.fullmatch(plain):
        return parse_date(plain) if "compact" in formats else None
    wanted = "seireki" if _WESTERN.fullmatch(plain) else "wareki"
    return parse_date(plain) if wanted in formats else None


def _whole(text: str) -> Any:
    plain = _SIGNS.sub("", fold_digits(fold_width(text)))
    if not plain:
        return None
    plain = plain.removesuffix(".0")
    return int(plain) if _WHOLE.fullmatch(plain) else Problem("not_a_number")


def _digits(text: str, pad_to: int) -> Any:
    plain = fold_dashes(fold_digits(fold_width(text))).replace("-", "").strip()
    if not plain:
        return None
    plain = plain.removesuffix(".0")
    if not (plain.isascii() and plain.isdigit() and len(plain) <= _LONGEST_NUMBER):
        return Problem("not_digits")
    if pad_to and len(plain) < pad_to:
        return Noted(plain.zfill(pad_to), "zeros_restored")
    return plain


def _folded(written: Mapping[str, str]) -> dict[str, str]:
    return {_code_key(text): value for text, value in written.items()}


def _vaccine_names(catalogue: Catalogue) -> dict[str, str]:
    names: dict[str, str] = {}
    for vaccine in catalogue.vaccines.values():
        for name in (vaccine.code, vaccine.name_ja, vaccine.short_ja):
            names.setdefault(_code_key(name), vaccine.code)
    return names


def _coded(field: str, codes: Mapping[str, str]) -> Reader:
    def read(text: str) -> Any:
        key = _code_key(text)
        if not key:
            return None
        return codes.get(key) or Problem("unknown_vaccine" if field == "vaccine" else "unknown_code")

    return read


def _code_key(text: str) -> str:
    return fold_name(text) or text.strip()
