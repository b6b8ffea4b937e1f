"""Which figures a public table must not tell, so that small ones cannot be computed from the others.

Primary: counts from 1 to below the limit. Then, in every sum that a reader knows, at least two figures are
left out or none, and what is left out there adds up to the limit at least. At the end linear algebra proves
that no small figure follows from everything that is told; what would give one away is left out, too.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

Place = tuple[str, str]
#: A whole and its parts. Parts that do not add up leave a rest, which a reader can compute as well.
Equation = tuple[Place, tuple[Place, ...]]

_REST = "\N{LATIN SMALL LETTER R WITH STROKE}"


def suppress(counts: Mapping[Place, int], equations: Sequence[Equation], smallest: int) -> frozenset[Place]:
    """Return the places to be left out of a table of ``counts`` so that none below ``smallest`` is told."""
    values = dict(counts)
    sums: list[tuple[Place, tuple[Place, ...]]] = []
    for number, (whole, parts) in enumerate(equations):
        rest = values[whole] - sum(values[part] for part in parts)
        if rest:
            virtual = (_REST, str(number))
            values[virtual] = rest
            sums.append((whole, (*parts, virtual)))
        else:
            sums.append((whole, parts))
    hidden = {place for place, value in values.items() if 0 < value < smallest}
    # A rest is told nowhere: it is known only where all the others of its sum are.
    told = {place for place in values if place[0] != _REST}
    if not hidden:
        return frozenset()
    _complement(values, sums, hidden, smallest)
    small = [place for place, value in values.items() if 0 < value < smallest]
    while given_away := _determined(small, sums, hidden | (values.keys() - told)):
        more = _neighbour(given_away, sums, hidden, values)
        if more is None:
            break
        hidden.add(more)
        _complement(values, sums, hidden, smallest)
    return frozenset(hidden & told)


def _complement(
    values: Mapping[Place, int], sums: Sequence[Equation], hidden: set[Place], smallest: int
) -> None:
    """Leave out more until every sum has no or at least two unknowns that add up to the limit."""
    changed = True
    while changed:
        changed = False
        for whole, parts in sums:
            line = (whole, *parts)
            unknown = [place for place in line if place in hidden]
            if not unknown or _is_safe(values, unknown, whole, smallest):
                continue
            if chosen := _smallest_told(values, line, hidden):
                hidden.add(chosen)
                changed = True


def _is_safe(values: Mapping[Place, int], unknown: Sequence[Place], whole: Place, smallest: int) -> bool:
    """Tell whether a sum's unknowns, of which there are some, cannot be narrowed down by it."""
    if len(unknown) < 2:  # noqa: PLR2004 - one unknown follows from the others
        return False
    # With the whole unknown, too, nothing bounds the parts from above.
    return whole in unknown or sum(values[place] for place in unknown) >= smallest


def _smallest_told(values: Mapping[Place, int], line: Sequence[Place], hidden: set[Place]) -> Place | None:
    """Return what is left out next: the smallest part; the first of ``line``, the whole, only at last."""
    told = [place for place in line if place not in hidden]
    # A nought is left out only where no other part is left: that there was none seldom tells of anybody.
    return min(
        told, key=lambda place: (place == line[0], values[place] == 0, values[place], place), default=None
    )


def _neighbour(
    place: Place, sums: Sequence[Equation], hidden: set[Place], values: Mapping[Place, int]
) -> Place | None:
    beside = [one for whole, parts in sums if place in (whole, *parts) for one in (whole, *parts)]
    return _smallest_told(values, beside, hidden)


def _determined(small: Sequence[Place], sums: Sequence[Equation], unknown: set[Place]) -> Place | None:
    """Return a small figure that follows from the sums, None when none does.

    Each sum over the unknowns is a linear equation; after elimination an unknown is determined exactly where
    a row has no other unknown.
    """
    rows: list[dict[Place, Fraction]] = []
    for whole, parts in sums:
        row = {part: Fraction(1) for part in parts if part in unknown}
        if whole in unknown:
            row[whole] = Fraction(-1)
        if row:
            rows.append(row)
    pivots: dict[Place, dict[Place, Fraction]] = {}
    for row in rows:
        reduced = _reduced(row, pivots)
        if not reduced:
            continue
        pivot = next(iter(reduced))
        scale = reduced[pivot]
        reduced = {place: value / scale for place, value in reduced.items()}
        for known, other in pivots.items():
            if pivot in other:
                pivots[known] = _minus(other, reduced, other[pivot])
        pivots[pivot] = reduced
    wanted = set(small)
    return next((place for place, row in pivots.items() if len(row) == 1 and place in wanted), None)


def _reduced(
    row: dict[Place, Fraction], pivots: Mapping[Place, dict[Place, Fraction]]
) -> dict[Place, Fraction]:
    for pivot in [place for place in row if place in pivots]:
        if pivot in row:
            row = _minus(row, pivots[pivot], row[pivot])
    return row


def _minus(
    row: Mapping[Place, Fraction], other: Mapping[Place, Fraction], times: Fraction
) -> dict[Place, Fraction]:
    found = dict(row)
    for place, value in other.items():
        left = found.get(place, Fraction(0)) - times * value
        if left:
            found[place] = left
        else:
            found.pop(place, None)
    return found
