import pytest

from yvaxportal.services.search_terms import (
    NothingToSearchError,
    PersonalNumberTypedError,
    SearchTerms,
    read_terms,
    read_ticket_line,
)
from yvaxportal.values.checkdigits import OcrLine
from yvaxportal.values.kana import fold_name
from yvaxportal.values.wareki import PartialDate


@pytest.mark.parametrize("typed", ["S30.4.1", "昭和30年4月1日", "1955-04-01", "19550401", "１９５５／４／１"])
def test_a_birth_date_is_read_in_any_usual_writing(typed: str) -> None:
    assert read_terms(typed) == SearchTerms(birth=PartialDate(1955, 4, 1))


def test_a_name_and_a_birth_date_are_told_apart() -> None:
    terms = read_terms("山田　花子 S30.4.1")
    assert terms.names == fold_name("山田花子")
    assert terms.birth == PartialDate(1955, 4, 1)


@pytest.mark.parametrize(
    ("typed", "address"),
    [("錦町1-139", "錦町1-139"), ("錦町一丁目139番3号", "錦町1-139-3"), ("錦町", "錦町")],
)
def test_an_address_is_told_from_a_name(typed: str, address: str) -> None:
    assert read_terms(typed).address == address


def test_ten_digits_may_be_an_atena_number_a_ticket_or_a_phone() -> None:
    terms = read_terms("0859235451")
    assert terms.numbers == ("0859235451",)
    assert terms.ticket_numbers == ("0859235451",)
    assert terms.phone == "0859235451"


@pytest.mark.parametrize(
    "typed",
    [
        "233120290000012345",
        "2 3 312029 0000012345",
        "23-312029-0000012345",
        "２３３１２０２９００００012345",
        " 233120 290000 012345\n",
        "233 120 290 000 012 345",
    ],
)
def test_the_line_of_a_scanned_ticket_is_read_in_any_grouping(typed: str) -> None:
    assert read_terms(typed) == SearchTerms(ticket_line=OcrLine("2", 3, "312029", "0000012345"))


@pytest.mark.parametrize("typed", ["233120 290000012345", "2331 2029 0000 012345", "23 3120 2900 0001 2345"])
def test_digits_grouped_as_a_personal_number_are_no_line(typed: str) -> None:
    assert read_ticket_line(typed) is None


@pytest.mark.parametrize("typed", ["233120280000012345", "203120290000012345", "山田 233120290000012345"])
def test_a_wrong_municipality_code_or_dose_number_is_no_line(typed: str) -> None:
    assert read_ticket_line(typed) is None


@pytest.mark.parametrize("typed", ["312029-0000012345", "３１２０２９－００００012345"])
def test_a_ticket_is_found_as_the_pages_write_it(typed: str) -> None:
    assert read_terms(typed) == SearchTerms(ticket_numbers=("0000012345",))


@pytest.mark.parametrize(
    "typed",
    ["123456789018", "1234-5678-9018", "１２３４　５６７８　９０１８", "山田 123456789018", "123456789012"],
)
def test_twelve_digits_are_refused_and_not_in_the_error(typed: str) -> None:
    with pytest.raises(PersonalNumberTypedError) as caught:
        read_terms(typed)
    assert not any(char.isdigit() for char in str(caught.value))


@pytest.mark.parametrize("typed", ["", "  　", "-・ー", "x" * 201, "a\x00b", "1" * 30])
def test_what_cannot_be_searched_is_said_so(typed: str) -> None:
    with pytest.raises(NothingToSearchError):
        read_terms(typed)
