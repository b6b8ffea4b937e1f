"""Stored rows as the services read them."""

from dataclasses import dataclass, field
from typing import Any

from yvaxportal.models.codes import ImportDecision, ImportOutcome, ImportRowState, SecondEntryState
from yvaxportal.models.imports import ImportRow
from yvaxportal.services.imports.parsing import Parsed, Reason

NOTES = frozenset({"zeros_restored", "number_merged"})

COLUMNS = (
    ImportRow.number,
    ImportRow.line,
    ImportRow.part,
    ImportRow.raw,
    ImportRow.parsed,
    ImportRow.state,
    ImportRow.reasons,
    ImportRow.resident_id,
    ImportRow.candidates,
    ImportRow.other_dose_id,
    ImportRow.target,
    ImportRow.decision,
    ImportRow.decided_by,
    ImportRow.decision_reason,
    ImportRow.outcome,
    ImportRow.dose_id,
    ImportRow.revision,
    ImportRow.doubt,
    ImportRow.doubt_reasons,
    ImportRow.cleared_by,
    ImportRow.second_entry,
)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of a batch as it stands."""

    number: int
    line: int
    part: int
    raw: dict[str, str]
    parsed: dict[str, Any]
    state: ImportRowState
    reasons: list[Reason]
    resident_id: int | None
    candidates: list[dict[str, Any]] | None
    other_dose_id: int | None
    target: str | None
    decision: ImportDecision | None
    decided_by: int | None
    decision_reason: str | None
    outcome: ImportOutcome | None
    dose_id: int | None
    revision: int
    doubt: int = 0
    doubt_reasons: list[Any] = field(default_factory=list)
    cleared_by: int | None = None
    second_entry: SecondEntryState | None = None

    def as_parsed(self) -> Parsed:
        """Return what was read of the row, to judge it again."""
        notes = [reason for reason in self.reasons if reason[0] in NOTES]
        return Parsed(
            self.line,
            self.part,
            self.raw,
            self.parsed.get("person", {}),
            self.parsed.get("dose", {}),
            [],
            notes,
        )


def stored_row(row: Any) -> StoredRow:
    """Return a row that was selected by ``COLUMNS``."""
    return StoredRow(*row)
