"""What becomes of files: taken once, in order, whole, or refused with a reason and kept aside."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters_folder.conftest import Clock
from tests.unit.adapters_folder.other_side import (
    START,
    OtherSide,
    change,
    period,
    person,
    taxation,
)
from yvaxportal.adapters.errors import NotFound, Refused, Unavailable
from yvaxportal.adapters.messages.common import CallContext, HealthState
from yvaxportal.adapters.messages.resident_register import ChangeKind
from yvaxportal.adapters.messages.tax import TaxationState

CALL = CallContext.interactive("tanaka")
JOB = CallContext.batch()
ANNA, BEN, CARA = "1000000019", "1000000027", "1000000035"
NUMBER = "900000000001"
ONE, TWO = taxation(ANNA, 2026, "1"), taxation(BEN, 2026, "2")


@pytest.fixture
def tax(built: Callable[..., Any]) -> tuple[Any, OtherSide]:
    pair: tuple[Any, OtherSide] = built("tax")
    return pair


@pytest.fixture
def register(built: Callable[..., Any]) -> tuple[Any, OtherSide]:
    pair: tuple[Any, OtherSide] = built("resident_register")
    return pair


def state_of(adapter: Any, number: str) -> TaxationState:
    state: TaxationState = adapter.taxation(number, 2026, CALL).state
    return state


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def quarantined(other: OtherSide) -> list[str]:
    return names(other.root / "quarantine")


def test_nothing_is_answered_before_the_first_full_file(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    other.deliver("S", 1, [{"shorikubun": "1"} | ONE])
    for _ in range(2):
        with pytest.raises(Unavailable, match="no full file has been delivered yet"):
            adapter.taxation(ANNA, 2026, CALL)
        assert adapter.health().state is HealthState.UNKNOWN
        assert adapter.receive() == 0
    assert adapter.health().figures["files_out_of_order"] == 1


@pytest.mark.parametrize(
    ("said", "code", "reason"),
    [
        ({"count": "3"}, "F0105", "incomplete"),
        ({"total": "1"}, "F0106", "incomplete"),
        ({"city": "322016"}, "F0201", "wrong_municipality"),
    ],
)
def test_a_file_that_contradicts_itself_changes_nothing(
    tax: tuple[Any, OtherSide], said: dict[str, Any], code: str, reason: str
) -> None:
    adapter, other = tax
    other.deliver("Z", 1, [ONE, TWO])
    adapter.receive()
    name = other.deliver("Z", 2, [taxation(ANNA, 2026, "2"), TWO], **said)
    adapter.receive()
    assert state_of(adapter, ANNA) is TaxationState.EXEMPT
    told = other.acknowledgement(name)
    assert (told["result"], told["code"], told["accepted"]) == ("refused", code, "0")
    assert quarantined(other) == [name]
    health = adapter.health()
    assert (health.state, health.last_error) == (
        HealthState.DEGRADED,
        f"BadAnswer: the answer is {reason} at file 2, {code}",
    )
    # Put right and sent again under the same number, it is taken.
    again = other.deliver("Z", 2, [taxation(ANNA, 2026, "2"), TWO])
    adapter.receive()
    assert (other.acknowledgement(again)["result"], state_of(adapter, ANNA)) == (
        "accepted",
        TaxationState.TAXED,
    )
    assert adapter.health().state is HealthState.UP


def test_what_was_taken_is_not_read_again_under_any_name(
    tax: tuple[Any, OtherSide], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, other = tax
    name = other.deliver("Z", 1, [ONE])
    content = (other.inbox / name).read_bytes()
    assert adapter.receive() == 1
    monkeypatch.setattr(adapter.receiver, "_take_in", None)
    for again in (name, "anything.txt", other.name("Z", 2, START)):
        other.put(again, content)
        assert adapter.receive() == 1
        told = other.acknowledgement(again)
        assert (told["result"], told["code"], told["accepted"]) == ("duplicate", "F0204", "1")
    assert names(other.inbox) == quarantined(other) == []


def test_older_files_and_files_from_the_future_are_refused(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    other.deliver("Z", 5, [ONE])
    adapter.receive()
    cases = {
        other.deliver("Z", 4, [TWO]): "F0202",
        other.deliver("S", 5, [{"shorikubun": "1"} | TWO]): "F0202",
        other.deliver("Z", 6, [TWO], START): "F0202",
        other.deliver("Z", 7, [TWO], START + timedelta(days=1)): "F0203",
    }
    adapter.receive()
    assert {name: other.acknowledgement(name)["code"] for name in cases} == cases
    with pytest.raises(NotFound):
        adapter.taxation(BEN, 2026, CALL)


def test_a_difference_waits_for_the_one_before_it(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    other.deliver("Z", 1, [ONE, TWO])
    other.deliver("S", 3, [{"shorikubun": "2"} | taxation(BEN, 2026, "")])
    assert adapter.receive() == 1
    assert state_of(adapter, BEN) is TaxationState.TAXED
    health = adapter.health()
    assert (health.state, health.last_error) == (
        HealthState.DEGRADED,
        "file 2 is missing; later ones wait for it",
    )
    other.deliver("S", 2, [{"shorikubun": "1"} | taxation(ANNA, 2026, "2")])
    assert adapter.receive() == 2
    assert state_of(adapter, ANNA) is TaxationState.TAXED
    with pytest.raises(NotFound):
        adapter.taxation(BEN, 2026, CALL)
    assert adapter.health().state is HealthState.UP


def test_a_full_file_that_lost_most_people_is_refused(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    other.deliver("Z", 1, [ONE, TWO, taxation(CARA, 2026, "3")])
    empty, few = other.deliver("Z", 2, []), other.deliver("Z", 3, [ONE])
    adapter.receive()
    codes = [other.acknowledgement(name)["code"] for name in (empty, few)]
    assert codes == ["F0110", "F0111"]
    assert state_of(adapter, CARA) is TaxationState.NOT_FILED


def test_refused_lines_have_reasons_and_change_nobody(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    other.deliver("Z", 1, [ONE, TWO])
    name = other.deliver(
        "Z",
        2,
        [
            taxation(ANNA, 2026, "7"),
            taxation(BEN, 2026, "1"),
            taxation(CARA, 2026, "1"),
            taxation(CARA, 2026, "2"),
            taxation("12345678901234567", 2026, "1"),
        ],
    )
    adapter.receive()
    told = other.acknowledgement(name)
    assert (told["result"], told["lines"], told["accepted"], told["refused"]) == ("partly", "5", "1", "4")
    assert other.errors(name) == [
        ("2", "kazeikubun", "E0002"),
        ("4", "nendo", "E0008"),
        ("5", "nendo", "E0008"),
        ("6", "atenabango", "E0003"),
    ]
    # Of whom a line was refused, the state of before stays, as of then.
    kept = adapter.taxation(ANNA, 2026, CALL)
    assert (kept.state, kept.as_of) == (TaxationState.EXEMPT, START + timedelta(minutes=10))
    assert state_of(adapter, BEN) is TaxationState.EXEMPT
    lines = (other.root / "quarantine" / f"{name}.lines").read_text("utf-8").splitlines()
    assert lines[0] == f"2,kazeikubun,E0002,D,{ANNA},H1,2026,7"
    assert lines[3] == "6,atenabango,E0003,D,****,H1,2026,1"


def test_too_many_refused_lines_refuse_the_file(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    rows = [taxation(f"{serial}", 2026, "7" if serial < 12 else "1") for serial in range(1, 1_000)]
    name = other.deliver("Z", 1, rows)
    adapter.receive()
    assert other.acknowledgement(name)["code"] == "F0109"


def test_half_a_file_and_files_of_other_kinds_are_kept_aside(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    whole = other.text("Z", 1, [ONE, TWO], START).encode()
    half = other.name("Z", 1, START)
    other.put(half, whole[: len(whole) // 2])
    other.put("notes.txt", f"about {NUMBER}\nH,nothing\n".encode())
    other.put("picture.csv", bytes(range(256)) * 10)
    (other.inbox / "upload.csv.filepart").write_bytes(b"not yet")
    (other.inbox / ".hidden").write_bytes(b"not yet")
    (other.inbox / "folder").mkdir()
    (other.inbox / other.name("Z", 8, START)).symlink_to("/etc/hostname")
    assert adapter.receive() == 3
    codes = [other.acknowledgement(name)["code"] for name in (half, "notes.txt", "picture.csv")]
    assert codes == ["F0104", "F0101", "F0101"]
    assert quarantined(other) == [half, "notes.txt", "picture.csv"]
    assert NUMBER not in (other.root / "quarantine" / "notes.txt").read_text()
    assert len(names(other.inbox)) == 4
    assert adapter.health().state is HealthState.DOWN


def test_what_is_too_large_is_not_read(built: Callable[..., Any]) -> None:
    adapter, other = built("tax", max_file_bytes="1024")
    name = other.deliver("Z", 1, [taxation(f"{serial}", 2026, "1") for serial in range(100)])
    line = other.name("Z", 2, START)
    other.put(line, b"H" * 1_000)
    adapter.receive()
    assert [other.acknowledgement(one)["code"] for one in (name, line)] == ["F0107", "F0102"]
    assert quarantined(other) == sorted([name, line])


def test_a_link_put_in_place_of_a_file_is_not_followed(tax: tuple[Any, OtherSide], tmp_path: Path) -> None:
    adapter, other = tax
    adapter.receive()
    (tmp_path / "secret").write_text("not theirs")
    (other.root / "work" / other.name("Z", 1, START)).symlink_to(tmp_path / "secret")
    adapter.receive()
    assert (tmp_path / "secret").read_text() == "not theirs"
    assert names(other.root / "work") == quarantined(other) == names(other.root / "ack") == []


def test_by_end_file_a_file_waits_until_it_is_declared_whole(
    built: Callable[..., Any], tmp_path: Path
) -> None:
    adapter, _ = built("tax")
    shipped = Path(__file__).parents[3] / "yvaxportal/adapters/tax/layout.toml"
    own = shipped.read_text("utf-8").replace("[file]", '[file]\ncomplete = "end_file"')
    (tmp_path / "own.toml").write_text(own, "utf-8")
    adapter, other = built("tax", layout_file="own.toml")
    name = other.deliver("Z", 1, [ONE])
    assert adapter.receive() == 0
    (other.inbox / f"{name}.end").touch()
    assert adapter.receive() == 1
    assert names(other.inbox) == []
    assert state_of(adapter, ANNA) is TaxationState.EXEMPT


def test_personal_numbers_stay_nowhere(built: Callable[..., Any], tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "yvaxportal/adapters/resident_register/layout.toml"
    column = '[[full.columns]]\nname = "kojinbango"\nkind = "personal_number"\nwidth = 12\n\n'
    own = shipped.read_text("utf-8").replace("[difference]", f"{column}[difference]", 1)
    (tmp_path / "own.toml").write_text(own, "utf-8")
    adapter, other = built("resident_register", layout_file="own.toml", refused_percent="100")
    rows = [person(ANNA), person(BEN, seibetsu="9"), person(CARA, jusho=f"番号 {NUMBER}")]
    name = other.deliver("Z", 1, [row | {"kojinbango": NUMBER} for row in rows])
    broken = other.deliver("Z", 2, [row | {"kojinbango": NUMBER} for row in rows], count="7")
    adapter.receive()
    assert [other.acknowledgement(one)["result"] for one in (name, broken)] == ["partly", "refused"]
    assert adapter.resident(ANNA, CALL).personal_number is None
    assert all(one.personal_number is None for one in adapter.snapshot(None, JOB).people)
    assert quarantined(other) == [f"{name}.lines", broken]
    assert list((other.root / "done").iterdir()) == []
    # The address of the third is free text: it is in the state as it came, and nowhere else.
    for path in tmp_path.rglob("*"):
        if path.is_file() and "sqlite3" not in path.name:
            assert NUMBER not in path.read_bytes().decode("utf-8", "replace"), path.name
    with adapter.receiver.store.reading() as connection:
        kept = connection.execute("SELECT record FROM person WHERE atena = ?", (ANNA,)).fetchone()
    assert NUMBER not in kept[0]


def test_changes_come_in_order_and_a_full_file_tells_what_it_changed(
    register: tuple[Any, OtherSide],
) -> None:
    adapter, other = register
    other.deliver("Z", 1, [person(ANNA), person(BEN)], START - timedelta(hours=1))
    adapter.receive()
    cursor = adapter.snapshot(None, JOB).change_cursor
    assert adapter.changes(cursor, 10, JOB).changes == ()
    other.deliver(
        "S",
        2,
        [
            change("I-1", "12", person(CARA), START),
            change("I-2", "61", person(BEN, shimei=""), START + timedelta(minutes=1), ANNA),
            change("I-1", "12", person(CARA), START),
        ],
    )
    other.deliver("Z", 3, [person(ANNA, rirekibango="2", tsusho="アンナ"), person(CARA)])
    first = adapter.changes(cursor, 2, JOB)
    assert [(one.change_id, one.kind, one.atena_number) for one in first.changes] == [
        ("I-1", ChangeKind.MOVED_IN, CARA),
        ("I-2", ChangeKind.MERGED, BEN),
    ]
    assert first.more
    assert (first.changes[1].person, first.changes[1].other_atena_number) == (None, ANNA)
    second = adapter.changes(first.next_cursor, 2, JOB)
    (corrected,) = second.changes
    assert (corrected.kind, corrected.person.alias_name) == (ChangeKind.CORRECTED, "アンナ")
    assert not second.more
    assert [one.atena_number for one in adapter.snapshot(None, JOB).people] == [ANNA, CARA]


def test_changes_that_do_not_fit_are_refused_and_the_rest_is_taken(register: tuple[Any, OtherSide]) -> None:
    adapter, other = register
    other.deliver("Z", 1, [person(ANNA, rirekibango="5"), person(BEN)], START - timedelta(hours=1))
    late = START + timedelta(minutes=5)
    name = other.deliver(
        "S",
        2,
        [
            change("I-1", "41", person(ANNA, rirekibango="4"), START),
            change("I-2", "61", person(BEN, shimei=""), START),
            change("I-3", "31", person(BEN, shimei=""), START),
            change("I-4", "41", person(BEN, rirekibango="2"), late),
            change("I-5", "41", person(BEN, rirekibango="3"), START),
            change("I-4", "41", person(BEN, rirekibango="9"), late),
            change("I-6", "41", person(BEN, rirekibango="4", shikuchosonkodo="322016"), late),
            change("I-7", "41", person(BEN, rirekibango="4"), START + timedelta(days=1)),
            change("I-8", "51", person(BEN, rirekibango="4", shien_kaishibi="2026-11-01"), late),
        ],
    )
    adapter.receive()
    assert other.errors(name) == [
        ("2", "rirekibango", "E0009"),
        ("3", "aite_atenabango", "E0004"),
        ("4", "shimei", "E0004"),
        ("6", "shorinichiji", "E0010"),
        ("7", "idobango", "E0008"),
        ("8", "shikuchosonkodo", "E0007"),
        ("9", "shorinichiji", "E0004"),
        ("10", "shien_shuryobi", "E0004"),
    ]
    assert [adapter.resident(number, CALL).version for number in (ANNA, BEN)] == [5, 2]


def test_a_snapshot_is_of_one_state_and_can_be_taken_up_until_the_next_file(
    register: tuple[Any, OtherSide],
) -> None:
    adapter, other = register
    other.deliver("Z", 1, [person(number) for number in (CARA, ANNA, BEN)])
    adapter.receive()
    snapshot = adapter.snapshot(None, JOB)
    first = next(snapshot.people).atena_number
    again = adapter.snapshot((snapshot.snapshot_id, first), JOB)
    assert (again.snapshot_id, again.expected) == (snapshot.snapshot_id, 3)
    assert [one.atena_number for one in again.people] == [BEN, CARA]
    other.deliver("Z", 2, [person(number, rirekibango="2") for number in (CARA, ANNA)])
    adapter.receive()
    assert [one.version for one in snapshot.people] == [1, 1]
    with pytest.raises(Refused, match="snapshot_gone"):
        adapter.snapshot((snapshot.snapshot_id, first), JOB)


def test_cursors_are_good_for_their_term_and_no_longer(register: tuple[Any, OtherSide], clock: Clock) -> None:
    adapter, other = register
    other.deliver("Z", 1, [person(ANNA)], START - timedelta(hours=1))
    adapter.receive()
    beginning = adapter.changes(None, 1, CALL).next_cursor
    other.deliver("S", 2, [change("I-1", "41", person(ANNA, rirekibango="2"), START)])
    for days in (30, 70):
        clock.now += timedelta(days=days)
        moment = START + timedelta(days=days)
        other.deliver("Z", 3 + days, [person(ANNA, rirekibango=f"{days}")], moment)
        page = adapter.changes(None, 10, JOB)
        if days == 30:
            assert adapter.changes(beginning, 10, CALL).changes == page.changes
            assert len(page.changes) == 2
    assert [one.change_id for one in page.changes] == [f"full-73-{ANNA}"]
    with pytest.raises(Refused, match="unknown_cursor"):
        adapter.changes(beginning, 10, CALL)


def test_a_history_is_taken_whole_or_not_at_all(built: Callable[..., Any]) -> None:
    adapter, other = built("welfare")
    held = period(ANNA, "1", "1", "2020-04-01")
    other.deliver("Z", 1, [held, period(BEN, "3", "1", "2021-01-01", "2021-06-30")])
    name = other.deliver(
        "S",
        2,
        [
            {"shorikubun": "1"} | row
            for row in (
                period(ANNA, "1", "1", "2020-04-01", "2024-03-31"),
                period(ANNA, "1", "2", "2024-03-31"),
                period(ANNA, "2", "1", "2024-04-01"),
                period(BEN, "3", "1", "2021-01-01", "2021-09-30"),
                period(CARA, "4", "1", "2022-01-01", "2021-01-01"),
            )
        ],
    )
    adapter.receive()
    assert other.errors(name) == [
        ("2", "", "E0011"),
        ("3", "kaishibi", "E0004"),
        ("4", "", "E0011"),
        ("6", "shuryobi", "E0004"),
    ]
    assert len(adapter.history(ANNA, CALL).periods) == 1
    assert f"{adapter.history(BEN, CALL).periods[0].valid_to}" == "2021-09-30"
    other.deliver("S", 3, [{"shorikubun": "2"} | period(BEN, "0", "", "")])
    assert [one.atena_number for one in adapter.histories([ANNA, BEN, CARA], JOB)] == [ANNA]


def test_what_was_kept_for_its_term_goes(tax: tuple[Any, OtherSide], clock: Clock) -> None:
    adapter, other = tax
    name = other.deliver("Z", 1, [ONE])
    bad = other.deliver("Z", 2, [ONE], count="9")
    adapter.receive()
    folders = [other.root / one for one in ("done", "ack", "quarantine")]
    assert [names(folder) for folder in folders] == [
        [name],
        sorted([f"{name}.ack", f"{bad}.ack"]),
        [bad],
    ]
    # Ages are those of the disk's own clock.
    for folder in folders:
        for path in folder.iterdir():
            os.utime(path, (0, (clock.now - timedelta(days=31)).timestamp()))
    adapter.receive()
    assert [names(folder) for folder in folders] == [[], [], []]
    assert state_of(adapter, ANNA) is TaxationState.EXEMPT


def test_a_folder_that_is_gone_is_unavailable_and_said_so(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    other.inbox.rmdir()
    with pytest.raises(Unavailable, match="the folder cannot be used"):
        adapter.receive()
    assert adapter.health().state is HealthState.DOWN


def test_one_process_at_a_time(tax: tuple[Any, OtherSide]) -> None:
    adapter, other = tax
    other.deliver("Z", 1, [ONE])
    with adapter.receiver._alone() as alone:
        assert alone
        assert adapter.receive() == 0
    assert adapter.receive() == 1
