"""Encryption of what is exchanged with the intermediate server (functions 7, 8; docs/protocols/chukan.md).

AES-256-GCM with a key that portal and server share. Nobody on the way reads a message, changes it, or passes
it off as another one or as its answer.
"""

import base64
import binascii
import hashlib
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.settings import SettingsError

OPTION: Final = "payload_key"

_VERSION = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 8
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + _ID_BYTES
_MOST_KEYS = 2


class PayloadError(Exception):
    """What came cannot be opened. The text holds nothing of it."""


class Payload:
    """Seals with the first key, opens with any of them.

    :param keys: one or two of 32 bytes; a second one is the other side's, or the one before.
    """

    def __init__(self, *keys: bytes) -> None:
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._active = key_id(keys[0])

    def __repr__(self) -> str:
        return f"<Payload of {len(self._ciphers)} keys>"

    @classmethod
    def read(cls, setup: AdapterSetup) -> "Payload":
        """Return what the option ``payload_key_file`` names: a key a line, in base64, the active one first.

        :raises SettingsError: the file is missing, is open to everybody, or holds something else.
        """
        lines = setup.secret(OPTION).split()
        try:
            keys = [base64.b64decode(line, validate=True) for line in lines]
        except (binascii.Error, ValueError):
            keys = []
        if not 1 <= len(keys) <= _MOST_KEYS or any(len(key) != _KEY_BYTES for key in keys):
            problem = f"must hold one or two lines, each {_KEY_BYTES} bytes in base64"
            raise SettingsError(setup.name_of(f"{OPTION}_file"), problem)
        return cls(*keys)

    def seal(self, plain: bytes, if_id: str, message_id: str) -> bytes:
        """Return a request, sealed for this interface and this message only."""
        header, nonce = _VERSION + self._active, os.urandom(_NONCE_BYTES)
        bound = _bound(header, b"request", if_id, message_id)
        return header + nonce + self._ciphers[self._active].encrypt(nonce, plain, bound)

    def open(self, sealed: bytes, if_id: str, message_id: str) -> bytes:
        """Return the answer to this message.

        :raises PayloadError: it was sealed with another key, for another message, or changed on its way.
        """
        return self._opened(sealed, b"answer", if_id, message_id)

    def open_request(self, sealed: bytes, if_id: str, message_id: str) -> bytes:
        """Return what ``seal`` was given; PayloadError."""
        return self._opened(sealed, b"request", if_id, message_id)

    def _opened(self, sealed: bytes, direction: bytes, if_id: str, message_id: str) -> bytes:
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        cipher = self._ciphers.get(header[len(_VERSION) :])
        if cipher is None or header[: len(_VERSION)] != _VERSION:
            raise PayloadError("unknown key or version")
        try:
            bound = _bound(header, direction, if_id, message_id)
            return cipher.decrypt(nonce, sealed[_HEADER_BYTES + _NONCE_BYTES :], bound)
        except (InvalidTag, ValueError):
            raise PayloadError("it does not open") from None


def key_id(key: bytes) -> bytes:
    """Return what names a key in a message, eight bytes of its digest."""
    return hashlib.sha256(key).digest()[:_ID_BYTES]


def _bound(header: bytes, direction: bytes, if_id: str, message_id: str) -> bytes:
    return b"\n".join((header, direction, if_id.encode(), message_id.encode()))
