"""The doses that bear on one programme: its own, and those near enough to them to break an interval."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import String, and_, func, select, type_coerce, union
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseState, Judgement
from yvaxportal.models.dose import Dose
from yvaxportal.models.readings import in_lots
from yvaxportal.programme.person import GivenDose


@dataclass(frozen=True, slots=True)
class Doses:
    """Doses until the reference date by resident, the earliest first; ``since``: the first one after it."""

    given: Mapping[int, list[GivenDose]]
    since: Mapping[int, date]


def bearing_doses(
    session: Session,
    ids: Sequence[int],
    *,
    vaccines: Collection[str],
    apart: int,
    first_day: date,
    day: date,
    today: date,
) -> Doses:
    """Return the doses that bear on a programme, of each of some residents who has any.

    Of the many doses of a person few are read: those of ``vaccines``, and of any vaccine those at most
    ``apart`` days before one of these or before ``day``.

    :param first_day: of the season; doses of ``vaccines`` before it bear on nothing.
    """
    dose = Dose.__table__.c
    counts = and_(dose.state == DoseState.ACTIVE, dose.judgement == Judgement.GIVEN)
    mine = and_(dose.resident_id == func.any(list(ids)), counts)
    own = (
        select(dose.id, dose.resident_id, dose.given_on)
        .where(mine, dose.vaccine.in_(list(vaccines)), dose.given_on.between(first_day, today))
        .cte("own")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    near = select(dose.id).join_from(
        own,
        Dose.__table__,
        and_(
            dose.resident_id == own.c.resident_id,
            dose.given_on.between(own.c.given_on - apart, own.c.given_on),
            counts,
        ),
    )
    late = select(dose.id).where(mine, dose.given_on.between(day - timedelta(days=apart), day))
    wanted = union(select(own.c.id), near, late).subquery()
    rows = session.execute(
        select(
            dose.resident_id,
            dose.vaccine,
            dose.given_on,
            dose.dose_number,
            type_coerce(dose.dose_category, String),
        )
        .join_from(wanted, Dose.__table__, dose.id == wanted.c.id)
        .order_by(dose.resident_id, dose.given_on, dose.id),
    )
    given: dict[int, list[GivenDose]] = {}
    since: dict[int, date] = {}
    for resident_id, vaccine, given_on, number, category in in_lots(rows):
        if given_on <= day:
            given.setdefault(resident_id, []).append(GivenDose(vaccine, given_on, number, category))
        elif vaccine in vaccines:
            since.setdefault(resident_id, given_on)
    return Doses(given, since)
