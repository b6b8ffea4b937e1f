"""No secret, no token, no personal number in a log, an exception or a representation."""

import logging
import traceback
from collections.abc import Callable

import pytest

from tests.unit.adapters_http.conftest import DOCUMENT, Clients, within
from tests.unit.adapters_http.server import SECRET, Exchange, Loopback
from yvaxportal.adapters.errors import AdapterError
from yvaxportal.adapters.http import Protocol
from yvaxportal.adapters.http.requests import Call

NUMBER = "900000000001"
NAME = "米子太郎"


def _refused(exchange: Exchange) -> None:
    exchange.refuse(400, f"E-{NUMBER}", NAME)


def _server_error(exchange: Exchange) -> None:
    exchange.answer(500, f"{NUMBER} {NAME}".encode(), kind="text/plain")


def _malformed(exchange: Exchange) -> None:
    exchange.answer(200, f'"{NUMBER} {NAME}'.encode())


def _wrong_type(exchange: Exchange) -> None:
    exchange.answer(200, [NUMBER, NAME])


def _redirect(exchange: Exchange) -> None:
    exchange.answer(302, b"", Location=f"/?n={NUMBER}")


def _broken_head(exchange: Exchange) -> None:
    exchange.raw(f"HTTP/1.1 200 {NUMBER}\r\n{NUMBER}\r\n\r\n".encode())
    exchange.hang_up()


def _hang_up(exchange: Exchange) -> None:
    exchange.hang_up()


def _unauthorised(exchange: Exchange) -> None:
    exchange.refuse(401, NUMBER)


@pytest.mark.parametrize(
    "rule",
    [_refused, _server_error, _malformed, _wrong_type, _redirect, _broken_head, _hang_up, _unauthorised],
)
def test_failures_say_nothing_of_people(
    server: Loopback,
    client_for: Clients,
    caplog: pytest.LogCaptureFixture,
    rule: Callable[[Exchange], None],
) -> None:
    caplog.set_level(logging.DEBUG)
    server.on("/search", rule)
    client = client_for(server, attempts=2)

    with pytest.raises(AdapterError) as raised:
        client.call("search", within(), body={"kojinbango": NUMBER, "shimei": NAME})

    written = "".join(traceback.format_exception(raised.value)) + repr(raised.value)
    logged = caplog.text + repr([record.__dict__ for record in caplog.records])
    observed = repr(client.observer.observations()) + repr(client.health())
    for text in (written, logged, observed):
        for secret in (NUMBER, NAME, SECRET, "token-1"):
            assert secret not in text


def test_a_good_call_logs_no_address(
    server: Loopback, client_for: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.on("/persons", lambda exchange: exchange.answer(200, {}))
    client_for(server).call("list", within(), query={"after": "cursor-77"})

    assert "cursor-77" not in caplog.text
    assert "token-1" not in caplog.text


def test_a_refused_secret_is_not_told(
    server: Loopback, client_for: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.token.accept = lambda _: False
    with pytest.raises(AdapterError) as raised:
        client_for(server).call("list", within())
    assert SECRET not in caplog.text + "".join(traceback.format_exception(raised.value))


def test_representations_keep_quiet(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, {}))
    client = client_for(server)
    client.call("list", within())
    call = Call(Protocol(DOCUMENT).operation("search"), server.url, within(), {"kojinbango": NUMBER})

    for thing in (client, client._tokens, client._tokens._token, client._settings, call):
        assert SECRET not in repr(thing)
        assert "token-1" not in repr(thing)
        assert NUMBER not in repr(thing)
