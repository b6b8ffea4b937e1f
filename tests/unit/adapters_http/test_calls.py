"""What goes out and what comes back."""

import pytest

from tests.unit.adapters_http.conftest import FOUND, TARO, Clients, in_threads, within
from tests.unit.adapters_http.server import Exchange, Loopback
from yvaxportal.adapters.errors import (
    AdapterError,
    BadAnswer,
    NotFound,
    Refused,
    Unauthorised,
    Unavailable,
)
from yvaxportal.adapters.http import BreakerState
from yvaxportal.adapters.messages.common import CallContext, HealthState


def test_a_call_carries_the_agreed_headers(server: Loopback, client_for: Clients) -> None:
    server.on("/persons/123", lambda exchange: exchange.answer(200, FOUND))
    client = client_for(server)

    assert client.call("person", within(), path={"atenabango": "123"}) == FOUND

    (seen,) = server.asked("/persons/123")
    assert seen.headers["Authorization"] == "Bearer token-1"
    assert seen.headers["X-Request-Id"] == "request-1"
    assert seen.headers["X-Operator-Id"] == "staff1"
    assert seen.headers["Accept"] == "application/json"
    assert "Idempotency-Key" not in seen.headers


def test_a_body_is_utf8_and_has_its_key(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, {}))
    client = client_for(server)

    client.call("assign", within(), body={"shimei": "𠮷田　花子"}, idempotency_key="key-1")

    (seen,) = server.asked("/persons")
    assert seen.body.decode("utf-8") == '{"shimei":"𠮷田　花子"}'
    assert seen.headers["Idempotency-Key"] == "key-1"


def test_an_operator_with_any_name_fits_a_header(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, {}))

    client_for(server).call("list", CallContext("山田\r\nX-Evil: 1", within().time_limit))

    assert server.asked("/persons")[0].headers["X-Operator-Id"].startswith("%E5%B1%B1%E7%94%B0%0D%0AX-Evil")


def test_path_and_query_are_escaped(server: Loopback, client_for: Clients) -> None:
    client = client_for(server)
    server.on("/persons/1%2F2%3F", lambda exchange: exchange.answer(200, FOUND))
    server.on("/persons", lambda exchange: exchange.answer(200, {}))

    client.call("person", within(), path={"atenabango": "1/2?"})
    client.call("list", within(), query={"after": "a&b=c", "limit": 10, "none": None})

    assert server.asked("/persons")[0].path == "/persons?after=a%26b%3Dc&limit=10"
    for wrong, code in (("", "E0001"), ("..", "E0002")):
        with pytest.raises(Refused) as refused:
            client.call("person", within(), path={"atenabango": wrong})
        assert refused.value.code == code


def test_an_answer_without_a_body(server: Loopback, client_for: Clients) -> None:
    server.on("/persons/1", lambda exchange: exchange.raw(b"HTTP/1.1 204 No Content\r\n\r\n"))

    assert client_for(server).call("forget", within(), path={"atenabango": "1"}) is None


@pytest.mark.parametrize(
    ("status", "code", "error", "shown"),
    [
        (400, "E0001", Refused, "refused (E0001)"),
        (400, "E0004", Refused, "refused (E0004)"),
        (400, "米子太郎", Refused, "refused (unlisted)"),
        (409, "contradiction", Refused, "refused (contradiction)"),
        (403, "forbidden", Unauthorised, "refused (forbidden)"),
        (404, "not_found", NotFound, "no such record"),
        (404, "contradiction", Refused, "refused (contradiction)"),
        (500, "E0001", Unavailable, "status 500"),
        (503, "", Unavailable, "status 503"),
        (418, "", BadAnswer, ""),
    ],
)
def test_statuses(
    server: Loopback, client_for: Clients, status: int, code: str, error: type[AdapterError], shown: str
) -> None:
    def rule(exchange: Exchange) -> None:
        if status == 418:
            exchange.answer(418, b"teapot", kind="text/plain")
        else:
            exchange.refuse(status, code, "900000000001 米子太郎")

    server.on("/persons", rule)
    with pytest.raises(error) as raised:
        client_for(server).call("assign", within(), body={}, idempotency_key="k")
    assert type(raised.value) is error
    assert shown in str(raised.value)
    assert "9000" not in str(raised.value)
    assert "太郎" not in str(raised.value)


def test_somebody_elses_404_is_no_missing_person(server: Loopback, client_for: Clients) -> None:
    with pytest.raises(BadAnswer):
        client_for(server).call("person", within(), path={"atenabango": "1"})


def test_a_redirect_is_not_followed(server: Loopback, client_for: Clients) -> None:
    server.on("/persons/1", lambda exchange: exchange.answer(307, b"", Location=f"{server.url}/persons/2"))
    server.on("/persons/2", lambda exchange: exchange.answer(200, FOUND))

    with pytest.raises(BadAnswer, match="status 307"):
        client_for(server).call("person", within(), path={"atenabango": "1"})
    assert not server.asked("/persons/2")


def test_proxies_of_the_environment_are_not_used(
    server: Loopback, client_for: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.on("/persons", lambda exchange: exchange.answer(200, {}))

    assert client_for(server).call("list", within()) == {}


def test_cookies_are_not_kept(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, {}, Set_Cookie="a=b; Path=/"))
    client = client_for(server)
    client.call("list", within())
    client.call("list", within())

    assert all("Cookie" not in seen.headers for seen in server.asked("/persons"))


def test_many_threads_share_the_pool(server: Loopback, client_for: Clients) -> None:
    server.on("/persons/123", lambda exchange: exchange.answer(200, FOUND))
    client = client_for(server, pool_size=4)
    client.call("person", within(), path={"atenabango": "123"})

    def deed() -> bool:
        return all(client.call("person", within(5), path={"atenabango": "123"}) == FOUND for _ in range(10))

    assert in_threads(16, deed) == [True] * 16
    assert server.connections <= 4
    observed = client.observer.observations()
    assert (observed.calls, sum(observed.latency), dict(observed.failures)) == (161, 161, {})
    assert observed.breaker is BreakerState.CLOSED
    assert client.health().state is HealthState.UP


def test_failures_are_counted_by_kind(server: Loopback, client_for: Clients) -> None:
    client = client_for(server)
    assert client.health().state is HealthState.UNKNOWN
    server.on(
        "/persons",
        lambda exchange: exchange.refuse(400, "E0001"),
        lambda exchange: exchange.answer(200, [TARO]),
        lambda exchange: exchange.answer(500, b""),
    )
    for expected in (Refused, BadAnswer, Unavailable):
        with pytest.raises(expected):
            client.call("list", within())

    observed = client.observer.observations()
    assert dict(observed.failures) == {"refused": 1, "bad_answer": 1, "unavailable": 1}
    assert observed.last_error == "Unavailable: status 500"
    assert client.health().state is HealthState.DEGRADED
    assert client.health().figures["failures_refused"] == 1
