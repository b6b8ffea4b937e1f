"""What a client knows of its own work: numbers for ``/health``, the administrators' page and Prometheus."""

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from yvaxportal.adapters.errors import (
    AdapterError,
    BadAnswer,
    CircuitOpen,
    NotFound,
    Refused,
    TimedOut,
    Unauthorised,
    Unavailable,
)
from yvaxportal.adapters.messages.common import AdapterHealth, HealthState

#: Upper bounds of the histogram, in seconds; one more bucket holds what took longer.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

_KINDS = (
    (TimedOut, "timed_out"),
    (CircuitOpen, "circuit_open"),
    (Unavailable, "unavailable"),
    (Unauthorised, "unauthorised"),
    (Refused, "refused"),
    (NotFound, "not_found"),
    (BadAnswer, "bad_answer"),
)
#: Answers that a healthy system gives too.
_HEALTHY = frozenset({"refused", "not_found"})


class BreakerState(StrEnum):
    """Whether calls are made (closed), held back (open), or one is made to see (half-open)."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Observations:
    """The numbers at one moment, since the process started.

    :param failures: by kind: ``timed_out``, ``circuit_open``, ``unavailable``, ``unauthorised``, ``refused``,
        ``not_found``, ``bad_answer``.
    :param latency: calls by bucket of ``BUCKETS``, not added up; the last one has no upper bound.
    :param last_error: class and problem, without personal data by construction of the errors.
    """

    calls: int
    retries: int
    token_fetches: int
    failures: Mapping[str, int]
    latency: tuple[int, ...]
    seconds: float
    breaker: BreakerState
    last_success_at: datetime | None
    last_error_at: datetime | None
    last_error: str

    def health(self) -> AdapterHealth:
        """Return the same as every adapter's ``health()`` gives it."""
        figures: dict[str, float] = {
            "calls": self.calls,
            "retries": self.retries,
            "token_fetches": self.token_fetches,
            "seconds": self.seconds,
            "breaker_open": float(self.breaker is not BreakerState.CLOSED),
            **{f"failures_{kind}": count for kind, count in self.failures.items()},
        }
        return AdapterHealth(
            self._state(), self.last_success_at, self.last_error_at, self.last_error, figures
        )

    def _state(self) -> HealthState:
        if self.breaker is not BreakerState.CLOSED:
            return HealthState.DOWN
        if self.last_error_at is None:
            return HealthState.UNKNOWN if self.last_success_at is None else HealthState.UP
        if self.last_success_at is None or self.last_success_at < self.last_error_at:
            return HealthState.DEGRADED
        return HealthState.UP


@dataclass(slots=True)
class _Counts:
    calls: int = 0
    retries: int = 0
    token_fetches: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    latency: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0
    last_success_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str = ""


class Observer:
    """Counts for one client; all methods may be called by many threads at once."""

    def __init__(self, clock: Callable[[], datetime], breaker: Callable[[], BreakerState]) -> None:
        self._clock = clock
        self._breaker = breaker
        self._lock = threading.Lock()
        self._counts = _Counts()

    def called(self, seconds: float, error: AdapterError | None) -> None:
        """Count one call, with its retries, and how it ended."""
        now = self._clock()
        with self._lock:
            counts = self._counts
            counts.calls += 1
            counts.seconds += seconds
            counts.latency[bisect_left(BUCKETS, seconds)] += 1
        self._ended(now, error)

    def broken_off(self, error: AdapterError) -> None:
        """Count the failure of a stream that had begun well."""
        self._ended(self._clock(), error)

    def repeated(self) -> None:
        """Count one attempt more."""
        with self._lock:
            self._counts.retries += 1

    def token_fetched(self) -> None:
        """Count one token."""
        with self._lock:
            self._counts.token_fetches += 1

    def observations(self) -> Observations:
        """Return the numbers of this moment."""
        breaker = self._breaker()
        with self._lock:
            counts = self._counts
            return Observations(
                calls=counts.calls,
                retries=counts.retries,
                token_fetches=counts.token_fetches,
                failures=dict(counts.failures),
                latency=tuple(counts.latency),
                seconds=counts.seconds,
                breaker=breaker,
                last_success_at=counts.last_success_at,
                last_error_at=counts.last_error_at,
                last_error=counts.last_error,
            )

    def _ended(self, now: datetime, error: AdapterError | None) -> None:
        kind = "" if error is None else _kind(error)
        with self._lock:
            if kind:
                self._counts.failures[kind] += 1
            if error is None or kind in _HEALTHY:
                self._counts.last_success_at = now
            else:
                self._counts.last_error_at = now
                self._counts.last_error = f"{type(error).__name__}: {error.problem}"


def _kind(error: AdapterError) -> str:
    return next(word for known, word in _KINDS if isinstance(error, known))
