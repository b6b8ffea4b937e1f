"""Layout files: what ships loads, and what is wrong is refused with file and reason."""

from pathlib import Path

import pytest

from yvaxportal.outputs.layouts import LayoutError, load_layouts
from yvaxportal.outputs.makers import MAKERS

GOOD = """
name_ja = "見本"
name_en = "Sample"
source = "extraction"
format = "csv"
encoding = "cp932"
purposes_ja = ["個別通知"]
[[column]]
item = "name"
heading_ja = "氏名"
heading_en = "Name"
"""
SOURCES = tuple(MAKERS)


def loaded(folder: Path, text: str, name: str = "own") -> object:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load_layouts(folder, sources=SOURCES)[name]


def test_what_ships_loads() -> None:
    layouts = load_layouts(sources=SOURCES)
    assert {"target_list", "target_list_cp932", "target_list_xlsx"} <= set(layouts)
    for layout in layouts.values():
        assert layout.name_ja
        assert all("個人番号" not in column.heading_ja for column in layout.columns)


def test_an_own_file_adds_or_replaces(tmp_path: Path) -> None:
    assert loaded(tmp_path, GOOD).encoding == "cp932"  # type: ignore[attr-defined]
    assert loaded(tmp_path, GOOD, "target_list").name_ja == "見本"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('item = "name"', 'item = "personal_number"'), "column 1: the personal number cannot be"),
        (('item = "name"', 'item = "support_measure_flag"'), "column 1: support_measure_flag cannot be"),
        (('item = "name"', 'item = "tax_exempt"'), "column 1: tax_exempt has several values"),
        (('item = "name"', 'item = "nobody"'), "column 1: no such record item: nobody"),
        (('item = "name"', 'item = "name"\ncolumn = "id"'), "column 1: name has no column id"),
        (('item = "name"', 'derived = "salary"'), "column 1: no such derived column: salary"),
        (('item = "name"', 'item = "name"\nderived = "age"'), "names either an item or a derived"),
        (('item = "name"', 'derived = "age"\ncolumn = "x"'), "a derived column has no column"),
        (('item = "name"', 'item = "name"\nwidth = 3'), "column 1: width is not known"),
        (('item = "name"', 'item = "name"\ncodes = 3'), "column 1: codes must be"),
        (('heading_ja = "氏名"', ""), "column 1: heading_ja is missing"),
        (('source = "extraction"', 'source = "vault"'), "no such source: vault"),
        (('format = "csv"', 'format = "docx"'), "no such format: docx"),
        (('format = "csv"', 'format = "xlsx"'), "only csv has an encoding"),
        (('format = "csv"\nencoding = "cp932"', 'format = "pdf"'), "documents have none"),
        (('encoding = "cp932"', 'encoding = "latin-1"'), "encoding must be one of"),
        (('purposes_ja = ["個別通知"]', "purposes_ja = [3]"), "purposes_ja must be"),
        (('name_ja = "見本"', ""), "name_ja is missing"),
        (('name_ja = "見本"', 'name_ja = "見本"\nsql = "x"'), "sql is not known"),
        (('name_ja = "見本"', "name_ja = "), "Invalid"),
        (("[[column]]", "[column]"), r"columns are written as \[\[column\]\]"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_reason(
    tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    assert change[0] in GOOD
    with pytest.raises(LayoutError, match=rf"own\.toml: .*{reason}"):
        loaded(tmp_path, GOOD.replace(*change, 1))


def test_two_columns_of_one_heading_are_refused(tmp_path: Path) -> None:
    double = GOOD + '[[column]]\nitem = "sex"\nheading_ja = "氏名"\nheading_en = "Sex"\n'
    with pytest.raises(LayoutError, match="two columns have the same heading_ja"):
        loaded(tmp_path, double)


def test_a_name_that_is_no_code_and_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="a file's name"):
        loaded(tmp_path, GOOD, "Own List")
    with pytest.raises(LayoutError, match="is no folder"):
        load_layouts(tmp_path / "none", sources=SOURCES)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name_ja = "])
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "own.toml").write_bytes(content)
    with pytest.raises(LayoutError, match=r"own\.toml: "):
        load_layouts(tmp_path, sources=SOURCES)
