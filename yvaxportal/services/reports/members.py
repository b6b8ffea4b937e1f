"""The people behind a figure: from a place of a frozen table to its members, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, null, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseState, ReportSubject
from yvaxportal.models.dose import Dose
from yvaxportal.models.report import ReportCell, ReportMember
from yvaxportal.models.resident import Resident, ResidentContact
from yvaxportal.services.reports.atoms import atom
from yvaxportal.services.reports.definition import Definition
from yvaxportal.services.reports.table import TOTAL, belongs

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Member:
    """One member as it stands now: a dose with its person, or a person.

    Empty where retention removed it. ``changed``: the row was changed since the table was made.
    ``school_district`` is withheld (None) from those who may not see it.
    """

    subject_id: int
    subject: ReportSubject
    atena_number: str | None
    name: str | None
    date_of_birth_written: str | None
    support_measure: bool
    area: str | None
    vaccine: str | None
    dose_number: int | None
    given_on: date | None
    cancelled: bool
    changed: bool


@dataclass(frozen=True, slots=True)
class MemberPage:
    """A page of members; ``next_after`` is the id to go on after, None at the end."""

    members: Sequence[Member]
    next_after: int | None


def cells_of(session: Session, snapshot_id: int, definition: Definition, row: str, column: str) -> list[int]:
    """Return the ids of the smallest figures that a place of the table is the sum of.

    :param row: key of a row, or of the row of sums; :param column: key of a column that counts.
    :raises KeyError: no such column.
    """
    wanted = definition.columns[column]
    cells = ReportCell.__table__.c
    query = select(cells.id, cells.row_key, cells.column_key, cells.value).where(
        cells.snapshot_id == snapshot_id
    )
    if row != TOTAL:
        query = query.where(cells.row_key == row)
    return [found.id for found in session.execute(query) if belongs(atom(found), wanted)]


def members(
    session: Session,
    cells: Sequence[int],
    subject: ReportSubject,
    *,
    after: int = 0,
    contact: bool,
    protected: bool,
    limit: int = PAGE_SIZE,
) -> MemberPage:
    """Return a page of the members of some figures, in the order of their ids.

    :param contact: whether the reader may see where people live; :param protected: also of people under a
        support measure.
    """
    if not cells:
        return MemberPage([], None)
    query = _doses(contact=contact, protected=protected)
    if subject is ReportSubject.RESIDENT:
        query = _residents(contact=contact, protected=protected)
    member = ReportMember.__table__.c
    rows = session.execute(
        query.where(member.cell_id.in_(cells), member.subject_id > after)
        .order_by(member.subject_id)
        .limit(limit + 1)
    ).all()
    found = [
        Member(
            subject_id=row.subject_id,
            subject=subject,
            atena_number=row.atena_number,
            name=row.name,
            date_of_birth_written=row.date_of_birth_written,
            support_measure=bool(row.support_measure_flag),
            area=row.area,
            vaccine=row.vaccine,
            dose_number=row.dose_number,
            given_on=row.given_on,
            cancelled=row.state == DoseState.CANCELLED,
            changed=row.now_revision != row.revision,
        )
        for row in rows[:limit]
    ]
    return MemberPage(found, found[-1].subject_id if len(rows) > limit else None)


def _joined_contact(*, contact: bool, protected: bool) -> ColumnElement[bool]:
    """Return how contacts are joined: those that the reader may not see are never read."""
    resident, joined = (
        Resident.__table__.c,
        ResidentContact.__table__.c.resident_id == Resident.__table__.c.id,
    )
    if not contact:
        joined = and_(joined, resident.support_measure_flag)
    if not protected:
        joined = and_(joined, ~resident.support_measure_flag)
    return joined


def _person(*, contact: bool, protected: bool) -> list[ColumnElement[Any]]:
    resident, area = Resident.__table__.c, ResidentContact.__table__.c.elementary_school_district
    return [
        resident.atena_number,
        resident.name,
        resident.date_of_birth_written,
        resident.support_measure_flag,
        (area if contact or protected else null()).label("area"),
    ]


def _doses(*, contact: bool, protected: bool) -> Select[Any]:
    dose, resident, member = Dose.__table__, Resident.__table__, ReportMember.__table__
    return (
        select(
            member.c.subject_id,
            member.c.revision,
            dose.c.revision.label("now_revision"),
            dose.c.vaccine,
            dose.c.dose_number,
            dose.c.given_on,
            dose.c.state,
            *_person(contact=contact, protected=protected),
        )
        .select_from(member)
        .outerjoin(dose, dose.c.id == member.c.subject_id)
        .outerjoin(resident, resident.c.id == dose.c.resident_id)
        .outerjoin(ResidentContact.__table__, _joined_contact(contact=contact, protected=protected))
    )


def _residents(*, contact: bool, protected: bool) -> Select[Any]:
    resident, member = Resident.__table__, ReportMember.__table__
    return (
        select(
            member.c.subject_id,
            member.c.revision,
            resident.c.revision.label("now_revision"),
            literal(None).label("vaccine"),
            literal(None).label("dose_number"),
            literal(None).label("given_on"),
            literal(None).label("state"),
            *_person(contact=contact, protected=protected),
        )
        .select_from(member)
        .outerjoin(resident, resident.c.id == member.c.subject_id)
        .outerjoin(ResidentContact.__table__, _joined_contact(contact=contact, protected=protected))
    )
