"""Runs of letters: asking for one, and reading them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import (
    ExtractionState,
    LetterKind,
    LetterRunState,
    LetterState,
    OutputState,
    ResidentCategory,
)
from yvaxportal.models.extraction import TargetExtraction
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.output import Output
from yvaxportal.models.resident import Resident
from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.ticket import Ticket
from yvaxportal.services.letters.recipients import count_recipients

PAGE_SIZE = 50
#: Of an output: it will still be made, or can be tried again.
_UNDER_WAY = (OutputState.QUEUED, OutputState.MAKING, OutputState.FAILED)


class RunRefusedError(Exception):
    """The run cannot be asked for. ``rule`` names why: a key of ``views.letters.words.RULES``."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"letters: {rule}")
        self.rule = rule


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run as pages show it. ``state`` is of the run, ``output_state`` of its file (None: none yet)."""

    id: int
    title: str
    kind: LetterKind
    programme: str
    printed_for: date
    options: Mapping[str, Any]
    state: LetterRunState
    requested_by: str
    requested_by_id: int
    requested_at: datetime
    finished_at: datetime | None
    extraction_id: int | None
    extraction_title: str | None
    supplement_of: int | None
    output_id: int | None
    output_state: OutputState | None
    data_sha256: str | None
    template_sha256: str | None
    revision: int


@dataclass(frozen=True, slots=True)
class LetterRow:
    """One person's letter as the run's page lists it."""

    resident_id: int
    atena_number: str
    name: str
    protected: bool
    category: ResidentCategory
    state: LetterState
    sequence: int | None
    bundle: int | None
    reason: str | None
    detail: str | None
    released_by: str | None
    released_at: datetime | None
    settled_at: datetime | None


def add_run(
    session: Session,
    *,
    kind: LetterKind,
    title: str,
    programme: str,
    printed_for: date,
    options: Mapping[str, Any],
    extraction_id: int | None,
    supplement_of: int | None,
    staff_id: int,
    now: datetime,
) -> LetterRun:
    """Add a run, not yet made, and return its row; the caller asks for its file in the same transaction.

    :raises RunRefusedError: ``list`` (there is none, or it was withdrawn), ``nobody`` (it would be for
        nobody), ``under_way`` (what the earlier run held is being printed already).
    """
    if extraction_id is not None:
        extraction = session.get(TargetExtraction, extraction_id)
        if extraction is None or extraction.state is ExtractionState.WITHDRAWN:
            raise RunRefusedError("list")
    if supplement_of is not None and _supplement_under_way(session, supplement_of):
        raise RunRefusedError("under_way")
    run = LetterRun(
        extraction_id=extraction_id,
        supplement_of=supplement_of,
        kind=kind,
        template=kind.value,
        title=title,
        printed_for=printed_for,
        options={**options, "programme": programme},
        requested_by=staff_id,
        requested_at=now,
        state=LetterRunState.QUEUED,
    )
    session.add(run)
    session.flush()
    if not count_recipients(session, run):
        raise RunRefusedError("nobody")
    return run


def _supplement_under_way(session: Session, run_id: int) -> bool:
    """Tell whether somebody asked for the held letters of a run already; the run's row is locked."""
    session.get(LetterRun, run_id, with_for_update=True)
    found = session.scalar(
        select(LetterRun.id)
        .join(Output, Output.id == LetterRun.output_id)
        .where(
            LetterRun.supplement_of == run_id,
            LetterRun.state == LetterRunState.QUEUED,
            Output.state.in_(_UNDER_WAY),
        )
        .limit(1)
    )
    return found is not None


def run_of(session: Session, run_id: int) -> RunRow | None:
    """Return one run, None when there is none."""
    row = session.execute(_runs().where(LetterRun.id == run_id)).one_or_none()
    return None if row is None else _run_row(row)


def list_runs(
    session: Session, *, before: int | None = None, extraction_id: int | None = None
) -> Sequence[RunRow]:
    """Return a page of runs, the newest first.

    :param before: only runs with a smaller id.
    :param extraction_id: only those of one list.
    """
    query = _runs().order_by(LetterRun.id.desc()).limit(PAGE_SIZE)
    if before is not None:
        query = query.where(LetterRun.id < before)
    if extraction_id is not None:
        query = query.where(LetterRun.extraction_id == extraction_id)
    return [_run_row(row) for row in session.execute(query)]


def supplements_of(session: Session, run_id: int) -> Sequence[RunRow]:
    """Return the runs that printed, or will print, what a run held."""
    return [
        _run_row(row)
        for row in session.execute(_runs().where(LetterRun.supplement_of == run_id).order_by(LetterRun.id))
    ]


def letters_of(
    session: Session, run_id: int, states: Sequence[LetterState], *, after: int = 0, limit: int = PAGE_SIZE
) -> Sequence[LetterRow]:
    """Return a page of a run's letters in some states, by resident id.

    :param after: only residents with a greater id.
    """
    releaser = aliased(StaffAccount)
    rows = session.execute(
        select(
            Letter.resident_id,
            Resident.atena_number,
            Resident.name,
            Resident.support_measure_flag,
            Resident.resident_category,
            Letter.state,
            Letter.sequence,
            Letter.bundle,
            Letter.reason,
            Letter.detail,
            releaser.display_name,
            Letter.released_at,
            Letter.settled_at,
        )
        .join(Resident, Resident.id == Letter.resident_id)
        .outerjoin(releaser, releaser.id == Letter.released_by)
        .where(Letter.run_id == run_id, Letter.state.in_(states), Letter.resident_id > after)
        .order_by(Letter.resident_id)
        .limit(limit)
    )
    return [LetterRow(*tuple(row)) for row in rows]


def ticket_of(session: Session, ticket_id: int) -> Ticket | None:
    """Return a ticket, None when there is none."""
    return session.get(Ticket, ticket_id)


def _runs() -> Select[LetterRun, str, str, OutputState]:
    requester = aliased(StaffAccount)
    return (
        select(LetterRun, requester.display_name, TargetExtraction.title, Output.state)
        .join(requester, requester.id == LetterRun.requested_by)
        .outerjoin(TargetExtraction, TargetExtraction.id == LetterRun.extraction_id)
        .outerjoin(Output, Output.id == LetterRun.output_id)
    )


def _run_row(row: Any) -> RunRow:
    run, requester, extraction_title, output_state = row
    return RunRow(
        id=run.id,
        title=run.title,
        kind=run.kind,
        programme=str(run.options["programme"]),
        printed_for=run.printed_for,
        options=run.options,
        state=run.state,
        requested_by=requester,
        requested_by_id=run.requested_by,
        requested_at=run.requested_at,
        finished_at=run.finished_at,
        extraction_id=run.extraction_id,
        extraction_title=extraction_title,
        supplement_of=run.supplement_of,
        output_id=run.output_id,
        output_state=output_state,
        data_sha256=run.data_sha256,
        template_sha256=run.template_sha256,
        revision=run.revision,
    )
