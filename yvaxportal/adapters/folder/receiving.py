"""The way of a file through the folders. Every step can be the last one before the power fails.

``in`` (theirs) to ``work`` (claimed, by one process only), then the state and the ledger in one commit, then
what is written about it, then ``done``; the next run goes on wherever that ended. What decides is the ledger:
a file whose content was entered as taken is never read again, whatever it is called.
"""

import fcntl
import hashlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from yvaxportal.adapters.folder import ledger, papers
from yvaxportal.adapters.folder.faults import (
    DUPLICATE,
    EMPTY,
    FUTURE,
    NAME,
    OUTDATED,
    SHRUNK,
    TOO_LARGE,
    TOO_MANY_LINES,
    UNUSABLE,
    Fault,
    FileFaultError,
)
from yvaxportal.adapters.folder.layouts import Layout, Layouts, Named, Scope
from yvaxportal.adapters.folder.ledger import Entry, Result
from yvaxportal.adapters.folder.lines import Encoding
from yvaxportal.adapters.folder.places import END, Folders, Limits, must_wait, waiting
from yvaxportal.adapters.folder.reading import Reading, too_many
from yvaxportal.adapters.folder.register import Delivery, Register
from yvaxportal.adapters.folder.store import Store
from yvaxportal.adapters.folder.writing import sync_folder

log = logging.getLogger(__name__)

#: Two clocks may differ by so much.
CLOCK_SKEW = timedelta(minutes=5)
#: What changes are kept for: cursors stay good for 30 days at least.
LOG_KEPT = timedelta(days=60)


_PIECE = 1 << 20
_UNFORESEEN = (ArithmeticError, LookupError, ValueError, sqlite3.IntegrityError, sqlite3.DataError)


class Receiver:
    """Takes in what the other side has put into the folder, one file after the other."""

    def __init__(
        self,
        folders: Folders,
        layouts: Layouts,
        register: Register,
        store: Store,
        *,
        municipality_code: str,
        clock: Callable[[], datetime],
        limits: Limits,
    ) -> None:
        self.folders, self.layouts, self.register, self.store = folders, layouts, register, store
        self.municipality_code, self.clock, self.limits = municipality_code, clock, limits

    def receive(self) -> int:
        """Deal with everything that is there and return how many files that were; 0 when another is at it."""
        with self._alone() as alone:
            if not alone:
                return 0
            self.store.prepare()
            count = self._recover()
            while (path := self._next()) is not None:
                if self._claim(path):
                    self._deal_with(self.folders.work / path.name)
                    count += 1
            self._clean()
            return count

    def _next(self) -> Path | None:
        """Return the file to be dealt with now; a difference waits for the one before it."""
        with self.store.reading() as connection:
            known = ledger.standing(connection)
        for path in waiting(self.folders, self.layouts):
            named = self.layouts.named(path.name)
            if named is None or not must_wait(named[1], known):
                return path
        return None

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        self.store.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.store.folder / "lock") as alone:
            yield alone

    def _claim(self, path: Path) -> bool:
        """Take a file out of the other side's hands; False when they took it back."""
        return claim(self.folders, path)

    def _recover(self) -> int:
        """Go on where a process ended: with what lies in ``work``, then with what only lacks its papers."""
        count = 0
        for path in sorted(self.folders.work.iterdir()):
            self._deal_with(path)
            count += 1
        with self.store.reading() as connection:
            left = ledger.unfinished(connection)
        for entry in left:
            self._put_away(self.folders.work / entry.name, entry)
        return count

    def _deal_with(self, path: Path) -> None:
        if path.is_symlink():
            # Put in place of the file between looking and claiming: what it leads to is not ours to read.
            path.unlink()
            return
        digest = digest_of(path, self.limits.max_file_bytes)
        with self.store.reading() as connection:
            known = ledger.find(connection, digest)
        if known is not None and not known.finished and known.name == path.name:
            self._put_away(path, known)
            return
        if known is not None and known.result is not Result.REFUSED:
            log.info("folder file %s: %s", known.name, DUPLICATE)
            papers.write_acknowledgement(self.folders.ack, path.name, known, duplicate=True)
            path.unlink()
            return
        found = self.layouts.named(path.name)
        moment = self.clock()
        if found is None:
            delivery = Delivery(digest, path.name, Scope.FULL, 0, moment, moment)
            self._enter_refused(delivery, FileFaultError(NAME))
        else:
            layout, named = found
            delivery = Delivery(digest, path.name, named.scope, named.sequence, named.as_of, moment)
            try:
                self._take_in(path, layout, named, delivery)
            except FileFaultError as fault:
                self._enter_refused(delivery, fault)
            except _UNFORESEEN as error:
                # One file that nobody thought of must not stop all that come after it.
                log.error("folder file %s: %s", path.name, type(error).__name__)  # noqa: TRY400 - the text may quote a value
                self._enter_refused(delivery, FileFaultError(UNUSABLE))
        with self.store.reading() as connection:
            entry = ledger.find(connection, digest)
        if entry is not None:
            # A name that is not of the protocol may be anything, also somebody's.
            shown = "?" if found is None else path.name
            log.info("folder file %s: %s %s", shown, entry.result.value, entry.code)
            self._put_away(path, entry)

    def _enter_refused(self, delivery: Delivery, fault: FileFaultError) -> None:
        with self.store.changing() as connection:
            ledger.enter_refused(connection, delivery, fault.code, fault.line)

    def _take_in(self, path: Path, layout: Layout, named: Named, delivery: Delivery) -> None:
        if path.stat().st_size > self.limits.max_file_bytes:
            raise FileFaultError(TOO_LARGE)
        with self.store.reading() as connection:
            known = ledger.standing(connection)
        if known is not None and (named.sequence <= known.sequence or named.as_of < known.as_of):
            raise FileFaultError(OUTDATED)
        if named.as_of > delivery.taken_at + CLOCK_SKEW:
            raise FileFaultError(FUTURE)
        reading = Reading(
            path,
            layout,
            named,
            self.register.wanted[named.scope],
            municipality_code=self.municipality_code,
            digest=delivery.digest,
            refused_percent=self.limits.refused_percent,
        )
        if named.scope is Scope.FULL:
            self._replace(reading, delivery)
        else:
            self._change(reading, delivery)

    def _replace(self, reading: Reading, delivery: Delivery) -> None:
        register = self.register
        with self.store.replacing() as connection:
            register.fill(connection, _rows(reading, connection), delivery)
            for statement in register.indexes:
                connection.execute(statement)
            faults = self._checked(reading, [*reading.faults, *register.settle(connection, delivery)])
            before, after = (
                connection.execute(_COUNT.format(schema=schema, table=register.counted)).fetchone()[0]
                for schema in ("old", "main")
            )
            if not after:
                raise FileFaultError(EMPTY)
            if after * 100 < before * self.limits.smallest_percent:
                raise FileFaultError(SHRUNK)
            register.carry(connection, delivery)
            register.prune(connection, delivery.taken_at - LOG_KEPT)
            ledger.enter_taken(connection, delivery, reading.count, faults)

    def _change(self, reading: Reading, delivery: Delivery) -> None:
        with self.store.changing() as connection:
            # What is refused is only known when the whole file was read, and is part of the same transaction.
            found = list(self.register.apply(connection, _rows(reading, connection), delivery))
            faults = self._checked(reading, [*reading.faults, *found])
            self.register.prune(connection, delivery.taken_at - LOG_KEPT)
            ledger.enter_taken(connection, delivery, reading.count, faults)

    def _checked(self, reading: Reading, faults: Iterable[Fault]) -> list[Fault]:
        """Return one fault for each line; FileFaultError when they are too many."""
        first: dict[int, Fault] = {}
        for fault in faults:
            first.setdefault(fault.line, fault)
        if too_many(len(first), reading.count, self.limits.refused_percent):
            raise FileFaultError(TOO_MANY_LINES)
        return [first[line] for line in sorted(first)]

    def _put_away(self, path: Path, entry: Entry) -> None:
        """Write what is written about a file, move it, note that it is finished; each may be done again."""
        with self.store.reading() as connection:
            faults = ledger.faults_of(connection, entry.digest)
        found = self.layouts.named(path.name)
        layout = None if found is None else found[0]
        if path.exists():
            if entry.result is Result.REFUSED:
                encoding = Encoding.UTF_8 if layout is None else layout.encoding
                hide = layout is None or layout.has_secrets
                papers.keep_file(self.folders.quarantine, path.name, path, encoding, hide=hide)
            elif faults and found is not None:
                self._keep_lines(path, *found, faults)
        papers.write_errors(self.folders.ack, entry.name, faults)
        papers.write_acknowledgement(self.folders.ack, entry.name, entry)
        keep = entry.result is not Result.REFUSED and self.limits.keep and not (layout and layout.has_secrets)
        if path.exists():
            if keep:
                # Its term begins now, whenever it was written.
                with suppress(PermissionError):
                    os.utime(path)
                path.rename(self.folders.done / path.name)
                sync_folder(self.folders.done)
            else:
                path.unlink()
        with self.store.changing() as connection:
            ledger.finish(connection, entry.digest)

    def _keep_lines(self, path: Path, layout: Layout, named: Named, faults: list[Fault]) -> None:
        reading = Reading(
            path,
            layout,
            named,
            self.register.wanted[named.scope],
            municipality_code=self.municipality_code,
            digest="",
            refused_percent=100,
        )
        cut = reading.picked([fault.line for fault in faults])
        papers.keep_lines(self.folders.quarantine, path.name, layout, faults, cut)

    def _clean(self) -> None:
        """Take away what was kept for its term."""
        before = (self.clock() - max(self.limits.keep, timedelta(days=1))).timestamp()
        for folder in (self.folders.done, self.folders.ack, self.folders.quarantine):
            for path in folder.iterdir():
                if path.is_file() and path.stat().st_mtime < before:
                    path.unlink()


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a lock among processes and threads; False when another holds it. It ends with the process."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)


def claim(folders: Folders, path: Path) -> bool:
    """Take a file out of the other side's hands; False when they took it back."""
    try:
        path.rename(folders.work / path.name)
    except FileNotFoundError:
        return False
    path.with_name(path.name + END).unlink(missing_ok=True)
    sync_folder(folders.work)
    sync_folder(folders.inbox)
    return True


_COUNT = "SELECT count(*) FROM {schema}.{table}"


def _rows(reading: Reading, connection: sqlite3.Connection) -> Iterator[tuple[int, list[str]]]:
    """Give the rows, and make known afterwards whom refused lines are about."""
    yield from reading.rows()
    keys = ((key,) for key in reading.refused_keys)
    connection.executemany("INSERT OR IGNORE INTO refused VALUES (?)", keys)


def digest_of(path: Path, most: int) -> str:
    """Return the SHA-256 of a file; of one that is too large anyway, that of its beginning."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while most >= 0 and (piece := file.read(_PIECE)):
            digest.update(piece)
            most -= len(piece)
    return digest.hexdigest()
