"""Reading residents: the row that a page stands on, and the panels of the resident page."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from yvaxportal.models.base import columns_for
from yvaxportal.models.codes import ResidentCategory, Sex
from yvaxportal.models.readings import Reading
from yvaxportal.models.resident import Resident

MAX_ATENA_DIGITS = 15
HOUSEHOLD_SHOWN = 30


@dataclass(frozen=True, slots=True)
class ResidentRow:
    """One resident as the register has them (items 2 to 8, 16 to 23, 27, 33). No address, no number."""

    id: int
    atena_number: str
    business_atena_number: str
    household_number: str
    name: str
    name_kana: str | None
    name_alphabet: str | None
    alias_name: str | None
    former_name: str | None
    date_of_birth_written: str
    date_of_birth: date | None
    sex: Sex
    relationship_to_head: str | None
    became_resident_reason: str | None
    became_resident_on: date | None
    became_resident_notified_on: date | None
    ceased_resident_reason: str | None
    ceased_resident_on: date | None
    ceased_resident_notified_on: date | None
    resident_category: ResidentCategory
    is_foreign_national: bool
    support_measure_flag: bool
    register_as_of: datetime
    revision: int

    @property
    def died_on(self) -> date | None:
        """Return the day of death, when the register says so."""
        return self.ceased_resident_on if self.resident_category is ResidentCategory.DECEASED else None


_resident = Resident.__table__.c
_BY_ATENA_NUMBER = select(*columns_for(Resident, ResidentRow)).where(
    _resident.atena_number == bindparam("atena_number")
)


def find_by_atena_number(session: Session, atena_number: str) -> ResidentRow | None:
    """Return the resident with this atena number, None when there is none or it cannot be one."""
    if not (atena_number.isascii() and atena_number.isdigit() and len(atena_number) <= MAX_ATENA_DIGITS):
        return None
    values = {"atena_number": atena_number}
    row = session.connection().execute(_BY_ATENA_NUMBER, values).one_or_none()
    return ResidentRow(*row) if row else None


@dataclass(frozen=True, slots=True)
class HouseholdMember:
    """Another person of the same household; under a support measure the household is not joined."""

    atena_number: str
    name: str
    relationship_to_head: str | None
    date_of_birth_written: str
    resident_category: ResidentCategory


#: The others registered in a household. Nothing is joined across a support measure: a protected person is on
#: no page of the household, and for theirs this is not to be asked.
HOUSEHOLD = Reading(
    HouseholdMember,
    select(*columns_for(Resident, HouseholdMember))
    .where(
        _resident.household_number == bindparam("household_number"),
        _resident.id != bindparam("resident_id"),
        _resident.resident_category == ResidentCategory.RESIDENT,
        _resident.support_measure_flag.is_(False),
    )
    .order_by(_resident.id)
    .limit(HOUSEHOLD_SHOWN),
)


def atena_number_of(session: Session, resident_id: int) -> str:
    """Return the atena number behind an id; NoResultFound when there is none."""
    return session.scalars(select(Resident.atena_number).where(Resident.id == resident_id)).one()
