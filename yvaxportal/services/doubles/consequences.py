"""What followed from a merge and cannot be taken back with it: what left the house, what was reported.

Asked before it is taken apart, and listed on its page afterwards, for those who have to set it right.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    LetterKind,
    LetterState,
    OutputState,
    TicketState,
)
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.output import Output, OutputPerson
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.models.ticket import Certificate, Ticket
from yvaxportal.values.clock import jst_date

_FIGURES = text(
    "SELECT s.id, s.report, s.fiscal_year, s.period, s.data_as_of, s.closed_at, "
    "count(DISTINCT c.id) AS figures "
    "FROM report_member m JOIN report_cell c ON c.id = m.cell_id "
    "JOIN report_snapshot s ON s.id = c.snapshot_id "
    "WHERE s.data_as_of >= :since AND s.data_as_of <= :until AND ("
    "(c.subject = 'dose' AND m.subject_id = ANY(:doses)) "
    "OR (c.subject = 'resident' AND m.subject_id = ANY(:people))) "
    "GROUP BY s.id ORDER BY s.id"
)


@dataclass(frozen=True, slots=True)
class LetterSent:
    """A letter that was printed for the number that stays while the merge stood."""

    run_id: int
    title: str
    kind: LetterKind
    printed_for: date
    state: LetterState


@dataclass(frozen=True, slots=True)
class TicketIssued:
    """A ticket issued meanwhile. ``goes_back`` with the number that returns, in place of one of its own."""

    id: int
    vaccine: str
    dose_number: int
    ticket_number: str
    issued_on: date
    state: TicketState
    goes_back: bool


@dataclass(frozen=True, slots=True)
class CertificateIssued:
    """A certificate recorded meanwhile: it may tell of the other person's doses."""

    certificate_id: str
    issued_on: date
    kind: CertificateKind
    state: CertificateState


@dataclass(frozen=True, slots=True)
class FileLeft:
    """A file with the number that stays that was asked for meanwhile."""

    id: int
    title: str
    requested_at: datetime
    state: OutputState


@dataclass(frozen=True, slots=True)
class FigureReported:
    """A frozen table of meanwhile in which doses or people of the merge were counted."""

    snapshot_id: int
    report: str
    fiscal_year: int
    period: str
    data_as_of: datetime
    closed: bool
    figures: int


@dataclass(frozen=True, slots=True)
class Consequences:
    """Everything of the time between the merge and ``until``."""

    letters: Sequence[LetterSent]
    tickets: Sequence[TicketIssued]
    certificates: Sequence[CertificateIssued]
    files: Sequence[FileLeft]
    figures: Sequence[FigureReported]

    @property
    def any(self) -> bool:
        """Tell whether there is anything to set right."""
        return bool(self.letters or self.tickets or self.certificates or self.files or self.figures)


def consequences_of(
    session: Session, merge: ResidentMerge, *, doses: Sequence[int], returning: Sequence[int], now: datetime
) -> Consequences:
    """Return what followed from a merge until now, or until it was taken apart.

    :param doses: ids of the doses that stood differently because of the merge.
    :param returning: ids of the tickets that go back, or went back, with the number that returns.
    """
    since, until = merge.merged_at, merge.undone_at or now
    kept, gone = merge.kept_resident_id, merge.merged_resident_id
    return Consequences(
        _letters(session, kept, since, until),
        _tickets(session, merge, returning),
        _certificates(session, merge, until),
        _files(session, kept, since, until),
        _figures(session, doses, (kept, gone), since, until),
    )


def _letters(session: Session, kept: int, since: datetime, until: datetime) -> list[LetterSent]:
    rows = session.execute(
        select(LetterRun.id, LetterRun.title, LetterRun.kind, LetterRun.printed_for, Letter.state)
        .join(LetterRun, LetterRun.id == Letter.run_id)
        .where(
            Letter.resident_id == kept,
            Letter.state.in_((LetterState.PRINTED, LetterState.SENT)),
            LetterRun.finished_at >= since,
            LetterRun.finished_at <= until,
        )
        .order_by(LetterRun.id)
    )
    return [LetterSent(*row) for row in rows]


def _tickets(session: Session, merge: ResidentMerge, returning: Sequence[int]) -> list[TicketIssued]:
    """Return the tickets of both numbers that were issued since; their day is all that is known of when."""
    moved = set(merge.moved.get("ticket", ()))
    both = (merge.kept_resident_id, merge.merged_resident_id)
    rows = session.execute(
        select(
            Ticket.id,
            Ticket.vaccine,
            Ticket.dose_number,
            Ticket.ticket_number,
            Ticket.issued_on,
            Ticket.state,
        )
        .where(
            Ticket.resident_id.in_(both),
            Ticket.id.not_in(moved),
            Ticket.issued_on >= jst_date(merge.merged_at),
        )
        .order_by(Ticket.id)
    )
    back = set(returning)
    return [TicketIssued(*row, row[0] in back) for row in rows]


def _certificates(session: Session, merge: ResidentMerge, until: datetime) -> list[CertificateIssued]:
    moved = merge.moved.get("certificate", ())
    both = (merge.kept_resident_id, merge.merged_resident_id)
    rows = session.execute(
        select(
            Certificate.certificate_id,
            Certificate.certificate_issued_on,
            Certificate.kind,
            Certificate.state,
        )
        .where(
            Certificate.resident_id.in_(both),
            Certificate.id.not_in(moved),
            Certificate.recorded_at >= merge.merged_at,
            Certificate.recorded_at <= until,
        )
        .order_by(Certificate.id)
    )
    return [CertificateIssued(*row) for row in rows]


def _files(session: Session, kept: int, since: datetime, until: datetime) -> list[FileLeft]:
    rows = session.execute(
        select(Output.id, Output.title, Output.requested_at, Output.state)
        .join(OutputPerson, OutputPerson.output_id == Output.id)
        .where(
            OutputPerson.resident_id == kept,
            Output.requested_at >= since,
            Output.requested_at <= until,
            Output.state.not_in((OutputState.CANCELLED, OutputState.REFUSED, OutputState.FAILED)),
        )
        .order_by(Output.id)
    )
    return [FileLeft(*row) for row in rows]


def _figures(
    session: Session, doses: Sequence[int], people: Sequence[int], since: datetime, until: datetime
) -> list[FigureReported]:
    rows: Any = session.execute(
        _FIGURES, {"since": since, "until": until, "doses": list(doses), "people": list(people)}
    )
    return [
        FigureReported(
            row.id,
            row.report,
            row.fiscal_year,
            row.period,
            row.data_as_of,
            row.closed_at is not None,
            row.figures,
        )
        for row in rows
    ]
