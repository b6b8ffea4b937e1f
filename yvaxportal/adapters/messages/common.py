"""What every call and every answer has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import uuid4

INTERACTIVE = timedelta(seconds=2)
BATCH = timedelta(seconds=30)
BACKGROUND = "system"

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class CallContext:
    """Who calls, for which request, and how long they wait.

    :param operator_id: the login of the member of staff, ``system`` for a job (``sosashaid`` on the wire).
    :param request_id: goes into headers, logs and the audit log of both sides.
    :param time_limit: for the whole call, retries included.
    """

    operator_id: str
    time_limit: timedelta
    request_id: str = field(default_factory=lambda: str(uuid4()))

    @classmethod
    def interactive(cls, operator_id: str) -> "CallContext":
        """Return the context of a call that a page waits for."""
        return cls(operator_id, INTERACTIVE)

    @classmethod
    def batch(cls, operator_id: str = BACKGROUND) -> "CallContext":
        """Return the context of a call that a job makes."""
        return cls(operator_id, BATCH)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some of a list; ``next_cursor`` is None on the last page and opaque otherwise."""

    items: tuple[Item, ...]
    next_cursor: str | None
    as_of: datetime


class HealthState(StrEnum):
    """How a connection to another system stands."""

    UNKNOWN = "unknown"
    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class AdapterHealth:
    """What an implementation knows of its other side without asking it.

    :param last_error: class name and problem of the last failure; no personal data by construction.
    :param figures: numbers for the administrators' page and the metrics (calls, failures, files waiting).
    """

    state: HealthState
    last_success_at: datetime | None = None
    last_error_at: datetime | None = None
    last_error: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


def aware(moment: datetime) -> datetime:
    """Return an instant in UTC; ValueError for one without a zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant without a zone")
    return moment.astimezone(UTC)
