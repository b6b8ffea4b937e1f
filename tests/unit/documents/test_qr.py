import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from tests.press import press
from yvaxportal.documents.qr import DigitCode

digits = st.text("0123456789", min_size=18, max_size=18)


@given(digits)
def test_the_code_is_the_one_that_the_library_makes(text: str) -> None:
    made = segno.make_qr(text, version=1, error="Q", mask=0, mode="numeric", boost_error=False)
    assert press().ticket_code.modules(text) == "".join(str(module) for row in made.matrix for module in row)


@given(st.text("0123456789", min_size=48, max_size=48))
def test_so_is_the_larger_one(text: str) -> None:
    made = segno.make_qr(text, version=2, error="M", mask=0, mode="numeric", boost_error=False)
    modules = press().questionnaire_code.modules(text)
    assert modules == "".join(str(module) for row in made.matrix for module in row)


@pytest.mark.parametrize("text", ["", "1" * 17, "1" * 19, "１" * 18, "a" * 18])
def test_nothing_but_its_digits_is_drawn(text: str) -> None:
    with pytest.raises(ValueError, match="18 ASCII digits"):
        press().ticket_code.modules(text)


def test_digits_come_in_threes() -> None:
    with pytest.raises(ValueError, match="three"):
        DigitCode(17, version=1, error="Q")
