"""Leaves a system alone for a while when nobody answers there.

Own code, because the kept libraries do not fit threads: pybreaker holds its lock during the call, so that
one call at a time goes out; purgatory lets every caller through as soon as the pause is over
(docs/dependencies.md).
"""

import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from yvaxportal.adapters.errors import CircuitOpen
from yvaxportal.adapters.http.observing import BreakerState


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call; it belongs to the period between two changes of state."""

    period: int


class Breaker:
    """Closed until ``failures`` calls in a row found nobody; then open for ``pause`` seconds; then one call.

    What a call that began before the last change of state says is not heard: it knows nothing of now.
    """

    def __init__(self, system: str, failures: int, pause: float) -> None:
        self._system = system
        self._allowed = failures
        self._pause = pause
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._period = 0
        self._in_a_row = 0
        self._open_until = 0.0

    def state(self) -> BreakerState:
        """Return the state; open too when the pause is over and nobody has called yet."""
        with self._lock:
            return self._state

    def admit(self) -> Permit:
        """Return leave for one call, whose end must be told; CircuitOpen when none is made now."""
        with self._lock:
            if self._state is BreakerState.OPEN:
                left = self._open_until - time.monotonic()
                if left <= 0:
                    self._change(BreakerState.HALF_OPEN)
                    return Permit(self._period)
                raise CircuitOpen(
                    self._system, "the other side is left alone for now", retry_after=timedelta(seconds=left)
                )
            if self._state is BreakerState.HALF_OPEN:
                raise CircuitOpen(self._system, "another call is finding out whether the other side answers")
            return Permit(self._period)

    def answered(self, permit: Permit) -> None:
        """Tell that somebody answered, whatever the answer was."""
        with self._lock:
            if permit.period == self._period:
                self._in_a_row = 0
                if self._state is BreakerState.HALF_OPEN:
                    self._change(BreakerState.CLOSED)

    def silent(self, permit: Permit) -> None:
        """Tell that nobody answered."""
        with self._lock:
            if permit.period != self._period:
                return
            self._in_a_row += 1
            if self._state is BreakerState.HALF_OPEN or self._in_a_row >= self._allowed:
                self._open_until = time.monotonic() + self._pause
                self._change(BreakerState.OPEN)

    def undecided(self, permit: Permit) -> None:
        """Tell that the call ended without saying anything of the other side; another one may find out."""
        with self._lock:
            if permit.period == self._period and self._state is BreakerState.HALF_OPEN:
                self._open_until = time.monotonic()
                self._change(BreakerState.OPEN)

    def _change(self, state: BreakerState) -> None:
        self._state = state
        self._period += 1
        self._in_a_row = 0
