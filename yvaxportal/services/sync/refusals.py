"""What was not taken over, kept for a person to look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from yvaxportal.adapters.errors import BadAnswer
from yvaxportal.adapters.messages.resident_register import Unusable
from yvaxportal.models.sync import SyncRefusal
from yvaxportal.services.sync.judging import Reason, is_usable_number

SHOWN = 200


def keep(
    session: Session,
    system: str,
    *,
    reference: str,
    kind: str,
    atena_number: str | None,
    reason: str,
    payload: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    """Keep one refusal; the same one again is counted, and open again if it was settled.

    :param payload: without the personal number (``judging.payload_of``).
    """
    statement = insert(SyncRefusal).values(
        system=system,
        reference=reference,
        kind=kind,
        atena_number=atena_number,
        reason=reason,
        payload=dict(payload) if payload is not None else None,
        times=1,
        first_at=now,
        last_at=now,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["system", "reference", "reason"],
            set_={
                "times": SyncRefusal.times + 1,
                "last_at": now,
                "payload": statement.excluded.payload,
                "settled_at": None,
                "settled_by": None,
            },
        )
    )


def keep_bad_answer(
    session: Session, system: str, error: BadAnswer, *, about: str, atena_number: str | None, now: datetime
) -> None:
    """Keep that an answer could not be used: what is wrong and where, never what it said.

    :param about: of the reference: what was asked, such as ``person/1000000019``.
    :param atena_number: about whom it was asked; None when not about one person.
    """
    keep(
        session,
        system,
        reference=f"{about}/{error.reason.value}",
        kind="answer",
        atena_number=atena_number,
        reason=Reason.BAD_ANSWER.value,
        payload={"reason": error.reason.value, "where": error.where},
        now=now,
    )


def keep_unusable(
    session: Session, system: str, unusable: Sequence[Unusable], *, kind: str, begins: str, now: datetime
) -> None:
    """Keep what came and could not be read, each once.

    :param begins: of the reference of those whose own id was not legible, such as the snapshot's.
    """
    for place, record in enumerate(unusable):
        named = record.record_id or f"{begins}/{record.atena_number or place}"
        keep(
            session,
            system,
            reference=named,
            kind=kind,
            atena_number=record.atena_number if is_usable_number(record.atena_number or "") else None,
            reason=Reason.UNREADABLE.value,
            payload={"where": record.where},
            now=now,
        )


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """One open refusal as the page shows it."""

    id: int
    system: str
    kind: str
    atena_number: str | None
    reason: str
    times: int
    first_at: datetime
    last_at: datetime


def open_refusals(session: Session, *, limit: int = SHOWN) -> list[RefusalRow]:
    """Return what waits for a person, the newest first."""
    columns = [getattr(SyncRefusal, name) for name in RefusalRow.__dataclass_fields__]
    rows = session.execute(
        select(*columns)
        .where(SyncRefusal.settled_at.is_(None))
        .order_by(SyncRefusal.last_at.desc(), SyncRefusal.id.desc())
        .limit(limit)
    )
    return [RefusalRow(*row) for row in rows]


def count_open(session: Session) -> int:
    """Return how many refusals wait for a person."""
    return (
        session.scalar(select(func.count()).select_from(SyncRefusal).where(SyncRefusal.settled_at.is_(None)))
        or 0
    )


def settle(session: Session, refusal_id: int, *, staff_id: int, now: datetime) -> bool:
    """Mark a refusal as dealt with; False when it was, or never was."""
    done = session.execute(
        update(SyncRefusal)
        .where(SyncRefusal.id == refusal_id, SyncRefusal.settled_at.is_(None))
        .values(settled_at=now, settled_by=staff_id)
        .returning(SyncRefusal.id)
    )
    return done.one_or_none() is not None
