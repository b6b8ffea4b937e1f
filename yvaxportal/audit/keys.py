"""The key that signs the seals: Ed25519 in a file outside the database."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)


class SigningKeyError(ValueError):
    """The key file is missing or is none. The text names the file's role, never its content."""


def create_signing_key(path: Path) -> None:
    """Write a new key to ``path`` (mode 0600); FileExistsError when something is there."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key in ``path``.

    :raises SigningKeyError: the file cannot be read or holds no Ed25519 key.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise SigningKeyError(
            f"yvaxportal.audit.signing_key_file: no key can be read ({type(error).__name__})"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError("yvaxportal.audit.signing_key_file: holds a key of another kind than Ed25519")
    return key


def public_pem(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """Return the public half as PEM text, for whoever verifies from outside."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def load_public_key(pem: bytes) -> Ed25519PublicKey:
    """Return the public key in ``pem``.

    :raises SigningKeyError: it holds no Ed25519 public key.
    """
    try:
        key = load_pem_public_key(pem)
    except ValueError:
        raise SigningKeyError("the public key cannot be read") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SigningKeyError("the public key is of another kind than Ed25519")
    return key
