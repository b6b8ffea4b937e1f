"""The intermediate server behind the atena system: its own doings, and what can go wrong on the way."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.application import settings_of
from tests.functional.adapters.conftest import Connect
from tests.simulated import ROOT, Simulated, write_ini
from yvaxportal.adapters.atena.rest import RestAtena
from yvaxportal.adapters.chukan.payload import Payload
from yvaxportal.adapters.chukan.rest import RestChukan
from yvaxportal.adapters.conformance import Subjects
from yvaxportal.adapters.errors import (
    AdapterError,
    BadAnswer,
    BadAnswerReason,
    NotFound,
    Refused,
    TimedOut,
    Unauthorised,
    Unavailable,
)
from yvaxportal.adapters.messages.atena import Envelope
from yvaxportal.adapters.messages.chukan import (
    CodeState,
    InformationItem,
    InquiryState,
    InquirySubject,
    ProvisionState,
    SubCopy,
)
from yvaxportal.adapters.messages.common import CallContext, HealthState
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.values.clock import jst_date

AFFAIR, PROCEDURE, NAME = "TM99JIMU00000001", "TM99TETSUZUKI001", "TM99000000000001"
SHORT = CallContext("tanaka", timedelta(seconds=0.6))
CALL = CallContext("tanaka", timedelta(seconds=4))
ITEM = InformationItem(NAME, "2026.07", {"TM9901": "髙﨑　𠮷野", "TM9902": ""})
PATIENCE = 5.0


@pytest.fixture
def person(subjects: Subjects) -> str:
    return subjects.known[0]


@pytest.fixture
def chukan(simulated: Simulated, connect: Connect, person: str) -> RestChukan:
    """Give an adapter, and a person who has a code."""
    simulated.add("chukan", {"code_seconds": 0, "step_seconds": 0.05})
    adapter: RestChukan = connect(RestChukan, "chukan")
    assert adapter.request_code(person, "code", CALL).state is CodeState.HELD
    return adapter


def subject(person: str) -> InquirySubject:
    return InquirySubject(person, AFFAIR, PROCEDURE, NAME, "01131016")


def copy(person: str, **said: Any) -> SubCopy:
    return replace(SubCopy("copy-1", person, 1, ITEM, date(2026, 4, 1)), **said)


def asks(simulated: Simulated, person: str, number: str, **said: Any) -> None:
    """Let another organisation ask."""
    request = {
        "teikyobango": number,
        "shoritsuban": f"T-{number}",
        "atenabango": person,
        "shokaikikan_kodo": "01131016",
        "jimu_kodo": AFFAIR,
        "tokuteikojinjohomei_kodo": NAME,
    }
    simulated.add("shokai", request | said)


def states(chukan: RestChukan, inquiry: str, until: InquiryState) -> list[InquiryState]:
    """Return the states of an inquiry, each once, until it is as awaited."""
    ends = time.monotonic() + PATIENCE
    seen: list[InquiryState] = []
    while until not in seen:
        assert time.monotonic() < ends, seen
        state = chukan.inquiry_status(inquiry, CALL).state
        seen += [] if state in seen else [state]
        time.sleep(0.01)
    return seen


FAULTS: dict[str, tuple[type[AdapterError], BadAnswerReason | None]] = {
    "time_out": (TimedOut, None),
    "error_500": (Unavailable, None),
    "error_503": (Unavailable, None),
    "lost_answer": (Unavailable, None),
    "half_an_answer": (Unavailable, None),
    "malformed": (BadAnswer, BadAnswerReason.MALFORMED),
    "wrong_person": (BadAnswer, BadAnswerReason.WRONG_PERSON),
    "too_large": (BadAnswer, BadAnswerReason.TOO_LARGE),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_of_our_errors(
    simulated: Simulated, chukan: RestChukan, person: str, fault: str
) -> None:
    error, reason = FAULTS[fault]
    inquiry = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    asking: list[Callable[[CallContext], Any]] = [
        lambda context: chukan.inquire(subject(person), "k-2", context),
        lambda context: chukan.inquiry_status(inquiry, context),
        lambda context: chukan.sub_copies(person, context),
        lambda context: chukan.code_states([person], context),
    ]
    for ask in asking:
        simulated.fault(fault, system="chukan")
        began = time.monotonic()
        with pytest.raises(error) as caught:
            ask(SHORT if fault == "time_out" else CALL)
        assert getattr(caught.value, "reason", None) is reason
        if fault == "time_out":
            assert time.monotonic() - began < SHORT.time_limit.total_seconds() + 0.3
        assert person not in f"{caught.value!r}"
        simulated.behave()
        ask(CALL)
    assert simulated.state()["inquiries"] == 2


def test_what_is_lost_on_the_way_is_done_once(simulated: Simulated, chukan: RestChukan, person: str) -> None:
    for place, fault in enumerate(("lost_answer", "half_an_answer", "error_503", "token_expired"), 1):
        simulated.fault(fault, system="chukan", operation="inquire", times=1)
        begun = chukan.inquire(subject(person), f"k-{place}", CALL)
        # Sent again by hand, and so sealed anew: it is the same inquiry.
        assert chukan.inquire(subject(person), f"k-{place}", CALL).inquiry_id == begun.inquiry_id
        assert simulated.state()["inquiries"] == place
        assert simulated.state()["faults"][fault] == 1
    simulated.fault("lost_answer", system="chukan", operation="register_sub_copies", times=1)
    (outcome,) = chukan.register_sub_copies([copy(person)], "k-9", CALL)
    assert outcome.code == ""
    assert chukan.health().state is HealthState.UP


def test_at_random_nothing_is_lost_and_nothing_done_twice(
    simulated: Simulated, connect: Connect, chukan: RestChukan, person: str
) -> None:
    # Without attempts of its own and without the breaker, every fault reaches whoever repeats.
    patient = connect(RestChukan, "chukan", attempts="1", breaker_failures="1000")
    for fault in ("lost_answer", "half_an_answer", "error_503", "malformed"):
        simulated.fault(fault, system="chukan", share=0.15)
    failures = 0
    begun: set[str] = set()
    for place in range(60):
        newer = copy(person, record_id=f"c-{place % 7}", version=place + 1)
        asking: list[Callable[[], str]] = [
            lambda: str(patient.inquire(subject(person), f"i-{place}", CALL).inquiry_id),  # noqa: B023
            lambda: str(patient.register_sub_copies([newer], f"c-{place}", CALL)[0].code),  # noqa: B023
        ]
        for ask in asking:
            answer: str | None = None
            while answer is None:
                try:
                    answer = ask()
                except (Unavailable, BadAnswer):
                    failures += 1
            begun.add(answer)
    simulated.behave()
    assert failures > 30
    assert len(begun - {""}) == simulated.state()["inquiries"] == 60
    held = {one.record_id: one.version for one in chukan.sub_copies(person, CALL)}
    assert held == {f"c-{place % 7}": place + 1 for place in range(60)}
    counts = chukan.statistics(_today(chukan), CALL)
    assert (counts.inquiries, counts.sub_copies, counts.refused) == (60, 60, 0)


def test_a_permit_can_be_refused(simulated: Simulated, chukan: RestChukan, person: str) -> None:
    simulated.fault("permit_refused", times=1)
    begun = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    seen = states(chukan, begun, InquiryState.REFUSED)
    assert not {InquiryState.PERMITTED, InquiryState.ANSWERED} & set(seen)
    status = chukan.inquiry_status(begun, CALL)
    assert (status.code, status.processing_number) == ("permit_refused", None)
    with pytest.raises(Refused) as caught:
        chukan.inquiry_answer(begun, CALL)
    assert caught.value.code == "refused"
    assert chukan.exchange_records(date(2000, 1, 1), date(9999, 1, 1), None, 10, CALL).items == ()
    # Only this one: the next one is permitted.
    states(chukan, chukan.inquire(subject(person), "k-2", CALL).inquiry_id, InquiryState.ANSWERED)


def test_a_permit_can_be_late(simulated: Simulated, chukan: RestChukan, person: str) -> None:
    simulated.fault("permit_delayed", times=1, seconds=1.0)
    late = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    soon = chukan.inquire(subject(person), "k-2", CALL).inquiry_id
    states(chukan, soon, InquiryState.ANSWERED)
    assert chukan.inquiry_status(late, CALL).state is InquiryState.ACCEPTED
    with pytest.raises(Refused, match="not_answered"):
        chukan.inquiry_answer(late, CALL)
    assert states(chukan, late, InquiryState.ANSWERED)[0] is InquiryState.ACCEPTED
    # One that is late can be given up as long as it is.
    simulated.fault("permit_delayed", times=1, seconds=60)
    third = chukan.inquire(subject(person), "k-3", CALL).inquiry_id
    assert chukan.cancel_inquiry(third, "k-4", CALL).state is InquiryState.CANCELLED


def test_an_answer_is_what_the_other_side_has(simulated: Simulated, chukan: RestChukan, person: str) -> None:
    about = {"atenabango": person, "tokuteikojinjohomei_kodo": NAME}
    lines = [
        {"gyo": 1, "komoku_kodo": "TM9901", "atai": "髙﨑　𠮷野"},
        {"gyo": 1, "komoku_kodo": "TM9902", "atai": ""},
        {"gyo": 2, "komoku_kodo": "TM9901", "atai": "辻󠄁"},
    ]
    simulated.add("kotae", about | {"komoku": lines, "taiki": 0.3})
    begun = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    assert InquiryState.MANUAL_WAIT in states(chukan, begun, InquiryState.ANSWERED)
    answer = chukan.inquiry_answer(begun, CALL)
    assert answer.items == (ITEM, replace(ITEM, values={"TM9901": "辻󠄁"}))
    assert answer.provider_code == "01131016"
    simulated.add("kotae", about | {"komoku": []})
    begun = chukan.inquire(subject(person), "k-2", CALL).inquiry_id
    states(chukan, begun, InquiryState.NO_DATA)
    with pytest.raises(Refused, match="no_data"):
        chukan.inquiry_answer(begun, CALL)
    records = chukan.exchange_records(date(2000, 1, 1), date(9999, 1, 1), None, 10, CALL).items
    assert [one.requester_code for one in records] == ["01312029"] * 2


@pytest.mark.parametrize(
    "line",
    [
        {"gyo": 2, "komoku_kodo": "TM9901", "atai": "1"},
        {"gyo": 1, "komoku_kodo": "見本", "atai": "1"},
        {"gyo": 1, "komoku_kodo": "TM9901", "atai": "a\nb"},
        {"gyo": 1, "komoku_kodo": "TM9901", "atai": 1},
        {"gyo": 1, "komoku_kodo": "TM9901", "atai": "1", "kojinbango": "900000000012"},
    ],
)
def test_an_answer_that_is_none_is_refused(
    simulated: Simulated, chukan: RestChukan, person: str, line: dict[str, Any]
) -> None:
    about = {"atenabango": person, "tokuteikojinjohomei_kodo": NAME}
    simulated.add("kotae", about | {"komoku": [line]})
    begun = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    states(chukan, begun, InquiryState.ANSWERED)
    with pytest.raises(BadAnswer) as caught:
        chukan.inquiry_answer(begun, CALL)
    assert caught.value.where.startswith(("/komoku/0", "/result/0/denbun/komoku/0"))
    assert "900000000012" not in str(caught.value)


def test_others_are_answered_from_sub_copies(
    simulated: Simulated, chukan: RestChukan, connect: Connect, person: str, subjects: Subjects
) -> None:
    other = subjects.known[1]
    asks(simulated, person, "r-1")
    chukan.register_sub_copies([copy(person, not_disclosed=True)], "k-1", CALL)
    asks(simulated, person, "r-2")
    chukan.register_sub_copies([copy(other, record_id="copy-2", withheld=True)], "k-2", CALL)
    asks(simulated, other, "r-3")
    chukan.register_sub_copies([copy(person, version=2, published_to=date(2026, 4, 2))], "k-3", CALL)
    asks(simulated, person, "r-4")
    asks(simulated, person, "r-5", kaitokigen="2026-04-01T00:00:00Z")
    first = chukan.provision_requests(None, 2, CALL)
    rest = chukan.provision_requests(first.next_cursor, 10, CALL)
    assert rest.next_cursor is None
    assert {one.request_id: one.state for one in (*first.items, *rest.items)} == {
        "r-1": ProvisionState.WAITING,
        "r-2": ProvisionState.ANSWERED_BY_COPY,
        "r-3": ProvisionState.WITHHELD,
        "r-4": ProvisionState.WAITING,
        "r-5": ProvisionState.EXPIRED,
    }
    (record,) = chukan.exchange_records(date(2000, 1, 1), date(9999, 1, 1), None, 10, CALL).items
    assert (record.processing_number, record.provider_code, record.not_disclosed) == (
        "T-r-2",
        "01312029",
        True,
    )
    with pytest.raises(Refused, match="not_waiting"):
        chukan.answer_provision("r-5", [ITEM], "k-4", CALL)
    assert chukan.answer_provision("r-3", [], "k-5", CALL).state is ProvisionState.ANSWERED


def test_the_atena_system_reaches_the_same_server(
    simulated: Simulated, chukan: RestChukan, connect: Connect, person: str
) -> None:
    atena, payload = connect(RestAtena, "atena"), chukan.payload
    begun = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    sealed = payload.seal(json.dumps({"shokaibango": begun}).encode(), "IF_SKI_10712", "m-1")
    told = atena.pass_to_chukan(Envelope("IF_SKI_10712", "m-1", sealed), "k-2", CALL)
    assert json.loads(payload.open(told.body, "IF_SKI_10712", "m-1"))["shokaibango"] == begun
    # A person whom the atena system does not know: nothing is passed on.
    asked = {"atenabango": "999999999999999"}
    sealed = payload.seal(json.dumps(asked).encode(), "IF_FGU_20215", "m-2")
    with pytest.raises(NotFound):
        atena.pass_to_chukan(Envelope("IF_FGU_20215", "m-2", sealed, "999999999999999"), "k-3", CALL)
    # Somebody else on the envelope than in what is sealed.
    sealed = payload.seal(json.dumps(asked).encode(), "IF_FGU_20215", "m-3")
    with pytest.raises(Refused, match="E0004"):
        atena.pass_to_chukan(Envelope("IF_FGU_20215", "m-3", sealed, person), "k-4", CALL)


def test_what_came_is_collected_until_it_is_dealt_with(
    simulated: Simulated, chukan: RestChukan, connect: Connect, person: str
) -> None:
    atena = connect(RestAtena, "atena")
    for number in ("r-1", "r-2", "r-3"):
        asks(simulated, person, number)
    first = atena.collect_from_chukan(None, 2, CALL)
    assert atena.collect_from_chukan(None, 2, CALL)[0].message_id == first[0].message_id
    rest = atena.collect_from_chukan(first[-1].message_id, 10, CALL)
    numbers = [
        json.loads(chukan.payload.open(one.body, one.interface_id, one.message_id))["teikyobango"]
        for one in (*first, *rest)
    ]
    assert numbers == ["r-1", "r-2", "r-3"]
    assert {one.atena_number for one in rest} == {person}


def test_nobody_on_the_way_reads_a_message(
    chukan: RestChukan, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    real = chukan.client.call

    def watched(*asked: Any, **more: Any) -> Any:
        answer = real(*asked, **more)
        for envelope in (more["body"], answer["result"][0]):
            seen.extend(
                (json.dumps(envelope, ensure_ascii=False).encode(), base64.b64decode(envelope["denbun"]))
            )
        return answer

    monkeypatch.setattr(chukan.client, "call", watched)
    chukan.register_sub_copies([copy(person)], "k-1", CALL)
    assert chukan.sub_copies(person, CALL) == (copy(person),)
    assert len(seen) == 8
    assert not any("髙﨑".encode() in one or b"copy-1" in one or NAME.encode() in one for one in seen)


def test_a_server_with_another_key_understands_nothing(
    simulated: Simulated, connect: Connect, tmp_path: Path, person: str
) -> None:
    file = tmp_path / "another-key"
    file.write_text(base64.b64encode(bytes(32)).decode())
    file.chmod(0o600)
    chukan = connect(RestChukan, "chukan", payload_key_file=str(file))
    with pytest.raises(Refused, match="E0002"):
        chukan.is_running(CALL)


def test_an_answer_under_another_key_is_refused(chukan: RestChukan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chukan.payload, "open", Payload(bytes(32)).open)
    with pytest.raises(BadAnswer) as caught:
        chukan.is_running(CALL)
    assert (caught.value.reason, caught.value.where) == (BadAnswerReason.MALFORMED, "/result/0/denbun")


def test_an_operator_may_do_what_is_theirs(simulated: Simulated, chukan: RestChukan, person: str) -> None:
    simulated.add("shokuin", {"sosashaid": "suzuki", "kengen": ["provision"]})
    simulated.add("shokuin", {"sosashaid": "sato", "kengen": ["inquiry"], "yukoshuryobi": "2026-04-01"})
    for operator in ("suzuki", "sato"):
        with pytest.raises(Unauthorised):
            chukan.inquire(subject(person), "k-1", CallContext.interactive(operator))
    chukan.provision_requests(None, 10, CallContext.interactive("suzuki"))
    assert chukan.operator_rights("suzuki", CALL).functions == {"provision"}
    assert chukan.operator_rights("sato", CALL).valid_to == date(2026, 4, 1)


def test_an_answer_expires(simulated: Simulated, chukan: RestChukan, person: str) -> None:
    begun = chukan.inquire(subject(person), "k-1", CALL).inquiry_id
    states(chukan, begun, InquiryState.ANSWERED)
    chukan.inquiry_answer(begun, CALL)
    simulated.fault("clock_skew", times=1, seconds=31 * 86_400)
    chukan.is_running(CALL)
    assert chukan.inquiry_status(begun, CALL).state is InquiryState.EXPIRED
    with pytest.raises(Refused, match="expired"):
        chukan.inquiry_answer(begun, CALL)
    gone = chukan.delete_expired("k-2", CALL)
    assert (gone.inquiries, gone.exchange_records) == (1, 0)
    with pytest.raises(NotFound):
        chukan.inquiry_status(begun, CALL)


def test_many_sub_copies_go_in_several_messages(
    simulated: Simulated, chukan: RestChukan, person: str
) -> None:
    copies = [copy(person, record_id=f"c-{place}", version=place + 1) for place in range(2_500)]
    copies[1_700] = replace(copies[1_700], item=replace(ITEM, layout_version="none"))
    copies[2_400] = replace(copies[2_400], atena_number="999999999999999")
    wanted = [("c-1700", "bad_layout"), ("c-2400", "unknown_person")]
    job = CallContext.batch()
    # The second message's answer is lost, all its attempts: the call fails, and repeated it goes well.
    simulated.fault("slow", system="chukan", operation="register_sub_copies", times=1, seconds=0)
    simulated.fault("lost_answer", system="chukan", operation="register_sub_copies", times=3)
    with pytest.raises(Unavailable):
        chukan.register_sub_copies(copies, "k-1", job)
    outcomes = chukan.register_sub_copies(copies, "k-1", job)
    assert [(one.record_id, one.code) for one in outcomes if one.code] == wanted
    assert [one.version for one in outcomes] == list(range(1, 2_501))
    (batches, counts) = (chukan.batches(_today(chukan), CALL), chukan.statistics(_today(chukan), CALL))
    assert [one.rows for one in batches] == [1000, 1000, 499]
    assert (counts.sub_copies, counts.refused) == (2_498, 1)


def test_a_server_can_say_that_it_rests(simulated: Simulated, chukan: RestChukan) -> None:
    assert chukan.is_running(CALL)
    simulated.add("chukan", {"kadojotai": False})
    assert not chukan.is_running(CALL)


def _today(chukan: RestChukan) -> date:
    return jst_date(chukan.provision_requests(None, 1, CALL).as_of)


def test_the_simulator_says_what_belongs_into_the_ini(simulated: Simulated) -> None:
    assert simulated.process.stdout is not None
    lines = [simulated.process.stdout.readline().strip() for _ in range(9)]
    assert f"yvaxportal.adapters.chukan.base_url = {simulated.url}/atena" in lines
    assert "yvaxportal.adapters.chukan.payload_key_file = secrets/simulator-payload-key" in lines
    file = simulated.secret_file.with_name("simulator-payload-key")
    assert file.stat().st_mode & 0o077 == 0
    assert len(base64.b64decode(file.read_text())) == 32


@pytest.mark.parametrize("words", [(), ("--write-test-records",)])
def test_the_command_writes_only_when_told_to(
    simulated: Simulated,
    database_urls: DatabaseUrls,
    secrets: Path,
    tmp_path: Path,
    subjects: Subjects,
    words: tuple[str, ...],
) -> None:
    options = {"": "rest"} | {f".{name}": value for name, value in simulated.options("chukan").items()}
    said = {f"yvaxportal.adapters.chukan{name}": value for name, value in options.items()}
    settings = settings_of(database_urls, secrets) | {"yvaxportal.var": str(tmp_path)} | said
    ini = write_ini(tmp_path / "rest.ini", settings)
    argv = [sys.executable, "-m", "yvaxportal", "adapters", "check", str(ini), "chukan", *words]
    answer = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stdout
    assert " 0 fail" in answer.stdout.splitlines()[-1]
    changing = {"request_code", "inquire", "cancel_inquiry", "register_sub_copies", "delete_expired"}
    asked = {name.removeprefix("chukan.") for name in simulated.state()["answered"]}
    assert asked >= {"code_states", "exchange_records", "statistics"}
    assert asked & changing == (changing if words else set())
    assert not any(number in answer.stdout for number in subjects.known)
