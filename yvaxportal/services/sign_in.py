"""Signing in: the password, the second factor, and what counts as a failure (measure M13)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from yvaxportal.models.staff import StaffAccount
from yvaxportal.services.bootstrap import totp_name
from yvaxportal.services.one_time_codes import fitting_step
from yvaxportal.services.passwords import hash_password, needs_rehash, verify_password
from yvaxportal.services.sessions import Address, HeldGroup
from yvaxportal.services.throttle import (
    address_throttle,
    count_failure,
    factor_throttle,
    forgive,
    locked_until,
    login_throttle,
)
from yvaxportal.vault.keyring import KeyRing


class SignInRefusedError(Exception):
    """Nobody was signed in. ``reason``: ``wrong``, ``locked`` (then ``until``), ``terminal``."""

    def __init__(self, reason: str, until: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.until = until


@dataclass(frozen=True, slots=True)
class Accepted:
    """The account whose password fitted."""

    staff_id: int
    login: str
    must_change_password: bool
    has_second_factor: bool


def check_password(
    session: Session,
    engine: Engine,
    key_ring: KeyRing,
    *,
    login: str,
    password: str,
    address: str,
    now: datetime,
    today: date,
) -> Accepted:
    """Return the account that the login and the password open.

    An unknown login, a wrong password, a revoked account and one out of its term are answered alike and
    take as long. Failures are counted on ``engine``, apart from the session's transaction.

    :raises SignInRefusedError: ``wrong`` or ``locked``.
    """
    counters = (login_throttle(key_ring, login), address_throttle(address))
    until = locked_until(engine, counters, now)
    if until is not None:
        raise SignInRefusedError("locked", until)
    account = session.scalar(select(StaffAccount).where(StaffAccount.login == login.strip().casefold()))
    fits = verify_password(password, account.password_hash if account else None)
    if account is None or not fits or not may_sign_in(account, today):
        count_failure(engine, counters, now)
        raise SignInRefusedError("wrong")
    forgive(engine, counters[0])
    if needs_rehash(account.password_hash):
        account.password_hash = hash_password(password)
    account.last_sign_in_at = now
    return Accepted(account.id, account.login, account.must_change_password, account.totp_secret is not None)


def may_sign_in(account: StaffAccount, today: date) -> bool:
    """Tell whether the account is in its term and not revoked."""
    in_term = account.valid_from <= today and (account.valid_to is None or today <= account.valid_to)
    return in_term and account.revoked_at is None


def refuse_terminal(groups: Iterable[HeldGroup], terminal: Address) -> None:
    """Refuse an account none of whose groups may be used from this terminal (measure M09).

    :raises SignInRefusedError: ``terminal``.
    """
    if not any(group.reachable_from(terminal) for group in groups):
        raise SignInRefusedError("terminal")


def check_code(
    session: Session,
    engine: Engine,
    key_ring: KeyRing,
    *,
    staff_id: int,
    code: str,
    now: datetime,
) -> None:
    """Accept a second-factor code: the present one or a neighbour, and each only once.

    :raises SignInRefusedError: ``wrong`` or ``locked``.
    """
    counter = factor_throttle(staff_id)
    until = locked_until(engine, (counter,), now)
    if until is not None:
        raise SignInRefusedError("locked", until)
    account = session.get_one(StaffAccount, staff_id, with_for_update=True)
    step = None
    if account.totp_secret is not None:
        secret = key_ring.open_secret(totp_name(account.login), account.totp_secret).decode("ascii")
        step = fitting_step(secret, code, now)
    if step is None or step <= (account.totp_last_step or 0):
        count_failure(engine, (counter,), now)
        raise SignInRefusedError("wrong")
    session.execute(update(StaffAccount).where(StaffAccount.id == staff_id).values(totp_last_step=step))
    forgive(engine, counter)
