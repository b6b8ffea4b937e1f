"""How doubtful a row is, and why: reason by reason, without a database."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.forms.mismatch_labels import DOUBTS
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.services.dose_draft import Place
from yvaxportal.services.imports.doubt import (
    MOST,
    NO_DOUBT,
    WEIGHTS,
    Double,
    Doubt,
    Evidence,
    LotUse,
    Names,
    near,
    plus,
    weigh,
)
from yvaxportal.services.imports.parsing import Parsed

HANDED_IN = date(2026, 11, 23)
NAMES = Names("髙橋　花子", "タカハシ　ハナコ", ("佐藤　花子",))
PERSON = {
    "business_atena_number": "100000017",
    "birth": "2024-03-05",
    "name": "高橋 花子",
    "name_kana": "ﾀｶﾊｼ ﾊﾅｺ",
    "sex": "2",
}
DOSE = {
    "vaccine": "mr",
    "dose_number": 1,
    "given_on": "2026-04-01",
    "institution_name": "見本クリニック",
    "lot_number": "Y123",
}
CLINIC = Place(1, None, "見本クリニック", date(2000, 1, 1), None)


def evidence(
    person: dict[str, Any] | None = None, dose: dict[str, Any] | None = None, **said: Any
) -> Evidence:
    row = Parsed(2, 1, {}, {**PERSON, **(person or {})}, {**DOSE, **(dose or {})})
    values: dict[str, Any] = {
        "row": row,
        "state": State.READY,
        "reasons": [],
        "handed_in": HANDED_IN,
        "names": NAMES,
        "sex": "2",
        "place": CLINIC,
    } | said
    return Evidence(**values)


def codes(found: Doubt) -> list[str]:
    return [reason[0] for reason in found.reasons]


def test_a_row_that_says_what_the_register_says_is_not_doubtful() -> None:
    assert weigh(evidence()) == NO_DOUBT
    assert weigh(evidence({"name": "髙橋　花子", "name_kana": "タカハシ　ハナコ"})) == NO_DOUBT


SISTER = Double("100000018", Names("髙橋　桃子", "タカハシ　モモコ"))


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"person": {"name": "鈴木　一郎", "name_kana": "スズキ　イチロウ"}}, "name_differs"),
        ({"person": {"name": "高橋　梅子", "name_kana": "タカハシ　ウメコ"}}, "given_name_differs"),
        (
            {"person": {"name": "高橋　桃子", "name_kana": "タカハシ　モモコ"}, "alike": [SISTER]},
            "name_of_another",
        ),
        ({"person": {"name": "佐藤　花子"}}, "name_former"),
        ({"person": {"name": "高橋　華子"}}, "kanji_differs"),
        ({"person": {"name_kana": "タカハシ　ハルコ"}}, "kana_differs"),
        ({"person": {"sex": "1"}}, "sex_differs"),
        ({"person": {"birth": "2024-03-00"}}, "birth_partly"),
        ({"place": None}, "institution_unknown"),
        ({"nearest": 3}, "too_close"),
        ({"edge": 2}, "window_edge"),
        ({"dose": {"given_on": "2024-03-05"}}, "day_of_birth"),
        ({"dose": {"given_on": "2023-01-05"}}, "long_ago"),
        ({"sex_wanted": "1"}, "sex_of_vaccine"),
        ({"lot": LotUse(with_others=True)}, "lot_of_other"),
        ({"lot": LotUse(date(2020, 1, 1), date(2020, 6, 1))}, "lot_day"),
        ({"lot": LotUse(in_file=1, of_vaccine=50)}, "lot_new"),
        ({"reasons": [["zeros_restored", {"field": "business_atena_number"}]]}, "zeros_restored"),
        ({"reasons": [["number_merged", {}]]}, "number_merged"),
        ({"reasons": [["lot_missing", {}]]}, "alert"),
        ({"state": State.BIRTH_DIFFERS, "reasons": [["birth_differs", {}]]}, "state_birth_differs"),
        ({"state": State.CONFLICT}, "state_conflict"),
    ],
)
def test_what_makes_a_row_doubtful(said: dict[str, Any], code: str) -> None:
    found = weigh(evidence(**said))
    assert code in codes(found)
    assert found.points == sum(reason[2] for reason in found.reasons)
    assert next(reason[2] for reason in found.reasons if reason[0] == code) == WEIGHTS[code]


@pytest.mark.parametrize(
    "said",
    [
        {"nearest": 0},
        {"nearest": 28},
        {"edge": 4},
        {"lot": LotUse(date(2025, 8, 1), date(2026, 3, 1))},
        {"lot": LotUse(in_file=30, of_vaccine=50)},
        {"lot": LotUse(in_file=1, of_vaccine=3)},
        {"sex_wanted": "2"},
        {"person": {"sex": "0"}},
        {"reasons": [["support_measure", {}]]},
    ],
)
def test_what_does_not(said: dict[str, Any]) -> None:
    assert weigh(evidence(**said)) == NO_DOUBT


def test_a_twin_whose_name_sounds_the_same_is_noticed() -> None:
    same_sound = Double("100000018", Names("髙橋　華子", "タカハシ　ハナコ"))
    assert codes(weigh(evidence({"name": "髙橋　華子"}))) == ["kanji_differs"]
    assert codes(weigh(evidence({"name": "髙橋　華子"}, alike=[same_sound]))) == [
        "name_of_another",
        "number_near",
    ]
    assert codes(weigh(evidence({"name": "髙橋　花子"}, alike=[same_sound]))) == []


def test_without_a_name_a_number_beside_another_is_doubtful() -> None:
    nameless = {"name": None, "name_kana": None}
    assert codes(weigh(evidence(nameless))) == ["no_name"]
    assert codes(weigh(evidence(nameless, alike=[SISTER]))) == ["number_near", "no_name"]
    assert codes(weigh(evidence(alike=[SISTER]))) == []


def test_a_row_that_cannot_be_read_counts_each_further_fault() -> None:
    faults = [["not_a_day", {"field": "given_on"}], ["missing", {"field": "vaccine"}]]
    found = weigh(evidence(state=State.UNREADABLE, reasons=faults, names=None))
    assert codes(found) == ["state_unreadable", "further_fault"]


def test_the_points_end_at_a_hundred_and_the_heaviest_reason_stands_first() -> None:
    found = weigh(
        evidence(
            {"name": "鈴木　一郎", "name_kana": None, "sex": "1"},
            state=State.BIRTH_DIFFERS,
            place=None,
            nearest=2,
        )
    )
    assert found.points == MOST
    assert found.main == "state_birth_differs"
    points = [reason[2] for reason in found.reasons]
    assert points == sorted(points, reverse=True)


def test_a_reason_added_later_counts_once() -> None:
    once = plus(weigh(evidence({"sex": "1"})), "institution_pattern", {"held": 4, "rows": 10})
    assert codes(once) == ["sex_differs", "institution_pattern"]
    assert plus(once, "institution_pattern", {"held": 4, "rows": 10}) == once


def test_every_reason_has_words_and_a_weight() -> None:
    assert set(DOUBTS) == set(WEIGHTS)
    assert all(0 < points <= MOST for points in WEIGHTS.values())
    assert all(f"state_{state.value}" in WEIGHTS for state in set(State) - {State.READY, State.ALREADY_THERE})


@given(st.text("0123456789", min_size=4, max_size=12), st.data())
def test_one_slip_is_near_and_nothing_else(number: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(number) - 2))
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    digit = data.draw(st.sampled_from("0123456789"))
    assert near(number, swapped) == (number != swapped)
    assert near(number, number[:at] + digit + number[at + 1 :]) == (digit != number[at])
    assert not near(number, number + "0")
    assert not near(number, number)


def test_the_documentation_has_the_weights_in_force() -> None:
    told: dict[str, int] = {}
    for line in (Path(__file__).parents[3] / "docs" / "mismatch_desk.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and cells[0].split(",")[0] in WEIGHTS:
            names, points = cells[0].split(", "), cells[1].split(", ")
            shared = points * len(names) if len(points) == 1 else points
            told |= dict(zip(names, map(int, shared), strict=False))
    assert told == WEIGHTS
