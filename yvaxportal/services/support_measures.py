"""Support measures for victims of violence (支援措置): one year, renewed, lifted only by a person.

The measure hides address, school district and contact (item 33). An end date that passes lifts nothing: it
only says that a renewal is due.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.resident import Resident, SupportMeasure
from yvaxportal.services.detail_changes import lock_resident, refuse_stale

#: A renewal may be asked for from one month before the end (住民記録システム標準仕様書).
RENEWAL_WINDOW = timedelta(days=31)
_FEBRUARY, _LEAP_DAY = 2, 29


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One period of a measure. ``lifted_at`` is None while it stands."""

    starts_on: date
    ends_on: date
    provisional: bool
    lifted_at: datetime | None


class MeasureStandsError(Exception):
    """The person is under a measure already: renew it instead."""


class NoMeasureError(Exception):
    """The person is under no measure."""


def measures_of(session: Session, resident_id: int) -> Sequence[MeasureRow]:
    """Return the measures of a resident, the latest first."""
    columns = [getattr(SupportMeasure, name) for name in MeasureRow.__dataclass_fields__]
    rows = session.execute(
        select(*columns)
        .where(SupportMeasure.resident_id == resident_id)
        .order_by(SupportMeasure.starts_on.desc(), SupportMeasure.id.desc()),
    )
    return [MeasureRow(*row) for row in rows]


def last_day(starts_on: date) -> date:
    """Return the last day of the year that begins on ``starts_on``: 2020-04-01 gives 2021-03-31."""
    if (starts_on.month, starts_on.day) == (_FEBRUARY, _LEAP_DAY):
        return date(starts_on.year + 1, 2, 28)
    return starts_on.replace(year=starts_on.year + 1) - timedelta(days=1)


def next_period(measures: Sequence[MeasureRow], today: date) -> tuple[date, date]:
    """Return first and last day of a renewal: the year after the standing measure's end, or from today."""
    ends = [measure.ends_on for measure in measures if measure.lifted_at is None]
    first = max(max(ends) + timedelta(days=1), today) if ends else today
    return first, last_day(first)


def start_measure(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    *,
    starts_on: date,
    ends_on: date,
    provisional: bool,
    revision: int,
) -> None:
    """Put a person under a support measure; the flag stands from this moment on.

    :param provisional: a provisional measure (仮支援措置), from the application until the decision.
    :param revision: of the resident's row that the form was made from.
    :raises MeasureStandsError: the person is under one already.
    :raises ChangedMeanwhileError: somebody else changed the person first.
    """
    resident = lock_resident(session, resident_id)
    if resident.support_measure_flag:
        raise MeasureStandsError
    refuse_stale({}, resident.revision, revision)
    resident.support_measure_flag = True
    _add(session, audit, resident, starts_on, ends_on, provisional=provisional, act="start")


def renew_measure(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    *,
    starts_on: date,
    ends_on: date,
    provisional: bool,
    revision: int,
) -> None:
    """Add a further period to a standing measure; the earlier ones stay as they are.

    :raises NoMeasureError: the person is under none.
    :raises ChangedMeanwhileError: somebody else changed the person, or renewed, first.
    """
    resident = lock_resident(session, resident_id)
    if not resident.support_measure_flag:
        raise NoMeasureError
    refuse_stale({}, standing_revision(session, resident.id), revision)
    _add(session, audit, resident, starts_on, ends_on, provisional=provisional, act="renew")


def lift_measure(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    *,
    reason: str,
    now: datetime,
    revision: int,
) -> None:
    """Lift the measure of a person: their address shows again to everybody with the ordinary right.

    :raises NoMeasureError: the person is under none.
    :raises ChangedMeanwhileError: somebody else renewed it meanwhile.
    """
    resident = lock_resident(session, resident_id)
    if not resident.support_measure_flag:
        raise NoMeasureError
    refuse_stale({}, standing_revision(session, resident.id), revision)
    standing = session.scalars(
        select(SupportMeasure).where(
            SupportMeasure.resident_id == resident.id,
            SupportMeasure.lifted_at.is_(None),
        ),
    ).all()
    for measure in standing:
        measure.lifted_at = now
    resident.support_measure_flag = False
    session.flush()
    audit.record(
        Action.SUPPORT_MEASURE_CHANGED,
        resident_id=resident.id,
        detail={"act": "lift", "reason": reason, "periods": len(standing)},
        before={"support_measure_flag": True},
        after={"support_measure_flag": False},
    )


def standing_revision(session: Session, resident_id: int) -> int:
    """Return what a form about a standing measure carries: it grows with each period."""
    newest = session.scalar(
        select(SupportMeasure.id)
        .where(SupportMeasure.resident_id == resident_id)
        .order_by(SupportMeasure.id.desc())
        .limit(1),
    )
    return newest or 0


def _add(
    session: Session,
    audit: AuditTrail,
    resident: Resident,
    starts_on: date,
    ends_on: date,
    *,
    provisional: bool,
    act: str,
) -> None:
    session.add(
        SupportMeasure(
            resident_id=resident.id,
            starts_on=starts_on,
            ends_on=ends_on,
            provisional=provisional,
        ),
    )
    session.flush()
    audit.record(
        Action.SUPPORT_MEASURE_CHANGED,
        resident_id=resident.id,
        detail={"act": act},
        before={"support_measure_flag": act == "renew"},
        after={
            "support_measure_flag": True,
            "starts_on": starts_on,
            "ends_on": ends_on,
            "provisional": provisional,
        },
    )
