"""How sure a share is that was counted in a sample: the exact interval of Clopper and Pearson (1934).

Both ends solve an equation in the tail of the binomial distribution; it is solved by halving. Terms are added
as logarithms, so that thousands of draws neither overflow nor vanish.
"""

import math

_HALVINGS = 100
_MOST = 10_000_000


def interval(errors: int, size: int, confidence: float) -> tuple[float, float]:
    """Return the lowest and the highest share that ``errors`` of ``size`` draws leave possible.

    :param confidence: of both sides together, such as 0.95: at most half of the rest lies beyond each end.
    :raises ValueError: more errors than draws, or a confidence that is none.
    """
    if not (0 <= errors <= size and size > 0 and 0 < confidence < 1):
        raise ValueError("no interval")
    tail = (1 - confidence) / 2
    return 1 - _upper(size - errors, size, tail), _upper(errors, size, tail)


def sample_size(population: int, confidence: float, tolerable: float, allowed: int = 0) -> int:
    """Return how many to draw so that the interval's upper end is not above ``tolerable``.

    That is when not more than ``allowed`` of those drawn are errors. At most all there are: a population is
    treated as endless, which asks for a few more than necessary of a small one.

    :raises ValueError: a share or a confidence that is none, or nobody to draw from.
    """
    if not (population > 0 and 0 < confidence < 1 and 0 < tolerable < 1 and allowed >= 0):
        raise ValueError("no sample")
    tail = (1 - confidence) / 2
    least, most = allowed, max(2 * allowed, 1)
    while most < min(population, _MOST) and not _enough(allowed, most, tolerable, tail):
        least, most = most, most * 2
    most = min(most, population)
    while most - least > 1:
        middle = (least + most) // 2
        if _enough(allowed, middle, tolerable, tail):
            most = middle
        else:
            least = middle
    return most


def at_most(errors: int, size: int, share: float) -> float:
    """Return the probability of at most ``errors`` in ``size`` draws when ``share`` of all are errors."""
    if errors >= size or share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    log_share, log_rest = math.log(share), math.log1p(-share)
    log_all = math.lgamma(size + 1)
    return math.fsum(
        math.exp(
            log_all
            - math.lgamma(count + 1)
            - math.lgamma(size - count + 1)
            + count * log_share
            + (size - count) * log_rest
        )
        for count in range(errors + 1)
    )


def _enough(allowed: int, size: int, tolerable: float, tail: float) -> bool:
    return size > allowed and at_most(allowed, size, tolerable) <= tail


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
