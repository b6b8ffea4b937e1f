"""Every answer is as the protocol says, or refused by its place."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters_http.conftest import DOCUMENT, TARO, Clients, within
from tests.unit.adapters_http.server import Loopback
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason
from yvaxportal.adapters.http import Protocol, ProtocolError
from yvaxportal.adapters.http.validation import parse, pointer


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"shimei": 5}, "/result/0/shimei (type)"),
        ({"shimei": None}, "/result/0/shimei (type)"),
        ({"shimei": "あ" * 11}, "/result/0/shimei (maxLength)"),
        ({"shimei": "𠮷" * 10}, ""),
        ({"seibetsu": "9"}, "/result/0/seibetsu (enum)"),
        ({"seinengappi": "2026-02-30"}, "/result/0/seinengappi (format)"),
        ({"atenabango": "900000000001x"}, "/result/0/atenabango (pattern)"),
        ({"kojinbango": "900000000001"}, "/result/0 (additionalProperties)"),
        ({"shimei": ...}, "/result/0 (required: shimei)"),
    ],
)
def test_answers_against_the_schema(
    server: Loopback, client_for: Clients, change: dict[str, Any], where: str
) -> None:
    person = {name: value for name, value in {**TARO, **change}.items() if value is not ...}
    server.on("/persons/1", lambda exchange: exchange.answer(200, {"result": [person]}))
    client = client_for(server)
    if not where:
        assert client.call("person", within(), path={"atenabango": "1"}) == {"result": [person]}
        return

    with pytest.raises(BadAnswer) as raised:
        client.call("person", within(), path={"atenabango": "1"})
    assert raised.value.where == where
    assert raised.value.reason is BadAnswerReason.MALFORMED
    for value in person.values():
        assert str(value) not in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        '{"a": "太郎"}'.encode("cp932"),
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        rb'{"a": "\ud800"}',
        rb'{"a": "\u0000"}',
        rb'{"\u0000": 1}',
    ],
)
def test_bodies_that_are_no_json(body: bytes) -> None:
    with pytest.raises(BadAnswer, match="malformed"):
        parse("atena", body)


@pytest.mark.parametrize("text", ["\\u0000", "𠮷", "\\ud842", "\\\\u0000"])
def test_bodies_that_only_look_bad(text: str) -> None:
    assert parse("atena", json.dumps({"a": text}).encode()) == {"a": text}


def test_another_media_type_is_refused(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, {}, kind="text/html"))
    with pytest.raises(BadAnswer, match="content-type"):
        client_for(server).call("list", within())


def test_a_charset_beside_the_media_type_is_fine(server: Loopback, client_for: Clients) -> None:
    server.on("/persons", lambda exchange: exchange.answer(200, {}, kind="Application/JSON; charset=utf-8"))
    assert client_for(server).call("list", within()) == {}


def test_a_pointer_shows_no_key_that_could_be_a_value() -> None:
    assert pointer(["result", 0, "shimei"]) == "/result/0/shimei"
    assert pointer(["900000000001", "米子太郎"]) == "/*/*"


def test_operations_know_their_metadata() -> None:
    protocol = Protocol(DOCUMENT)
    person = protocol.operation("person")
    assert (person.method, person.path, person.safe) == ("GET", "/persons/{atenabango}", True)
    assert (person.what, person.interface_id) == ("person", "IF_SKI_10111")
    assert protocol.operation("assign").codes == {"contradiction"}
    assert not protocol.operation("assign").safe
    assert protocol.operation("search").safe
    assert protocol.operation("snapshot").streams
    with pytest.raises(ProtocolError, match="no operation nothing"):
        protocol.operation("nothing")


def _without_id(document: dict[str, Any]) -> None:
    del document["paths"]["/search"]["post"]["operationId"]


def _twice(document: dict[str, Any]) -> None:
    document["paths"]["/search"]["post"]["operationId"] = "list"


def _old(document: dict[str, Any]) -> None:
    document["openapi"] = "3.0.3"


def _no_answer(document: dict[str, Any]) -> None:
    document["paths"]["/search"]["post"]["responses"] = {}


def _no_schema(document: dict[str, Any]) -> None:
    document["components"]["schemas"]["Person"]["type"] = "persona"


def _xml(document: dict[str, Any]) -> None:
    document["paths"]["/search"]["post"]["responses"]["200"]["content"] = {"text/xml": {}}


def _dangling(document: dict[str, Any]) -> None:
    del document["components"]["schemas"]["Person"]


@pytest.mark.parametrize("breaking", [_without_id, _twice, _old, _no_answer, _no_schema, _xml, _dangling])
def test_a_wrong_document_stops_the_start(breaking: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    breaking(document)
    with pytest.raises(ProtocolError, match="/"):
        Protocol(document)


def test_a_document_is_package_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "yvax_protocol_sample"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "openapi.json").write_text(json.dumps(DOCUMENT), "utf-8")
    (package / "broken.json").write_text("{", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    assert Protocol.load("yvax_protocol_sample", "openapi.json").version == "1"
    for name in ("broken.json", "nowhere.json"):
        with pytest.raises(ProtocolError, match=name):
            Protocol.load("yvax_protocol_sample", name)
