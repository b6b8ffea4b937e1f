"""One line of data: cut, judged by one regular expression, brought into the form that is kept."""

import csv
import re
from collections.abc import Callable, Sequence

from yvaxportal.adapters.folder.columns import SEPARATOR, Column, Fill, Kind
from yvaxportal.adapters.folder.faults import CHARACTERS, COLUMNS, UNDECODABLE
from yvaxportal.adapters.folder.layouts import Form, LineLayout

Line = str | bytes
Values = Sequence[str]


class LineFaultError(Exception):
    """A line is refused.

    :param fields: the values as the file has them, when the line could be cut.
    """

    def __init__(self, column: str, code: str, fields: Values | None = None) -> None:
        super().__init__(code)
        self.column, self.code, self.fields = column, code, fields


class RecordParser:
    """Judges lines of one layout. ``wanted`` are the columns to be given, in that order; "" for none."""

    def __init__(self, layout: LineLayout, wanted: Sequence[str]) -> None:
        self.layout = layout
        self._columns = layout.columns
        self._offset = 1 if layout.marks else 0
        mark = [layout.mark] if layout.marks else []
        self._pattern = re.compile(
            SEPARATOR.join([*mark, *(column.pattern() for column in layout.columns)])
        ).fullmatch
        self._conversions = [
            (place, convert)
            for place, column in enumerate(layout.columns, self._offset)
            if (convert := column.converter()) is not None
        ]
        # A value that is not in the file is the empty one behind the last.
        self._width = len(layout.columns) + self._offset
        self._places = [
            place + self._offset if place >= 0 else self._width for place in layout.places(wanted)
        ]
        self._cut = cutter(layout)

    def fields(self, line: Line) -> list[str]:
        """Return the values of a line as the file has them, the mark included; LineFaultError."""
        return self._cut(line)

    def values(self, fields: list[str]) -> list[str]:
        """Return the wanted values of a line, converted.

        :raises LineFaultError: the first column that is wrong, and why.
        """
        # The number of values is looked at as well: one of them could hold the separator.
        if len(fields) != self._width or self._pattern(SEPARATOR.join(fields)) is None:
            raise self._first_fault(fields)
        try:
            kept = [*fields, ""]
            for place, convert in self._conversions:
                if kept[place]:
                    kept[place] = convert(kept[place])
        except ValueError:
            raise self._first_fault(fields) from None
        return [kept[place] for place in self._places]

    def _first_fault(self, fields: list[str]) -> LineFaultError:
        if len(fields) != self._width or (self._offset and fields[0] != self.layout.mark):
            return LineFaultError("", COLUMNS)
        for column, value in zip(self._columns, fields[self._offset :], strict=True):
            code = column.fault(value)
            if code is not None:
                return LineFaultError(column.name, code, fields)
        return LineFaultError("", CHARACTERS)


def cut_csv(line: Line) -> list[str]:
    """Cut a line of CSV (RFC 4180, without line breaks in values)."""
    if isinstance(line, bytes):
        raise LineFaultError("", UNDECODABLE)
    if '"' not in line:
        return line.split(",")
    try:
        (fields,) = csv.reader((line,), strict=True)
    except (csv.Error, ValueError):
        raise LineFaultError("", COLUMNS) from None
    return fields


def cutter(layout: LineLayout) -> Callable[[Line], list[str]]:
    """Return what cuts lines of a layout into values, the mark included."""
    if layout.form is Form.CSV:
        return cut_csv
    cuts: list[tuple[str, slice, Callable[[str], str]]] = []
    start = 0
    if layout.marks:
        cuts.append(("", slice(0, 1), str))
        start = 1
    for column in layout.columns:
        cuts.append((column.name, slice(start, start + column.width), unfilled(column)))
        start += column.width
    width, wants_bytes = start, layout.counts_bytes

    def cut(line: Line) -> list[str]:
        if isinstance(line, bytes) and not wants_bytes:
            raise LineFaultError("", UNDECODABLE)
        if len(line) != width:
            raise LineFaultError("", COLUMNS)
        if isinstance(line, str):
            return [unfill(line[part]) for _, part, unfill in cuts]
        found = []
        for name, part, unfill in cuts:
            try:
                found.append(unfill(line[part].decode("cp932")))
            except UnicodeDecodeError:
                raise LineFaultError(name, UNDECODABLE) from None
        return found

    return cut


def unfilled(column: Column) -> Callable[[str], str]:
    """Return what takes the filling off a value of fixed length."""
    match column.fill:
        case Fill.ZERO:
            return lambda value: value.lstrip("0")
        case Fill.WIDE_SPACE:
            return lambda value: value.rstrip("\u3000 ")
    if column.kind is Kind.TEXT:
        return lambda value: value.rstrip(" ")
    return lambda value: value.strip(" ")
