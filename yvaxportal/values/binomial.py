"""How sure a share is that was counted in a sample: exact intervals, and how large a sample has to be.

Of endless draws: the interval of Clopper and Pearson (1934), whose ends solve an equation in the tail of the
binomial distribution. Of a known number of things, drawn without putting back: the same with the
hypergeometric distribution, so that whoever looked at all of them knows the share. Equations are solved by
halving; terms are added as logarithms, so that thousands of draws neither overflow nor vanish.
"""

import math
from collections.abc import Callable

_HALVINGS = 100
# A share of a whole number, such as 0.07 of 100, is not always what it should be.
_ROUNDING = 1e-9


def interval(errors: int, size: int, confidence: float, population: int | None = None) -> tuple[float, float]:
    """Return the lowest and the highest share that ``errors`` of ``size`` draws leave possible.

    :param confidence: of both sides together, such as 0.95: at most half of the rest lies beyond each end.
    :param population: how many there are to draw from; None for endlessly many.
    :raises ValueError: more errors than draws, more draws than things, or a confidence that is none.
    """
    if not (0 <= errors <= size and size > 0 and 0 < confidence < 1):
        raise ValueError("no interval")
    tail = (1 - confidence) / 2
    if population is None:
        return 1 - _upper(size - errors, size, tail), _upper(errors, size, tail)
    if size > population:
        raise ValueError("no interval")
    right, wrong = (_most(count, size, population, tail) for count in (size - errors, errors))
    return (population - right) / population, wrong / population


def sample_size(population: int, confidence: float, tolerable: float, allowed: int = 0) -> int:
    """Return how many of ``population`` to draw so that the interval's end is not above ``tolerable``.

    That is when not more than ``allowed`` of those drawn are errors; at most all are drawn.

    :raises ValueError: a share or a confidence that is none, or nobody to draw from.
    """
    if not (population > 0 and 0 < confidence < 1 and 0 < tolerable < 1 and allowed >= 0):
        raise ValueError("no sample")
    tail = (1 - confidence) / 2
    too_many = math.floor(tolerable * population + _ROUNDING) + 1
    return _first(
        min(allowed + 1, population),
        population,
        lambda size: at_most_of(allowed, size, too_many, population) <= tail,
    )


def at_most(errors: int, size: int, share: float) -> float:
    """Return the probability of at most ``errors`` in ``size`` endless draws with a ``share`` of errors."""
    if errors >= size or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    return math.fsum(
        math.exp(_log_choose(size, count) + count * log_share + (size - count) * log_rest)
        for count in range(errors + 1)
    )


def at_most_of(errors: int, size: int, wrong: int, population: int) -> float:
    """Return the probability of at most ``errors`` in ``size`` of ``population``, ``wrong`` of them wrong."""
    least, most = max(0, size - (population - wrong)), min(size, wrong)
    if errors >= most:
        return 1.0
    every = _log_choose(population, size)
    return math.fsum(
        math.exp(_log_choose(wrong, count) + _log_choose(population - wrong, size - count) - every)
        for count in range(least, errors + 1)
    )


def _log_choose(whole: int, part: int) -> float:
    return math.lgamma(whole + 1) - math.lgamma(part + 1) - math.lgamma(whole - part + 1)


def _upper(errors: int, size: int, tail: float) -> float:
    """Return the share at which so few errors have just the probability ``tail``."""
    if errors == size:
        return 1.0
    low, high = errors / size, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if at_most(errors, size, middle) > tail:
            low = middle
        else:
            high = middle
    return high


def _most(errors: int, size: int, population: int, tail: float) -> int:
    """Return the largest number of wrong ones with which so few errors are not rarer than ``tail``."""
    # So many were seen to be right that no more than these can be wrong.
    most = population - (size - errors)
    return _first(errors, most + 1, lambda wrong: at_most_of(errors, size, wrong, population) <= tail) - 1


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first number from ``low`` on that holds, ``high`` when none before it does."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
