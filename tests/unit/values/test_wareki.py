from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.values.wareki import PartialDate, era_of, parse_date, seireki, wareki, wareki_short

FIRST, LAST = date(1873, 1, 1), date(2100, 12, 31)
days = st.dates(FIRST, LAST)
partial_dates = st.builds(
    lambda day, known: PartialDate(*(day.year, day.month, day.day)[:known]), days, st.integers(1, 3)
)


@pytest.mark.parametrize(
    "text",
    [
        "S30.4.1",
        "s30.04.01",
        "S30/4/1",
        "S30-4-1",
        "S300401",
        "Ｓ３０．４．１",
        "S 30. 4. 1",
        "昭和30年4月1日",
        "昭和３０年　４月　１日",
        "昭和三十年四月一日",
        "昭和30年4月1日生",
        "昭和30年4月1日生まれ",
        "昭30/4/1",
        "昭30.4.1",
        "㍼30年4月1日",
        "1955-04-01",
        "1955－4－1",
        "1955/4/1",
        "1955.4.1",
        "1955 4 1",
        "19550401",
        "１９５５０４０１",
        "1955年4月1日",
        "一九五五年四月一日",
        " 1955-04-01\n",
    ],
)
def test_usual_writings_of_one_date(text: str) -> None:
    assert parse_date(text) == PartialDate(1955, 4, 1)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("1955-04-00", (1955, 4)),
        ("19550400", (1955, 4)),
        ("1955-04", (1955, 4)),
        ("1955年4月", (1955, 4)),
        ("S30.4", (1955, 4)),
        ("昭和30年4月日不詳", (1955, 4)),
        ("1955-00-00", (1955,)),
        ("1955年", (1955,)),
        ("昭和30年", (1955,)),
        ("昭和30年月日不詳", (1955,)),
        ("S30", (1955,)),
        ("S64", (1989,)),
        ("H1", (1989,)),
        ("R元", (2019,)),
    ],
)
def test_unknown_month_or_day(text: str, known: tuple[int, ...]) -> None:
    assert parse_date(text) == PartialDate(*known)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "山田",
        "1955",
        "195504",
        "3300401",
        "1955-13-01",
        "2023-02-29",
        "1955-00-01",
        "1955-04/01",
        "1955-04-01 12",
        "0000-01-01",
        "1872-12-31",
        "S0.1.1",
        "S元年13月1日",
        "M5.12.31",
        "X30.4.1",
        "9" * 41,
        "〇" * 5000,
    ],
)
def test_no_date(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    ("day", "written"),
    [
        ("1912-07-29", "明治45年7月29日"),
        ("1912-07-30", "大正元年7月30日"),
        ("1926-12-24", "大正15年12月24日"),
        ("1926-12-25", "昭和元年12月25日"),
        ("1989-01-07", "昭和64年1月7日"),
        ("1989-01-08", "平成元年1月8日"),
        ("2019-04-30", "平成31年4月30日"),
        ("2019-05-01", "令和元年5月1日"),
    ],
)
def test_days_on_which_eras_change(day: str, written: str) -> None:
    assert wareki(date.fromisoformat(day)) == written
    assert parse_date(written) == PartialDate.of(date.fromisoformat(day))


def test_the_last_day_of_meiji_and_taisho_may_be_written_in_either_era() -> None:
    assert parse_date("明治45年7月30日") == parse_date("T1.7.30") == PartialDate(1912, 7, 30)
    assert parse_date("大正15年12月25日") == parse_date("S1.12.25") == PartialDate(1926, 12, 25)


@pytest.mark.parametrize(
    "text",
    [
        "明治45年7月31日",
        "大正元年7月29日",
        "大正15年12月26日",
        "S1.12.24",
        "S64.1.8",
        "H1.1.7",
        "H31.5.1",
        "R1.4.30",
        "S65",
        "H31.5",
        "M46",
    ],
)
def test_a_date_outside_its_era_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_every_day_survives_being_written_and_read() -> None:
    for ordinal in range(FIRST.toordinal(), LAST.toordinal() + 1):
        day = date.fromordinal(ordinal)
        written = (wareki(day), wareki_short(day))
        assert [found and found.exact for found in map(parse_date, written)] == [day, day], written


@given(partial_dates)
def test_every_writing_of_a_partly_known_date_is_read_back(known: PartialDate) -> None:
    for write in (wareki, wareki_short, seireki, str):
        assert parse_date(write(known)) == known


@given(st.text(max_size=45))
def test_any_text_is_a_date_or_none(text: str) -> None:
    found = parse_date(text)
    assert found is None or found.earliest >= FIRST


def test_writing() -> None:
    day = date(1955, 4, 1)
    assert (wareki(day), wareki_short(day), seireki(day)) == ("昭和30年4月1日", "S30.4.1", "1955年4月1日")
    assert wareki(PartialDate.of(day)) == wareki(day)
    assert wareki_short(date(2019, 5, 1)) == "R1.5.1"


def test_writing_what_is_unknown() -> None:
    assert (wareki(PartialDate(1955, 4)), wareki(PartialDate(1955))) == (
        "昭和30年4月日不詳",
        "昭和30年月日不詳",
    )
    assert (wareki_short(PartialDate(1955, 4)), wareki_short(PartialDate(1955))) == ("S30.4.00", "S30.00.00")
    assert wareki(PartialDate(2019, 4)) == "平成31年4月日不詳"


def test_what_may_lie_in_two_eras_is_written_in_western_years() -> None:
    assert wareki(PartialDate(1989)) == "1989年月日不詳"
    assert wareki(PartialDate(1989, 1)) == "1989年1月日不詳"
    assert wareki_short(PartialDate(1989)) == "1989.00.00"


def test_there_is_no_era_before_the_western_calendar() -> None:
    assert era_of(FIRST).name == "明治"
    with pytest.raises(ValueError, match="western calendar"):
        wareki(FIRST - timedelta(days=1))


def test_the_register_form_and_the_bounds_of_a_partial_date() -> None:
    assert list(map(str, (PartialDate(1955), PartialDate(1955, 4), PartialDate(1955, 4, 1)))) == [
        "1955-00-00",
        "1955-04-00",
        "1955-04-01",
    ]
    assert (PartialDate(1955).earliest, PartialDate(1955).latest) == (date(1955, 1, 1), date(1955, 12, 31))
    assert PartialDate(2024, 2).latest == date(2024, 2, 29)
    assert PartialDate(1955, 4).exact is None
    assert PartialDate(1955, 4, 1).exact == date(1955, 4, 1)


@given(partial_dates)
def test_the_bounds_enclose_and_meet_only_when_exact(known: PartialDate) -> None:
    assert known.earliest <= known.latest
    assert (known.earliest == known.latest) == (known.exact is not None)


@given(partial_dates, partial_dates)
def test_partial_dates_are_ordered_as_the_register_form_is(one: PartialDate, other: PartialDate) -> None:
    assert (one < other) == (str(one) < str(other))
    assert (one >= other) == (str(one) >= str(other))


def test_only_partial_dates_are_compared() -> None:
    mixed: list[Any] = [PartialDate(1955), date(1955, 4, 1)]
    with pytest.raises(TypeError):
        mixed.sort()


@pytest.mark.parametrize("parts", [(1955, None, 1), (1955, 0, None), (1955, 4, 0), (1955, 4, 31), (0, 1, 1)])
def test_impossible_partial_dates_are_refused(parts: tuple[int, int | None, int | None]) -> None:
    with pytest.raises(ValueError, match=r"day|unknown|year"):
        PartialDate(*parts)
