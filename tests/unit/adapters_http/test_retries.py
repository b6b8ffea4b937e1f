"""Repeating helps, and never does anything twice."""

import time
from email.utils import formatdate

import pytest

from tests.unit.adapters_http.conftest import Clients, in_threads, within
from tests.unit.adapters_http.server import Exchange, Loopback, Rule
from yvaxportal.adapters.errors import CircuitOpen, Refused, TimedOut, Unavailable
from yvaxportal.adapters.http import BreakerState


def good(exchange: Exchange) -> None:
    exchange.answer(200, {})


def busy(exchange: Exchange) -> None:
    exchange.answer(503, b"")


def broken(exchange: Exchange) -> None:
    exchange.hang_up()


def slow(exchange: Exchange) -> None:
    time.sleep(0.4)
    exchange.hang_up()


@pytest.mark.parametrize("rule", [busy, broken, slow])
def test_a_read_is_repeated(server: Loopback, client_for: Clients, rule: Rule) -> None:
    server.on("/persons", rule, good)
    client = client_for(server, attempts=3, read_seconds=0.2)

    assert client.call("list", within()) == {}
    assert len(server.asked("/persons")) == 2
    assert client.observer.observations().retries == 1


@pytest.mark.parametrize("rule", [busy, broken, slow])
def test_a_change_without_a_key_is_never_repeated(server: Loopback, client_for: Clients, rule: Rule) -> None:
    server.on("/persons", rule, good)
    client = client_for(server, attempts=3, read_seconds=0.2)

    with pytest.raises(Unavailable):
        client.call("assign", within(), body={})
    assert len(server.asked("/persons")) == 1


def test_a_change_with_a_key_is_repeated_with_the_same_key(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", broken, good)
    client_for(server, attempts=3).call("assign", within(), body={"a": 1}, idempotency_key="key-1")

    first, second = server.asked("/persons")
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == "key-1"
    assert first.body == second.body


def test_a_post_that_only_reads_is_repeated(server: Loopback, client_for: Clients) -> None:
    server.on("/search", busy, good)
    assert client_for(server, attempts=2).call("search", within(), body={}) == {}


@pytest.mark.parametrize("status", [400, 409, 500])
def test_an_answer_that_stays_the_same_is_not_asked_again(
    server: Loopback, client_for: Clients, status: int
) -> None:
    server.on("/persons", lambda exchange: exchange.refuse(status, "E0001"))
    with pytest.raises(Refused if status < 500 else Unavailable):
        client_for(server, attempts=5).call("list", within())
    assert len(server.asked("/persons")) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_kept(server: Loopback, client_for: Clients, status: int) -> None:
    server.on("/persons", lambda exchange: exchange.answer(status, b"", Retry_After="1"), good)
    began = time.monotonic()
    client_for(server, attempts=2).call("list", within(3))
    assert 1 <= time.monotonic() - began < 1.5


def test_a_longer_wait_than_the_caller_has_is_told_at_once(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(503, b"", Retry_After="120"))
    began = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        client_for(server, attempts=5).call("list", within())
    assert time.monotonic() - began < 0.5
    assert raised.value.retry_after is not None
    assert raised.value.retry_after.total_seconds() == 120
    assert len(server.asked("/persons")) == 1


@pytest.mark.parametrize("said", ["soon", "-5", "", "９"])
def test_nonsense_in_retry_after_is_ignored(server: Loopback, client_for: Clients, said: str) -> None:
    def rule(exchange: Exchange) -> None:
        exchange.raw(f"HTTP/1.1 503 x\r\nRetry-After: {said}\r\nContent-Length: 0\r\n\r\n".encode())

    server.on("/persons", rule)
    with pytest.raises(Unavailable) as raised:
        client_for(server).call("list", within())
    assert raised.value.retry_after is None


def test_retry_after_as_a_date(server: Loopback, client_for: Clients) -> None:
    later = formatdate(time.time() + 90, usegmt=True)
    server.on("/persons", lambda exchange: exchange.answer(503, b"", Retry_After=later))
    with pytest.raises(Unavailable) as raised:
        client_for(server).call("list", within())
    assert raised.value.retry_after is not None
    assert 85 < raised.value.retry_after.total_seconds() <= 90


def test_attempts_end_at_the_deadline(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", busy)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        client_for(server, attempts=10).call("list", within(0.5))
    assert time.monotonic() - began < 0.55
    assert len(server.asked("/persons")) > 2


def test_the_breaker_opens_probes_and_closes(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", busy)
    client = client_for(server, breaker_failures=3, breaker_seconds=0.3)
    for _ in range(3):
        with pytest.raises(Unavailable, match="status 503"):
            client.call("list", within())
    assert client.observer.observations().breaker is BreakerState.OPEN

    with pytest.raises(CircuitOpen) as raised:
        client.call("list", within())
    assert raised.value.retry_after is not None
    assert len(server.asked("/persons")) == 3

    time.sleep(0.31)
    with pytest.raises(Unavailable, match="status 503"):
        client.call("list", within())
    with pytest.raises(CircuitOpen):
        client.call("list", within())
    assert len(server.asked("/persons")) == 4

    time.sleep(0.31)
    server.on("/persons", good)
    assert client.call("list", within()) == {}
    assert client.observer.observations().breaker is BreakerState.CLOSED
    assert client.observer.observations().failures["circuit_open"] == 2


def test_one_call_probes_and_the_others_are_held_back(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", busy)
    client = client_for(server, breaker_failures=1, breaker_seconds=0.1, pool_size=16)
    with pytest.raises(Unavailable):
        client.call("list", within())
    time.sleep(0.11)

    def late(exchange: Exchange) -> None:
        time.sleep(0.3)
        exchange.answer(200, {})

    server.on("/persons", late)
    results = in_threads(16, lambda: client.call("list", within()))
    assert results.count({}) == 1
    assert sum(isinstance(result, CircuitOpen) for result in results) == 15
    assert len(server.asked("/persons")) == 2


def test_refusals_do_not_open_the_breaker(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.refuse(400, "E0003"))
    client = client_for(server, breaker_failures=2)
    for _ in range(5):
        with pytest.raises(Refused):
            client.call("list", within())
    assert client.observer.observations().breaker is BreakerState.CLOSED


def test_refusals_close_it(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", busy)
    client = client_for(server, breaker_failures=1, breaker_seconds=0.1)
    with pytest.raises(Unavailable):
        client.call("list", within())
    time.sleep(0.11)
    server.on("/persons", lambda exchange: exchange.refuse(400, "E0003"))
    with pytest.raises(Refused):
        client.call("list", within())
    assert client.observer.observations().breaker is BreakerState.CLOSED


def test_a_busy_system_is_not_an_absent_one(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(429, b""))
    client = client_for(server, breaker_failures=1)
    for _ in range(3):
        with pytest.raises(Unavailable, match="status 429"):
            client.call("list", within())


def test_hanging_costs_the_limit_only_until_the_breaker_opens(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", slow)
    client = client_for(server, breaker_failures=2, breaker_seconds=30)
    for _ in range(2):
        with pytest.raises(TimedOut):
            client.call("list", within(0.2))
    began = time.monotonic()
    with pytest.raises(CircuitOpen):
        client.call("list", within(0.2))
    assert time.monotonic() - began < 0.05
