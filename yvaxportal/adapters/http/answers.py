"""What a status and an error body mean in the portal's tree of errors (docs/protocols/rest.md, 4)."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from yvaxportal.adapters.errors import (
    AdapterError,
    BadAnswer,
    BadAnswerReason,
    NotFound,
    Refused,
    TimedOut,
    Unauthorised,
    Unavailable,
)
from yvaxportal.adapters.http.openapi import Operation

#: Codes of every protocol and their wording; E0001 to E0004 are the national ones (共通機能標準仕様書 2.2).
COMMON_CODES: Mapping[str, str] = {
    "E0001": "必須項目が入力されていません。",
    "E0002": "指定された文字以外が入力されています。",
    "E0003": "桁数が正しくありません。",
    "E0004": "項目間の相関が正しくありません。",
    "invalid_token": "アクセストークンが無効です。",
    "forbidden": "この操作の権限がありません。",
    "not_found": "該当するデータがありません。",
    "key_reused": "同じ冪等キーで異なる内容が送信されました。",
    "unknown_cursor": "継続位置が無効です。",
}
UNLISTED = "unlisted"
_UNAUTHORISED_CODES = frozenset({"invalid_token", "forbidden"})

_SERVER_FAILED = range(500, 600)
_CLIENT_ERRORS = range(400, 500)
TOO_MANY = 429
_UNAUTHORISED, _FORBIDDEN, _NOT_FOUND, _TOO_SLOW = 401, 403, 404, 408
#: Answers after which the same call may go well: overloaded, restarting, a gateway without its server.
_PASSING = frozenset({_TOO_SLOW, TOO_MANY, 502, 503, 504})
_LONGEST_WAIT = 86_400.0


class AttemptFailed(Exception):  # noqa: N818 - what happened
    """One attempt of a call failed, and the same call may go well later.

    :param again: so soon that a further attempt is worth it.
    :param silent: nobody answered; the circuit breaker counts it.
    """

    def __init__(self, error: AdapterError, *, again: bool = False, silent: bool = False) -> None:
        super().__init__(type(error).__name__)
        self.error = error
        self.again = again
        self.silent = silent


def timed_out(system: str, *, silent: bool = True) -> AttemptFailed:
    """Return the failure of an attempt that took too long."""
    return AttemptFailed(TimedOut(system, "no answer within the time limit"), again=True, silent=silent)


def unreachable(system: str, problem: str) -> AttemptFailed:
    """Return the failure of an attempt without a whole answer."""
    return AttemptFailed(Unavailable(system, problem), again=True, silent=True)


def overloaded(
    system: str, problem: str, headers: Mapping[str, str], *, silent: bool = True
) -> AttemptFailed:
    """Return the failure of an attempt after which the other side may have asked for a pause."""
    wait = retry_after(headers)
    pause = None if wait is None else timedelta(seconds=wait)
    return AttemptFailed(Unavailable(system, problem, retry_after=pause), again=True, silent=silent)


def failure_of(
    system: str, operation: Operation, status: int, headers: Mapping[str, str], body: bytes
) -> AttemptFailed | AdapterError:
    """Return what an answer other than 2xx means. Of its body nothing is kept but a known code."""
    if status in _PASSING:
        return overloaded(system, f"status {status}", headers, silent=status != TOO_MANY)
    if status in _SERVER_FAILED:
        return AttemptFailed(Unavailable(system, f"status {status}"), silent=True)
    return _refusal(system, operation, status, body)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, as a number or a date; None when it says nothing."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    moment = http_date(text)
    if moment is None:
        return None
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_WAIT)


def http_date(text: str) -> datetime | None:
    """Return an instant from a header, None for anything else."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def codes_of(body: bytes) -> list[str]:
    """Return the codes of an error body, ``errors[]{code,message}``; none for any other body."""
    try:
        errors = json.loads(body.decode("utf-8"))["errors"]
        codes = [error["code"] for error in errors]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []
    return [code for code in codes if isinstance(code, str)]


def known_code(operation: Operation, codes: Iterable[str]) -> str:
    """Return the first code that the portal acts upon, ``unlisted`` when there is none."""
    return next((code for code in codes if code in COMMON_CODES or code in operation.codes), UNLISTED)


def refusal_by_code(system: str, operation: Operation, code: str) -> AdapterError:
    """Return what a code means where there is no status beside it (docs/protocols/folder.md)."""
    known = known_code(operation, [code])
    if known in _UNAUTHORISED_CODES:
        return Unauthorised(system, known)
    if known == "not_found":
        return NotFound(system, operation.what)
    return Refused(system, known)


def _refusal(system: str, operation: Operation, status: int, body: bytes) -> AdapterError:
    codes = codes_of(body)
    known = known_code(operation, codes)
    if status == _UNAUTHORISED:
        return Unauthorised(system, "invalid_token")
    if status == _FORBIDDEN:
        return Unauthorised(system, "forbidden" if known == UNLISTED else known)
    if status not in _CLIENT_ERRORS or not codes:
        # A redirect, or something between answers: a wrong base address must not look like "no such person".
        return BadAnswer(system, BadAnswerReason.MALFORMED, f"status {status}")
    if status == _NOT_FOUND and known == "not_found":
        return NotFound(system, operation.what)
    return Refused(system, known)
