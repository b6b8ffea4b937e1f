"""The resident register out of the portal's own tables: what it was last told is what it tells."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session
from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound, NotOffered, Refused
from yvaxportal.adapters.interfaces import IResidentRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.resident_register import (
    ChangePage,
    ForeignDetails,
    RegisteredContact,
    RegisteredMeasure,
    RegisteredPerson,
    Residency,
    Snapshot,
)
from yvaxportal.adapters.own_tables import LocalAdapter
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.models.resident import ForeignResident, Resident, ResidentContact, SupportMeasure
from yvaxportal.values.personal_number import PersonalNumber

CHUNK = 1_000
# Nothing is ever processed after this place: whoever changes the tables is the portal itself.
_END = "local"


@implementer(IResidentRegister)
class LocalResidentRegister(LocalAdapter):
    """Answers from the residents the portal holds; people outside the register (住登外者) are none of it."""

    def resident(self, atena_number: str, context: CallContext) -> RegisteredPerson:
        """See ``IResidentRegister``."""
        del context
        with Session(self.engine) as session:
            for row in session.execute(_people().where(Resident.atena_number == atena_number)):
                return self._person(row)
        raise NotFound(self.system, "person")

    def resident_by_personal_number(self, number: PersonalNumber, context: CallContext) -> RegisteredPerson:
        """Refuse: without another register only the portal's own vault knows whose a number is."""
        del number, context
        raise NotOffered(self.system, "resident_by_personal_number")

    def household(self, household_number: str, context: CallContext) -> tuple[RegisteredPerson, ...]:
        """See ``IResidentRegister``."""
        del context
        present = (
            _people()
            .where(
                Resident.household_number == household_number,
                Resident.resident_category == ResidentCategory.RESIDENT,
            )
            .order_by((Resident.relationship_to_head == "世帯主").desc().nulls_last(), Resident.id)
        )
        with Session(self.engine) as session:
            people = tuple(self._person(row) for row in session.execute(present))
        if not people:
            raise NotFound(self.system, "household")
        return people

    def changes(self, after: str | None, limit: int, context: CallContext) -> ChangePage:
        """Return no change: there is no other side that could know of one."""
        del limit, context
        if after not in {None, _END}:
            raise Refused(self.system, "unknown_cursor")
        return ChangePage(changes=(), next_cursor=_END, more=False, as_of=self.clock())

    def snapshot(self, resume: tuple[str, str] | None, context: CallContext) -> Snapshot:
        """See ``IResidentRegister``; one reading of the tables, so a snapshot cannot be taken up again."""
        del context
        if resume is not None:
            raise Refused(self.system, "snapshot_gone")
        now = self.clock()
        # Begun here, so that the count and the people are of one reading, and ended with the stream.
        reading = self._read()
        return Snapshot(
            snapshot_id=now.isoformat(),
            as_of=now,
            expected=next(reading),
            change_cursor=_END,
            people=reading,
        )

    def _read(self) -> Iterator[Any]:
        """Give the number of people, then each of them."""
        engine = self.engine.execution_options(isolation_level="REPEATABLE READ")
        everybody = _people().order_by(Resident.atena_number.collate("C"))
        with Session(engine) as session:
            yield session.scalar(select(func.count()).select_from(everybody.subquery())) or 0
            with session.execute(everybody.execution_options(yield_per=CHUNK)) as rows:
                for row in rows:
                    yield self._person(row)

    def _person(self, row: Row[*tuple[Any, ...]]) -> RegisteredPerson:
        resident: Resident = row.Resident
        return RegisteredPerson(
            atena_number=resident.atena_number,
            household_number=resident.household_number,
            name=resident.name,
            date_of_birth_written=resident.date_of_birth_written,
            sex=resident.sex,
            resident_category=resident.resident_category,
            version=resident.revision,
            as_of=resident.register_as_of,
            municipality_code=self.municipality_code,
            name_kana=resident.name_kana,
            name_alphabet=resident.name_alphabet,
            alias_name=resident.alias_name,
            former_name=resident.former_name,
            relationship_to_head=resident.relationship_to_head,
            residency=Residency(
                became_reason=resident.became_resident_reason,
                became_on=resident.became_resident_on,
                became_notified_on=resident.became_resident_notified_on,
                ceased_reason=resident.ceased_resident_reason,
                ceased_on=resident.ceased_resident_on,
                ceased_notified_on=resident.ceased_resident_notified_on,
            ),
            contact=_named(RegisteredContact, row.ResidentContact) or RegisteredContact(),
            foreign=_named(ForeignDetails, row.ForeignResident),
            support_measure=_named(RegisteredMeasure, row.SupportMeasure),
        )


def _people() -> Select[*tuple[Any, ...]]:
    """Return everybody the register knows, with what stands beside them and the latest measure in force."""
    latest = (
        select(func.max(SupportMeasure.id))
        .where(SupportMeasure.resident_id == Resident.id, SupportMeasure.lifted_at.is_(None))
        .correlate(Resident)
        .scalar_subquery()
    )
    return (
        select(Resident, ResidentContact, ForeignResident, SupportMeasure)
        .outerjoin(ResidentContact, ResidentContact.resident_id == Resident.id)
        .outerjoin(ForeignResident, ForeignResident.resident_id == Resident.id)
        .outerjoin(SupportMeasure, SupportMeasure.id == latest)
        .where(Resident.resident_category != ResidentCategory.NON_REGISTERED)
    )


def _named(message: Any, row: object | None) -> Any:
    """Return a message made of a row's columns of the same names; None without a row."""
    if row is None:
        return None
    return message(**{name: getattr(row, name) for name in message.__dataclass_fields__})
