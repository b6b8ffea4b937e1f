"""Who a row may be about: the score and its reasons."""

from dataclasses import replace
from typing import Any

import pytest

from yvaxportal.services.imports.matching import POSSIBLE, Known, score

KNOWN = Known(
    1, "髙橋　花子", "タカハシ　ハナコ", ("佐藤　花子",), "2024-04-10", "2", "鳥取県米子市錦町1-139-3"
)
SAME = {
    "name": "高橋 花子",
    "name_kana": "ﾀｶﾊｼ ﾊﾅｺ",
    "birth": "2024-04-10",
    "sex": "2",
    "address": "錦町一丁目139番地3",
}


def test_old_and_new_characters_kana_and_addresses_are_one() -> None:
    found = score(SAME, KNOWN)
    assert found.score == 100
    assert found.why == ("birth_same", "name_same", "kana_same", "sex_same", "address_same")


@pytest.mark.parametrize(
    ("said", "why", "possible"),
    [
        ({"name": "佐藤花子"}, "name_changed", True),
        ({"name": "田中 花子", "name_kana": "タナカ ハナコ"}, "given_name_same", True),
        ({"name": "高橋 桃子", "name_kana": "タカハシ モモコ"}, "given_name_differs", False),
        ({"name_kana": "タカハシ ハナヨ"}, "kana_nearly", True),
        ({"birth": "2024-10-04"}, "birth_nearly", True),
        ({"birth": "2001-01-01", "address": ""}, "name_same", False),
        ({"name": "別人　太郎", "name_kana": "ベツジン　タロウ", "address": ""}, "birth_same", False),
        ({"sex": "1", "name": "高橋 花男", "name_kana": ""}, "sex_differs", False),
    ],
)
def test_what_speaks_for_and_against(said: dict[str, Any], why: str, possible: bool) -> None:
    found = score({**SAME, **said}, KNOWN)
    assert why in found.why
    assert (found.score >= POSSIBLE) is possible


BARE = {"birth": "2024-04-10", "sex": "2"}


@pytest.mark.parametrize(
    ("said", "known", "why", "points"),
    [
        ({"business_atena_number": "100000071"}, {"number": "100000017"}, "number_nearly", 15),
        ({"business_atena_number": "100000018"}, {"number": "100000017"}, "number_nearly", 15),
        ({"address": "大阪市北区1"}, {"former_addresses": ("大阪府大阪市北区1",)}, "address_former", 10),
        ({"name": "高橋　はなこ"}, {}, "given_name_in_kana", 15),
        ({"name": "高橋　はなと"}, {"name_kana": "タカハシ　ハナオト"}, "given_name_in_kana", 15),
        ({"name": "山田　花奈"}, {"household": ("山田　一郎",)}, "household_name", 10),
        ({"name": "たかはし　はなこ"}, {}, "name_same", 25),
    ],
)
def test_slips_and_changes_that_speak_for_somebody(
    said: dict[str, Any], known: dict[str, Any], why: str, points: int
) -> None:
    other = replace(KNOWN, **known)
    found, without = score({**BARE, **said}, other), score(BARE, other)
    assert why in found.why
    assert found.score - without.score == points


@pytest.mark.parametrize(
    ("said", "known", "why"),
    [
        ({"business_atena_number": "100000017"}, {"number": "100000017"}, "number_nearly"),
        ({"business_atena_number": "100000000"}, {"number": "100000017"}, "number_nearly"),
        ({"name": "髙橋　花奈"}, {"household": ("高橋　一郎",)}, "household_name"),
        ({"name": "山田　花奈"}, {"household": ("佐藤　一郎",)}, "household_name"),
        ({"name": "高橋　もも"}, {}, "given_name_in_kana"),
    ],
)
def test_what_speaks_for_nobody(said: dict[str, Any], known: dict[str, Any], why: str) -> None:
    assert why not in score({**BARE, **said}, replace(KNOWN, **known)).why


def test_a_person_under_a_support_measure_is_not_compared_by_address() -> None:
    hidden = Known(1, "髙橋　花子", None, (), "2024-04-10", "2", None)
    assert "address_same" not in score(SAME, hidden).why
