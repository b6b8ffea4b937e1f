"""Who comes into question for a list, and what the rules ask about each of them: one statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, literal, null, or_, select
from sqlalchemy.orm import Session

from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import (
    CircumstanceKind,
    EligibilityKind,
    EligibilityState,
    MemberStanding,
    ResidentCategory,
    Sex,
)
from yvaxportal.models.extraction import ExtractionMember
from yvaxportal.models.readings import in_lots
from yvaxportal.models.resident import Eligibility, Resident, ResidentContact
from yvaxportal.programme.forecasting import Forecast
from yvaxportal.programme.person import Circumstance
from yvaxportal.services.extraction.criteria import Criteria, Wanted
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.values.wareki import PartialDate, parse_date

#: Why people become residents who did not move in: birth (出生).
BORN = "出生"
_UNKNOWN_YEAR = "0000-00-00"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Birth dates and sex of the base cohort, wide enough for everybody who may be a target.

    ``births``: stretches of birth dates, both ends inclusive; none where no birth date decides.
    ``risk_births``: likewise of those who come into question only with a risk group. ``needs``: circumstances
    (``kind`` or ``kind:subject``) of which one is asked for. ``long_illness``: whoever had one comes into
    question, too.
    """

    programme: str
    births: tuple[tuple[date, date], ...]
    risk_births: tuple[tuple[date, date], ...] = ()
    sex: str | None = None
    needs: frozenset[str] = frozenset()
    long_illness: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the bounds for the saved list, so that who was outside of them can be told why."""
        return {
            "births": _written(self.births),
            "risk_births": _written(self.risk_births),
            "sex": self.sex,
            "needs": sorted(self.needs),
        }


def _written(births: tuple[tuple[date, date], ...]) -> list[list[str]]:
    return [[first.isoformat(), last.isoformat()] for first, last in births]


@dataclass(slots=True)
class Candidate:
    """Somebody of the base cohort; ``excluded_by`` and ``facts`` are set by the funnel."""

    id: int
    birth_written: str
    sex: Sex
    category: ResidentCategory
    became_on: date | None
    became_reason: str | None
    ceased_on: date | None
    protected: bool
    town: str | None
    schools: tuple[str | None, str | None]
    insured: EligibilityState | None
    late_elderly: EligibilityState | None
    taxed: EligibilityState | None
    assisted: EligibilityState | None
    on_earlier_list: bool
    birth: date | PartialDate | None = None
    circumstances: tuple[Circumstance, ...] = ()
    forecast: Forecast | None = None
    excluded_by: Rule | None = None
    facts: dict[str, Any] = field(default_factory=dict)


def base_cohort(session: Session, criteria: Criteria, bounds: Bounds) -> list[Candidate]:
    """Return the residents on the reference date within the bounds, in the order of their ids."""
    person, contact = Resident.__table__.c, ResidentContact.__table__.c
    day = criteria.reference_date
    asked = criteria.rules
    states = [
        _state(kind, day) if rule in asked else null()
        for rule, kind in (
            (Rule.NATIONAL_HEALTH_INSURANCE, EligibilityKind.NATIONAL_HEALTH_INSURANCE),
            (Rule.LATE_ELDERLY_INSURANCE, EligibilityKind.LATE_ELDERLY_INSURANCE),
            (Rule.TAXATION, EligibilityKind.TAX_EXEMPT),
            (Rule.PUBLIC_ASSISTANCE, EligibilityKind.PUBLIC_ASSISTANCE),
        )
    ]
    earlier = on_list(criteria.not_on) if criteria.not_on is not None else false()
    rows = session.execute(
        select(
            person.id,
            person.date_of_birth_written,
            person.sex,
            person.resident_category,
            person.became_resident_on,
            person.became_resident_reason,
            person.ceased_resident_on,
            person.support_measure_flag,
            contact.address_town_code,
            contact.elementary_school_district,
            contact.junior_high_school_district,
            *states,
            earlier,
        )
        .select_from(
            Resident.__table__.outerjoin(ResidentContact.__table__, contact.resident_id == person.id)
        )
        .where(_within(session, bounds), was_resident(day))
        .order_by(person.id),
    )
    births: dict[str, date | PartialDate | None] = {}
    found = []
    for row in in_lots(rows):
        written = row[1]
        if written not in births:
            births[written] = read_birth(written)
        insured, late_elderly, taxed, assisted = (
            EligibilityState(state) if state is not None else None for state in row[11:15]
        )
        found.append(
            Candidate(
                id=row[0],
                birth_written=written,
                sex=row[2],
                category=row[3],
                became_on=row[4],
                became_reason=row[5],
                ceased_on=row[6],
                protected=row[7],
                town=row[8],
                schools=(row[9], row[10]),
                insured=insured,
                late_elderly=late_elderly,
                taxed=taxed,
                assisted=assisted,
                on_earlier_list=row[15],
                birth=births[written],
            ),
        )
    return found


def count_cohort(session: Session, criteria: Criteria, bounds: Bounds) -> int:
    """Return how many ``base_cohort`` would return."""
    within = and_(_within(session, bounds), was_resident(criteria.reference_date))
    return session.scalars(select(func.count()).select_from(Resident.__table__).where(within)).one()


def read_birth(written: str) -> date | PartialDate | None:
    """Return a birth date as the engine takes it; None when not even the year is known."""
    found = parse_date(written)
    return found if found is None else found.exact or found


def was_resident(day: date) -> ColumnElement[bool]:
    """Tell in SQL whether somebody lived here on a day, as far as the register tells today.

    The day of moving out or of death is the first that does not count.
    """
    person = Resident.__table__.c
    came = or_(person.became_resident_on.is_(None), person.became_resident_on <= day)
    # Who came back has an earlier end in the register, which is over.
    left = and_(
        person.ceased_resident_on <= day,
        or_(person.became_resident_on.is_(None), person.ceased_resident_on > person.became_resident_on),
    )
    gone = person.resident_category.in_((ResidentCategory.MOVED_OUT, ResidentCategory.DECEASED))
    return and_(
        came,
        or_(
            and_(
                person.resident_category == ResidentCategory.RESIDENT,
                or_(person.ceased_resident_on.is_(None), ~left),
            ),
            and_(gone, person.ceased_resident_on > day),
        ),
    )


def on_list(extraction_id: int) -> ColumnElement[bool]:
    """Tell in SQL whether a resident is on a saved list."""
    member = ExtractionMember.__table__.c
    return exists(
        select(literal(1)).where(
            member.extraction_id == extraction_id,
            member.resident_id == Resident.__table__.c.id,
            included(),
        ),
    )


def included() -> ColumnElement[bool]:
    """Tell in SQL who of a list's members is on it: whom no rule took out, and nobody by hand."""
    member = ExtractionMember.__table__.c
    return and_(member.excluded_by.is_(None), member.standing != MemberStanding.REMOVED)


def _within(session: Session, bounds: Bounds) -> ColumnElement[bool]:
    """Tell who is within the bounds. Each part of the OR is one that an index answers."""
    person = Resident.__table__.c
    ids: list[int] = []
    if bounds.long_illness:
        ids += session.scalars(_holders(frozenset({"long_illness"}), ("", bounds.programme)))
    groups = [born_between(first, last) for first, last in bounds.births]
    if bounds.needs and groups:
        groups = [and_(or_(*groups), person.id.in_(_holders(bounds.needs)))]
    elif bounds.needs:
        ids += session.scalars(_holders(bounds.needs))
    groups += [and_(born_between(first, last), _may_be_at_risk()) for first, last in bounds.risk_births]
    within = or_(*groups, person.id == func.any(ids))
    return within if bounds.sex is None else and_(within, person.sex.in_((Sex(bounds.sex), Sex.UNKNOWN)))


def born_between(first: date, last: date) -> ColumnElement[bool]:
    """Tell in SQL who may have been born on one of the days: also whose month or day is not known.

    An unknown part is written 00, which sorts before every known one.
    """
    written = Resident.__table__.c.date_of_birth_written
    begin = first.isoformat()
    return and_(
        # The first line is what the index walks; the second one is exact.
        written.between(f"{begin[:4]}-00-00", last.isoformat()),
        or_(written >= begin, written == f"{begin[:7]}-00", written == f"{begin[:4]}-00-00"),
    ) | (written == _UNKNOWN_YEAR)


def _holders(needs: frozenset[str], subjects: Sequence[str] = ()) -> Select[int]:
    """Return the residents with one of the circumstances, of one of the subjects where those are given."""
    circumstance = SpecialCircumstance.__table__.c
    wanted: list[ColumnElement[bool]] = []
    for need in sorted(needs):
        kind, _, subject = need.partition(":")
        one = circumstance.kind == CircumstanceKind(kind)
        wanted.append(and_(one, circumstance.subject == subject) if subject else one)
    holders = select(circumstance.resident_id).where(circumstance.cancelled_at.is_(None), or_(*wanted))
    return holders.where(circumstance.subject.in_(subjects)) if subjects else holders


def _may_be_at_risk() -> ColumnElement[bool]:
    """Tell who was entered in a risk group, or holds a certificate whose organ staff have to look at."""
    certificate = Eligibility.__table__.c
    holds = exists(
        select(literal(1)).where(
            certificate.resident_id == Resident.__table__.c.id,
            certificate.kind == EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE,
            certificate.state == EligibilityState.HELD,
        ),
    )
    return or_(Resident.__table__.c.id.in_(_holders(frozenset({"risk_group"}))), holds)


def _state(kind: EligibilityKind, day: date) -> Any:
    eligibility = Eligibility.__table__.c
    return (
        select(eligibility.state)
        .where(
            eligibility.resident_id == Resident.__table__.c.id,
            eligibility.kind == kind,
            eligibility.valid_from <= day,
            or_(eligibility.valid_to.is_(None), eligibility.valid_to >= day),
        )
        .order_by(eligibility.valid_from.desc(), eligibility.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def stays(wanted: Wanted, state: EligibilityState | None) -> bool:
    """Tell whether somebody stays by an insurance or assistance; nothing received counts as not held."""
    if wanted is Wanted.ANY:
        return True
    return (state is EligibilityState.HELD) is (wanted is Wanted.HELD)
