"""Reading saved lists of targets: all of them, one of them, and the towns and schools to choose from."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import ExtractionState, MemberStanding, ResidentCategory
from yvaxportal.models.extraction import ExtractionMember, TargetExtraction
from yvaxportal.models.resident import Resident, ResidentContact
from yvaxportal.models.staff import StaffAccount
from yvaxportal.services.extraction.cohort import included
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.funnel import Step
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.extraction.states import StatesAge

PAGE_SIZE = 50
#: What is kept with the criteria and is none.
_BESIDE = frozenset({"bounds", "states"})


@dataclass(frozen=True, slots=True)
class ListRow:
    """One saved list. ``base`` and ``by_rules`` are of the moment it was saved."""

    id: int
    title: str
    programme: str
    reference_date: date
    saved_criteria: Mapping[str, Any]
    schedule_version: str
    funnel: Sequence[Mapping[str, Any]]
    data_as_of: datetime
    state: ExtractionState
    created_by: str
    created_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None
    withdraw_reason: str | None
    revision: int

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return what each rule took out."""
        return tuple(Step(Rule(step["rule"]), step["out"], step["left"]) for step in self.funnel)

    @property
    def base(self) -> int:
        """Return how many came into question."""
        return sum(step.out for step in self.steps) + self.by_rules

    @property
    def by_rules(self) -> int:
        """Return how many the rules left on the list."""
        return int(self.funnel[-1]["left"])

    @property
    def criteria(self) -> Criteria:
        """Return what was asked."""
        return Criteria.from_json(
            {name: value for name, value in self.saved_criteria.items() if name not in _BESIDE}
        )

    @property
    def states(self) -> tuple[StatesAge, ...]:
        """Return how old the states were that the list went by; empty where it went by none."""
        return tuple(StatesAge.from_json(age) for age in self.saved_criteria.get("states", ()))

    @property
    def bounds(self) -> Mapping[str, Any]:
        """Return birth dates and sex of the base cohort, as ``Bounds.as_json`` wrote them."""
        bounds: Mapping[str, Any] = self.saved_criteria["bounds"]
        return bounds


@dataclass(frozen=True, slots=True)
class Counts:
    """How a list stands now: who is on it, and what was done by hand."""

    on_list: int
    doubtful: int
    protected: int
    added: int
    removed: int


def lists(session: Session, *, before: int | None = None, limit: int = PAGE_SIZE) -> Sequence[ListRow]:
    """Return saved lists, the newest first; ``before`` is the last id of the page before."""
    statement = _lists().order_by(TargetExtraction.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(TargetExtraction.id < before)
    return [ListRow(*row) for row in session.execute(statement)]


def lists_of(session: Session, programme: str, limit: int = PAGE_SIZE) -> Sequence[ListRow]:
    """Return the lists of one programme that were not withdrawn, the newest first."""
    rows = session.execute(
        _lists()
        .where(TargetExtraction.programme == programme, TargetExtraction.state == ExtractionState.SAVED)
        .order_by(TargetExtraction.id.desc())
        .limit(limit),
    )
    return [ListRow(*row) for row in rows]


def list_of(session: Session, extraction_id: int) -> ListRow | None:
    """Return one list, None when there is none."""
    row = session.execute(_lists().where(TargetExtraction.id == extraction_id)).one_or_none()
    return ListRow(*row) if row else None


def counts_of(session: Session, extraction_id: int) -> Counts:
    """Return how a list stands."""
    member = ExtractionMember.__table__.c
    number, here = func.count(), included()
    row = session.execute(
        select(
            number.filter(here),
            number.filter(here, member.detail["doubtful"].as_boolean().is_(True)),
            number.filter(here, member.support_measure),
            number.filter(member.standing == MemberStanding.ADDED),
            number.filter(member.standing == MemberStanding.REMOVED),
        ).where(member.extraction_id == extraction_id),
    ).one()
    return Counts(*row)


@dataclass(frozen=True, slots=True)
class Town:
    """A town of the address, by its code; ``name`` is read off an address there."""

    code: str
    name: str


def towns_of(session: Session, prefixes: Iterable[str]) -> Sequence[Town]:
    """Return the towns people live in, by code. Nobody's who is under a support measure is looked at.

    :param prefixes: beginnings of addresses (prefecture and municipality) that the names go without.
    """
    contact, person = ResidentContact.__table__.c, Resident.__table__.c
    rows = session.execute(
        select(contact.address_town_code, func.min(contact.current_address))
        .join_from(ResidentContact.__table__, Resident.__table__, person.id == contact.resident_id)
        .where(
            contact.address_town_code.is_not(None),
            person.resident_category == ResidentCategory.RESIDENT,
            person.support_measure_flag.is_(False),
        )
        .group_by(contact.address_town_code)
        .order_by(contact.address_town_code),
    )
    beginnings = sorted(prefixes, key=len, reverse=True)
    return [Town(code, town_name(address or "", beginnings) or code) for code, address in rows]


_BEFORE_NUMBER = re.compile(r"[^0-9０-９]*")


def town_name(address: str, prefixes: Sequence[str]) -> str:
    """Return the town of an address: 鳥取県米子市錦町一丁目139番地3 gives 錦町一丁目."""
    for prefix in prefixes:
        if address.startswith(prefix):
            address = address[len(prefix) :]
            break
    found = _BEFORE_NUMBER.match(address)
    return found.group().strip() if found else ""


def schools_of(session: Session) -> Sequence[str]:
    """Return the names of all school districts, elementary schools first."""
    contact = ResidentContact.__table__.c
    found: list[str] = []
    for column in (contact.elementary_school_district, contact.junior_high_school_district):
        found += session.scalars(select(column).where(column.is_not(None)).distinct().order_by(column))
    return list(dict.fromkeys(found))


def _lists() -> Any:
    withdrawer = aliased(StaffAccount)
    return (
        select(
            TargetExtraction.id,
            TargetExtraction.title,
            TargetExtraction.programme,
            TargetExtraction.reference_date,
            TargetExtraction.criteria,
            TargetExtraction.schedule_version,
            TargetExtraction.funnel,
            TargetExtraction.data_as_of,
            TargetExtraction.state,
            StaffAccount.display_name,
            TargetExtraction.created_at,
            withdrawer.display_name,
            TargetExtraction.withdrawn_at,
            TargetExtraction.withdraw_reason,
            TargetExtraction.revision,
        )
        .join(StaffAccount, StaffAccount.id == TargetExtraction.created_by)
        .outerjoin(withdrawer, withdrawer.id == TargetExtraction.withdrawn_by)
    )
