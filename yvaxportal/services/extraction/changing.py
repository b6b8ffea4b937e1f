"""What is done to a saved list by hand, with a reason: people added and removed, the list withdrawn.

Of two who change a list at once one wins: the list's revision is raised in the same statement that checks it.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ExtractionState, MemberStanding
from yvaxportal.models.extraction import ExtractionMember, TargetExtraction
from yvaxportal.models.resident import Resident, ResidentContact
from yvaxportal.services.detail_changes import ChangedMeanwhileError, NothingToChangeError


class WithdrawnError(Exception):
    """The list was withdrawn: nothing is changed on it any more."""


class StandsAlreadyError(Exception):
    """The person is on the list already, or is not on it already."""


def add_person(
    session: Session,
    audit: AuditTrail,
    extraction_id: int,
    resident_id: int,
    *,
    reason: str,
    revision: int,
    staff_id: int,
    now: datetime,
) -> None:
    """Put somebody on a list whom its rules, or a hand, left out. What a rule said of them is kept.

    :raises ChangedMeanwhileError: the list was changed since ``revision``.
    :raises WithdrawnError: the list was withdrawn.
    :raises StandsAlreadyError: the person is on it.
    """
    _raise_revision(session, extraction_id, revision)
    member = session.get(ExtractionMember, (extraction_id, resident_id), populate_existing=True)
    if member is None:
        member = _new_member(session, extraction_id, resident_id)
        session.add(member)
    elif member.excluded_by is None and member.standing is not MemberStanding.REMOVED:
        raise StandsAlreadyError
    elif member.excluded_by is not None:
        member.detail = {**(member.detail or {}), "excluded_by": member.excluded_by}
    member.excluded_by = None
    _by_hand(member, MemberStanding.ADDED, reason, staff_id, now)
    session.flush()
    _record(audit, extraction_id, resident_id, act="add", reason=reason)


def remove_person(
    session: Session,
    audit: AuditTrail,
    extraction_id: int,
    resident_id: int,
    *,
    reason: str,
    revision: int,
    staff_id: int,
    now: datetime,
) -> None:
    """Take somebody off a list.

    :raises ChangedMeanwhileError: the list was changed since ``revision``.
    :raises WithdrawnError: the list was withdrawn.
    :raises StandsAlreadyError: the person is not on it.
    """
    _raise_revision(session, extraction_id, revision)
    member = session.get(ExtractionMember, (extraction_id, resident_id), populate_existing=True)
    if member is None or member.excluded_by is not None or member.standing is MemberStanding.REMOVED:
        raise StandsAlreadyError
    _by_hand(member, MemberStanding.REMOVED, reason, staff_id, now)
    session.flush()
    _record(audit, extraction_id, resident_id, act="remove", reason=reason)


def withdraw_list(
    session: Session,
    audit: AuditTrail,
    extraction_id: int,
    *,
    reason: str,
    revision: int,
    staff_id: int,
    now: datetime,
) -> None:
    """Withdraw a whole list: it stays readable and is used for nothing any more.

    :raises ChangedMeanwhileError: the list was changed since ``revision``.
    :raises WithdrawnError: the list was withdrawn already.
    """
    _raise_revision(session, extraction_id, revision)
    session.execute(
        update(TargetExtraction)
        .where(TargetExtraction.id == extraction_id)
        .values(
            state=ExtractionState.WITHDRAWN,
            withdrawn_by=staff_id,
            withdrawn_at=now,
            withdraw_reason=reason,
        )
        .execution_options(synchronize_session=False),
    )
    audit.record(
        Action.EXTRACTION_WITHDRAWN, subject=f"extraction:{extraction_id}", detail={"reason": reason}
    )


def _raise_revision(session: Session, extraction_id: int, expected: int) -> None:
    """Raise the revision, or tell why it cannot be; from here on nobody else changes the list."""
    raised = session.execute(
        update(TargetExtraction)
        .where(
            TargetExtraction.id == extraction_id,
            TargetExtraction.revision == expected,
            TargetExtraction.state == ExtractionState.SAVED,
        )
        .values(revision=expected + 1)
        .returning(TargetExtraction.id)
        .execution_options(synchronize_session=False),
    ).one_or_none()
    if raised is not None:
        return
    stands = session.execute(
        select(TargetExtraction.state, TargetExtraction.revision).where(TargetExtraction.id == extraction_id),
    ).one_or_none()
    if stands is None:
        raise NothingToChangeError
    if stands.state is ExtractionState.WITHDRAWN:
        raise WithdrawnError
    raise ChangedMeanwhileError({}, stands.revision)


def _new_member(session: Session, extraction_id: int, resident_id: int) -> ExtractionMember:
    """Return the row of somebody who was not in the base cohort. NoResultFound for an unknown id."""
    person = session.execute(
        select(
            Resident.date_of_birth_written,
            Resident.sex,
            Resident.support_measure_flag,
            ResidentContact.address_town_code,
        )
        .outerjoin(ResidentContact, ResidentContact.resident_id == Resident.id)
        .where(Resident.id == resident_id),
    ).one()
    return ExtractionMember(
        extraction_id=extraction_id,
        resident_id=resident_id,
        detail={"outside": True},
        date_of_birth_written=person.date_of_birth_written,
        sex=person.sex,
        address_town_code=None if person.support_measure_flag else person.address_town_code,
        support_measure=person.support_measure_flag,
    )


def _by_hand(
    member: ExtractionMember, standing: MemberStanding, reason: str, staff_id: int, now: datetime
) -> None:
    member.standing, member.standing_reason = standing, reason
    member.standing_by, member.standing_at = staff_id, now


def _record(audit: AuditTrail, extraction_id: int, resident_id: int, *, act: str, reason: str) -> None:
    audit.record(
        Action.EXTRACTION_CHANGED,
        resident_id=resident_id,
        subject=f"extraction:{extraction_id}",
        detail={"act": act, "reason": reason},
    )
