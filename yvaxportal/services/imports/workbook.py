"""Records of an Excel workbook (XLSX): the first sheet, cell by cell, formulas never evaluated."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from yvaxportal.services.imports.records import MOST_COLUMNS, Record

MOST_UNPACKED = 2 << 30
MOST_RATIO = 200
MOST_MEMBERS = 2_000
#: openpyxl keeps the shared texts in memory, so their size is what memory is bounded by.
MOST_SHARED = 32 << 20

_SHARED = "xl/sharedStrings.xml"
_SMALL = 1 << 20


class WorkbookError(ValueError):
    """The file is no workbook that is read. Its text is a code of ``refusals``."""


def check_workbook(file: IO[bytes]) -> None:
    """Raise WorkbookError unless this is a workbook of bearable size."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise WorkbookError("not_a_workbook") from None
    if any(member.flag_bits & 1 for member in members):
        raise WorkbookError("encrypted_workbook")
    if "xl/workbook.xml" not in {member.filename for member in members}:
        raise WorkbookError("not_a_workbook")
    unpacked = sum(member.file_size for member in members)
    packed = max(sum(member.compress_size for member in members), 1)
    if len(members) > MOST_MEMBERS or unpacked > MOST_UNPACKED:
        raise WorkbookError("workbook_too_large")
    if unpacked > _SMALL and unpacked / packed > MOST_RATIO:
        raise WorkbookError("workbook_too_large")
    if any(member.filename == _SHARED and member.file_size > MOST_SHARED for member in members):
        raise WorkbookError("workbook_too_large")


def workbook_records(file: IO[bytes]) -> Iterator[Record]:
    """Give the rows of the first sheet as texts; the line is the row's number in the sheet.

    Days are written ``2026-04-01``, whole numbers without a point. A formula stays what it is, a text that
    begins with ``=``, and is a fault of its row.

    :raises WorkbookError: as ``check_workbook``, or the sheet is broken.
    """
    # Only where a workbook is read: it costs a process four megabytes.
    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    check_workbook(file)
    file.seek(0)
    try:
        book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
        try:
            sheet = book.worksheets[0]
            for number, row in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), 1):
                formula = any(cell.data_type == "f" for cell in row)
                cells = ["" if cell.data_type == "f" else _text(cell.value) for cell in row]
                while cells and not cells[-1]:
                    cells.pop()
                if formula:
                    yield Record(number, cells, "formula")
                elif cells:
                    yield Record(number, cells, "nul" if any("\x00" in cell for cell in cells) else None)
        finally:
            book.close()
    except (InvalidFileException, KeyError, IndexError, ValueError, ParseError, zipfile.BadZipFile, OSError):
        raise WorkbookError("not_a_workbook") from None


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
