"""Doses of a file written into the records, many at once, the way ``record_dose`` writes one.

Each gets its identity check (M01), its audit record, its accepted alerts, and the file as its source.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, text

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail, Facts
from yvaxportal.models.codes import DoseSource, DoseState, ImportOutcome
from yvaxportal.services.dose_columns import columns
from yvaxportal.services.dose_draft import Person
from yvaxportal.services.imports.bureau import copy_rows
from yvaxportal.services.imports.judging import Verdict

_NEXT = {
    "dose": text("SELECT nextval('dose_id_seq') FROM generate_series(1, :count)"),
    "identity_check": text("SELECT nextval('identity_check_id_seq') FROM generate_series(1, :count)"),
}
_CHECK = ("id", "resident_id", "method", "document", "checked_by", "checked_at")
_SOURCE = ("dose_id", "source", "batch_id", "number", "reported_at")
_SETTLE = text(
    "UPDATE import_row r SET outcome = w.outcome, dose_id = w.dose_id, dose_revision = w.revision, "
    "revision = r.revision + 1, claimed_by = NULL, claimed_until = NULL "
    "FROM unnest(CAST(:numbers AS int[]), CAST(:outcomes AS text[]), CAST(:doses AS bigint[]), "
    "CAST(:revisions AS int[])) AS w(number, outcome, dose_id, revision) "
    "WHERE r.batch_id = :batch AND r.number = w.number"
)


@dataclass(frozen=True, slots=True)
class NewDose:
    """A row that becomes a dose. ``reason``: why its alerts are accepted, and who says so."""

    number: int
    resident_id: int
    person: Person
    verdict: Verdict
    reason: str
    extra_alerts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a row."""

    number: int
    outcome: ImportOutcome
    dose_id: int
    dose_revision: int


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the doses of one batch within one transaction."""

    connection: Connection
    audit: AuditTrail
    batch_id: int
    source: DoseSource
    staff_id: int
    now: datetime

    def record(self, doses: Sequence[NewDose]) -> list[Settled]:
        """Write new doses with all that belongs to them."""
        if not doses:
            return []
        ids = self._ids("dose", len(doses))
        checks = self._ids("identity_check", len(doses))
        copy_rows(self.connection, "identity_check", _CHECK, map(self._check, checks, doses))
        rows = [self._row(*one) for one in zip(ids, checks, doses, strict=True)]
        copy_rows(self.connection, "dose", tuple(rows[0]), (tuple(row.values()) for row in rows))
        self.audit.record_many([self._event(key, dose) for key, dose in zip(ids, doses, strict=True)])
        return [
            Settled(dose.number, ImportOutcome.RECORDED, key, 1) for key, dose in zip(ids, doses, strict=True)
        ]

    def settle(self, settled: Sequence[Settled]) -> None:
        """Keep what became of the rows, and the file as a source of each dose."""
        if not settled:
            return
        copy_rows(
            self.connection,
            "dose_source_record",
            _SOURCE,
            ((one.dose_id, self.source.value, self.batch_id, one.number, self.now) for one in settled),
        )
        self.connection.execute(
            _SETTLE,
            {
                "batch": self.batch_id,
                "numbers": [one.number for one in settled],
                "outcomes": [one.outcome.value for one in settled],
                "doses": [one.dose_id for one in settled],
                "revisions": [one.dose_revision for one in settled],
            },
        )

    def link(self, linked: Sequence[tuple[int, int, int, int]]) -> list[Settled]:
        """Take rows for reports of doses that are there: (number, resident, dose, its revision)."""
        self.audit.record_many(
            [
                (
                    Action.DOSE_SOURCE_ADDED,
                    Facts(
                        resident_id=resident_id,
                        subject=f"dose:{dose_id}",
                        detail={"import": self.batch_id, "row": number},
                    ),
                )
                for number, resident_id, dose_id, _revision in linked
            ]
        )
        return [
            Settled(number, ImportOutcome.LINKED, dose_id, revision)
            for number, _resident, dose_id, revision in linked
        ]

    def _ids(self, table: str, count: int) -> Sequence[int]:
        return self.connection.scalars(_NEXT[table], {"count": count}).all()

    def _check(self, key: int, dose: NewDose) -> tuple[Any, ...]:
        draft = dose.verdict.draft
        if draft is None or draft.identity_method is None or draft.identity_document is None:
            raise ValueError("a dose without an identity check cannot be written")
        return (
            key,
            dose.resident_id,
            draft.identity_method.value,
            draft.identity_document.value,
            self.staff_id,
            self.now,
        )

    def _row(self, key: int, check: int, dose: NewDose) -> Mapping[str, Any]:
        verdict = dose.verdict
        if verdict.draft is None:
            raise ValueError("a row without a draft cannot be written")
        alerts = [*(one.code.value for one in verdict.findings.alerts), *dose.extra_alerts]
        filled = columns(verdict.draft, verdict.vaccine, verdict.place, dose.person)
        return {
            "id": key,
            "resident_id": dose.resident_id,
            **{name: value.value if isinstance(value, Enum) else value for name, value in filled.items()},
            "alerts": json.dumps(alerts),
            "alert_reason": dose.reason if alerts else None,
            "identity_check_id": check,
            "source": self.source.value,
            "state": DoseState.ACTIVE.value,
            "changed_by": self.staff_id,
            "changed_at": self.now,
            "change_reason": None,
            "revision": 1,
        }

    def _event(self, key: int, dose: NewDose) -> tuple[Action, Facts]:
        draft = dose.verdict.draft
        if draft is None:
            raise ValueError("a row without a draft cannot be written")
        return (
            Action.DOSE_RECORDED,
            Facts(
                resident_id=dose.resident_id,
                subject=f"dose:{key}",
                detail={"import": self.batch_id, "row": dose.number},
                after={
                    "vaccine": draft.vaccine,
                    "dose_number": draft.dose_number,
                    "given_on": draft.given_on.isoformat(),
                    "judgement": draft.judgement.value,
                    "lot_number": draft.lot_number,
                },
            ),
        )
