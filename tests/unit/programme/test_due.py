"""Windows and statuses of the simple rules; the dates are the vectors of the ministry's notices."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.due import DueItem, GivenDose, due
from yvaxportal.programme.simple_rules import Season, load_simple_rules
from yvaxportal.values.wareki import PartialDate

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)


def item(
    series: str,
    birth: date | PartialDate | None,
    doses: list[GivenDose] | None = None,
    *,
    today: date = TODAY,
    sex: str = "2",
    number: int | None = None,
) -> DueItem:
    found = [one for one in due(birth, sex, doses or [], today) if one.series == series]
    if number is not None:
        found = [one for one in found if one.dose_number == number]
    assert found
    return found[0]


def dose(vaccine: str, number: int, day: date) -> GivenDose:
    found = load_catalogue().get(vaccine)
    assert found is not None
    return GivenDose(found.series, vaccine, number, day)


@pytest.mark.parametrize(
    ("series", "birth", "today", "earliest", "latest"),
    [
        # Born 2026-05-10 (事務連絡 2014-03-11 and its examples).
        ("rotavirus", date(2026, 5, 10), date(2026, 6, 21), date(2026, 6, 21), date(2026, 12, 20)),
        ("dpt_ipv_hib", date(2026, 5, 10), date(2026, 7, 9), date(2026, 7, 9), date(2033, 11, 9)),
        ("mr", date(2026, 5, 10), date(2027, 5, 9), date(2027, 5, 9), date(2028, 5, 9)),
        ("varicella", date(2026, 5, 10), date(2027, 5, 9), date(2027, 5, 9), date(2029, 5, 9)),
        ("hepatitis_b", date(2026, 8, 31), date(2026, 10, 30), date(2026, 10, 30), date(2027, 8, 30)),
        ("pneumococcal_child", date(2026, 12, 31), date(2027, 2, 28), date(2027, 2, 28), date(2031, 12, 30)),
        ("dt", date(2015, 3, 10), TODAY, date(2026, 3, 9), date(2028, 3, 9)),
        ("hpv", date(2014, 4, 2), TODAY, date(2026, 4, 1), date(2031, 3, 31)),
        ("hpv", date(2014, 4, 1), TODAY, date(2025, 4, 1), date(2030, 3, 31)),
        ("pneumococcal_elderly", date(1961, 11, 24), TODAY, date(2026, 11, 23), date(2027, 11, 23)),
        ("influenza", date(1950, 1, 1), TODAY, date(2026, 10, 1), date(2027, 1, 31)),
        ("covid19", date(1950, 1, 1), TODAY, date(2026, 10, 1), date(2027, 3, 31)),
        ("influenza", date(1961, 12, 10), date(2026, 12, 9), date(2026, 12, 9), date(2027, 1, 31)),
        ("shingles", date(1961, 4, 2), TODAY, date(2026, 4, 1), date(2027, 3, 31)),
        ("shingles", date(1962, 4, 1), TODAY, date(2026, 4, 1), date(2027, 3, 31)),
        ("shingles", date(1956, 6, 1), TODAY, date(2026, 4, 1), date(2027, 3, 31)),
    ],
)
def test_windows(series: str, birth: date, today: date, earliest: date, latest: date) -> None:
    found = item(series, birth, today=today)
    assert found.status in {"due", "overdue"}
    assert (found.earliest, found.latest) == (earliest, latest)


@pytest.mark.parametrize(
    ("birth", "today", "status"),
    [
        (date(2020, 4, 1), date(2025, 4, 1), "due"),
        (date(2020, 4, 1), date(2026, 4, 1), "not_target"),
        (date(2020, 4, 2), date(2026, 4, 1), "due"),
        (date(2020, 4, 2), date(2027, 3, 31), "due"),
        (date(2020, 4, 2), date(2027, 4, 1), "not_target"),
    ],
)
def test_second_term_of_mr(birth: date, today: date, status: str) -> None:
    assert item("mr", birth, today=today, number=2).status == status


def test_before_the_window_a_dose_is_soon_and_long_before_not_yet() -> None:
    birth = date(2026, 5, 10)
    assert item("mr", birth, today=date(2027, 5, 8)).status == "soon"
    assert item("mr", birth, today=date(2027, 1, 1)).status == "not_target"


def test_after_the_standard_period_a_dose_is_overdue() -> None:
    found = item("bcg", date(2026, 1, 15), today=date(2026, 9, 16))
    assert found.status == "overdue"
    assert "2 day(s)" in found.reason_en
    assert "2日過ぎて" in found.reason_ja


def test_after_the_window_nothing_is_due() -> None:
    assert item("bcg", date(2025, 11, 23), today=date(2026, 11, 22)).status == "overdue"
    assert item("bcg", date(2025, 11, 23), today=date(2026, 11, 23)).status == "not_target"


def test_a_whole_course_is_done() -> None:
    birth = date(2025, 5, 10)
    days = [date(2025, 7, 9), date(2025, 8, 6), date(2025, 9, 3), date(2026, 5, 9)]
    doses = [dose("pcv20", number, day) for number, day in enumerate(days, 1)]
    assert item("pneumococcal_child", birth, doses).status == "done"
    assert item("pneumococcal_child", birth, doses[:3]).dose_number == 4


@pytest.mark.parametrize(
    ("days", "number", "words"),
    [
        # 1 day before the first birthday is allowed, 2 days before is one too early.
        ([date(2026, 5, 8)], 1, "1 day(s) before it was allowed"),
        ([date(2028, 5, 10)], 1, "1 day(s) after the last day"),
    ],
)
def test_a_dose_outside_the_window_is_never_done(days: list[date], number: int, words: str) -> None:
    doses = [dose("mr", position, day) for position, day in enumerate(days, 1)]
    found = item("mr", date(2025, 5, 10) if days[0].year == 2026 else date(2026, 5, 10), doses,
                 today=date(2028, 6, 1), number=number)  # fmt: skip
    assert found.status == "doubtful"
    assert words in found.reason_en


def test_the_day_before_the_first_birthday_is_good() -> None:
    assert item("mr", date(2025, 5, 10), [dose("mr", 1, date(2026, 5, 9))]).status == "done"


def test_27_days_mean_28() -> None:
    birth = date(2026, 5, 10)
    first = date(2026, 7, 9)
    good = [dose("hepatitis_b", 1, first), dose("hepatitis_b", 2, first + 28 * DAY)]
    assert item("hepatitis_b", birth, good).dose_number == 3
    short = [dose("hepatitis_b", 1, first), dose("hepatitis_b", 2, first + 27 * DAY)]
    found = item("hepatitis_b", birth, short)
    assert found.status == "doubtful"
    assert "1 day(s) short" in found.reason_en


def test_third_hepatitis_b_is_counted_from_the_first() -> None:
    first = date(2026, 5, 10)
    doses = [dose("hepatitis_b", 1, first), dose("hepatitis_b", 2, first + 28 * DAY)]
    found = item("hepatitis_b", date(2026, 3, 10), doses)
    assert found.earliest == first + 140 * DAY


def test_a_missing_number_and_a_double_are_doubtful() -> None:
    birth, first = date(2026, 3, 1), date(2026, 5, 1)
    gap = [dose("dpt_ipv_hib", 1, first), dose("dpt_ipv_hib", 3, first + 60 * DAY)]
    assert "no record of dose 2" in item("dpt_ipv_hib", birth, gap).reason_en
    double = [dose("dpt_ipv_hib", 1, first), dose("dpt_ipv_hib", 1, first + 60 * DAY)]
    assert "dose 1 is recorded twice" in item("dpt_ipv_hib", birth, double).reason_en
    assert item("dpt_ipv_hib", birth, gap).status == item("dpt_ipv_hib", birth, double).status == "doubtful"


def test_a_started_late_needs_fewer_doses() -> None:
    birth = date(2024, 1, 10)
    assert item("pneumococcal_child", birth, [dose("pcv20", 1, date(2026, 2, 1))]).status == "done"


def test_rotavirus_courses_do_not_mix() -> None:
    birth = date(2026, 8, 1)
    one = dose("rotavirus_1", 1, date(2026, 10, 1))
    assert item("rotavirus", birth, [one, dose("rotavirus_1", 2, date(2026, 10, 29))]).status == "done"
    mixed = [one, dose("rotavirus_5", 2, date(2026, 10, 29))]
    assert item("rotavirus", birth, mixed).status == "doubtful"
    five = [dose("rotavirus_5", n, date(2026, 9, 12) + 28 * n * DAY) for n in (1, 2)]
    assert item("rotavirus", birth, five).dose_number == 3


def test_hpv_two_doses_suffice_only_five_months_apart() -> None:
    birth = date(2012, 6, 1)
    early = dose("hpv9", 1, date(2025, 5, 1))
    assert item("hpv", birth, [early, dose("hpv9", 2, date(2025, 10, 1))]).status == "done"
    short = item("hpv", birth, [early, dose("hpv9", 2, date(2025, 9, 30))])
    assert (short.dose_number, short.status) == (3, "overdue")
    assert short.earliest == date(2025, 12, 30)


def test_older_vaccines_make_the_combined_one_doubtful() -> None:
    birth = date(2021, 5, 10)
    assert item("dpt_ipv_hib", birth, [dose("dpt", 1, date(2021, 8, 10))]).status == "doubtful"
    assert (
        item("mr", birth, [dose("measles", 1, date(2022, 5, 10))], today=date(2022, 6, 1)).status
        == "doubtful"
    )


def test_four_in_one_counts_for_five_in_one_and_hib_goes_on_alone() -> None:
    birth = date(2023, 5, 10)
    days = [date(2023, 8, 9), date(2023, 9, 6), date(2023, 10, 4), date(2024, 10, 4)]
    four = [dose("dpt_ipv", number, day) for number, day in enumerate(days, 1)]
    assert item("dpt_ipv_hib", birth, four).status == "done"
    assert item("hib", birth, four).status == "not_target"
    assert item("hib", birth, [*four, dose("hib", 1, days[0])]).dose_number == 2


def test_seasons_begin_anew() -> None:
    birth = date(1950, 1, 1)
    last_season = [dose("influenza", 1, date(2025, 11, 1))]
    assert item("influenza", birth, last_season).status == "due"
    assert item("influenza", birth, [*last_season, dose("influenza", 1, date(2026, 11, 1))]).status == "done"
    assert item("influenza", birth, today=date(2026, 8, 10)).status == "soon"
    assert item("influenza", birth, today=date(2026, 6, 1)).status == "not_target"


def test_a_season_over_new_year() -> None:
    season = Season((10, 1), (3, 31))
    assert season.around(date(2027, 2, 1)) == (date(2026, 10, 1), date(2027, 3, 31))
    assert season.around(date(2027, 4, 1)) == (date(2027, 10, 1), date(2028, 3, 31))


def test_a_lifetime_dose_counts_at_whatever_age() -> None:
    assert (
        item("pneumococcal_elderly", date(1950, 1, 1), [dose("ppsv23", 1, date(2015, 6, 1))]).status == "done"
    )


def test_programmes_for_one_sex() -> None:
    assert item("hpv", date(2013, 6, 1), sex="1").status == "not_target"
    assert item("rubella_fifth", date(1970, 1, 1), sex="1").status == "not_target"  # closed on 2025-03-31
    assert item("rubella_fifth", date(1970, 1, 1), sex="1", today=date(2024, 1, 1)).status == "due"
    assert item("rubella_fifth", date(1970, 1, 1), sex="2", today=date(2024, 1, 1)).status == "not_target"


def test_an_unknown_birth_date_is_doubtful() -> None:
    assert {found.status for found in due(None, "2", [], TODAY)} <= {"doubtful", "not_target"}
    assert item("influenza", None).status == "doubtful"
    assert item("hpv", None, sex="1").status == "not_target"


def test_a_partly_unknown_birth_date_is_doubtful_only_where_it_matters() -> None:
    born = PartialDate(1955, 4)
    assert item("influenza", born).status == "due"
    assert item("rotavirus", born).status == "not_target"
    assert item("pneumococcal_elderly", PartialDate(1961)).status == "doubtful"
    assert item("influenza", born, [dose("influenza", 1, date(2026, 11, 1))]).status == "doubtful"
    assert item("influenza", PartialDate(1955, 4, 1)).status == "due"


def test_every_rule_has_a_citation_and_known_series() -> None:
    catalogue = load_catalogue()
    for rule in load_simple_rules().rules:
        assert rule.citation
        assert rule.series in catalogue.series()
        assert rule.counts | rule.doubtful_with <= set(catalogue.series())
        for course in rule.courses:
            assert all(catalogue.get(code) for code in course.vaccines or ())


days = st.dates(date(2015, 1, 1), TODAY)
codes = st.sampled_from(sorted(load_catalogue().vaccines))
some_doses = st.lists(st.builds(dose, codes, st.integers(1, 4), days), max_size=8)


@given(st.dates(date(1926, 1, 1), TODAY), st.sampled_from("12"), some_doses, days)
def test_answers_are_consistent(birth: date, sex: str, doses: list[GivenDose], today: date) -> None:
    found = due(birth, sex, doses, today)
    assert found == due(birth, sex, list(reversed(doses)), today)
    assert len(found) == len(load_simple_rules().rules)
    for one in found:
        assert one.reason_en
        assert one.reason_ja
        assert one.citation in one.reason_ja
        if one.status in {"due", "overdue"}:
            assert one.earliest is not None
            assert one.latest is not None
            assert one.earliest <= today <= one.latest
        if one.status == "soon":
            assert one.earliest is not None
            assert one.earliest > today


@given(st.dates(date(1926, 1, 1), TODAY), st.sampled_from("12"))
def test_nothing_is_done_without_a_dose(birth: date, sex: str) -> None:
    assert "done" not in {one.status for one in due(birth, sex, [], TODAY)}
