"""The people of a saved list a page at a time, searched within, and against another list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import MemberStanding, ResidentCategory, Sex
from yvaxportal.models.extraction import ExtractionMember
from yvaxportal.models.resident import Resident, ResidentContact, ResidentName
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.find_residents import Sight, prefix_range
from yvaxportal.services.search_terms import SearchTerms
from yvaxportal.values.wareki import PartialDate

PAGE_SIZE = 50


class Shown(StrEnum):
    """Which members a page shows."""

    ON_LIST = "on"
    DOUBTFUL = "doubtful"
    PROTECTED = "protected"
    BY_HAND = "hand"
    OFF_LIST = "off"


class Side(StrEnum):
    """Which part of two compared lists."""

    ONLY_FIRST = "first"
    ONLY_SECOND = "second"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member. ``current_address`` is None where it is withheld, or not to be seen by this reader."""

    resident_id: int
    atena_number: str
    name: str
    name_kana: str | None
    date_of_birth_written: str
    sex: Sex
    is_foreign_national: bool
    resident_category: ResidentCategory
    protected: bool
    excluded_by: Rule | None
    detail: Mapping[str, Any]
    dose_number: int | None
    standing: MemberStanding
    standing_reason: str | None
    current_address: str | None


@dataclass(frozen=True, slots=True)
class MemberPage:
    """A page of members; ``next_cursor`` is None on the last one."""

    members: Sequence[MemberRow]
    next_cursor: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many are on one list only, on the other only, on both."""

    only_first: int
    only_second: int
    both: int


def members_of(
    session: Session,
    extraction_id: int,
    *,
    shown: Shown = Shown.ON_LIST,
    rule: Rule | None = None,
    sight: Sight,
    after: int | None = None,
    limit: int = PAGE_SIZE,
) -> MemberPage:
    """Return a page of members in the order of their ids.

    :param rule: only whom this rule took out; ``shown`` then does not matter.
    :param after: ``next_cursor`` of the page before.
    """
    member = ExtractionMember.__table__.c
    wanted = member.excluded_by == rule.value if rule is not None else _shown(shown)
    return _page(session, _select(extraction_id).where(wanted), sight, after, limit)


def find_members(
    session: Session, extraction_id: int, terms: SearchTerms, *, sight: Sight, limit: int = 2 * PAGE_SIZE
) -> MemberPage:
    """Return members, on the list or not, by name, birth date or number; addresses are not searched."""
    person = Resident.__table__.c
    conditions: list[ColumnElement[bool]] = []
    if terms.names:
        named = select(ResidentName.resident_id).where(prefix_range(ResidentName.key, terms.names))
        conditions.append(person.id.in_(named))
    if terms.birth is not None:
        conditions.append(_birth(terms.birth))
    if terms.numbers:
        conditions.append(
            or_(person.atena_number.in_(terms.numbers), person.business_atena_number.in_(terms.numbers))
        )
    if not conditions:
        return MemberPage((), None)
    page = _page(session, _select(extraction_id).where(*conditions), sight, None, limit)
    return MemberPage(page.members, None)


def compare(session: Session, first: int, second: int) -> Comparison:
    """Count who is on which of two lists."""
    mine, theirs = _ids(first).subquery(), _ids(second).subquery()
    joined = mine.outerjoin(theirs, mine.c.resident_id == theirs.c.resident_id, full=True)
    row = session.execute(
        select(
            func.count().filter(theirs.c.resident_id.is_(None)),
            func.count().filter(mine.c.resident_id.is_(None)),
            func.count().filter(mine.c.resident_id == theirs.c.resident_id),
        ).select_from(joined),
    ).one()
    return Comparison(*row)


def compared_members(
    session: Session,
    first: int,
    second: int,
    side: Side,
    *,
    sight: Sight,
    after: int | None = None,
    limit: int = PAGE_SIZE,
) -> MemberPage:
    """Return a page of one part of two compared lists."""
    here, there = (second, first) if side is Side.ONLY_SECOND else (first, second)
    person = Resident.__table__.c
    other = person.id.in_(_ids(there))
    statement = _select(here).where(_shown(Shown.ON_LIST), other if side is Side.BOTH else ~other)
    return _page(session, statement, sight, after, limit)


def _ids(extraction_id: int) -> Select[Any]:
    other = aliased(ExtractionMember)
    return select(other.resident_id).where(
        other.extraction_id == extraction_id,
        other.excluded_by.is_(None),
        other.standing != MemberStanding.REMOVED,
    )


def _shown(shown: Shown) -> ColumnElement[bool]:
    member = ExtractionMember.__table__.c
    here = and_(member.excluded_by.is_(None), member.standing != MemberStanding.REMOVED)
    match shown:
        case Shown.ON_LIST:
            return here
        case Shown.DOUBTFUL:
            return and_(here, member.detail["doubtful"].as_boolean().is_(True))
        case Shown.PROTECTED:
            return and_(here, _protected())
        case Shown.BY_HAND:
            return member.standing != MemberStanding.BY_RULES
        case Shown.OFF_LIST:
            return or_(member.excluded_by.is_not(None), member.standing == MemberStanding.REMOVED)


def _protected() -> ColumnElement[bool]:
    """Tell who was under a support measure when the list was saved, or is now."""
    return or_(ExtractionMember.__table__.c.support_measure, Resident.__table__.c.support_measure_flag)


def _select(extraction_id: int) -> Select[Any]:
    member, person = ExtractionMember.__table__.c, Resident.__table__.c
    contact = ResidentContact.__table__.c
    return (
        select(
            member.resident_id,
            person.atena_number,
            person.name,
            person.name_kana,
            member.date_of_birth_written,
            member.sex,
            person.is_foreign_national,
            person.resident_category,
            _protected(),
            member.excluded_by,
            member.detail,
            member.dose_number,
            member.standing,
            member.standing_reason,
            contact.current_address,
        )
        .select_from(
            ExtractionMember.__table__.join(Resident.__table__, person.id == member.resident_id).outerjoin(
                ResidentContact.__table__, contact.resident_id == member.resident_id
            ),
        )
        .where(member.extraction_id == extraction_id)
        .order_by(member.resident_id)
    )


def _page(
    session: Session, statement: Select[Any], sight: Sight, after: int | None, limit: int
) -> MemberPage:
    if after is not None:
        statement = statement.where(ExtractionMember.__table__.c.resident_id > after)
    rows = session.execute(statement.limit(limit + 1)).all()
    members = [_member(row, sight) for row in rows[:limit]]
    return MemberPage(members, members[-1].resident_id if len(rows) > limit else None)


def _member(row: Sequence[Any], sight: Sight) -> MemberRow:
    protected = bool(row[8])
    return MemberRow(
        resident_id=row[0],
        atena_number=row[1],
        name=row[2],
        name_kana=row[3],
        date_of_birth_written=row[4],
        sex=row[5],
        is_foreign_national=row[6],
        resident_category=row[7],
        protected=protected,
        excluded_by=Rule(row[9]) if row[9] else None,
        detail=row[10] or {},
        dose_number=row[11],
        standing=row[12],
        standing_reason=row[13],
        current_address=row[14] if sight.sees_address_of(protected_person=protected) else None,
    )


def _birth(birth: PartialDate) -> ColumnElement[bool]:
    """Match what the register may have written: the day asked for, or the same with parts unknown."""
    written = ExtractionMember.__table__.c.date_of_birth_written
    if birth.month is None:
        return written.startswith(f"{birth.year:04}-")
    if birth.day is None:
        return written.startswith(f"{birth.year:04}-{birth.month:02}-")
    return written.in_((str(birth), f"{birth.year:04}-{birth.month:02}-00", f"{birth.year:04}-00-00"))
