from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum.jp import cn, in_

from yvaxportal.values import checkdigits as cd


def digits(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=length, max_size=length)


def with_one_digit_changed(number: str, place: int, by: int) -> str:
    return number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]


PERSONAL_NUMBERS = [
    "123456789018",
    "111111111118",
    "023456789013",
    "983205673214",
    "123450789016",
    "900000712710",
    "900000475140",
    "900000316769",
    "900000079198",
    "900000000001",
    "345678901234",
    "900000633527",
    "900000871096",
    "900000237575",
    "900000791904",
    "900000554333",
    "900000395952",
]


@pytest.mark.parametrize("number", PERSONAL_NUMBERS)
def test_published_personal_numbers_are_valid(number: str) -> None:
    assert cd.personal_number_check_digit(number[:11]) == number[11]
    assert cd.is_personal_number(number)
    assert cd.check_personal_number(number) == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("123456789012", "check_digit"),
        ("983205673210", "check_digit"),
        ("210987654321", "check_digit"),
        ("12345678901", "length"),
        ("1234567890189", "length"),
        ("", "length"),
        ("000000000000", "same_digit"),
        ("１１１１１１１１１１１１", "same_digit"),
        ("12345678901X", "characters"),
        ("12345678.018", "characters"),
    ],
)
def test_a_refused_personal_number_has_a_reason_and_stays_out_of_the_message(text: str, reason: str) -> None:
    with pytest.raises(cd.PersonalNumberError) as refused:
        cd.check_personal_number(text)
    assert refused.value.reason == reason
    assert not any(char.isdigit() for char in f"{refused.value} {refused.value!r} {refused.value.args}")
    assert not cd.is_personal_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "１２３４５６７８９０１８",
        "1234 5678 9018",
        "1234-5678-9018",
        "１２３４　５６７８ー９０１８",
        " 123456789018\n",
    ],
)
def test_a_personal_number_is_taken_as_people_type_it(text: str) -> None:
    assert cd.check_personal_number(text) == "123456789018"


def test_the_stored_form_of_a_personal_number_is_ascii_digits_only() -> None:
    assert not cd.is_personal_number("１２３４５６７８９０１８")
    assert not cd.is_personal_number("1234 5678 9018")


@given(digits(11))
def test_personal_numbers_agree_with_stdnum(base: str) -> None:
    assert cd.personal_number_check_digit(base) == in_.calc_check_digit(base)


@given(digits(11), st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_found_unless_the_remainder_stays_0_or_1(base: str, place: int, by: int) -> None:
    number = base + cd.personal_number_check_digit(base)
    wrong = with_one_digit_changed(number, place, by)
    missed = cd.personal_number_check_digit(wrong[:11]) == wrong[11]
    assert not missed or number[11] == wrong[11] == "0"


@pytest.mark.parametrize("number", ["8700110005901", "8000020312029", "7000020310000", "6000012070001"])
def test_published_corporate_numbers(number: str) -> None:
    assert cd.is_corporate_number(number)
    assert not cd.is_corporate_number(with_one_digit_changed(number, 0, 1))
    assert not cd.is_corporate_number(number[1:])


@given(digits(12))
def test_corporate_numbers_agree_with_stdnum(base: str) -> None:
    assert cd.corporate_number_check_digit(base) == cn.calc_check_digit(base)


TOTTORI = """
    312011 312029 312037 312045 313025 313254 313289 313297 313645 313700 313718 313726 313840 313866 313891
    313904 314013 314021 314030 310000
"""
ELSEWHERE = "010006 011002 131016 130001 271004 473821 322016"


@pytest.mark.parametrize("code", (TOTTORI + ELSEWHERE).split())
def test_published_municipality_codes(code: str) -> None:
    assert cd.is_municipality_code(code)


@given(digits(5), st.integers(0, 5), st.integers(1, 9))
def test_one_wrong_digit_in_a_municipality_code_is_found_unless_the_check_digit_is_shared(
    base: str, place: int, by: int
) -> None:
    code = base + cd.municipality_check_digit(base)
    wrong = with_one_digit_changed(code, place, by)
    # Remainders 1 and 10 fall on different digits; only 0 and 10 share 1.
    assert not cd.is_municipality_code(wrong) or code[5] == wrong[5] == "1"


@pytest.mark.parametrize(
    ("base", "check"),
    [
        ("000000001", "9"),
        ("000000002", "7"),
        ("000000003", "5"),
        ("123456789", "2"),
        ("12345678901234", "0"),
        ("000000006", "0"),
    ],
)
def test_atena_check_digits(base: str, check: str) -> None:
    assert cd.atena_check_digit(base) == check
    assert cd.is_atena_number(base + check, remainder_one="zero")


def test_a_municipality_may_have_skipped_the_bases_of_remainder_1() -> None:
    assert not cd.is_atena_number("0000000060", remainder_one="skip")
    assert cd.is_atena_number("123456789012340", remainder_one="skip")  # remainder 0 is never skipped


@pytest.mark.parametrize("text", ["", "9", "0000000018", "00000000１9", "1234567890123456"])
@pytest.mark.parametrize("remainder_one", ["zero", "skip"])
def test_no_atena_number(text: str, remainder_one: Literal["zero", "skip"]) -> None:
    assert not cd.is_atena_number(text, remainder_one=remainder_one)


@given(st.text("0123456789", min_size=1, max_size=14), st.data())
def test_one_wrong_digit_in_an_atena_number_is_found_if_remainder_1_was_skipped(
    base: str, data: st.DataObject
) -> None:
    number = base + cd.atena_check_digit(base)
    assume(cd.is_atena_number(number, remainder_one="skip"))
    wrong = with_one_digit_changed(number, data.draw(st.integers(0, len(base))), data.draw(st.integers(1, 9)))
    assert not cd.is_atena_number(wrong, remainder_one="skip")


def test_institution_codes_and_insurer_numbers() -> None:
    assert cd.is_institution_code("3110112342")
    assert cd.institution_check_digit("311011234") == "2"
    assert cd.institution_check_digit("131999999") == "6"
    assert cd.institution_check_digit("131000001") == "8"
    assert not cd.is_institution_code("3110112343")
    assert cd.is_insurer_number("33120015")
    assert not cd.is_insurer_number("33120016")
    assert not cd.is_insurer_number("3312001")


@given(digits(9), st.integers(3, 9), st.integers(1, 9))
def test_one_wrong_digit_in_the_checked_part_of_an_institution_code_is_found(
    base: str, place: int, by: int
) -> None:
    code = base + cd.institution_check_digit(base)
    assert not cd.is_institution_code(with_one_digit_changed(code, place, by))


@given(digits(5))
def test_insurer_numbers_of_national_health_insurance_have_6_digits(base: str) -> None:
    assert sum(cd.is_insurer_number(f"{base}{check}") for check in range(10)) == 1


@pytest.mark.parametrize(
    "text", ["233120290000012345", "２３３１２０２９０００００１２３４５", "2 3 312029 0000012345"]
)
def test_the_line_of_a_ticket(text: str) -> None:
    assert cd.parse_ocr_line(text) == cd.OcrLine("2", 3, "312029", "0000012345")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "23312029000001234",
        "2331202900000123456",
        "233120280000012345",
        "203120290000012345",
        "2331202900000I2345",
    ],
)
def test_no_line_of_a_ticket(text: str) -> None:
    assert cd.parse_ocr_line(text) is None


def test_the_form_of_a_residence_card_number() -> None:
    assert cd.is_residence_card_number("AB12345678CD")
    assert not any(
        map(cd.is_residence_card_number, ["AB1234567CD", "ab12345678cd", "AB12345678CD\n", "ＡＢ12345678CD"])
    )


@pytest.mark.parametrize(
    ("calculate", "base"),
    [
        (cd.personal_number_check_digit, "1234567890"),
        (cd.corporate_number_check_digit, "12345678901"),
        (cd.municipality_check_digit, "３１２０２"),
        (cd.atena_check_digit, ""),
        (cd.atena_check_digit, "123456789012345"),
        (cd.institution_check_digit, "31101123"),
    ],
)
def test_a_base_of_the_wrong_form_is_refused_without_being_repeated(
    calculate: Callable[[str], str], base: str
) -> None:
    with pytest.raises(ValueError, match=r"wanted .* ASCII digits") as refused:
        calculate(base)
    assert not base or base not in str(refused.value)
