"""Handing a file over: its password once, its archive a few times, each on record (M17, M23)."""

from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import Outcome, OutputState
from yvaxportal.models.output import MediumLoan, Output, OutputDownload
from yvaxportal.outputs.gate import OutputRefusedError, locked
from yvaxportal.outputs.store import FileChangedError, open_unchanged
from yvaxportal.vault.keyring import KeyRing, SealBrokenError, UnknownKeyError
from yvaxportal.vault.secret_names import output_password_name


def show_password(
    session: Session, audit: AuditTrail, key_ring: KeyRing, *, output_id: int, staff_id: int, now: datetime
) -> str:
    """Return the password of a file that is ready, and forget it: nobody is shown it again.

    :raises OutputRefusedError: ``gone``, ``other``, ``shown`` (it was shown already), ``sealed`` (the key
        that sealed it is gone: ask for the file anew).
    """
    output = _ready(session, output_id, staff_id, now)
    if output.sealed_password is None:
        raise OutputRefusedError("shown")
    try:
        password = key_ring.open_secret(output_password_name(output.id), output.sealed_password).decode(
            "ascii"
        )
    except (SealBrokenError, UnknownKeyError):
        raise OutputRefusedError("sealed") from None
    output.sealed_password, output.password_shown_at = None, now
    session.flush()
    audit.record(Action.OUTPUT_PASSWORD_SHOWN, subject=f"output:{output.id}", purpose=output.purpose)
    return password


def hand_over(
    session: Session,
    audit: AuditTrail,
    folder: Path,
    *,
    output_id: int,
    loan_id: int | None,
    staff_id: int,
    most: int,
    now: datetime,
) -> tuple[Output, BinaryIO]:
    """Return the archive, open at its beginning, and put the hand-over on record.

    :param loan_id: the loan of the medium that the file goes onto; None when it goes onto none.
    :param most: how often a file is handed over at most.
    :raises OutputRefusedError: ``gone``, ``other``, ``often``, ``medium`` (no approved loan of this person).
    :raises FileChangedError: the file on the disk is not the one that was made; it is audited.
    """
    output = _ready(session, output_id, staff_id, now)
    sha256 = output.archive_sha256 or ""
    if output.approval_needed and output.approved_sha256 != sha256:
        raise OutputRefusedError("gone")
    if count_downloads(session, output.id) >= most:
        raise OutputRefusedError("often")
    if loan_id is not None and not _may_carry(session, loan_id, staff_id):
        raise OutputRefusedError("medium")
    try:
        file = open_unchanged(folder, output.id, sha256)
    except FileChangedError:
        audit.record_apart(
            Action.OUTPUT_DOWNLOADED,
            subject=f"output:{output.id}",
            outcome=Outcome.REFUSED,
            detail={"problem": "changed", "sha256": sha256},
        )
        raise
    session.add(
        OutputDownload(output_id=output.id, downloaded_by=staff_id, downloaded_at=now, medium_loan_id=loan_id)
    )
    audit.record(
        Action.OUTPUT_DOWNLOADED,
        subject=f"output:{output.id}",
        purpose=output.purpose,
        detail={"sha256": sha256, "people": output.people, "medium_loan": loan_id},
    )
    return output, file


def count_downloads(session: Session, output_id: int) -> int:
    """Return how often a file was handed over."""
    counted = select(func.count()).where(OutputDownload.output_id == output_id)
    return session.scalar(counted) or 0


def _ready(session: Session, output_id: int, staff_id: int, now: datetime) -> Output:
    output = locked(session, output_id)
    if output.requested_by != staff_id:
        raise OutputRefusedError("other")
    over = output.expires_at is None or output.expires_at <= now
    if output.state is not OutputState.READY or over:
        raise OutputRefusedError("gone")
    return output


def _may_carry(session: Session, loan_id: int, staff_id: int) -> bool:
    """Tell whether a medium was approved and lent to this person, and is still out (M22)."""
    loan = session.get(MediumLoan, loan_id, with_for_update=True)
    return (
        loan is not None
        and loan.requested_by == staff_id
        and loan.approved_at is not None
        and loan.lent_at is not None
        and loan.returned_at is None
        and loan.ended_at is None
    )
