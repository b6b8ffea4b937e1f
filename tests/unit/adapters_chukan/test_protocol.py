"""The protocol document, the interface, the page in docs and the simulator agree on what there is."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest

from tests.simulated import ROOT
from yvaxportal.adapters.chukan.denbun import DOCUMENT, PACKAGE, denbuns
from yvaxportal.adapters.errors import BadAnswer, Refused
from yvaxportal.adapters.interfaces import IChukan
from yvaxportal.adapters.simulator.systems.chukan import FUNCTIONS

DOCUMENTED = json.loads(files(PACKAGE).joinpath(DOCUMENT).read_text("utf-8"))
SCHEMAS = DOCUMENTED["components"]["schemas"]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference."""
    found: dict[str, Any] = SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def denbun_schemas() -> Iterator[Any]:
    for path, item in DOCUMENTED["paths"].items():
        for side, schema in item["post"]["x-denbun"].items():
            yield pytest.param(resolved(schema), id=f"{path.rpartition('/')[2]}-{side}")


def is_plain(schema: dict[str, Any]) -> bool:
    """Tell whether a schema is of a plain value, or null."""
    if "anyOf" in schema:
        return all(map(is_plain, schema["anyOf"]))
    return schema["type"] in {"string", "integer", "boolean", "null"}


def test_every_method_is_an_operation() -> None:
    methods = set(IChukan.names()) - {"health", "close"}
    operations = {item["post"]["operationId"] for item in DOCUMENTED["paths"].values()}
    assert operations == methods == set(denbuns()) == {one.name for one in FUNCTIONS.values()}


def test_the_simulator_and_the_page_know_the_same_ids() -> None:
    ids = {path.rpartition("/")[2] for path in DOCUMENTED["paths"]}
    assert ids == set(FUNCTIONS)
    page = (ROOT / "docs" / "protocols" / "chukan.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([A-Z]{2}_[A-Z]{3}_[0-9]{5})`(?: \*)? \| `(\w+)`", page, re.MULTILINE))
    assert rows == {one: FUNCTIONS[one].name for one in ids}
    changing = set(re.findall(r"^\| `([A-Z]{2}_[A-Z]{3}_[0-9]{5})` \*", page, re.MULTILINE))
    assert changing == {one for one in ids if FUNCTIONS[one].changes}
    safe = {
        path.rpartition("/")[2] for path, item in DOCUMENTED["paths"].items() if item["post"].get("x-safe")
    }
    assert safe == ids - changing


@pytest.mark.parametrize("schema", list(denbun_schemas()))
def test_a_message_is_flat(schema: dict[str, Any]) -> None:
    assert schema["additionalProperties"] is False
    for part in schema["properties"].values():
        if part.get("type") != "array":
            assert is_plain(part)
            continue
        record = resolved(part["items"])
        assert record["additionalProperties"] is False
        assert all(map(is_plain, record["properties"].values()))


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "E0001"),
        ({"ikou": None}, "E0001"),
        ({"ikou": None, "kensu": 0}, "E0003"),
        ({"ikou": None, "kensu": 1001}, "E0003"),
        ({"ikou": "見本", "kensu": 1}, "E0002"),
        ({"ikou": "a" * 101, "kensu": 1}, "E0002"),
        ({"ikou": None, "kensu": "1"}, "E0002"),
        ({"ikou": None, "kensu": 1, "more": 1}, "E0002"),
    ],
)
def test_a_request_that_is_none_is_not_sent(asked: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        denbuns()["provision_requests"].written("chukan", asked)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "/"),
        ("[]", "/ (type)"),
        ('{"kadojotai": "1"}', "/kadojotai (type)"),
        ('{"kadojotai": true, "900000000012": 1}', "/ (additionalProperties)"),
        ("{}", "/ (required: kadojotai)"),
    ],
)
def test_an_answer_that_is_none_is_refused_with_its_place(text: str, where: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        denbuns()["is_running"].read("chukan", text.encode())
    assert caught.value.where == where
    assert "900000000012" not in str(caught.value)
