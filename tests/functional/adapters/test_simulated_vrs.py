"""The vaccination record system over HTTP: what goes wrong changes nothing twice and nobody's record."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from importlib.resources import files
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from tests.functional.adapters.conftest import Connect
from tests.functional.adapters.test_simulated_faults import FAULTS
from tests.simulated import Simulated
from yvaxportal.adapters.errors import AdapterError, BadAnswer, BadAnswerReason, Refused, Unavailable
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.vrs import (
    CertificateRequest,
    IssuedCertificate,
    VrsFlag,
    VrsRecord,
    VrsTarget,
)
from yvaxportal.adapters.vrs.rest import RestVrs
from yvaxportal.models.codes import CertificateKind, Sex, VaccinationStatus
from yvaxportal.values.personal_number import PersonalNumber

SHORT = CallContext("tanaka", timedelta(seconds=0.6))
CALL = CallContext("tanaka", timedelta(seconds=4))
TICKET = "0000012345"
TARGET = VrsTarget(
    "312029", "100", TICKET, "見本　花子", "1970-01-00", Sex.FEMALE, PersonalNumber("900000000010")
)
DOSE = VrsRecord("312029", TICKET, 1, VaccinationStatus.DONE, date(2021, 6, 22), "ファイザー", "EY0001")
ABROAD = CertificateRequest(TICKET, CertificateKind.TRAVEL, "MIHON HANAKO", "ZZ0000000", "JPN", "旧姓")
LOST = ("lost_answer", "half_an_answer", "error_503", "token_expired")


@pytest.fixture
def vrs(connect: Connect) -> Any:
    adapter = connect(RestVrs, "vrs")
    (outcome,) = adapter.register_targets([TARGET], "t-1", CALL)
    assert outcome.taken
    return adapter


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_of_our_errors(simulated: Simulated, vrs: Any, fault: str) -> None:
    error, reason = FAULTS[fault]
    made = vrs.register_record(DOSE, "k-1", CALL)
    simulated.fault(fault, system="vrs", operation="records")
    with pytest.raises(error) as caught:
        vrs.records(TICKET, SHORT if fault == "time_out" else CALL)
    assert getattr(caught.value, "reason", None) is reason
    assert TICKET not in str(caught.value)
    simulated.behave()
    assert vrs.records(TICKET, CALL) == (made,)


@pytest.mark.parametrize("fault", LOST)
def test_whatever_is_lost_on_the_way_is_done_once(simulated: Simulated, vrs: Any, fault: str) -> None:
    def once(operation: str, call: Callable[[], Any]) -> Any:
        before = simulated.state()["faults"].get(fault, 0)
        simulated.fault(fault, system="vrs", operation=operation, times=1)
        first = call()
        assert simulated.state()["faults"][fault] == before + 1
        assert call() == first
        return first

    once("register_targets", lambda: vrs.register_targets([TARGET], "t-2", CALL))
    made = once("register_record", lambda: vrs.register_record(DOSE, "k-1", CALL))
    corrected = replace(made, lot_number="EY0002")
    made = once("correct_record", lambda: vrs.correct_record(corrected, "k-2", CALL))
    assert vrs.records(TICKET, CALL) == (corrected,)
    issued = once("issue_certificate", lambda: vrs.issue_certificate(ABROAD, "c-1", CALL))
    # The next certificate is the second that there is: none was issued for the answer that was lost.
    assert issued.certificate_id.endswith("S00001")
    assert vrs.issue_certificate(ABROAD, "c-2", CALL).certificate_id.endswith("S00002")
    once("set_flag", lambda: vrs.set_flag(TICKET, VrsFlag.DECEASED, "f-1", CALL))
    assert simulated.state()["flags"] == {"2": 1}
    once("delete_record", lambda: vrs.delete_record(made.record_id, "d-1", CALL))
    assert simulated.state()["doses"] == 0


def test_an_answer_that_never_comes_leaves_one_record_for_the_job_that_asks_again(
    simulated: Simulated, vrs: Any
) -> None:
    simulated.fault("lost_answer", system="vrs", operation="register_record")
    with pytest.raises(Unavailable):
        vrs.register_record(DOSE, "k-1", CALL)
    simulated.behave()
    assert simulated.state()["doses"] == 1
    made = vrs.register_record(DOSE, "k-1", CALL)
    assert vrs.records(TICKET, CALL) == (made,)


def test_half_a_download_is_not_a_whole_one(simulated: Simulated, vrs: Any) -> None:
    made = [
        vrs.register_record(replace(DOSE, dose_number=number), f"k-{number}", CALL) for number in range(1, 6)
    ]
    simulated.fault("half_an_answer", system="vrs", operation="download", times=1)
    came = []
    with pytest.raises(AdapterError):
        came.extend(vrs.download(CALL))
    assert came == made[: len(came)]
    assert len(came) < len(made)
    assert list(vrs.download(CALL)) == made


def test_another_municipalitys_record_is_neither_changed_nor_listed(simulated: Simulated, vrs: Any) -> None:
    made = vrs.register_record(DOSE, "k-1", CALL)
    foreign = {
        "kirokubango": "another-citys",
        "torokunichiji": "2021-06-22T01:00:00Z",
        "shikuchosonkodo": "131016",
        "kenbango": TICKET,
        "kaisu": 2,
        "sesshujokyo": "1",
        "sesshubi": "2021-07-13",
        "meka": "ファイザー",
        "rotto": "EY0002",
    }
    simulated.add("kiroku", foreign)
    with pytest.raises(Refused, match="not_own"):
        vrs.correct_record(replace(made, record_id="another-citys"), "k-2", CALL)
    with pytest.raises(Refused, match="not_own"):
        vrs.delete_record("another-citys", "k-3", CALL)
    assert vrs.records(TICKET, CALL) == (made,)
    assert vrs.list_records(None, 10, CALL).items == (made,)
    assert list(vrs.download(CALL)) == [made]


def test_the_wrong_order_is_found(simulated: Simulated, vrs: Any) -> None:
    for number in (1, 2):
        vrs.register_record(replace(DOSE, dose_number=number), f"k-{number}", CALL)
    simulated.fault("out_of_order", system="vrs", operation="records", times=1)
    with pytest.raises(BadAnswer) as caught:
        vrs.records(TICKET, CALL)
    assert caught.value.reason is BadAnswerReason.OUT_OF_ORDER


def test_a_certificate_comes_with_its_codes(vrs: Any) -> None:
    vrs.register_record(DOSE, "k-1", CALL)
    issued: IssuedCertificate = vrs.issue_certificate(ABROAD, "c-1", CALL)
    assert [code.rpartition("-")[0] for code in issued.codes] == ["MIHON-SHC", "MIHON-ICAO"]
    at_home = CertificateRequest(TICKET, CertificateKind.DOMESTIC)
    assert len(vrs.issue_certificate(at_home, "c-2", CALL).codes) == 1


def test_what_is_sent_is_as_the_protocol_has_it(vrs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    document = json.loads(files("yvaxportal.adapters.vrs").joinpath("openapi.json").read_text("utf-8"))
    schemas = {
        operation["operationId"]: operation["requestBody"]["content"]["application/json"]["schema"]
        for path in document["paths"].values()
        for operation in path.values()
        if "requestBody" in operation
    }
    sent = dict[str, Any]()
    original = vrs.client.call

    def call(operation: str, context: CallContext, **more: Any) -> Any:
        if "body" in more:
            sent[operation] = more["body"]
        return original(operation, context, **more)

    monkeypatch.setattr(vrs.client, "call", call)
    vrs.register_targets([TARGET, replace(TARGET, name_kana="ミホン　ハナコ")], "t-2", CALL)
    full = replace(
        DOSE, given_at="髙﨑会場", physician="𠮷野", vaccine="新型コロナ", product_name="コミナティ"
    )
    made = vrs.register_record(full, "k-1", CALL)
    vrs.correct_record(replace(made, physician=None), "k-2", CALL)
    vrs.set_flag(TICKET, None, "f-1", CALL)
    vrs.issue_certificate(ABROAD, "c-1", CALL)
    assert sent.keys() == schemas.keys()
    for operation, body in sent.items():
        whole = {"allOf": [schemas[operation]], "components": document["components"]}
        Draft202012Validator(whole, validate_formats=True).validate(body)


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_happens_on_the_way_everything_is_done_once(
    simulated: Simulated, connect: Connect, seed: int
) -> None:
    """Two hundred changes, a third of whose answers go wrong; each is asked for until it is answered."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    vrs = connect(RestVrs, "vrs", breaker_failures="1000", attempts="1")
    vrs.register_targets([replace(TARGET, ticket_number=f"{n:010}") for n in range(20)], "t-1", CALL)
    for fault in (*LOST, "error_500"):
        simulated.fault(fault, system="vrs", share=0.08)

    def until_answered(call: Callable[[], Any]) -> Any:
        while True:
            try:
                return call()
            except Unavailable:
                continue

    kept = dict[str, VrsRecord]()
    free = [(f"{ticket:010}", number) for ticket in range(20) for number in range(1, 10)]
    for place in range(200):
        known = dice.choice(list(kept.values())) if kept and dice.random() < 0.5 else None
        key = f"k-{place}"
        if known is None:
            ticket, number = free.pop(dice.randrange(len(free)))
            dose = replace(DOSE, ticket_number=ticket, dose_number=number)
            made = until_answered(partial(vrs.register_record, dose, key, CALL))
            assert made.record_id not in kept
            kept[made.record_id] = made
        elif dice.random() < 0.5:
            corrected = replace(known, lot_number=f"L{place}")
            kept[corrected.record_id or ""] = until_answered(
                partial(vrs.correct_record, corrected, key, CALL)
            )
        else:
            until_answered(partial(vrs.delete_record, known.record_id, key, CALL))
            del kept[known.record_id or ""]
            free.append((known.ticket_number, known.dose_number))
    simulated.behave()
    assert sum(simulated.state()["faults"].values()) > 60
    assert {record.record_id: record for record in vrs.download(CALL)} == kept
    assert simulated.state()["doses"] == len(kept)
