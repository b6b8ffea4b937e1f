"""What the pages show of outputs and media: rows with the names of who did what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import ExtractionState, MediumState, OutputState
from yvaxportal.models.extraction import TargetExtraction
from yvaxportal.models.letter import LetterRun
from yvaxportal.models.output import MediumLoan, Output, OutputDownload, OutputPerson, StorageMedium
from yvaxportal.models.staff import StaffAccount
from yvaxportal.services.extraction.lists import ListRow, list_of

#: Of an extraction's list, so many are offered when a file is asked for.
OFFERED = 100
#: So many files are shown that somebody was in.
FILES_WITH = 200


@dataclass(frozen=True, slots=True)
class Listed:
    """One output of the register, with the names of requester and decider."""

    output: Output
    requester: str
    decider: str | None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One handing-over: when, to whom, onto which medium."""

    at: datetime
    by: str
    medium: str | None


@dataclass(frozen=True, slots=True)
class FileWith:
    """One output that somebody's data is or was in, and to whom it was handed over."""

    listed: Listed
    taken: Sequence[HandedOver]


@dataclass(frozen=True, slots=True)
class Lent:
    """One loan of the register with its medium's label and the names of requester and approver."""

    loan: MediumLoan
    label: str
    requester: str
    approver: str | None

    def is_overdue(self, today: date) -> bool:
        """Tell whether the medium is out, or back and not erased, after the day it was due (M24)."""
        loan = self.loan
        return loan.lent_at is not None and loan.ended_at is None and loan.due_on < today


def outputs_of(session: Session, staff_id: int | None, *, before: int | None, limit: int) -> Sequence[Listed]:
    """Return outputs, the newest first; of one requester, or everybody's.

    :param before: only those with a smaller id: how the register is paged.
    """
    query = _listed().order_by(Output.id.desc()).limit(limit)
    if staff_id is not None:
        query = query.where(Output.requested_by == staff_id)
    if before is not None:
        query = query.where(Output.id < before)
    return [Listed(*row) for row in session.execute(query)]


def awaiting(session: Session, *, but_not_of: int, now: datetime) -> Sequence[Listed]:
    """Return what waits for a decision of somebody else than ``but_not_of``, the oldest first."""
    query = (
        _listed()
        .where(
            Output.state == OutputState.AWAITING_APPROVAL,
            Output.requested_by != but_not_of,
            Output.expires_at > now,
        )
        .order_by(Output.id)
    )
    return [Listed(*row) for row in session.execute(query)]


def listed(session: Session, output_id: int) -> Listed:
    """Return one output that exists."""
    return Listed(*session.execute(_listed().where(Output.id == output_id)).one())


def handed_over(session: Session, output_id: int) -> Sequence[HandedOver]:
    """Return the handings-over of an output, in order."""
    rows = session.execute(_handed_over(OutputDownload.output_id == output_id))
    return [HandedOver(*handed) for _, *handed in rows]


def files_with(session: Session, resident_id: int, limit: int = FILES_WITH) -> Sequence[FileWith]:
    """Return the files that somebody's data is or was in, the newest first (M16).

    :param limit: more than this many are not looked for.
    """
    query = (
        _listed()
        .join(OutputPerson, OutputPerson.output_id == Output.id)
        .where(OutputPerson.resident_id == resident_id)
        .order_by(Output.id.desc())
        .limit(limit)
    )
    found = [Listed(*row) for row in session.execute(query)]
    taken: dict[int, list[HandedOver]] = {}
    for output_id, *handed in session.execute(
        _handed_over(OutputDownload.output_id.in_([one.output.id for one in found]))
    ):
        taken.setdefault(output_id, []).append(HandedOver(*handed))
    return [FileWith(one, tuple(taken.get(one.output.id, ()))) for one in found]


def list_behind(session: Session, subject: Mapping[str, Any]) -> ListRow | None:
    """Return the list of targets whose people are in an output: its own, or that of its letters.

    None where the output is made of something else, or its letters were not asked for by a list.
    """
    extraction_id, run_id = subject.get("extraction"), subject.get("run")
    while extraction_id is None and isinstance(run_id, int):
        run = session.get(LetterRun, run_id)
        # The letters of a supplement are those that an earlier run held.
        extraction_id, run_id = (run.extraction_id, run.supplement_of) if run is not None else (None, None)
    return list_of(session, extraction_id) if isinstance(extraction_id, int) else None


def offered_extractions(session: Session) -> Sequence[TargetExtraction]:
    """Return the newest lists of targets that a file can be made of."""
    return session.scalars(
        select(TargetExtraction)
        .where(TargetExtraction.state == ExtractionState.SAVED)
        .order_by(TargetExtraction.id.desc())
        .limit(OFFERED)
    ).all()


def media(session: Session) -> Sequence[tuple[StorageMedium, Lent | None]]:
    """Return all media, those in use first, each with its open loan."""
    open_loans = {lent.loan.medium_id: lent for lent in _lent(session, MediumLoan.ended_at.is_(None))}
    rows = session.scalars(
        select(StorageMedium).order_by(
            StorageMedium.state.in_([MediumState.DISPOSED, MediumState.LOST]), StorageMedium.label
        )
    ).all()
    return [(medium, open_loans.get(medium.id)) for medium in rows]


def loans_of(session: Session, medium_id: int) -> Sequence[tuple[Lent, int]]:
    """Return the loans of a medium, the newest first, each with how many files went onto it."""
    files = Counter(
        session.scalars(
            select(OutputDownload.medium_loan_id)
            .join(MediumLoan, MediumLoan.id == OutputDownload.medium_loan_id)
            .where(MediumLoan.medium_id == medium_id)
        )
    )
    return [(lent, files[lent.loan.id]) for lent in _lent(session, MediumLoan.medium_id == medium_id)]


def usable_loans(session: Session, staff_id: int) -> Sequence[Lent]:
    """Return the media that somebody may put a file onto: approved, lent to them, not returned (M22)."""
    return _lent(
        session,
        and_(
            MediumLoan.requested_by == staff_id,
            MediumLoan.lent_at.is_not(None),
            MediumLoan.returned_at.is_(None),
            MediumLoan.ended_at.is_(None),
        ),
    )


def files_on(session: Session, medium_id: int) -> Sequence[tuple[OutputDownload, Output]]:
    """Return which outputs went onto a medium, the newest first."""
    query = (
        select(OutputDownload, Output)
        .join(Output, Output.id == OutputDownload.output_id)
        .join(MediumLoan, MediumLoan.id == OutputDownload.medium_loan_id)
        .where(MediumLoan.medium_id == medium_id)
        .order_by(OutputDownload.id.desc())
    )
    return [(download, output) for download, output in session.execute(query)]


def _listed() -> Any:
    requester, decider = aliased(StaffAccount), aliased(StaffAccount)
    return (
        select(Output, requester.display_name, decider.display_name)
        .join(requester, requester.id == Output.requested_by)
        .outerjoin(decider, decider.id == Output.decided_by)
    )


def _handed_over(condition: Any) -> Any:
    """Return the statement of handings-over in order: the output's id, then what ``HandedOver`` holds."""
    return (
        select(
            OutputDownload.output_id,
            OutputDownload.downloaded_at,
            StaffAccount.display_name,
            StorageMedium.label,
        )
        .join(StaffAccount, StaffAccount.id == OutputDownload.downloaded_by)
        .outerjoin(MediumLoan, MediumLoan.id == OutputDownload.medium_loan_id)
        .outerjoin(StorageMedium, StorageMedium.id == MediumLoan.medium_id)
        .where(condition)
        .order_by(OutputDownload.id)
    )


def _lent(session: Session, condition: Any) -> list[Lent]:
    requester, approver = aliased(StaffAccount), aliased(StaffAccount)
    query = (
        select(MediumLoan, StorageMedium.label, requester.display_name, approver.display_name)
        .join(StorageMedium, StorageMedium.id == MediumLoan.medium_id)
        .join(requester, requester.id == MediumLoan.requested_by)
        .outerjoin(approver, approver.id == MediumLoan.approved_by)
        .where(condition)
        .order_by(MediumLoan.id.desc())
    )
    return [Lent(*row) for row in session.execute(query)]
