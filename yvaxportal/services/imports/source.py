"""The records of an uploaded file, whatever its format, and its headings."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from yvaxportal.services.imports.layouts import Layout
from yvaxportal.services.imports.records import (
    DELIMITERS,
    MOST_COLUMNS,
    Record,
    delimited,
    fixed_length,
    lines_of,
)
from yvaxportal.services.imports.store import pieces
from yvaxportal.services.imports.workbook import WorkbookError, workbook_records
from yvaxportal.vault.keyring import KeyRing

PREVIEWED = 8


class FileRefusedError(Exception):
    """The file as a whole cannot be taken: a code of ``forms.import_labels`` and facts, nothing personal."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Opened:
    """A file being read: the headings (empty without), and the records that follow."""

    headings: Sequence[str]
    records: Iterator[Record]


@dataclass(frozen=True, slots=True)
class FileKind:
    """How a file is to be read."""

    batch_id: int
    format: str
    encoding: str


@contextmanager
def opened(source: Session | Connection, ring: KeyRing, kind: FileKind, layout: Layout) -> Iterator[Opened]:
    """Open an uploaded file and read its headings.

    :raises FileRefusedError: it is empty, or no file of its format.
    """
    chunks = pieces(source, ring, kind.batch_id)
    if kind.format == "xlsx":
        with tempfile.TemporaryFile() as whole:
            for chunk in chunks:
                whole.write(chunk)
            whole.seek(0)
            try:
                yield _begun(workbook_records(whole), layout)
            except WorkbookError as error:
                raise FileRefusedError(str(error)) from None
        return
    lines = lines_of(chunks, kind.encoding)
    if kind.format == "fixed":
        records = fixed_length(lines, layout.widths, kind.encoding)
        yield Opened((), _not_empty(records))
        return
    yield _begun(delimited(lines, DELIMITERS[kind.format]), layout)


def preview(opened_file: Opened) -> list[Record]:
    """Return the first few records."""
    return list(islice(opened_file.records, PREVIEWED))


def _begun(records: Iterator[Record], layout: Layout) -> Opened:
    if not layout.header:
        return Opened((), _not_empty(records))
    first = next(records, None)
    if first is None:
        raise FileRefusedError("empty_file")
    if first.fault is not None:
        raise FileRefusedError("unreadable_headings", line=first.line)
    if len(first.cells) > MOST_COLUMNS:
        raise FileRefusedError("too_many_columns", found=len(first.cells), most=MOST_COLUMNS)
    return Opened(first.cells, records)


def _not_empty(records: Iterator[Record]) -> Iterator[Record]:
    first = next(records, None)
    if first is None:
        raise FileRefusedError("empty_file")
    yield first
    yield from records
