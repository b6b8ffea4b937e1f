import pytest

from tests.press import press
from yvaxportal.documents.glyphs import clusters, code_points


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("見本　花子", ()),
        ("髙橋　﨑子", ()),
        ("\U00020bb7田", ()),
        ("\u8fbb\U000e0102", ()),
        ("\u8fbb\U000e0100", ("\u8fbb\U000e0100",)),
        ("山\ue000\ue000本", ("\ue000",)),
        ("\U0003106c", ("\U0003106c",)),
        ("Nguyễn", ("ễ",)),
        ("山\n本", ("\n",)),
        ("\U000e0102", ("\U000e0102",)),
    ],
)
def test_what_the_font_lacks(text: str, lacking: tuple[str, ...]) -> None:
    assert press().glyphs.lacking(text) == lacking


def test_several_texts_are_asked_at_once_and_each_character_told_once() -> None:
    assert press().glyphs.lacking("\ue000見本", "本\ue001\ue000") == ("\ue000", "\ue001")


def test_a_selector_belongs_to_what_stands_before_it() -> None:
    assert list(clusters("a\u8fbb\U000e0102b")) == ["a", "\u8fbb\U000e0102", "b"]
    assert list(clusters("")) == []


def test_code_points_as_staff_look_them_up() -> None:
    assert code_points("\u8fbb\U000e0104") == "U+8FBB U+E0104"
