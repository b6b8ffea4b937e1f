"""The client that every ``rest`` adapter calls through."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

import httpx2
import stamina
from jsonschema_rs import Draft202012Validator

from yvaxportal.adapters.errors import AdapterError, BadAnswer, BadAnswerReason, Unavailable
from yvaxportal.adapters.http.answers import AttemptFailed, failure_of, timed_out
from yvaxportal.adapters.http.breaker import Breaker
from yvaxportal.adapters.http.deadline import Deadline, DeadlinePassed
from yvaxportal.adapters.http.evidence import MOST_BYTES, Evidence
from yvaxportal.adapters.http.exchange import media_type, read_all, send
from yvaxportal.adapters.http.lines import Lines
from yvaxportal.adapters.http.observing import Observer
from yvaxportal.adapters.http.openapi import Protocol
from yvaxportal.adapters.http.requests import Call, Query, address, build, next_address
from yvaxportal.adapters.http.settings import AuthMethod, RestSettings
from yvaxportal.adapters.http.tokens import Tokens
from yvaxportal.adapters.http.transport import KeptTransport
from yvaxportal.adapters.http.validation import parse, validate
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext

# They tell every address, and at their lowest level headers: neither belongs in the portal's log.
for _name in ("httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Result = TypeVar("Result")
Attempt = Callable[[httpx2.Request, Deadline], Result]
_UNAUTHORISED = 401
#: Waits between attempts, in shares of the time limit: 2 seconds wait 0.05 to 0.2, 30 seconds 0.75 to 3.
_FIRST_WAIT, _LONGEST_WAIT = 0.025, 0.1


class _Last(threading.local):
    """The last answer of each thread, for whoever finds out only later that it is wrong."""

    operation = ""
    request_id = ""
    body = b""

    def note(self, call: Call, body: bytes) -> None:
        self.operation, self.request_id = call.operation.name, call.context.request_id
        self.body = body[:MOST_BYTES]


class RestClient:
    """One system's connections, token, circuit breaker and counters, shared by all threads.

    Every method takes the name of an operation of the protocol. Errors are those of
    ``yvaxportal.adapters.errors``.
    """

    def __init__(
        self,
        settings: RestSettings,
        protocol: Protocol,
        clock: Callable[[], datetime],
        evidence: Evidence | None = None,
    ) -> None:
        self._evidence = evidence
        self._last = _Last()
        self._settings = settings
        self._protocol = protocol
        self._http = httpx2.Client(
            transport=KeptTransport(settings.tls, settings.pool_size),
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": "yvaxportal"},
        )
        self._http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._breaker = Breaker(settings.system, settings.breaker_failures, settings.breaker_seconds)
        self.observer = Observer(clock, self._breaker.state)
        self._tokens = Tokens(settings, self._http, clock, self.observer.token_fetched)
        self._with_token = settings.auth is not AuthMethod.MUTUAL_TLS

    def health(self) -> AdapterHealth:
        """Return how the connection stands; asks nobody."""
        return self.observer.observations().health()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def call(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Return the answer as parsed, valid JSON; None where the protocol has no body.

        A call is repeated only when the operation is safe or has an idempotency key, and only within
        ``context.time_limit``, which holds for everything together: token, connection, attempts, waits.
        """
        return self._whole(
            self._made(operation, context, path=path, query=query, body=body, idempotency_key=idempotency_key)
        )

    def pages(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
    ) -> Iterator[Any]:
        """Yield each page of a list, following ``_links.next``; the time limit holds for each page.

        :raises BadAnswer: also for a link that leads elsewhere or back to a page that was read.
        """
        call: Call | None = self._made(operation, context, path=path, query=query)
        seen = set[str]()
        while call is not None:
            if call.target in seen:
                raise BadAnswer(self._settings.system, BadAnswerReason.OUT_OF_ORDER, "/_links/next/href")
            seen.add(call.target)
            page = self._whole(call)
            yield page
            target = next_address(self._settings, page)
            call = None if target is None else replace(call, target=target)

    def stream(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: Any = None,
    ) -> Lines:
        """Return the lines of an answer as they come; each is valid, memory does not grow with their number.

        The time limit holds until the first line has come, then for each further line. Close it when not read
        to the end.
        """
        call = self._made(operation, context, path=path, query=query, body=body)
        return self._observed(call, lambda request, deadline: self._lines(call, request, deadline))

    def keep_evidence(self, error: BadAnswer) -> None:
        """Keep the last answer that this thread got, which its caller found to be wrong."""
        last = self._last
        if self._evidence is not None and last.operation:
            self._evidence.keep(last.operation, last.request_id, error, last.body)

    def check_item(self, operation: str, record: Any) -> None:
        """Check one record of a list whose records are checked one by one.

        :raises BadAnswer: it is not as the protocol has it; the place is within the record.
        """
        item = self._protocol.operation(operation).item
        if item is None:
            return
        try:
            validate(self._settings.system, item, record)
        except BadAnswer as error:
            if self._evidence is not None:
                written = json.dumps(record).encode()
                self._evidence.keep(operation, self._last.request_id, error, written)
            raise

    def _made(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None,
        query: Query | None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Call:
        chosen = self._protocol.operation(operation)
        target = address(self._settings, chosen, path, query)
        return Call(chosen, target, context, body, idempotency_key)

    def _whole(self, call: Call) -> Any:
        return self._observed(call, lambda request, deadline: self._value(call, request, deadline))

    def _observed(self, call: Call, attempt: Attempt[Result]) -> Result:
        began = time.monotonic()
        try:
            with self._permitted():
                result = self._attempts(call, attempt)
        except AttemptFailed as failed:
            error = failed.error
        except AdapterError as own:
            error = own
        else:
            self.observer.called(time.monotonic() - began, None)
            return result
        self.observer.called(time.monotonic() - began, error)
        raise error from None

    @contextmanager
    def _permitted(self) -> Iterator[None]:
        permit = self._breaker.admit()
        end = self._breaker.undecided
        try:
            yield
            end = self._breaker.answered
        except AdapterError:
            end = self._breaker.answered
            raise
        except AttemptFailed as failed:
            if failed.silent:
                end = self._breaker.silent
            raise
        finally:
            end(permit)

    def _attempts(self, call: Call, attempt: Attempt[Result]) -> Result:
        deadline = Deadline(call.context.time_limit)
        limit = call.context.time_limit.total_seconds()
        longest = limit * _LONGEST_WAIT

        def again(error: Exception) -> bool | float:
            if not (isinstance(error, AttemptFailed) and error.again):
                return False
            told = error.error.retry_after if isinstance(error.error, Unavailable) else None
            if not deadline.allows(longest if told is None else told.total_seconds()):
                return False
            return True if told is None else told.total_seconds()

        made = 0
        for trial in stamina.retry_context(
            on=again,
            attempts=self._settings.attempts if call.repeatable else 1,
            timeout=None,
            wait_initial=limit * _FIRST_WAIT,
            wait_max=longest,
            wait_jitter=limit * _FIRST_WAIT,
        ):
            with trial:
                if made:
                    self.observer.repeated()
                made += 1
                try:
                    return attempt(build(self._http, call), deadline)
                except DeadlinePassed:
                    raise timed_out(self._settings.system) from None
        raise AssertionError("stamina ends with a result or an error")

    def _value(self, call: Call, request: httpx2.Request, deadline: Deadline) -> Any:
        response = self._answered(call, request, deadline)
        try:
            body = read_all(response, self._settings, deadline)
        finally:
            response.close()
        if call.operation.answer is None:
            return None
        self._last.note(call, body)
        try:
            return self._checked(call.operation.answer, response, body)
        except BadAnswer as error:
            self.keep_evidence(error)
            raise

    def _checked(self, schema: Draft202012Validator, response: httpx2.Response, body: bytes) -> Any:
        system = self._settings.system
        if media_type(response) != "application/json":
            raise BadAnswer(system, BadAnswerReason.MALFORMED, "content-type")
        value = parse(system, body)
        validate(system, schema, value)
        return value

    def _lines(self, call: Call, request: httpx2.Request, deadline: Deadline) -> Lines:
        response = self._answered(call, request, deadline)
        self._last.note(call, b"")

        def broken_off(error: AdapterError, *, silent: bool, line: bytes) -> None:
            if isinstance(error, BadAnswer):
                self._last.note(call, line)
                self.keep_evidence(error)
            self._broken_off(error, silent=silent)

        return Lines(response, self._settings, call, deadline, broken_off)

    def _answered(self, call: Call, request: httpx2.Request, deadline: Deadline) -> httpx2.Response:
        """Return a 2xx answer whose body has not come yet."""
        token = self._authorise(request, deadline)
        response = send(self._http, request, self._settings, deadline)
        if response.status_code == _UNAUTHORISED and token is not None:
            # It was refused before anything was done: sending it once more with a new token is safe.
            response.close()
            self._tokens.discard(token)
            self._authorise(request, deadline)
            response = send(self._http, request, self._settings, deadline)
        if response.is_success:
            return response
        try:
            body = read_all(response, self._settings, deadline)
        finally:
            response.close()
        status, headers = response.status_code, response.headers
        raise failure_of(self._settings.system, call.operation, status, headers, body)

    def _authorise(self, request: httpx2.Request, deadline: Deadline) -> str | None:
        if not self._with_token:
            return None
        token = self._tokens.get(deadline)
        request.headers["Authorization"] = f"Bearer {token}"
        return token

    def _broken_off(self, error: AdapterError, *, silent: bool) -> None:
        self.observer.broken_off(error)
        if silent:
            try:
                self._breaker.silent(self._breaker.admit())
            except Unavailable:
                return
