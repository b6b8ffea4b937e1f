"""A report's table as it is written to files: the same for XLSX, CSV, PDF and the command line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from yvaxportal.services.reports.definition import Block, Column, Definition, Row
from yvaxportal.services.reports.table import TOTAL, Figure, Table
from yvaxportal.values.sheets import Sheet, Value, Workbook
from yvaxportal.values.text import _

#: Stands for a figure that the public version leaves out.
HIDDEN = "※"
Say = Callable[[Any], str]


@dataclass(frozen=True)
class ReportWords:
    """Names of a report's parts in one language."""

    say: Say
    japanese: bool

    def named(self, part: Definition | Row | Column | Block) -> str:
        """Return the name of a row, column or block, or the title of a report."""
        if isinstance(part, Definition):
            return part.title_ja if self.japanese else part.title_en
        return part.ja if self.japanese else part.en

    def group(self, row: Row) -> str:
        """Return what rows have in common, such as the vaccine."""
        return row.group_ja if self.japanese else row.group_en

    def notes(self, definition: Definition, *, public: bool) -> Sequence[str]:
        """Return the notes below a table."""
        notes = list(definition.notes_ja if self.japanese else definition.notes_en)
        if public:
            notes.append(
                self.say(
                    _(
                        "${mark}: small figures, and others from which they would follow, are left out.",
                        mapping={"mark": HIDDEN},
                    )
                )
            )
        basis = self.say(_("Legal basis"))
        notes.append(f"{basis}: {definition.citation}")
        return notes


def workbook(
    table: Table, words: ReportWords, facts: Sequence[tuple[str, str]], *, public: bool = False
) -> Workbook:
    """Return the table in words: a sheet for each block."""
    definition = table.definition
    return Workbook(
        title=words.named(definition),
        facts=facts,
        sheets=[_sheet(table, block, words) for block in definition.blocks],
        notes=words.notes(definition, public=public),
    )


def _sheet(table: Table, block: Block, words: ReportWords) -> Sheet:
    heads = [
        words.say(_("Vaccine")),
        words.say(_("Dose number")),
        *(words.named(one) for one in block.columns),
    ]
    rows: list[list[Value]] = [
        [words.group(row), words.named(row), *(_value(table.at(row.key, one.key)) for one in block.columns)]
        for row in table.rows
    ]
    if table.definition.total_row:
        sums = [_value(table.at(TOTAL, one.key)) for one in block.columns]
        rows.append([words.say(_("Total")), "", *sums])
    return Sheet(words.named(block), heads, rows, stubs=2)


def _value(figure: Figure) -> Value:
    return HIDDEN if figure.hidden else figure.value
