"""The ages that a dose record keeps (infant_dose 6 and 7, elderly_dose 4 to 6), counted in whole months."""

from dataclasses import dataclass
from datetime import date, timedelta

from yvaxportal.models.codes import RecordGroup
from yvaxportal.values.ages import total_months_on
from yvaxportal.values.fiscal import fiscal_year, fiscal_year_end, fiscal_year_range

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DoseAges:
    """Months of age by law; None where the birth date is not wholly known or lies after the day."""

    age_when_given: int | None = None
    age_at_fiscal_year_end: int | None = None
    age_on_reference_date: int | None = None


def dose_ages(birth: date | None, given_on: date, group: RecordGroup) -> DoseAges:
    """Return the ages of a dose, counted from the day before the (monthly) birthday.

    The reference date (基準日) of the elderly record is the first day of the fiscal year.
    """
    if birth is None or given_on < birth:
        return DoseAges()
    first_day = fiscal_year_range(fiscal_year(given_on))[0]
    return DoseAges(
        legal_months_on(birth, given_on),
        legal_months_on(birth, fiscal_year_end(given_on)),
        legal_months_on(birth, first_day) if group is RecordGroup.ELDERLY and birth <= first_day else None,
    )


def legal_months_on(birth: date, day: date) -> int:
    """Return full months of age by law (年齢計算ニ関スル法律): up on the day before the birthday."""
    return total_months_on(birth, day + _DAY)
