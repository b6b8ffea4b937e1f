"""Time-based one-time codes (RFC 6238): six digits, SHA-1, thirty seconds, as authenticator apps expect."""

import hmac
import secrets
from base64 import b32decode, b32encode
from datetime import datetime
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20


def new_secret() -> str:
    """Return 160 random bits in base32."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def step_at(now: datetime) -> int:
    """Return the number of the time step."""
    return int(now.timestamp()) // STEP_SECONDS


def code_of(secret: str, step: int) -> str:
    """Return the code of one time step; ``secret`` is base32."""
    # Secrets of ours have 160 bits; a shorter one can only come from the demo accounts.
    generator = HOTP(b32decode(secret), DIGITS, SHA1(), enforce_key_length=False)  # noqa: S303 - the apps' hash
    return generator.generate(step).decode("ascii")


def fitting_step(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step of a code, None when it fits neither now nor a step away."""
    typed = code.encode("utf-8")
    present = step_at(now)
    for step in (present, present - 1, present + 1):
        if hmac.compare_digest(code_of(secret, step).encode("ascii"), typed):
            return step
    return None


def enrolment_uri(secret: str, *, login: str, issuer: str) -> str:
    """Return the address that a QR code carries to an authenticator app."""
    query = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(issuer)}:{quote(login)}?{query}"
