"""Access tokens by OAuth 2.0 client credentials: fetched once for all threads, renewed before they expire.

Source: 共通機能標準仕様書 2.2 (client credentials, ``client_secret_jwt`` with HS256, no refresh tokens),
RFC 6749 4.4, RFC 7523.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote_plus
from uuid import uuid4

import httpx2
import jwt

from yvaxportal.adapters.errors import AdapterError, BadAnswer, BadAnswerReason, Unauthorised
from yvaxportal.adapters.http.answers import TOO_MANY, AttemptFailed, http_date, overloaded
from yvaxportal.adapters.http.deadline import Deadline
from yvaxportal.adapters.http.exchange import Answer, exchange, media_type
from yvaxportal.adapters.http.settings import AuthMethod, RestSettings
from yvaxportal.adapters.http.validation import parse

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_ASSERTION_SECONDS = 60
_UNSTATED_SECONDS = 60.0
_LONGEST_SECONDS = 86_400.0
#: A token is renewed when a fifth of its life is left, a minute at most, and not used in its last tenth or
#: five seconds: a call takes time, and the two clocks do not run alike.
_RENEW_SHARE, _RENEW_SECONDS = 0.2, 60.0
_UNUSED_SHARE, _UNUSED_SECONDS = 0.1, 5.0
_SKEW_SECONDS = 5.0
_OK, _REFUSED, _SERVER_FAILED = 200, frozenset({400, 401, 403}), 500


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    renew_at: float
    unused_from: float


class Tokens:
    """The token of one client. Instants are on the monotonic clock, counted from before the request."""

    def __init__(
        self,
        settings: RestSettings,
        http: httpx2.Client,
        clock: Callable[[], datetime],
        fetched: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._fetched = fetched
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._ahead = 0.0

    def get(self, deadline: Deadline) -> str:
        """Return a token that will be good for a while.

        While one thread renews a token that is still good, the others go on with it; without a good one they
        wait for that thread.

        :raises AttemptFailed: none can be had.
        """
        token, now = self._token, time.monotonic()
        if token is not None and now < token.renew_at:
            return token.value
        if token is not None and now < token.unused_from:
            return self._renewed(token, deadline)
        deadline.acquire(self._lock)
        try:
            token = self._token
            if token is None or time.monotonic() >= token.unused_from:
                token = self._token = self._fetch(deadline)
            return token.value
        finally:
            self._lock.release()

    def discard(self, value: str) -> None:
        """Forget a token that the other side did not accept, unless it was replaced already."""
        token = self._token
        if token is not None and token.value == value:
            self._token = None

    def _renewed(self, token: _Token, deadline: Deadline) -> str:
        if not self._lock.acquire(blocking=False):
            return token.value
        try:
            if self._token is token:
                self._token = self._fetch(deadline)
        except (AttemptFailed, AdapterError):
            return token.value
        else:
            return (self._token or token).value
        finally:
            self._lock.release()

    def _fetch(self, deadline: Deadline) -> _Token:
        answer, began = self._ask(deadline)
        if answer.status in _REFUSED and self._clock_was_wrong(answer):
            answer, began = self._ask(deadline)
        self._fetched()
        return self._read(answer, began)

    def _ask(self, deadline: Deadline) -> tuple[Answer, float]:
        began = time.monotonic()
        return exchange(self._http, self._request(), self._settings, deadline), began

    def _request(self) -> httpx2.Request:
        settings = self._settings
        form = {"grant_type": "client_credentials"}
        if settings.scopes:
            form["scope"] = " ".join(settings.scopes)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        auth = None
        if settings.auth is AuthMethod.CLIENT_SECRET_JWT:
            form["client_assertion_type"] = _ASSERTION
            form["client_assertion"] = self._assertion()
        else:
            # RFC 6749, 2.3.1: both are form-encoded before they become basic credentials.
            auth = httpx2.BasicAuth(quote_plus(settings.client_id), quote_plus(settings.client_secret))
        request = self._http.build_request("POST", settings.token_url, data=form, headers=headers)
        if auth is not None:
            request = next(auth.auth_flow(request))
        return request

    def _assertion(self) -> str:
        settings = self._settings
        issued = int(self._clock().timestamp() + self._ahead)
        claims = {
            "iss": settings.client_id,
            "sub": settings.client_id,
            "aud": settings.token_url,
            "jti": str(uuid4()),
            "iat": issued,
            "exp": issued + _ASSERTION_SECONDS,
        }
        return jwt.encode(claims, settings.client_secret, algorithm="HS256")

    def _clock_was_wrong(self, answer: Answer) -> bool:
        """Tell whether the clocks differ, which may be why; from now on the other side's counts."""
        theirs = http_date(answer.headers.get("date", ""))
        if theirs is None or self._settings.auth is not AuthMethod.CLIENT_SECRET_JWT:
            return False
        ahead = (theirs - self._clock().astimezone(UTC)).total_seconds()
        if abs(ahead - self._ahead) < _SKEW_SECONDS:
            return False
        self._ahead = ahead
        return True

    def _read(self, answer: Answer, began: float) -> _Token:
        system = self._settings.system
        if answer.status >= _SERVER_FAILED or answer.status == TOO_MANY:
            raise overloaded(system, f"token: status {answer.status}", answer.headers)
        if answer.status in _REFUSED:
            raise Unauthorised(system, "invalid_client")
        if answer.status != _OK or media_type(answer) != "application/json":
            raise BadAnswer(system, BadAnswerReason.MALFORMED, f"token: status {answer.status}")
        return _token(system, parse(system, answer.body), began)


def _token(system: str, content: object, began: float) -> _Token:
    fields = content if isinstance(content, dict) else {}
    value, kind = fields.get("access_token"), fields.get("token_type")
    life = fields.get("expires_in", _UNSTATED_SECONDS)
    for where, right in (
        ("access_token", isinstance(value, str) and _TOKEN.fullmatch(value)),
        ("token_type", isinstance(kind, str) and kind.lower() == "bearer"),
        ("expires_in", isinstance(life, int | float) and not isinstance(life, bool) and life > 0),
    ):
        if not right:
            raise BadAnswer(system, BadAnswerReason.MALFORMED, f"token: /{where}")
    seconds = min(float(life), _LONGEST_SECONDS)
    return _Token(
        str(value),
        renew_at=began + seconds - min(seconds * _RENEW_SHARE, _RENEW_SECONDS),
        unused_from=began + seconds - min(seconds * _UNUSED_SHARE, _UNUSED_SECONDS),
    )
