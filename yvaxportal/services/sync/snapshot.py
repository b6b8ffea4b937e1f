"""The first load: everybody whom the register has, in pieces, each kept as soon as it is whole.

A load that was broken off, however, goes on after the last piece. People who are here and not in the register
are named afterwards and stay.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.adapters.messages.resident_register import RegisteredPerson
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.models.resident import Resident
from yvaxportal.models.sync import RegisterVersion
from yvaxportal.services.sync.changes import SYSTEM, Outcome
from yvaxportal.services.sync.judging import Reason, judge, payload_of
from yvaxportal.services.sync.people import SOURCE, WorkingSet
from yvaxportal.services.sync.refusals import keep

PIECE = 1_000
_NAMED = 1_000


def pieces(people: Iterable[RegisteredPerson]) -> Iterator[list[RegisteredPerson]]:
    """Cut a stream into pieces."""
    stream = iter(people)
    while piece := list(islice(stream, PIECE)):
        yield piece


def take_over(
    session: Session,
    audit: AuditTrail,
    people: list[RegisteredPerson],
    *,
    snapshot_id: str,
    municipality_code: str,
    now: datetime,
) -> Outcome:
    """Take over one piece in the caller's transaction; told to the audit log once for all who are new."""
    held = WorkingSet(session, audit, now)
    held.load(person.atena_number for person in people)
    outcome, new = Outcome(), 0
    for person in people:
        known = held.find(person.atena_number)
        reason = judge(
            person,
            known_version=None if known is None else known.version,
            municipality_code=municipality_code,
            now=now,
        )
        if reason is None and held.cannot_enter(person.atena_number):
            reason = Reason.BUSINESS_NUMBER_TAKEN
        if reason is not None:
            outcome.counts[reason.value] += 1
            keep(
                session,
                SYSTEM,
                reference=f"{snapshot_id}/{person.atena_number}",
                kind="snapshot",
                atena_number=person.atena_number,
                reason=reason.value,
                payload=payload_of(person),
                now=now,
            )
            continue
        new += known is None
        detail = None if known is None else {"source": SOURCE, "kind": "snapshot"}
        held.put(person, detail=detail)
        outcome.counts["applied"] += 1
        if person.personal_number is not None:
            outcome.numbers[person.atena_number] = person.personal_number
    held.flush()
    if new:
        audit.record(
            Action.RESIDENT_CHANGED,
            subject=f"snapshot:{snapshot_id}",
            detail={
                "source": SOURCE,
                "kind": "snapshot",
                "new": new,
                "from": people[0].atena_number,
                "to": people[-1].atena_number,
            },
        )
    return outcome


def name_missing(session: Session, *, snapshot_id: str, since: datetime, now: datetime) -> int:
    """Keep a finding for residents here whom the snapshot did not have; return how many (1,000 at most)."""
    missing = session.scalars(
        select(Resident.atena_number)
        .outerjoin(RegisterVersion, RegisterVersion.resident_id == Resident.id)
        .where(
            Resident.resident_category == ResidentCategory.RESIDENT,
            (RegisterVersion.taken_at.is_(None)) | (RegisterVersion.taken_at < since),
        )
        .order_by(Resident.id)
        .limit(_NAMED)
    ).all()
    for number in missing:
        keep(
            session,
            SYSTEM,
            reference=f"{snapshot_id}/{number}",
            kind="snapshot",
            atena_number=number,
            reason=Reason.NOT_IN_REGISTER.value,
            payload=None,
            now=now,
        )
    return len(missing)
