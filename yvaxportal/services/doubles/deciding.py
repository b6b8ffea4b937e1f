"""What people decide about two numbers that may be one person. The portal itself merges nothing.

``told``: the register was told, and its answer is waited for. ``different``: two people, not listed again as
long as nothing of either changes. Both can be taken back. That two numbers *are* one person is the
register's to say; where it cannot tell the portal, staff write down what it decided (``record_merge``).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Table, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import DoubleState, MergeSource, ResidentCategory
from yvaxportal.models.double import ResidentDouble
from yvaxportal.models.resident import Resident
from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.sync import SyncRefusal
from yvaxportal.services.doubles.finding import sides_of
from yvaxportal.services.doubles.scoring import compare, fingerprint
from yvaxportal.services.sync.merging import MergedOtherwiseError, Told, merge
from yvaxportal.values.text import contains_personal_number

LONGEST_REASON = 500
_DOUBLE = cast("Table", ResidentDouble.__table__)
_DECIDED = frozenset({DoubleState.TOLD, DoubleState.DIFFERENT})


class DoubleRefusedError(ValueError):
    """Nothing was changed; ``rule`` says why.

    ``reason``; ``changed`` (somebody decided first, ``by`` and ``at``); ``state``; ``followed`` (the register
    tells the portal itself); ``future``; ``otherwise`` (an earlier merge has to be taken apart first);
    ``together`` (they are merged already).
    """

    def __init__(self, rule: str, *, by: str = "", at: datetime | None = None) -> None:
        super().__init__(rule)
        self.rule, self.by, self.at = rule, by, at


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides what about a pair, seen at a revision."""

    double_id: int
    revision: int
    state: DoubleState
    reason: str
    staff_id: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Merging:
    """What the register decided, as staff write it down.

    :param kept_id: the resident whose number remains.
    :param reference: by which the register's decision is found (document, date, who said so).
    """

    double_id: int
    revision: int
    kept_id: int
    decided_on: date
    reference: str
    reason: str
    staff_id: int
    now: datetime


def decide(session: Session, audit: AuditTrail, decision: Decision) -> ResidentDouble:
    """Keep what somebody decided; back to ``open`` takes an earlier decision back.

    :raises DoubleRefusedError: as it tells.
    """
    reason = _reason(decision.reason)
    double = _locked(session, decision.double_id, decision.revision)
    before = double.state
    reopens = decision.state is DoubleState.OPEN and before in _DECIDED
    closes = decision.state in _DECIDED and before in {DoubleState.OPEN, DoubleState.TOLD} - {decision.state}
    if not (reopens or closes):
        raise DoubleRefusedError("state")
    double.state, double.reason = decision.state, reason
    double.state_by, double.state_at = decision.staff_id, decision.now
    sides = sides_of(session, (double.first_id, double.second_id))
    double.fingerprint = fingerprint(*sides.values())
    session.flush()
    for resident_id in (double.first_id, double.second_id):
        audit.record(
            Action.DOUBLE_DECIDED,
            resident_id=resident_id,
            subject=f"double:{double.id}",
            detail={"reason": reason},
            before={"state": before},
            after={"state": double.state},
        )
    return double


def keep_different(
    session: Session, one: int, other: int, reason: str, *, staff_id: int, now: datetime
) -> None:
    """Keep that two residents are two people, whether or not they were ever listed."""
    sides = sides_of(session, sorted((one, other)))
    first, second = (sides[key] for key in sorted(sides))
    found = compare(first, second)
    decided = {
        "state": DoubleState.DIFFERENT,
        "state_by": staff_id,
        "state_at": now,
        "reason": reason,
        "fingerprint": fingerprint(first, second),
    }
    statement = insert(_DOUBLE).values(
        first_id=first.id,
        second_id=second.id,
        score=found.score,
        why=list(found.why),
        found_at=now,
        seen_at=now,
        revision=1,
        **decided,
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["first_id", "second_id"],
            set_={**decided, "revision": _DOUBLE.c.revision + 1},
        )
    )


def may_record_merge(session: Session, double: ResidentDouble, *, followed: Sequence[str]) -> bool:
    """Tell whether staff may write down a merge themselves.

    :param followed: the systems (``resident_register``, ``atena``) that tell the portal of merges by
        themselves. Of two people in the register it is the register; of somebody outside it is the atena
        system. Where that one is followed, its message is waited for, unless it came and was refused.
    """
    people = session.execute(
        select(Resident.atena_number, Resident.resident_category).where(
            Resident.id.in_((double.first_id, double.second_id))
        )
    ).all()
    outside = any(row.resident_category is ResidentCategory.NON_REGISTERED for row in people)
    if ("atena" if outside else "resident_register") not in followed:
        return True
    refused = exists().where(
        SyncRefusal.settled_at.is_(None),
        SyncRefusal.kind == "merged",
        SyncRefusal.atena_number.in_([row.atena_number for row in people]),
    )
    return bool(session.scalar(select(refused)))


def record_merge(
    session: Session, audit: AuditTrail, merging: Merging, *, followed: Sequence[str], today: date
) -> int:
    """Merge two numbers because the register did, and return the id of the merge.

    :raises DoubleRefusedError: as it tells.
    """
    reason, reference = _reason(merging.reason), _reason(merging.reference)
    if merging.decided_on > today:
        raise DoubleRefusedError("future")
    double = _locked(session, merging.double_id, merging.revision)
    if double.state not in {DoubleState.OPEN, DoubleState.TOLD}:
        raise DoubleRefusedError("state")
    if not may_record_merge(session, double, followed=followed):
        raise DoubleRefusedError("followed")
    pair = {double.first_id, double.second_id}
    if merging.kept_id not in pair:
        raise DoubleRefusedError("state")
    (gone,) = pair - {merging.kept_id}
    numbers: dict[int, Any] = {
        row.id: row.atena_number
        for row in session.execute(select(Resident.id, Resident.atena_number).where(Resident.id.in_(pair)))
    }
    told = Told(
        f"staff/{uuid.uuid4().hex.translate(_LETTERS)}",
        merging.decided_on,
        MergeSource.STAFF,
        merging.staff_id,
        reference,
        reason,
    )
    try:
        made = merge(session, kept=merging.kept_id, merged=gone, told=told, now=merging.now)
    except MergedOtherwiseError:
        raise DoubleRefusedError("otherwise") from None
    if made is None:
        raise DoubleRefusedError("together")
    for resident_id in (gone, merging.kept_id):
        audit.record(
            Action.RESIDENT_MERGED,
            resident_id=resident_id,
            subject=f"merge:{made}",
            detail={"reason": reason, "reference": reference},
            after={"merged": numbers[gone], "into": numbers[merging.kept_id]},
        )
    return made


# Letters only, so that no id is ever taken for a personal number.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def _reason(written: str) -> str:
    reason = written.strip()
    if not reason or len(reason) > LONGEST_REASON or contains_personal_number(reason):
        raise DoubleRefusedError("reason")
    return reason


def _locked(session: Session, double_id: int, revision: int) -> ResidentDouble:
    double = session.scalar(
        select(ResidentDouble)
        .where(ResidentDouble.id == double_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if double is None:
        raise DoubleRefusedError("state")
    if double.revision != revision:
        by = session.scalar(select(StaffAccount.display_name).where(StaffAccount.id == double.state_by))
        raise DoubleRefusedError("changed", by=by or "", at=double.state_at)
    return double
