"""Logs: one line of head for each event to standard error, and nothing personal in them.

Whatever an ini's ``[loggers]`` section sets up, each handler's text passes ``PrivateFormatter``.
"""

import logging
import logging.config
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg
from sqlalchemy.exc import StatementError

from yvaxportal.values.text import mask_personal_numbers

FORMAT = "%(asctime)s %(levelname)s %(name)s pid=%(process)d %(message)s"

# psycopg quotes the row that failed and SQLAlchemy the statement's parameters.
_TALKATIVE = (psycopg.Error, StatementError)

_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class PrivateFormatter(logging.Formatter):
    """Formats as ``inner`` does, says of a database error only its kind, and masks personal numbers."""

    def __init__(self, inner: logging.Formatter | None = None) -> None:
        super().__init__()
        self._inner = inner or logging.Formatter(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's text without the values of a database error and without personal numbers."""
        kept = logging.makeLogRecord(record.__dict__)
        if kept.exc_info is True or (kept.exc_info and kept.exc_info[1]):
            kept.exc_text = self.formatException(kept.exc_info)
        if isinstance(kept.msg, _TALKATIVE):
            kept.msg = _kind(kept.msg)
        if isinstance(kept.args, tuple):
            kept.args = tuple(_kind(arg) if isinstance(arg, _TALKATIVE) else arg for arg in kept.args)
        return mask_personal_numbers(self._inner.format(kept))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the traceback; of database errors the class, the SQLSTATE and the constraint only."""
        told = traceback.TracebackException(*ei)
        for error, part in _chain(ei[1], told):
            if isinstance(error, _TALKATIVE):
                part._str = _kind(error)  # noqa: SLF001 - the class has no other way to say less
                part.__notes__ = None
        return "".join(told.format()).rstrip()


def configure_logging(ini: Path | None = None, level: str = "INFO") -> None:
    """Set up logging from ``ini`` when it has a ``[loggers]`` section, else to standard error at ``level``."""
    if ini is not None and "\n[loggers]" in ini.read_text("utf-8"):
        logging.config.fileConfig(
            ini, defaults={"here": str(ini.resolve().parent)}, disable_existing_loggers=False, encoding="utf-8"
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
    parts = (type(original).__name__, state and f"SQLSTATE {state}", constraint and f"constraint {constraint}")
    return " ".join(part for part in parts if part)


def _chain(
    error: BaseException | None, told: traceback.TracebackException | None
) -> Iterator[tuple[BaseException, traceback.TracebackException]]:
    if error is None or told is None:
        return
    yield error, told
    yield from _chain(error.__cause__, told.__cause__)
    yield from _chain(error.__context__, told.__context__)
    if isinstance(error, BaseExceptionGroup):
        for inner, part in zip(error.exceptions, told.exceptions or (), strict=False):
            yield from _chain(inner, part)
