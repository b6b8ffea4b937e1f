"""What waits for somebody: how much there is of each kind, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoubleState, ImportState, LetterState, OutboxState, OutputState
from yvaxportal.models.double import ResidentDouble
from yvaxportal.models.imports import ImportBatch, ImportRow
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.mismatch import SampleCheck, SampleCheckRow, SecondEntryPlan
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.models.output import MediumLoan, Output
from yvaxportal.models.staff import AclProposal
from yvaxportal.models.sync import SyncRefusal
from yvaxportal.services.outbox.queue import ENTER_PERSON


@dataclass(frozen=True, slots=True)
class Waiting:
    """One kind of thing that waits; ``oldest`` is None where nothing does."""

    key: str
    count: int
    oldest: datetime | None


def waiting(session: Session) -> Sequence[Waiting]:
    """Return every kind, also those of which nothing waits."""
    found = []
    for key, query in _QUERIES.items():
        count, oldest = session.execute(query).one()
        found.append(Waiting(key, count, oldest))
    return found


_COUNT = func.count()
_QUERIES: dict[str, Select[Any, Any]] = {
    "people": select(_COUNT, func.min(OutboxMessage.asked_at)).where(
        OutboxMessage.deed == ENTER_PERSON,
        OutboxMessage.state.in_((OutboxState.WAITING, OutboxState.REFUSED)),
    ),
    "outbox": select(_COUNT, func.min(OutboxMessage.asked_at)).where(
        OutboxMessage.deed != ENTER_PERSON, OutboxMessage.state == OutboxState.WAITING
    ),
    "outbox_refused": select(_COUNT, func.min(OutboxMessage.asked_at)).where(
        OutboxMessage.deed != ENTER_PERSON, OutboxMessage.state == OutboxState.REFUSED
    ),
    "refusals": select(_COUNT, func.min(SyncRefusal.first_at)).where(SyncRefusal.settled_at.is_(None)),
    "imports": select(_COUNT, func.min(ImportBatch.uploaded_at))
    .select_from(ImportRow)
    .join(ImportBatch, ImportBatch.id == ImportRow.batch_id)
    .where(
        ImportBatch.state.in_((ImportState.CHECKED, ImportState.APPLIED)),
        # As written in the partial index, which holds these rows and no others.
        text("decision IS NULL AND outcome IS NULL AND import_row.state NOT IN ('ready', 'already_there')"),
    ),
    "second_entries": select(_COUNT, func.min(SecondEntryPlan.set_at))
    .select_from(ImportRow)
    .join(SecondEntryPlan, SecondEntryPlan.batch_id == ImportRow.batch_id)
    .join(ImportBatch, ImportBatch.id == ImportRow.batch_id)
    .where(
        ImportBatch.state.in_((ImportState.CHECKED, ImportState.APPLIED)),
        text(
            "second_entry IN ('wanted', 'differs') AND outcome IS NULL "
            "AND (decision IS NULL OR decision IN ('apply', 'replace', 'keep_both'))"
        ),
    ),
    "samples": select(_COUNT, func.min(SampleCheck.drawn_at))
    .select_from(SampleCheckRow)
    .join(SampleCheck, SampleCheck.id == SampleCheckRow.check_id)
    .where(SampleCheckRow.verdict.is_(None)),
    "doubles": select(_COUNT, func.min(ResidentDouble.found_at)).where(
        ResidentDouble.state == DoubleState.OPEN
    ),
    "outputs": select(_COUNT, func.min(Output.made_at)).where(Output.state == OutputState.AWAITING_APPROVAL),
    "media": select(_COUNT, func.min(MediumLoan.requested_at)).where(
        MediumLoan.ended_at.is_(None), MediumLoan.approved_at.is_(None)
    ),
    "letters": select(_COUNT, func.min(LetterRun.requested_at))
    .select_from(Letter)
    .join(LetterRun, LetterRun.id == Letter.run_id)
    .where(Letter.state == LetterState.HELD, Letter.settled_at.is_(None)),
    "proposals": select(_COUNT, func.min(AclProposal.proposed_at)).where(AclProposal.decided_at.is_(None)),
}
