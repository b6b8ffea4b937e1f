"""What becomes of a run afterwards: letters are released, sent, spoiled, or never printed."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import LetterRunState, LetterState, TicketState
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.ticket import Ticket
from yvaxportal.services.letters.reasons import Held, Spoiled, Unprinted
from yvaxportal.values.text import contains_personal_number

_LETTER = Letter.__table__.c
_NO_SYNC = {"synchronize_session": False}


class SettleRefusedError(Exception):
    """The deed is not possible. ``rule`` names why: a key of ``views.letters.words.RULES``."""

    def __init__(self, rule: str, **facts: int) -> None:
        super().__init__(f"letters: {rule}")
        self.rule, self.facts = rule, facts


def release(
    session: Session,
    audit: AuditTrail,
    *,
    run_id: int,
    resident_id: int,
    reason: str,
    staff_id: int,
    now: datetime,
) -> None:
    """Let the held letter of somebody under a support measure be printed by a supplement run.

    :raises SettleRefusedError: ``own`` (whoever asked for the run), ``reason``, ``not_held``.
    """
    run = _made(session, run_id)
    if run.requested_by == staff_id:
        raise SettleRefusedError("own")
    _check_reason(reason)
    letter = session.get(Letter, (run_id, resident_id), with_for_update=True, populate_existing=True)
    waits = (
        letter is not None
        and letter.state is LetterState.HELD
        and letter.reason == Held.SUPPORT_MEASURE
        and letter.released_at is None
    )
    if letter is None or not waits:
        raise SettleRefusedError("not_held")
    letter.released_by, letter.released_at = staff_id, now
    session.flush()
    audit.record(
        Action.LETTER_RELEASED,
        resident_id=resident_id,
        subject=f"letters:{run_id}",
        detail={"reason": reason.strip()},
    )


def mark_sent(
    session: Session, audit: AuditTrail, *, run_id: int, first: int, last: int, staff_id: int, now: datetime
) -> int:
    """Say that the letters ``first`` to ``last`` of the pile were posted; return how many that are.

    Spoiled ones in between stay spoiled.

    :raises SettleRefusedError: ``range`` (outside the pile), ``nothing`` (none of them was still open).
    """
    run = _made(session, run_id)
    _check_range(session, run_id, first, last)
    count = len(
        session.scalars(
            update(Letter)
            .where(
                _LETTER.run_id == run_id,
                _LETTER.sequence.between(first, last),
                _LETTER.state == LetterState.PRINTED,
            )
            .values(state=LetterState.SENT, settled_by=staff_id, settled_at=now)
            .returning(_LETTER.sequence),
            execution_options=_NO_SYNC,
        ).all()
    )
    if not count:
        raise SettleRefusedError("nothing")
    _close(session, run)
    audit.record(
        Action.LETTERS_SETTLED,
        subject=f"letters:{run_id}",
        detail={"act": "sent", "first": first, "last": last, "letters": count},
    )
    return count


def mark_spoiled(
    session: Session,
    audit: AuditTrail,
    *,
    run_id: int,
    first: int,
    last: int,
    reason: Spoiled,
    detail: str,
    staff_id: int,
    now: datetime,
) -> int:
    """Say that letters of the pile will not be sent, and why; return how many.

    Only a letter that is withdrawn for good takes its ticket with it; the others are printed again, with the
    same ticket, by a supplement run.

    :raises SettleRefusedError: as ``mark_sent``; ``reason`` where "other" is not explained.
    """
    run = _made(session, run_id)
    if reason is Spoiled.OTHER:
        _check_reason(detail)
    elif contains_personal_number(detail):
        raise SettleRefusedError("reason")
    _check_range(session, run_id, first, last)
    tickets = session.execute(
        update(Letter)
        .where(
            _LETTER.run_id == run_id,
            _LETTER.sequence.between(first, last),
            _LETTER.state == LetterState.PRINTED,
        )
        .values(
            state=LetterState.SPOILED,
            reason=reason.value,
            detail=detail.strip() or None,
            settled_by=staff_id,
            settled_at=now,
        )
        .returning(_LETTER.sequence, _LETTER.ticket_id),
        execution_options=_NO_SYNC,
    ).all()
    if not tickets:
        raise SettleRefusedError("nothing")
    if reason is Spoiled.WITHDRAWN:
        for_good = [ticket_id for _number, ticket_id in tickets if ticket_id is not None]
        _void(session, for_good, reason, staff_id, now)
    _close(session, run)
    audit.record(
        Action.LETTERS_SETTLED,
        subject=f"letters:{run_id}",
        detail={
            "act": "spoiled",
            "first": first,
            "last": last,
            "letters": len(tickets),
            "reason": reason,
            "words": detail.strip(),
        },
    )
    return len(tickets)


def withdraw_unprinted(
    session: Session,
    audit: AuditTrail,
    *,
    output_id: int,
    why: Unprinted,
    staff_id: int | None,
    now: datetime,
) -> None:
    """Take out every open letter of a file that is wiped and that nobody ever took.

    Nothing of it was printed: the tickets that its run issued are void, and their people can be printed for
    anew. A ticket that was issued before (a reissue, or spoiled paper printed again) stands as it stood. Of a
    file that holds no letters nothing is done.

    :param staff_id: who refused or wiped the file; None when its term ended.
    """
    run = session.scalar(
        select(LetterRun)
        .where(LetterRun.output_id == output_id, LetterRun.state == LetterRunState.MADE)
        .with_for_update()
    )
    if run is None:
        return
    tickets = session.scalars(
        update(Letter)
        .where(_LETTER.run_id == run.id, _LETTER.state == LetterState.PRINTED)
        .values(state=LetterState.SPOILED, reason=why.value, settled_by=staff_id, settled_at=now)
        .returning(_LETTER.ticket_id),
        execution_options=_NO_SYNC,
    ).all()
    issued = _issued_by(session, run, [ticket_id for ticket_id in tickets if ticket_id is not None])
    _void(session, issued, why, staff_id, now)
    run.state = LetterRunState.CANCELLED
    session.flush()
    audit.record(
        Action.LETTERS_SETTLED,
        subject=f"letters:{run.id}",
        detail={"act": "unprinted", "reason": why, "letters": len(tickets), "tickets": len(issued)},
    )


def _issued_by(session: Session, run: LetterRun, ticket_ids: list[int]) -> list[int]:
    """Return those of the tickets on a run's letters that it issued itself."""
    if "ticket" in run.options:
        return []
    of_others = session.scalars(
        select(_LETTER.ticket_id).where(_LETTER.ticket_id == func.any(ticket_ids), _LETTER.run_id != run.id)
    )
    return sorted(set(ticket_ids) - set(of_others))


def _void(
    session: Session, ticket_ids: list[int], why: Spoiled | Unprinted, staff_id: int | None, now: datetime
) -> None:
    session.execute(
        update(Ticket)
        .where(Ticket.id == func.any(ticket_ids), Ticket.state == TicketState.ISSUED)
        .values(state=TicketState.VOID, void_reason=why.value, voided_by=staff_id, voided_at=now),
        execution_options=_NO_SYNC,
    )


def _made(session: Session, run_id: int) -> LetterRun:
    """Return a run that is made, locked."""
    run = session.get(LetterRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.state not in {LetterRunState.MADE, LetterRunState.SENT}:
        raise SettleRefusedError("not_made")
    return run


def _check_reason(reason: str) -> None:
    if not reason.strip() or contains_personal_number(reason):
        raise SettleRefusedError("reason")


def _check_range(session: Session, run_id: int, first: int, last: int) -> None:
    greatest = session.scalar(select(func.max(_LETTER.sequence)).where(_LETTER.run_id == run_id)) or 0
    if not 1 <= first <= last <= greatest:
        raise SettleRefusedError("range", greatest=greatest)


def _close(session: Session, run: LetterRun) -> None:
    """Mark the run sent when no letter of the pile is open: printed = sent + spoiled."""
    still_open = session.scalar(
        select(func.count()).where(_LETTER.run_id == run.id, _LETTER.state == LetterState.PRINTED)
    )
    if not still_open:
        run.state = LetterRunState.SENT
    session.flush()
