"""One token for all threads, new in time, and no more of them than needed."""

import base64
import time
from typing import Any

import jwt
import pytest

from tests.unit.adapters_http.conftest import Clients, in_threads, within
from tests.unit.adapters_http.server import SECRET, Exchange, Loopback, Seen, form
from yvaxportal.adapters.errors import BadAnswer, Unauthorised, Unavailable
from yvaxportal.adapters.http import AuthMethod


def claims(seen: Seen, audience: str, **options: Any) -> dict[str, Any]:
    assertion = form(seen)["client_assertion"]
    return jwt.decode(assertion, SECRET, algorithms=["HS256"], audience=audience, **options)


@pytest.fixture
def answering(server: Loopback) -> Loopback:
    server.on("/persons", lambda exchange: exchange.answer(200, {}))
    return server


def test_sixteen_threads_fetch_one_token(answering: Loopback, client_for: Clients) -> None:
    answering.token.delay = 0.1
    client = client_for(answering, pool_size=16)

    assert in_threads(16, lambda: client.call("list", within(5))) == [{}] * 16
    assert answering.token.issued == ["token-1"]
    assert client.observer.observations().token_fetches == 1


def test_the_assertion_proves_the_client(answering: Loopback, client_for: Clients) -> None:
    scope = "031:persons:Read"
    client_for(answering, scopes=(scope,)).call("list", within())

    (seen,) = answering.asked("/token")
    sent = form(seen)
    assert sent["grant_type"] == "client_credentials"
    assert sent["scope"] == scope
    assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    said = claims(seen, f"{answering.url}/token")
    assert said["iss"] == said["sub"] == "yvaxportal"
    assert 0 < said["exp"] - said["iat"] <= 60
    assert SECRET.encode() not in seen.body


def test_basic_credentials(answering: Loopback, client_for: Clients) -> None:
    client = client_for(answering, auth=AuthMethod.CLIENT_SECRET_BASIC, client_secret="a:b+c/&%" * 5)
    client.call("list", within())

    (seen,) = answering.asked("/token")
    kind, _, value = seen.headers["Authorization"].partition(" ")
    assert kind == "Basic"
    assert base64.b64decode(value).decode() == "yvaxportal:" + "a%3Ab%2Bc%2F%26%25" * 5
    assert "client_assertion" not in form(seen)


def test_a_token_is_renewed_before_it_expires(answering: Loopback, client_for: Clients) -> None:
    answering.token.expires_in = 1
    client = client_for(answering)
    client.call("list", within())
    client.call("list", within())
    assert len(answering.token.issued) == 1
    time.sleep(0.85)
    client.call("list", within())

    assert [seen.headers["Authorization"] for seen in answering.asked("/persons")] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]


def test_an_old_token_serves_while_one_thread_renews_it(answering: Loopback, client_for: Clients) -> None:
    answering.token.expires_in = 10
    client = client_for(answering, pool_size=16)
    client.call("list", within())
    token = client._tokens._token
    assert token is not None
    object.__setattr__(token, "renew_at", time.monotonic())
    answering.token.delay = 0.3
    began = time.monotonic()
    took: list[float] = []

    def deed() -> Any:
        result = client.call("list", within())
        took.append(time.monotonic() - began)
        return result

    assert in_threads(8, deed) == [{}] * 8
    assert len(answering.token.issued) == 2
    assert sum(seconds >= 0.3 for seconds in took) == 1


def test_a_renewal_that_fails_costs_nothing_yet(answering: Loopback, client_for: Clients) -> None:
    answering.token.expires_in = 10
    client = client_for(answering)
    client.call("list", within())
    token = client._tokens._token
    assert token is not None
    object.__setattr__(token, "renew_at", time.monotonic())
    answering.on("/token", lambda exchange: exchange.answer(503, b""))

    assert client.call("list", within()) == {}


def test_a_token_that_is_refused_is_replaced_once(answering: Loopback, client_for: Clients) -> None:
    def check(exchange: Exchange) -> None:
        if exchange.request.headers["Authorization"] == "Bearer token-1":
            exchange.refuse(401, "invalid_token", "アクセストークンが無効です。")
        else:
            exchange.answer(200, {})

    answering.on("/persons", check)
    client = client_for(answering, pool_size=8)

    assert in_threads(8, lambda: client.call("assign", within(5), body={})) == [{}] * 8
    assert answering.token.issued == ["token-1", "token-2"]


def test_a_second_refusal_is_final(answering: Loopback, client_for: Clients) -> None:
    answering.on("/persons", lambda exchange: exchange.refuse(401, "invalid_token"))

    with pytest.raises(Unauthorised, match="invalid_token"):
        client_for(answering, attempts=5).call("list", within())
    assert len(answering.asked("/persons")) == 2


def test_the_other_sides_clock_decides(answering: Loopback, client_for: Clients) -> None:
    """Our clock is ten minutes behind: the assertion looks expired there, until we go by their Date."""

    def theirs() -> float:
        return time.time() + 600

    def fresh(seen: Seen) -> bool:
        said = claims(seen, f"{answering.url}/token", options={"verify_exp": False, "verify_iat": False})
        return bool(said["iat"] - 5 <= theirs() <= said["exp"])

    answering.token.date, answering.token.accept = theirs, fresh
    client = client_for(answering)

    assert client.call("list", within()) == {}
    assert len(answering.asked("/token")) == 2


def test_a_wrong_secret_is_told_apart_from_a_wrong_clock(answering: Loopback, client_for: Clients) -> None:
    answering.token.accept = lambda _: False

    with pytest.raises(Unauthorised, match="invalid_client"):
        client_for(answering, attempts=3).call("list", within())
    assert len(answering.asked("/token")) == 1
    assert not answering.asked("/persons")


def test_a_token_server_that_is_down(answering: Loopback, client_for: Clients) -> None:
    answering.on("/token", lambda exchange: exchange.answer(500, b""))

    with pytest.raises(Unavailable, match="token: status 500"):
        client_for(answering).call("list", within())


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ({"token_type": "Bearer", "expires_in": 60}, "access_token"),
        ({"access_token": "a\r\nX: y", "token_type": "Bearer", "expires_in": 60}, "access_token"),
        ({"access_token": "abc", "token_type": "mac", "expires_in": 60}, "token_type"),
        ({"access_token": "abc", "token_type": "Bearer", "expires_in": "60"}, "expires_in"),
        ({"access_token": "abc", "token_type": "Bearer", "expires_in": -1}, "expires_in"),
        (["abc"], "access_token"),
    ],
)
def test_answers_that_are_no_token(
    answering: Loopback, client_for: Clients, content: object, where: str
) -> None:
    answering.on("/token", lambda exchange: exchange.answer(200, content))

    with pytest.raises(BadAnswer, match=where) as raised:
        client_for(answering).call("list", within())
    assert "abc" not in str(raised.value)


def test_a_token_without_a_term_is_used_for_a_minute(answering: Loopback, client_for: Clients) -> None:
    answering.token.expires_in = None
    client = client_for(answering)
    client.call("list", within())
    client.call("list", within())

    assert len(answering.token.issued) == 1
