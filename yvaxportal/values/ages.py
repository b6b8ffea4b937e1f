"""Ages and intervals as the vaccination law counts them.

Sources: 年齢計算ニ関スル法律, 民法143条, 厚生労働省 事務連絡 2014-03-11「定期の予防接種における対象者の解釈
について」, 厚生労働省 予防接種・ワクチン分科会 基本方針部会 52回 資料. All dates are inclusive.
"""

from calendar import isleap
from datetime import date, timedelta
from typing import Literal

_DAY = timedelta(days=1)
_LENGTHS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FEBRUARY, _LEAP_FEBRUARY = 2, 29


def _month_after(start: date, months: int) -> tuple[int, int, int]:
    """Year, month and number of days of the month that lies ``months`` after that of ``start``."""
    years, month0 = divmod(start.month - 1 + months, 12)
    year, month = start.year + years, month0 + 1
    return year, month, _length(year, month)


def _length(year: int, month: int) -> int:
    """Number of days of a month; ``calendar.monthrange`` works out a weekday, too, millions of times."""
    return _LEAP_FEBRUARY if month == _FEBRUARY and isleap(year) else _LENGTHS[month]


def _refuse_negative(count: int) -> None:
    if count < 0:
        raise ValueError("an age or interval is not negative")


def day_months_are_reached(birth: date, months: int) -> date:
    """Return 生後n月: the day before the same day n months later.

    If that month has no such day: its last day. 0 months is the day of birth itself, for there is no day
    before a life.
    """
    _refuse_negative(months)
    if months == 0:
        return birth
    year, month, length = _month_after(birth, months)
    return date(year, month, length) if birth.day > length else date(year, month, birth.day) - _DAY


def day_age_is_reached(birth: date, years: int) -> date:
    """Return the day an age is reached by law: the day before the birthday (n歳に達した, n歳に至るまで).

    It is the first day of "n years or older" and the last of "until n years".
    """
    return day_months_are_reached(birth, 12 * years)


def total_months_on(birth: date, day: date) -> int:
    """Return the full months of age as people count them: the monthly birthday itself counts.

    Born on the 31st: in a shorter month the count goes up on the 1st of the next. ValueError before birth.
    """
    if day < birth:
        raise ValueError("the day lies before birth")
    return 12 * (day.year - birth.year) + day.month - birth.month - (day.day < birth.day)


def months_on(birth: date, day: date) -> tuple[int, int]:
    """Return (years, months) of age, the months 0 to 11, as people count them."""
    return divmod(total_months_on(birth, day), 12)


def age_on(birth: date, day: date) -> int:
    """Return the age in years that pages show: birthdays reached, the birthday itself counts."""
    return total_months_on(birth, day) // 12


def legal_age_on(birth: date, day: date) -> int:
    """Return the age in years by law: it goes up on the day before the birthday."""
    if day < birth:
        raise ValueError("the day lies before birth")
    return age_on(birth, day + _DAY)


def add_interval_days(start: date, days: int, *, weeks: int = 0) -> date:
    """Return n weeks and m days after ``start``, which itself is 0 weeks 0 days (出生n週m日後)."""
    return start + timedelta(weeks=weeks, days=days)


def earliest_after_days_between(previous: date, days: int) -> date:
    """Return the first day allowed by "at least N days apart": N full days lie between (27 gives +28)."""
    _refuse_negative(days)
    return previous + timedelta(days=days + 1)


def earliest_after_months_between(
    previous: date, months: int, *, missing_day: Literal["next_month", "month_end"] = "next_month"
) -> date:
    """Return the first day allowed by "at least n months apart": the same day n months later.

    If that month has no such day the interval runs to its end, and the next month's 1st is the first day
    allowed (the ministry's reading). ``month_end`` is the reading of a few municipalities, the last day
    itself: for telling an alert from an error.
    """
    _refuse_negative(months)
    year, month, length = _month_after(previous, months)
    if previous.day <= length:
        return date(year, month, previous.day)
    last = date(year, month, length)
    return last if missing_day == "month_end" else last + _DAY


def earliest_after_half_months(previous: date, months: int) -> date:
    """Return the first day allowed by "at least n and a half months apart" (n月半).

    n months as above, then half of the month arrived in, rounded up: 14, 15, 15, 16 days for 28, 29, 30, 31.
    """
    whole = earliest_after_months_between(previous, months)
    return whole + timedelta(days=(_length(whole.year, whole.month) + 1) // 2)
