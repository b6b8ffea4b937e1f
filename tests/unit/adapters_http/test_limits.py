"""Time and size: what the other side may cost."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.unit.adapters_http.conftest import FOUND, Clients, in_threads, within
from tests.unit.adapters_http.server import Exchange, Loopback, Rule
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, TimedOut, Unavailable

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n"
SLACK = 0.05


@contextmanager
def ends_within(limit: float) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < limit + SLACK


def drip_body(exchange: Exchange) -> None:
    exchange.raw(HEAD)
    exchange.drip(b" " * 4000)
    exchange.hang_up()


def drip_head(exchange: Exchange) -> None:
    exchange.drip(HEAD * 10)
    exchange.hang_up()


def silence(exchange: Exchange) -> None:
    time.sleep(1.5)
    exchange.hang_up()


@pytest.mark.parametrize("rule", [drip_body, drip_head, silence])
def test_a_slow_server_is_cut_at_the_limit(server: Loopback, client_for: Clients, rule: Rule) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, {}))
    client = client_for(server, attempts=3)
    client.call("list", within())
    server.on("/persons", rule)

    with ends_within(0.4), pytest.raises(TimedOut):
        client.call("list", within(0.4))


def test_a_slow_token_server_counts_too(server: Loopback, client_for: Clients) -> None:
    server.on("/token", drip_body)

    with ends_within(0.4), pytest.raises(TimedOut):
        client_for(server).call("list", within(0.4))


def test_waiting_for_anothers_token_counts_too(server: Loopback, client_for: Clients) -> None:
    server.token.delay = 1.0
    client = client_for(server)

    with ends_within(0.5):
        results = in_threads(4, lambda: client.call("list", within(0.3)))
    assert [type(result) for result in results] == [TimedOut] * 4


def test_waiting_for_a_connection_counts_too(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, {}))
    client = client_for(server, pool_size=1, breaker_failures=1)
    client.call("list", within())
    server.on("/search", silence)

    def hold() -> None:
        with pytest.raises(Unavailable):
            client.call("search", within(1), body={})

    busy = threading.Thread(target=hold)
    busy.start()
    time.sleep(0.1)

    with ends_within(0.2), pytest.raises(TimedOut):
        client.call("list", within(0.2))
    busy.join()


def test_a_server_that_does_not_finish_the_handshake(client_for: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        client = client_for(Deaf(url), connect_seconds=5.0)
        with ends_within(0.3), pytest.raises(TimedOut):
            client.call("list", within(0.3))


class Deaf:
    """Has an address and nothing behind it."""

    def __init__(self, url: str) -> None:
        self.url = url


def test_a_name_that_takes_long_to_look_up(
    server: Loopback, client_for: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object, **__: object) -> list[object]:
        time.sleep(1)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with ends_within(0.3), pytest.raises(TimedOut):
        client_for(server, connect_seconds=5.0).call("list", within(0.3))


def test_nobody_listens(client_for: Clients) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

    with pytest.raises(Unavailable, match="no connection") as raised:
        client_for(Deaf(f"http://127.0.0.1:{port}")).call("list", within())
    assert type(raised.value) is Unavailable


@pytest.mark.parametrize("announced", [True, False])
def test_an_answer_that_is_too_large(server: Loopback, client_for: Clients, announced: bool) -> None:
    sent = threading.Event()

    def flood(exchange: Exchange) -> None:
        length = b"Content-Length: 1073741824\r\n" if announced else b""
        exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + length + b"\r\n")
        try:
            for _ in range(16384):
                exchange.raw(b" " * 65536)
            sent.set()
        except OSError:
            pass
        exchange.hang_up()

    server.on("/persons", flood)
    with pytest.raises(BadAnswer) as raised:
        client_for(server, max_answer_bytes=100_000).call("list", within(5))
    assert raised.value.reason is BadAnswerReason.TOO_LARGE
    assert not sent.is_set()


def test_a_compressed_answer_is_refused(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, b"\x1f\x8b", Content_Encoding="gzip"))

    with pytest.raises(BadAnswer, match="content-encoding"):
        client_for(server).call("list", within())
    assert server.asked("/persons")[0].headers["Accept-Encoding"] == "identity"


def test_half_an_answer_is_no_answer(server: Loopback, client_for: Clients) -> None:
    def half(exchange: Exchange) -> None:
        exchange.raw(HEAD + b'{"result": [')
        exchange.hang_up()

    server.on("/persons/1", half)
    with pytest.raises(Unavailable, match="broke off"):
        client_for(server).call("person", within(), path={"atenabango": "1"})


def test_half_an_answer_is_asked_for_again(server: Loopback, client_for: Clients) -> None:
    def half(exchange: Exchange) -> None:
        exchange.raw(HEAD + b'{"result": [')
        exchange.hang_up()

    server.on("/persons/1", half, lambda exchange: exchange.answer(200, FOUND))
    client = client_for(server, attempts=2)
    assert client.call("person", within(), path={"atenabango": "1"}) == FOUND
    assert client.observer.observations().retries == 1


def test_no_http_at_all(server: Loopback, client_for: Clients) -> None:
    def noise(exchange: Exchange) -> None:
        exchange.raw(b"220 mail.example ESMTP\r\n\r\n")
        exchange.hang_up()

    server.on("/persons", noise)
    with pytest.raises(Unavailable):
        client_for(server).call("list", within())
