"""Pages and streams."""

import json
import time
import tracemalloc

import pytest

from tests.unit.adapters_http.conftest import TARO, Clients, within
from tests.unit.adapters_http.server import Exchange, Loopback, Rule
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, NotFound, TimedOut, Unavailable
from yvaxportal.adapters.http import BreakerState

BEGIN = b'{"_begin": {"snapshot_id": "s1"}}\n'
RECORD = json.dumps(TARO).encode() + b"\n"


def page(number: int, following: object = None) -> Rule:
    links = {} if following is None else {"next": {"href": following}}
    return lambda exchange: exchange.answer(200, {"number": number, "_links": links})


def lines(*parts: bytes, whole: bool = True) -> Rule:
    def rule(exchange: Exchange) -> None:
        exchange.raw(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for part in parts:
            exchange.raw(b"%x\r\n%s\r\n" % (len(part), part))
        if whole:
            exchange.raw(b"0\r\n\r\n")
        else:
            exchange.hang_up()

    return rule


def end(count: object) -> bytes:
    return json.dumps({"_end": {"count": count}}).encode() + b"\n"


def test_pages_follow_their_links(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", page(1, "/persons?c=2"), page(2, f"{server.url}/persons?c=3"), page(3))
    pages = list(client_for(server).pages("list", within(), query={"limit": 1}))

    assert [page["number"] for page in pages] == [1, 2, 3]
    assert [seen.path for seen in server.asked("/persons")] == [
        "/persons?limit=1",
        "/persons?c=2",
        "/persons?c=3",
    ]
    assert server.asked("/persons")[2].headers["X-Request-Id"] == "request-1"


@pytest.mark.parametrize(
    "href",
    [
        "https://elsewhere.example/persons",
        "//elsewhere.example/persons",
        "/v2/persons",
        "/v1/../admin",
        "/v1x/persons",
        "/v1/persons\n",
        5,
        None,
    ],
)
def test_links_that_lead_elsewhere_are_refused(server: Loopback, client_for: Clients, href: object) -> None:
    server.on("/v1/persons", lambda exchange: exchange.answer(200, {"_links": {"next": {"href": href}}}))
    with pytest.raises(BadAnswer, match="/_links/next/href"):
        list(client_for(server, base_url=f"{server.url}/v1").pages("list", within()))
    assert len(server.seen) == 2


def test_pages_that_go_round_in_circles_end(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", page(1, "/persons?c=2"), page(2, "/persons?c=2"))
    with pytest.raises(BadAnswer) as raised:
        list(client_for(server).pages("list", within()))
    assert raised.value.reason is BadAnswerReason.OUT_OF_ORDER
    assert len(server.asked("/persons")) == 2


def test_a_stream_is_read_line_by_line(server: Loopback, client_for: Clients) -> None:
    cut = len(BEGIN + RECORD) + 7
    data = BEGIN + RECORD * 3 + end(3)
    server.on("/snapshot", lines(data[:5], data[5:cut], data[cut:]))

    with client_for(server).stream("snapshot", within()) as stream:
        assert stream.begin == {"snapshot_id": "s1"}
        assert list(stream) == [TARO] * 3
        assert stream.position == 3
    assert server.asked("/snapshot")[0].headers["Accept"] == "application/x-ndjson"


def test_an_end_without_a_line_feed(server: Loopback, client_for: Clients) -> None:
    server.on("/snapshot", lines(BEGIN, RECORD, end(1).rstrip()))
    assert list(client_for(server).stream("snapshot", within())) == [TARO]


@pytest.mark.parametrize(
    "parts",
    [
        (BEGIN, RECORD, end(2)),
        (BEGIN, RECORD, RECORD, end(1)),
        (BEGIN, RECORD),
        (BEGIN, RECORD, end(None)),
        (BEGIN, RECORD, end(1), RECORD),
    ],
)
def test_a_stream_that_does_not_add_up(
    server: Loopback, client_for: Clients, parts: tuple[bytes, ...]
) -> None:
    server.on("/snapshot", lines(*parts))
    with pytest.raises(BadAnswer) as raised:
        list(client_for(server).stream("snapshot", within()))
    assert raised.value.reason is BadAnswerReason.INCOMPLETE


def test_a_stream_that_breaks_off(server: Loopback, client_for: Clients) -> None:
    server.on("/snapshot", lines(BEGIN, RECORD, whole=False))
    client = client_for(server, breaker_failures=1)
    stream = client.stream("snapshot", within())
    with pytest.raises(Unavailable, match="broke off"):
        list(stream)
    assert stream.position == 1
    assert client.observer.observations().breaker is BreakerState.OPEN
    assert client.observer.observations().failures == {"unavailable": 1}


@pytest.mark.parametrize(
    ("line", "where"),
    [
        (b'{"atenabango": "900000000001"}\n', "line 3: / (required"),
        (b"{\n", "line 3"),
        (b"\n", "line 3"),
    ],
)
def test_a_wrong_line_is_named_by_its_number(
    server: Loopback, client_for: Clients, line: bytes, where: str
) -> None:
    server.on("/snapshot", lines(BEGIN, RECORD, line, end(2)))
    with pytest.raises(BadAnswer) as raised:
        list(client_for(server).stream("snapshot", within()))
    assert raised.value.where.startswith(where)
    assert "9000" not in str(raised.value)


@pytest.mark.parametrize("first", [b"", RECORD, b'{"_begin": {}}\n', b"[]\n", end(0)])
def test_a_stream_must_begin(server: Loopback, client_for: Clients, first: bytes) -> None:
    server.on("/snapshot", lines(*([first] if first else []), RECORD, end(1)))
    with pytest.raises(BadAnswer):
        client_for(server).stream("snapshot", within())


def test_a_line_that_never_ends(server: Loopback, client_for: Clients) -> None:
    server.on("/snapshot", lines(BEGIN, *([b"x" * 10_000] * 100)))
    with pytest.raises(BadAnswer) as raised:
        list(client_for(server, max_answer_bytes=50_000).stream("snapshot", within()))
    assert raised.value.reason is BadAnswerReason.TOO_LARGE


def test_the_limit_is_for_each_line(server: Loopback, client_for: Clients) -> None:
    def slowly(exchange: Exchange) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
        exchange.raw(head + BEGIN)
        for part in (RECORD, RECORD, RECORD, end(3)):
            time.sleep(0.2)
            exchange.raw(part)
        exchange.hang_up()

    server.on("/snapshot", slowly)
    assert len(list(client_for(server).stream("snapshot", within(0.4)))) == 3


def test_a_line_that_drips_is_cut(server: Loopback, client_for: Clients) -> None:
    def dripping(exchange: Exchange) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
        exchange.raw(head + BEGIN)
        exchange.drip(RECORD)
        exchange.hang_up()

    server.on("/snapshot", dripping)
    stream = client_for(server).stream("snapshot", within(0.3))
    began = time.monotonic()
    with pytest.raises(TimedOut):
        list(stream)
    assert time.monotonic() - began < 0.35


def test_a_reader_may_take_time(server: Loopback, client_for: Clients) -> None:
    server.on("/snapshot", lines(BEGIN, *([RECORD] * 3), end(3)))
    for record in client_for(server).stream("snapshot", within(0.2)):
        assert record == TARO
        time.sleep(0.25)


def test_a_stream_that_is_refused(server: Loopback, client_for: Clients) -> None:
    server.on("/snapshot", lambda exchange: exchange.refuse(404, "not_found"))
    with pytest.raises(NotFound):
        client_for(server).stream("snapshot", within())


def test_a_stream_gives_its_connection_back(server: Loopback, client_for: Clients) -> None:
    server.on("/snapshot", lines(BEGIN, *([RECORD] * 50), end(50)))
    client = client_for(server, pool_size=1)
    with client.stream("snapshot", within()) as stream:
        assert next(iter(stream)) == TARO
    for _ in range(3):
        assert len(list(client.stream("snapshot", within(0.5)))) == 50


def test_memory_does_not_grow_with_the_city(server: Loopback, client_for: Clients) -> None:
    count = 30_000

    def many(exchange: Exchange) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"
        exchange.raw(head + BEGIN)
        for _ in range(count // 1000):
            exchange.raw(RECORD * 1000)
        exchange.raw(end(count))
        exchange.hang_up()

    server.on("/snapshot", many)
    stream = client_for(server).stream("snapshot", within(10))
    tracemalloc.start()
    try:
        assert sum(1 for _ in stream) == count
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000
