"""Writing down what became of a run, and the counts that must agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, func, insert, select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import LetterRunState, LetterState
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.services.letters.planning import NotPrinted
from yvaxportal.services.letters.reasons import Held

_INSERT = insert(cast("Table", Letter.__table__))
_LETTER = Letter.__table__.c
_BATCH = 5_000


class RunChangedError(Exception):
    """The run was made, or called off, meanwhile."""


class CountsDifferError(Exception):
    """Extracted is not printed and held and dropped: somebody would be lost. The run is not made."""


@dataclass(frozen=True, slots=True)
class Printed:
    """One letter in the pile."""

    resident_id: int
    sequence: int
    bundle: int
    pages: int
    ticket_id: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """A run in figures. ``printed`` are all letters in the pile, whatever became of them since."""

    printed: int
    held: int
    dropped: int
    sent: int
    spoiled: int

    @property
    def extracted(self) -> int:
        """Return how many people the run was for."""
        return self.printed + self.held + self.dropped

    @property
    def open(self) -> int:
        """Return how many printed letters are neither sent nor spoiled yet."""
        return self.printed - self.sent - self.spoiled


def write_down(
    session: Session,
    audit: AuditTrail,
    run_id: int,
    *,
    people: int,
    printed: Sequence[Printed],
    not_printed: Sequence[NotPrinted],
    data_sha256: str,
    template_sha256: str,
    now: datetime,
) -> None:
    """Keep every letter of a run and mark it made; with the caller's transaction, all or nothing.

    :param people: how many the run was for, counted apart from the two sequences.
    :raises RunChangedError: it is not queued any more.
    :raises CountsDifferError: the counts do not agree, or a sequence number is missing.
    """
    run = session.get(LetterRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.state is not LetterRunState.QUEUED:
        raise RunChangedError
    numbers = [letter.sequence for letter in printed]
    if people != len(printed) + len(not_printed) or numbers != list(range(1, len(printed) + 1)):
        raise CountsDifferError
    rows = [*_printed(run_id, printed), *_not_printed(run_id, not_printed)]
    for start in range(0, len(rows), _BATCH):
        session.execute(_INSERT, rows[start : start + _BATCH])
    counts = counts_of(session, [run_id])[run_id]
    if counts.extracted != people:
        raise CountsDifferError
    run.state, run.finished_at = LetterRunState.MADE, now
    run.data_sha256, run.template_sha256 = data_sha256, template_sha256
    session.flush()
    audit.record(
        Action.LETTERS_MADE,
        subject=f"letters:{run_id}",
        detail={
            "kind": run.kind,
            "extracted": counts.extracted,
            "printed": counts.printed,
            "held": counts.held,
            "dropped": counts.dropped,
        },
    )


def counts_of(session: Session, run_ids: Sequence[int]) -> Mapping[int, Counts]:
    """Return the figures of runs; one that is not made yet has none of its letters."""
    rows = session.execute(
        select(_LETTER.run_id, _LETTER.state, func.count())
        .where(_LETTER.run_id.in_(run_ids))
        .group_by(_LETTER.run_id, _LETTER.state)
    )
    found: dict[int, dict[LetterState, int]] = {run_id: {} for run_id in run_ids}
    for run_id, state, count in rows:
        found[run_id][state] = count
    return {
        run_id: Counts(
            printed=sum(
                by_state.get(state, 0)
                for state in (LetterState.PRINTED, LetterState.SENT, LetterState.SPOILED)
            ),
            held=by_state.get(LetterState.HELD, 0),
            dropped=by_state.get(LetterState.DROPPED, 0),
            sent=by_state.get(LetterState.SENT, 0),
            spoiled=by_state.get(LetterState.SPOILED, 0),
        )
        for run_id, by_state in found.items()
    }


def _printed(run_id: int, letters: Sequence[Printed]) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "resident_id": letter.resident_id,
            "sequence": letter.sequence,
            "bundle": letter.bundle,
            "pages": letter.pages,
            "ticket_id": letter.ticket_id,
            "state": LetterState.PRINTED,
            "reason": None,
            "detail": None,
        }
        for letter in letters
    ]


def _not_printed(run_id: int, people: Sequence[NotPrinted]) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run_id,
            "resident_id": one.recipient.resident_id,
            "sequence": None,
            "bundle": None,
            "pages": None,
            "ticket_id": one.recipient.ticket_id,
            "state": LetterState.HELD if isinstance(one.reason, Held) else LetterState.DROPPED,
            "reason": one.reason.value,
            "detail": one.detail,
        }
        for one in people
    ]
