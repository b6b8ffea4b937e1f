"""Asking for a file, deciding on it, calling it off: what staff do before it is handed over (M16, M19)."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import Outcome, OutputState
from yvaxportal.models.output import Output, OutputDownload
from yvaxportal.outputs.store import FileChangedError, WipeReason, check_unchanged, wipe
from yvaxportal.outputs.waking import wake_worker
from yvaxportal.services.letters.reasons import Unprinted
from yvaxportal.services.letters.settling import withdraw_unprinted
from yvaxportal.values.text import contains_personal_number

JSON = str | int | bool | None

#: What is under way, and can be called off.
UNDER_WAY = frozenset({OutputState.QUEUED, OutputState.MAKING})
#: What has an archive on the disk.
KEPT = frozenset({OutputState.AWAITING_APPROVAL, OutputState.READY})

_CODE = re.compile(r"[A-Za-z0-9_.:-]{0,64}")


class OutputRefusedError(Exception):
    """The deed is not possible. ``rule`` names why: a key of ``views.outputs.RULES``."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"output: {rule}")
        self.rule = rule


def request_output(
    session: Session,
    audit: AuditTrail,
    *,
    layout: str,
    title: str,
    purpose: str,
    subject: Mapping[str, JSON],
    staff_id: int,
    now: datetime,
) -> Output:
    """Ask for a file and return its row, in state ``queued``; a worker begins when the transaction commits.

    :param layout: code of a layout; one that the worker does not know fails the output.
    :param title: what the register calls it; nothing personal, it is seen by whoever may see the register.
    :param purpose: why the file leaves, as staff wrote it.
    :param subject: ids and codes that say what it is made of, such as ``{"extraction": 7}``.
    :raises OutputRefusedError: ``purpose`` or ``title`` is empty or holds a personal number (M12, M16).
    :raises ValueError: the subject holds something else than ids and codes: a mistake of the caller.
    """
    for rule, text in (("title", title), ("purpose", purpose)):
        if not text.strip() or contains_personal_number(text):
            raise OutputRefusedError(rule)
    for value in subject.values():
        if isinstance(value, str) and not _CODE.fullmatch(value):
            raise ValueError("the subject of an output holds ids and codes only")
    output = Output(
        layout=layout,
        title=title.strip(),
        purpose=purpose.strip(),
        subject=dict(subject),
        requested_by=staff_id,
        requested_at=now,
        state=OutputState.QUEUED,
        done=0,
        attempts=0,
        cancel_requested=False,
    )
    session.add(output)
    session.flush()
    audit.record(
        Action.OUTPUT_REQUESTED,
        subject=f"output:{output.id}",
        purpose=output.purpose,
        detail={"layout": layout, **subject},
    )
    wake_worker(session, now)
    return output


def approve(
    session: Session,
    audit: AuditTrail,
    folder: Path,
    *,
    output_id: int,
    sha256: str,
    staff_id: int,
    now: datetime,
) -> None:
    """Approve exactly the archive with the digest ``sha256``, which must be the one on the disk (M19).

    :param sha256: the digest that the approver was shown.
    :raises OutputRefusedError: ``gone`` (decided, expired, never made), ``own`` (nobody approves their own),
        ``stale`` (another file than the one shown).
    :raises FileChangedError: the file on the disk is not the one that was made; it is audited.
    """
    output = _awaiting(session, output_id, staff_id, now)
    if output.archive_sha256 is None or sha256 != output.archive_sha256:
        raise OutputRefusedError("stale")
    try:
        check_unchanged(folder, output.id, output.archive_sha256)
    except FileChangedError:
        audit.record_apart(
            Action.OUTPUT_APPROVED,
            subject=f"output:{output.id}",
            outcome=Outcome.REFUSED,
            detail={"problem": "changed", "sha256": output.archive_sha256},
        )
        raise
    output.state = OutputState.READY
    output.approved_sha256 = output.archive_sha256
    output.decided_by, output.decided_at = staff_id, now
    session.flush()
    audit.record(
        Action.OUTPUT_APPROVED,
        subject=f"output:{output.id}",
        purpose=output.purpose,
        detail={"sha256": output.archive_sha256, "people": output.people},
    )


def refuse(
    session: Session,
    audit: AuditTrail,
    folder: Path,
    *,
    output_id: int,
    reason: str,
    staff_id: int,
    now: datetime,
) -> None:
    """Refuse a file with a reason; it is wiped at once, and letters in it were never printed.

    :raises OutputRefusedError: ``gone``, ``own``, ``reason`` (none was given).
    """
    output = _awaiting(session, output_id, staff_id, now)
    if not reason.strip() or contains_personal_number(reason):
        raise OutputRefusedError("reason")
    wipe(folder, output.id)
    output.state = OutputState.REFUSED
    output.decided_by, output.decided_at, output.decision_reason = staff_id, now, reason.strip()
    _mark_wiped(output, WipeReason.REFUSED, now)
    session.flush()
    withdraw_unprinted(session, audit, output_id=output.id, why=Unprinted.REFUSED, staff_id=staff_id, now=now)
    audit.record(
        Action.OUTPUT_REFUSED, subject=f"output:{output.id}", purpose=output.purpose, detail={"wiped": True}
    )


def cancel(session: Session, audit: AuditTrail, *, output_id: int, staff_id: int, now: datetime) -> None:
    """Call off a file that is not made yet; a worker that is at it stops within a second.

    :raises OutputRefusedError: ``gone`` (made already, or over), ``other`` (somebody else's).
    """
    output = locked(session, output_id)
    _only_own(output, staff_id)
    if output.state not in UNDER_WAY:
        raise OutputRefusedError("gone")
    output.cancel_requested = True
    if output.state is OutputState.QUEUED:
        output.state = OutputState.CANCELLED
        _mark_wiped(output, WipeReason.CANCELLED, now)
    session.flush()
    audit.record(Action.OUTPUT_CANCELLED, subject=f"output:{output.id}")


def try_again(session: Session, audit: AuditTrail, *, output_id: int, staff_id: int, now: datetime) -> None:
    """Queue an output that failed once more.

    :raises OutputRefusedError: ``gone`` (it did not fail), ``other``.
    """
    output = locked(session, output_id)
    _only_own(output, staff_id)
    if output.state is not OutputState.FAILED:
        raise OutputRefusedError("gone")
    output.state = OutputState.QUEUED
    output.problem = output.problem_detail = output.total = None
    output.done = output.attempts = 0
    output.cancel_requested = False
    output.wiped_at = output.wipe_reason = None
    session.flush()
    audit.record(Action.OUTPUT_REQUESTED, subject=f"output:{output.id}", detail={"act": "tried again"})
    wake_worker(session, now)


def wipe_now(
    session: Session, audit: AuditTrail, folder: Path, *, output_id: int, staff_id: int, now: datetime
) -> None:
    """Wipe a file before its term, as its requester may at any time (M17).

    Letters of a file that nobody took were never printed.

    :raises OutputRefusedError: ``gone``, ``other``.
    """
    output = locked(session, output_id)
    _only_own(output, staff_id)
    if output.state not in KEPT:
        raise OutputRefusedError("gone")
    wipe(folder, output.id)
    output.state = OutputState.WIPED
    _mark_wiped(output, WipeReason.BY_HAND, now)
    session.flush()
    if not was_taken(session, output.id):
        withdraw_unprinted(
            session, audit, output_id=output.id, why=Unprinted.NOT_TAKEN, staff_id=staff_id, now=now
        )
    audit.record(Action.OUTPUT_WIPED, subject=f"output:{output.id}", detail={"reason": WipeReason.BY_HAND})


def locked(session: Session, output_id: int) -> Output:
    """Return the row, which nobody else changes until the transaction ends; ``gone`` when there is none."""
    output = session.get(Output, output_id, with_for_update=True, populate_existing=True)
    if output is None:
        raise OutputRefusedError("gone")
    return output


def was_taken(session: Session, output_id: int) -> bool:
    """Tell whether a file was ever handed over."""
    taken = select(OutputDownload.id).where(OutputDownload.output_id == output_id).limit(1)
    return session.scalar(taken) is not None


def _awaiting(session: Session, output_id: int, staff_id: int, now: datetime) -> Output:
    output = locked(session, output_id)
    if output.requested_by == staff_id:
        raise OutputRefusedError("own")
    over = output.expires_at is not None and output.expires_at <= now
    if output.state is not OutputState.AWAITING_APPROVAL or over:
        raise OutputRefusedError("gone")
    return output


def _only_own(output: Output, staff_id: int) -> None:
    if output.requested_by != staff_id:
        raise OutputRefusedError("other")


def _mark_wiped(output: Output, reason: WipeReason, now: datetime) -> None:
    output.sealed_password = None
    output.wiped_at, output.wipe_reason = now, reason.value
