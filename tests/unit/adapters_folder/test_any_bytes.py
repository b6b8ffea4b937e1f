"""Whatever lies in the folder is dealt with: taken, or refused without a trace in what is answered."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.adapters_folder.other_side import START, change, period, person, taxation
from yvaxportal.adapters.messages.common import CallContext

JOB = CallContext.batch()
NUMBERS = ("1000000019", "1000000027")
FULL = {
    "resident_register": [person(number) for number in NUMBERS],
    "tax": [taxation(number, 2026, "1") for number in NUMBERS],
    "welfare": [period(number, "1", "1", "2020-04-01") for number in NUMBERS],
}
NEXT = {
    "resident_register": [
        change("I-1", "31", person(NUMBERS[0], rirekibango="2", jusho='米原2丁目, "3"番'), START),
        change("I-2", "71", person(NUMBERS[1], shimei=""), START),
    ],
    "tax": [{"shorikubun": "1"} | taxation(NUMBERS[0], 2026, "2")],
    "welfare": [{"shorikubun": "1"} | period(NUMBERS[0], "1", "1", "2020-04-01", "2025-03-31")],
}
PIECES = [b"", b",", b'"', b"\r", b"\n", b"\x00", b"\x1f", b"\xff", b"T", b"D,", b"9" * 5_000, "髙".encode()]
DAMAGE = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES) | st.binary(max_size=4)),
    min_size=1,
    max_size=4,
)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


def answers(adapter: Any) -> Any:
    match adapter.system:
        case "resident_register":
            return list(adapter.snapshot(None, JOB).people)
        case "tax":
            return list(adapter.taxations(NUMBERS, 2026, JOB))
    return list(adapter.histories(NUMBERS, JOB))


def damaged(content: bytes, damage: list[tuple[float, int, bytes]]) -> bytes:
    for place, cut, piece in damage:
        at = int(place * len(content))
        content = content[:at] + piece + content[at + cut :]
    return content


@pytest.mark.parametrize("system", FULL)
@pytest.mark.parametrize("letter", ["Z", "S"])
@QUIET
@given(data=st.data())
def test_damage_is_refused_or_harmless(
    built: Callable[..., Any], system: str, letter: str, data: st.DataObject
) -> None:
    adapter, other = built(system)
    if not adapter.receiver.store.folder.exists():
        other.deliver("Z", 1, FULL[system], START)
        adapter.receive()
    with adapter.state() as (_, known):
        sequence = known.sequence
    before = answers(adapter)
    moment = START + timedelta(seconds=sequence)
    rows = FULL[system] if letter == "Z" else NEXT[system]
    whole = other.text(letter, sequence + 1, rows, moment).encode()
    name = other.name(letter, sequence + 1, moment)
    other.put(name, damaged(whole, data.draw(DAMAGE)))
    assert adapter.receive() == 1
    told = other.acknowledgement(name)
    assert told["result"] in {"accepted", "partly", "refused", "duplicate"}
    if told["result"] == "refused":
        assert answers(adapter) == before
    assert sorted(path.name for path in (other.root / "work").iterdir()) == []
    assert int(told["refused"]) == len(other.errors(name))
    # Every damage is one that was thought of.
    assert told["code"] != "F0112"
