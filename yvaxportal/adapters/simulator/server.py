"""The HTTP side: tokens, routes, idempotency, faults; one thread for each connection, loopback only."""

import json
import random
import socket
import threading
from collections import Counter
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from yvaxportal.adapters.simulator.faults import Faults, Rule, skewed, spoil
from yvaxportal.adapters.simulator.systems import ROUTES
from yvaxportal.adapters.simulator.tokens import TokenRefused, Tokens
from yvaxportal.adapters.simulator.wire import Asked, ErrorAnswer, Lines, Route
from yvaxportal.adapters.simulator.world import World

LOOPBACK = "127.0.0.1"
_LARGEST_REQUEST = 16 << 20
_LONG = 30.0
_SECOND = 1.0
_PIECE = 1 << 16
#: Of how long answers take: half are within a factor of 1.4, one in a hundred takes over three times as long.
_SPREAD = 0.5
_LONGEST_SHARE = 10.0


class Simulator(ThreadingHTTPServer):
    """All systems on one port: ``/<system>/...``, ``/token``, and ``/_simulator/...`` to steer it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        client_id: str,
        secret: str,
        token_seconds: int = 3600,
        delay_seconds: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.world = world
        self.url = f"http://{LOOPBACK}:{self.server_address[1]}"
        self.tokens = Tokens(world, client_id, secret, token_seconds)
        self.faults = Faults(seed)
        self.delay_seconds = delay_seconds
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.answers: dict[tuple[str, str], tuple[str, Any]] = {}
        self.counts: dict[str, int] = {}
        self._key_locks: dict[tuple[str, str], threading.Lock] = {}
        self._lock = threading.Lock()
        self.stopping = threading.Event()

    def take_time(self) -> None:
        """Wait as a system at work does: about ``delay_seconds``, now and then several times as long."""
        if self.delay_seconds:
            with self._lock:
                share = self._dice.lognormvariate(0, _SPREAD)
            self.stopping.wait(self.delay_seconds * min(share, _LONGEST_SHARE))

    def count(self, operation: str) -> None:
        """Count one answered request."""
        with self._lock:
            self.counts[operation] = self.counts.get(operation, 0) + 1

    def once(self, system: str, key: str) -> threading.Lock:
        """Return the lock of an idempotency key: its second request waits for the first."""
        with self._lock:
            return self._key_locks.setdefault((system, key), threading.Lock())

    def done(self, system: str, route: Route, asked: Asked) -> Any:
        """Return the answer of a system, the same again for the same key.

        :raises ErrorAnswer: the request is refused, or was when it came first.
        """
        if not route.changes:
            with self.world.lock:
                return route.handler(self.world, asked)
        key = asked.key
        if not key:
            raise ErrorAnswer("E0001")
        content = json.dumps([route.operation, asked.path, asked.body], sort_keys=True)
        with self.once(system, key):
            known = self.answers.get((system, key))
            if known is None:
                known = (content, self._handled(route, asked))
                self.answers[system, key] = known
        if known[0] != content:
            raise ErrorAnswer("key_reused")
        if isinstance(known[1], ErrorAnswer):
            raise known[1]
        return known[1]

    def _handled(self, route: Route, asked: Asked) -> Any:
        try:
            with self.world.lock:
                return route.handler(self.world, asked)
        except ErrorAnswer as error:
            return error

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: whoever tests a client that goes away does so on purpose."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Simulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name of the base class
        """Log nothing: addresses and bodies are about people."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the ``Date`` of the simulator's own clock."""
        del timestamp
        return format_datetime(self.server.world.instant(), usegmt=True)

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > _LARGEST_REQUEST:
            self.close_connection = True
            self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, None)
            return
        body = self.rfile.read(length)
        if parts.path == "/token":
            self._token(body)
        elif parts.path.startswith("/_simulator/"):
            self._steer(parts.path.removeprefix("/_simulator/"), body)
        else:
            self._system(parts.path, parts.query, body)

    def _token(self, body: bytes) -> None:
        try:
            form = dict(parse_qsl(body.decode("ascii"), strict_parsing=True))
            address = f"{self.server.url}/token"
            answer = self.server.tokens.ask(form, self.headers.get("Authorization", ""), address)
        except (ValueError, TokenRefused) as error:
            code = str(error) if isinstance(error, TokenRefused) else "invalid_request"
            self._send(HTTPStatus.UNAUTHORIZED, {"error": code})
            return
        self._send(HTTPStatus.OK, answer)

    def _steer(self, what: str, body: bytes) -> None:
        server = self.server
        try:
            value: Any = json.loads(body) if body else None
            match (self.command, what):
                case ("POST", "faults"):
                    server.faults.demand(value)
                case ("DELETE", "faults"):
                    server.faults.clear()
                    server.world.skew *= 0
                case ("POST", "world"):
                    with server.world.lock:
                        for kind, record in value.items():
                            server.world.add(kind, record)
                case ("GET", "state"):
                    self._send(HTTPStatus.OK, self._state())
                    return
                case _:
                    self._send(HTTPStatus.NOT_FOUND, None)
                    return
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            self._send(HTTPStatus.BAD_REQUEST, {"error": str(error)})
            return
        self._send(HTTPStatus.OK, {})

    def _state(self) -> dict[str, Any]:
        server = self.server
        return {
            "residents": len(server.world.residents),
            "changes": len(server.world.changes),
            "doses": len(server.world.doses),
            "flags": dict(Counter(ticket["furagu"] for ticket in server.world.tickets.values())),
            "tokens": server.tokens.given,
            "answered": server.counts,
            "faults": server.faults.done,
            "inquiries": len(server.world.chukan.inquiries),
        }

    def _system(self, path: str, query: str, body: bytes) -> None:
        system, _, rest = path.lstrip("/").partition("/")
        found = _route(system, self.command, f"/{rest}")
        if found is None:
            self._send(HTTPStatus.NOT_FOUND, None)
            return
        route, values = found
        system = route.system or system
        rule = self.server.faults.next(system, route.operation)
        if self._refused_before(rule):
            return
        try:
            asked = Asked(
                values,
                _query(query),
                _json(body),
                operator=unquote(self.headers.get("X-Operator-Id", "")),
                key=self.headers.get("Idempotency-Key", ""),
                fault=(rule.fault, rule.seconds) if rule else ("", None),
            )
            self.server.count(f"{system}.{route.operation}")
            status, answer = HTTPStatus.OK.value, self.server.done(system, route, asked)
        except ErrorAnswer as error:
            status, answer = error.status, error.body()
        self.server.take_time()
        if rule is not None and status == HTTPStatus.OK:
            answer = spoil(rule, route.operation, answer)
        self._send(status, answer, rule)

    def _refused_before(self, rule: Rule | None) -> bool:
        """Do what goes wrong before anything is done; tell whether that was the answer."""
        authorization = self.headers.get("Authorization", "")
        fault = rule.fault if rule else ""
        if rule is not None and fault == "clock_skew":
            self.server.world.skew = skewed(rule)
        if fault == "token_expired":
            self.server.tokens.forget(authorization)
        if not self.server.tokens.good(authorization):
            self._send(HTTPStatus.UNAUTHORIZED, ErrorAnswer("invalid_token").body())
            return True
        if rule is not None and fault in {"time_out", "slow"}:
            usual = _LONG if fault == "time_out" else _SECOND
            self.server.stopping.wait(rule.seconds if rule.seconds is not None else usual)
            if fault == "time_out":
                self._hang_up()
                return True
        if fault == "error_500":
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, None)
            return True
        if fault == "error_503":
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, None, retry_after="0")
            return True
        return False

    def _send(
        self, status: int, answer: Any, rule: Rule | None = None, retry_after: str | None = None
    ) -> None:
        if isinstance(answer, Lines):
            self._stream(answer, rule)
            return
        if answer is None and status == HTTPStatus.OK:
            status = HTTPStatus.NO_CONTENT
        body = b"" if answer is None else json.dumps(answer, ensure_ascii=False).encode()
        if rule is not None and rule.fault == "lost_answer":
            self._hang_up()
            return
        self.send_response(status)
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        if answer is not None:
            self.send_header("Content-Type", "application/json")
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if rule is not None and rule.fault == "half_an_answer":
            self.wfile.write(body[: len(body) // 2])
            self._hang_up()
            return
        self.wfile.write(body)

    def _stream(self, lines: Lines, rule: Rule | None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        held = bytearray()
        broken = rule is not None and rule.fault in {"half_an_answer", "lost_answer"}
        for count, written in enumerate(lines):
            held += written
            if broken and count > lines.begin["kensu"] // 2:
                self._chunk(bytes(held))
                self._hang_up()
                return
            if len(held) > _PIECE:
                self._chunk(bytes(held))
                held.clear()
        self._chunk(bytes(held))
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _route(system: str, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    for route in ROUTES.get(system, ()):
        values = route.match(method, path)
        if values is not None:
            return route, values
    return None


def _query(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}


def _json(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        raise ErrorAnswer("E0002") from None
