"""One file, read once from its first byte to its last: header, data, trailer."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from yvaxportal.adapters.folder.faults import (
    CONTRADICTION,
    COUNT,
    HEADER,
    HEADER_DIFFERS,
    LINE_OF_OTHER_MUNICIPALITY,
    NO_TRAILER,
    OTHER_MUNICIPALITY,
    TOO_MANY_LINES,
    TOTAL,
    UNSTEADY,
    Fault,
    FileFaultError,
)
from yvaxportal.adapters.folder.layouts import Form, Layout, Named
from yvaxportal.adapters.folder.lines import blocks
from yvaxportal.adapters.folder.records import Line, LineFaultError, RecordParser, Values, cut_csv
from yvaxportal.adapters.messages.common import aware

#: A file with more refused lines than this is not worth reading on.
MOST_FAULTS = 20_000
#: So few refused lines never refuse a file.
FEW_FAULTS = 10
TOTAL_MODULUS = 10**15
HEADER_WIDTHS = (1, 10, 4, 6, 1, 8, 25)
COUNT_WIDTHS = (1, 9)
TOTAL_WIDTH = 15
_LONGEST_NUMBER = 18
MUNICIPALITY = "shikuchosonkodo"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a system wants of a kind of file.

    :param columns: the values of a row, in this order.
    :param key: the column that says whom a line is about.
    :param judge: gives the name of the column that contradicts another, or None.
    """

    columns: tuple[str, ...]
    key: str
    judge: Callable[[Values], str | None]


class Reading:
    """The reading of one file. ``rows`` is consumed once; what else it found is known afterwards.

    :ivar count: lines of data.
    :ivar faults: refused lines, at most ``MOST_FAULTS``.
    :ivar refused_keys: whom refused lines are about, as far as that could be read.
    """

    def __init__(
        self,
        path: Path,
        layout: Layout,
        named: Named,
        wanted: Wanted,
        *,
        municipality_code: str,
        digest: str,
        refused_percent: float,
    ) -> None:
        self.path, self.layout, self.named, self.wanted = path, layout, named, wanted
        self.municipality_code, self.refused_percent = municipality_code, refused_percent
        self.count = 0
        self.faults: list[Fault] = []
        self.refused_keys: set[str] = set()
        self._expected_digest, self._digest = digest, hashlib.sha256()
        self._parser = RecordParser(layout, wanted.columns)
        offset = 1 if layout.marks else 0
        (key,) = layout.places([wanted.key])
        self._key = key + offset
        (municipality,) = layout.places([MUNICIPALITY])
        self._municipality = municipality + offset if municipality >= 0 else None
        self._total_places = [place + offset for place in layout.places(layout.totals)]
        self._totals: list[int] | None = [0] * len(self._total_places)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Give the number and the values of every line that is accepted.

        :raises FileFaultError: the file as a whole is refused, whatever came before.
        """
        if self.named.municipality_code not in {None, self.municipality_code}:
            raise FileFaultError(OTHER_MUNICIPALITY)
        for number, line in self._data():
            try:
                values = self._values(line)
            except LineFaultError as fault:
                self._refuse(number, fault)
            else:
                yield number, values
        if self._digest.hexdigest() != self._expected_digest:
            raise FileFaultError(UNSTEADY)
        if too_many(len(self.faults), self.count, self.refused_percent):
            raise FileFaultError(TOO_MANY_LINES)

    def _data(self) -> Iterator[tuple[int, Line]]:
        """Give the lines between header and trailer, and check both."""
        marks = self.layout.marks
        before, ended = self.layout.headings + marks, False
        for number, line in self._lines():
            if ended:
                if line:
                    raise FileFaultError(NO_TRAILER, number)
            elif marks and number == 1:
                self._check_header(line)
            elif number > before:
                if marks and _is_trailer(line):
                    self._check_trailer(line, number)
                    ended = True
                else:
                    yield number, line
        if marks and not ended:
            raise FileFaultError(NO_TRAILER)

    def picked(self, numbers: Sequence[int]) -> Iterator[tuple[int, list[str] | None]]:
        """Give lines again by number, cut; None for one that cannot be cut."""
        chosen = frozenset(numbers)
        for number, line in self._lines():
            if number in chosen:
                try:
                    yield number, self._parser.fields(line)
                except LineFaultError:
                    yield number, None

    def _lines(self) -> Iterator[tuple[int, Line]]:
        number = 0
        with self.path.open("rb") as file:
            watched = blocks(
                file, self.layout.encoding, self._digest.update, undecoded=self.layout.counts_bytes
            )
            for block in watched:
                for line in block:
                    number += 1
                    yield number, line

    def _values(self, line: Line) -> list[str]:
        fields = self._parser.fields(line)
        values = self._parser.values(fields)
        if self._municipality is not None and fields[self._municipality] != self.municipality_code:
            raise LineFaultError(MUNICIPALITY, LINE_OF_OTHER_MUNICIPALITY, fields)
        column = self.wanted.judge(values)
        if column is not None:
            raise LineFaultError(column, CONTRADICTION, fields)
        self.count += 1
        if self._totals:
            self._add(fields)
        return values

    def _add(self, fields: Values) -> None:
        if self._totals is None:
            return
        try:
            for place, position in enumerate(self._total_places):
                self._totals[place] += int(fields[position] or 0)
        except ValueError:
            self._totals = None

    def _refuse(self, number: int, fault: LineFaultError) -> None:
        self.count += 1
        self.faults.append(Fault(number, fault.column, fault.code))
        if len(self.faults) >= MOST_FAULTS:
            raise FileFaultError(TOO_MANY_LINES, number)
        if fault.fields is None:
            # What the line would have added to the totals cannot be known: only the count is left to check.
            self._totals = None
            return
        self._add(fault.fields)
        key = fault.fields[self._key]
        if key.isascii() and key.isdigit():
            self.refused_keys.add(key)

    def _check_header(self, line: Line) -> None:
        fields = _marked(line, self.layout, HEADER_WIDTHS)
        if len(fields) != len(HEADER_WIDTHS) or fields[0] != "H" or not _is_number(fields[5]):
            raise FileFaultError(HEADER, 1)
        try:
            as_of = aware(datetime.fromisoformat(fields[6]))
        except (ValueError, OverflowError):
            raise FileFaultError(HEADER, 1) from None
        if fields[1:3] != [self.layout.layout, self.layout.version]:
            raise FileFaultError(HEADER, 1)
        if fields[3] != self.municipality_code:
            raise FileFaultError(OTHER_MUNICIPALITY, 1)
        said = (fields[4], int(fields[5]), as_of)
        if said != (self.named.scope.value, self.named.sequence, self.named.as_of):
            raise FileFaultError(HEADER_DIFFERS, 1)

    def _check_trailer(self, line: Line, number: int) -> None:
        widths = (*COUNT_WIDTHS, *(TOTAL_WIDTH for _ in self._total_places))
        fields = _marked(line, self.layout, widths)
        if len(fields) != len(widths) or not all(map(_is_number, fields[1:])):
            raise FileFaultError(NO_TRAILER, number)
        if int(fields[1]) != self.count:
            raise FileFaultError(COUNT, number)
        if self._totals is not None and [int(one) for one in fields[2:]] != [
            total % TOTAL_MODULUS for total in self._totals
        ]:
            raise FileFaultError(TOTAL, number)


def too_many(refused: int, count: int, percent: float) -> bool:
    """Tell whether so many lines are refused that the file is."""
    return refused > FEW_FAULTS and refused * 100 > count * percent


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _is_trailer(line: Line) -> bool:
    return line.startswith(("T", '"T"')) if isinstance(line, str) else line.startswith(b"T")


def _marked(line: Line, layout: Layout, widths: Sequence[int]) -> list[str]:
    """Cut a header or a trailer; in fixed length spaces may follow it."""
    if layout.form is Form.CSV:
        try:
            return cut_csv(line)
        except LineFaultError:
            return []
    text = line.decode("ascii", "replace") if isinstance(line, bytes) else line
    if text[sum(widths) :].strip(" "):
        return []
    ends = [sum(widths[: place + 1]) for place in range(len(widths))]
    return [text[end - width : end].strip(" ") for end, width in zip(ends, widths, strict=True)]
