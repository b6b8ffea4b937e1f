"""The web server itself: what it lets through and what it says of itself."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyramid.router import Router
from waitress import wasyncore

from yvaxportal.commands.refusals import channel_with, refusal_pages
from yvaxportal.commands.web import open_server
from yvaxportal.security.headers import POLICY
from yvaxportal.settings import Settings, SettingsError, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    raw = {
        "environment": "development",
        "var": str(tmp_path),
        "database": "embedded",
        "municipality_name": "見本市",
        "session.secret_file": "a",
        "vault.key_ring_file": "b",
        "audit.signing_key_file": "c",
        "max_body_bytes": "65536",
        "web.threads": "1",
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        raw["web.port"] = str(probe.getsockname()[1])
    named = {f"yvaxportal.{name}": value for name, value in raw.items()}
    return read_settings(named, secrets_may_be_missing=True, environ={})


def tell_where_from(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    names = ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "wsgi.url_scheme")
    return [" ".join(str(environ.get(name)) for name in names).encode()]


@contextmanager
def served(settings: Settings, app: Router | None = None) -> Iterator[http.client.HTTPConnection]:
    server = open_server(app or tell_where_from, settings)
    if app is not None:
        server.channel_class = channel_with(refusal_pages(app))
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            wasyncore.loop(timeout=0.05, map=server._map, count=1)

    thread = threading.Thread(target=loop)
    thread.start()
    client = http.client.HTTPConnection(settings.host, settings.port, timeout=10)
    try:
        yield client
    finally:
        client.close()
        stop.set()
        thread.join(10)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(server._map)


FORGED = {"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https"}


def test_a_visitor_cannot_say_where_they_are(settings: Settings) -> None:
    with served(settings) as client:
        client.request("GET", "/", headers=FORGED)
        assert client.getresponse().read() == b"127.0.0.1 None http"


def test_the_trusted_proxy_can(settings: Settings) -> None:
    with served(replace(settings, trusted_proxy="127.0.0.1")) as client:
        client.request("GET", "/", headers=FORGED)
        assert client.getresponse().read().split()[0::2] == [b"10.1.2.3", b"https"]


def test_another_proxy_cannot(settings: Settings) -> None:
    with served(replace(settings, trusted_proxy="192.0.2.1")) as client:
        client.request("GET", "/", headers=FORGED)
        assert client.getresponse().read() == b"127.0.0.1 None http"


def test_it_does_not_say_what_it_is(settings: Settings) -> None:
    with served(settings) as client:
        client.request("GET", "/")
        response = client.getresponse()
        response.read()
        assert response.getheader("Server") is None


def test_a_body_that_is_too_long(settings: Settings) -> None:
    # What a page other than the one for files takes is the application's to say.
    with served(replace(settings, import_max_file_bytes=65536)) as client:
        client.request("POST", "/", body=b"x" * (2 * 65536 + 1))
        assert client.getresponse().status == 413


def test_what_never_reaches_a_view_is_told_on_a_page_too(settings: Settings, app: Router) -> None:
    with served(replace(settings, import_max_file_bytes=65536), app) as client:
        client.request("POST", "/sign-in", body=b"x" * (2 * 65536 + 1))
        answer = client.getresponse()
        page = answer.read().decode("utf-8")
        assert answer.status == 413
        assert "送られたデータが大きすぎます" in page
        assert "Too much data was sent" in page
        assert answer.getheader("Content-Security-Policy") == POLICY
        assert answer.getheader("Cache-Control") == "no-store"
    with served(settings, app) as client:
        client.putrequest("GET", "/")
        client.putheader("Content-Length", "many")
        client.endheaders()
        answer = client.getresponse()
        assert answer.status == 400
        assert "リクエストを処理できませんでした" in answer.read().decode("utf-8")


def test_a_port_that_is_taken(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind((settings.host, settings.port))
        taken.listen()
        with pytest.raises(SettingsError, match=r"^yvaxportal\.web\.port: .*cannot be listened on"):
            open_server(tell_where_from, settings)
