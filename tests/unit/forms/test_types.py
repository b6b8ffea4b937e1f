from contextlib import suppress
from datetime import date

import colander
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.forms import base
from yvaxportal.forms.types import DateText, Digits, PlainText, StrictMapping, WholeNumber

NODE = colander.SchemaNode(colander.String(), name="x")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("　 山田 太郎　", "山田 太郎"),
        ("葛\U000e0100城", "葛\U000e0100城"),
        ("𠮷", "𠮷"),
        ("", None),
        ("　", None),
    ],
)
def test_text_is_trimmed_and_otherwise_as_typed(typed: str, kept: str | None) -> None:
    node = base.text_node("x", "X", max_length=10, required=False)
    assert node.deserialize(typed) == kept


@pytest.mark.parametrize(
    "typed", ["a\x00b", "a\x1bb", "a\u202eb", "a\u2066b", "a\nb", "a\tb", "a\u2028b", "a\ud800"]
)
def test_text_refuses_what_cannot_be_seen(typed: str) -> None:
    with pytest.raises(colander.Invalid):
        PlainText().deserialize(NODE, typed)


def test_line_breaks_count_where_there_are_lines() -> None:
    assert PlainText(lines=True).deserialize(NODE, "a\r\nb\rc\td") == "a\nb\nc\td"
    with pytest.raises(colander.Invalid):
        PlainText(lines=True).deserialize(NODE, "a\x07")


def test_length_is_in_characters() -> None:
    node = base.text_node("x", "X", max_length=3, min_length=2)
    assert node.deserialize("髙﨑𠮷") == "髙﨑𠮷"
    for wrong in ("髙﨑𠮷𠮷", "髙"):
        with pytest.raises(colander.Invalid):
            node.deserialize(wrong)


@pytest.mark.parametrize(
    "typed", ["R8.11.23", "令和8年11月23日", "20261123", "2026/11/23", "Ｒ８．１１．２３"]
)
def test_a_day_is_read_in_any_usual_writing(typed: str) -> None:
    assert DateText().deserialize(NODE, typed) == date(2026, 11, 23)


@pytest.mark.parametrize(
    "typed", ["R8.13.1", "2026-02-30", "昨日", "S64.1.8", "2026-11", "R8", "1" * 100, ["x"]]
)
def test_no_day_is_refused(typed: object) -> None:
    with pytest.raises(colander.Invalid):
        DateText().deserialize(NODE, typed)


@given(st.dates(min_value=date(1873, 1, 1)))
def test_a_day_survives_the_round_trip(day: date) -> None:
    assert DateText().deserialize(NODE, DateText().serialize(NODE, day)) == day


def test_a_day_has_its_limits() -> None:
    node = base.date_node("x", "X", validators=[base.day_between(date(2026, 1, 1), date(2026, 11, 23))])
    assert node.deserialize("R8.11.23") == date(2026, 11, 23)
    for wrong in ("2025-12-31", "2026-11-24"):
        with pytest.raises(colander.Invalid):
            node.deserialize(wrong)


@pytest.mark.parametrize(("typed", "number"), [("１，２００", 1200), ("0", 0), ("1,200", 1200)])
def test_a_whole_number_in_any_width(typed: str, number: int) -> None:
    assert WholeNumber().deserialize(NODE, typed) == number


@pytest.mark.parametrize("typed", ["1.5", "千", "", "9" * 19, "²"])
def test_what_is_no_whole_number(typed: str) -> None:
    node = base.integer_node("x", "X", minimum=0, maximum=9999)
    with pytest.raises(colander.Invalid):
        node.deserialize(typed)


@pytest.mark.parametrize("typed", ["-1", "10000"])
def test_a_whole_number_has_its_limits(typed: str) -> None:
    with pytest.raises(colander.Invalid):
        base.integer_node("x", "X", minimum=0, maximum=9999).deserialize(typed)


def test_digits_keep_their_zeros() -> None:
    assert Digits(10).deserialize(NODE, "０１3-4567 890") == "0134567890"
    for wrong in ("013456789", "01345678901", "abcdefghij"):
        with pytest.raises(colander.Invalid):
            Digits(10).deserialize(NODE, wrong)


def test_unknown_names_are_counted_but_not_repeated() -> None:
    node = colander.SchemaNode(StrictMapping(), colander.SchemaNode(colander.String(), name="a"))
    assert node.deserialize({"a": "1"}) == {"a": "1"}
    with pytest.raises(colander.Invalid) as refused:
        node.deserialize({"a": "1", "number": "900012345678"})
    assert "9000" not in str(refused.value.asdict())


def test_a_choice_takes_its_values_only() -> None:
    node = base.choice_node("x", "X", [("a", "A")], required=False)
    assert node.deserialize("a") == "a"
    assert node.deserialize("") is None
    with pytest.raises(colander.Invalid) as refused:
        node.deserialize("900012345678")
    assert "9000" not in str(refused.value.asdict())


@given(st.text())
def test_typed_text_never_breaks_a_type(typed: str) -> None:
    for kind in (PlainText(), PlainText(lines=True), DateText(), WholeNumber(), Digits(10)):
        with suppress(colander.Invalid):
            kind.deserialize(NODE, typed)
