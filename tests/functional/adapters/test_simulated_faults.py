"""Whatever the other side does wrong ends in one of our errors, in time, and never in a wrong answer."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.application import settings_of
from tests.functional.adapters.conftest import Connect
from tests.simulated import Simulated, simulating, write_ini
from yvaxportal.adapters.atena.rest import RestAtena
from yvaxportal.adapters.conformance import Subjects
from yvaxportal.adapters.errors import (
    AdapterError,
    BadAnswer,
    BadAnswerReason,
    NotFound,
    Refused,
    TimedOut,
    Unavailable,
)
from yvaxportal.adapters.messages.atena import AssignmentKind, Envelope, NewPerson
from yvaxportal.adapters.messages.common import CallContext, HealthState
from yvaxportal.adapters.resident_register.rest import RestResidentRegister
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.adapters.tax.rest import RestTaxRegister
from yvaxportal.adapters.welfare.rest import RestWelfareRegister
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.codes import Sex
from yvaxportal.values.personal_number import PersonalNumber

PERSONAL = PersonalNumber("900000000010")
SHORT = CallContext("tanaka", timedelta(seconds=0.6))
CALL = CallContext("tanaka", timedelta(seconds=4))


FAULTS: dict[str, tuple[type[AdapterError], BadAnswerReason | None]] = {
    "time_out": (TimedOut, None),
    "error_500": (Unavailable, None),
    "error_503": (Unavailable, None),
    "lost_answer": (Unavailable, None),
    "half_an_answer": (Unavailable, None),
    "malformed": (BadAnswer, BadAnswerReason.MALFORMED),
    "wrong_person": (BadAnswer, BadAnswerReason.WRONG_PERSON),
    "wrong_municipality": (BadAnswer, BadAnswerReason.WRONG_MUNICIPALITY),
    "too_large": (BadAnswer, BadAnswerReason.TOO_LARGE),
}


@pytest.mark.parametrize("system", ["tax", "welfare", "resident_register"])
def test_a_fault_is_one_of_our_errors(
    simulated: Simulated, connect: Connect, subjects: Subjects, system: str
) -> None:
    number = subjects.known[0]
    asking: dict[str, Callable[[CallContext], Any]] = {
        "tax": lambda context: connect(RestTaxRegister, "tax").taxation(number, 2026, context),
        "welfare": lambda context: connect(RestWelfareRegister, "welfare").history(number, context),
        "resident_register": lambda context: connect(RestResidentRegister, "resident_register").resident(
            number, context
        ),
    }
    for fault, (error, reason) in FAULTS.items():
        simulated.fault(fault, system=system)
        began = time.monotonic()
        with pytest.raises(error) as caught:
            asking[system](SHORT if fault == "time_out" else CALL)
        assert getattr(caught.value, "reason", None) is reason
        if fault == "time_out":
            assert time.monotonic() - began < SHORT.time_limit.total_seconds() + 0.3
        assert number not in str(caught.value)
        simulated.behave()
        assert asking[system](CALL).atena_number == number


def test_a_passing_fault_is_not_noticed(simulated: Simulated, connect: Connect, subjects: Subjects) -> None:
    register = connect(RestResidentRegister, "resident_register")
    for fault in ("error_503", "lost_answer", "half_an_answer", "token_expired"):
        simulated.fault(fault, times=1)
        assert register.resident(subjects.known[0], CALL).atena_number == subjects.known[0]
    assert simulated.state()["faults"] == {
        "error_503": 1,
        "lost_answer": 1,
        "half_an_answer": 1,
        "token_expired": 1,
    }
    assert register.health().state is HealthState.UP


def test_a_clock_that_is_wrong_is_understood(
    simulated: Simulated, connect: Connect, subjects: Subjects
) -> None:
    register = connect(RestResidentRegister, "resident_register")
    for seconds in (-900, 900):
        simulated.fault("clock_skew", times=1, seconds=seconds)
        register.resident(subjects.known[0], CALL)
        # A new process asks for its token by a clock that disagrees from the start.
        other = connect(RestResidentRegister, "resident_register")
        assert other.resident(subjects.known[0], CALL).atena_number == subjects.known[0]


def ido(place: int, person: dict[str, Any], kind: str = "41") -> dict[str, Any]:
    return {
        "idobango": f"i-{place}",
        "idokubun": kind,
        "atenabango": person["atenabango"],
        "idobi": "2026-11-20",
        "shorinichiji": f"2026-11-20T01:00:{place:02}Z",
        "jumin": person | {"rirekibango": place + 2},
    }


@pytest.fixture
def newborn() -> dict[str, Any]:
    return {
        "atenabango": "1000000994",
        "setaibango": "H1",
        "shikuchosonkodo": "312029",
        "rirekibango": 1,
        "kijunnichiji": "2026-11-20T01:00:00Z",
        "shimei": "髙﨑　𠮷",
        "seinengappi": "2026-11-19",
        "seibetsu": "2",
        "juminkubun": "1",
        "kojinbango": "900099999913",
    }


def test_changes_come_in_pages_and_each_once(
    simulated: Simulated, connect: Connect, newborn: dict[str, Any]
) -> None:
    register = connect(RestResidentRegister, "resident_register")
    start = register.changes(None, 10, CALL)
    assert (start.changes, start.more) == ((), False)
    for place in range(25):
        simulated.add("ido", ido(place, newborn, "11" if place == 0 else "41"))
    found, cursor, more = [], start.next_cursor, True
    while more:
        page = register.changes(cursor, 10, CALL)
        found += page.changes
        cursor, more = page.next_cursor, page.more
    assert [change.change_id for change in found] == [f"i-{place}" for place in range(25)]
    assert found[0].person.name == "髙﨑　𠮷"
    assert found[0].person.personal_number.reveal() == "900099999913"
    assert register.changes(cursor, 10, CALL).changes == ()


def test_changes_in_the_wrong_order_are_refused_and_come_again(
    simulated: Simulated, connect: Connect, newborn: dict[str, Any]
) -> None:
    register = connect(RestResidentRegister, "resident_register")
    for place in range(3):
        simulated.add("ido", ido(place, newborn))
    simulated.fault("out_of_order", times=1)
    with pytest.raises(BadAnswer) as caught:
        register.changes(None, 10, CALL)
    assert caught.value.reason is BadAnswerReason.OUT_OF_ORDER
    assert len(register.changes(None, 10, CALL).changes) == 3


def test_a_snapshot_that_broke_off_is_gone_on_with(
    simulated: Simulated, connect: Connect, subjects: Subjects
) -> None:
    register = connect(RestResidentRegister, "resident_register")
    simulated.fault("half_an_answer", times=1)
    broken = register.snapshot(None, CALL)
    with pytest.raises(Unavailable):
        list(broken.people)
    people = []
    broken = register.snapshot(None, CALL)
    for person in broken.people:
        people.append(person.atena_number)
        if len(people) == 2:
            break
    resumed = register.snapshot((broken.snapshot_id, people[-1]), CALL)
    assert resumed.snapshot_id == broken.snapshot_id
    people += [person.atena_number for person in resumed.people]
    assert people == sorted(set(people))
    assert len(people) == broken.expected


def test_somebody_is_found_by_personal_number_and_nobody_else(
    simulated: Simulated, connect: Connect, newborn: dict[str, Any]
) -> None:
    register = connect(RestResidentRegister, "resident_register")
    simulated.add("jumin", newborn)
    number = PersonalNumber("900099999913")
    found = register.resident_by_personal_number(number, CALL)
    assert found.atena_number == newborn["atenabango"]
    assert found.personal_number.reveal() == number.reveal()
    assert register.resident(newborn["atenabango"], CALL).personal_number is None


def test_a_port_that_is_taken_is_one_line(simulated: Simulated, tmp_path: Path) -> None:
    port = simulated.url.rpartition(":")[2]
    with (
        pytest.raises(AssertionError) as caught,
        simulating(tmp_path / "portal.ini", tmp_path, f"--port={port}"),
    ):
        pass
    assert str(caught.value).startswith(f"yvax simulator: port {port} cannot be listened on")
    assert str(caught.value).count("\n") == 1


def test_a_bad_record_does_not_spoil_the_others(
    simulated: Simulated, connect: Connect, newborn: dict[str, Any]
) -> None:
    register = connect(RestResidentRegister, "resident_register")
    nameless = newborn | {"shimei": ""}
    for place, subject in enumerate((newborn, nameless, newborn)):
        simulated.add("ido", ido(place, subject))
    page = register.changes(None, 10, CALL)
    assert [change.change_id for change in page.changes] == ["i-0", "i-2"]
    assert [(one.record_id, one.atena_number, one.where) for one in page.unusable] == [
        ("i-1", newborn["atenabango"], "/jumin (anyOf)")
    ]
    assert register.changes(page.next_cursor, 10, CALL).changes == ()
    simulated.add("jumin", newborn | {"seibetsu": "3"})
    snapshot = register.snapshot(None, CALL)
    assert len(list(snapshot.people)) == snapshot.expected - 1
    assert [(one.atena_number, one.where) for one in snapshot.unusable] == [
        (newborn["atenabango"], "/seibetsu (enum)")
    ]


def test_another_citys_people_are_told_apart_by_whoever_takes_them_over(
    simulated: Simulated, connect: Connect, newborn: dict[str, Any]
) -> None:
    register = connect(RestResidentRegister, "resident_register")
    simulated.add("ido", ido(0, newborn | {"shikuchosonkodo": "131016"}))
    (change,) = register.changes(None, 10, CALL).changes
    assert change.person.municipality_code == "131016"
    with pytest.raises(BadAnswer):
        register.resident(newborn["atenabango"], CALL)


def test_numbers_are_assigned_once_whatever_is_lost_on_the_way(
    simulated: Simulated, connect: Connect
) -> None:
    atena = connect(RestAtena, "atena")
    person = NewPerson("見本　花子𠮷", "1970-01-00", Sex.FEMALE, "見本市1", personal_number=PERSONAL)
    for place, fault in enumerate(("lost_answer", "half_an_answer", "error_503", "token_expired")):
        simulated.fault(fault, system="atena", operation="assign", times=1)
        asked = dataclasses.replace(person, address=f"見本市{place}", personal_number=None)
        first = atena.assign(asked, f"key-{place}", CALL)
        # The first answer was lost on its way; the repeated call with the same key got the same one.
        assert first.kind is AssignmentKind.ASSIGNED
        assert atena.assign(asked, f"key-{place}", CALL) == first
    one = atena.assign(person, "key-9", CALL).atena_number
    assert atena.name_information_by_personal_number(PERSONAL, CALL).atena_number == one
    other = PersonalNumber("900000000029")
    twin = dataclasses.replace(person, personal_number=other)
    assert atena.assign(twin, "key-12", CALL).atena_number != one
    other = PersonalNumber("900000000037")
    atena.bind_personal_number(one, other, "key-10", CALL)
    assert atena.name_information_by_personal_number(other, CALL).atena_number == one
    with pytest.raises(NotFound):
        atena.name_information_by_personal_number(PERSONAL, CALL)
    with pytest.raises(Refused, match="E0002"):
        atena.pass_to_chukan(Envelope("IF_SKI_10111", "m-1", b"{}", one), "key-11", CALL)
    assert atena.collect_from_chukan(None, 10, CALL) == ()


def test_answers_take_time_and_not_all_alike(
    tmp_path: Path, database_urls: DatabaseUrls, secrets: Path, subjects: Subjects, engine: Engine
) -> None:
    settings = settings_of(database_urls, secrets) | {"yvaxportal.var": str(tmp_path)}
    with simulating(write_ini(tmp_path / "portal.ini", settings), tmp_path, "--delay=0.02") as slow:
        setup = AdapterSetup(
            "tax", slow.options("tax"), "312029", tmp_path, engine, lambda: datetime.now(UTC)
        )
        tax = RestTaxRegister.create(setup)
        tax.taxation(subjects.known[0], 2026, CALL)
        took = []
        for _ in range(40):
            began = time.monotonic()
            tax.taxation(subjects.known[0], 2026, CALL)
            took.append(time.monotonic() - began)
        tax.close()
    assert 0.012 < statistics.median(took) < 0.1
    assert max(took) > 1.5 * min(took)
