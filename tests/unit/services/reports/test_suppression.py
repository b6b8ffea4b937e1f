"""Nothing small can be read, or worked out, from a public table: attacked with sums and with bounds."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from yvaxportal.services.reports.suppression import Equation, Place, suppress

LIMIT = 5


def whole_table(rows: list[list[int]]) -> tuple[dict[Place, int], list[Equation]]:
    """Return the counts of a table with sums of rows and columns, and the equations a reader knows."""
    counts = {(f"r{y}", f"c{x}"): value for y, row in enumerate(rows) for x, value in enumerate(row)}
    width = range(len(rows[0]))
    equations: list[Equation] = []
    for y, row in enumerate(rows):
        counts[f"r{y}", "sum"] = sum(row)
        equations.append(((f"r{y}", "sum"), tuple((f"r{y}", f"c{x}") for x in width)))
    for name in [*(f"c{x}" for x in width), "sum"]:
        parts = tuple((f"r{y}", name) for y in range(len(rows)))
        counts["sum", name] = sum(counts[part] for part in parts)
        equations.append((("sum", name), parts))
    equations.append((("sum", "sum"), tuple(("sum", f"c{x}") for x in width)))
    return counts, equations


tables = st.integers(1, 4).flatmap(
    lambda width: st.lists(
        st.lists(
            st.one_of(st.just(0), st.integers(0, 6), st.integers(0, 60)), min_size=width, max_size=width
        ),
        min_size=1,
        max_size=4,
    )
)


def determined(counts: dict[Place, int], equations: list[Equation], hidden: frozenset[Place]) -> set[Place]:
    """Return the hidden places that follow from the told ones, by elimination modulo a large prime."""
    prime = (1 << 61) - 1
    places = sorted(hidden)
    rows = []
    for whole, parts in equations:
        row = [0] * len(places)
        for place, sign in [(whole, -1), *((part, 1) for part in parts)]:
            if place in hidden:
                row[places.index(place)] += sign
        rows.append([value % prime for value in row])
    rank = 0
    for column in range(len(places)):
        pivot = next((at for at in range(rank, len(rows)) if rows[at][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        inverse = pow(rows[rank][column], -1, prime)
        rows[rank] = [value * inverse % prime for value in rows[rank]]
        for other in range(len(rows)):
            if other != rank and rows[other][column]:
                factor = rows[other][column]
                rows[other] = [
                    (one - factor * two) % prime for one, two in zip(rows[other], rows[rank], strict=True)
                ]
        rank += 1
    return {places[row.index(1)] for row in rows[:rank] if sum(map(bool, row)) == 1}


@settings(max_examples=300)
@given(rows=tables)
def test_no_small_figure_is_told_or_follows_from_the_others(rows: list[list[int]]) -> None:
    counts, equations = whole_table(rows)
    hidden = suppress(counts, equations, LIMIT)
    small = {place for place, value in counts.items() if 0 < value < LIMIT}
    assert small <= hidden
    assert determined(counts, equations, hidden) & small == set()


@given(
    row=st.lists(st.one_of(st.integers(0, 6), st.integers(0, 30)), min_size=2, max_size=3).filter(
        lambda row: sum(row) >= LIMIT and any(0 < value < LIMIT for value in row)
    )
)
def test_what_is_left_out_of_a_sum_has_more_than_one_solution(row: list[int]) -> None:
    """Counts are not negative: of few and small unknowns the sum alone could tell each of them."""
    counts = {("r", f"c{x}"): value for x, value in enumerate(row)} | {("r", "sum"): sum(row)}
    hidden = suppress(counts, [(("r", "sum"), tuple(("r", f"c{x}") for x in range(len(row))))], LIMIT)
    unknown = sorted(place for place in hidden if place != ("r", "sum"))
    if ("r", "sum") in hidden:
        return
    left = sum(counts[place] for place in unknown)
    solutions = [found for found in product(range(left + 1), repeat=len(unknown)) if sum(found) == left]
    for number, place in enumerate(unknown):
        if 0 < counts[place] < LIMIT:
            assert len({solution[number] for solution in solutions}) > 1


def test_a_part_that_is_nearly_the_whole_would_tell_the_rest() -> None:
    counts = {("r", "given"): 40, ("r", "outside"): 38, ("r", "targets"): 90}
    hidden = suppress(counts, [(("r", "given"), (("r", "outside"),))], LIMIT)
    assert hidden & {("r", "given"), ("r", "outside")}
    assert ("r", "targets") not in hidden


def test_without_small_figures_everything_is_told() -> None:
    counts, equations = whole_table([[0, 12, 30], [9, 0, 5]])
    assert suppress(counts, equations, LIMIT) == frozenset()
