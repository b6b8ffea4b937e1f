"""Doubles from namesakes and twins: what two residents agree in, and what tells them apart."""

from datetime import date
from typing import Any

from yvaxportal.services.doubles.scoring import LIKELY, LISTED, Side, compare, fingerprint

HOME, ELSEWHERE = "鳥取県米子市加茂町1-1", "鳥取県米子市錦町2-3"


def side(number: int, **said: Any) -> Side:
    whole: dict[str, Any] = {
        "id": number,
        "name": "髙橋　花子",
        "name_kana": "タカハシ　ハナコ",
        "name_alphabet": None,
        "alias_name": None,
        "former_name": None,
        "date_of_birth_written": "1980-05-17",
        "sex": "2",
        "resident_category": "resident",
        "became_resident_on": date(1980, 5, 17),
        "ceased_resident_on": None,
        "support_measure_flag": False,
        "household_number": f"H{number}",
        "address_key": HOME,
        "phone_key": None,
    }
    return Side(**(whole | said))


def likeness(**said: Any) -> tuple[int, tuple[str, ...]]:
    """Compare somebody with somebody who differs in what a test says."""
    found = compare(side(1), side(2, **said))
    return found.score, found.why


def test_one_person_with_two_numbers_is_likely() -> None:
    score, why = likeness(name="高橋 花子", name_kana="ﾀｶﾊｼ ﾊﾅｺ")
    assert score >= LIKELY
    assert {"birth_same", "name_same", "kana_same", "sex_same", "address_same"} <= set(why)


def test_who_moved_out_and_in_again_is_likely() -> None:
    score, why = likeness(
        resident_category="moved_out",
        address_key=ELSEWHERE,
        became_resident_on=date(1970, 1, 1),
        ceased_resident_on=date(1979, 1, 1),
    )
    assert score >= LIKELY
    assert "moved_out_and_in" in why


def test_a_former_name_is_known_from_either_side() -> None:
    married = side(2, name="田中　花子", name_kana="タナカ　ハナコ", former_name="高橋　花子")
    assert compare(side(1), married) == compare(married, side(1))
    found = compare(side(1), married)
    assert found.score >= LIKELY
    assert "name_changed" in found.why


def test_an_alias_that_both_have_counts() -> None:
    one = side(1, name="NGUYEN THI AN", name_kana=None, alias_name="山本　安")
    other = side(
        2, name="グエン　ティアン", name_kana=None, alias_name="山本 安", resident_category="non_registered"
    )
    found = compare(one, other)
    assert found.score >= LISTED
    assert {"other_name_same", "one_outside_register"} <= set(found.why)


def test_namesakes_who_both_live_here_do_not_score_high() -> None:
    score, why = likeness(address_key=ELSEWHERE)
    assert score < LIKELY
    assert "lives_elsewhere" in why
    # Nor do those of nearly the same age come onto the list at all.
    assert likeness(address_key=ELSEWHERE, date_of_birth_written="1981-05-17")[0] < LISTED


def test_a_birth_date_that_is_nearly_the_same_needs_something_beside() -> None:
    moved = {"resident_category": "moved_out", "address_key": ELSEWHERE}
    score, why = likeness(date_of_birth_written="1981-05-17", **moved)
    assert score < LISTED
    assert "nearly_and_nothing_else" in why
    assert likeness(date_of_birth_written="1981-05-17")[0] >= LISTED


def test_twins_are_not_listed() -> None:
    known = {"household_number": "H1", "phone_key": "0859000123"}
    twin = side(2, name="髙橋　花代", name_kana="タカハシ　ハナヨ", **known)
    score, why = likeness(name="髙橋　花代", name_kana="タカハシ　ハナヨ")
    assert score < LISTED
    assert "given_name_differs" in why
    both = compare(side(1, phone_key="0859000123"), twin)
    assert both.score < LISTED


def test_people_of_one_home_and_age_with_other_names_are_not_listed() -> None:
    score, why = likeness(name="山田　次代", name_kana="ヤマダ　ツギヨ", household_number="H1")
    assert score < LISTED
    assert "names_differ" in why


def test_what_is_known_of_birth_dates_has_to_agree() -> None:
    score, why = likeness(date_of_birth_written="1980-00-00")
    assert LISTED <= score < 100
    assert "birth_partly" in why
    assert likeness(date_of_birth_written="1980-06-00")[0] < LISTED
    assert likeness(date_of_birth_written="1979-00-00")[0] < LISTED
    assert compare(*(side(n, date_of_birth_written="1980-00-00") for n in (1, 2))).score < 100


def test_another_sex_and_a_death_count_against() -> None:
    score, why = likeness(sex="1", resident_category="deceased", address_key=ELSEWHERE)
    assert {"sex_differs", "one_died"} <= set(why)
    assert score < LISTED


def test_under_a_support_measure_nothing_tells_where_somebody_lives() -> None:
    one = side(1, phone_key="0859000123", household_number="H")
    for other in (
        side(2, support_measure_flag=True, phone_key="0859000123", household_number="H"),
        side(2, support_measure_flag=True, phone_key=None, household_number=None, address_key=None),
    ):
        found = compare(one, other)
        assert found == compare(other, one)
        assert not {"address_same", "town_same", "phone_same", "household_same", "lives_elsewhere"} & set(
            found.why
        )


def test_the_fingerprint_names_what_was_compared() -> None:
    one, other = side(1), side(2)
    assert fingerprint(one, other) == fingerprint(other, one)
    assert fingerprint(one, side(2, name="高橋　花子")) != fingerprint(one, other)
