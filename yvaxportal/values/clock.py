"""Time: aware UTC inside, Japan Standard Time at the edge."""

from datetime import UTC, date, datetime, timedelta, timezone

# A fixed offset: Japan has had no summer time since 1951, and no time zone files are needed.
JST = timezone(timedelta(hours=9), "JST")


def now_utc() -> datetime:
    """Return the present moment, aware, in UTC. The only function here that reads the clock."""
    return datetime.now(UTC)


def to_jst(aware: datetime) -> datetime:
    """Return the same moment in JST; ValueError for a naive datetime."""
    if aware.utcoffset() is None:
        raise ValueError("naive datetime: its zone is unknown")
    return aware.astimezone(JST)


def jst_date(aware: datetime) -> date:
    """Return the calendar date in Japan at that moment."""
    return to_jst(aware).date()


def jst_midnight(day: date) -> datetime:
    """Return the moment at which a calendar date begins in Japan, aware, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=JST).astimezone(UTC)


def format_jst(aware: datetime) -> str:
    """Return ``YYYY-MM-DD HH:MM`` in JST."""
    return f"{to_jst(aware):%Y-%m-%d %H:%M}"
