"""Layouts as data, the cells they describe, and the suggestions for columns."""

from pathlib import Path
from typing import Any

import pytest

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.services.imports.cells import Noted, Problem, reader_of
from yvaxportal.services.imports.layouts import Column, LayoutError, load_layouts
from yvaxportal.services.imports.suggestions import headings_digest, missing, suggest

LAYOUTS = load_layouts()
CATALOGUE = load_catalogue()
DAYS = ("seireki", "wareki", "compact", "era_digit", "excel_serial")
SMALL = """
title_ja = "見本"
title_en = "Sample"
key = "atena_number"
formats = ["csv"]
[[column]]
field = "atena_number"
headings = ["番号"]
[[column]]
field = "birth"
headings = ["生年月日"]
formats = ["seireki"]
"""


def read(field: str, text: str, **said: Any) -> Any:
    formats = DAYS if field in {"birth", "given_on"} else ()
    column = Column(field, (), formats=said.pop("formats", formats), **said)
    return reader_of(column, LAYOUTS["questionnaires"], CATALOGUE)(text)


def test_the_five_that_ship() -> None:
    assert set(LAYOUTS) == {"questionnaires", "clinic_list", "infant_form", "elderly_form", "vrs_records"}
    for layout in LAYOUTS.values():
        for codes in [layout.codes.get("vaccine", {})]:
            assert set(codes.values()) <= set(CATALOGUE.vaccines)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("令和7年4月1日", "2025-04-01"),
        ("R7.4.1", "2025-04-01"),
        ("２０２５／４／１", "2025-04-01"),
        ("20250401", "2025-04-01"),
        ("5070401", "2025-04-01"),
        ("45748", "2025-04-01"),
        ("2025-04-01 00:00:00", "2025-04-01"),
        ("", None),
        ("2025-02-30", Problem("not_a_day")),
        ("2025-04", Problem("day_unknown")),
        ("きのう", Problem("not_a_day")),
    ],
)
def test_days(text: str, day: object) -> None:
    assert read("given_on", text) == day


def test_only_the_ways_of_writing_that_the_layout_names() -> None:
    for text in ("45748", "R7.4.1", "20250401", "5070401"):
        assert read("given_on", text, formats=("seireki",)) == Problem("not_a_day")


def test_a_birth_date_may_be_partly_unknown() -> None:
    assert read("birth", "昭和30年4月日不詳") == "1955-04-00"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("000000101", "000000101"),
        ("101", Noted("000000101", "zeros_restored")),
        ("１０１", Noted("000000101", "zeros_restored")),
        ("101.0", Noted("000000101", "zeros_restored")),
        ("1234567890", "1234567890"),
        ("A101", Problem("not_digits")),
    ],
)
def test_lost_zeros_come_back_by_the_stated_rule(text: str, value: object) -> None:
    assert read("business_atena_number", text, pad_to=9) == value


def test_no_zeros_without_a_rule() -> None:
    assert read("business_atena_number", "101") == "101"


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("vaccine", "ＭＲ", "mr"),
        ("vaccine", "麻しん風しん", "mr"),
        ("vaccine", "なにか", Problem("unknown_vaccine")),
        ("judgement", "可", "given"),
        ("judgement", "？", Problem("unknown_code")),
        ("dose_number", "第２回", 2),
        ("dose_number", "二", Problem("not_a_number")),
        ("fee", "８,８００円", 8800),
        ("lot_number", "ｙ１２３ー４", "Y123-4"),
        ("physician", "　医師　甲 ", "医師　甲"),
        ("remarks", "x" * 401, Problem("too_long")),
        ("remarks", "番号 123456789012", Problem("personal_number")),
    ],
)
def test_cells(field: str, text: str, value: object) -> None:
    assert read(field, text) == value


def test_headings_suggest_their_columns() -> None:
    layout = LAYOUTS["questionnaires"]
    headings = ["宛名番号", "フリガナ", "生 年 月 日", "ワクチン名称", "接種年月日", "接種回数", "メモ"]
    assert suggest(layout, headings) == {
        "business_atena_number": 0,
        "name_kana": 1,
        "birth": 2,
        "vaccine": 3,
        "given_on": 4,
        "dose_number": 5,
    }
    assert missing(layout, suggest(layout, headings)) == []
    assert missing(layout, {}) == ["business_atena_number", "birth", "vaccine", "dose_number", "given_on"]


def test_blocks_are_found_by_their_number() -> None:
    found = suggest(LAYOUTS["vrs_records"], ["個別宛名番号", "１回目接種日", "2回目接種日"])
    assert found == {"given_on.1": 1, "given_on.2": 2}


def test_the_same_headings_whatever_their_width() -> None:
    assert headings_digest(["ＡＢ", "生 年"]) == headings_digest(["AB", "生年"])


def test_a_municipality_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(SMALL, "utf-8")
    (tmp_path / "clinic_list.toml").write_text(SMALL, "utf-8")
    layouts = load_layouts(tmp_path)
    assert layouts["own"].title_ja == layouts["clinic_list"].title_ja == "見本"
    assert "questionnaires" in layouts


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("", "nonsense = 1\n"), "nonsense is not known"),
        (('key = "atena_number"', 'key = "name"'), "key is not known"),
        (('field = "birth"', 'field = "birthday"'), "birthday: there is no such item"),
        (('formats = ["seireki"]', 'formats = ["julian"]'), "julian is no way to write a day"),
        (('title_ja = "見本"', ""), "title_ja is missing"),
        (('formats = ["csv"]', 'formats = ["fixed"]'), "bytes are missing"),
        (
            ('field = "birth"\nheadings = ["生年月日"]\nformats = ["seireki"]', 'field = "fee"'),
            "there is no column for birth",
        ),
    ],
)  # fmt: skip
def test_what_a_layout_cannot_say(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    old, new = change
    text = SMALL.replace(old, new, 1) if old else new + SMALL
    (tmp_path / "own.toml").write_text(text, "utf-8")
    with pytest.raises(LayoutError, match=problem):
        load_layouts(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="no such folder"):
        load_layouts(tmp_path / "nowhere")
