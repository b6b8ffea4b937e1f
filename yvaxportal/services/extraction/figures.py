"""Figures of a saved list: its members by age and sex, by area, and how many have had the dose since."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseState, Judgement, Sex
from yvaxportal.models.dose import Dose
from yvaxportal.models.extraction import ExtractionMember
from yvaxportal.services.extraction.cohort import included, read_birth
from yvaxportal.values.ages import age_on
from yvaxportal.values.fiscal import fiscal_year_end

#: With fewer years of age than this the bars are months of birth.
_FEW_YEARS = 3
_MOST_MONTHS = 24


@dataclass(frozen=True, slots=True)
class AgeBar:
    """One bar of the pyramid: an age in years, or a month of birth where there are few ages; or neither."""

    years: int | None
    month: date | None
    men: int
    women: int
    unknown: int

    @property
    def everybody(self) -> int:
        """Return how many there are."""
        return self.men + self.women + self.unknown


@dataclass(frozen=True, slots=True)
class AreaBar:
    """Members of one town. No town: ``protected`` people, whose town is told to nobody, or none recorded."""

    town: str | None
    protected: bool
    members: int
    covered: int


@dataclass(frozen=True, slots=True)
class CoverageMonth:
    """One month: members first given the dose in it, all so far. None in months to come."""

    first_day: date
    given: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is drawn about one list. ``covered`` of ``members`` have had the dose since."""

    members: int
    covered: int
    ages: Sequence[AgeBar]
    areas: Sequence[AreaBar]
    months: Sequence[CoverageMonth]


def figures_of(
    session: Session, extraction_id: int, *, reference_date: date, vaccines: Collection[str], today: date
) -> Figures:
    """Return the figures of who is on the list now.

    :param vaccines: those whose doses are the programme's; the first one on or after the reference date
        counts as the dose that the person was invited to.
    """
    member = ExtractionMember.__table__.c
    rows = session.execute(
        select(
            member.date_of_birth_written,
            cast(member.sex, String),
            member.address_town_code,
            member.support_measure,
            func.count(),
        )
        .where(member.extraction_id == extraction_id, included())
        .group_by(member.date_of_birth_written, member.sex, member.address_town_code, member.support_measure),
    ).all()
    people = [(written, Sex(sex), town, protected, number) for written, sex, town, protected, number in rows]
    since = _given_since(session, extraction_id, reference_date, vaccines, today)
    return Figures(
        members=sum(number for *_, number in people),
        covered=sum(since.values()),
        ages=_ages([(written, sex, number) for written, sex, _, _, number in people], reference_date),
        areas=_areas([(town, protected, number) for _, _, town, protected, number in people], since),
        months=_months(since, reference_date, today),
    )


_Since = Mapping[tuple[date, str | None, bool], int]


def _given_since(
    session: Session, extraction_id: int, reference_date: date, vaccines: Collection[str], today: date
) -> _Since:
    """Return members by the month in which they first had the dose, their town, and whether it is told."""
    member, dose = ExtractionMember.__table__.c, Dose.__table__.c
    first = (
        select(
            member.address_town_code.label("town"),
            member.support_measure.label("protected"),
            func.min(dose.given_on).label("given_on"),
        )
        .join_from(ExtractionMember.__table__, Dose.__table__, dose.resident_id == member.resident_id)
        .where(
            member.extraction_id == extraction_id,
            included(),
            dose.vaccine.in_(list(vaccines)),
            dose.state == DoseState.ACTIVE,
            dose.judgement == Judgement.GIVEN,
            dose.given_on.between(reference_date, today),
        )
        .group_by(member.resident_id, member.address_town_code, member.support_measure)
        .subquery()
    )
    month = func.date_trunc("month", first.c.given_on).cast(Dose.__table__.c.given_on.type)
    rows = session.execute(
        select(month, first.c.town, first.c.protected, func.count()).group_by(
            month, first.c.town, first.c.protected
        ),
    )
    return {(day, town, protected): number for day, town, protected, number in rows}


def _ages(people: Sequence[tuple[str, Sex, int]], day: date) -> list[AgeBar]:
    births = {written: read_birth(written) for written, _, _ in people}
    ages = {written: age_on(birth, day) for written, birth in births.items() if isinstance(birth, date)}
    in_months = len(set(ages.values())) < _FEW_YEARS
    bars: dict[int | date | None, Counter[Sex]] = {}
    for written, sex, number in people:
        birth = births[written]
        key: int | date | None = None
        if isinstance(birth, date):
            key = birth.replace(day=1) if in_months else ages[written]
        bars.setdefault(key, Counter())[sex] += number
    months = sorted((key for key in bars if isinstance(key, date)), reverse=True)
    years = sorted(key for key in bars if isinstance(key, int))
    order: list[int | date | None] = [*months, *years, *([None] if None in bars else [])]
    return [
        AgeBar(
            years=key if isinstance(key, int) else None,
            month=key if isinstance(key, date) else None,
            men=bars[key][Sex.MALE],
            women=bars[key][Sex.FEMALE],
            unknown=bars[key][Sex.UNKNOWN],
        )
        for key in order
    ]


def _areas(people: Sequence[tuple[str | None, bool, int]], since: _Since) -> list[AreaBar]:
    members: Counter[tuple[str | None, bool]] = Counter()
    covered: Counter[tuple[str | None, bool]] = Counter()
    for town, protected, number in people:
        members[town, protected] += number
    for (_, town, protected), number in since.items():
        covered[town, protected] += number
    order = sorted(members, key=lambda key: (key[0] is None, key[0] or "", key[1]))
    return [AreaBar(*key, members[key], covered[key]) for key in order]


def _months(since: _Since, reference_date: date, today: date) -> list[CoverageMonth]:
    given: Counter[date] = Counter()
    for (month, _, _), number in since.items():
        given[month] += number
    last = max(today, fiscal_year_end(reference_date))
    months: list[CoverageMonth] = []
    day, total = reference_date.replace(day=1), 0
    while day <= last and len(months) < _MOST_MONTHS:
        if day > today:
            months.append(CoverageMonth(day, None, None))
        else:
            total += given[day]
            months.append(CoverageMonth(day, given[day], total))
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return months
