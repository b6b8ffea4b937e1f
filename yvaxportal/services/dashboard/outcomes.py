"""How the newest files of doses were judged: how many rows could be taken over, and how many could not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import ImportRowState
from yvaxportal.models.imports import ImportBatch

SHOWN = 10
#: What a person has to look at is everything beside these.
_BY_THEMSELVES = {
    ImportRowState.READY: "ready",
    ImportRowState.ALREADY_THERE: "already_there",
    ImportRowState.UNREADABLE: "unreadable",
}
PARTS = ("ready", "already_there", "held", "unreadable")


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """One file: its id, its layout's code, when it came, and rows by part (``PARTS``)."""

    batch_id: int
    layout: str
    uploaded_at: datetime
    rows: Mapping[str, int]


def newest(session: Session) -> Sequence[FileOutcome]:
    """Return the newest files of which rows were judged, the newest first."""
    batches = session.execute(
        select(ImportBatch.id, ImportBatch.layout, ImportBatch.uploaded_at, ImportBatch.counts)
        .where(ImportBatch.checked_at.is_not(None))
        .order_by(ImportBatch.id.desc())
        .limit(SHOWN)
    )
    return [FileOutcome(number, layout, at, _parts(counts)) for number, layout, at, counts in batches]


def _parts(counts: Mapping[str, int]) -> Mapping[str, int]:
    parts = dict.fromkeys(PARTS, 0)
    for state in ImportRowState:
        parts[_BY_THEMSELVES.get(state, "held")] += counts.get(state.value, 0)
    return parts
