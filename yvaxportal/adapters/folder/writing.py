"""Files that appear only whole: written beside under a name nobody reads, flushed, renamed."""

import codecs
import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from yvaxportal.adapters.folder.columns import Column, Fill
from yvaxportal.adapters.folder.layouts import Form, Layout, LineLayout, Named
from yvaxportal.adapters.folder.lines import Encoding
from yvaxportal.adapters.folder.reading import COUNT_WIDTHS, HEADER_WIDTHS, TOTAL_MODULUS, TOTAL_WIDTH
from yvaxportal.adapters.folder.records import unfilled
from yvaxportal.values.clock import JST

#: What a file is called while it is written; neither side reads such a name.
UNFINISHED = ".part"
_MOST_PROBLEMS = 1_000
_END = "\r\n"
_TO_BE_QUOTED = frozenset('",')


@dataclass(frozen=True, slots=True)
class WritingProblem:
    """A value that cannot be written: row (from 1, data only) and column. Never the value itself."""

    row: int
    column: str
    problem: str


class CannotWriteError(Exception):
    """Nothing was written: some values do not fit the layout or its encoding."""

    def __init__(self, problems: Sequence[WritingProblem]) -> None:
        first = problems[0]
        super().__init__(
            f"{len(problems)} values cannot be written, "
            f"the first in row {first.row}, column {first.column}: {first.problem}"
        )
        self.problems = tuple(problems)


@contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Give a file to write to; ``path`` exists with all of it afterwards, or as it was before on an error.

    :param mode: what others may do with it, from its first byte on; the process's umask takes from it.
    """
    beside = path.with_name(f".{path.name}{UNFINISHED}")
    try:
        # What a broken attempt left may have been made with other rights.
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names that were given or taken away in a folder lasting, where its file system can."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Shares of other systems know no such thing.
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(handle)


def write_delivery(
    path: Path, layout: Layout, named: Named, municipality_code: str, rows: Iterable[Sequence[str]]
) -> int:
    """Write a file of a layout with header and trailer; return how many rows it has.

    :param rows: the values of the layout's columns, as the file is to have them.
    :raises CannotWriteError: values that do not fit or that the encoding does not have: they are never
        replaced by others. There is no file then.
    """
    writer = LineWriter(layout, layout.totals)
    with whole_file(path) as file:
        file.write(byte_order_mark(layout.encoding))
        if layout.marks:
            moment = named.as_of.astimezone(JST).isoformat(timespec="seconds")
            head = ("H", layout.layout, layout.version, municipality_code, named.scope.value)
            file.write(writer.mark([*head, f"{named.sequence:08}", moment], HEADER_WIDTHS))
        for _ in range(layout.headings):
            file.write(writer.line(",".join(column.title or column.name for column in layout.columns)))
        for row in rows:
            file.write(writer.data(row))
        if layout.marks:
            totals = [f"{total % TOTAL_MODULUS}" for total in writer.totals]
            widths = (*COUNT_WIDTHS, *(TOTAL_WIDTH for _ in totals))
            file.write(writer.mark(["T", f"{writer.count}", *totals], widths))
        if writer.problems:
            raise CannotWriteError(writer.problems)
    return writer.count


def byte_order_mark(encoding: Encoding) -> bytes:
    """Return what a file of an encoding begins with."""
    match encoding:
        case Encoding.UTF_16:
            return codecs.BOM_UTF16_LE
        case Encoding.UTF_8_BOM:
            return codecs.BOM_UTF8
    return b""


class LineWriter:
    """Writes rows of one layout. ``problems`` are the values that could not be written."""

    def __init__(self, layout: LineLayout, totals: Sequence[str] = ()) -> None:
        self.layout = layout
        self.count = 0
        self.problems: list[WritingProblem] = []
        self._places = layout.places(totals)
        self.totals = [0] * len(self._places)
        codecs = {Encoding.UTF_16: "utf-16-le", Encoding.UTF_8_BOM: "utf-8"}
        self._codec = codecs.get(layout.encoding, layout.encoding.value)

    def line(self, text: str) -> bytes:
        """Return a text as a line."""
        return f"{text}{_END}".encode(self._codec)

    def mark(self, fields: Sequence[str], widths: Sequence[int]) -> bytes:
        """Return a header or a trailer."""
        if self.layout.form is Form.CSV:
            return self.line(",".join(fields))
        return self.line("".join(field.ljust(width) for field, width in zip(fields, widths, strict=True)))

    def data(self, row: Sequence[str]) -> bytes:
        """Return a row as a line; an empty one when it cannot be written, and the problem is kept."""
        self.count += 1
        pieces = [] if not self.layout.marks else [self.layout.mark.encode(self._codec)]
        for column, value in zip(self.layout.columns, row, strict=True):
            problem = column.fault(value) or ("" if self._encodes(value) else "encoding")
            piece = b"" if problem else self._piece(column, value)
            if piece is None:
                problem = "too wide"
            if problem:
                self.problems.append(WritingProblem(self.count, column.name, problem))
                if len(self.problems) >= _MOST_PROBLEMS:
                    raise CannotWriteError(self.problems)
            pieces.append(piece or b"")
        for place, position in enumerate(self._places):
            value = row[position]
            self.totals[place] += int(value) if value.isascii() and value.isdigit() else 0
        between = "," if self.layout.form is Form.CSV else ""
        return between.encode(self._codec).join(pieces) + _END.encode(self._codec)

    def _encodes(self, value: str) -> bool:
        # CP932 has several bytes for some characters, and for some a neighbour: only what comes back counts.
        try:
            return value.encode(self._codec).decode(self._codec) == value
        except UnicodeError:
            return False

    def _piece(self, column: Column, value: str) -> bytes | None:
        if self.layout.form is Form.CSV:
            if _TO_BE_QUOTED.intersection(value):
                value = '"' + value.replace('"', '""') + '"'
            return value.encode(self._codec)
        return self._filled(column, value)

    def _filled(self, column: Column, value: str) -> bytes | None:
        """Return a value at its fixed width; None when it is too wide, or would not come back as it is."""
        length = len(value.encode(self._codec)) if self.layout.counts_bytes else len(value)
        room = column.width - length
        if room < 0 or value != unfilled(column)(value):
            return None
        match column.fill:
            case Fill.ZERO:
                filled = "0" * room + value
            case Fill.WIDE_SPACE if self.layout.counts_bytes:
                filled = value + "\u3000" * (room // 2) + " " * (room % 2)
            case Fill.WIDE_SPACE:
                filled = value + "\u3000" * room
            case _:
                filled = value + " " * room
        return filled.encode(self._codec)
