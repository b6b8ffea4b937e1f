"""The key ring: encryption and index keys in one file outside the database (measure M36).

Everything sealed names the key it was sealed with, so old records open while newer ones are written with
the active key. Sealing is AES-256-GCM with a fresh 96-bit nonce; what a record belongs to is bound to it
as associated data, so that a ciphertext moved to another place does not open.
"""

import hashlib
import hmac
import json
import os
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SETTING = "yvaxportal.vault.key_ring_file"
KEY_BYTES = 32
NONCE_BYTES = 12
_ID_BYTES = 16


class KeyRingError(ValueError):
    """The ring cannot be used. The text names the setting, never the content."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{SETTING}: {problem}")
        self.problem = problem


class SealBrokenError(ValueError):
    """A sealed value does not open: altered, moved from another record, or sealed with another key."""

    def __init__(self) -> None:
        super().__init__("a sealed value does not open with the key that it names")


class UnknownKeyError(KeyError):
    """A sealed value names a key that this ring does not hold (it may have been added since)."""


@dataclass(frozen=True, slots=True)
class RingKey:
    """One generation of keys: ``cipher`` encrypts, ``index`` makes blind indexes."""

    id: str
    created_at: datetime
    cipher: bytes = field(repr=False)
    index: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A ciphertext with its nonce (12 bytes) and the id of its key."""

    key_id: str
    nonce: bytes
    ciphertext: bytes = field(repr=False)


class KeyRing:
    """The keys of one municipality.

    A ring loaded from a file reads it again when the file was replaced, so that running processes seal with
    the new key, and open what was sealed with it, as soon as a rotation begins.
    """

    def __init__(self, keys: Mapping[str, RingKey], active: str, path: Path | None = None) -> None:
        self._path = path
        self._stamp = _stamp(path)
        self._use(keys, active)

    def _use(self, keys: Mapping[str, RingKey], active: str) -> None:
        self._keys = dict(keys)
        self._active = active
        self._ciphers = {key.id: AESGCM(key.cipher) for key in keys.values()}

    def _refresh(self) -> None:
        stamp = _stamp(self._path)
        if self._path is not None and stamp is not None and stamp != self._stamp:
            newer = KeyRing.load(self._path)
            self._stamp = stamp
            self._use(newer._keys, newer._active)  # noqa: SLF001 - of the same class

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self._keys)}, active {self._active}>"

    @classmethod
    def create(cls, path: Path) -> "KeyRing":
        """Write a ring with one new key to ``path``; FileExistsError when something is there."""
        if path.exists():
            raise FileExistsError(path)
        ring = cls.with_new_key()
        ring.save(path)
        return ring

    @classmethod
    def with_new_key(cls, older: Mapping[str, RingKey] | None = None) -> "KeyRing":
        """Return a ring whose active key is new, beside the keys of ``older``."""
        key = RingKey(
            id=f"{datetime.now(UTC):%Y%m%d}-{secrets.token_hex(3)}",
            created_at=datetime.now(UTC).replace(microsecond=0),
            cipher=secrets.token_bytes(KEY_BYTES),
            index=secrets.token_bytes(KEY_BYTES),
        )
        return cls(dict(older or {}) | {key.id: key}, key.id)

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Return the ring in ``path``.

        :raises KeyRingError: the file cannot be read, is open to everybody, or holds no ring.
        """
        try:
            content = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyRingError(f"the file cannot be read ({type(error).__name__})") from None
        try:
            return cls._parse(json.loads(content), path)
        except (KeyError, TypeError, ValueError, Base64Error):
            raise KeyRingError("the file holds no key ring") from None

    @classmethod
    def _parse(cls, content: Any, path: Path) -> "KeyRing":
        keys = {
            entry["id"]: RingKey(
                id=entry["id"],
                created_at=datetime.fromisoformat(entry["created_at"]),
                cipher=b64decode(entry["cipher"], validate=True),
                index=b64decode(entry["index"], validate=True),
            )
            for entry in content["keys"]
        }
        whole = all(len(key.cipher) == len(key.index) == KEY_BYTES for key in keys.values())
        named = all(0 < len(key_id.encode("ascii")) <= _ID_BYTES for key_id in keys)
        if not (whole and named and content["active"] in keys):
            raise ValueError
        return cls(keys, content["active"], path)

    def save(self, path: Path) -> None:
        """Replace the file at ``path`` at once: whoever reads it sees the old ring or the new one."""
        content = {
            "active": self._active,
            "keys": [
                {
                    "id": key.id,
                    "created_at": key.created_at.isoformat(),
                    "cipher": b64encode(key.cipher).decode("ascii"),
                    "index": b64encode(key.index).decode("ascii"),
                }
                for key in self._keys.values()
            ],
        }
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @property
    def active(self) -> str:
        """Return the id of the key that seals now."""
        self._refresh()
        return self._active

    def renewed(self) -> "KeyRing":
        """Return the ring with a new active key beside the present ones."""
        return KeyRing.with_new_key(self._keys)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Return the ids of all keys, oldest first."""
        self._refresh()
        return tuple(self._keys)

    def created_at(self, key_id: str) -> datetime:
        """Return when a key was made."""
        return self._key(key_id).created_at

    def without(self, key_id: str) -> "KeyRing":
        """Return the ring without an old key; ValueError for the active one."""
        if key_id == self._active:
            raise ValueError("the active key cannot be retired")
        return KeyRing({key.id: key for key in self._keys.values() if key.id != key_id}, self._active)

    def seal(self, associated: bytes, plain: bytes) -> Sealed:
        """Encrypt ``plain`` with the active key; it opens only together with ``associated``."""
        active = self.active
        nonce = secrets.token_bytes(NONCE_BYTES)
        return Sealed(active, nonce, self._ciphers[active].encrypt(nonce, plain, _bound(active, associated)))

    def open(self, associated: bytes, sealed: Sealed) -> bytes:
        """Decrypt.

        :raises UnknownKeyError: the key is not in this ring.
        :raises SealBrokenError: the value was altered or belongs elsewhere.
        """
        self._key(sealed.key_id)
        bound = _bound(sealed.key_id, associated)
        try:
            return self._ciphers[sealed.key_id].decrypt(sealed.nonce, sealed.ciphertext, bound)
        except InvalidTag:
            raise SealBrokenError from None

    def blind_index(self, key_id: str, value: bytes) -> bytes:
        """Return the 32 bytes by which ``value`` can be looked up without being stored."""
        return hmac.new(self._key(key_id).index, value, hashlib.sha256).digest()

    def seal_secret(self, name: str, plain: bytes) -> bytes:
        """Seal a secret of the portal itself into one blob; ``name`` says whose it is and is bound to it."""
        sealed = self.seal(_secret(name), plain)
        return sealed.key_id.encode("ascii").ljust(_ID_BYTES, b"\0") + sealed.nonce + sealed.ciphertext

    def open_secret(self, name: str, blob: bytes) -> bytes:
        """Open what ``seal_secret`` sealed under the same name; errors as for ``open``."""
        body = blob[_ID_BYTES:]
        sealed = Sealed(secret_key_id(blob), body[:NONCE_BYTES], body[NONCE_BYTES:])
        return self.open(_secret(name), sealed)

    def _key(self, key_id: str) -> RingKey:
        if key_id not in self._keys:
            self._refresh()
        try:
            return self._keys[key_id]
        except KeyError:
            raise UnknownKeyError(key_id) from None


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """Return what changes when the file is replaced; None while there is none."""
    try:
        status = path.stat() if path else None
    except FileNotFoundError:
        return None
    return (status.st_ino, status.st_mtime_ns) if status else None


def secret_key_id(blob: bytes) -> str:
    """Return which key a blob of ``seal_secret`` was sealed with."""
    return blob[:_ID_BYTES].rstrip(b"\0").decode("ascii", "replace")


def _bound(key_id: str, associated: bytes) -> bytes:
    return key_id.encode("ascii") + b"\0" + associated


def _secret(name: str) -> bytes:
    return b"yvaxportal secret v1\0" + name.encode("utf-8")
