"""Changing the keys: every record is sealed again under a new key, a few at a time.

A rotation may be killed anywhere. What is done stays done, and the next run goes on where this one stopped:
a new key is made only when nothing that opens is left under an older one. Meanwhile pages read and write.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from sqlalchemy import Engine, Table, bindparam, func, select, text, update

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import Outcome
from yvaxportal.models.output import Output
from yvaxportal.models.staff import StaffAccount
from yvaxportal.models.vault import VaultEntry
from yvaxportal.vault.keyring import KeyRing, SealBrokenError, Sealed, UnknownKeyError, secret_key_id
from yvaxportal.vault.secret_names import output_password_name
from yvaxportal.vault.vault import number_bound_to, number_index

BATCH = 1_000
#: A request that sealed with an older key, and has not committed yet, began before the newer key was there.
KEPT_FOR = timedelta(hours=1)
_WORK = text("SELECT set_config('yvax.vault_work', 'rotate', true)")
_MOVE = (
    update(cast("Table", VaultEntry.__table__))
    .where(VaultEntry.resident_id == bindparam("who"))
    .values({name: bindparam(name) for name in ("key_id", "nonce", "ciphertext", "blind_index")})
)
_DOES_NOT_OPEN = (SealBrokenError, UnknownKeyError)


class RotationRunningError(RuntimeError):
    """Another rotation of this ring is under way."""

    def __init__(self) -> None:
        super().__init__("another rotation of this key ring is under way")


class RetiredTooEarlyError(RuntimeError):
    """Older keys are still needed; ``until`` says how long."""

    def __init__(self, until: datetime) -> None:
        super().__init__("a page that began before the newest key was made may still write with an older one")
        self.until = until


@dataclass(frozen=True, slots=True)
class Broken:
    """Records that do not open with the key that they name: to be entered again. Ids of people and staff."""

    residents: tuple[int, ...] = ()
    staff: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.residents or self.staff)


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What a rotation did: the key now in use, how many records it sealed again, what it could not open."""

    active: str
    numbers: int
    secrets: int
    broken: Broken


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How many numbers and secrets (second factors, passwords of files) are sealed with one key."""

    key_id: str
    numbers: int
    secrets: int


def prepare(owner: Engine, ring_path: Path, *, audit: AuditTrail) -> str:
    """Add a new key, unless records are left under an older one, and return the active key's id.

    New records are sealed with it from now on; ``rotate`` then moves the older ones.

    :param owner: engine of the role that owns the tables; the application's role sees one row at a time.
    :raises RotationRunningError: another process is at it.
    """
    with _alone(ring_path):
        ring = KeyRing.load(ring_path)
        older = set(ring.key_ids) - {ring.active}
        if any((use.numbers or use.secrets) and use.key_id in older for use in key_uses(owner, ring)):
            return ring.active
        return _with_new_key(ring, ring_path, audit).active


def rotate(
    owner: Engine,
    ring_path: Path,
    municipality_code: str,
    *,
    secret_name: Callable[[str], str],
    audit: AuditTrail,
    batch: int = BATCH,
    progress: Callable[[int], None] = lambda _done: None,
) -> RotationReport:
    """Seal every number and secret again under a new key, or go on with a rotation that was cut off.

    :param owner: as for ``prepare``.
    :param secret_name: the name under which the secret of a login is sealed.
    :param batch: how many numbers are moved in one transaction.
    :param progress: told after each transaction how many numbers were moved.
    :raises RotationRunningError: another process is at it.
    """
    with _alone(ring_path):
        ring = KeyRing.load(ring_path)
        work = _Work(owner, municipality_code, secret_name, batch, progress)
        report = work.move_to_active(ring)
        if not (report.numbers or report.secrets):
            report = work.move_to_active(_with_new_key(ring, ring_path, audit))
        audit.record_apart(
            Action.KEYS_ROTATED,
            outcome=Outcome.FAILED if report.broken else Outcome.DONE,
            detail={
                "act": "sealed again",
                "key": report.active,
                "numbers": report.numbers,
                "secrets": report.secrets,
                "broken": len(report.broken.residents) + len(report.broken.staff),
            },
        )
        return report


def retire(owner: Engine, ring_path: Path, *, now: datetime, audit: AuditTrail) -> tuple[str, ...]:
    """Remove the keys that seal nothing any more, and return their ids.

    :raises RetiredTooEarlyError: the newest key is younger than ``KEPT_FOR``.
    :raises RotationRunningError: another process is at it.
    """
    with _alone(ring_path):
        ring = KeyRing.load(ring_path)
        unused = tuple(
            use.key_id
            for use in key_uses(owner, ring)
            if use.key_id in ring.key_ids and use.key_id != ring.active and not (use.numbers or use.secrets)
        )
        if not unused:
            return ()
        if now < (until := ring.created_at(ring.active) + KEPT_FOR):
            raise RetiredTooEarlyError(until)
        audit.record_apart(Action.KEYS_ROTATED, detail={"act": "retired", "keys": list(unused)})
        for key_id in unused:
            ring = ring.without(key_id)
        ring.save(ring_path)
        return unused


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
            select(StaffAccount.totp_secret)
            .where(StaffAccount.totp_secret.is_not(None))
            .union_all(select(Output.sealed_password).where(Output.sealed_password.is_not(None)))
        ):
            key_id = secret_key_id(blob or b"")
            secrets[key_id] = secrets.get(key_id, 0) + 1
    known = dict.fromkeys([*ring.key_ids, *numbers, *secrets])
    return [KeyUse(key_id, numbers.get(key_id, 0), secrets.get(key_id, 0)) for key_id in known]


@contextmanager
def _alone(ring_path: Path) -> Iterator[None]:
    with ring_path.with_name(f".{ring_path.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RotationRunningError from None
        yield


def _with_new_key(ring: KeyRing, ring_path: Path, audit: AuditTrail) -> KeyRing:
    renewed = ring.renewed()
    audit.record_apart(Action.KEYS_ROTATED, detail={"act": "key added", "key": renewed.active})
    renewed.save(ring_path)
    return renewed


@dataclass(frozen=True)
class _Work:
    """Moving records to the active key of a ring; parameters as for ``rotate``."""

    owner: Engine
    municipality_code: str
    secret_name: Callable[[str], str]
    batch: int
    progress: Callable[[int], None]

    def move_to_active(self, ring: KeyRing) -> RotationReport:
        """Seal again whatever is not under the active key, and opens."""
        moved = 0
        lost: list[int] = []
        for done, broken in self._numbers(ring):
            moved += done
            lost += broken
            self.progress(moved)
        secrets, staff = self._secrets(ring)
        secrets += self._passwords(ring)
        return RotationReport(ring.active, moved, secrets, Broken(tuple(lost), tuple(staff)))

    def _numbers(self, ring: KeyRing) -> Iterator[tuple[int, list[int]]]:
        """Seal numbers again, a batch in each transaction; yield how many, and whose do not open."""
        last = -1
        while True:
            with self.owner.begin() as connection:
                connection.execute(_WORK)
                rows = connection.execute(
                    select(VaultEntry.resident_id, VaultEntry.key_id, VaultEntry.nonce, VaultEntry.ciphertext)
                    .where(VaultEntry.key_id != ring.active, VaultEntry.resident_id > last)
                    .order_by(VaultEntry.resident_id)
                    .limit(self.batch)
                    .with_for_update(),
                ).all()
                moved, broken = [], []
                for resident_id, key_id, nonce, ciphertext in rows:
                    old = Sealed(key_id, nonce, ciphertext)
                    try:
                        moved.append(_moved(ring, self.municipality_code, resident_id, old))
                    except _DOES_NOT_OPEN:
                        broken.append(resident_id)
                    last = resident_id
                if moved:
                    connection.execute(_MOVE, moved)
            if not rows:
                return
            yield len(moved), broken

    def _secrets(self, ring: KeyRing) -> tuple[int, list[int]]:
        """Seal second-factor secrets again in one transaction; return how many, and whose do not open."""
        moved, broken = 0, []
        with self.owner.begin() as connection:
            rows = connection.execute(
                select(StaffAccount.id, StaffAccount.login, StaffAccount.totp_secret)
                .where(StaffAccount.totp_secret.is_not(None))
                .order_by(StaffAccount.id)
                .with_for_update(),
            ).all()
            for staff_id, login, blob in rows:
                if blob is None or secret_key_id(blob) == ring.active:
                    continue
                name = self.secret_name(login)
                try:
                    resealed = ring.seal_secret(name, ring.open_secret(name, blob))
                except _DOES_NOT_OPEN:
                    broken.append(staff_id)
                    continue
                connection.execute(
                    update(StaffAccount).where(StaffAccount.id == staff_id).values(totp_secret=resealed)
                )
                moved += 1
        return moved, broken

    def _passwords(self, ring: KeyRing) -> int:
        """Seal again the passwords of files that were not shown yet; one that does not open is forgotten."""
        moved = 0
        with self.owner.begin() as connection:
            rows = connection.execute(
                select(Output.id, Output.sealed_password)
                .where(Output.sealed_password.is_not(None))
                .order_by(Output.id)
                .with_for_update(),
            ).all()
            for output_id, blob in rows:
                if blob is None or secret_key_id(blob) == ring.active:
                    continue
                name = output_password_name(output_id)
                try:
                    resealed = ring.seal_secret(name, ring.open_secret(name, blob))
                except _DOES_NOT_OPEN:
                    resealed = None
                connection.execute(
                    update(Output).where(Output.id == output_id).values(sealed_password=resealed)
                )
                moved += resealed is not None
        return moved


def _moved(ring: KeyRing, municipality_code: str, resident_id: int, old: Sealed) -> dict[str, object]:
    """Return the parameters of ``_MOVE`` for one entry."""
    bound = number_bound_to(municipality_code, resident_id)
    digits = ring.open(bound, old)
    new = ring.seal(bound, digits)
    return {
        "who": resident_id,
        "key_id": new.key_id,
        "nonce": new.nonce,
        "ciphertext": new.ciphertext,
        "blind_index": number_index(ring, new.key_id, municipality_code, digits.decode("ascii")),
    }
