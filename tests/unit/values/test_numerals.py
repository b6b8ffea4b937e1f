import pytest

from yvaxportal.values.numerals import kanji_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("〇", 0),
        ("三", 3),
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("六十四", 64),
        ("百五", 105),
        ("二百十", 210),
        ("一九五五", 1955),
    ],
)
def test_kanji_numbers(text: str, number: int) -> None:
    assert kanji_number(text) == number


@pytest.mark.parametrize("text", ["", "12", "丁", "三x"])
def test_no_kanji_number(text: str) -> None:
    with pytest.raises(ValueError, match="numeral"):
        kanji_number(text)
