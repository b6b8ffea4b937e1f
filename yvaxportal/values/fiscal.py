"""Fiscal and school years, which run from April 1 to March 31 and are named by the year they begin in."""

from datetime import date, timedelta

from yvaxportal.values.ages import day_age_is_reached

_APRIL = 4
_SCHOOL_AGE = 6


def fiscal_year(day: date) -> int:
    """Return the fiscal year of a day: 2026 for 2026-04-01 to 2027-03-31."""
    return day.year if day.month >= _APRIL else day.year - 1


def fiscal_year_range(fy: int) -> tuple[date, date]:
    """Return the first and the last day of a fiscal year."""
    return date(fy, 4, 1), date(fy + 1, 3, 31)


def fiscal_year_end(day: date) -> date:
    """Return the March 31 that ends the fiscal year of ``day``."""
    return fiscal_year_range(fiscal_year(day))[1]


def fiscal_year_reaching_age(birth: date, years: int) -> int:
    """Return n歳となる日の属する年度: the one with the day before the n-th birthday."""
    return fiscal_year(day_age_is_reached(birth, years))


def school_entry(birth: date) -> date:
    """Return the first day of primary school (学校教育法17条): the first April 1 from the 6th birthday on."""
    return fiscal_year_end(day_age_is_reached(birth, _SCHOOL_AGE)) + timedelta(days=1)


def preschool_year(birth: date) -> tuple[date, date]:
    """Return the first and last day of the year before primary school (second dose of MR)."""
    return fiscal_year_range(school_entry(birth).year - 1)
