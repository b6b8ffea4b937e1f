"""Writing rows to XLSX: numbers and days stay what they are, a text is never a formula."""

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font

from yvaxportal.outputs.sheets import FORMULA_STARTS, Sheet

#: Excel counts a day that never was, 29 February 1900: an earlier date would be another day.
_FIRST_DATE = date(1900, 3, 1)


class XlsxSheet(Sheet):
    """XLSX, written as it comes: text is text, numbers are numbers, days are days."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Workbook(write_only=True)
        self._sheet = self.book.create_sheet("一覧")
        self._sheet.freeze_panes = "A2"

    def unwritable(self, text: str) -> Sequence[str]:
        """Return control characters that XML has no place for."""
        return ILLEGAL_CHARACTERS_RE.findall(text)

    def put(self, cells: Sequence[Any]) -> None:
        """Write a row."""
        if not self._problems:
            self._sheet.append([self._cell(cell) for cell in cells])

    def _cell(self, value: Any) -> Any:
        if isinstance(value, date):
            if value < _FIRST_DATE:
                return self._cell(value.isoformat())
            day = WriteOnlyCell(self._sheet, value=datetime.combine(value, time()))
            day.number_format = "yyyy-mm-dd"
            return day
        if not isinstance(value, str) or not (self._row == 1 or value.startswith((*FORMULA_STARTS, "#"))):
            return value
        cell = WriteOnlyCell(self._sheet, value=value)
        # Never a formula or an error code, whatever it begins with, and not when somebody edits it either.
        cell.data_type = "s"
        if value.startswith(FORMULA_STARTS):
            cell.quotePrefix = True
        if self._row == 1:
            cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True)
        return cell
