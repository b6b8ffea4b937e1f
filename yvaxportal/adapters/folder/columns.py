"""One column of a layout: what may stand in it, and what it means.

A value is judged by a regular expression, so that a whole line is judged by one (``reading``); only a line
that does not fit is looked at column by column. Values come out as text in one form whatever the layout:
days as YYYY-MM-DD, instants as RFC 3339 in UTC, codes as the protocol has them, "" for none.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache

from yvaxportal.adapters.folder.faults import CHARACTERS, LENGTH, REQUIRED
from yvaxportal.values.clock import JST
from yvaxportal.values.wareki import ERAS

#: Stands between the values of a line that is judged or kept; no value can hold it.
SEPARATOR = "\x1f"
# Controls, halves of pairs and the marks that a broken conversion leaves behind are in no value.
_NEVER = "\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff"
_HALF_WIDTH = "\x20-\x7e\uff61-\uff9f"
_MONTH, _DAY = "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = "(?:[01][0-9]|2[0-3]){0}[0-5][0-9]{0}[0-5][0-9]"
_ERA_FIRST_YEARS = {str(place): era.first.year for place, era in enumerate(reversed(ERAS), 1)}


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    DIGITS = "digits"
    CODE = "code"
    DATE = "date"
    PARTIAL_DATE = "partial_date"
    INSTANT = "instant"
    PERSONAL_NUMBER = "personal_number"
    IGNORED = "ignored"


class Characters(StrEnum):
    """Which widths a text may have."""

    ANY = "any"
    HALF = "half"
    FULL = "full"


class DateForm(StrEnum):
    """How days are written: 2026-11-23, 20261123, or era and year as digits, 5081123 (5 is 令和)."""

    ISO = "iso"
    COMPACT = "compact"
    ERA = "era"


class Fill(StrEnum):
    """What fills a fixed-length column: spaces behind the text, or zeros before digits."""

    SPACE = "space"
    WIDE_SPACE = "wide_space"
    ZERO = "zero"


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    :param width: in CSV the most characters; in fixed length the exact width, in bytes for CP932 and in
        characters for the others.
    :param codes: what the file writes, and the protocol's code for it.
    :param empty: what the file writes where there is nothing, beside nothing.
    """

    name: str
    kind: Kind
    width: int
    required: bool = False
    characters: Characters = Characters.ANY
    codes: Mapping[str, str] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    form: DateForm = DateForm.ISO
    fill: Fill = Fill.SPACE
    title: str = ""

    @property
    def is_secret(self) -> bool:
        """Tell whether values never leave the file: they are neither kept nor shown."""
        return self.kind is Kind.PERSONAL_NUMBER

    def pattern(self) -> str:
        """Return a regular expression of everything the column may hold, SEPARATOR excluded."""
        content = self._content()
        nothing = [re.escape(one) for one in self.empty if one]
        if not self.required:
            nothing.append("")
        elif self.empty:
            content = f"(?!(?:{'|'.join(nothing)})(?:{SEPARATOR}|$)){content}"
            nothing = []
        return f"(?:{'|'.join([content, *nothing])})" if nothing else content

    def _content(self) -> str:
        match self.kind:
            case Kind.TEXT:
                return f"[{self._class()}]{{1,{self.width}}}"
            case Kind.DIGITS:
                return f"[0-9]{{1,{self.width}}}"
            case Kind.CODE:
                return f"(?:{'|'.join(re.escape(code) for code in self.codes)})"
            case Kind.PERSONAL_NUMBER | Kind.IGNORED:
                return f"[^{SEPARATOR}]*"
        return self._time()

    def _time(self) -> str:
        match self.kind:
            case Kind.DATE:
                return _date_pattern(self.form, _MONTH, _DAY)
            case Kind.PARTIAL_DATE:
                return _date_pattern(self.form, f"(?:00|{_MONTH})", f"(?:00|{_DAY})")
        if self.form is DateForm.ISO:
            zone = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
            return rf"[0-9]{{4}}-{_MONTH}-{_DAY}T{_CLOCK.format(':')}(?:\.[0-9]{{1,6}})?{zone}"
        return f"[0-9]{{4}}{_MONTH}{_DAY}{_CLOCK.format('')}"

    def _class(self) -> str:
        match self.characters:
            case Characters.HALF:
                return "\x20-\x7e"
            case Characters.FULL:
                return f"^{_NEVER}{_HALF_WIDTH}"
        return f"^{_NEVER}"

    def fault(self, value: str) -> str | None:
        """Return the code of what is wrong with a value as the file has it; None when nothing is."""
        # re.fullmatch keeps its own small cache; bad lines are rare.
        if re.fullmatch(self.pattern(), value):
            convert = self.converter()
            try:
                if convert is not None and value:
                    convert(value)
            except ValueError:
                return CHARACTERS
            return None
        if not value or value in self.empty:
            return REQUIRED
        if self.kind in {Kind.TEXT, Kind.DIGITS}:
            inside = "0-9" if self.kind is Kind.DIGITS else self._class()
            return LENGTH if re.fullmatch(f"[{inside}]+", value) else CHARACTERS
        return CHARACTERS

    def converter(self) -> Callable[[str], str] | None:
        """Return what turns a value that fits, not "", into its one form; None when it is in it already.

        It raises ValueError for a day that does not exist.
        """
        convert: Callable[[str], str] | None = None
        match self.kind:
            case Kind.CODE if any(code != meaning for code, meaning in self.codes.items()):
                convert = self.codes.__getitem__
            case Kind.DATE:
                convert = _DATES[self.form]
            case Kind.PARTIAL_DATE:
                convert = _PARTIAL_DATES[self.form]
            case Kind.INSTANT:
                convert = _iso_instant if self.form is DateForm.ISO else _compact_instant
        if not self.empty:
            return convert
        nothing, inner = frozenset(self.empty), convert or str
        return lambda value: "" if value in nothing else inner(value)


def _date_pattern(form: DateForm, month: str, day: str) -> str:
    match form:
        case DateForm.ISO:
            return f"[0-9]{{4}}-{month}-{day}"
        case DateForm.COMPACT:
            return f"[0-9]{{4}}{month}{day}"
    return f"[1-5][0-9]{{2}}{month}{day}"


def _iso(value: str) -> str:
    if value.startswith("0000"):
        raise ValueError("no such year")
    date.fromisoformat(value)
    return value


def _compact(value: str) -> str:
    return f"{value[:4]}-{value[4:6]}-{value[6:]}"


def _era(value: str) -> str:
    return f"{_ERA_FIRST_YEARS[value[0]] + int(value[1:3]) - 1:04}-{value[3:5]}-{value[5:]}"


def _partial(value: str) -> str:
    """Check a day of which the month, or the day, or all is written as zeros."""
    year, month, day = value.split("-")
    if month == "00" and day != "00":
        raise ValueError("a day without its month")
    # 2000 has a 29 February: without a year it may have been one.
    date(int(year) or 2000, int(month) or 1, int(day) or 1)
    return value


def _iso_instant(value: str) -> str:
    return _utc(datetime.fromisoformat(value))


def _compact_instant(value: str) -> str:
    return _utc(datetime.strptime(value, "%Y%m%d%H%M%S").replace(tzinfo=JST))


def _utc(moment: datetime) -> str:
    try:
        return moment.astimezone(UTC).isoformat()
    except OverflowError:
        raise ValueError("before the first day") from None


def _kept(*steps: Callable[[str], str]) -> Callable[[str], str]:
    """Chain conversions and remember their results: a register has few different days."""

    @lru_cache(maxsize=100_000)
    def convert(value: str) -> str:
        for step in steps:
            value = step(value)
        return value

    return convert


_TO_ISO: dict[DateForm, tuple[Callable[[str], str], ...]] = {
    DateForm.ISO: (),
    DateForm.COMPACT: (_compact,),
    DateForm.ERA: (_era,),
}
_DATES = {form: _kept(*steps, _iso) for form, steps in _TO_ISO.items()}
_PARTIAL_DATES = {form: _kept(*steps, _partial) for form, steps in _TO_ISO.items()}
