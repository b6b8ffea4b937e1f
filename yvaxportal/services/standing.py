"""What an account may do where nobody signs in: on the command line, in whose name a batch runs."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from yvaxportal.models.staff import AclGrant, GroupMembership, StaffAccount


@dataclass(frozen=True, slots=True)
class Standing:
    """An account that is valid, its groups of today and what these hold."""

    staff_id: int
    groups: tuple[str, ...]
    permissions: frozenset[str]


def standing_of(session: Session, login: str, today: date) -> Standing | None:
    """Return how an account stands on ``today``; None for one that is not there, revoked or over."""
    staff_id = session.scalar(
        select(StaffAccount.id).where(
            StaffAccount.login == login,
            StaffAccount.revoked_at.is_(None),
            StaffAccount.valid_from <= today,
            or_(StaffAccount.valid_to.is_(None), StaffAccount.valid_to >= today),
        )
    )
    if staff_id is None:
        return None
    groups = session.scalars(
        select(GroupMembership.group_name)
        .where(
            GroupMembership.staff_id == staff_id,
            GroupMembership.valid_from <= today,
            or_(GroupMembership.valid_to.is_(None), GroupMembership.valid_to >= today),
        )
        .order_by(GroupMembership.group_name)
        .distinct()
    ).all()
    permissions = session.scalars(select(AclGrant.permission).where(AclGrant.group_name.in_(groups)))
    return Standing(staff_id, tuple(groups), frozenset(permissions))
