"""Making what was asked for: one file at a time, whole or absent whatever happens meanwhile.

The order is what makes it so. A row is marked ``making`` and committed; the plain file is written to a
private folder, searched for personal numbers, encrypted into the folder of archives and renamed; then one
transaction registers the people and tells the row that the archive is there. A worker that is killed anywhere
leaves a row in ``making``, which the next run queues again, and at most an archive that no row speaks of,
which it removes.
"""

import errno
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Engine, Table, and_, func, insert, or_, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail, Facts
from yvaxportal.models.codes import Outcome, OutputState
from yvaxportal.models.output import Output, OutputPerson
from yvaxportal.outputs import store
from yvaxportal.outputs.archive import Archive, write_archive
from yvaxportal.outputs.gate import KEPT
from yvaxportal.outputs.layouts import Layout
from yvaxportal.outputs.makers import MAKERS
from yvaxportal.outputs.making import Made, Maker, MakingError, Work
from yvaxportal.outputs.number_check import holds_personal_number
from yvaxportal.outputs.press import LetterPress
from yvaxportal.outputs.private_folders import private_folder, sweep
from yvaxportal.services.job_report import Cancelled, JobReport
from yvaxportal.values.clock import jst_date
from yvaxportal.vault.keyring import KeyRing
from yvaxportal.vault.secret_names import output_password_name

log = logging.getLogger(__name__)

#: A file that took its worker's life so often is given up.
MOST_ATTEMPTS = 3
#: Of PostgreSQL's advisory locks: whoever holds it is the one that makes.
_LOCK = 7_904_001
#: Files that one person gets within this time are counted together (M19).
TOGETHER = timedelta(hours=24)
_BATCH = 10_000
#: A list of everybody, sorted, may take its time; pages give up after 30 seconds.
_STATEMENT_SECONDS = 600
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_OUTPUTS = cast("Table", Output.__table__)
_PEOPLE = insert(cast("Table", OutputPerson.__table__))


@dataclass(frozen=True)
class Workshop:
    """Where outputs are made.

    :param folder: of the encrypted archives.
    :param temporary: below which plain files are written; None for the system's temporary folder.
    :param press: what letters are printed with; without it, outputs of letters fail.
    :param approval_above: more people than this wait for another person's approval (M19); see ``_is_large``.
    """

    engine: Engine
    key_ring: KeyRing
    layouts: Mapping[str, Layout]
    folder: Path
    temporary: Path | None
    approval_above: int
    keep_days: int
    clock: Callable[[], datetime]
    press: LetterPress | None = None
    makers: Mapping[str, Maker] = field(default_factory=lambda: MAKERS)

    def run(self) -> int:
        """Make everything that is queued and return how many; 0 at once when another worker is at it."""
        store.prepare(self.folder)
        sweep(self.temporary)
        made = 0
        with self._alone() as alone:
            if not alone:
                return 0
            self._recover()
            while (output_id := self._next()) is not None:
                self._make(output_id)
                made += 1
        return made

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Hold the lock on a connection of its own: it is free as soon as this process is gone."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            held = bool(connection.scalar(select(func.pg_try_advisory_lock(_LOCK))))
            try:
                yield held
            finally:
                if held:
                    connection.execute(select(func.pg_advisory_unlock(_LOCK)))

    def _recover(self) -> None:
        """Queue again what a lost worker left behind, and remove archives that no row speaks of."""
        with Session(self.engine) as session:
            left = session.scalars(
                select(Output).where(Output.state == OutputState.MAKING).with_for_update()
            ).all()
            for output in left:
                if output.attempts >= MOST_ATTEMPTS:
                    output.state, output.problem = OutputState.FAILED, "worker_lost"
                    self._audit(session, Action.OUTPUT_FAILED, output, outcome=Outcome.FAILED)
                else:
                    output.state = OutputState.QUEUED
            session.commit()
        for output_id, path in list(store.kept_archives(self.folder)):
            with Session(self.engine) as session:
                state = session.scalar(select(Output.state).where(Output.id == output_id))
            if state not in KEPT or path.suffix == store.PART:
                store.wipe_file(path)

    def _next(self) -> int | None:
        """Mark the oldest request as being made and return it."""
        with Session(self.engine) as session:
            output = session.scalar(
                select(Output)
                .where(Output.state == OutputState.QUEUED)
                .order_by(Output.id)
                .limit(1)
                .with_for_update()
            )
            if output is None:
                return None
            output.state = OutputState.MAKING
            output.attempts += 1
            output.done, output.total = 0, None
            session.commit()
            return output.id

    def _make(self, output_id: int) -> None:
        try:
            self._make_whole(output_id)
        except Cancelled:
            self._end(output_id, OutputState.CANCELLED)
        except MakingError as error:
            self._end(output_id, OutputState.FAILED, error.kind, error.detail)
        except DBAPIError as error:
            if error.connection_invalidated:
                # The database went away: the row stays in ``making`` and is queued again by the next run.
                raise
            self._failed(output_id, error)
        except OSError as error:
            if error.errno in _NO_ROOM:
                self._end(output_id, OutputState.FAILED, "disk_full")
            else:
                self._failed(output_id, error)
        except Exception as error:  # noqa: BLE001 - one file that cannot be made stops no other
            self._failed(output_id, error)

    def _failed(self, output_id: int, error: Exception) -> None:
        # The text of an error may hold what the file holds: only its kind is kept.
        log.error("output %d cannot be made: %s", output_id, type(error).__name__)
        self._end(output_id, OutputState.FAILED, "internal", {"kind": type(error).__name__})

    def _make_whole(self, output_id: int) -> None:
        now = self.clock()
        with Session(self.engine) as session:
            output = session.get_one(Output, output_id)
            layout = self.layouts.get(output.layout)
            subject = dict(output.subject)
        if layout is None or layout.source not in self.makers:
            raise MakingError("layout")
        report = JobReport(self.engine, _OUTPUTS, output_id)
        with private_folder(self.temporary) as folder, self._reading() as session:
            work = Work(
                session=session,
                output_id=output_id,
                layout=layout,
                subject=subject,
                folder=folder,
                now=now,
                today=jst_date(now),
                report=report,
                press=self.press,
            )
            made = self.makers[layout.source](work)
            if not work.registered:
                raise MakingError("nobody")
            report.tick()
            self._check_numbers(made, layout)
            archive = write_archive(
                made.path,
                made.file_name,
                store.archive_path(self.folder, output_id),
                self.folder / f"{output_id}{store.PART}",
                now=now,
                tick=report.tick,
            )
        try:
            self._finish(work, made, archive)
        except BaseException:
            store.wipe(self.folder, output_id)
            raise

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        """Give a session that sees one moment of the database and writes nothing."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection, Session(connection) as session:
            session.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'"))
            yield session
            session.rollback()

    def _check_numbers(self, made: Made, layout: Layout) -> None:
        """Refuse, and wipe at once, what holds a personal number (M26)."""
        encoding = layout.encoding or "utf-8"
        for path in (made.path, *made.source_files):
            if holds_personal_number(path, encoding=encoding if path == made.path else "utf-8"):
                for written in (made.path, *made.source_files):
                    store.wipe_file(written)
                raise MakingError("personal_number")

    def _finish(self, work: Work, made: Made, archive: Archive) -> None:
        """Tell the row that the archive is there, and who is in it, in one transaction."""
        with Session(self.engine) as session:
            output = session.get_one(Output, work.output_id, with_for_update=True)
            if output.cancel_requested:
                raise Cancelled
            people = sorted(work.registered)
            for start in range(0, len(people), _BATCH):
                batch = people[start : start + _BATCH]
                session.execute(
                    _PEOPLE, [{"output_id": output.id, "resident_id": person} for person in batch]
                )
            if made.settle is not None:
                made.settle(session, AuditTrail(session, self.engine, SYSTEM))
            output.people = output.done = output.total = len(people)
            output.file_name, output.size = made.file_name, archive.size
            output.content_sha256, output.archive_sha256 = archive.content_sha256, archive.sha256
            output.sealed_password = self.key_ring.seal_secret(
                output_password_name(output.id), archive.password.encode("ascii")
            )
            output.approval_needed = self._is_large(session, output, work.now)
            output.state = OutputState.AWAITING_APPROVAL if output.approval_needed else OutputState.READY
            output.made_at = work.now
            output.expires_at = work.now + timedelta(days=self.keep_days)
            output.problem = output.problem_detail = None
            self._audit(
                session,
                Action.OUTPUT_MADE,
                output,
                detail={
                    "people": len(people),
                    "sha256": archive.sha256,
                    "approval_needed": output.approval_needed,
                },
            )
            session.commit()

    def _is_large(self, session: Session, output: Output, now: datetime) -> bool:
        """Tell whether another person has to approve.

        What counts are the different people of this file and of those that its requester got without an
        approval in the last 24 hours: a large list is not to leave as several small ones.
        """
        together = session.scalar(
            select(func.count(OutputPerson.resident_id.distinct()))
            .join(Output, Output.id == OutputPerson.output_id)
            .where(
                or_(
                    Output.id == output.id,
                    and_(
                        Output.requested_by == output.requested_by,
                        Output.approval_needed.is_(False),
                        Output.made_at > now - TOGETHER,
                    ),
                )
            )
        )
        return (together or 0) > self.approval_above

    def _end(
        self,
        output_id: int,
        state: OutputState,
        problem: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        store.wipe(self.folder, output_id)
        now = self.clock()
        with Session(self.engine) as session:
            output = session.get_one(Output, output_id, with_for_update=True)
            output.state, output.problem = state, problem
            output.problem_detail = dict(detail) if detail else None
            if state is OutputState.CANCELLED:
                output.wiped_at, output.wipe_reason = now, store.WipeReason.CANCELLED.value
            else:
                self._audit(
                    session,
                    Action.OUTPUT_FAILED,
                    output,
                    outcome=Outcome.FAILED,
                    detail={"problem": problem},
                )
            session.commit()

    def _audit(self, session: Session, action: Action, output: Output, **facts: Any) -> None:
        given = cast("Facts", {"subject": f"output:{output.id}", "purpose": output.purpose, **facts})
        AuditTrail(session, self.engine, SYSTEM).record(action, **given)
