"""The token address: who may call (docs/protocols/rest.md, 2).

HS256 is checked by hand: a mistake of the library that signs would otherwise be made here as well.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import threading
from typing import Any
from urllib.parse import unquote_plus

from yvaxportal.adapters.simulator.world import World

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LEEWAY = 5


class TokenRefused(Exception):  # noqa: N818 - what is answered
    """The client is not who it says, or the form is wrong. The text is the OAuth error code."""


class Tokens:
    """Gives out tokens and knows which are good."""

    def __init__(self, world: World, client_id: str, secret: str, lifetime: int) -> None:
        self._world = world
        self._client_id = client_id
        self._secret = secret.encode()
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._good: dict[str, float] = {}
        self._used: set[str] = set()
        self.given = 0

    def ask(self, form: dict[str, str], authorization: str, address: str) -> dict[str, Any]:
        """Return the answer to a token request; TokenRefused when there is none."""
        if form.get("grant_type") != "client_credentials":
            raise TokenRefused("unsupported_grant_type")
        if authorization:
            self._check_basic(authorization)
        else:
            self._check_assertion(form, address)
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._good[token] = self._world.instant().timestamp() + self._lifetime
            self.given += 1
        return {"access_token": token, "token_type": "Bearer", "expires_in": self._lifetime}

    def good(self, authorization: str) -> bool:
        """Tell whether a request may be answered."""
        kind, _, token = authorization.partition(" ")
        until = self._good.get(token, 0.0)
        return kind == "Bearer" and until > self._world.instant().timestamp()

    def forget(self, authorization: str) -> None:
        """Let a token be good no longer."""
        self._good.pop(authorization.partition(" ")[2], None)

    def _check_basic(self, authorization: str) -> None:
        kind, _, coded = authorization.partition(" ")
        try:
            name, _, secret = base64.b64decode(coded, validate=True).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise TokenRefused("invalid_client") from None
        same = hmac.compare_digest(unquote_plus(secret).encode(), self._secret)
        if kind != "Basic" or unquote_plus(name) != self._client_id or not same:
            raise TokenRefused("invalid_client")

    def _check_assertion(self, form: dict[str, str], address: str) -> None:
        if form.get("client_assertion_type") != ASSERTION:
            raise TokenRefused("invalid_client")
        signed, _, signature = form.get("client_assertion", "").rpartition(".")
        try:
            header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            wanted = hmac.new(self._secret, signed.encode(), hashlib.sha256).digest()
            good = hmac.compare_digest(_decoded(signature), wanted) and header.get("alg") == "HS256"
            now = self._world.instant().timestamp()
            good = good and claims["iss"] == claims["sub"] == self._client_id and claims["aud"] == address
            good = good and claims["iat"] - _LEEWAY <= now <= claims["exp"] + _LEEWAY
            once = str(claims["jti"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise TokenRefused("invalid_client") from None
        with self._lock:
            if not good or once in self._used:
                raise TokenRefused("invalid_client")
            self._used.add(once)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
