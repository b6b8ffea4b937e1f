"""Records of a text file, one at a time: delimited with quotes, or of fixed length. Bounded memory.

Every fault is a record's own: a broken quote or a byte of another encoding costs its line and nothing after.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

DELIMITERS = {"csv": ",", "tsv": "\t"}
#: A record is given up when its quote is not closed within this many lines or characters.
MOST_LINES = 50
MOST_CHARACTERS = 65_536
MOST_COLUMNS = 500

_NUL = "\x00"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: ``line`` is where it begins, counted from 1. With a ``fault`` its cells may be missing."""

    line: int
    cells: Sequence[str]
    fault: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end; ``text`` is None where the bytes are none of the encoding."""

    number: int
    text: str | None


def lines_of(chunks: Iterable[bytes], encoding: str) -> Iterator[Line]:
    """Give the lines of a file.

    :param encoding: ``utf-8``, ``cp932`` or ``utf-16`` with its ending; a mark at the beginning is left out.
    """
    number = 0
    for piece in _pieces(chunks, encoding):
        for raw in piece:
            number += 1
            yield Line(number, raw)


def _pieces(chunks: Iterable[bytes], encoding: str) -> Iterator[list[str | None]]:
    """Give the lines in lots. No encoding that is read has the byte of a line's end inside a character."""
    wide = encoding.startswith("utf-16")
    end = "\n".encode(encoding) if wide else b"\n"
    rest, first = b"", True
    for chunk in chunks:
        data = rest + chunk
        cut = _last_end(data, end, wide=wide)
        if cut == 0:
            rest = data
            if len(rest) > (MOST_CHARACTERS * 64):
                # A line without an end is no text of anybody's; it is given up in pieces.
                yield [None]
                rest = b""
            continue
        rest = data[cut:]
        yield _decoded(data[:cut], encoding, end, first=first)
        first = False
    if rest:
        yield _decoded(rest, encoding, end, first=first)


def _last_end(data: bytes, end: bytes, *, wide: bool) -> int:
    at = data.rfind(end)
    while wide and at > 0 and at % 2:
        at = data.rfind(end, 0, at + 1)
    return at + len(end) if at >= 0 else 0


def _decoded(data: bytes, encoding: str, end: bytes, *, first: bool) -> list[str | None]:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        lots = data.split(end) if len(end) == 1 else [data]
        if lots and not lots[-1]:
            lots.pop()
        decoded = [_one(raw, encoding) for raw in lots]
        if first and decoded and decoded[0]:
            decoded[0] = decoded[0].removeprefix("\ufeff")
        return decoded
    if first:
        text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = text.split("\n")
    if not found[-1]:
        found.pop()
    return list(found)


def _one(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding).rstrip("\r")
    except UnicodeDecodeError:
        return None


def delimited(lines: Iterable[Line], delimiter: str) -> Iterator[Record]:
    """Give the records of a delimited file; empty lines are left out."""
    waiting: list[Line] = []
    for line in lines:
        waiting.append(line)
        while waiting:
            done = _next(waiting, delimiter)
            if done is None:
                break
            record, used = done
            del waiting[:used]
            if record is not None:
                yield record
    while waiting:
        # The file ends within a quote: its first line is at fault, the others are read on their own.
        yield Record(waiting[0].number, (), "broken_quotes")
        del waiting[:1]
        while waiting:
            done = _next(waiting, delimiter)
            if done is None:
                break
            record, used = done
            del waiting[:used]
            if record is not None:
                yield record


def _next(waiting: list[Line], delimiter: str) -> tuple[Record | None, int] | None:
    """Return the first record of ``waiting`` and how many lines it took; None while its quote is open."""
    first = waiting[0]
    if first.text is None:
        return Record(first.number, (), "wrong_encoding"), 1
    if not first.text or first.text.isspace():
        return None, 1
    if _NUL in first.text:
        return Record(first.number, (), "nul"), 1
    if '"' not in first.text:
        return Record(first.number, first.text.split(delimiter)), 1
    return _quoted(waiting, delimiter)


def _quoted(waiting: list[Line], delimiter: str) -> tuple[Record, int] | None:
    quotes, length = 0, 0
    for used, line in enumerate(waiting, 1):
        if line.text is None:
            return Record(waiting[0].number, (), "broken_quotes"), 1
        quotes += line.text.count('"')
        length += len(line.text)
        if length > MOST_CHARACTERS or used > MOST_LINES:
            return Record(waiting[0].number, (), "broken_quotes"), 1
        if quotes % 2 == 0:
            whole = "\n".join(part.text or "" for part in waiting[:used])
            record = _parsed(waiting[0].number, whole, delimiter)
            # A quote that belongs to a later line closed this one by chance: only the first line is at fault.
            return record, used if record.fault is None else 1
    return None


def _parsed(number: int, whole: str, delimiter: str) -> Record:
    if _NUL in whole:
        return Record(number, (), "nul")
    try:
        found = list(csv.reader([whole], delimiter=delimiter, strict=True))
    except csv.Error:
        return Record(number, (), "broken_quotes")
    if len(found) != 1:
        # A quote inside a cell that was not one: the reader saw two records where there was one.
        return Record(number, (), "broken_quotes")
    return Record(number, found[0])


def fixed_length(lines: Iterable[Line], widths: Sequence[int], encoding: str) -> Iterator[Record]:
    """Give the records of a file of fixed length; widths are in bytes of the encoding."""
    wanted = sum(widths)
    for line in lines:
        if line.text is None:
            yield Record(line.number, (), "wrong_encoding")
            continue
        if not line.text.strip():
            continue
        if _NUL in line.text:
            yield Record(line.number, (), "nul")
            continue
        data = line.text.encode(encoding)
        if len(data) != wanted:
            yield Record(line.number, (), "wrong_length", {"found": len(data), "wanted": wanted})
            continue
        try:
            yield Record(line.number, _cut(data, widths, encoding))
        except UnicodeDecodeError:
            yield Record(line.number, (), "wrong_length", {"found": len(data), "wanted": wanted})


def _cut(data: bytes, widths: Sequence[int], encoding: str) -> list[str]:
    cells, at = [], 0
    for width in widths:
        cells.append(data[at : at + width].decode(encoding).rstrip(" \u3000"))
        at += width
    return cells


_DELIMITER = re.compile(r"[,\t]")


def delimiter_of(first_line: str) -> str:
    """Return the format that a first line speaks for: ``tsv`` when it has more tabs than commas."""
    found = _DELIMITER.findall(first_line)
    return "tsv" if found.count("\t") > found.count(",") else "csv"
