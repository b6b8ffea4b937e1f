"""Whom a check against a running system asks about: people whom the portal knows from it."""

from datetime import date

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from yvaxportal.adapters.conformance.kit import Subjects
from yvaxportal.adapters.conformance.misbehaving import Misbehaving
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.models.resident import Resident
from yvaxportal.values.fiscal import fiscal_year

KNOWN = 5
TEST_NAME = "見本"
_UNKNOWN = "9" * 15


class NoSubjectsError(Exception):
    """The portal has nobody to ask about."""


def choose_subjects(
    engine: Engine,
    municipality_code: str,
    today: date,
    *,
    may_write: bool = False,
    misbehaving: Misbehaving | None = None,
) -> Subjects:
    """Return a few present residents, those with the rarest characters first, and a household of several.

    Test people are residents whose name begins with 見本, as nobody's does.

    :raises NoSubjectsError: fewer than two present residents, or no household of two.
    """
    present = (Resident.resident_category == ResidentCategory.RESIDENT,)
    # Characters beyond the basic plane, and the variants that CP932 alone has, break first.
    rare = func.regexp_count(Resident.name, "[髙﨑𠮷邊齋]")
    with Session(engine) as session:
        known = tuple(
            session.scalars(
                select(Resident.atena_number).where(*present).order_by(rare.desc(), Resident.id).limit(KNOWN)
            )
        )
        household = session.scalar(
            select(Resident.household_number)
            .where(*present)
            .group_by(Resident.household_number)
            .having(func.count() > 1)
            .order_by(func.count().desc(), Resident.household_number)
            .limit(1)
        )
        members = frozenset(
            session.scalars(
                select(Resident.atena_number).where(*present, Resident.household_number == household)
            )
        )
        test_people = tuple(
            session.scalars(
                select(Resident.atena_number)
                .where(*present, Resident.name.startswith(TEST_NAME))
                .order_by(Resident.id)
                .limit(KNOWN)
            )
        )
    if len(known) <= 1 or household is None:
        raise NoSubjectsError("the portal knows too few residents to ask about")
    return Subjects(
        known=known,
        household=(household, members),
        unknown=_UNKNOWN,
        municipality_code=municipality_code,
        fiscal_year=fiscal_year(today),
        may_write=may_write,
        test_people=test_people if may_write else (),
        misbehaving=misbehaving,
    )
