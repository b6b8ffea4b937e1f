"""One end of an age window, as rule files write it: ``{ months = 12 }`` or ``{ preschool = true }``."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal, TypeAlias

from yvaxportal.values.ages import day_age_is_reached, day_months_are_reached
from yvaxportal.values.fiscal import fiscal_year_range, fiscal_year_reaching_age, preschool_year

Unit: TypeAlias = Literal["days", "months", "years", "fiscal_year_of_age", "preschool"]

UNITS: frozenset[str] = frozenset({"days", "months", "years", "fiscal_year_of_age", "preschool"})
NO_END = date(9999, 12, 31)
NO_BEGIN = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class Bound:
    """An end of a window, inclusive.

    ``days`` count from birth, which is day 0; ``months`` and ``years`` are reached by law on the day before
    the monthly or yearly birthday, whether the window begins or ends there; ``fiscal_year_of_age`` is the
    fiscal year in which an age is reached and ``preschool`` the one before school: their first or last day.
    """

    unit: Unit
    value: int

    def day(self, birth: date, *, last: bool) -> date:
        """Return the first day of a window that begins here, or the last of one that ends here."""
        return _day(self.unit, self.value, birth, last)


@lru_cache(maxsize=1 << 12)
def _day(unit: Unit, value: int, birth: date, last: bool) -> date:
    if unit == "days":
        return birth + timedelta(days=value)
    if unit == "months":
        return day_months_are_reached(birth, value)
    if unit == "years":
        return day_age_is_reached(birth, value)
    if unit == "preschool":
        return preschool_year(birth)[last]
    return fiscal_year_range(fiscal_year_reaching_age(birth, value))[last]
