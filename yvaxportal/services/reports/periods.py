"""The period of a report: a fiscal year, a half of it, or one of its months."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Literal

from yvaxportal.values.fiscal import fiscal_year_range

Kind = Literal["year", "half", "month"]

#: Fiscal years that a report can be about; doses before are not the portal's.
FIRST_YEAR, LAST_YEAR = 1990, 2100
_APRIL, _OCTOBER = 4, 10
#: The months of a fiscal year in its order.
MONTHS = (4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2, 3)


class PeriodError(ValueError):
    """No such period. The text is for developers; pages have their own words."""


@dataclass(frozen=True, slots=True)
class Period:
    """``code`` is ``year``, ``h1`` (April to September), ``h2``, or ``m04`` to ``m03`` of ``fiscal_year``."""

    fiscal_year: int
    code: str = "year"

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.fiscal_year <= LAST_YEAR:
            raise PeriodError("the fiscal year is out of range")
        if self.code not in {"year", "h1", "h2", *(f"m{month:02}" for month in MONTHS)}:
            raise PeriodError("no such part of a fiscal year")

    @property
    def kind(self) -> Kind:
        """Return what kind of period it is."""
        if self.code == "year":
            return "year"
        return "half" if self.code.startswith("h") else "month"

    @property
    def month(self) -> int | None:
        """Return the calendar month of a month's period."""
        return int(self.code[1:]) if self.kind == "month" else None

    @property
    def first_day(self) -> date:
        """Return the first day."""
        if self.month is not None:
            return date(self.fiscal_year + (self.month < _APRIL), self.month, 1)
        start, _end = fiscal_year_range(self.fiscal_year)
        return date(self.fiscal_year, _OCTOBER, 1) if self.code == "h2" else start

    @property
    def last_day(self) -> date:
        """Return the last day."""
        if self.month is not None:
            first = self.first_day
            return first.replace(day=monthrange(first.year, first.month)[1])
        return date(self.fiscal_year, 9, 30) if self.code == "h1" else fiscal_year_range(self.fiscal_year)[1]

    @property
    def months(self) -> tuple[int, ...]:
        """Return the calendar months of the period in order."""
        if self.month is not None:
            return (self.month,)
        half = {"h1": MONTHS[:6], "h2": MONTHS[6:]}
        return half.get(self.code, MONTHS)

    def __str__(self) -> str:
        return f"{self.fiscal_year}-{self.code}"


def parse_period(year: str, code: str) -> Period:
    """Return the period that an address or a command names.

    :raises PeriodError: it names none.
    """
    if not (year.isascii() and year.isdigit() and len(year) == 4):  # noqa: PLR2004 - digits of a year
        raise PeriodError("the fiscal year is four digits")
    return Period(int(year), code or "year")


def halves_and_months(kinds: tuple[str, ...]) -> list[str]:
    """Return the codes of the periods of these kinds, the year first."""
    codes = ["year"] if "year" in kinds else []
    codes += ["h1", "h2"] if "half" in kinds else []
    return codes + ([f"m{month:02}" for month in MONTHS] if "month" in kinds else [])
