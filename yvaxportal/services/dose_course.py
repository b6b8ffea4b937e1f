"""Which other doses belong to the same course as a new one, and what number comes next."""

from collections.abc import Iterable, Sequence
from datetime import date

from yvaxportal.models.codes import Judgement, RecordGroup
from yvaxportal.programme.catalogue import Catalogue, Vaccine
from yvaxportal.services.dose_draft import OtherDose
from yvaxportal.values.fiscal import fiscal_year

# Given anew every season as a category B routine (施行令3条); numbers start again. The special temporary
# programme against COVID-19 (2021 to 2024, a record group of its own) counted through.
_SEASONAL_SERIES = frozenset({"influenza", "covid19"})


def course_of(vaccine: Vaccine, day: date) -> tuple[str, int | None]:
    """Return what two doses share when their numbers count together: series, and season if there is one."""
    seasonal = vaccine.series in _SEASONAL_SERIES and vaccine.record_group == RecordGroup.ELDERLY
    return vaccine.series, fiscal_year(day) if seasonal else None


def same_course(
    vaccine: Vaccine, day: date, others: Iterable[OtherDose], catalogue: Catalogue
) -> Sequence[OtherDose]:
    """Return the given doses that count in the same course, by day and number."""
    course = course_of(vaccine, day)
    found = [
        other
        for other in others
        if other.judgement is Judgement.GIVEN
        and (known := catalogue.get(other.vaccine)) is not None
        and course_of(known, other.given_on) == course
    ]
    return sorted(found, key=lambda other: (other.given_on, other.dose_number, other.id))


def next_number(vaccine: Vaccine, day: date, others: Iterable[OtherDose], catalogue: Catalogue) -> int:
    """Return the number after the greatest one given in the course, at most that of the last dose."""
    given = same_course(vaccine, day, others, catalogue)
    return min(max((other.dose_number for other in given), default=0) + 1, vaccine.doses)
