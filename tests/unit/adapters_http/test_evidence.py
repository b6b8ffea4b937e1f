"""Refused answers are kept for people to look at, and no personal number among them."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.adapters_http.conftest import FOUND, TARO, Clients, within
from tests.unit.adapters_http.server import Loopback
from tests.unit.adapters_http.test_lists import BEGIN, RECORD, lines
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason
from yvaxportal.adapters.http.evidence import KEPT, MOST_ANSWERS, MOST_BYTES, Evidence, masked

NUMBER = "900000001234"
NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
WRONG = BadAnswer("atena", BadAnswerReason.MALFORMED, "/result")


class Ticking:
    """A clock that goes on by a second each time it is read."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "adapters" / "atena" / "refused"


@pytest.fixture
def evidence(folder: Path) -> Evidence:
    return Evidence(folder, Ticking())


def kept(folder: Path) -> list[tuple[dict[str, Any], str]]:
    found = []
    for path in sorted(folder.glob("*")):
        head, _, body = path.read_text("utf-8").partition("\n")
        found.append((json.loads(head), body))
    return found


def test_an_answer_that_breaks_the_protocol_is_kept_with_what_is_wrong(
    server: Loopback, client_for: Clients, evidence: Evidence, folder: Path
) -> None:
    wrong = {"result": [TARO | {"seibetsu": "9", "kojinbango": NUMBER}]}
    server.on("/persons/123", lambda exchange: exchange.answer(200, wrong))
    with pytest.raises(BadAnswer):
        client_for(server, evidence).call("person", within(), path={"atenabango": "123"})
    ((head, body),) = kept(folder)
    assert head | {"at": "", "bytes": 0} == {
        "at": "",
        "bytes": 0,
        "operation": "person",
        "request_id": "request-1",
        "reason": "malformed",
        "where": head["where"],
    }
    assert json.loads(body)["result"][0]["shimei"] == TARO["shimei"]
    assert json.loads(body)["result"][0]["kojinbango"] == "****"
    assert [path.stat().st_mode & 0o777 for path in (folder, next(folder.iterdir()))] == [0o700, 0o600]


def test_what_the_caller_finds_wrong_later_is_kept_too(
    server: Loopback, client_for: Clients, evidence: Evidence, folder: Path
) -> None:
    server.on("/persons/123", lambda exchange: exchange.answer(200, FOUND))
    client = client_for(server, evidence)
    client.call("person", within(), path={"atenabango": "123"})
    assert not folder.exists()
    client.keep_evidence(BadAnswer("atena", BadAnswerReason.WRONG_PERSON, "/result/0/atenabango"))
    ((head, body),) = kept(folder)
    assert (head["reason"], json.loads(body)) == ("wrong_person", FOUND)


def test_a_line_of_a_stream_is_kept(
    server: Loopback, client_for: Clients, evidence: Evidence, folder: Path
) -> None:
    wrong = TARO | {"seibetsu": "x", "shimei": NUMBER}
    server.on("/snapshot", lines(BEGIN, RECORD, json.dumps(wrong).encode() + b"\n"))
    with pytest.raises(BadAnswer), client_for(server, evidence).stream("snapshot", within()) as stream:
        list(stream)
    ((head, body),) = kept(folder)
    assert head["where"].startswith("line 3")
    assert json.loads(body) == wrong | {"shimei": "****"}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"kojinbango": NUMBER}),
        json.dumps({"a": {"b": [NUMBER]}}),
        json.dumps({"a": int(NUMBER)}),
        json.dumps({NUMBER: 1}),
        json.dumps({"a": f"x{NUMBER}y", "b": "9000 0000 1234", "c": "9000-0000-1234"}),
        json.dumps({"a": "９０００００００１２３４"}),
        json.dumps({"a": "９０００００００１２３４"}, ensure_ascii=False),
        '{"a": "' + "".join(f"\\u{ord(digit):04x}" for digit in NUMBER) + '"',
        f"<html>{NUMBER}</html>",
        f"{NUMBER}",
        f'{{"kojinbango": "{NUMBER}"',
        "123" + NUMBER + "456",
    ],
)
def test_no_writing_of_a_personal_number_is_kept(body: str) -> None:
    text = masked(body.encode())
    digits = "".join(character for character in text if character.isdigit())
    assert NUMBER not in digits
    assert "9000" not in text
    assert "****" in text


@given(st.binary(max_size=400))
def test_anything_can_be_masked(body: bytes) -> None:
    assert isinstance(masked(body), str)


def test_names_and_atena_numbers_stay_to_be_looked_at() -> None:
    said = {
        "atenabango": "100000001234567",
        "shimei": "髙﨑",
        "jusho": "錦町1-139-3",
        "kensu": 3,
        "zoku": True,
    }
    assert json.loads(masked(json.dumps(said).encode())) == said


def test_only_so_many_are_kept_and_only_so_long(evidence: Evidence, folder: Path) -> None:
    for turn in range(MOST_ANSWERS + 5):
        evidence.keep("person", f"r{turn}", WRONG, b"{}")
    heads = [head["request_id"] for head, _ in kept(folder)]
    assert (len(heads), heads[-1]) == (MOST_ANSWERS, f"r{MOST_ANSWERS + 4}")
    long_ago = (NOW - KEPT - timedelta(days=1)).timestamp()
    for path in folder.iterdir():
        os.utime(path, (long_ago, long_ago))
    evidence.keep("person", "new", WRONG, b"{}")
    assert [head["request_id"] for head, _ in kept(folder)] == ["new"]


def test_only_so_much_is_kept(evidence: Evidence, folder: Path) -> None:
    evidence.keep("person", "r", WRONG, b"x" * (MOST_BYTES * 2))
    ((head, body),) = kept(folder)
    assert (head["bytes"], len(body.strip())) == (MOST_BYTES * 2, MOST_BYTES)


def test_a_folder_that_cannot_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    Evidence(tmp_path / "file", lambda: NOW).keep("person", "r", WRONG, b"{}")
    assert "could not be kept" in caplog.text
