"""Every check of every contract against the files implementations, with the files of a small city."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.adapters_folder.other_side import CITY, START, change, period, person, taxation
from yvaxportal.adapters.conformance import CONTRACTS, NotApplicableError, Subjects
from yvaxportal.adapters.interfaces import SYSTEMS

MISBEHAVING = {
    "a_bad_answer_is_no_answer",
    "an_answer_that_breaks_off_is_no_answer",
    "silence_ends_with_the_time_limit",
}
FAMILY = ("1000000019", "1000000027", "1000000035")
ALONE, GONE = "1000000043", "1000000051"
SUBJECTS = Subjects(
    known=(*FAMILY, ALONE),
    household=("H1", frozenset(FAMILY)),
    unknown="9" * 15,
    municipality_code=CITY,
    fiscal_year=2026,
)
PEOPLE = [
    person(FAMILY[0], shimei="髙﨑　太郎"),
    person(FAMILY[1], shimei="𠮷野　花子", zokugara="妻", seibetsu="2"),
    person(FAMILY[2], zokugara="子", seinengappi="2020-00-00"),
    person(ALONE, setaibango="H2", shimei='見本, "太郎"'),
    person(GONE, juminkubun="2", hijumin_jiyu="国内転出", hijumin_idobi="2026-04-01"),
]
FULL = {
    "resident_register": PEOPLE,
    "tax": [
        *(taxation(number, year, "1") for number in FAMILY for year in (2025, 2026)),
        taxation(ALONE, 2026, "2", "H2"),
        taxation(GONE, 2024, "2", ""),
    ],
    "welfare": [
        period(FAMILY[0], "1", "2", "2025-04-01"),
        period(FAMILY[0], "1", "1", "2020-04-01", "2025-03-31"),
        period(FAMILY[0], "4", "1", "2021-01-01", "", "1級　視覚"),
        period(FAMILY[1], "3", "1", "2021-01-01", "2021-12-31"),
        period(FAMILY[2], "0", "", ""),
        period(ALONE, "2", "9", "2022-01-01"),
    ],
}
DIFFERENCE = {
    "resident_register": [
        change(f"I-{serial}", "41", person(ALONE, setaibango="H2", rirekibango=f"{serial}"), START)
        for serial in range(2, 40)
    ],
    "tax": [{"shorikubun": "1"} | taxation(FAMILY[1], 2026, "2")],
    "welfare": [{"shorikubun": "1"} | period(ALONE, "2", "1", "2022-01-01")],
}


@pytest.fixture
def taken(built: Callable[..., Any], request: pytest.FixtureRequest) -> Any:
    system = request.param
    adapter, other = built(system)
    full = other.deliver("Z", 1, FULL[system], START - timedelta(hours=1))
    difference = other.deliver("S", 2, DIFFERENCE[system])
    assert adapter.receive() == 2
    for name in (full, difference):
        assert (other.acknowledgement(name)["result"], other.errors(name)) == ("accepted", [])
    return adapter


@pytest.mark.parametrize(
    ("taken", "check"),
    [(system, check) for system in SYSTEMS if system in FULL for check in CONTRACTS[system].names()],
    indirect=["taken"],
)
def test_the_contract_is_kept(taken: Any, check: str) -> None:
    try:
        CONTRACTS[taken.system](taken, SUBJECTS).run(check)
    except NotApplicableError as reason:
        # Nobody answers a question here: a bad answer is a bad file, which test_receiving.py is about.
        assert check in MISBEHAVING, str(reason)  # noqa: PT017 - which of them may end so
