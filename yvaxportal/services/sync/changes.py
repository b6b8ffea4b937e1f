"""One page of the register's changes: each has its effect once, in order, or is refused and kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, exists, insert, select
from sqlalchemy.orm import Session

from yvaxportal.adapters.messages.resident_register import ChangeKind, RegisterChange
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import MergeSource, ResidentCategory
from yvaxportal.models.dose import Dose
from yvaxportal.models.sync import AppliedChange
from yvaxportal.models.ticket import Certificate, Ticket
from yvaxportal.services.sync.judging import Reason, is_usable_number, judge, payload_of
from yvaxportal.services.sync.merging import MergedOtherwiseError, Told, merge
from yvaxportal.services.sync.people import SOURCE, WorkingSet
from yvaxportal.services.sync.refusals import keep
from yvaxportal.services.sync.standing import merged_away
from yvaxportal.values.personal_number import PersonalNumber

SYSTEM = "resident_register"


@dataclass
class Outcome:
    """What became of some deliveries: how many of each end, and the numbers that go to the vault.

    :param counts: ``applied``, ``duplicate``, or a reason of ``judging``.
    :param numbers: by atena number, the last one that came; never printed.
    """

    counts: Counter[str] = field(default_factory=Counter)
    numbers: dict[str, PersonalNumber] = field(default_factory=dict, repr=False)

    def add(self, other: "Outcome") -> None:
        """Add what became of others."""
        self.counts += other.counts


class Applying:
    """Applies changes in one transaction; the caller commits."""

    def __init__(self, session: Session, audit: AuditTrail, *, municipality_code: str, now: datetime) -> None:
        self._session = session
        self._audit = audit
        self._municipality_code = municipality_code
        self._now = now
        self._people = WorkingSet(session, audit, now)
        self._outcome = Outcome()
        self._merged_away: set[str] = set()

    def apply(self, changes: Sequence[RegisterChange]) -> Outcome:
        """Apply a page, in its order."""
        done = self._applied(changes)
        self._people.load(_numbers(changes))
        self._merged_away = merged_away(self._session, _numbers(changes))
        marks = []
        for change in changes:
            if change.change_id in done:
                self._outcome.counts["duplicate"] += 1
                self._remember_number(change)
                continue
            reason = self._refused(change) or self._effect(change)
            if reason is not None:
                self._refuse(change, reason)
                continue
            self._remember_number(change)
            done.add(change.change_id)
            marks.append(change)
        self._people.flush()
        self._mark(marks)
        self._outcome.counts["applied"] += len(marks)
        return self._outcome

    def _applied(self, changes: Sequence[RegisterChange]) -> set[str]:
        ids = [change.change_id for change in changes]
        return set(
            self._session.scalars(select(AppliedChange.change_id).where(AppliedChange.change_id.in_(ids)))
        )

    def _refused(self, change: RegisterChange) -> Reason | None:
        if not is_usable_number(change.atena_number):
            return Reason.BAD_ATENA_NUMBER
        if change.person is None:
            return None
        held = self._people.find(change.atena_number)
        return judge(
            change.person,
            known_version=None if held is None else held.version,
            municipality_code=self._municipality_code,
            now=self._now,
        )

    def _effect(self, change: RegisterChange) -> Reason | None:
        if change.kind is ChangeKind.MERGED:
            return self._merge(change)
        if change.person is None:
            return self._remove(change)
        if self._people.cannot_enter(change.atena_number):
            return Reason.BUSINESS_NUMBER_TAKEN
        self._people.put(
            change.person,
            ends_measure=change.kind is ChangeKind.SUPPORT_MEASURE_ENDED,
            detail={"source": SOURCE, "kind": change.kind.value, "change": change.change_id},
        )
        if change.kind is ChangeKind.SPLIT or change.atena_number in self._merged_away:
            # A new number, or one that was merged and is somebody again: which doses are whose only a person
            # can tell. It begins without any.
            self._keep(change, Reason.SPLIT_TO_DECIDE)
        return None

    def _merge(self, change: RegisterChange) -> Reason | None:
        gone, kept = (
            self._people.find(change.atena_number),
            self._people.find(change.other_atena_number or ""),
        )
        if gone is None:
            return None
        if kept is None or kept is gone:
            return Reason.OTHER_UNKNOWN
        self._people.flush()
        assert gone.id is not None  # noqa: S101 - flushed
        assert kept.id is not None  # noqa: S101 - flushed
        told = Told(change.change_id, change.occurred_on, MergeSource.REGISTER)
        try:
            if merge(self._session, kept=kept.id, merged=gone.id, told=told, now=self._now) is None:
                return None
        except MergedOtherwiseError:
            return Reason.MERGED_OTHERWISE
        self._merged_away.add(gone.atena_number)
        for resident_id in (gone.id, kept.id):
            self._audit.record(
                Action.RESIDENT_CHANGED,
                resident_id=resident_id,
                detail={"source": SOURCE, "kind": change.kind.value, "change": change.change_id},
                after={"merged": gone.atena_number, "into": kept.atena_number},
            )
        self._people.forget(gone.atena_number, kept.atena_number)
        self._people.load([gone.atena_number, kept.atena_number])
        return None

    def _remove(self, change: RegisterChange) -> Reason | None:
        held = self._people.find(change.atena_number)
        if held is None:
            return None
        self._people.flush()
        if self._session.scalar(select(_has_records(held.id))):
            return Reason.HAS_RECORDS
        before = held.resident["resident_category"]
        held.resident["resident_category"] = ResidentCategory.REMOVED
        held.as_of, held.touched = change.processed_at, True
        self._people.note(
            held,
            Action.RESIDENT_CHANGED,
            {
                "detail": {"source": SOURCE, "kind": change.kind.value, "change": change.change_id},
                "before": {"resident_category": before},
                "after": {"resident_category": ResidentCategory.REMOVED},
            },
        )
        return None

    def _remember_number(self, change: RegisterChange) -> None:
        if change.person is not None and change.person.personal_number is not None:
            self._outcome.numbers[change.atena_number] = change.person.personal_number

    def _refuse(self, change: RegisterChange, reason: Reason) -> None:
        self._outcome.counts[reason.value] += 1
        self._keep(change, reason)

    def _keep(self, change: RegisterChange, reason: Reason) -> None:
        keep(
            self._session,
            SYSTEM,
            reference=change.change_id,
            kind=change.kind.value,
            atena_number=change.atena_number if is_usable_number(change.atena_number) else None,
            reason=reason.value,
            payload=payload_of(change),
            now=self._now,
        )

    def _mark(self, changes: Sequence[RegisterChange]) -> None:
        if changes:
            self._session.execute(
                insert(AppliedChange),
                [
                    {
                        "change_id": change.change_id,
                        "kind": change.kind.value,
                        "atena_number": change.atena_number,
                        "processed_at": change.processed_at,
                        "applied_at": self._now,
                    }
                    for change in changes
                ],
            )


def _numbers(changes: Iterable[RegisterChange]) -> set[str]:
    return {
        number
        for change in changes
        for number in (change.atena_number, change.other_atena_number)
        if number is not None
    }


def _has_records(resident_id: int | None) -> ColumnElement[bool]:
    return (
        exists().where(Dose.resident_id == resident_id)
        | exists().where(Ticket.resident_id == resident_id)
        | exists().where(Certificate.resident_id == resident_id)
    )
