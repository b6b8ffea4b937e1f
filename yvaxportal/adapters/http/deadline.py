"""A time limit for a whole call that holds at every wait of it, however the other side spends the time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta


class DeadlinePassed(Exception):  # noqa: N818 - what happened, not what is wrong
    """The time limit of the call ran out."""


class Deadline:
    """An instant on the monotonic clock."""

    __slots__ = ("_ends",)

    def __init__(self, limit: timedelta) -> None:
        self._ends = time.monotonic() + limit.total_seconds()

    def left(self) -> float:
        """Return the seconds that are left; DeadlinePassed when none are."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise DeadlinePassed
        return seconds

    def allows(self, seconds: float) -> bool:
        """Tell whether so many seconds pass before it."""
        return time.monotonic() + seconds < self._ends

    def acquire(self, lock: threading.Lock) -> None:
        """Take a lock; DeadlinePassed when it is not free in time."""
        if not lock.acquire(timeout=self.left()):
            raise DeadlinePassed


_current: ContextVar[Deadline | None] = ContextVar("yvaxportal_rest_deadline", default=None)


@contextmanager
def kept(deadline: Deadline) -> Iterator[None]:
    """Have every wait for the network inside the block, in this thread, end at the deadline."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def clamp(timeout: float | None) -> float | None:
    """Return how long one wait may take; DeadlinePassed when the time is over already."""
    deadline = _current.get()
    if deadline is None:
        return timeout
    left = deadline.left()
    return left if timeout is None else min(timeout, left)
