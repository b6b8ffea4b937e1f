"""An order is written once, its answer is read once, and whatever else comes is kept aside with a reason."""

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters_orders.conftest import Clock
from tests.unit.adapters_orders.other_side import ASSIGNED, CITY, KNOWN, NEW, Order, OrderedSide
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
from yvaxportal.adapters.messages.atena import AssignmentKind, Envelope, NewPerson, NoticeKind
from yvaxportal.adapters.messages.common import CallContext, HealthState
from yvaxportal.models.codes import Sex
from yvaxportal.values.personal_number import PersonalNumber

Pair = tuple[Any, OrderedSide]
CALL = CallContext("tanaka", timedelta(seconds=2))
SHORT = CallContext("tanaka", timedelta(seconds=0.05))
NUMBER = "900000000010"
PERSON = NewPerson(
    '見本　"花子", 𠮷', "1970-01-00", Sex.FEMALE, "見本市1", personal_number=PersonalNumber(NUMBER)
)


def everything(root: Path) -> bytes:
    """Return all bytes that were written, names included."""
    return b"".join(
        str(path).encode() + (path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
    )


def assign(other: OrderedSide) -> Callable[[Order], object]:
    """Return what answers every order with a number."""
    return lambda order: other.answer(order, ASSIGNED)


def order_of(atena: Any, other: OrderedSide, key: str = "key-1") -> Order:
    """Leave one order unanswered in the folder and return it."""
    with pytest.raises(TimedOut):
        atena.assign(PERSON, key, SHORT)
    (order,) = other.orders()
    return order


def test_an_order_is_as_the_protocol_has_it(atena: Pair) -> None:
    adapter, other = atena
    order = order_of(adapter, other)
    assert (order.operation, order.operator, order.data) == ("assign", "tanaka", [])
    assert order.values == dict.fromkeys(NEW, "") | {
        "shimei": '見本　"花子", 𠮷',
        "seinengappi": "1970-01-00",
        "seibetsu": "2",
        "jusho": "見本市1",
        "kojinbango": NUMBER,
    }
    assert (other.root / "out" / order.name).stat().st_mode & 0o777 == 0o640


def test_an_answer_is_taken_once_and_the_order_goes(atena: Pair) -> None:
    adapter, other = atena
    with other.answering(assign(other)) as seen:
        made = adapter.assign(PERSON, "key-1", CALL)
        assert (made.atena_number, made.kind) == ("9000000019", AssignmentKind.ASSIGNED)
        assert adapter.assign(PERSON, "key-1", CALL) == made
    assert len(seen) == 1
    assert other.files("out", "in", "work", "quarantine") == []
    (name,) = other.files("ack")
    said = other.acknowledgement(name.removesuffix(".ack"))
    assert (said["result"], said["code"], said["lines"], said["accepted"]) == ("accepted", "", "1", "1")


def test_an_answer_that_comes_late_is_taken_up_by_the_same_call(built: Callable[..., Pair]) -> None:
    adapter, other = built()
    order = order_of(adapter, other)
    assert order_of(adapter, other) == order
    other.answer(order, ASSIGNED)
    # Another process, of another time, asks again.
    later, _ = built()
    assert later.assign(PERSON, "key-1", SHORT).atena_number == "9000000019"
    assert not (other.root / "out" / order.name).exists()
    assert adapter.assign(PERSON, "key-1", SHORT).atena_number == "9000000019"
    assert other.files("out") == []


def test_an_order_is_never_written_twice(atena: Pair) -> None:
    adapter, other = atena
    order = order_of(adapter, other)
    first = (other.root / "out" / order.name).stat()
    order_of(adapter, other)
    second = (other.root / "out" / order.name).stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    (other.root / "out" / order.name).unlink()
    with pytest.raises(TimedOut):
        adapter.assign(PERSON, "key-1", SHORT)
    assert other.files("out") == []


def test_many_call_with_one_key_and_with_many(atena: Pair) -> None:
    adapter, other = atena
    with other.answering(assign(other)) as seen, ThreadPoolExecutor(8) as threads:
        same = list(threads.map(lambda _: adapter.assign(PERSON, "key-1", CALL), range(8)))
        assert len(set(same)) == 1
        assert len(seen) == 1
        list(threads.map(lambda place: adapter.assign(PERSON, f"key-{place}", CALL), range(2, 10)))
    assert len({order.number for order in seen}) == 9


def test_a_key_is_for_one_content(atena: Pair) -> None:
    adapter, other = atena
    order_of(adapter, other)
    changed: list[Callable[[], object]] = [
        lambda: adapter.assign(replace(PERSON, address="見本市2"), "key-1", SHORT),
        lambda: adapter.assign(
            replace(PERSON, personal_number=PersonalNumber("900000000029")), "key-1", SHORT
        ),
        lambda: adapter.bind_personal_number("1", PersonalNumber(NUMBER), "key-1", SHORT),
    ]
    for call in changed:
        with pytest.raises(Refused, match="key_reused"):
            call()
    assert len(other.orders()) == 1


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [
        ("not_found", NotFound, "person"),
        ("forbidden", Unauthorised, "forbidden"),
        ("E0002", Refused, "E0002"),
        ("number_bound", Refused, "number_bound"),
        ("contradiction", Refused, "unlisted"),
        ("見本", BadAnswer, ""),
        ("what_is_this", Refused, "unlisted"),
    ],
)
def test_refusals_are_those_of_rest(atena: Pair, code: str, error: type[AdapterError], told: str) -> None:
    adapter, other = atena
    for key in ("key-1", "key-1"):
        with (
            other.answering(lambda order: other.answer(order, code=code)),
            pytest.raises(error) as caught,
        ):
            adapter.bind_personal_number("1", PersonalNumber(NUMBER), key, CALL)
    assert type(caught.value) is error
    assert getattr(caught.value, "code", getattr(caught.value, "what", "")) == told


def test_the_other_messages(atena: Pair) -> None:
    adapter, other = atena
    body = bytes(range(256)) * 40

    def reply(order: Order) -> None:
        sent = "".join(line[1] for line in order.data)
        pieces = [("P", sent[place : place + 1000]) for place in range(0, len(sent), 1000)]
        message = ("D", "IF_SKI_10111", "m-2", "")
        match order.operation:
            case "name_information" | "name_information_by_personal_number":
                other.answer(order, KNOWN)
            case "keep" | "bind_personal_number":
                other.answer(order)
            case "notices":
                notice = ("D", "n-1", "2", "1", "2", "2026-11-01T00:00:00Z")
                other.answer(order, notice, own="t1,1,2026-11-02T00:00:00Z")
            case "pass_to_chukan":
                other.answer(order, message, *pieces)
            case "collect_from_chukan":
                other.answer(order, message, ("P", "e30="), ("D", "IF_SKI_10111", "m-3", "1"), ("P", "W10="))

    with other.answering(reply) as seen:
        known = adapter.name_information("1000000019", CALL)
        assert (known.name, known.address, known.name_kana) == ("見本　太郎", "見本市1", None)
        assert known.is_registered_resident
        assert adapter.name_information_by_personal_number(PersonalNumber(NUMBER), CALL) == known
        adapter.keep(replace(known, address=""), "key-1", CALL)
        adapter.bind_personal_number("1", PersonalNumber(NUMBER), "key-2", CALL)
        page = adapter.notices(None, 5, CALL)
        assert [(one.notice_id, one.kind) for one in page.notices] == [("n-1", NoticeKind.SPLIT)]
        assert (page.next_cursor, page.more) == ("t1", True)
        envelope = Envelope("IF_SKI_10111", "m-1", body, "1")
        assert adapter.pass_to_chukan(envelope, "key-3", CALL).body == body
        messages = adapter.collect_from_chukan("m-1", 5, CALL)
        assert [(one.message_id, one.body, one.atena_number) for one in messages] == [
            ("m-2", b"{}", None),
            ("m-3", b"[]", "1"),
        ]
    asked = {order.operation: order for order in seen}
    assert asked["keep"].values["jumintoroku"] == "1"
    assert asked["notices"].values == {"ikou": "", "kensu": "5"}
    assert [len(line[1]) for line in asked["pass_to_chukan"].data] == [4000, 4000, 4000, 1656]


def test_a_look_up_that_nobody_waits_for_any_more_is_taken_back(atena: Pair) -> None:
    adapter, other = atena
    orders: list[Order] = []
    with other.answering(orders.append), pytest.raises(TimedOut):
        adapter.name_information("1000000019", CallContext("tanaka", timedelta(seconds=0.2)))
    assert other.files("out") == []
    name = other.answer(orders[0], KNOWN)
    order_of(adapter, other)
    said = other.acknowledgement(name)
    assert (said["result"], said["code"]) == ("refused", "F0302")
    assert sorted(other.files("quarantine")) == [name, f"{name}.ack"]
    assert other.files("in", "work") == []


BROKEN: list[tuple[str, Callable[[OrderedSide, Order], str], BadAnswerReason, str]] = [
    (
        "half a file",
        lambda o, a: o.text(a, ASSIGNED).rpartition("T,")[0],
        BadAnswerReason.INCOMPLETE,
        "F0104",
    ),
    ("another count", lambda o, a: o.text(a, ASSIGNED, count="2"), BadAnswerReason.INCOMPLETE, "F0105"),
    ("no header", lambda _o, _a: "K,0,\r\nT,0\r\n", BadAnswerReason.MALFORMED, "F0102"),
    ("another version", lambda o, a: o.text(a, ASSIGNED, version="2"), BadAnswerReason.MALFORMED, "F0102"),
    (
        "another operation",
        lambda o, a: o.text(a, ASSIGNED, operation="keep"),
        BadAnswerReason.MALFORMED,
        "F0103",
    ),
    ("another order", lambda o, a: o.text(a, ASSIGNED, number="a" * 32), BadAnswerReason.MALFORMED, "F0103"),
    (
        "another city",
        lambda o, a: o.text(a, ASSIGNED, city="131016"),
        BadAnswerReason.WRONG_MUNICIPALITY,
        "F0201",
    ),
    ("a bad code", lambda o, a: o.text(a, ("D", "1", "3", ASSIGNED[3])), BadAnswerReason.MALFORMED, "E0002"),
    ("a column more", lambda o, a: o.text(a, (*ASSIGNED, "")), BadAnswerReason.MALFORMED, "E0006"),
    ("an unknown mark", lambda o, a: o.text(a, ("X", "1")), BadAnswerReason.MALFORMED, "E0006"),
    ("nobody", lambda o, a: o.text(a), BadAnswerReason.MALFORMED, "F0304"),
    ("two people", lambda o, a: o.text(a, ASSIGNED, ASSIGNED), BadAnswerReason.MALFORMED, "F0304"),
    ("a person and no", lambda o, a: o.text(a, ASSIGNED, code="E0001"), BadAnswerReason.MALFORMED, "E0006"),
    ("too much", lambda o, a: o.text(a, ASSIGNED) + " " * (5 << 20), BadAnswerReason.TOO_LARGE, "F0107"),
    ("nothing", lambda _o, _a: "", BadAnswerReason.MALFORMED, "F0102"),
]


@pytest.mark.parametrize(
    ("text", "reason", "code"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_a_bad_answer_is_kept_aside_and_a_better_one_is_taken(
    atena: Pair, text: Callable[[OrderedSide, Order], str], reason: BadAnswerReason, code: str
) -> None:
    adapter, other = atena
    order = order_of(adapter, other)
    name = f"KAITO_{CITY}_{order.number}.csv"
    other.put(name, text(other, order).encode())
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(BadAnswer) as caught:
            adapter.assign(PERSON, "key-1", CALL)
        assert caught.value.reason is reason
        assert time.monotonic() - began < 1
    said = other.acknowledgement(name)
    assert (said["result"], said["code"]) == ("refused", code)
    assert (code.startswith("E") and other.errors(name) != []) == (code == "E0002")
    assert name in other.files("quarantine")
    assert other.files("in", "work") == []
    assert [one.number for one in other.orders()] == [order.number]
    assert adapter.health().state is HealthState.DEGRADED
    other.answer(order, ASSIGNED)
    assert adapter.assign(PERSON, "key-1", CALL).atena_number == "9000000019"
    assert other.acknowledgement(name)["result"] == "accepted"
    assert other.errors(name) == []
    assert adapter.health().state is HealthState.UP


def test_what_is_answered_is_not_answered_otherwise(atena: Pair) -> None:
    adapter, other = atena
    order = order_of(adapter, other)
    name = other.answer(order, ASSIGNED)
    made = adapter.assign(PERSON, "key-1", CALL)
    other.answer(order, ASSIGNED)
    adapter.client.collector.collect()
    assert other.acknowledgement(name)["result"] == "duplicate"
    other.answer(order, ("D", "9000000027", "1", ASSIGNED[3]))
    adapter.client.collector.collect()
    said = other.acknowledgement(name)
    assert (said["result"], said["code"]) == ("refused", "F0303")
    assert adapter.assign(PERSON, "key-1", CALL) == made
    assert other.files("in", "work", "out") == []


def test_answers_to_nobody_are_kept_aside_without_their_numbers(atena: Pair) -> None:
    adapter, other = atena
    order = order_of(adapter, other)
    stranger = replace(order, number="p" * 32)
    names = {
        other.answer(stranger, ("D", NUMBER, "1", ASSIGNED[3])): "F0301",
        other.answer(stranger, ASSIGNED, name=f"KAITO_131016_{order.number}.csv"): "F0201",
        other.answer(order, ASSIGNED, name="kaito.csv"): "F0101",
    }
    link = other.root / "in" / f"KAITO_{CITY}_{order.number}.csv"
    link.symlink_to(other.root / "out" / order.name)
    (other.root / "in" / ".KAITO.tmp").write_bytes(b"x")
    (other.root / "in" / "KAITO.part").write_bytes(b"x")
    with pytest.raises(BadAnswer):
        # One of them was meant for this order, by its number.
        adapter.assign(PERSON, "key-1", SHORT)
    for name, code in names.items():
        said = other.acknowledgement(name)
        assert (said["result"], said["code"]) == ("refused", code)
        kept = (other.root / "quarantine" / name).read_text("utf-8")
        assert NUMBER not in kept
        assert "9000000019" not in kept or code == "F0201"
    assert sorted(other.files("in")) == sorted([".KAITO.tmp", "KAITO.part", link.name])
    link.unlink()
    other.answer(order, ASSIGNED)
    assert adapter.assign(PERSON, "key-1", CALL).atena_number == "9000000019"


def test_a_personal_number_is_in_the_order_alone(
    atena: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    adapter, other = atena
    caplog.set_level(logging.DEBUG)
    order = order_of(adapter, other)
    assert everything(tmp_path).count(NUMBER.encode()) == 1
    assert NUMBER.encode() in (other.root / "out" / order.name).read_bytes()
    # An answer that quotes it is refused, and kept aside without it.
    name = other.answer(order, ("D", f"1{NUMBER}", "1", NUMBER))
    with pytest.raises(BadAnswer) as caught:
        adapter.assign(PERSON, "key-1", CALL)
    assert name in other.files("quarantine")
    assert everything(tmp_path).count(NUMBER.encode()) == 1
    assert NUMBER not in caplog.text + str(caught.value)
    assert order.number in caplog.text


def test_when_all_is_answered_no_personal_number_is_left(
    atena: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    adapter, other = atena
    caplog.set_level(logging.DEBUG)
    replies = {"assign": [ASSIGNED], "bind_personal_number": []}
    with other.answering(lambda one: other.answer(one, *replies.get(one.operation, [KNOWN]))) as seen:
        adapter.assign(PERSON, "key-1", CALL)
        adapter.bind_personal_number("1", PersonalNumber(NUMBER), "key-2", CALL)
        adapter.name_information_by_personal_number(PersonalNumber(NUMBER), CALL)
    assert [order.values["kojinbango"] for order in seen] == [NUMBER] * 3
    assert NUMBER.encode() not in everything(tmp_path)
    # Nor is what was looked up.
    assert "見本　太郎".encode() not in everything(tmp_path)
    assert NUMBER not in caplog.text


def test_what_cannot_be_written_is_refused_and_nothing_happens(
    built: Callable[..., Pair], tmp_path: Path
) -> None:
    layout = Path("yvaxportal/adapters/atena/orders.toml").read_text("utf-8")
    (tmp_path / "own.toml").write_text(layout.replace('"utf-8"', '"cp932"'), "utf-8")
    adapter, other = built(layout_file=str(tmp_path / "own.toml"))
    cases = [
        (replace(PERSON, name="𠮷野"), "E0002", "shimei"),
        (replace(PERSON, name="見本", address="〜"), "E0002", "jusho"),
        (replace(PERSON, name="見" * 101), "E0003", "shimei"),
        (replace(PERSON, name=""), "E0001", "shimei"),
        (replace(PERSON, name="見本", date_of_birth_written="1970-13-00"), "E0002", "seinengappi"),
        (replace(PERSON, name="見本", address="1\r\nD,1"), "E0002", "jusho"),
    ]
    for person, code, column in cases:
        with pytest.raises(Refused) as caught:
            adapter.assign(person, "key-1", SHORT)
        assert (caught.value.code, caught.value.where) == (code, column)
    assert other.files("out") == []
    assert adapter.health().figures["orders_waiting"] == 0
    with pytest.raises(TimedOut):
        adapter.assign(replace(PERSON, name="見本"), "key-1", SHORT)
    (name,) = other.files("out")
    assert "見本".encode("cp932") in (other.root / "out" / name).read_bytes()


def test_health_tells_what_waits(atena: Pair, clock: Clock) -> None:
    adapter, other = atena
    assert adapter.health().state is HealthState.UNKNOWN
    order = order_of(adapter, other)
    clock.now += timedelta(minutes=61)
    health = adapter.health()
    assert health.state is HealthState.DEGRADED
    assert (health.figures["orders_waiting"], health.figures["oldest_order_seconds"]) == (1, 3660)
    assert health.last_error == "TimedOut: no answer within the time limit"
    other.answer(order, ASSIGNED)
    clock.now += timedelta(seconds=1)
    adapter.assign(PERSON, "key-1", CALL)
    health = adapter.health()
    assert health.state is HealthState.UP
    assert (health.figures["orders_waiting"], health.figures["oldest_order_seconds"]) == (0, 0)
    assert health.last_success_at == clock.now


def test_a_folder_that_is_gone_is_told(atena: Pair) -> None:
    adapter, other = atena
    other.root.rename(other.root.with_name("away"))
    with pytest.raises(Unavailable, match="the folder cannot be used"):
        adapter.assign(PERSON, "key-1", CALL)
    assert adapter.health().state is HealthState.DOWN


def test_what_is_kept_is_kept_for_its_term(built: Callable[..., Pair], clock: Clock) -> None:
    adapter, other = built()
    with other.answering(assign(other)):
        adapter.assign(PERSON, "key-1", CALL)
    order_of(adapter, other, "key-2")
    other.answer(replace(other.orders()[0], number="p" * 32), ASSIGNED)
    with pytest.raises(TimedOut):
        adapter.assign(PERSON, "key-2", SHORT)
    assert len(other.files("quarantine")) == 2
    old = time.time() - 31 * 86_400
    for folder in ("ack", "quarantine"):
        for name in other.files(folder):
            os.utime(other.root / folder / name, (old, old))
    clock.now += timedelta(days=59)
    built()[0].client.collector.collect()
    assert len(other.files("out")) == 1
    clock.now += timedelta(days=2)
    later, _ = built()
    later.client.collector.collect()
    assert other.files("out") == []
    assert later.health().figures["orders_waiting"] == 0


def test_a_look_up_whose_process_died_is_taken_back(built: Callable[..., Pair], clock: Clock) -> None:
    adapter, other = built()
    client = adapter.client
    with client.store.open() as connection:
        order = client._entered(connection, "name_information", SHORT, {"atenabango": "1"}, None)
        (other.root / "out" / order.name).write_bytes(b"")
    (other.root / "out" / ".IRAI.csv.part").write_bytes(NUMBER.encode())
    clock.now += timedelta(hours=1, seconds=1)
    built()[0].client.collector.collect()
    assert other.files("out") == []


def test_an_answer_with_an_end_file(built: Callable[..., Pair], tmp_path: Path) -> None:
    layout = Path("yvaxportal/adapters/atena/orders.toml").read_text("utf-8")
    own = layout.replace('form = "csv"', 'form = "csv"\ncomplete = "end_file"')
    (tmp_path / "own.toml").write_text(own, "utf-8")
    adapter, other = built(layout_file=str(tmp_path / "own.toml"))
    name = other.answer(order_of(adapter, other), ASSIGNED)
    with pytest.raises(TimedOut):
        adapter.assign(PERSON, "key-1", SHORT)
    other.put(f"{name}.end", b"")
    assert adapter.assign(PERSON, "key-1", CALL).atena_number == "9000000019"
    assert other.files("in") == []
