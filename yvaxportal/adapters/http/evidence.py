"""Answers that were refused, kept for municipal IT to look at, without what may be a personal number."""

import json
import logging
import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from yvaxportal.adapters.errors import BadAnswer
from yvaxportal.values.text import contains_personal_number

log = logging.getLogger(__name__)

#: So many answers of a system are kept at most, so much of each, for so long.
MOST_ANSWERS = 50
MOST_BYTES = 256 << 10
KEPT = timedelta(days=30)
_HIDDEN = "****"
_SECRET_FIELDS = frozenset({"kojinbango"})
_RUN = re.compile(r"\d{12,}")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_ATENA_LONGEST = 15


class Evidence:
    """One system's refused answers, a file each, readable by the portal's account alone.

    A file has a line of what was asked and what is wrong, then the answer. It is written while somebody waits
    for the call's error, so it never raises.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder, self._clock = folder, clock

    def keep(self, operation: str, request_id: str, error: BadAnswer, body: bytes) -> None:
        """Keep an answer, and remove those whose time is over."""
        now = self._clock()
        head = {
            "at": now.isoformat(),
            "operation": operation,
            "request_id": request_id,
            "reason": error.reason.value,
            "where": error.where,
            "bytes": len(body),
        }
        name = f"{now:%Y%m%dT%H%M%S%f}-{operation}.txt"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._clear(now)
            descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(f"{json.dumps(head)}\n{masked(body[:MOST_BYTES])}\n")
        except OSError as problem:
            log.warning("a refused answer could not be kept: %s", type(problem).__name__)

    def _clear(self, now: datetime) -> None:
        kept = sorted(self._folder.glob("*.txt"))
        before = (now - KEPT).timestamp()
        surplus = kept[: max(0, len(kept) - MOST_ANSWERS + 1)]
        for path in {*surplus, *(one for one in kept if one.stat().st_mtime < before)}:
            path.unlink(missing_ok=True)


def masked(body: bytes) -> str:
    """Return an answer as text in which no personal number stands, however it is written."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "backslashreplace")
        return "\n".join(_HIDDEN if _is_suspect(_unescaped(line)) else line for line in text.splitlines())
    return json.dumps(_without_numbers(value), ensure_ascii=True, indent=1)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            _HIDDEN if _is_suspect(name) else name: (
                _HIDDEN if name in _SECRET_FIELDS and inner is not None else _without_numbers(inner)
            )
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_numbers(inner) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    return _HIDDEN if _is_suspect(str(value)) else value


def _is_suspect(text: str) -> bool:
    # Also within a longer run of digits, when an answer was put together wrongly; 15 are an atena number.
    return contains_personal_number(text) or any(len(run) != _ATENA_LONGEST for run in _RUN.findall(text))


def _unescaped(line: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), line)
