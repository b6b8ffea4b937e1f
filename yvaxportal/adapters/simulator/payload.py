"""The server's side of what is sealed (docs/protocols/chukan.md, 3)."""

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
_HEAD = 9
_NONCE = 12


class CannotBeOpened(Exception):  # noqa: N818 - what is found
    """The message was sealed with another key, or for another message."""


def unsealed(key: bytes, denbun: str, if_id: str, number: str) -> bytes:
    """Return what a request holds."""
    try:
        data = base64.b64decode(denbun, validate=True)
        head, nonce, rest = data[:_HEAD], data[_HEAD : _HEAD + _NONCE], data[_HEAD + _NONCE :]
        if head != _head(key):
            raise CannotBeOpened
        return AESGCM(key).decrypt(nonce, rest, _bound(head, "request", if_id, number))
    except (ValueError, InvalidTag):
        raise CannotBeOpened from None


def sealed(key: bytes, plain: bytes, if_id: str, number: str) -> str:
    """Return an answer."""
    head, nonce = _head(key), os.urandom(_NONCE)
    rest = AESGCM(key).encrypt(nonce, plain, _bound(head, "answer", if_id, number))
    return base64.b64encode(head + nonce + rest).decode("ascii")


def _head(key: bytes) -> bytes:
    return bytes([VERSION]) + hashlib.sha256(key).digest()[:8]


def _bound(head: bytes, direction: str, if_id: str, number: str) -> bytes:
    return head + f"\n{direction}\n{if_id}\n{number}".encode()
