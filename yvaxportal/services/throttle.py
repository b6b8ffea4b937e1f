"""Slowing down those who guess: a delay that grows with each failure, for a login and for a terminal.

A login that nobody has is throttled like any other, so that the delay does not tell which accounts exist.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from yvaxportal.models.staff import SignInThrottle
from yvaxportal.vault.keyring import KeyRing

FORGOTTEN_AFTER = timedelta(hours=24)
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Throttle:
    """One counter. The delay begins with failure number ``free_failures`` + 1 and doubles with each more."""

    key: str
    free_failures: int


def login_throttle(key_ring: KeyRing, login: str) -> Throttle:
    """Return the counter of a typed login.

    What was typed may be a password or a personal number: neither it nor a hash that can be guessed is kept.
    """
    typed = b"login\x00" + login.strip().casefold().encode("utf-8")
    return Throttle(f"login:{key_ring.blind_index(key_ring.active, typed).hex()}", 4)


def address_throttle(address: str) -> Throttle:
    """Return the counter of a terminal; several people may share one."""
    return Throttle(f"address:{address}", 20)


def factor_throttle(staff_id: int) -> Throttle:
    """Return the counter of second-factor codes of an account."""
    return Throttle(f"factor:{staff_id}", 4)


def delay_after(failures: int, free_failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row."""
    beyond = failures - free_failures
    if beyond <= 0:
        return timedelta()
    doubled: int = 2 ** min(beyond - 1, 10)
    return min(FIRST_DELAY * doubled, LONGEST_DELAY)


def locked_until(engine: Engine, throttles: tuple[Throttle, ...], now: datetime) -> datetime | None:
    """Return until when any of the counters asks to wait, None when none does."""
    keys = [throttle.key for throttle in throttles]
    with engine.connect() as connection:
        until: datetime | None = connection.scalar(
            select(func.max(SignInThrottle.locked_until)).where(
                SignInThrottle.key.in_(keys),
                SignInThrottle.locked_until > now,
            ),
        )
    return until


def count_failure(engine: Engine, throttles: tuple[Throttle, ...], now: datetime) -> None:
    """Count a failure on every counter, committed at once: the failed request itself is rolled back."""
    with engine.begin() as connection:
        for throttle in throttles:
            statement = insert(SignInThrottle).values(key=throttle.key, failures=1, last_failure_at=now)
            forgotten = SignInThrottle.last_failure_at < now - FORGOTTEN_AFTER
            failures: int = connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[SignInThrottle.key],
                    set_={
                        "failures": case((forgotten, 1), else_=SignInThrottle.failures + 1),
                        "last_failure_at": now,
                    },
                ).returning(SignInThrottle.failures),
            ).scalar_one()
            delay = delay_after(failures, throttle.free_failures)
            if delay:
                connection.execute(
                    update(SignInThrottle)
                    .where(SignInThrottle.key == throttle.key)
                    .values(locked_until=now + delay),
                )


def forgive(engine: Engine, throttle: Throttle) -> None:
    """Forget the failures of a counter after a success."""
    with engine.begin() as connection:
        connection.execute(delete(SignInThrottle).where(SignInThrottle.key == throttle.key))
