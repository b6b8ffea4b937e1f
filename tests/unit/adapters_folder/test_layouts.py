"""Layouts of one's own: every writing of a value, and what is wrong with a layout in one line."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.adapters_folder.layout_of import PEOPLE, layouts_of, people_layouts
from yvaxportal.adapters.folder.columns import SEPARATOR, Characters, Column, DateForm, Kind
from yvaxportal.adapters.folder.layouts import Form, LayoutError, Scope, load_layouts
from yvaxportal.adapters.folder.records import LineFaultError, RecordParser
from yvaxportal.settings import SettingsError

SHIPPED = Path(__file__).parents[3] / "yvaxportal/adapters/tax/layout.toml"


def converted(column: Column, value: str) -> str:
    convert = column.converter()
    return value if convert is None else convert(value)


@pytest.mark.parametrize(
    ("form", "kind", "written", "meant"),
    [
        (DateForm.ISO, Kind.DATE, "2024-02-29", "2024-02-29"),
        (DateForm.COMPACT, Kind.DATE, "20240229", "2024-02-29"),
        (DateForm.ERA, Kind.DATE, "5060229", "2024-02-29"),
        (DateForm.ERA, Kind.DATE, "3640107", "1989-01-07"),
        (DateForm.ERA, Kind.DATE, "4010108", "1989-01-08"),
        (DateForm.ERA, Kind.PARTIAL_DATE, "3300000", "1955-00-00"),
        (DateForm.COMPACT, Kind.PARTIAL_DATE, "19550400", "1955-04-00"),
        (DateForm.ISO, Kind.INSTANT, "2026-11-23T10:30:00+09:00", "2026-11-23T01:30:00+00:00"),
        (DateForm.COMPACT, Kind.INSTANT, "20261123103000", "2026-11-23T01:30:00+00:00"),
    ],
)
def test_times_in_every_writing(form: DateForm, kind: Kind, written: str, meant: str) -> None:
    column = Column("x", kind, 30, form=form)
    assert column.fault(written) is None
    assert converted(column, written) == meant


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (Column("x", Kind.DATE, 10), "2023-02-29", "E0002"),
        (Column("x", Kind.DATE, 10), "0000-01-01", "E0002"),
        (Column("x", Kind.PARTIAL_DATE, 10), "1955-00-04", "E0002"),
        (Column("x", Kind.DATE, 7, form=DateForm.ERA), "6010101", "E0002"),
        (Column("x", Kind.DATE, 7, form=DateForm.ERA), "5060230", "E0002"),
        (Column("x", Kind.INSTANT, 32), "0001-01-01T00:00:00+09:00", "E0002"),
        (Column("x", Kind.INSTANT, 32), "2026-11-23T10:30:00", "E0002"),
        (Column("x", Kind.DIGITS, 3), "1234", "E0003"),
        (Column("x", Kind.DIGITS, 3), "１２", "E0002"),
        (Column("x", Kind.TEXT, 3), "四文字だ", "E0003"),
        (Column("x", Kind.TEXT, 3), "\ufffd", "E0002"),
        (Column("x", Kind.TEXT, 9, characters=Characters.HALF), "ｱ", "E0002"),
        (Column("x", Kind.TEXT, 9, characters=Characters.FULL), "アｱ", "E0002"),
        (Column("x", Kind.TEXT, 9, characters=Characters.FULL), "ア A", "E0002"),
        (Column("x", Kind.TEXT, 3, required=True), "", "E0001"),
        (Column("x", Kind.DATE, 8, required=True, empty=("00000000",)), "00000000", "E0001"),
        (Column("x", Kind.CODE, 1, codes={"1": "1"}), "2", "E0002"),
        (Column("x", Kind.CODE, 1, codes={"1": "1"}, required=True), "", "E0001"),
    ],
)
def test_what_is_wrong_with_a_value(column: Column, value: str, code: str) -> None:
    assert column.fault(value) == code


def test_what_means_nothing_and_what_means_something_else() -> None:
    nothing = Column("x", Kind.DATE, 8, form=DateForm.COMPACT, empty=("00000000", "99999999"))
    assert [converted(nothing, value) for value in ("00000000", "20261123")] == ["", "2026-11-23"]
    coded = Column("x", Kind.CODE, 2, codes={"01": "1", "09": "9"})
    assert converted(coded, "09") == "9"


@given(values=st.lists(st.text(st.sampled_from("1234567890年ａa髙\x1f\ufffd-"), max_size=12), max_size=7))
def test_a_line_is_refused_exactly_when_a_column_is(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    layout = people_layouts(tmp_path_factory.mktemp("layout")).full
    wanted = [column.name for column in layout.columns]
    fits = len(values) == len(layout.columns) and not any(
        column.fault(value) for column, value in zip(layout.columns, values, strict=True)
    )
    parser = RecordParser(layout, wanted)
    if fits:
        assert parser.values(["D", *values]) == values
    else:
        with pytest.raises(LineFaultError):
            parser.values(["D", *values])


def test_a_value_cannot_smuggle_a_separator(tmp_path: Path) -> None:
    parser = RecordParser(people_layouts(tmp_path).full, ["number"])
    with pytest.raises(LineFaultError):
        parser.values(["D", f"1{SEPARATOR}見本", "", "", ""])


def test_a_character_is_not_cut_in_two(tmp_path: Path) -> None:
    layout = people_layouts(tmp_path, encoding="cp932", form="fixed").full
    assert layout.form is Form.FIXED
    parser = RecordParser(layout, ["name"])
    line = b"D" + b"1".ljust(15) + b" " * 39 + "髙".encode("cp932") + b" " * 20
    assert len(line) == 1 + 15 + 40 + 10 + 10 + 1
    with pytest.raises(LineFaultError) as caught:
        parser.fields(line)
    assert (caught.value.column, caught.value.code) == ("name", "E0005")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[full]", "[fall]"), "the file: no such key: fall"),
        (('layout = "MEIBO"', ""), "[full]: layout is missing"),
        (("width = 15", "width = 0"), "[full] column 1 (number): width must be a number from 1 to 4000"),
        (('kind = "date"', 'kind = "day"'), "[full] column 4: kind must be one of text, digits, code, "),
        (('kind = "code"', 'kind = "text"'), "[full] column 5 (sex): codes belong to kind = code"),
        (('name = "born"', 'name = "name"'), "[full] has a column twice"),
        (('totals = ["number"]', 'totals = ["name"]'), "[full] totals: name is no column of digits"),
        (('version = "1"', "version = '1'\nname = '('"), "[full] name is no regular expression"),
        (('version = "1"', "version = '1'\nname = 'x'"), "[full] name lacks the group as_of"),
        (('name = "born"', 'nome = "born"'), "[full] column 3: no such key: nome"),
        (("[full]", "[full"), "is no TOML"),
    ],
)
def test_a_wrong_layout_says_where(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    with pytest.raises(LayoutError) as caught:
        layouts_of(tmp_path, PEOPLE.replace(*change, 1))
    assert str(caught.value).startswith(problem)


def test_without_marks_there_is_no_total(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="totals stand in a trailer"):
        layouts_of(tmp_path, f"[file]\nmarks = false\n{PEOPLE}")


def test_names_say_scope_number_and_moment(tmp_path: Path) -> None:
    name = r"name = 'M_(?P<as_of>\d{8})_(?P<sequence>\d+)\.txt'"
    layouts = layouts_of(tmp_path, PEOPLE.replace('version = "1"', f'version = "1"\n{name}'))
    found = layouts.named("M_20261101_7.txt")
    assert found is not None
    assert (found[1].sequence, found[1].as_of) == (7, datetime(2026, 10, 31, 15, tzinfo=UTC))
    assert found[1].municipality_code is None
    assert [layouts.named(other) for other in ("M_20261301_7.txt", "M_00010101_7.txt", "M.txt")] == [None] * 3


def test_a_column_that_is_needed_must_be_there() -> None:
    with pytest.raises(LayoutError, match=r"\[full\] lacks the column steuer"):
        load_layouts(SHIPPED, {Scope.FULL: ["atenabango", "steuer"], Scope.DIFFERENCE: []})


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"colour": "red"}, r"tax\.colour: no such option"),
        ({"refused_percent": "101"}, r"tax\.refused_percent: must be a number from 0 to 100"),
        ({"layout_file": "missing.toml"}, r"tax\.layout_file: missing\.toml: cannot be read"),
        ({"folder": "/proc/nowhere"}, r"tax\.folder: cannot be made or used"),
    ],
)
def test_wrong_options_stop_the_start(
    built: Callable[..., Any], options: dict[str, str], problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem):
        built("tax", **options)
