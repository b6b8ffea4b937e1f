from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.values.ages import age_on
from yvaxportal.values.fiscal import (
    fiscal_year,
    fiscal_year_end,
    fiscal_year_range,
    fiscal_year_reaching_age,
    preschool_year,
    school_entry,
)

days = st.dates(date(1900, 1, 1), date(2100, 12, 31))


def test_a_fiscal_year_runs_from_april_to_march() -> None:
    assert fiscal_year(date(2026, 3, 31)) == 2025
    assert fiscal_year(date(2026, 4, 1)) == 2026
    assert fiscal_year_range(2026) == (date(2026, 4, 1), date(2027, 3, 31))
    assert fiscal_year_end(date(2026, 4, 1)) == date(2027, 3, 31)


@given(days)
def test_every_day_lies_in_its_fiscal_year(day: date) -> None:
    first, last = fiscal_year_range(fiscal_year(day))
    assert first <= day <= last == fiscal_year_end(day)


def test_those_turning_65_in_fiscal_2025_are_born_from_april_2_to_april_1() -> None:
    start = date(1960, 4, 1)
    born = [day for n in range(370) if fiscal_year_reaching_age(day := start + timedelta(days=n), 65) == 2025]
    assert (born[0], born[-1]) == (date(1960, 4, 2), date(1961, 4, 1))


@pytest.mark.parametrize(
    ("birth", "entry"),
    [
        (date(2020, 4, 1), date(2026, 4, 1)),
        (date(2020, 4, 2), date(2027, 4, 1)),
        (date(2020, 2, 29), date(2026, 4, 1)),
        (date(2020, 12, 31), date(2027, 4, 1)),
    ],
)
def test_school_entry(birth: date, entry: date) -> None:
    assert school_entry(birth) == entry


def test_the_second_mr_dose_is_given_in_the_year_before_school() -> None:
    assert preschool_year(date(2020, 4, 2)) == (date(2026, 4, 1), date(2027, 3, 31))


def test_hpv_years_of_girls_born_around_april_1() -> None:
    assert fiscal_year_range(fiscal_year_reaching_age(date(2014, 4, 2), 12))[0] == date(2026, 4, 1)
    assert fiscal_year_range(fiscal_year_reaching_age(date(2014, 4, 2), 16))[1] == date(2031, 3, 31)
    assert fiscal_year_range(fiscal_year_reaching_age(date(2014, 4, 1), 12))[0] == date(2025, 4, 1)


@given(days)
def test_children_are_six_when_school_begins(birth: date) -> None:
    assert age_on(birth, school_entry(birth)) == 6
    assert preschool_year(birth)[1] + timedelta(days=1) == school_entry(birth)
