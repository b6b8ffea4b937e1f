"""What of a VRS answer is refused although its schema lets it pass, and what the protocol never has."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

import pytest

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, NotFound, Refused
from yvaxportal.adapters.http.openapi import Protocol
from yvaxportal.adapters.http.validation import validate
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.vrs import CertificateRequest, VrsRecord, VrsTarget
from yvaxportal.adapters.vrs.rest import RestVrs
from yvaxportal.models.codes import CertificateKind, Sex, VaccinationStatus
from yvaxportal.values.personal_number import PersonalNumber

CALL = CallContext("tanaka", timedelta(seconds=4))
TICKET = "0000012345"
TARGET = VrsTarget(
    "312029", "100", TICKET, "見本　花子", "1970-01-00", Sex.FEMALE, PersonalNumber("900000000010")
)
DOSE = VrsRecord("312029", TICKET, 1, VaccinationStatus.DONE, date(2021, 6, 22), "ファイザー", "EY0001")
KIROKU = {
    "kirokubango": "r-1",
    "torokunichiji": "2021-06-22T01:00:00Z",
    "shikuchosonkodo": "312029",
    "kenbango": TICKET,
    "kaisu": 1,
    "sesshujokyo": "1",
    "sesshubi": "2021-06-22",
    "meka": "ファイザー",
    "rotto": "EY0001",
}
SHOMEISHO = {
    "shomeishoid": "202611S00001",
    "kenbango": TICKET,
    "shomeishokubun": "1",
    "hakkobi": "2026-11-23",
}
PAGE = {"tsugi": "k1", "zoku": True, "kijunnichiji": "2026-11-23T01:00:00Z"}
PROTOCOL = Protocol.load("yvaxportal.adapters.vrs", "openapi.json")


class Answering:
    """A client that has one answer, which the protocol allows."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer

    def call(self, operation: str, _context: CallContext, **_more: Any) -> dict[str, Any]:
        validator = PROTOCOL.operation(operation).answer
        assert validator is not None
        validate("vrs", validator, self.answer)
        return self.answer

    def keep_evidence(self, error: BadAnswer) -> None:
        assert isinstance(error, BadAnswer)


def vrs(*records: dict[str, Any], **more: Any) -> RestVrs:
    client: Any = Answering({"result": list(records), **more})
    return RestVrs(client, "vrs", "312029")


def refused(answering: RestVrs, reason: BadAnswerReason, method: str, *asked: Any) -> None:
    with pytest.raises(BadAnswer) as caught:
        getattr(answering, method)(*asked, CALL)
    assert caught.value.reason is reason
    assert TICKET not in str(caught.value)


def test_a_good_answer_is_taken() -> None:
    (record,) = vrs(KIROKU).records(TICKET, CALL)
    assert replace(record, record_id=None, registered_at=None) == DOSE
    assert vrs(KIROKU).register_record(DOSE, "k", CALL) == record
    assert vrs(KIROKU).correct_record(record, "k", CALL) == record
    request = CertificateRequest(TICKET, CertificateKind.DOMESTIC)
    assert vrs(KIROKU, **SHOMEISHO).issue_certificate(request, "k", CALL).records == (record,)
    assert vrs(KIROKU, **PAGE).list_records(None, 1, CALL).next_cursor == "k1"
    (outcome,) = vrs({"gyobango": 1, "kekka": "2", "riyu": "bad_number"}).register_targets(
        [TARGET], "k", CALL
    )
    assert (outcome.position, outcome.code) == (0, "bad_number")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([{"gyobango": 1, "kekka": "1"}], BadAnswerReason.INCOMPLETE),
        ([{"gyobango": 2, "kekka": "1"}, {"gyobango": 1, "kekka": "1"}], BadAnswerReason.OUT_OF_ORDER),
        ([{"gyobango": 1, "kekka": "2"}, {"gyobango": 2, "kekka": "1"}], BadAnswerReason.MALFORMED),
        (
            [{"gyobango": 1, "kekka": "1", "riyu": "bad_number"}, {"gyobango": 2, "kekka": "1"}],
            BadAnswerReason.MALFORMED,
        ),
    ],
)
def test_every_row_has_its_outcome(rows: list[dict[str, Any]], reason: BadAnswerReason) -> None:
    refused(vrs(*rows), reason, "register_targets", [TARGET, TARGET], "k")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kenbango": "0000000002"}, BadAnswerReason.WRONG_PERSON),
        ({"kaisu": 2}, BadAnswerReason.WRONG_PERSON),
        ({"shikuchosonkodo": "131016"}, BadAnswerReason.WRONG_MUNICIPALITY),
        ({"rotto": "EY0002"}, BadAnswerReason.MALFORMED),
        ({"kaijomei": "会場"}, BadAnswerReason.MALFORMED),
    ],
)
def test_what_was_sent_comes_back(change: dict[str, Any], reason: BadAnswerReason) -> None:
    answering = vrs(KIROKU | change)
    refused(answering, reason, "register_record", DOSE, "k")
    refused(answering, reason, "correct_record", replace(DOSE, record_id="r-1"), "k")


def test_another_record_than_the_corrected_one_is_refused() -> None:
    refused(vrs(KIROKU), BadAnswerReason.WRONG_PERSON, "correct_record", replace(DOSE, record_id="r-2"), "k")
    with pytest.raises(NotFound):
        vrs(KIROKU).correct_record(DOSE, "k", CALL)


@pytest.mark.parametrize("change", [{"sesshubi": "2024-04-01"}, {"sesshujokyo": "2"}])
def test_no_certificate_attests_what_it_cannot(change: dict[str, Any]) -> None:
    late = KIROKU | change
    refused(vrs(late), BadAnswerReason.MALFORMED, "records_for_certificate", TICKET)
    request = CertificateRequest(TICKET, CertificateKind.DOMESTIC)
    refused(vrs(late, **SHOMEISHO), BadAnswerReason.MALFORMED, "issue_certificate", request, "k")


@pytest.mark.parametrize("change", [{"kenbango": "0000000002"}, {"shomeishokubun": "2"}])
def test_a_certificate_is_the_one_that_was_asked_for(change: dict[str, Any]) -> None:
    request = CertificateRequest(TICKET, CertificateKind.DOMESTIC)
    answering = vrs(KIROKU, **SHOMEISHO | change)
    refused(answering, BadAnswerReason.WRONG_PERSON, "issue_certificate", request, "k")


def test_a_list_ends() -> None:
    refused(vrs(**PAGE), BadAnswerReason.OUT_OF_ORDER, "list_records", None, 10)
    refused(vrs(KIROKU, **PAGE), BadAnswerReason.OUT_OF_ORDER, "list_records", "k1", 10)
    refused(vrs(KIROKU, KIROKU, **PAGE), BadAnswerReason.TOO_LARGE, "list_records", None, 1)
    assert vrs(**PAGE | {"zoku": False}).list_records("k1", 10, CALL).next_cursor is None


def test_too_many_targets_are_not_sent() -> None:
    with pytest.raises(Refused, match="E0003"):
        vrs().register_targets([TARGET] * 10_001, "k", CALL)
    assert vrs().register_targets([], "k", CALL) == ()


DOCUMENT = json.loads(files("yvaxportal.adapters.vrs").joinpath("openapi.json").read_text("utf-8"))


def resolved(schema: Any) -> Any:
    if "$ref" in schema:
        return resolved(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        (some,) = [one for one in schema["anyOf"] if one != {"type": "null"}]
        return resolved(some)
    return schema


def bodies(direction: str) -> Iterator[tuple[str, Any]]:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            if direction == "up":
                content = operation.get("requestBody", {}).get("content", {})
            else:
                content = operation["responses"].get("200", {}).get("content", {})
            for media in content.values():
                yield operation["operationId"], resolved(media["schema"])


def rows_of(body: Any) -> Iterator[Any]:
    """Give each object that lists values: the body itself, or the records of its list."""
    yield body
    for name, schema in body["properties"].items():
        if resolved(schema)["type"] == "array":
            assert name in {"result", "taisho"}
            yield resolved(resolved(schema)["items"])


@pytest.mark.parametrize("direction", ["up", "down"])
def test_everything_fits_into_the_lines_of_a_file(direction: str) -> None:
    found = list(bodies(direction))
    assert len(found) > 4
    for _, body in found:
        for depth, row in enumerate(rows_of(body)):
            assert row["additionalProperties"] is False
            kinds = {
                resolved(schema)["type"]
                for name, schema in row["properties"].items()
                if name not in {"metadata", "_links"}
            }
            assert kinds <= {"string", "integer", "boolean"} | (set() if depth else {"array"})


def test_the_personal_number_goes_up_with_targets_and_never_comes_down() -> None:
    def carrying(direction: str) -> set[str]:
        return {
            operation
            for operation, body in bodies(direction)
            if any("kojinbango" in row["properties"] for row in rows_of(body))
        }

    assert carrying("up") == {"register_targets"}
    assert carrying("down") == set()
    assert not any("kojinbango" in path for path in DOCUMENT["paths"])
