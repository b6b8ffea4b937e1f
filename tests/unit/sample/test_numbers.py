import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.sample import numbers
from yvaxportal.sample.choice import stream
from yvaxportal.values.checkdigits import (
    is_atena_number,
    is_institution_code,
    is_personal_number,
    is_residence_card_number,
)
from yvaxportal.values.kana import fold_phone

serials = st.integers(1, numbers.MOST_RESIDENTS)


def test_vectors() -> None:
    """The numbers of the reference: base 9000 and a multiple of 7919, one for each remainder class."""
    assert numbers.personal_number(1, 0) == "900000079198"
    assert numbers.personal_number(4, 0) == "900000316769"
    assert numbers.personal_number(6, 0) == "900000475140"
    assert numbers.personal_number(9, 0) == "900000712710"
    assert numbers.institution_code("31", 1) == "3119900010"
    assert numbers.ticket_number(12345) == "0000012345"


@given(serials, st.integers(0, 10**6))
def test_check_digits(serial: int, seed: int) -> None:
    number = numbers.personal_number(serial, seed)
    assert is_personal_number(number)
    assert number.startswith("9000")
    for made in (numbers.atena_number(serial), numbers.business_atena_number(serial)):
        assert is_atena_number(made, remainder_one="zero")
    assert is_atena_number(numbers.household_number(serial), remainder_one="zero")
    assert len(numbers.atena_number(serial)) == len(numbers.household_number(serial)) == 10
    assert len(numbers.business_atena_number(serial)) == 9


@given(serials, serials, st.integers(0, 10**6))
def test_nobody_shares_a_number(one: int, other: int, seed: int) -> None:
    same = one == other
    assert (numbers.personal_number(one, seed) == numbers.personal_number(other, seed)) is same
    assert (numbers.atena_number(one) == numbers.atena_number(other)) is same
    assert numbers.atena_number(one) != numbers.household_number(other)


@given(st.integers(1, 9999), st.sampled_from(["01", "13", "31", "47"]))
def test_institution_codes(serial: int, prefecture: str) -> None:
    code = numbers.institution_code(prefecture, serial)
    assert is_institution_code(code)
    assert code.startswith(f"{prefecture}199")


@given(st.integers())
def test_telephones_and_documents_are_of_ranges_never_issued(seed: int) -> None:
    rng = stream(seed, "test")
    landline, mobile = numbers.landline(rng, "0859"), numbers.mobile(rng)
    assert landline.startswith("0859-0")
    assert mobile.startswith("090-0")
    assert len(fold_phone(landline) or "") == 10
    assert len(fold_phone(mobile) or "") == 11
    assert is_residence_card_number(numbers.residence_card(rng))
    assert numbers.passport(rng).startswith("ZZ")


@pytest.mark.parametrize("area", ["0859", "0857"])
def test_landlines_have_ten_digits(area: str) -> None:
    rng = stream(1, "test")
    assert all(len(fold_phone(numbers.landline(rng, area)) or "") == 10 for _ in range(50))
