"""Logs: one line of head for each event to standard error, and nothing personal in them.

Whatever an ini's ``[loggers]`` section sets up, each handler's text passes ``PrivateFormatter``.
"""

import logging
import logging.config
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.exc import StatementError

from yvaxportal.values.text import mask_personal_numbers

FORMAT = "%(asctime)s %(levelname)s %(name)s pid=%(process)d %(message)s"

# psycopg quotes the row that failed and SQLAlchemy the statement's parameters.
_TALKATIVE = (psycopg.Error, StatementError)


class PrivateFormatter(logging.Formatter):
    """Formats as ``inner`` does, says of a database error only its kind, and masks personal numbers."""

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text without the values of a database error and without personal numbers."""
        kept = logging.makeLogRecord(record.__dict__)
        if kept.exc_info and kept.exc_info[1]:
            kept.exc_text = self.formatException(kept.exc_info)
        if isinstance(kept.msg, _TALKATIVE):
            kept.msg = _kind(kept.msg)
        if isinstance(kept.args, tuple):
            kept.args = tuple(_kind(arg) if isinstance(arg, _TALKATIVE) else arg for arg in kept.args)
        return mask_personal_numbers(self._inner.format(kept))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback; of database errors the class, the SQLSTATE and the constraint only."""
        return "\n\n".join(_tell(error) for error in reversed(list(_chain(ei[1]))))


def configure_logging(ini: Path | None = None, level: str = "INFO") -> None:
    """Set up logging from ``ini`` if it has a ``[loggers]`` section, else to standard error at ``level``."""
    if ini is not None and "\n[loggers]" in ini.read_text("utf-8"):
        logging.config.fileConfig(
            ini,
            defaults={"here": str(ini.resolve().parent)},
            disable_existing_loggers=False,
            encoding="utf-8",
        )
    else:
        logging.basicConfig(level=level, format=FORMAT, force=True)
    for handler in _handlers():
        if not isinstance(handler.formatter, PrivateFormatter):
            handler.setFormatter(PrivateFormatter(handler.formatter))


def _handlers() -> Iterator[logging.Handler]:
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    for logger in loggers:
        yield from logger.handlers


def _kind(error: Any) -> str:
    original = error.orig if isinstance(error, StatementError) else error
    state = getattr(original, "sqlstate", None)
    constraint = original.diag.constraint_name if isinstance(original, psycopg.Error) else None
    parts = (
        type(original).__name__,
        state and f"SQLSTATE {state}",
        constraint and f"constraint {constraint}",
    )
    return " ".join(part for part in parts if part)


def _tell(error: BaseException) -> str:
    head = "Traceback (most recent call last):\n" + "".join(traceback.format_tb(error.__traceback__))
    if isinstance(error, _TALKATIVE):
        return head + _kind(error)
    told = head + "".join(traceback.format_exception_only(error)).rstrip()
    if isinstance(error, BaseExceptionGroup):
        parts = "\n".join(_tell(part) for part in error.exceptions)
        told += "\n" + textwrap.indent(parts, "  | ")
    return told


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, then what it came from, as far back as tracebacks tell."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
