"""The key ring: encryption and index keys in one file outside the database (measure M36).

Everything sealed names the key it was sealed with, so old records open while newer ones are written with
the active key. Sealing is AES-256-GCM with a fresh 96-bit nonce; what a record belongs to is bound to it
as associated data, so that a ciphertext moved to another place does not open.
"""

import hashlib
import hmac
import json
import logging
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

from yvaxportal.vault import ring_file

SETTING = "yvaxportal.vault.key_ring_file"
KEY_BYTES = 32
NONCE_BYTES = 12
_ID_BYTES = 16

log = logging.getLogger(__name__)


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


@dataclass(frozen=True, slots=True)
class _Content:
    """What a ring holds, replaced as one: threads see the old content or the new one."""

    keys: Mapping[str, RingKey]
    active: str
    ciphers: Mapping[str, AESGCM] = field(repr=False)


class KeyRing:
    """The keys of one municipality.

    A ring loaded from a file reads it again when the file was replaced, so that running processes seal with
    the new key, and open what was sealed with it, as soon as a rotation begins.
    """

    def __init__(
        self,
        keys: Mapping[str, RingKey],
        active: str,
        path: Path | None = None,
        stamp: ring_file.Stamp | None = None,
    ) -> None:
        """``path``: where the keys were read from; ``stamp``: that file's stamp before it was read."""
        self._path, self._stamp = path, stamp
        self._content = _Content(dict(keys), active, {key.id: AESGCM(key.cipher) for key in keys.values()})

    def _now(self) -> _Content:
        """Return the content, from the file again if that was replaced."""
        stamp = ring_file.stamp(self._path) if self._path else None
        if self._path is not None and stamp is not None and stamp != self._stamp:
            try:
                self._content = KeyRing.load(self._path)._content  # noqa: SLF001 - of the same class
            except KeyRingError as error:
                # What this process holds still opens nearly everything: better than closing the portal.
                log.error("the key ring was replaced and cannot be used: %s", error)  # noqa: TRY400 - no trace
            self._stamp = stamp
        return self._content

    def __repr__(self) -> str:
        return f"<KeyRing of {len(self._content.keys)}, active {self._content.active}>"

    @classmethod
    def create(cls, path: Path) -> "KeyRing":
        """Write a ring with one new key to ``path``; FileExistsError when something is there."""
        ring_file.write_new(path, cls.with_new_key()._text())  # noqa: SLF001 - of the same class
        return cls.load(path)

    @classmethod
    def with_new_key(cls, older: Mapping[str, RingKey] | None = None) -> "KeyRing":
        """Return a ring whose active key is new, beside the keys of ``older``."""
        created_at = datetime.now(UTC).replace(microsecond=0)
        key = RingKey(
            id=f"{created_at:%Y%m%d}-{secrets.token_hex(3)}",
            created_at=created_at,
            cipher=secrets.token_bytes(KEY_BYTES),
            index=secrets.token_bytes(KEY_BYTES),
        )
        return cls(dict(older or {}) | {key.id: key}, key.id)

    @classmethod
    def load(cls, path: Path) -> "KeyRing":
        """Return the ring in ``path``.

        :raises KeyRingError: the file cannot be read, is open to everybody, or holds no ring.
        """
        stamp = ring_file.stamp(path)
        try:
            open_to_all = ring_file.is_open_to_all(path)
            content = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise KeyRingError(f"the file cannot be read ({type(error).__name__})") from None
        if open_to_all:
            raise KeyRingError("the file is open to everybody: chmod o= it")
        try:
            return cls(*_parse(json.loads(content)), path, stamp)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError, Base64Error):
            raise KeyRingError("the file holds no key ring") from None

    def save(self, path: Path) -> None:
        """Replace the file at ``path`` at once: whoever reads it sees the old ring or the new one.

        :raises PermissionError: the file belongs to somebody else, who could not read the new one.
        """
        ring_file.replace(path, self._text())

    def _text(self) -> str:
        content = {
            "active": self._content.active,
            "keys": [
                {
                    "id": key.id,
                    "created_at": key.created_at.isoformat(),
                    "cipher": b64encode(key.cipher).decode("ascii"),
                    "index": b64encode(key.index).decode("ascii"),
                }
                for key in self._content.keys.values()
            ],
        }
        return json.dumps(content, indent=1)

    @property
    def active(self) -> str:
        """Return the id of the key that seals now."""
        return self._now().active

    def renewed(self) -> "KeyRing":
        """Return the ring with a new active key beside the present ones."""
        return KeyRing.with_new_key(self._content.keys)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Return the ids of all keys, oldest first."""
        return tuple(self._now().keys)

    def created_at(self, key_id: str) -> datetime:
        """Return when a key was made."""
        return self._key(key_id).created_at

    def without(self, key_id: str) -> "KeyRing":
        """Return the ring without an old key; ValueError for the active one."""
        content = self._content
        if key_id == content.active:
            raise ValueError("the active key cannot be retired")
        return KeyRing({key.id: key for key in content.keys.values() if key.id != key_id}, content.active)

    def seal(self, associated: bytes, plain: bytes) -> Sealed:
        """Encrypt ``plain`` with the active key; it opens only together with ``associated``."""
        content = self._now()
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound = _bound(content.active, associated)
        return Sealed(content.active, nonce, content.ciphers[content.active].encrypt(nonce, plain, bound))

    def open(self, associated: bytes, sealed: Sealed) -> bytes:
        """Decrypt.

        :raises UnknownKeyError: the key is not in this ring.
        :raises SealBrokenError: the value was altered or belongs elsewhere.
        """
        content = self._with_key(sealed.key_id)
        bound = _bound(sealed.key_id, associated)
        try:
            return content.ciphers[sealed.key_id].decrypt(sealed.nonce, sealed.ciphertext, bound)
        except (InvalidTag, ValueError):
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
        return self._with_key(key_id).keys[key_id]

    def _with_key(self, key_id: str) -> _Content:
        content = self._content if key_id in self._content.keys else self._now()
        if key_id not in content.keys:
            raise UnknownKeyError(key_id)
        return content


def _parse(content: Any) -> tuple[dict[str, RingKey], str]:
    """Return the keys by id and the active id of a ring's JSON; an error of some kind when it is none."""
    keys = {
        entry["id"]: RingKey(
            id=entry["id"],
            created_at=datetime.fromisoformat(entry["created_at"]).astimezone(UTC),
            cipher=b64decode(entry["cipher"], validate=True),
            index=b64decode(entry["index"], validate=True),
        )
        for entry in content["keys"]
    }
    whole = all(len(key.cipher) == len(key.index) == KEY_BYTES for key in keys.values())
    named = all(0 < len(key_id.encode("ascii")) <= _ID_BYTES for key_id in keys)
    once = len(keys) == len(content["keys"])
    if not (whole and named and once and content["active"] in keys):
        raise ValueError
    return keys, content["active"]


def secret_key_id(blob: bytes) -> str:
    """Return which key a blob of ``seal_secret`` was sealed with."""
    return blob[:_ID_BYTES].rstrip(b"\0").decode("ascii", "replace")


def _bound(key_id: str, associated: bytes) -> bytes:
    return key_id.encode("ascii") + b"\0" + associated


def _secret(name: str) -> bytes:
    return b"yvaxportal secret v1\0" + name.encode("utf-8")
