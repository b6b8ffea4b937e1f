"""Looking after staff accounts (measures M13 and M44): create, limit, revoke at once, reset."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import create_engine, exists, func, insert, or_, pool, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.staff import GroupMembership, PasswordHistory, StaffAccount
from yvaxportal.services.acl import leave_guarded_groups, lock_matrix, refuse_without_administrator
from yvaxportal.services.bootstrap import create_account
from yvaxportal.services.passwords import REMEMBERED, hash_password, password_fault, verify_password
from yvaxportal.services.sessions import end_sessions_of
from yvaxportal.vault.keyring import KeyRing

UNUSED_AFTER = timedelta(days=90)
# Without letters and digits that look alike when read from a slip of paper.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


#: A login stands in the address of its page, beside the page that makes new accounts.
RESERVED_LOGINS = frozenset({"new"})


class LoginTakenError(ValueError):
    """An account with this login exists, or the portal needs the word itself."""


class PasswordRefusedError(ValueError):
    """A new password is refused: ``fault`` of ``password_fault``, or ``present`` (the old one is wrong)."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One line of the list of accounts."""

    id: int
    login: str
    display_name: str
    groups: tuple[str, ...]
    valid_from: date
    valid_to: date | None
    revoked_at: datetime | None
    last_sign_in_at: datetime | None
    has_second_factor: bool
    created_at: datetime

    def is_unused(self, now: datetime) -> bool:
        """Tell whether nobody has signed in for so long that the account should be looked at."""
        return self.revoked_at is None and now - (self.last_sign_in_at or self.created_at) > UNUSED_AFTER


def list_accounts(session: Session, today: date) -> Sequence[AccountRow]:
    """Return every account with its groups of today, by login."""
    names = (
        select(func.array_agg(aggregate_order_by(GroupMembership.group_name, GroupMembership.group_name)))
        .where(
            GroupMembership.staff_id == StaffAccount.id,
            GroupMembership.valid_from <= today,
            or_(GroupMembership.valid_to.is_(None), GroupMembership.valid_to >= today),
        )
        .correlate(StaffAccount)
        .scalar_subquery()
    )
    rows = session.execute(select(StaffAccount, names.label("groups")).order_by(StaffAccount.login))
    return [
        AccountRow(
            id=account.id,
            login=account.login,
            display_name=account.display_name,
            groups=tuple(groups or ()),
            valid_from=account.valid_from,
            valid_to=account.valid_to,
            revoked_at=account.revoked_at,
            last_sign_in_at=account.last_sign_in_at,
            has_second_factor=account.totp_secret is not None,
            created_at=account.created_at,
        )
        for account, groups in rows
    ]


def has_demo_accounts(url: str) -> bool:
    """Tell whether somebody can still sign in with a demo account; SQLAlchemyError if it cannot be asked."""
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        alive = exists().where(StaffAccount.is_demo, StaffAccount.revoked_at.is_(None))
        return bool(connection.scalar(select(alive)))


def account_by_login(session: Session, login: str) -> StaffAccount | None:
    """Return an account, None when there is none."""
    return session.scalar(select(StaffAccount).where(StaffAccount.login == login))


def temporary_password() -> str:
    """Return a password for one sign-in: four groups of five, easy to read out."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def open_account(
    session: Session,
    audit: AuditTrail,
    key_ring: KeyRing,
    *,
    login: str,
    display_name: str,
    valid_to: date | None,
    now: datetime,
) -> tuple[int, str]:
    """Create an account without groups; return its id and the temporary password, which is kept nowhere.

    :raises LoginTakenError: the login is in use, by a revoked account too: logins are never given twice.
    """
    if login in RESERVED_LOGINS:
        raise LoginTakenError
    password = temporary_password()
    try:
        with session.begin_nested():
            staff_id = create_account(
                session,
                key_ring,
                login=login,
                display_name=display_name,
                password=password,
                groups=(),
                now=now,
                valid_to=valid_to,
            )
    except IntegrityError:
        raise LoginTakenError from None
    audit.record(Action.ACCOUNT_CREATED, subject=f"staff:{staff_id}", after={"login": login})
    return staff_id, password


def change_account(
    session: Session,
    audit: AuditTrail,
    account: StaffAccount,
    *,
    display_name: str,
    valid_to: date | None,
    today: date,
) -> None:
    """Change the name or the last day.

    :raises AclRefusedError: ``last_administrator``.
    """
    lock_matrix(session)
    before = {"display_name": account.display_name, "valid_to": account.valid_to}
    account.display_name, account.valid_to = display_name, valid_to
    refuse_without_administrator(session, today)
    audit.record(
        Action.ACCOUNT_CHANGED,
        subject=f"staff:{account.id}",
        before=before,
        after={"display_name": display_name, "valid_to": valid_to},
    )


def revoke_account(
    session: Session, audit: AuditTrail, account: StaffAccount, *, today: date, now: datetime
) -> None:
    """End an account and all its sessions; the next request of whoever is signed in finds it closed.

    :raises AclRefusedError: ``last_administrator``.
    """
    lock_matrix(session)
    account.revoked_at = now
    refuse_without_administrator(session, today)
    ended = end_sessions_of(session, account.id, now=now, reason="revoked")
    audit.record(Action.ACCOUNT_REVOKED, subject=f"staff:{account.id}", detail={"sessions_ended": ended})


def reset_password(
    session: Session,
    audit: AuditTrail,
    account: StaffAccount,
    *,
    guarded: Collection[str],
    today: date,
    now: datetime,
) -> tuple[str, Sequence[str]]:
    """Set a temporary password that must be changed, end all sessions; return it and the groups left.

    The second factor stays: whoever resets a password cannot act as that person with it. An account that has
    none yet leaves the groups with ``guarded`` rights, because the next to sign in sets up the factor.

    :raises AclRefusedError: ``last_administrator``.
    """
    lock_matrix(session)
    left: Sequence[str] = ()
    if account.totp_secret is None:
        left = leave_guarded_groups(session, audit, member_id=account.id, guarded=guarded, today=today)
    password = temporary_password()
    _set_password(session, account, password, now)
    account.must_change_password = True
    end_sessions_of(session, account.id, now=now, reason="password")
    audit.record(
        Action.PASSWORD_CHANGED, subject=f"staff:{account.id}", detail={"reset": True, "left": list(left)}
    )
    return password, left


def reset_second_factor(
    session: Session,
    audit: AuditTrail,
    account: StaffAccount,
    *,
    guarded: Collection[str],
    today: date,
    now: datetime,
) -> Sequence[str]:
    """Remove a lost second factor and end all sessions.

    The account leaves every group with ``guarded`` rights: otherwise one administrator alone, resetting
    password and second factor, could act as that person. Coming back takes a second administrator. Returns
    the groups that were left.

    :raises AclRefusedError: ``last_administrator``.
    """
    lock_matrix(session)
    account.totp_secret = None
    account.totp_last_step = None
    left = leave_guarded_groups(session, audit, member_id=account.id, guarded=guarded, today=today)
    end_sessions_of(session, account.id, now=now, reason="password")
    audit.record(
        Action.SECOND_FACTOR_CHANGED,
        subject=f"staff:{account.id}",
        detail={"reset": True, "left": list(left)},
    )
    return left


def change_own_password(
    session: Session,
    audit: AuditTrail,
    account: StaffAccount,
    *,
    present: str,
    new: str,
    now: datetime,
    session_id: int,
) -> None:
    """Change one's own password; every other session of the account ends.

    :raises PasswordRefusedError: the present one is wrong, or the new one is against the rules.
    """
    if not verify_password(present, account.password_hash):
        raise PasswordRefusedError("present")
    earlier = session.scalars(
        select(PasswordHistory.password_hash)
        .where(PasswordHistory.staff_id == account.id)
        .order_by(PasswordHistory.id.desc())
        .limit(REMEMBERED)
    ).all()
    fault = password_fault(new, login=account.login, earlier=[account.password_hash, *earlier])
    if fault is not None:
        raise PasswordRefusedError(fault)
    _set_password(session, account, new, now)
    account.must_change_password = False
    end_sessions_of(session, account.id, now=now, reason="password", but=session_id)
    audit.record(Action.PASSWORD_CHANGED, subject=f"staff:{account.id}")


def _set_password(session: Session, account: StaffAccount, password: str, now: datetime) -> None:
    session.execute(
        insert(PasswordHistory).values(
            staff_id=account.id, password_hash=account.password_hash, set_at=account.password_changed_at
        )
    )
    account.password_hash = hash_password(password)
    account.password_changed_at = now
