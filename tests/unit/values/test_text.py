import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.values.checkdigits import personal_number_check_digit
from yvaxportal.values.text import (
    _,
    contains_personal_number,
    cp932_problems,
    fold_width,
    mask_personal_numbers,
)

NUMBER = "900000000001"
STARS = "*" * 12

personal_numbers = st.text("0123456789", min_size=7, max_size=7).map(
    lambda tail: f"9000{tail}{personal_number_check_digit('9000' + tail)}"
)


def test_message_ids_belong_to_the_portal() -> None:
    message = _("Record a dose")
    assert (message, message.domain) == ("Record a dose", "yvaxportal")


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ＡＢ　１２－３", "AB 12-3"),
        ("ｶﾞｷﾞｸﾞ ﾊﾟｰ", "ガギグ パー"),
        ("髙橋 ガ", "髙橋 ガ"),
        ("神", "神"),
        ("㈱", "㈱"),
    ],
)
def test_folding_width_touches_nothing_but_width(text: str, folded: str) -> None:
    assert fold_width(text) == folded


@given(st.text())
def test_folding_width_twice_is_folding_it_once(text: str) -> None:
    assert fold_width(fold_width(text)) == fold_width(text)


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        "９００００００００００１",
        "9000 0000 0001",
        "9000-0000-0001",
        "９０００　００００　０００１",
        "9000‐0000ー0001",
        "9000  0000 - 0001",
        "9000\u200b0000\u200b0001",
        "9000\n0000\n0001",
        "山田 9000 0000 0001 様",
        "個人番号は900000000001です",
        "A900000000001B",
        "900000000002",  # a mistyped one
        "9000 0000 0002",
        "9000-0000-0001 0859-22-1234",
        "900000000002 0859-22-1234",
        "900000 000001",
        "90000000000 1",
        "90 00 00 00 00 01",
        "9 0 0 0 0 0 0 0 0 0 0 1",
    ],
)
def test_a_personal_number_is_noticed(text: str) -> None:
    assert contains_personal_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "山田太郎",
        "9000000000",
        "90000000000",
        "9000000000010",
        "900000000001000",
        "233120290000012345",
        "2 3 312029 0000012345",
        "19550401 1234",
        "0859-22-1234",
        "090-1234-5678",
        "S30.4.1 0000000019",
        "683-0811 錦町1-139-3",
        "AB12345678CD",
        "900000 000002",  # odd groups and no valid check digit
        "9000 0000 0002 0859-22-1234",
        "900000、000001",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert not contains_personal_number(text)


def completed(beginning: str, groups: str) -> str:
    """``groups`` with its last digit replaced so that all digits make a valid personal number."""
    joined = "".join(char for char in beginning + groups if char.isdigit())
    return f"{beginning} {groups[:-1]}{personal_number_check_digit(joined[:11])}"


@pytest.mark.parametrize(
    "text",
    [
        completed("19550401", "1230"),
        completed("1955-04-01", "1230"),
        completed("1955-04", "123450"),
        completed("0859-22-1234", "10"),
        completed("683-0811", "12340"),
        completed("683-0811", "1-1-1-10"),
    ],
)
def test_a_date_postal_code_or_telephone_number_with_more_digits_is_none_even_if_they_add_up(
    text: str,
) -> None:
    assert not contains_personal_number(text)


@given(
    personal_numbers,
    st.sampled_from(["", " ", "-", "　", "－", "ー", " - "]),
    st.text("あ髙a.:、", max_size=4),
)
def test_any_usual_writing_of_a_valid_number_is_noticed_and_masked(
    number: str, gap: str, around: str
) -> None:
    text = f"{around}{number[:4]}{gap}{number[4:8]}{gap}{number[8:]}{around}"
    assert contains_personal_number(text)
    assert mask_personal_numbers(text) == f"{around}{STARS}{around}"


@given(st.text("0123456789", max_size=30).filter(lambda run: len(run) != 12))
def test_a_run_of_another_length_is_never_one(run: str) -> None:
    assert not contains_personal_number(run)
    assert mask_personal_numbers(run) == run


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("", ""),
        (f"x={NUMBER}, y={NUMBER}", f"x={STARS}, y={STARS}"),
        ("９０００　００００　０００１", STARS),
        ("2024 9000 0000 0001", f"2024 {STARS}"),
        ("900000000002", "900000000002"),
        ("900000 000001", "900000 000001"),
        ("1900000000001", "1900000000001"),
    ],
)
def test_masking(text: str, masked: str) -> None:
    assert mask_personal_numbers(text) == masked


@given(st.lists(personal_numbers, max_size=4), st.sampled_from([",", " ", "\n", "-", "/"]))
def test_no_valid_number_is_left_in_masked_text(numbers: list[str], gap: str) -> None:
    assert mask_personal_numbers(gap.join(numbers)) == gap.join(STARS for _number in numbers)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("髙橋 﨑 德 栁 濵", []),
        ("𠮷田㐂一𠮷", ["𠮷", "㐂"]),
        ("辻󠄁葛󠄀辻", ["辻󠄁", "葛󠄀"]),
        ("〜～−－", []),
        ("—¥", ["—", "¥"]),
    ],
)
def test_characters_that_cp932_cannot_carry(text: str, problems: list[str]) -> None:
    assert cp932_problems(text) == problems


@given(st.text())
def test_text_without_its_problems_can_be_encoded(text: str) -> None:
    for problem in cp932_problems(text):
        text = text.replace(problem, "")
    text.encode("cp932")
