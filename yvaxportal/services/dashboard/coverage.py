"""Coverage of cohorts over the months: of today's residents of a cohort, how many had the dose by then.

Unlike the rates that are reported, this counts people: whoever had the dose anywhere has it, and it never
exceeds 100 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.orm import Session

from yvaxportal.services.reports.definition import Row
from yvaxportal.services.reports.library import Library
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.table import rate
from yvaxportal.services.reports.targets import Births
from yvaxportal.values.fiscal import fiscal_year

REPORT = "coverage"
COHORTS, MONTHS = 5, 24
# People of a year or less: a dose every season for everybody from 65 on makes no cohort.
_LONGEST = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Curve:
    """The targets of one fiscal year: how many residents, and how many of them had the dose by each month."""

    fiscal_year: int
    people: int
    reached: Sequence[int]

    def rates(self) -> Sequence[Decimal | None]:
        """Return the coverage by each month in per cent, one decimal."""
        return [rate(count, self.people) for count in self.reached]


def choices(library: Library, today: date) -> Sequence[Row]:
    """Return the rows of which there are cohorts: doses that are given at one age."""
    rows = library.resolve(REPORT, Period(fiscal_year(today))).rows
    return [row for row in rows if row.target_births and all(_is_cohort(one) for one in row.target_births)]


def _is_cohort(births: Births) -> bool:
    return births.last - births.first < _LONGEST


def months_until(today: date, count: int = MONTHS) -> Sequence[date]:
    """Return the first days of the last months, the present one last."""
    found = [today.replace(day=1)]
    while len(found) < count:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]


_REACHED = text("""
WITH person AS (
    SELECT c.place, (
        SELECT min(d.given_on) FROM dose AS d
        WHERE d.resident_id = r.id AND d.state = 'active' AND d.judgement = 'given'
          AND d.vaccine = ANY(CAST(:vaccines AS text[])) AND d.dose_number BETWEEN :first AND :last) AS had_on
    FROM unnest(CAST(:places AS integer[]), CAST(:births_from AS date[]), CAST(:births_to AS date[]),
                CAST(:sex AS text[])) AS c(place, births_from, births_to, sex)
    JOIN resident AS r ON r.date_of_birth BETWEEN c.births_from AND c.births_to
    WHERE r.resident_category = 'resident' AND (c.sex = '' OR r.sex = c.sex)
)
SELECT place, CAST(date_trunc('month', had_on) AS date) AS month, count(*) AS people
FROM person GROUP BY place, month
""")


def curves(session: Session, library: Library, row_key: str, today: date) -> Sequence[Curve]:
    """Return a curve for the targets of each of the last fiscal years, the newest first.

    :raises KeyError: there is no such row.
    """
    this_year = fiscal_year(today)
    years = [this_year - back for back in range(COHORTS)]
    cohorts: list[tuple[int, Births]] = []
    chosen = next((row for row in choices(library, today) if row.key == row_key), None)
    if chosen is None:
        raise KeyError(row_key)
    for place, year in enumerate(years):
        rows = {row.key: row for row in library.resolve(REPORT, Period(year)).rows}
        births = rows[row_key].target_births if row_key in rows else None
        cohorts += [(place, one) for one in births or ()]
    found = session.execute(
        _REACHED,
        {
            "vaccines": list(chosen.vaccines),
            "first": chosen.first_number,
            "last": chosen.last_number,
            "places": [place for place, _one in cohorts],
            "births_from": [one.first for _place, one in cohorts],
            "births_to": [one.last for _place, one in cohorts],
            "sex": [one.sex for _place, one in cohorts],
        },
    ).all()
    months = months_until(today)
    return [
        Curve(
            year,
            sum(row.people for row in found if row.place == place),
            [
                sum(row.people for row in found if row.place == place and row.month and row.month <= month)
                for month in months
            ],
        )
        for place, year in enumerate(years)
        if any(row.place == place for row in found)
    ]
