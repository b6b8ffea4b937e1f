"""Changing who may do what: the matrix, memberships, and what waits for a second administrator.

Two rules hold whatever page or command asks: an administrator always remains, and nobody comes by a guarded
right alone: personal numbers, and administration, which could let in the second person that it takes
(measures M12, M13). All changes queue on one row, so that two administrators who save at once cannot
undermine each other.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as insert_new
from sqlalchemy.orm import Session, aliased

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.staff import (
    AclGrant,
    AclProposal,
    AclVersion,
    GroupMembership,
    StaffAccount,
    StaffGroup,
)

Cell = tuple[str, str]
#: What an account must hold, in whatever groups, to count as an administrator.
ADMINISTRATION = frozenset({"acl:edit", "account:manage"})


class AclRefusedError(Exception):
    """The change is against a rule: ``last_administrator``, ``own_gain``, ``same_person``, ``gone``."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class AclChangedError(Exception):
    """Somebody else changed the matrix since the page was shown."""


@dataclass(frozen=True, slots=True)
class MatrixChange:
    """What one save did: cells granted and withdrawn at once, and proposals that now wait."""

    granted: tuple[Cell, ...]
    withdrawn: tuple[Cell, ...]
    proposed: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A proposal as the page lists it. ``who`` and ``valid_to`` are of a membership."""

    id: int
    kind: str
    group_name: str
    permission: str | None
    who: str | None
    proposed_by: str
    proposed_by_id: int
    proposed_at: datetime
    valid_to: date | None


def matrix(session: Session) -> frozenset[Cell]:
    """Return every granted cell as (group, permission)."""
    rows = session.execute(select(AclGrant.group_name, AclGrant.permission))
    return frozenset((row.group_name, row.permission) for row in rows)


def lock_matrix(session: Session) -> int:
    """Wait for other changes, then return the version of the matrix."""
    return session.execute(select(AclVersion.version).with_for_update()).scalar_one()


def bump(session: Session) -> None:
    """Tell every process to read the matrix again."""
    session.execute(update(AclVersion).values(version=AclVersion.version + 1))


def save_matrix(
    session: Session,
    audit: AuditTrail,
    *,
    wanted: Iterable[Cell],
    shown_version: int,
    guarded: Collection[str],
    staff_id: int,
    today: date,
    now: datetime,
) -> MatrixChange:
    """Make the matrix what ``wanted`` says; grants of ``guarded`` permissions become proposals.

    :param shown_version: the version the page was made from.
    :raises AclChangedError: the matrix has changed since.
    :raises AclRefusedError: no administrator would remain, or the proposer would gain a guarded right.
    """
    if lock_matrix(session) != shown_version:
        raise AclChangedError
    present, target = matrix(session), frozenset(wanted)
    added = sorted(target - present)
    granted = tuple(cell for cell in added if cell[1] not in guarded)
    withdrawn = tuple(sorted(present - target))
    waiting = {(p.group_name, p.permission) for p in pending(session) if p.kind == "grant"}
    proposed = tuple(cell for cell in added if cell[1] in guarded and cell not in waiting)
    for group, permission in proposed:
        propose_grant(
            session, audit, group=group, permission=permission, staff_id=staff_id, today=today, now=now
        )
    for group, permission in granted:
        session.execute(insert(AclGrant).values(group_name=group, permission=permission))
    for group, permission in withdrawn:
        session.execute(
            delete(AclGrant).where(AclGrant.group_name == group, AclGrant.permission == permission)
        )
    if granted or withdrawn:
        refuse_without_administrator(session, today)
        bump(session)
        audit.record(
            Action.ACL_CHANGED,
            before={"withdrawn": [":".join(cell) for cell in withdrawn]},
            after={"granted": [":".join(cell) for cell in granted]},
        )
    return MatrixChange(granted, withdrawn, proposed)


def propose_grant(
    session: Session,
    audit: AuditTrail,
    *,
    group: str,
    permission: str,
    staff_id: int,
    today: date,
    now: datetime,
) -> None:
    """Ask a second administrator to give ``group`` a guarded permission.

    :raises AclRefusedError: ``own_gain``, the proposer belongs to the group.
    """
    if belongs(session, staff_id, group, today):
        raise AclRefusedError("own_gain")
    session.execute(
        insert(AclProposal).values(
            kind="grant", group_name=group, permission=permission, proposed_by=staff_id, proposed_at=now
        )
    )
    audit.record(Action.ACL_PROPOSED, subject=f"group:{group}", detail={"permission": permission})


def add_membership(
    session: Session,
    audit: AuditTrail,
    *,
    member_id: int,
    group: str,
    valid_to: date | None,
    guarded: Collection[str],
    staff_id: int,
    today: date,
    now: datetime,
) -> bool:
    """Put an account into a group from today on; False when it waits for a second administrator.

    :raises AclRefusedError: ``own_gain``, somebody would let themself into a group with a guarded right.
    """
    lock_matrix(session)
    if holds_guarded(session, group, guarded):
        if member_id == staff_id:
            raise AclRefusedError("own_gain")
        session.execute(
            insert(AclProposal).values(
                kind="membership",
                group_name=group,
                staff_id=member_id,
                proposed_by=staff_id,
                proposed_at=now,
                valid_to=valid_to,
            )
        )
        audit.record(
            Action.ACL_PROPOSED,
            subject=f"staff:{member_id}",
            detail={"group": group, "valid_to": valid_to},
        )
        return False
    join_group(session, member_id, group, today, valid_to)
    audit.record(
        Action.ACCOUNT_CHANGED,
        subject=f"staff:{member_id}",
        after={"group": group, "valid_to": valid_to},
    )
    return True


def end_membership(session: Session, audit: AuditTrail, *, member_id: int, group: str, today: date) -> None:
    """Take an account out of a group at once.

    :raises AclRefusedError: ``last_administrator``.
    """
    lock_matrix(session)
    session.execute(
        delete(GroupMembership).where(
            GroupMembership.staff_id == member_id, GroupMembership.group_name == group
        )
    )
    refuse_without_administrator(session, today)
    audit.record(Action.ACCOUNT_CHANGED, subject=f"staff:{member_id}", before={"group": group})


def decide(
    session: Session,
    audit: AuditTrail,
    *,
    proposal_id: int,
    accepted: bool,
    staff_id: int,
    today: date,
    now: datetime,
) -> Pending:
    """Accept or reject what another administrator proposed.

    :raises AclRefusedError: ``gone``, ``same_person`` (one's own proposal) or ``own_gain``.
    """
    lock_matrix(session)
    proposal = next((p for p in pending(session) if p.id == proposal_id), None)
    if proposal is None:
        raise AclRefusedError("gone")
    row = session.get_one(AclProposal, proposal_id)
    if accepted:
        if row.proposed_by == staff_id:
            raise AclRefusedError("same_person")
        # Of the proposer too: they may have joined the group since they proposed.
        gains = row.staff_id == staff_id or (
            row.kind == "grant"
            and any(belongs(session, who, row.group_name, today) for who in (staff_id, row.proposed_by))
        )
        if gains:
            raise AclRefusedError("own_gain")
        if row.kind == "grant":
            session.execute(
                insert_new(AclGrant)
                .values(group_name=row.group_name, permission=row.permission)
                .on_conflict_do_nothing()
            )
            bump(session)
        elif row.staff_id is not None:
            join_group(session, row.staff_id, row.group_name, today, row.valid_to)
    # A proposer may take back what they asked for; the table keeps "decided by another" for acceptance.
    session.execute(
        update(AclProposal)
        .where(AclProposal.id == proposal_id)
        .values(
            decided_by=None if row.proposed_by == staff_id else staff_id, decided_at=now, accepted=accepted
        )
    )
    audit.record(
        Action.ACL_DECIDED,
        subject=f"group:{proposal.group_name}",
        detail={"accepted": accepted, "permission": proposal.permission, "member": proposal.who},
    )
    return proposal


def pending(session: Session) -> Sequence[Pending]:
    """Return what waits for a second administrator, oldest first."""
    proposer, member = _aliases()
    rows = session.execute(
        select(
            AclProposal.id,
            AclProposal.kind,
            AclProposal.group_name,
            AclProposal.permission,
            member.display_name,
            proposer.display_name.label("proposer_name"),
            AclProposal.proposed_by,
            AclProposal.proposed_at,
            AclProposal.valid_to,
        )
        .join(proposer, proposer.id == AclProposal.proposed_by)
        .outerjoin(member, member.id == AclProposal.staff_id)
        .where(AclProposal.decided_at.is_(None))
        .order_by(AclProposal.id)
    )
    return [Pending(*row) for row in rows]


def _aliases() -> tuple[type[StaffAccount], type[StaffAccount]]:
    return aliased(StaffAccount), aliased(StaffAccount)


def belongs(session: Session, staff_id: int, group: str, today: date) -> bool:
    """Tell whether an account is in a group today or will be."""
    found = session.scalar(
        select(
            exists().where(
                GroupMembership.staff_id == staff_id,
                GroupMembership.group_name == group,
                or_(GroupMembership.valid_to.is_(None), GroupMembership.valid_to >= today),
            )
        )
    )
    return bool(found)


def holds_guarded(session: Session, group: str, guarded: Collection[str]) -> bool:
    """Tell whether a group holds one of the guarded permissions."""
    found = session.scalar(
        select(exists().where(AclGrant.group_name == group, AclGrant.permission.in_(guarded)))
    )
    return bool(found)


def leave_guarded_groups(
    session: Session, audit: AuditTrail, *, member_id: int, guarded: Collection[str], today: date
) -> Sequence[str]:
    """Take an account out of every group that holds a guarded permission; return those groups.

    :raises AclRefusedError: ``last_administrator``.
    """
    names = session.scalars(
        select(GroupMembership.group_name).where(GroupMembership.staff_id == member_id)
    ).all()
    left = sorted({name for name in names if holds_guarded(session, name, guarded)})
    for name in left:
        end_membership(session, audit, member_id=member_id, group=name, today=today)
    return left


def count_administrators(session: Session, today: date) -> int:
    """Return how many accounts can administer the portal today."""
    session.flush()
    held = (
        select(func.count(AclGrant.permission.distinct()))
        .join(GroupMembership, GroupMembership.group_name == AclGrant.group_name)
        .where(
            GroupMembership.staff_id == StaffAccount.id,
            GroupMembership.valid_from <= today,
            or_(GroupMembership.valid_to.is_(None), GroupMembership.valid_to >= today),
            AclGrant.permission.in_(ADMINISTRATION),
        )
        .correlate(StaffAccount)
        .scalar_subquery()
    )
    found = session.scalar(
        select(func.count())
        .select_from(StaffAccount)
        .where(
            StaffAccount.revoked_at.is_(None),
            StaffAccount.valid_from <= today,
            or_(StaffAccount.valid_to.is_(None), StaffAccount.valid_to >= today),
            held == len(ADMINISTRATION),
        )
    )
    return found or 0


def refuse_without_administrator(session: Session, today: date) -> None:
    """Refuse a state in which nobody could administer any more; call it before the transaction ends.

    :raises AclRefusedError: ``last_administrator``.
    """
    if not count_administrators(session, today):
        raise AclRefusedError("last_administrator")


def groups(session: Session) -> Sequence[StaffGroup]:
    """Return all groups, built-in ones first."""
    return session.scalars(select(StaffGroup).order_by(StaffGroup.built_in.desc(), StaffGroup.name)).all()


def group_labels(session: Session, *, japanese: bool) -> Mapping[str, str]:
    """Return the label of each group by name."""
    return {group.name: group.label_ja if japanese else group.label_en for group in groups(session)}


def join_group(session: Session, member_id: int, group: str, today: date, valid_to: date | None) -> None:
    """Put an account into a group from ``today`` on, without asking; callers keep the rules."""
    session.execute(
        insert_new(GroupMembership)
        .values(staff_id=member_id, group_name=group, valid_from=today, valid_to=valid_to)
        .on_conflict_do_update(
            index_elements=[
                GroupMembership.staff_id,
                GroupMembership.group_name,
                GroupMembership.valid_from,
            ],
            set_={"valid_to": valid_to},
        )
    )
