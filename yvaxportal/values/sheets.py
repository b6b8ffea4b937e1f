"""A table as it leaves for a spreadsheet, a text file or paper: words, numbers, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

Value = str | int | Decimal | None

#: A spreadsheet takes a cell that begins with one of these for a formula (full-width ones in Japan, too).
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: ``name`` (of the worksheet), heads, and rows whose first ``stubs`` cells name the line."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Value]]
    stubs: int = 1


@dataclass(frozen=True, slots=True)
class Workbook:
    """What is written: title, facts about it as (label, value), tables, notes below them."""

    title: str
    facts: Sequence[tuple[str, str]]
    sheets: Sequence[Sheet]
    notes: Sequence[str] = ()
