from datetime import UTC, date, datetime, timedelta

import pytest

from yvaxportal.values.clock import JST, format_jst, jst_date, now_utc, to_jst

EVENING = datetime(2026, 3, 31, 15, 4, 59, tzinfo=UTC)


def test_a_utc_evening_is_the_next_day_in_japan() -> None:
    assert to_jst(EVENING) == EVENING
    assert to_jst(EVENING).tzinfo is JST
    assert jst_date(EVENING) == date(2026, 4, 1)
    assert format_jst(EVENING) == "2026-04-01 00:04"


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        to_jst(EVENING.replace(tzinfo=None))


def test_now_is_aware_and_in_utc() -> None:
    assert now_utc().utcoffset() == timedelta(0)
