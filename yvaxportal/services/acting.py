"""Acting for an account outside the browser: a command runs as somebody, with that account's rights."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.audit.trail import Actor
from yvaxportal.models.staff import AclGrant, StaffAccount
from yvaxportal.services.sessions import groups_of


class NotAllowedError(Exception):
    """The account may not do this. ``rule``: ``account`` (none that is valid today) or ``permission``."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Acting:
    """An account that a command runs as."""

    staff_id: int
    actor: Actor


def acting(session: Session, login: str, permissions: Iterable[str], today: date) -> Acting:
    """Return the account with this login, which must hold every one of ``permissions`` today.

    :raises NotAllowedError: there is no such account, it was revoked or is out of its term, or it lacks one.
    """
    account = session.scalars(select(StaffAccount).where(StaffAccount.login == login)).one_or_none()
    valid = (
        account is not None
        and account.revoked_at is None
        and account.valid_from <= today
        and (account.valid_to is None or today <= account.valid_to)
    )
    if account is None or not valid:
        raise NotAllowedError("account")
    groups = tuple(group.name for group in groups_of(session, account.id, today))
    held = set(session.scalars(select(AclGrant.permission).where(AclGrant.group_name.in_(groups))))
    if not set(permissions) <= held:
        raise NotAllowedError("permission")
    return Acting(account.id, Actor(account.login, groups, None))
