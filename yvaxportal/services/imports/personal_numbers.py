"""Personal numbers have no place in a file of doses: a file with one is refused whole and wiped (M12)."""

import re
from collections.abc import Sequence

from yvaxportal.values.text import contains_personal_number, mask_personal_numbers
from yvaxportal.values.width import DASHES

# What has to be looked at more closely: twelve digits in a row, or in three groups of four.
_SUSPECT = re.compile(rf"\d{{12}}|\d{{4}}[\s{re.escape(DASHES)}]+\d{{4}}[\s{re.escape(DASHES)}]+\d{{4}}")
_DIGIT = re.compile(r"\d")


class PersonalNumberFoundError(Exception):
    """There is a valid personal number. Carries the line and the column, counted from 1, and no digit."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(f"a personal number in line {line}, column {column}")
        self.line = line
        self.column = column


def guard(line: int, cells: Sequence[str]) -> Sequence[str] | None:
    """Look through one record; None when there is nothing, else the cells with suspect digits masked.

    :raises PersonalNumberFoundError: a cell holds twelve digits with the right check digit.
    """
    if _SUSPECT.search("\n".join(cells)) is None:
        return None
    kept = list(cells)
    for column, cell in enumerate(cells):
        if mask_personal_numbers(cell) != cell:
            raise PersonalNumberFoundError(line, column + 1)
        if contains_personal_number(cell):
            kept[column] = _DIGIT.sub("*", cell)
    return kept if kept != list(cells) else None
