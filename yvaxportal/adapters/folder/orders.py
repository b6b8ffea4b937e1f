"""The client that every ``files`` implementation calls through whose system is asked, not only read.

Each call is an order file in ``out`` and an answer file in ``in`` (docs/protocols/folder.md, 12). It has the
methods of ``RestClient``, so that what turns JSON into messages is the same for both.
"""

import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from yvaxportal.adapters.errors import (
    AdapterError,
    BadAnswer,
    BadAnswerReason,
    NotOffered,
    Refused,
    TimedOut,
    Unavailable,
)
from yvaxportal.adapters.folder import orders_store as orders
from yvaxportal.adapters.folder.columns import Kind
from yvaxportal.adapters.folder.faults import CHARACTERS, LENGTH, REQUIRED, FileFaultError
from yvaxportal.adapters.folder.orders_layout import Exchange
from yvaxportal.adapters.folder.orders_receiving import Collector, bad_answer
from yvaxportal.adapters.folder.orders_store import Order, OrderState
from yvaxportal.adapters.folder.orders_text import AnswerFile, LeftOverError, OrderHead, write_order
from yvaxportal.adapters.folder.receiving import locked
from yvaxportal.adapters.folder.writing import CannotWriteError, WritingProblem, whole_file
from yvaxportal.adapters.http.answers import refusal_by_code
from yvaxportal.adapters.http.deadline import Deadline, DeadlinePassed
from yvaxportal.adapters.http.observing import BreakerState, Observer
from yvaxportal.adapters.http.openapi import Operation
from yvaxportal.adapters.http.validation import validate
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext, HealthState
from yvaxportal.adapters.wire import Query
from yvaxportal.values.personal_number import PersonalNumber

#: What keys are known for; the protocols ask for 30 days at least.
KEPT = timedelta(days=60)
#: A look-up whose caller is gone is given up after so long.
_ABANDONED = timedelta(hours=1)
Counted = Callable[[Mapping[str, Any]], Mapping[str, Any]]
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_FIRST_PAUSE, _LONGER = 0.005, 1.5
_SENDING_PAUSE = 0.003
#: Owner and group read; nobody else, since an order is about somebody.
_MODE = 0o640
_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")
_PROBLEMS = {"encoding": CHARACTERS, "too wide": LENGTH}


class OrderClient:
    """One system's orders and answers, shared by all threads and processes. See ``adapters.wire.Client``.

    :param number_index: keyed index of a personal number, to tell apart what a key was used for.
    :param counted: gives what of an order is its content, where the same is written differently each time.
    :param longest_pause: seconds between two looks for an answer, at most.
    """

    def __init__(
        self,
        collector: Collector,
        *,
        number_index: Callable[[PersonalNumber], bytes] | None,
        counted: Counted | None = None,
        longest_pause: float,
        stale_after: timedelta,
    ) -> None:
        self.collector = collector
        self.system = collector.system
        self.store, self.layouts, self.folders = collector.store, collector.layouts, collector.folders
        self.clock = collector.clock
        self.observer = Observer(self.clock, lambda: BreakerState.CLOSED)
        self._number_index, self._counted = number_index, counted
        self._longest_pause, self._stale_after = longest_pause, stale_after

    def call(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Return the answer as valid JSON; None where the protocol has none.

        An order with a key that is not answered within ``context.time_limit`` stays; the same call takes it
        up.
        """
        with self._observed():
            order = self._answered(operation, context, _values(path, query, body), idempotency_key)
            return None if order.answer is None else json.loads(order.answer)

    def pages(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
    ) -> Iterator[Any]:
        """Yield the one page that an answer by file has."""
        yield self.call(operation, context, path=path, query=query)

    def stream(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: Any = None,
    ) -> "AnswerStream":
        """Return the records of a long answer; memory does not grow with their number."""
        with self._observed():
            order = self._answered(operation, context, _values(path, query, body), None)
            held = self._held(order)
            begin = {} if order.answer is None else json.loads(order.answer)
            return AnswerStream(self, self._operation(operation), order, held, begin)

    def check_item(self, operation: str, record: Any) -> None:
        """Check one record of a list whose records are checked one by one.

        :raises BadAnswer: it is not as the protocol has it; the place is within the record.
        """
        item = self._operation(operation).item
        if item is not None:
            validate(self.system, item, record)

    def keep_evidence(self, error: BadAnswer) -> None:
        """Do nothing: the answer file itself is kept in ``done`` or ``quarantine``."""

    def close(self) -> None:
        """Do nothing: nothing stays open between calls."""

    def _operation(self, name: str) -> Operation:
        return self.collector.protocol.operation(name)

    @contextmanager
    def _observed(self) -> Iterator[None]:
        began = time.monotonic()
        try:
            with self._own_errors():
                yield
        except NotOffered:
            # Nobody was asked: it says nothing of the other side.
            raise
        except AdapterError as error:
            self.observer.called(time.monotonic() - began, error)
            raise
        self.observer.called(time.monotonic() - began, None)

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        try:
            yield
        except DeadlinePassed:
            raise TimedOut(self.system, "no answer within the time limit") from None
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(self.system, f"the folder cannot be used ({type(error).__name__})") from None

    def _answered(
        self, operation: str, context: CallContext, values: Mapping[str, Any], key: str | None
    ) -> Order:
        """Order what is not ordered yet, and return the order with its answer."""
        deadline = Deadline(context.time_limit)
        if operation not in self.layouts.operations:
            raise NotOffered(self.system, operation)
        if key is not None and not _KEY.fullmatch(key):
            raise Refused(self.system, CHARACTERS, "idempotency_key")
        with self.store.open() as connection:
            order = self._entered(connection, operation, context, values, key)
            try:
                if order.state is OrderState.NEW:
                    self._send(connection, order, context, values, deadline)
                order = self._waited(connection, order.number, deadline)
            except (DeadlinePassed, BadAnswer):
                late = self._given_up(connection, order)
                if late is None:
                    raise
                order = late
            if order.key is None and not self._operation(operation).streams:
                orders.fetched(connection, order.number)
        if order.code:
            raise refusal_by_code(self.system, self._operation(operation), order.code)
        return order

    def _entered(
        self,
        connection: sqlite3.Connection,
        operation: str,
        context: CallContext,
        values: Mapping[str, Any],
        key: str | None,
    ) -> Order:
        content = self._content(self.layouts.operations[operation], operation, values)
        known = None if key is None else orders.find_by_key(connection, key)
        if known is None:
            number = order_number(operation, key or str(uuid4()))
            now = self.clock()
            term = KEPT if key is not None else context.time_limit + _ABANDONED
            order = Order(
                number,
                operation,
                key,
                content,
                self.layouts.name_of_order(self.collector.municipality_code, number),
                now.isoformat(),
                (now + term).isoformat(),
                OrderState.NEW,
            )
            # What cannot be written is found before anything is entered.
            self._written(order, context, values)
            orders.enter(connection, order)
            known = order if key is None else orders.find_by_key(connection, key)
        if known is None or known.content != content:
            raise Refused(self.system, "key_reused")
        return known

    def _content(self, exchange: Exchange, operation: str, values: Mapping[str, Any]) -> bytes:
        """Return a digest of what is asked; of a personal number it has the vault's keyed index at most."""
        secret = {
            item.at[-1]
            for part in (exchange.order.own, *exchange.order.parts)
            for item in part.items
            if item.column.kind is Kind.PERSONAL_NUMBER
        }

        def plain(value: Any) -> Any:
            if isinstance(value, Mapping):
                return {
                    name: self._index(inner) if name in secret and inner is not None else plain(inner)
                    for name, inner in value.items()
                }
            return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value

        counted = values if self._counted is None else self._counted(values)
        written = json.dumps([operation, plain(counted)], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(written.encode("utf-8", "surrogatepass")).digest()

    def _index(self, number: str) -> str:
        if self._number_index is None:
            return "personal number"
        return self._number_index(PersonalNumber(number)).hex()

    def _written(self, order: Order, context: CallContext, values: Mapping[str, Any]) -> bytes:
        head = OrderHead(
            self.collector.municipality_code,
            order.number,
            order.operation,
            context.operator_id,
            datetime.fromisoformat(order.ordered_at),
        )
        try:
            return write_order(self.layouts, head, values)
        except CannotWriteError as error:
            raise self._refused(error.problems[0]) from None
        except LeftOverError as error:
            raise NotOffered(self.system, f"{order.operation} with {error}") from None

    def _refused(self, problem: WritingProblem) -> Refused:
        code = _PROBLEMS.get(problem.problem, problem.problem)
        return Refused(self.system, code if code in {REQUIRED, LENGTH} else CHARACTERS, problem.column)

    def _send(
        self,
        connection: sqlite3.Connection,
        order: Order,
        context: CallContext,
        values: Mapping[str, Any],
        deadline: Deadline,
    ) -> None:
        """Write the file of an order, unless it was written before."""
        path = self.folders.outbox / order.name
        while True:
            with locked(self.store.folder / "sending") as alone:
                if alone:
                    present = orders.find(connection, order.number)
                    if present is None or present.state is not OrderState.NEW:
                        return
                    # It lies there when a process ended between writing and noting it.
                    if not path.exists():
                        with whole_file(path, _MODE) as file:
                            file.write(self._written(order, context, values))
                    orders.put_out(connection, order.number)
                    return
            time.sleep(min(_SENDING_PAUSE, deadline.left()))

    def _waited(self, connection: sqlite3.Connection, number: str, deadline: Deadline) -> Order:
        """Return the order once it is answered.

        :raises BadAnswer: what came last is refused; a better answer may still come.
        :raises DeadlinePassed: nothing came.
        """
        pause = _FIRST_PAUSE
        while True:
            order = orders.find(connection, number)
            if order is None or order.state is OrderState.WITHDRAWN:
                raise DeadlinePassed
            if order.state is OrderState.ANSWERED:
                return order
            self.collector.collect()
            order = orders.find(connection, number)
            if order is not None and order.state is OrderState.ANSWERED:
                return order
            if order is not None and order.reason is not None:
                raise bad_answer(self.system, order)
            time.sleep(min(pause, deadline.left()))
            pause = min(pause * _LONGER, self._longest_pause)

    def _given_up(self, connection: sqlite3.Connection, order: Order) -> Order | None:
        """Give a look-up up, since nobody will ask for it again; return it when it is answered after all."""
        if order.key is not None:
            return None
        if orders.withdraw(connection, order.number):
            self.collector.take_back(order)
            return None
        found = orders.find(connection, order.number)
        return found if found is not None and found.state is OrderState.ANSWERED else None

    def _held(self, order: Order) -> Path:
        # The file goes from the one to the other place, once.
        for path in (self.folders.work / (order.answer_name or ""), self.folders.held / order.number):
            if path.is_file():
                return path
        raise Unavailable(self.system, "the answer is gone")

    def health(self) -> AdapterHealth:
        """Return what waits for how long, and what came last; looks into the store only."""
        try:
            with self.store.open() as connection:
                waiting = orders.waiting(connection)
            kept = sum(1 for path in self.folders.quarantine.iterdir() if not path.name.endswith(".ack"))
        except (OSError, sqlite3.Error) as error:
            problem = f"the folder cannot be used ({type(error).__name__})"
            return AdapterHealth(HealthState.DOWN, last_error_at=self.clock(), last_error=problem)
        own = self.observer.observations().health()
        age = timedelta() if waiting.oldest is None else self.clock() - waiting.oldest
        figures = {
            **own.figures,
            "orders_waiting": float(waiting.count),
            "oldest_order_seconds": age.total_seconds(),
            "answers_quarantined": float(kept),
        }
        success = max((one for one in (own.last_success_at, waiting.answered_at) if one), default=None)
        error_at, text = own.last_error_at, own.last_error
        if waiting.bad_at is not None and (error_at is None or waiting.bad_at > error_at):
            error_at, text = waiting.bad_at, f"BadAnswer: {waiting.bad}"
        return AdapterHealth(
            _state(success, error_at, stale=age > self._stale_after), success, error_at, text, figures
        )


class AnswerStream:
    """The records of a long answer, as ``adapters.wire.Stream``; its file is gone when it is closed."""

    def __init__(
        self, client: OrderClient, operation: Operation, order: Order, path: Path, begin: Mapping[str, Any]
    ) -> None:
        self.begin: Any = begin
        self.position = 0
        self._client, self._operation, self._order, self._path = client, operation, order, path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Yield the records; they were all looked at when the answer was taken."""
        try:
            yield from self._records()
        finally:
            self.close()

    def _records(self) -> Iterator[Any]:
        client = self._client
        reading: AnswerFile = client.collector.reading(self._path, self._order)
        try:
            reading.head()
            for _, record in reading.elements():
                self.position += 1
                yield record
        except FileFaultError as fault:
            raise BadAnswer(client.system, BadAnswerReason.INCOMPLETE, f"line {fault.line}") from None
        except OSError:
            raise Unavailable(client.system, "the answer is gone") from None

    def close(self) -> None:
        """Let the file go."""
        for path in (self._client.folders.held / self._order.number, self._path):
            if path.parent == self._client.folders.held:
                path.unlink(missing_ok=True)


def order_number(operation: str, key: str) -> str:
    """Return the number of an order: the same for the same operation and key. It has letters only."""
    return hashlib.sha256(f"{operation}\0{key}".encode()).hexdigest()[:32].translate(_LETTERS)


def _values(path: Mapping[str, str] | None, query: Query | None, body: Any) -> dict[str, Any]:
    """Return everything that is asked with as one set: where it stands in a request is of no matter here."""
    return {**(body or {}), **(query or {}), **(path or {})}


def _state(success: datetime | None, error: datetime | None, *, stale: bool) -> HealthState:
    if stale or (error is not None and (success is None or success < error)):
        return HealthState.DEGRADED
    return HealthState.UNKNOWN if success is None else HealthState.UP
