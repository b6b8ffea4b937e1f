"""Merges and splits that the atena system decided (名寄せ), also of people outside the register."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, exists, insert, select
from sqlalchemy.orm import Session

from yvaxportal.adapters.errors import AdapterError, BadAnswer
from yvaxportal.adapters.interfaces import IAtena
from yvaxportal.adapters.messages.atena import NoticeKind, NumberNotice
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM as SYSTEM_ACTOR
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import MergeSource
from yvaxportal.models.resident import Resident
from yvaxportal.models.sync import AppliedChange
from yvaxportal.services.sync.alone import alone
from yvaxportal.services.sync.judging import Reason, is_usable_number
from yvaxportal.services.sync.merging import MergedOtherwiseError, Told, merge
from yvaxportal.services.sync.refusals import keep, keep_bad_answer
from yvaxportal.services.sync.run import PAGE, SyncReport
from yvaxportal.services.sync.state import began, change_state
from yvaxportal.values.clock import jst_date

SYSTEM = "atena"
_LOCK = 0x79767390


@dataclass(frozen=True)
class NoticeSync:
    """What a run needs; made once by the worker or a command."""

    engine: Engine
    atena: IAtena
    clock: Callable[[], datetime]

    def run(self) -> SyncReport:
        """Take over the notices; an error of the other side ends the run and is noted, never raised.

        A page's effects, their marks and the cursor are one transaction: a notice has its effect once.
        """
        report = SyncReport()
        with alone(self.engine, _LOCK) as mine:
            if not mine:
                report.busy = True
                return report
            with Session(self.engine) as session, session.begin():
                cursor = began(session, SYSTEM, self.clock()).cursor
            try:
                self._follow(cursor, report)
            except AdapterError as error:
                report.failure = f"{type(error).__name__}: {error.problem}"
                self._note_failure(error, report.failure)
                return report
            self._note(succeeded_at=self.clock(), failure="")
        return report

    def _follow(self, cursor: str | None, report: SyncReport) -> None:
        more = True
        while more:
            page = self.atena.notices(cursor, PAGE, CallContext.batch())
            with Session(self.engine) as session, session.begin():
                report.counts += Taking(session, self._audit(session), self.clock()).take(page.notices)
                change_state(session, SYSTEM, cursor=page.next_cursor, more=page.more, as_of=page.as_of)
            # A page that leads nowhere and has more would be asked for without end.
            more = page.more and page.next_cursor != cursor
            cursor = page.next_cursor

    def _audit(self, session: Session) -> AuditTrail:
        return AuditTrail(session, self.engine, SYSTEM_ACTOR)

    def _note_failure(self, error: AdapterError, failure: str) -> None:
        now = self.clock()
        with Session(self.engine) as session, session.begin():
            change_state(session, SYSTEM, failed_at=now, failure=failure)
            if isinstance(error, BadAnswer):
                keep_bad_answer(session, SYSTEM, error, about="notices", atena_number=None, now=now)

    def _note(self, **values: object) -> None:
        with Session(self.engine) as session, session.begin():
            change_state(session, SYSTEM, **values)


class Taking:
    """Takes over notices in one transaction; the caller commits."""

    def __init__(self, session: Session, audit: AuditTrail, now: datetime) -> None:
        self._session, self._audit, self._now = session, audit, now

    def take(self, notices: Sequence[NumberNotice]) -> Counter[str]:
        """Take over a page in its order; return how many were ``applied``, ``duplicate`` or refused why."""
        counts: Counter[str] = Counter()
        marks = {notice.notice_id: f"{SYSTEM}/{notice.notice_id}" for notice in notices}
        done = set(
            self._session.scalars(
                select(AppliedChange.change_id).where(AppliedChange.change_id.in_(marks.values()))
            )
        )
        for notice in notices:
            mark = marks[notice.notice_id]
            if mark in done:
                counts["duplicate"] += 1
                continue
            reason = self._effect(notice, mark)
            if reason is not None:
                counts[reason.value] += 1
                self._keep(notice, reason)
            else:
                counts["applied"] += 1
            if reason is not Reason.OTHER_UNKNOWN:
                self._mark(notice, mark)
                done.add(mark)
        return counts

    def _effect(self, notice: NumberNotice, mark: str) -> Reason | None:
        numbers = (notice.atena_number, notice.other_atena_number)
        if not all(map(is_usable_number, numbers)):
            return Reason.BAD_ATENA_NUMBER
        # In the order of ids, as everybody locks people.
        rows = self._session.execute(
            select(Resident.atena_number, Resident.id)
            .where(Resident.atena_number.in_(numbers))
            .order_by(Resident.id)
            .with_for_update()
        )
        ids = {row.atena_number: row.id for row in rows}
        if notice.kind is NoticeKind.SPLIT:
            return Reason.SPLIT_TO_DECIDE if notice.atena_number in ids else None
        kept, merged = (ids.get(number) for number in numbers)
        if merged is None:
            return None
        if kept is None or kept == merged:
            return Reason.OTHER_UNKNOWN
        return self._merge(notice, mark, kept, merged)

    def _merge(self, notice: NumberNotice, mark: str, kept: int, merged: int) -> Reason | None:
        told = Told(mark, jst_date(notice.decided_at), MergeSource.ATENA)
        try:
            if merge(self._session, kept=kept, merged=merged, told=told, now=self._now) is None:
                return None
        except MergedOtherwiseError:
            return Reason.MERGED_OTHERWISE
        for resident_id in (merged, kept):
            self._audit.record(
                Action.RESIDENT_CHANGED,
                resident_id=resident_id,
                detail={"source": SYSTEM, "kind": notice.kind.value, "change": notice.notice_id},
                after={"merged": notice.other_atena_number, "into": notice.atena_number},
            )
        return None

    def _mark(self, notice: NumberNotice, mark: str) -> None:
        known = exists().where(AppliedChange.change_id == mark)
        if not self._session.scalar(select(known)):
            self._session.execute(
                insert(AppliedChange).values(
                    change_id=mark,
                    kind=notice.kind.value,
                    atena_number=notice.atena_number,
                    processed_at=notice.decided_at,
                    applied_at=self._now,
                )
            )

    def _keep(self, notice: NumberNotice, reason: Reason) -> None:
        usable = is_usable_number(notice.other_atena_number)
        keep(
            self._session,
            SYSTEM,
            reference=notice.notice_id,
            kind=notice.kind.value,
            atena_number=notice.other_atena_number if usable else None,
            reason=reason.value,
            payload=None,
            now=self._now,
        )
