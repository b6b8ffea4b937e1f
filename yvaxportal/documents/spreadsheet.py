"""Tables as XLSX and CSV: numbers stay numbers, words stay words, nothing is ever a formula."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from openpyxl import Workbook as Book
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem, _HeaderFooterPart
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from yvaxportal.values.sheets import FORMULA_STARTS, Sheet, Value, Workbook
from yvaxportal.values.width import display_width

_LINE = Side(style="thin", color="B8B4A6")
_HEAD = PatternFill("solid", fgColor="E8EDF2")
_MOST_NAME = 31
_A4 = 9
_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\", "・"))
_NARROWEST, _WIDEST = 8, 44


def xlsx(workbook: Workbook, moment: datetime) -> bytes:
    """Return the tables as an XLSX file, one worksheet each, ready to print on A4 across.

    :param moment: aware; stands in the file's properties.
    """
    book = Book()
    book.remove(book.active)  # type: ignore[arg-type]
    book.properties.title = workbook.title
    book.properties.created = book.properties.modified = moment.replace(tzinfo=None)
    for sheet in workbook.sheets:
        _write(book.create_sheet(_sheet_name(sheet.name, book.sheetnames)), workbook, sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    plain = name.translate(_FORBIDDEN)[:_MOST_NAME] or "1"
    number = 2
    unique = plain
    while unique in taken:
        unique = f"{plain[: _MOST_NAME - 3]} {number}"
        number += 1
    return unique


def _write(page: Worksheet, workbook: Workbook, sheet: Sheet) -> None:
    _put(page.cell(1, 1), workbook.title).font = Font(bold=True, size=14)
    line = 2
    for label, fact in workbook.facts:
        _put(page.cell(line, 1), label).font = Font(color="555555")
        _put(page.cell(line, 2), fact)
        line += 1
    line += 1
    head = line
    for column, name in enumerate(sheet.heads, start=1):
        cell = _put(page.cell(head, column), name)
        cell.font, cell.fill = Font(bold=True), _HEAD
        cell.border = Border(top=_LINE, bottom=_LINE, left=_LINE, right=_LINE)
        cell.alignment = Alignment(wrap_text=True, vertical="center", horizontal="center")
    for row in sheet.rows:
        line += 1
        for column, value in enumerate(row, start=1):
            cell = _put(page.cell(line, column), value)
            cell.border = Border(top=_LINE, bottom=_LINE, left=_LINE, right=_LINE)
            if column > sheet.stubs:
                cell.alignment = Alignment(horizontal="right")
    line += 1
    for note in workbook.notes:
        line += 1
        _put(page.cell(line, 1), note).font = Font(size=9, color="555555")
    _lay_out(page, workbook, sheet, head)


def _put(cell: Cell | MergedCell, value: Value) -> Cell:
    if not isinstance(cell, Cell):
        raise TypeError("a merged cell takes no value")
    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", value)
        # Never a formula, whatever it begins with, and not when somebody edits the cell either.
        cell.data_type = "s"
        if value.startswith(FORMULA_STARTS):
            cell.quotePrefix = True
    elif value is not None:
        cell.value = value
        cell.number_format = "#,##0.0" if isinstance(value, Decimal) else "#,##0"
    return cell


def _lay_out(page: Worksheet, workbook: Workbook, sheet: Sheet, head: int) -> None:
    for column, text in enumerate(sheet.heads, start=1):
        texts = [str(row[column - 1] or "") for row in sheet.rows] if column <= sheet.stubs else [text]
        widest = max((display_width(one) for one in [*texts, text]), default=0) + 2
        page.column_dimensions[get_column_letter(column)].width = min(max(widest, _NARROWEST), _WIDEST)
    page.freeze_panes = f"{get_column_letter(sheet.stubs + 1)}{head + 1}"
    page.print_title_rows = f"{head}:{head}"
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = _A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    title = workbook.title.replace("&", "&&")
    page.oddFooter = HeaderFooterItem(left=_HeaderFooterPart(title), right=_HeaderFooterPart("&P / &N"))


def csv_text(workbook: Workbook) -> bytes:
    """Return the tables as CSV one below the other, as Excel reads it: UTF-8 with BOM, CR LF."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_plain(workbook.title)])
    for label, value in workbook.facts:
        writer.writerow([_plain(label), _plain(value)])
    for sheet in workbook.sheets:
        writer.writerow([])
        writer.writerow([_plain(sheet.name)])
        writer.writerow([_plain(head) for head in sheet.heads])
        writer.writerows([[_plain(value) for value in row] for row in sheet.rows])
    writer.writerow([])
    writer.writerows([[_plain(note)] for note in workbook.notes])
    return out.getvalue().encode("utf-8-sig")


def _plain(value: Value) -> str:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else str(value)
