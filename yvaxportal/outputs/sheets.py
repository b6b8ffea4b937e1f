"""Writing rows to CSV or XLSX so that a spreadsheet shows them and never runs them."""

import csv
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import IO, Any

from yvaxportal.outputs.layouts import Layout
from yvaxportal.outputs.making import MakingError
from yvaxportal.values.text import cp932_problems

#: A spreadsheet takes a cell that begins with one of these for a formula (full-width ones in Japan, too).
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")
_MOST_POSITIONS = 200


class Sheet(ABC):
    """A table being written, row after row.

    What the format cannot carry is never replaced: the whole table is looked through, and at its end the
    positions are told by row number (the heading is row 1), column and code points.
    """

    def __init__(self) -> None:
        self._row = 0
        self._problems: list[dict[str, Any]] = []
        self._more = 0

    def write(self, cells: Sequence[Any]) -> None:
        """Write one row of text, whole numbers, dates and None."""
        self._row += 1
        for number, cell in enumerate(cells, start=1):
            if isinstance(cell, str) and (bad := self.unwritable(cell)):
                self._keep(number, bad)
        self.put(cells)

    def finish(self) -> None:
        """End the table.

        :raises MakingError: ``unencodable``, with ``positions`` and how many ``more`` there are.
        """
        if self._problems:
            raise MakingError("unencodable", {"positions": self._problems, "more": self._more})

    @abstractmethod
    def unwritable(self, text: str) -> Sequence[str]:
        """Return the characters of a text that the format cannot carry."""

    @abstractmethod
    def put(self, cells: Sequence[Any]) -> None:
        """Write a row, or nothing when it holds what cannot be written."""

    def _keep(self, column: int, characters: Sequence[str]) -> None:
        if len(self._problems) >= _MOST_POSITIONS:
            self._more += 1
            return
        points = [" ".join(f"U+{ord(point):04X}" for point in character) for character in characters]
        self._problems.append({"row": self._row, "column": column, "characters": points})


class CsvSheet(Sheet):
    """CSV as Excel reads it: comma, CR LF, quotes where needed."""

    def __init__(self, file: IO[str], encoding: str) -> None:
        super().__init__()
        self._cp932 = encoding == "cp932"
        self._writer = csv.writer(file, lineterminator="\r\n")

    def unwritable(self, text: str) -> Sequence[str]:
        """Return what CP932 has no place for."""
        return cp932_problems(text) if self._cp932 else ()

    def put(self, cells: Sequence[Any]) -> None:
        """Write a row as long as all could be written: a file that fails at its end holds nothing."""
        if not self._problems:
            self._writer.writerow([_csv_text(cell) for cell in cells])


def _csv_text(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


@contextmanager
def open_sheet(path: Path, layout: Layout) -> Iterator[Sheet]:
    """Give a table to write into ``path``; it is whole when the block ends without an error.

    :raises MakingError: ``unencodable``, at the end of the block.
    """
    if layout.format == "xlsx":
        # Only the worker writes workbooks: it costs a process four megabytes.
        from yvaxportal.outputs.workbook import XlsxSheet  # noqa: PLC0415

        sheet = XlsxSheet()
        yield sheet
        sheet.finish()
        sheet.book.save(path)
        return
    encoding = layout.encoding or "utf-8-sig"
    with path.open("w", encoding=encoding, newline="") as file:
        table = CsvSheet(file, encoding)
        yield table
        table.finish()
