"""The register of storage media (媒体管理簿), from a medium's first use to its end (M21 to M24).

Every deed locks the medium, so that of two who act at once one finds what the other did.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import MediumKind, MediumState
from yvaxportal.models.output import MediumLoan, StorageMedium


class EraseMethod(StrEnum):
    """How a medium was erased; stored."""

    OVERWRITE = "overwrite"
    SECURE_ERASE = "secure_erase"
    DESTRUCTION = "destruction"


class MediumRefusedError(Exception):
    """The deed is not possible now. ``rule`` names why: a key of ``views.media.RULES``."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"medium: {rule}")
        self.rule = rule


def register_medium(
    session: Session,
    audit: AuditTrail,
    *,
    label: str,
    kind: MediumKind,
    serial_number: str | None,
    staff_id: int,
    now: datetime,
) -> StorageMedium:
    """Enter a medium into the register.

    :param label: the number that is stuck on it; given once and never again.
    :raises MediumRefusedError: ``label``: there is one of this label.
    """
    if session.scalar(select(StorageMedium.id).where(StorageMedium.label == label)) is not None:
        raise MediumRefusedError("label")
    medium = StorageMedium(
        label=label,
        kind=kind,
        serial_number=serial_number,
        state=MediumState.AVAILABLE,
        registered_by=staff_id,
        registered_at=now,
    )
    session.add(medium)
    session.flush()
    audit.record(
        Action.MEDIUM_REGISTERED, subject=f"medium:{medium.id}", after={"label": label, "kind": kind}
    )
    return medium


def ask_for_loan(
    session: Session,
    audit: AuditTrail,
    *,
    medium_id: int,
    purpose: str,
    recipient: str,
    due_on: date,
    staff_id: int,
    now: datetime,
) -> MediumLoan:
    """Ask for a medium; another person approves before anything is written onto it (M22).

    :raises MediumRefusedError: ``gone`` (lost or disposed of), ``taken`` (lent or asked for).
    """
    medium = _locked(session, medium_id)
    if medium.state in {MediumState.LOST, MediumState.DISPOSED}:
        raise MediumRefusedError("gone")
    if medium.state is not MediumState.AVAILABLE or _open_loan(session, medium_id) is not None:
        raise MediumRefusedError("taken")
    loan = MediumLoan(
        medium_id=medium_id,
        purpose=purpose,
        recipient=recipient,
        due_on=due_on,
        requested_by=staff_id,
        requested_at=now,
    )
    session.add(loan)
    session.flush()
    audit.record(
        Action.MEDIUM_REQUESTED,
        subject=f"medium:{medium_id}",
        purpose=purpose,
        detail={"loan": loan.id, "recipient": recipient, "due_on": due_on},
    )
    return loan


def approve_loan(
    session: Session, audit: AuditTrail, *, medium_id: int, staff_id: int, now: datetime
) -> None:
    """Approve the use of a medium.

    :raises MediumRefusedError: ``moved`` (nothing waits for approval), ``own``.
    """
    loan = _undecided(session, medium_id, staff_id)
    loan.approved_by, loan.approved_at = staff_id, now
    session.flush()
    _record(audit, Action.MEDIUM_APPROVED, loan)


def refuse_loan(
    session: Session, audit: AuditTrail, *, medium_id: int, reason: str, staff_id: int, now: datetime
) -> None:
    """Refuse the use of a medium with a reason.

    :raises MediumRefusedError: ``moved``, ``own``.
    """
    loan = _undecided(session, medium_id, staff_id)
    loan.refusal_reason, loan.ended_at = reason, now
    session.flush()
    _record(audit, Action.MEDIUM_REFUSED, loan)


def withdraw_loan(
    session: Session, audit: AuditTrail, *, medium_id: int, staff_id: int, now: datetime
) -> None:
    """Withdraw one's own request while the medium is still in its place.

    :raises MediumRefusedError: ``moved``, ``other``.
    """
    loan = _own(session, medium_id, staff_id)
    if loan.lent_at is not None:
        raise MediumRefusedError("moved")
    loan.ended_at = now
    session.flush()
    _record(audit, Action.MEDIUM_WITHDRAWN, loan)


def lend(session: Session, audit: AuditTrail, *, medium_id: int, staff_id: int, now: datetime) -> None:
    """Record that the requester took the medium along.

    :raises MediumRefusedError: ``moved`` (not approved, or taken along already), ``other``.
    """
    loan = _own(session, medium_id, staff_id)
    if loan.approved_at is None or loan.lent_at is not None:
        raise MediumRefusedError("moved")
    _locked(session, medium_id).state = MediumState.LENT
    loan.lent_at = now
    session.flush()
    _record(audit, Action.MEDIUM_LENT, loan)


def give_back(session: Session, audit: AuditTrail, *, medium_id: int, staff_id: int, now: datetime) -> None:
    """Record that the medium is back; it stays lent until its erasure is on record (M24).

    :raises MediumRefusedError: ``moved``, ``other``.
    """
    loan = _own(session, medium_id, staff_id)
    if loan.lent_at is None or loan.returned_at is not None:
        raise MediumRefusedError("moved")
    loan.returned_at = now
    session.flush()
    _record(audit, Action.MEDIUM_RETURNED, loan)


def record_erasure(
    session: Session, audit: AuditTrail, *, medium_id: int, method: EraseMethod, staff_id: int, now: datetime
) -> None:
    """Record that a returned medium was erased; a destroyed one leaves the register.

    :raises MediumRefusedError: ``moved`` (not returned yet).
    """
    medium = _locked(session, medium_id)
    loan = _loan(session, medium_id)
    if loan.returned_at is None:
        raise MediumRefusedError("moved")
    loan.erased_by, loan.erased_at, loan.erase_method, loan.ended_at = staff_id, now, method.value, now
    medium.state = MediumState.AVAILABLE
    if method is EraseMethod.DESTRUCTION:
        medium.state = MediumState.DISPOSED
        medium.ended_by, medium.ended_at, medium.end_reason = staff_id, now, method.value
    session.flush()
    _record(audit, Action.MEDIUM_ERASED, loan, method=method)


def report_lost(
    session: Session, audit: AuditTrail, *, medium_id: int, reason: str, staff_id: int, now: datetime
) -> None:
    """Record that a medium is lost, with what is known of it.

    :raises MediumRefusedError: ``gone``.
    """
    _end(session, _locked(session, medium_id), MediumState.LOST, reason, staff_id, now=now)
    audit.record(Action.MEDIUM_LOST, subject=f"medium:{medium_id}")


def dispose(
    session: Session, audit: AuditTrail, *, medium_id: int, reason: str, staff_id: int, now: datetime
) -> None:
    """Take a medium off the register, with how it was disposed of.

    :raises MediumRefusedError: ``gone``, ``taken`` (lent, asked for, or not erased yet).
    """
    medium = _locked(session, medium_id)
    if _open_loan(session, medium_id) is not None:
        raise MediumRefusedError("taken")
    _end(session, medium, MediumState.DISPOSED, reason, staff_id, now=now)
    audit.record(Action.MEDIUM_DISPOSED, subject=f"medium:{medium_id}")


def _end(
    session: Session, medium: StorageMedium, state: MediumState, reason: str, staff_id: int, *, now: datetime
) -> None:
    if medium.state in {MediumState.LOST, MediumState.DISPOSED}:
        raise MediumRefusedError("gone")
    loan = _open_loan(session, medium.id)
    if loan is not None:
        loan.ended_at = now
    medium.state = state
    medium.ended_by, medium.ended_at, medium.end_reason = staff_id, now, reason
    session.flush()


def _locked(session: Session, medium_id: int) -> StorageMedium:
    medium = session.get(StorageMedium, medium_id, with_for_update=True, populate_existing=True)
    if medium is None:
        raise MediumRefusedError("gone")
    return medium


def _open_loan(session: Session, medium_id: int) -> MediumLoan | None:
    return session.scalar(
        select(MediumLoan)
        .where(MediumLoan.medium_id == medium_id, MediumLoan.ended_at.is_(None))
        .execution_options(populate_existing=True)
    )


def _loan(session: Session, medium_id: int) -> MediumLoan:
    _locked(session, medium_id)
    loan = _open_loan(session, medium_id)
    if loan is None:
        raise MediumRefusedError("moved")
    return loan


def _own(session: Session, medium_id: int, staff_id: int) -> MediumLoan:
    loan = _loan(session, medium_id)
    if loan.requested_by != staff_id:
        raise MediumRefusedError("other")
    return loan


def _undecided(session: Session, medium_id: int, staff_id: int) -> MediumLoan:
    loan = _loan(session, medium_id)
    if loan.approved_at is not None:
        raise MediumRefusedError("moved")
    if loan.requested_by == staff_id:
        raise MediumRefusedError("own")
    return loan


def _record(audit: AuditTrail, action: Action, loan: MediumLoan, **detail: str) -> None:
    audit.record(
        action,
        subject=f"medium:{loan.medium_id}",
        purpose=loan.purpose,
        detail={"loan": loan.id, **detail},
    )
