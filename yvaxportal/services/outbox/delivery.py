"""Delivering: one message at a time, its call outside of any transaction, its effect once.

A message is claimed, the call is made, and what follows is done in the transaction that ends the message.
After a crash in between, the same call is made again under the same key, and the other side answers as it
did.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, exists, select
from sqlalchemy.orm import Session, aliased

from yvaxportal.adapters.errors import AdapterError, NotFound, Refused, Unauthorised, Unavailable
from yvaxportal.adapters.loading import Adapters
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.codes import OutboxState
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.services.outbox.deeds import DEEDS, DeedRefusedError, Setting
from yvaxportal.services.outbox.queue import claim, post, withdraw

#: The wait after the first failure; it doubles up to the longest.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
_MOST_DOUBLINGS = 6
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Delivered:
    """How one message stands after it was tried. ``resident_id`` is whom it led to."""

    state: OutboxState
    resident_id: int | None = None
    problem: str = ""


@dataclass(frozen=True)
class Outbox:
    """What delivering needs; made once for a process."""

    engine: Engine
    adapters: Adapters
    clock: Callable[[], datetime]

    def run(self) -> Counter[str]:
        """Try every message whose time has come; return how many ended how, by the state they have now."""
        counts: Counter[str] = Counter()
        silent = set[str]()
        for message_id, system in self._due():
            # A system that just did not answer is not asked for each of its messages.
            if system in silent:
                continue
            delivered = self.deliver(message_id, CallContext.batch())
            counts[delivered.state.value] += 1
            if delivered.state is OutboxState.WAITING:
                silent.add(system)
        return counts

    def ask(
        self, actor: Actor, system: str, deed: str, payload: Mapping[str, Any], context: CallContext
    ) -> tuple[int, Delivered]:
        """Post a message in a transaction of its own and try it at once; return its id and how it stands.

        What cannot be done now is done by the worker later: nothing is lost when the other side is silent.
        """
        with self._transaction() as session:
            message_id = post(session, actor, system, deed, payload=payload, now=self.clock())
            audit = AuditTrail(session, self.engine, actor)
            audit.record(Action.OUTBOX_POSTED, subject=f"outbox:{message_id}", detail={"deed": deed})
        return message_id, self.deliver(message_id, context)

    def take_back(self, actor: Actor, message_id: int) -> None:
        """Withdraw a message in a transaction of its own."""
        with self._transaction() as session:
            if withdraw(session, message_id, now=self.clock()) is not None:
                audit = AuditTrail(session, self.engine, actor)
                audit.record(Action.OUTBOX_WITHDRAWN, subject=f"outbox:{message_id}")

    def deliver(self, message_id: int, context: CallContext) -> Delivered:
        """Try one message now, within the context's time limit. Errors of the other side are noted."""
        with self._transaction() as session:
            if not claim(session, message_id, until=self.clock() + context.time_limit + FIRST_WAIT):
                return self._standing(session, message_id)
            message = session.get_one(OutboxMessage, message_id)
            deed, key, attempts = DEEDS[message.deed], message.idempotency_key, message.attempts
            try:
                prepared = deed.prepare(session, message)
            except DeedRefusedError as error:
                return self._end(session, message, OutboxState.REFUSED, error.code)
        try:
            answer = deed.call(self.adapters, prepared, key, context)
        except AdapterError as error:
            with self._transaction() as session:
                return self._failed(session, message_id, attempts, error)
        with self._transaction() as session:
            message = session.get_one(OutboxMessage, message_id, with_for_update=True)
            if message.state is not OutboxState.WAITING:
                return self._standing(session, message_id)
            setting = Setting(session, self._audit(session, message), self.clock())
            try:
                with session.begin_nested():
                    settled = deed.settle(setting, message, answer)
            except DeedRefusedError as error:
                return self._end(session, message, OutboxState.REFUSED, error.code)
            message.payload, message.resident_id = None, settled.resident_id
            return self._end(session, message, OutboxState.DONE, settled.note)

    def _due(self) -> list[tuple[int, str]]:
        """Return what may be tried: of one person the earlier first, and the later only after it."""
        earlier = aliased(OutboxMessage)
        before = exists().where(
            earlier.resident_id == OutboxMessage.resident_id,
            earlier.state == OutboxState.WAITING,
            earlier.id < OutboxMessage.id,
        )
        with Session(self.engine) as session:
            rows = session.execute(
                select(OutboxMessage.id, OutboxMessage.system)
                .where(
                    OutboxMessage.state == OutboxState.WAITING,
                    OutboxMessage.next_attempt_at <= self.clock(),
                    ~before,
                )
                .order_by(OutboxMessage.id)
                .limit(_AT_ONCE)
            )
            return [(row.id, row.system) for row in rows]

    def _failed(self, session: Session, message_id: int, attempts: int, error: AdapterError) -> Delivered:
        message = session.get_one(OutboxMessage, message_id, with_for_update=True)
        if message.state is not OutboxState.WAITING:
            return self._standing(session, message_id)
        said_no = isinstance(error, Refused) and not isinstance(error, Unauthorised)
        if said_no or isinstance(error, NotFound):
            code = error.code if isinstance(error, Refused) else "not_found"
            return self._end(session, message, OutboxState.REFUSED, code)
        told = error.retry_after if isinstance(error, Unavailable) else None
        wait = min(FIRST_WAIT * 2 ** min(attempts - 1, _MOST_DOUBLINGS), LONGEST_WAIT)
        message.next_attempt_at = self.clock() + max(told or wait, wait)
        message.problem = f"{type(error).__name__}: {error.problem}"
        return Delivered(OutboxState.WAITING, message.resident_id, message.problem)

    def _end(self, session: Session, message: OutboxMessage, state: OutboxState, problem: str) -> Delivered:
        message.state, message.problem, message.ended_at = state, problem, self.clock()
        session.flush()
        return Delivered(state, message.resident_id, problem)

    def _standing(self, session: Session, message_id: int) -> Delivered:
        message = session.get_one(OutboxMessage, message_id, populate_existing=True)
        return Delivered(message.state, message.resident_id, message.problem)

    def _audit(self, session: Session, message: OutboxMessage) -> AuditTrail:
        asked = message.actor
        actor = Actor(asked["login"], tuple(asked["groups"]), asked["address"])
        return AuditTrail(session, self.engine, actor)

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with Session(self.engine) as session, session.begin():
            yield session
