"""The exact bytes of an event that are hashed. ``docs/audit.md`` gives the same recipe in words.

Whoever verifies from outside needs nothing but a dump of the table: an event is one JSON object with the
columns of ``COLUMNS`` in that order, UTF-8, no blanks between tokens, keys inside objects sorted by code
point, numbers as PostgreSQL's jsonb writes them.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

COLUMNS = (
    "id",
    "event_uuid",
    "occurred_at",
    "actor",
    "actor_groups",
    "address",
    "action",
    "outcome",
    "resident_id",
    "subject",
    "purpose",
    "case_reference",
    "detail",
    "before",
    "after",
)


def canonical_bytes(values: Sequence[Any]) -> bytes:
    """Return the bytes of one event; ``values`` in the order of ``COLUMNS``."""
    pairs = ",".join(
        f"{_json(column)}:{_json(_plain(value))}" for column, value in zip(COLUMNS, values, strict=True)
    )
    return f"{{{pairs}}}".encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, str | int | dict | list) or value is None:
        return value
    # Addresses of terminals, as the driver gives them.
    return str(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_number)


def _number(value: Any) -> float | int:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(type(value).__name__)
