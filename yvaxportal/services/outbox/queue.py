"""Posting what another system has to be told, and how what was posted stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from yvaxportal.audit.trail import Actor
from yvaxportal.models.codes import OutboxState
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.models.resident import Resident

ATENA = "atena"
#: What a message can be about; ``deeds`` says what each does.
ENTER_PERSON = "enter_person"
KEEP_NAME = "keep_name"
#: Whoever posted may try at once; the worker leaves the message to them for so long.
HEAD_START = timedelta(seconds=30)
#: What ended stays to be seen for so long.
SHOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages of a system wait and since when, and how many were refused."""

    waiting: int = 0
    refused: int = 0
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Untold:
    """A message that another system has not taken, without what it says."""

    id: int
    system: str
    deed: str
    state: OutboxState
    problem: str
    asked_at: datetime
    next_attempt_at: datetime
    attempts: int
    atena_number: str | None


def post(
    session: Session,
    actor: Actor,
    system: str,
    deed: str,
    *,
    now: datetime,
    resident_id: int | None = None,
    payload: Mapping[str, Any] | None = None,
) -> int:
    """Keep a message in the caller's transaction and return its id.

    :param payload: what the deed needs besides the resident; never a personal number.
    """
    message = OutboxMessage(
        system=system,
        deed=deed,
        idempotency_key=f"outbox-{uuid4().hex}",
        resident_id=resident_id,
        payload=dict(payload) if payload is not None else None,
        actor={"login": actor.login, "groups": list(actor.groups), "address": actor.address},
        state=OutboxState.WAITING,
        asked_at=now,
        attempts=0,
        next_attempt_at=now + HEAD_START,
        problem="",
    )
    session.add(message)
    session.flush()
    return message.id


def tell_name(session: Session, actor: Actor, resident_id: int, *, now: datetime) -> None:
    """Keep a message that tells the atena system how a person stands, unless one waits that was not tried.

    The one that waits will tell what stands when it is delivered, so a second one would say the same.
    """
    waiting = select(OutboxMessage.id).where(
        OutboxMessage.resident_id == resident_id,
        OutboxMessage.deed == KEEP_NAME,
        OutboxMessage.state == OutboxState.WAITING,
        OutboxMessage.attempts == 0,
    )
    if session.scalar(waiting.limit(1)) is None:
        post(session, actor, ATENA, KEEP_NAME, resident_id=resident_id, now=now)


def withdraw(session: Session, message_id: int, *, now: datetime) -> OutboxMessage | None:
    """Give up a message that was not taken; None when there is no such message (any more)."""
    message = session.get(OutboxMessage, message_id, with_for_update=True, populate_existing=True)
    if message is None or message.state not in {OutboxState.WAITING, OutboxState.REFUSED}:
        return None
    message.state, message.ended_at = OutboxState.WITHDRAWN, now
    message.payload = None
    session.flush()
    return message


def try_again(session: Session, message_id: int, *, now: datetime) -> OutboxMessage | None:
    """Let the worker try a waiting or refused message at once; None when there is no such message."""
    message = session.get(OutboxMessage, message_id, with_for_update=True, populate_existing=True)
    if message is None or message.state not in {OutboxState.WAITING, OutboxState.REFUSED}:
        return None
    message.state, message.ended_at, message.next_attempt_at = OutboxState.WAITING, None, now
    session.flush()
    return message


def listed(
    session: Session, *, now: datetime, deed: str | None = None, most: int = 200
) -> Sequence[OutboxMessage]:
    """Return what waits or was refused, and what was done lately, the oldest of each first."""
    open_states = (OutboxState.WAITING, OutboxState.REFUSED)
    wanted = select(OutboxMessage).where(
        OutboxMessage.state.in_(open_states)
        | ((OutboxMessage.state == OutboxState.DONE) & (OutboxMessage.ended_at > now - SHOWN))
    )
    if deed is not None:
        wanted = wanted.where(OutboxMessage.deed == deed)
    done_last = OutboxMessage.state == OutboxState.DONE
    return session.scalars(wanted.order_by(done_last, OutboxMessage.id).limit(most)).all()


def untold(session: Session, *, most: int = 100) -> list[Untold]:
    """Return what waits or was refused, of every system, the oldest first."""
    columns = [getattr(OutboxMessage, name) for name in Untold.__dataclass_fields__ if name != "atena_number"]
    rows = session.execute(
        select(*columns, Resident.atena_number)
        .outerjoin(Resident, Resident.id == OutboxMessage.resident_id)
        .where(OutboxMessage.state.in_((OutboxState.WAITING, OutboxState.REFUSED)))
        .order_by(OutboxMessage.id)
        .limit(most)
    )
    return [Untold(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented name


def waits_for(session: Session, resident_id: int) -> bool:
    """Tell whether something about a person has not reached another system yet."""
    found = select(OutboxMessage.id).where(
        OutboxMessage.resident_id == resident_id, OutboxMessage.state == OutboxState.WAITING
    )
    return session.scalar(found.limit(1)) is not None


def count_open(session: Session, deed: str) -> int:
    """Return how many messages of a kind wait or were refused."""
    states = OutboxMessage.state.in_((OutboxState.WAITING, OutboxState.REFUSED))
    return session.scalar(select(func.count()).where(OutboxMessage.deed == deed, states)) or 0


def depths(session: Session) -> dict[str, Depth]:
    """Return how the queue of each system stands; systems with nothing open are left out."""
    waiting = OutboxMessage.state == OutboxState.WAITING
    rows = session.execute(
        select(
            OutboxMessage.system,
            func.count().filter(waiting),
            func.count().filter(OutboxMessage.state == OutboxState.REFUSED),
            func.min(OutboxMessage.asked_at).filter(waiting),
        )
        .where(OutboxMessage.state.in_((OutboxState.WAITING, OutboxState.REFUSED)))
        .group_by(OutboxMessage.system)
    )
    return {row[0]: Depth(row[1], row[2], row[3]) for row in rows}


def claim(session: Session, message_id: int, *, until: datetime) -> bool:
    """Note that a message is being tried: nobody else begins before ``until``."""
    claimed = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.state == OutboxState.WAITING)
        .values(attempts=OutboxMessage.attempts + 1, next_attempt_at=until)
        .returning(OutboxMessage.id)
    )
    return claimed.one_or_none() is not None
