"""Whatever goes wrong with files, a person gets one number, and each key one answer."""

import random
import time
from datetime import timedelta
from typing import Any

import pytest

from tests.functional.adapters.conftest import Connect
from tests.simulated import Simulated, simulating
from yvaxportal.adapters.atena.files import FilesAtena
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, TimedOut, Unavailable
from yvaxportal.adapters.messages.atena import Assignment, AssignmentKind, NewPerson
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.models.codes import Sex

CALL = CallContext("tanaka", timedelta(seconds=5))
SHORT = CallContext("tanaka", timedelta(seconds=0.4))
FAULTS: dict[str, tuple[type[Exception], BadAnswerReason | None]] = {
    "half_an_answer": (BadAnswer, BadAnswerReason.INCOMPLETE),
    "malformed": (BadAnswer, BadAnswerReason.MALFORMED),
    "too_large": (BadAnswer, BadAnswerReason.TOO_LARGE),
    "wrong_municipality": (BadAnswer, BadAnswerReason.WRONG_MUNICIPALITY),
    "lost_answer": (TimedOut, None),
    "time_out": (TimedOut, None),
    "slow": (TimedOut, None),
}


def person(place: int) -> NewPerson:
    return NewPerson(f"見本　{place}𠮷", "1970-01-00", Sex.FEMALE, "見本市1")


def until_answered(atena: Any, place: int) -> Assignment:
    """Call with one key until there is an answer, as the outbox does."""
    ends = time.monotonic() + 30
    while True:
        try:
            made: Assignment = atena.assign(person(place), f"key-{place}", SHORT)
        except (Unavailable, BadAnswer):
            assert time.monotonic() < ends
            time.sleep(0.05)
        else:
            return made


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_of_our_errors_and_passes(simulated: Simulated, connect: Connect, fault: str) -> None:
    atena = connect(FilesAtena, "atena")
    error, reason = FAULTS[fault]
    simulated.fault(fault, system="atena", times=1, seconds=1)
    began = time.monotonic()
    with pytest.raises(error) as caught:
        atena.assign(person(1), "key-1", SHORT)
    assert time.monotonic() - began < SHORT.time_limit.total_seconds() + 0.3
    assert getattr(caught.value, "reason", None) is reason
    made = until_answered(atena, 1)
    assert made.kind is AssignmentKind.ASSIGNED
    assert atena.assign(person(1), "key-9", CALL).atena_number == made.atena_number
    assert list((simulated.folder("atena") / "out").iterdir()) == []


def test_what_passes_at_once_is_not_noticed(simulated: Simulated, connect: Connect) -> None:
    atena = connect(FilesAtena, "atena")
    for place, fault in enumerate(("error_500", "error_503", "duplicate_delivery", "clock_skew")):
        simulated.fault(fault, system="atena", times=1)
        made = atena.assign(person(place), f"key-{place}", CALL)
        assert made.kind is AssignmentKind.ASSIGNED
        assert atena.assign(person(place), f"key-{place}", CALL) == made
    simulated.behave()
    inbox = simulated.folder("atena") / "in"
    ends = time.monotonic() + 5
    while any(inbox.iterdir()) and time.monotonic() < ends:
        atena.client.collector.collect()
        time.sleep(0.05)
    said = [path.read_text("utf-8") for path in (simulated.folder("atena") / "ack").iterdir()]
    assert sum(",duplicate," in one for one in said) == 1


def test_many_calls_with_many_faults(simulated: Simulated, connect: Connect) -> None:
    atena = connect(FilesAtena, "atena", pause_seconds="0.02")
    dice = random.Random(20261123)  # noqa: S311 - repeatable on purpose
    for fault in ("half_an_answer", "malformed", "lost_answer", "duplicate_delivery", "error_503"):
        simulated.fault(fault, system="atena", share=0.2)
    simulated.fault("slow", system="atena", share=0.2, seconds=0.5)
    numbers: dict[int, str] = {}
    for _ in range(60):
        place = dice.randrange(25)
        number = until_answered(atena, place).atena_number
        assert numbers.setdefault(place, number) == number
    assert len(set(numbers.values())) == len(numbers)
    assert sum(simulated.state()["faults"].values()) > 10
    simulated.behave()
    everybody = {atena.assign(person(place), f"again-{place}", CALL).atena_number for place in numbers}
    assert everybody == set(numbers.values())


def test_a_folder_of_no_system_is_one_line(simulated: Simulated, tmp_path: Any) -> None:
    with (
        pytest.raises(AssertionError) as caught,
        simulating(tmp_path / "portal.ini", tmp_path, "--folder=tax=/nowhere"),
    ):
        pass
    assert str(caught.value).startswith("yvax simulator: --folder tax=/nowhere: must be one of atena")
    assert str(caught.value).count("\n") == 1
