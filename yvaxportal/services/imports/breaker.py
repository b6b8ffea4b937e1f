"""The match-rate breaker: of what too little matches, nothing is taken, and the likely cause is named."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from yvaxportal.services.imports.lots import Rules
from yvaxportal.services.imports.records import Record
from yvaxportal.services.imports.source import FileRefusedError
from yvaxportal.services.imports.targets import Target
from yvaxportal.values.wareki import parse_date
from yvaxportal.values.width import fold_digits

#: Fewer rows than these say nothing about a file.
FEWEST = 10
SAMPLED = 200
_CLEAR, _MANY = 0.5, 0.8
_SOME = 0.1
_LONGEST_KEY = 20
# What UTF-8 becomes when it is read as CP932, and what CP932 becomes when half of it is lost.
_GARBLED = re.compile("[縺繧繝\ufffd]")


@dataclass
class Tally:
    """What is counted while a file is judged."""

    rows: int = 0
    matched: int = 0
    known: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    sample: list[Record] = field(default_factory=list)

    def see(self, record: Record) -> None:
        """Keep the first few records."""
        if len(self.sample) < SAMPLED:
            self.sample.append(record)

    @property
    def rate(self) -> int:
        """Return the thousandths of the rows whose number and birth date agree with the register."""
        return self.matched * 1000 // self.rows if self.rows else 0


def check_rate(
    connection: Connection, rules: Rules, mapping: Mapping[str, int], tally: Tally, floor: int
) -> None:
    """Raise FileRefusedError when too little of a file matches."""
    if tally.rows < FEWEST or tally.rate >= floor:
        return
    cause, facts = _cause(connection, rules, mapping, tally)
    raise FileRefusedError(
        "too_few_match", cause=cause, rate=tally.rate, floor=floor, rows=tally.rows, **facts
    )


def _cause(
    connection: Connection, rules: Rules, mapping: Mapping[str, int], tally: Tally
) -> tuple[str, Mapping[str, object]]:
    if unread := _unread(tally):
        return unread, {}
    sample = [record.cells for record in tally.sample if record.fault is None]
    slot = rules.layout.key if rules.layout.key in mapping else f"{rules.layout.key}.1"
    key_column, birth_column = mapping.get(slot, -1), mapping.get("birth", -1)
    people = _people_of_any_column(connection, rules, sample)
    best, share = _best(sample, lambda cell: _digits(cell) in people)
    if share >= _CLEAR and best != key_column:
        return "shifted_column", {"field": rules.layout.key, "found": best + 1, "mapped": key_column + 1}
    if tally.known >= tally.rows * _CLEAR:
        births = {person.born_written for person in people.values()}
        best, share = _best(sample, lambda cell: str(parse_date(cell) or "") in births)
        if share >= _CLEAR and best != birth_column:
            return "shifted_column", {"field": "birth", "found": best + 1, "mapped": birth_column + 1}
        return "births_differ", {}
    digits = sum(1 for cells in sample if _digits(_cell(cells, key_column)).isdigit())
    elsewhere = sample and digits >= len(sample) * _MANY and tally.known <= tally.rows * _SOME
    return ("other_municipality" if elsewhere else "unclear"), {}


def _unread(tally: Tally) -> str:
    """Return why most lines cannot be read at all; empty when they can."""
    if tally.faults["wrong_encoding"] > tally.rows * _SOME or _garbled(tally.sample):
        return "wrong_encoding"
    broken = sum(tally.faults[code] for code in ("wrong_columns", "wrong_length", "broken_quotes"))
    return "wrong_columns" if broken > tally.rows * _CLEAR else ""


def _garbled(sample: Sequence[Record]) -> bool:
    text = "".join("".join(record.cells) for record in sample)
    letters = sum(1 for char in text if char > "\x7f")
    return letters > 0 and len(_GARBLED.findall(text)) > letters * _SOME


def _people_of_any_column(
    connection: Connection, rules: Rules, sample: Sequence[Sequence[str]]
) -> Mapping[str, Target]:
    digits = {_digits(cell) for cells in sample for cell in cells}
    return rules.people(connection, [text for text in digits if text.isdigit() and len(text) <= _LONGEST_KEY])


def _best(sample: Sequence[Sequence[str]], is_one: Callable[[str], bool]) -> tuple[int, float]:
    width = max((len(cells) for cells in sample), default=0)
    shares = [
        (sum(1 for cells in sample if is_one(_cell(cells, column))) / len(sample), -column)
        for column in range(width)
    ]
    share, column = max(shares, default=(0.0, 1))
    return -column, share


def _cell(cells: Sequence[str], column: int) -> str:
    return cells[column] if 0 <= column < len(cells) else ""


def _digits(cell: str) -> str:
    return fold_digits(cell.strip())
