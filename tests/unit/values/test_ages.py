from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.values import ages

DAY = timedelta(days=1)
births = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@pytest.mark.parametrize(
    ("birth", "months", "reached"),
    [
        ("2013-04-01", 1, "2013-04-30"),
        ("2013-04-01", 3, "2013-06-30"),
        ("2013-04-01", 6, "2013-09-30"),
        ("2013-04-01", 12, "2014-03-31"),
        ("2013-01-31", 1, "2013-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-28"),
        ("2026-08-31", 2, "2026-10-30"),
        ("2026-12-31", 2, "2027-02-28"),
        ("2012-07-31", 2, "2012-09-30"),
        ("2026-05-10", 2, "2026-07-09"),
        ("2026-05-10", 90, "2033-11-09"),
        ("2026-05-10", 0, "2026-05-10"),
    ],
)
def test_the_day_months_are_reached(birth: str, months: int, reached: str) -> None:
    assert ages.day_months_are_reached(date.fromisoformat(birth), months) == date.fromisoformat(reached)


def test_an_age_is_reached_on_the_day_before_the_birthday() -> None:
    assert ages.day_age_is_reached(date(2013, 4, 1), 1) == date(2014, 3, 31)
    assert ages.day_age_is_reached(date(2026, 5, 10), 9) == date(2035, 5, 9)
    assert ages.day_age_is_reached(date(2024, 2, 29), 1) == date(2025, 2, 28)
    assert ages.day_age_is_reached(date(2024, 2, 29), 4) == date(2028, 2, 28)


def test_the_birthday_counts_for_the_age_shown_and_its_eve_for_the_law() -> None:
    birth, eve, birthday = date(1960, 4, 2), date(2025, 4, 1), date(2025, 4, 2)
    assert (ages.age_on(birth, eve), ages.age_on(birth, birthday)) == (64, 65)
    assert (ages.legal_age_on(birth, eve - DAY), ages.legal_age_on(birth, eve)) == (64, 65)


def test_a_leap_day_child_is_older_on_march_1_and_by_law_on_february_28() -> None:
    birth = date(2024, 2, 29)
    assert (ages.age_on(birth, date(2025, 2, 28)), ages.age_on(birth, date(2025, 3, 1))) == (0, 1)
    assert (ages.legal_age_on(birth, date(2025, 2, 27)), ages.legal_age_on(birth, date(2025, 2, 28))) == (
        0,
        1,
    )


def test_years_and_months() -> None:
    birth = date(2024, 1, 31)
    assert ages.months_on(birth, date(2025, 3, 30)) == (1, 1)
    assert ages.months_on(birth, date(2025, 3, 31)) == (1, 2)
    assert ages.total_months_on(birth, date(2024, 2, 29)) == 0
    assert ages.total_months_on(birth, date(2024, 3, 1)) == 1


@given(births, st.integers(1, 1300))
def test_months_counted_and_months_reached_agree(birth: date, months: int) -> None:
    reached = ages.day_months_are_reached(birth, months)
    assert ages.total_months_on(birth, reached) == months - 1
    assert ages.total_months_on(birth, reached + DAY) == months


@given(births, st.integers(0, 110))
def test_legal_age_turns_on_the_day_it_is_reached(birth: date, years: int) -> None:
    reached = ages.day_age_is_reached(birth, years)
    assert ages.legal_age_on(birth, reached) == years
    assert years == 0 or ages.legal_age_on(birth, reached - DAY) == years - 1


@given(births, st.integers(0, 40000))
def test_ages_never_fall_and_the_law_is_at_most_a_day_ahead(birth: date, lived: int) -> None:
    day = birth + timedelta(days=lived)
    assert ages.total_months_on(birth, day) <= ages.total_months_on(birth, day + DAY)
    assert ages.legal_age_on(birth, day) == ages.age_on(birth, day + DAY) >= ages.age_on(birth, day)


@pytest.mark.parametrize("count", [ages.age_on, ages.legal_age_on, ages.total_months_on])
def test_nobody_has_an_age_before_birth(count: Callable[[date, date], int]) -> None:
    with pytest.raises(ValueError, match="before birth"):
        count(date(2026, 4, 2), date(2026, 4, 1))


def test_weeks_and_days_after_birth() -> None:
    birth = date(2026, 5, 10)
    assert ages.add_interval_days(birth, 0, weeks=6) == date(2026, 6, 21)
    assert ages.add_interval_days(birth, 0, weeks=32) == date(2026, 12, 20)
    assert ages.add_interval_days(birth, 6, weeks=14) == date(2026, 8, 22)
    # Pregnancy weeks 28w0d and 36w6d, counted back from the expected date of birth.
    due = date(2026, 4, 23)
    assert (ages.add_interval_days(due, -84), ages.add_interval_days(due, -22)) == (
        date(2026, 1, 29),
        date(2026, 4, 1),
    )


@pytest.mark.parametrize(("days", "earliest"), [(6, "2022-04-08"), (20, "2022-04-22"), (27, "2022-04-29")])
def test_days_between_are_full_days(days: int, earliest: str) -> None:
    assert ages.earliest_after_days_between(date(2022, 4, 1), days) == date.fromisoformat(earliest)


@pytest.mark.parametrize(
    ("previous", "months", "earliest"),
    [
        ("2023-04-01", 3, "2023-07-01"),
        ("2022-11-30", 3, "2023-03-01"),
        ("2022-08-30", 6, "2023-03-01"),
        ("2023-10-31", 1, "2023-12-01"),
        ("2023-11-30", 3, "2024-03-01"),
        ("2023-11-29", 3, "2024-02-29"),
        ("2023-12-15", 0, "2023-12-15"),
    ],
)
def test_months_between(previous: str, months: int, earliest: str) -> None:
    assert ages.earliest_after_months_between(date.fromisoformat(previous), months) == date.fromisoformat(
        earliest
    )


def test_the_dissenting_reading_allows_the_last_day_of_the_month() -> None:
    lenient = ages.earliest_after_months_between(date(2022, 8, 30), 6, missing_day="month_end")
    assert lenient == date(2023, 2, 28)


@pytest.mark.parametrize(
    ("previous", "months", "earliest"),
    [
        ("2023-04-01", 2, "2023-06-16"),  # June has 30 days: 15
        ("2023-05-01", 2, "2023-07-17"),  # July has 31: 16
        ("2022-12-01", 2, "2023-02-15"),  # February has 28: 14
        ("2023-12-01", 2, "2024-02-16"),  # or 29: 15
    ],
)
def test_half_months(previous: str, months: int, earliest: str) -> None:
    assert ages.earliest_after_half_months(date.fromisoformat(previous), months) == date.fromisoformat(
        earliest
    )


EARLIEST = (
    ages.earliest_after_days_between,
    ages.earliest_after_months_between,
    ages.earliest_after_half_months,
)


@given(births, st.integers(0, 120))
def test_a_longer_interval_never_allows_an_earlier_day(day: date, months: int) -> None:
    assert all(earliest(day, months) < earliest(day, months + 1) for earliest in EARLIEST)


@given(births, st.integers(0, 120))
def test_a_later_dose_allows_no_earlier_day_save_for_half_months(day: date, months: int) -> None:
    # Half of a long month is longer than half of a short one: 1-31 gives 2-16, but 2-1 gives 2-15.
    assert all(earliest(day, months) <= earliest(day + DAY, months) for earliest in EARLIEST[:2])
    assert ages.earliest_after_half_months(date(2026, 1, 31), 0) == date(2026, 2, 16)
    assert ages.earliest_after_half_months(date(2026, 2, 1), 0) == date(2026, 2, 15)


def test_negative_intervals_are_refused() -> None:
    for refuse in (ages.day_months_are_reached, *EARLIEST):
        with pytest.raises(ValueError, match="negative"):
            refuse(date(2026, 4, 1), -1)
