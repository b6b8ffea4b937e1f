"""The worklist: rows that nobody looked at, the most doubtful first, paged by key.

Those that were recorded without a person stay on it: that a dose is recorded does not make it less doubtful.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import ImportOutcome, ImportState, SecondEntryState
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.models.imports import ImportBatch, ImportRow

PAGE = 50
#: More than this is not counted: "1,000 and more".
MOST_COUNTED = 1_000

# As the partial indexes have it.
_DOUBTFUL = "doubt > 0 AND decision IS NULL AND cleared_by IS NULL AND outcome IS DISTINCT FROM 'undone'"
_OPEN = (ImportState.CHECKED, ImportState.APPLIED)


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the worklist, to go on after."""

    doubt: int
    batch_id: int
    number: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of which rows the list is asked for; None for all. ``reason`` is the heaviest one."""

    batch_id: int | None = None
    state: State | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Doubtful:
    """One row of the worklist."""

    batch_id: int
    number: int
    line: int
    doubt: int
    reasons: list[Any]
    state: State
    outcome: ImportOutcome | None
    parsed: dict[str, Any]
    second_entry: SecondEntryState | None
    file_name: str

    @property
    def place(self) -> Place:
        """Return where it stands in the list."""
        return Place(self.doubt, self.batch_id, self.number)


_KEY = text("(import_row.doubt, import_row.batch_id, import_row.number) < (:doubt, :batch, :number)")


def doubtful_page(
    session: Session, wanted: Wanted, *, after: Place | None, size: int = PAGE
) -> Sequence[Doubtful]:
    """Return up to ``size`` rows, the most doubtful first, and one more if there are more."""
    query = (
        select(
            ImportRow.batch_id,
            ImportRow.number,
            ImportRow.line,
            ImportRow.doubt,
            ImportRow.doubt_reasons,
            ImportRow.state,
            ImportRow.outcome,
            ImportRow.parsed,
            ImportRow.second_entry,
            ImportBatch.file_name,
        )
        .join(ImportBatch, ImportBatch.id == ImportRow.batch_id)
        .where(text(_qualified(_DOUBTFUL)), ImportBatch.state.in_(_OPEN))
        .order_by(ImportRow.doubt.desc(), ImportRow.batch_id.desc(), ImportRow.number.desc())
        .limit(size + 1)
    )
    if wanted.batch_id is not None:
        query = query.where(ImportRow.batch_id == wanted.batch_id)
    if wanted.state is not None:
        query = query.where(ImportRow.state == wanted.state)
    if wanted.reason is not None:
        query = query.where(ImportRow.doubt_main == wanted.reason)
    values: dict[str, int] = {}
    if after is not None:
        query = query.where(_KEY)
        values = {"doubt": after.doubt, "batch": after.batch_id, "number": after.number}
    return [Doubtful(*row) for row in session.execute(query, values)]


def _qualified(condition: str) -> str:
    for name in ("doubt", "decision", "cleared_by", "outcome"):
        condition = condition.replace(f"{name} ", f"import_row.{name} ")
    return condition


def count_doubtful(session: Session, *, from_points: int) -> int:
    """Return how many rows wait with so many points or more, up to a thousand."""
    found = session.scalar(
        text(
            f"SELECT count(*) FROM (SELECT 1 FROM import_row WHERE {_DOUBTFUL} "  # noqa: S608 - ours
            "AND doubt >= :points LIMIT :most) AS few"
        ),
        {"points": from_points, "most": MOST_COUNTED},
    )
    return found or 0
