"""One run: the first load if there was none, then the register's changes until there are no more.

A page's changes and their marks are one transaction. The cursor moves on only when the page's personal
numbers are in the vault as well, which is a transaction of its own: after a crash in between the page comes
again, its changes are known, and its numbers are stored.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from yvaxportal.adapters.errors import AdapterError, BadAnswer, Refused
from yvaxportal.adapters.interfaces import IResidentRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.resident_register import RegisteredPerson
from yvaxportal.audit.trail import SYSTEM as SYSTEM_ACTOR
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.resident import Resident
from yvaxportal.models.sync import SyncState
from yvaxportal.services.sync.alone import alone
from yvaxportal.services.sync.changes import SYSTEM, Applying, Outcome
from yvaxportal.services.sync.judging import Reason
from yvaxportal.services.sync.people import SOURCE
from yvaxportal.services.sync.refusals import keep, keep_bad_answer, keep_unusable
from yvaxportal.services.sync.snapshot import name_missing, pieces, take_over
from yvaxportal.services.sync.state import began, change_state, state_of
from yvaxportal.vault.vault import Vault

PAGE = 500
_LOCK = 0x79767379  # one run at a time, whatever process it is in


@dataclass
class SyncReport:
    """What one run did. ``failure`` is kind and problem of what ended it, nothing personal."""

    counts: Counter[str] = field(default_factory=Counter)
    first_load: bool = False
    busy: bool = False
    failure: str = ""


@dataclass(frozen=True)
class ResidentSync:
    """What a run needs; made once by the worker or a command."""

    engine: Engine
    register: IResidentRegister
    vault: Vault
    municipality_code: str
    clock: Callable[[], datetime]

    def run(self) -> SyncReport:
        """Follow the register; an error of the other side ends the run and is noted, never raised."""
        report = SyncReport()
        with alone(self.engine, _LOCK) as mine:
            if not mine:
                report.busy = True
                return report
            with Session(self.engine) as session, session.begin():
                state = began(session, SYSTEM, self.clock())
                session.expunge(state)
            try:
                if state.cursor is None:
                    report.first_load = True
                    state = self._first_load(state, report)
                self._follow(state.cursor, report)
            except AdapterError as error:
                report.failure = f"{type(error).__name__}: {error.problem}"
                self._note_failure(error, report.failure)
                return report
            self._change_state(succeeded_at=self.clock(), failure="")
        return report

    def restart(self) -> None:
        """Forget how far the register was followed: the next run begins with everybody."""
        with Session(self.engine) as session, session.begin():
            state_of(session, SYSTEM)
            change_state(session, SYSTEM, cursor=None, snapshot_id=None, snapshot_after=None)

    def _first_load(self, state: SyncState, report: SyncReport) -> SyncState:
        try:
            return self._load(state, report)
        except Refused as error:
            if state.snapshot_id is None or error.code != "snapshot_gone":
                raise
        # The register does not keep it any more: what was taken over stays, and a new one is begun.
        return self._load(self._forget_snapshot(), report)

    def _load(self, state: SyncState, report: SyncReport) -> SyncState:
        resume = None
        if state.snapshot_id is not None and state.snapshot_after:
            resume = (state.snapshot_id, state.snapshot_after)
        snapshot = self.register.snapshot(resume, CallContext.batch())
        taken = state.snapshot_taken or 0 if resume else 0
        since = state.snapshot_started_at if resume else None
        since = since or self.clock()
        self._change_state(
            snapshot_id=snapshot.snapshot_id,
            snapshot_cursor=snapshot.change_cursor,
            snapshot_expected=snapshot.expected,
            snapshot_started_at=since,
            as_of=snapshot.as_of,
        )
        for piece in pieces(snapshot.people):
            taken += len(piece)
            self._take(piece, snapshot.snapshot_id, report)
            self._change_state(snapshot_after=piece[-1].atena_number, snapshot_taken=taken)
        report.counts[Reason.UNREADABLE.value] += len(snapshot.unusable)
        with Session(self.engine) as session, session.begin():
            keep_unusable(
                session,
                SYSTEM,
                snapshot.unusable,
                kind="snapshot",
                begins=snapshot.snapshot_id,
                now=self.clock(),
            )
            missing = name_missing(session, snapshot_id=snapshot.snapshot_id, since=since, now=self.clock())
            report.counts[Reason.NOT_IN_REGISTER.value] += missing
            change_state(
                session,
                SYSTEM,
                cursor=snapshot.change_cursor,
                snapshot_id=None,
                snapshot_after=None,
                snapshot_cursor=None,
            )
            session.flush()
            state = state_of(session, SYSTEM)
            session.expunge(state)
        return state

    def _take(self, piece: list[RegisteredPerson], snapshot_id: str, report: SyncReport) -> None:
        with Session(self.engine) as session, session.begin():
            outcome = take_over(
                session,
                self._audit(session),
                piece,
                snapshot_id=snapshot_id,
                municipality_code=self.municipality_code,
                now=self.clock(),
            )
        report.counts += outcome.counts
        self._store_numbers(outcome, report)

    def _follow(self, cursor: str | None, report: SyncReport) -> None:
        more = True
        while more:
            page = self.register.changes(cursor, PAGE, CallContext.batch())
            with Session(self.engine) as session, session.begin():
                applying = Applying(
                    session,
                    self._audit(session),
                    municipality_code=self.municipality_code,
                    now=self.clock(),
                )
                outcome = applying.apply(page.changes)
                begins = f"after/{_digest(cursor)}"
                now = self.clock()
                keep_unusable(session, SYSTEM, page.unusable, kind="change", begins=begins, now=now)
                outcome.counts[Reason.UNREADABLE.value] += len(page.unusable)
                if not outcome.numbers:
                    change_state(session, SYSTEM, cursor=page.next_cursor, more=page.more, as_of=page.as_of)
            report.counts += outcome.counts
            if outcome.numbers:
                self._store_numbers(outcome, report)
                self._change_state(cursor=page.next_cursor, more=page.more, as_of=page.as_of)
            # A page that leads nowhere and has more would be asked for without end.
            more = page.more and (page.next_cursor != cursor)
            cursor = page.next_cursor

    def _store_numbers(self, outcome: Outcome, report: SyncReport) -> None:
        if not outcome.numbers:
            return
        with Session(self.engine) as session, session.begin():
            wanted = Resident.atena_number.in_(list(outcome.numbers))
            found = session.execute(select(Resident.atena_number, Resident.id).where(wanted))
            ids = {row.atena_number: row.id for row in found}
            refused = self.vault.store_many(
                {ids[number]: value for number, value in outcome.numbers.items() if number in ids},
                source=SOURCE,
                now=self.clock(),
                audit=self._audit(None),
            )
            by_id = {resident_id: number for number, resident_id in ids.items()}
            for resident_id, reason in refused.items():
                report.counts[reason] += 1
                keep(
                    session,
                    SYSTEM,
                    reference=f"number/{by_id[resident_id]}",
                    kind="personal_number",
                    atena_number=by_id[resident_id],
                    reason=reason,
                    payload=None,
                    now=self.clock(),
                )

    def _forget_snapshot(self) -> SyncState:
        self._change_state(snapshot_id=None, snapshot_after=None, snapshot_taken=None)
        with Session(self.engine) as session, session.begin():
            state = state_of(session, SYSTEM)
            session.expunge(state)
        return state

    def _note_failure(self, error: AdapterError, failure: str) -> None:
        now = self.clock()
        with Session(self.engine) as session, session.begin():
            change_state(session, SYSTEM, failed_at=now, failure=failure)
            if isinstance(error, BadAnswer):
                cursor = state_of(session, SYSTEM).cursor
                about = f"after/{_digest(cursor)}"
                keep_bad_answer(session, SYSTEM, error, about=about, atena_number=None, now=now)

    def _change_state(self, **values: object) -> None:
        with Session(self.engine) as session, session.begin():
            change_state(session, SYSTEM, **values)

    def _audit(self, session: Session | None) -> AuditTrail:
        return AuditTrail(session, self.engine, SYSTEM_ACTOR)


def _digest(cursor: str | None) -> str:
    """Return a short name of a cursor: the register's own may be long."""
    return sha256((cursor or "").encode()).hexdigest()[:16]
