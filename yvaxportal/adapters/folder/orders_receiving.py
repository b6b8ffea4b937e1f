"""The way of an answer through the folders. Every step can be the last one before the power fails.

``in`` (theirs) to ``work`` (claimed, by one process only), then the answer and its digest in one commit, then
the order file goes, the acknowledgement comes, and the answer file goes. Whoever waits for an answer deals
with all that are there: it does not matter who asked. What decides is the store: of an order, one answer is
read.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason
from yvaxportal.adapters.folder import orders_store as orders
from yvaxportal.adapters.folder import papers
from yvaxportal.adapters.folder.faults import (
    ANSWERED_OTHERWISE,
    DUPLICATE,
    NAME,
    NOT_OF_PROTOCOL,
    OTHER_MUNICIPALITY,
    TOO_LARGE,
    UNKNOWN_ORDER,
    UNUSABLE,
    WITHDRAWN,
    Fault,
    FileFaultError,
    reason_of,
)
from yvaxportal.adapters.folder.layouts import Complete
from yvaxportal.adapters.folder.ledger import Entry, Result
from yvaxportal.adapters.folder.orders_layout import OrderLayouts
from yvaxportal.adapters.folder.orders_store import Order, OrderState, OrderStore
from yvaxportal.adapters.folder.orders_text import (
    AnswerFaultError,
    AnswerFile,
    check_unchanged,
    operation_hides,
)
from yvaxportal.adapters.folder.places import END, Folders, whole_files
from yvaxportal.adapters.folder.receiving import claim, digest_of, locked
from yvaxportal.adapters.folder.writing import UNFINISHED, sync_folder
from yvaxportal.adapters.http.openapi import Operation, Protocol
from yvaxportal.adapters.http.validation import validate

log = logging.getLogger(__name__)

#: How often a process looks for what others left behind.
_TIDY_SECONDS = 60.0
_UNFORESEEN = (ArithmeticError, LookupError, ValueError, TypeError, RecursionError)


@dataclass(frozen=True, slots=True)
class OrderFolders(Folders):
    """Where files lie. ``out``, ``in`` and ``ack`` are shared with the other side, the rest is ours."""

    @property
    def outbox(self) -> Path:
        return self.root / "out"

    @property
    def held(self) -> Path:
        return self.root / "held"

    def make(self) -> None:
        """Make those that do not exist; OSError."""
        shared = {self.inbox, self.outbox, self.ack}
        for folder in (*sorted(shared), self.work, self.held, self.quarantine):
            folder.mkdir(parents=True, exist_ok=True, mode=0o770 if folder in shared else 0o700)


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """How much is accepted, and for how long things are kept.

    :param max_answer_bytes: of an answer that is read as a whole.
    :param max_file_bytes: of one that is read record by record.
    """

    max_answer_bytes: int = 4 << 20
    max_file_bytes: int = 4 << 30
    keep: timedelta = timedelta(days=30)


class Collector:
    """Deals with the answers that the other side has put into the folder."""

    def __init__(
        self,
        system: str,
        folders: OrderFolders,
        layouts: OrderLayouts,
        protocol: Protocol,
        store: OrderStore,
        *,
        municipality_code: str,
        clock: Callable[[], datetime],
        limits: OrderLimits,
    ) -> None:
        self.system, self.folders, self.layouts = system, folders, layouts
        self.protocol, self.store = protocol, store
        self.municipality_code, self.clock, self.limits = municipality_code, clock, limits
        self._tidy_lock = threading.Lock()
        self._tidy_at = 0.0

    def collect(self) -> None:
        """Deal with every answer that is there, unless another is at it."""
        tidy = self._must_tidy()
        if not tidy and not self._there():
            return
        with locked(self.store.folder / "lock") as alone:
            if not alone:
                return
            with self.store.open() as connection:
                for path in sorted(self.folders.work.iterdir()):
                    self._deal_with(connection, path)
                for path in sorted(self._whole()):
                    if claim(self.folders, path):
                        self._deal_with(connection, self.folders.work / path.name)
                if tidy:
                    self._tidy(connection)

    def _there(self) -> bool:
        return any(True for _ in self.folders.work.iterdir()) or bool(self._whole())

    def _whole(self) -> list[Path]:
        found = list(whole_files(self.folders.inbox))
        if self.layouts.complete is Complete.END_FILE:
            found = [path for path in found if path.with_name(path.name + END).is_file()]
        return found

    def _must_tidy(self) -> bool:
        with self._tidy_lock:
            now = time.monotonic()
            if self._tidy_at and now < self._tidy_at:
                return False
            self._tidy_at = now + _TIDY_SECONDS
            return True

    def _deal_with(self, connection: Connection, path: Path) -> None:
        if path.is_symlink():
            # Put in place of the file between looking and claiming: what it leads to is not ours to read.
            path.unlink()
            return
        named = self.layouts.answered(path.name)
        order = None if named is None else orders.find(connection, named[1])
        digest = digest_of(path, self._most(order))
        if order is not None and order.state is OrderState.ANSWERED and order.digest == digest:
            if not order.finished and order.answer_name == path.name:
                self._put_away(connection, order)
            else:
                self._acknowledge(path.name, self._entry(order, path.name), duplicate=True)
                path.unlink()
            return
        try:
            order = self._awaited(path, named, order)
            self._take(connection, path, order, digest)
        except FileFaultError as fault:
            self._refuse(connection, path, order, _Refusal(fault, digest))
        except BadAnswer as error:
            refusal = _Refusal(FileFaultError(NOT_OF_PROTOCOL), digest, error.where)
            self._refuse(connection, path, order, refusal)
        except _UNFORESEEN as error:
            # One file that nobody thought of must not stop all that come after it.
            log.error("answer file: %s", type(error).__name__)  # noqa: TRY400 - the text may quote a value
            self._refuse(connection, path, order, _Refusal(FileFaultError(UNUSABLE), digest))
        else:
            taken = orders.find(connection, order.number)
            if taken is not None and taken.state is OrderState.ANSWERED:
                self._put_away(connection, taken)

    def _most(self, order: Order | None) -> int:
        streams = order is not None and self._operation(order).streams
        return self.limits.max_file_bytes if streams else self.limits.max_answer_bytes

    def _operation(self, order: Order) -> Operation:
        return self.protocol.operation(order.operation)

    def _awaited(self, path: Path, named: tuple[str | None, str] | None, order: Order | None) -> Order:
        """Return the order that an answer is for; FileFaultError when it is for none that waits."""
        if named is None:
            raise FileFaultError(NAME)
        if named[0] not in {None, self.municipality_code}:
            raise FileFaultError(OTHER_MUNICIPALITY)
        if order is None:
            raise FileFaultError(UNKNOWN_ORDER)
        if order.state is OrderState.WITHDRAWN:
            raise FileFaultError(WITHDRAWN)
        if order.state is OrderState.ANSWERED:
            raise FileFaultError(ANSWERED_OTHERWISE)
        if path.stat().st_size > self._most(order):
            raise FileFaultError(TOO_LARGE)
        return order

    def reading(self, path: Path, order: Order) -> AnswerFile:
        """Return the reading of an order's answer."""
        return AnswerFile(path, self.layouts, self.municipality_code, order.number, order.operation)

    def _take(self, connection: Connection, path: Path, order: Order, digest: str) -> None:
        """Read the answer and note it, in one commit."""
        operation, reading = self._operation(order), self.reading(path, order)
        read = self._streamed if operation.streams else self._whole_of
        code, value = read(operation, reading)
        check_unchanged(reading, digest)
        orders.answered(
            connection,
            order.number,
            code=code,
            answer=None if value is None else json.dumps(value, ensure_ascii=False),
            digest=digest,
            name=path.name,
            lines=reading.lines,
            now=self.clock().isoformat(),
        )
        log.info("order %s of %s: answered %s", order.number, order.operation, code)

    def _whole_of(self, operation: Operation, reading: AnswerFile) -> tuple[str, Any]:
        head, value = reading.whole()
        if head.code or operation.answer is None:
            return head.code, None
        validate(self.system, operation.answer, value)
        return "", value

    def _streamed(self, operation: Operation, reading: AnswerFile) -> tuple[str, Any]:
        """Look at every record of a long answer; they are read again by whoever asked."""
        head = reading.head()
        begin = {name: value for name, value in head.own.items() if not isinstance(value, list)}
        if not head.code and operation.begin is not None:
            validate(self.system, operation.begin, begin)
        for _, record in reading.elements():
            if operation.answer is not None:
                validate(self.system, operation.answer, record)
        return head.code, begin

    def _refuse(self, connection: Connection, path: Path, order: Order | None, refusal: "_Refusal") -> None:
        """Keep an answer aside, say why, and let whoever waits for it know."""
        fault = refusal.fault
        column = fault.column if isinstance(fault, AnswerFaultError) else ""
        now = self.clock()
        if order is not None and order.is_open:
            place = refusal.where or ", ".join(
                part for part in (fault.code, f"line {fault.line}" if fault.line else "", column) if part
            )
            orders.answered_badly(connection, order.number, reason_of(fault.code), place, now.isoformat())
        # A name that is not of the protocol may be anything, also somebody's.
        log.warning("answer file %s: %s", "?" if order is None else path.name, fault.code)
        exchange = None if order is None else self.layouts.operations.get(order.operation)
        papers.keep_file(
            self.folders.quarantine, path.name, path, self.layouts.encoding, hide=operation_hides(exchange)
        )
        line = fault.line
        entry = _entry(path.name, refusal.digest, now.isoformat(), Result.REFUSED)
        entry = replace(entry, code=fault.code, line=line)
        papers.write_acknowledgement(self.folders.quarantine, path.name, entry)
        papers.write_errors(self.folders.ack, path.name, [Fault(line, column, fault.code)] if column else [])
        self._acknowledge(path.name, entry)
        path.unlink()

    def _put_away(self, connection: Connection, order: Order) -> None:
        """Take the order back, say that the answer was taken, let it go; each may be done again."""
        self.take_back(order)
        name = order.answer_name or ""
        (self.folders.ack / f"{name}{papers.ERR}").unlink(missing_ok=True)
        self._acknowledge(name, self._entry(order, name))
        path = self.folders.work / name
        if self._operation(order).streams and not order.code:
            with suppress(FileNotFoundError):
                path.rename(self.folders.held / order.number)
        else:
            # What it says is in the store: about whom was asked is not kept in files as well.
            path.unlink(missing_ok=True)
        orders.finish(connection, order.number)

    def take_back(self, order: Order) -> None:
        """Remove the file of an order: it is answered or given up, and may hold a personal number."""
        path = self.folders.outbox / order.name
        with suppress(FileNotFoundError):
            path.unlink()
            sync_folder(self.folders.outbox)

    def _entry(self, order: Order, name: str) -> Entry:
        entry = _entry(name, order.digest or "", order.answered_at or "", Result.ACCEPTED)
        return replace(entry, lines=order.lines)

    def _acknowledge(self, name: str, entry: Entry, *, duplicate: bool = False) -> None:
        if duplicate:
            log.info("answer file %s: %s", name, DUPLICATE)
        papers.write_acknowledgement(self.folders.ack, name, entry, duplicate=duplicate)

    def _tidy(self, connection: Connection) -> None:
        """Finish and take away what a process left that ended, and what was kept for its term."""
        for order in orders.unfinished(connection):
            self._put_away(connection, order)
        now = self.clock()
        for order in orders.expired(connection, now.isoformat()):
            self.take_back(order)
            (self.folders.held / order.number).unlink(missing_ok=True)
            orders.forget(connection, order.number)
        with locked(self.store.folder / "sending") as alone:
            if alone:
                for path in self.folders.outbox.glob(f".*{UNFINISHED}"):
                    path.unlink()
        before = (now - max(self.limits.keep, timedelta(days=1))).timestamp()
        for folder in (self.folders.ack, self.folders.quarantine):
            for path in folder.iterdir():
                if path.is_file() and path.stat().st_mtime < before:
                    path.unlink()


def bad_answer(system: str, order: Order) -> BadAnswer:
    """Return the error of an order whose last answer is refused."""
    return BadAnswer(system, order.reason or BadAnswerReason.MALFORMED, order.place)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why an answer is refused, and where in its JSON, when it came that far."""

    fault: FileFaultError
    digest: str
    where: str = ""


def _entry(name: str, digest: str, moment: str, result: Result) -> Entry:
    return Entry(digest, name, "", 0, moment, moment, result, "", 0, 0, 0, 1)
