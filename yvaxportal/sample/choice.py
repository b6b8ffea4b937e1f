"""Weighted choices that cost little: one random number and one bisection each."""

from bisect import bisect
from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """Things with their weights; ``pick`` draws one."""

    def __init__(self, things: Sequence[T], weights: Sequence[float]) -> None:
        self._things = tuple(things)
        self._sums = tuple(accumulate(weights))

    def pick(self, rng: Random) -> T:
        """Return one of the things, as often as its weight says."""
        return self._things[bisect(self._sums, rng.random() * self._sums[-1])]


def stream(seed: int, name: str) -> Random:
    """Return the source of chance called ``name``: the same for the same seed, on every machine."""
    return Random(f"{seed}:{name}")  # noqa: S311 - a made-up city holds no secret


def chance(rng: Random, share: float) -> bool:
    """Return True as often as ``share`` (0 to 1) says."""
    return rng.random() < share


def one_of(rng: Random, things: Sequence[T]) -> T:
    """Return one of the things, each as often."""
    return things[int(rng.random() * len(things))]


def between(rng: Random, least: int, most: int) -> int:
    """Return a whole number from ``least`` to ``most``, both included."""
    return least + int(rng.random() * (most - least + 1))


def day_between(rng: Random, first: date, last: date) -> date:
    """Return a day from ``first`` to ``last``, both included (``first`` if they are the wrong way round)."""
    span = last.toordinal() - first.toordinal()
    return first if span <= 0 else date.fromordinal(first.toordinal() + int(rng.random() * (span + 1)))
