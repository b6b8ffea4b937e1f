"""Changing the keys: every record is sealed again under a new key, a few at a time.

A rotation may be killed anywhere. What is done stays done, and the next run goes on where this one stopped:
a new key is made only when no record is left under an older one. Pages go on reading and writing meanwhile.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select, text, update

from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.vault import VaultEntry
from yvaxportal.vault.keyring import KeyRing, Sealed, secret_key_id
from yvaxportal.vault.vault import number_bound_to, number_index

BATCH = 1_000
_WORK = text("SELECT set_config('yvax.vault_work', 'rotate', true)")


class RotationRunningError(RuntimeError):
    """Another rotation of this ring is under way."""

    def __init__(self) -> None:
        super().__init__("another rotation of this key ring is under way")


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What a rotation did: the key now in use, how many records it sealed again, which keys it retired."""

    active: str
    numbers: int
    secrets: int
    retired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How many numbers and second-factor secrets are sealed with one key."""

    key_id: str
    numbers: int
    secrets: int


def rotate(
    owner: Engine,
    ring_path: Path,
    municipality_code: str,
    *,
    secret_name: Callable[[str], str],
    retire: bool = False,
    batch: int = BATCH,
    progress: Callable[[int], None] = lambda _done: None,
) -> RotationReport:
    """Seal every number and secret again under a new key, or go on with a rotation that was cut off.

    :param owner: engine of the role that owns the tables; the application's role sees one row at a time.
    :param secret_name: the name under which the secret of a login is sealed.
    :param retire: also remove keys that nothing uses any more.
    :raises RotationRunningError: another process is at it.
    """
    with _alone(ring_path):
        ring = KeyRing.load(ring_path)
        if not _unfinished(owner, ring):
            ring = ring.renewed()
            ring.save(ring_path)
        numbers = 0
        for done in _numbers(owner, ring, municipality_code, batch):
            numbers += done
            progress(numbers)
        secrets = _secrets(owner, ring, secret_name)
        retired = _retire(owner, ring, ring_path) if retire else ()
        return RotationReport(ring.active, numbers, secrets, retired)


def key_uses(owner: Engine, ring: KeyRing) -> list[KeyUse]:
    """Return how often each key of the ring, or one that it lacks, is in use."""
    with owner.begin() as connection:
        connection.execute(_WORK)
        counted = connection.execute(
            select(VaultEntry.key_id, func.count()).group_by(VaultEntry.key_id),
        )
        numbers: dict[str, int] = {key_id: count for key_id, count in counted}  # noqa: C416 - rows to a dict
        secrets: dict[str, int] = {}
        for blob in connection.scalars(
            select(StaffAccount.totp_secret).where(StaffAccount.totp_secret.is_not(None))
        ):
            key_id = secret_key_id(blob or b"")
            secrets[key_id] = secrets.get(key_id, 0) + 1
    known = dict.fromkeys([*ring.key_ids, *numbers, *secrets])
    return [KeyUse(key_id, numbers.get(key_id, 0), secrets.get(key_id, 0)) for key_id in known]


def _unfinished(owner: Engine, ring: KeyRing) -> bool:
    return any(use.numbers or use.secrets for use in key_uses(owner, ring) if use.key_id != ring.active)


@contextmanager
def _alone(ring_path: Path) -> Iterator[None]:
    with ring_path.with_name(f".{ring_path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RotationRunningError from None
        yield


def _numbers(owner: Engine, ring: KeyRing, municipality_code: str, batch: int) -> Iterator[int]:
    """Seal numbers again, a batch in each transaction; a page that writes meanwhile uses the new key."""
    while True:
        with owner.begin() as connection:
            connection.execute(_WORK)
            rows = connection.execute(
                select(VaultEntry.resident_id, VaultEntry.key_id, VaultEntry.nonce, VaultEntry.ciphertext)
                .where(VaultEntry.key_id != ring.active)
                .order_by(VaultEntry.resident_id)
                .limit(batch)
                .with_for_update(),
            ).all()
            for resident_id, key_id, nonce, ciphertext in rows:
                _move(connection, ring, municipality_code, resident_id, Sealed(key_id, nonce, ciphertext))
        if not rows:
            return
        yield len(rows)


def _move(
    connection: Connection, ring: KeyRing, municipality_code: str, resident_id: int, old: Sealed
) -> None:
    bound = number_bound_to(municipality_code, resident_id)
    digits = ring.open(bound, old)
    new = ring.seal(bound, digits)
    connection.execute(
        update(VaultEntry)
        .where(VaultEntry.resident_id == resident_id)
        .values(
            key_id=new.key_id,
            nonce=new.nonce,
            ciphertext=new.ciphertext,
            blind_index=number_index(ring, new.key_id, municipality_code, digits.decode("ascii")),
        ),
    )


def _secrets(owner: Engine, ring: KeyRing, secret_name: Callable[[str], str]) -> int:
    moved = 0
    with owner.begin() as connection:
        rows = connection.execute(
            select(StaffAccount.id, StaffAccount.login, StaffAccount.totp_secret)
            .where(StaffAccount.totp_secret.is_not(None))
            .with_for_update(),
        ).all()
        for staff_id, login, blob in rows:
            if blob is None or secret_key_id(blob) == ring.active:
                continue
            name = secret_name(login)
            resealed = ring.seal_secret(name, ring.open_secret(name, blob))
            connection.execute(
                update(StaffAccount).where(StaffAccount.id == staff_id).values(totp_secret=resealed)
            )
            moved += 1
    return moved


def _retire(owner: Engine, ring: KeyRing, ring_path: Path) -> tuple[str, ...]:
    unused = tuple(
        use.key_id
        for use in key_uses(owner, ring)
        if use.key_id in ring.key_ids and use.key_id != ring.active and not (use.numbers or use.secrets)
    )
    for key_id in unused:
        ring = ring.without(key_id)
    if unused:
        ring.save(ring_path)
    return unused
