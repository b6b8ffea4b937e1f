"""A real HTTP or HTTPS server on loopback whose answers a test decides, with a token address of its own."""

import json
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

SECRET = "s3cret-of-the-portal-0123456789-abcdef"


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Exchange:
    """What a rule may do with one request."""

    handler: "Handler"
    request: Seen

    def answer(
        self, status: int = 200, content: Any = None, *, kind: str = "application/json", **headers: str
    ) -> None:
        """Send a whole answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode("utf-8")
        self.handler.send_response_only(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def refuse(self, status: int, code: str, message: str = "") -> None:
        """Send an error body."""
        self.answer(status, {"errors": [{"code": code, "message": message}]})

    def raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.handler.wfile.write(data)
        self.handler.wfile.flush()

    def drip(self, data: bytes, every: float = 0.05) -> None:
        """Send a byte now and then until the other side has had enough."""
        for byte in data:
            try:
                self.raw(bytes((byte,)))
            except OSError:
                return
            time.sleep(every)

    def hang_up(self) -> None:
        """Close the connection after this answer, or without one."""
        self.handler.close_connection = True


Rule = Callable[[Exchange], None]


@dataclass
class TokenRules:
    """How the token address behaves."""

    expires_in: object = 3600
    delay: float = 0.0
    date: Callable[[], float] = time.time
    accept: Callable[[Seen], bool] = lambda _: True
    issued: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Hands every request to its server's rules."""

    protocol_version = "HTTP/1.1"
    server: "Loopback"

    def handle(self) -> None:
        self.server.opened()
        try:
            super().handle()
        except (ConnectionError, ssl.SSLError, TimeoutError):
            self.close_connection = True

    def handle_one_request(self) -> None:
        super().handle_one_request()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        seen = Seen(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
        self.server.serve(Exchange(self, seen))

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


class Loopback(ThreadingHTTPServer):
    """Serves on a free port of 127.0.0.1. ``rules`` are by path, the next one of a list each time."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http" if tls is None else "https"
        self._tls = tls
        self._lock = threading.Lock()
        self.rules: dict[str, list[Rule]] = defaultdict(list)
        self.seen: list[Seen] = []
        self.connections = 0
        self.token = TokenRules()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def on(self, path: str, *rules: Rule) -> None:
        """Set what is done with requests for a path; the last rule is for all that follow."""
        self.rules[path] = list(rules)

    def asked(self, path: str) -> list[Seen]:
        """Return the requests for a path, without its query."""
        with self._lock:
            return [seen for seen in self.seen if seen.path.partition("?")[0] == path]

    def opened(self) -> None:
        with self._lock:
            self.connections += 1

    def serve(self, exchange: Exchange) -> None:
        path = exchange.request.path.partition("?")[0]
        with self._lock:
            self.seen.append(exchange.request)
            rules = self.rules[path]
            rule = rules.pop(0) if len(rules) > 1 else rules[0] if rules else None
        if path == "/token" and rule is None:
            self._issue(exchange)
        elif rule is None:
            exchange.answer(404, b"<h1>nothing here</h1>", kind="text/html")
        else:
            rule(exchange)

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        connection.settimeout(5)
        if self._tls is None:
            return connection, address
        # The handshake happens in the connection's own thread, with its first read.
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up are what these tests are about."""

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()

    def _issue(self, exchange: Exchange) -> None:
        time.sleep(self.token.delay)
        date = formatdate(self.token.date(), usegmt=True)
        if not self.token.accept(exchange.request):
            exchange.answer(401, {"error": "invalid_client"}, Date=date)
            return
        with self._lock:
            token = f"token-{len(self.token.issued) + 1}"
            self.token.issued.append(token)
        content = {"access_token": token, "token_type": "Bearer", "expires_in": self.token.expires_in}
        if self.token.expires_in is None:
            del content["expires_in"]
        exchange.answer(200, content, Date=date)


def form(seen: Seen) -> dict[str, str]:
    """Return the fields of a form."""
    return {name: values[0] for name, values in parse_qs(seen.body.decode("ascii")).items()}
