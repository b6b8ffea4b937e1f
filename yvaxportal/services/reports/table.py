"""From the smallest figures to the table that people read, and to its public version."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from yvaxportal.models.codes import Judgement
from yvaxportal.services.reports.atoms import Atom
from yvaxportal.services.reports.definition import COUNTS, Block, Column, Definition, Row
from yvaxportal.services.reports.suppression import Equation, suppress

TOTAL = "total"
_TENTH = Decimal("0.1")

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Figure:
    """What stands in one place: a count, a rate in per cent or a class's lower bound.

    ``value`` None: there is no such figure (no targets); ``hidden``: there is one that the public version
    does not tell.
    """

    value: int | Decimal | None
    hidden: bool = False


@dataclass(frozen=True)
class Table:
    """A report's figures by row and column key, with the rows that are shown."""

    definition: Definition
    rows: Sequence[Row]
    figures: Mapping[Place, Figure]

    def at(self, row: str, column: str) -> Figure:
        """Return the figure of a place; ``TOTAL`` is the key of the row of sums."""
        return self.figures[row, column]


def belongs(atom: Atom, column: Column) -> bool:
    """Tell whether a figure is part of what a counting column counts."""
    common = atom.common
    if column.measure == "targets" or common is None:
        return column.measure == "targets" and common is None
    if (common.judgement == Judgement.GIVEN) != (column.measure == "given"):
        return False
    return (
        (not column.months or common.month in column.months)
        and (not column.ages or common.age in column.ages)
        and (not column.deliveries or common.delivery in column.deliveries)
        and (not column.categories or common.category in column.categories)
        and (not column.histories or common.history in column.histories)
    )


def rate(given: int, targets: int) -> Decimal | None:
    """Return the rate in per cent with one decimal, half up; None without targets. Not capped at 100."""
    if targets == 0:
        return None
    return (Decimal(given) * 100 / Decimal(targets)).quantize(_TENTH, ROUND_HALF_UP)


def band(of: Decimal | None, bounds: Sequence[int]) -> int | None:
    """Return the lower bound of the class of a rate."""
    return None if of is None else next((bound for bound in bounds if of >= bound), None)


def table(definition: Definition, atoms: Iterable[Atom]) -> Table:
    """Return the table of a definition filled with figures."""
    by_row: defaultdict[str, list[Atom]] = defaultdict(list)
    for atom in atoms:
        by_row[atom.row].append(atom)
    figures: dict[Place, Figure] = {}
    counting = [column for column in definition.columns.values() if column.measure in COUNTS]
    for row in definition.rows:
        for column in counting:
            value = sum(atom.value for atom in by_row[row.key] if belongs(atom, column))
            none = column.measure == "targets" and row.target_births is None
            figures[row.key, column.key] = Figure(None if none else value)
    shown = [row for row in definition.rows if not definition.hides_empty or by_row[row.key]]
    if definition.total_row:
        for column in counting:
            sums = (figures[row.key, column.key].value for row in definition.rows)
            figures[TOTAL, column.key] = Figure(sum(int(value) for value in sums if value is not None))
    _add_rates(definition, figures)
    return Table(definition, shown, figures)


def _add_rates(definition: Definition, figures: dict[Place, Figure]) -> None:
    keys = [row.key for row in definition.rows] + ([TOTAL] if definition.total_row else [])
    for column in definition.columns.values():
        if column.measure in COUNTS:
            continue
        for key in keys:
            given, targets = figures[key, "given"], figures.get((key, "targets"), Figure(None))
            if given.hidden or targets.hidden:
                figures[key, column.key] = Figure(None, hidden=True)
                continue
            found = rate(int(given.value or 0), int(targets.value)) if targets.value is not None else None
            value = band(found, definition.bands) if column.measure == "band" else found
            figures[key, column.key] = Figure(value)


def public(complete: Table, smallest: int) -> Table:
    """Return the table with small figures left out, and with others so that no sum gives them away.

    :param smallest: the smallest count that may be told; 0 to ``smallest - 1`` without 0 are left out.
    """
    definition = complete.definition
    counts = {
        place: figure.value
        for place, figure in complete.figures.items()
        if isinstance(figure.value, int) and definition.columns[place[1]].measure in COUNTS
    }
    hidden = suppress(counts, _equations(definition, counts), smallest)
    figures = {
        place: Figure(None, hidden=True) if place in hidden else Figure(counts[place]) for place in counts
    }
    for place, figure in complete.figures.items():
        if place not in figures and definition.columns[place[1]].measure in COUNTS:
            figures[place] = figure
    _add_rates(definition, figures)
    return Table(definition, complete.rows, figures)


def _equations(definition: Definition, counts: Collection[Place]) -> list[Equation]:
    """Return the sums that a reader knows: parts of a total in each block, of which, rows of a total."""
    found: list[Equation] = []
    rows = [row.key for row in definition.rows] + ([TOTAL] if definition.total_row else [])
    for row in rows:
        for block in definition.blocks:
            found += [
                ((row, whole), tuple((row, part) for part in parts)) for whole, parts in _parts(block).items()
            ]
        found += [
            ((row, column.of_which), ((row, column.key),))
            for column in definition.columns.values()
            if column.of_which
        ]
    if definition.total_row:
        found += [
            ((TOTAL, column.key), tuple((row.key, column.key) for row in definition.rows))
            for column in definition.columns.values()
            if column.measure in COUNTS
        ]
    return [
        (whole, tuple(part for part in parts if part in counts)) for whole, parts in found if whole in counts
    ]


def _parts(block: Block) -> Mapping[str, Sequence[str]]:
    parts: defaultdict[str, list[str]] = defaultdict(list)
    for column in block.columns:
        if column.part_of:
            parts[column.part_of].append(column.key)
    return parts
