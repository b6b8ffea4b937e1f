"""The integrated atena system on the portal's own tables, where the municipality has no other.

Numbers for people outside the resident register begin with 8, have ten digits and a check digit. There is no
way from here to the chukan server.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound, NotOffered, Refused
from yvaxportal.adapters.interfaces import IAtena
from yvaxportal.adapters.messages.atena import (
    Assignment,
    AssignmentKind,
    Envelope,
    NameInformation,
    NewPerson,
    NoticeKind,
    NoticePage,
    NumberNotice,
)
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.own_keys import LocalExchange, cursor_after
from yvaxportal.models.atena import AtenaPerson
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.models.resident import Resident, ResidentContact
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.values.checkdigits import atena_check_digit
from yvaxportal.values.personal_number import PersonalNumber

_FIRST = 800_000_000
_MERGES = 1_000


@implementer(IAtena)
class LocalAtena(LocalExchange):
    """Assigns numbers and keeps name information; residents are known by the numbers they have."""

    def assign(self, person: NewPerson, idempotency_key: str, context: CallContext) -> Assignment:
        """See ``IAtena``."""
        del context
        index = None if person.personal_number is None else self._index(person.personal_number)
        answer = self.once(
            idempotency_key, "assign", person, lambda session: self._assigned(session, person, index)
        )
        return Assignment(
            answer["atena_number"],
            AssignmentKind(answer["kind"]),
            datetime.fromisoformat(answer["assigned_at"]),
        )

    def name_information(self, atena_number: str, context: CallContext) -> NameInformation:
        """See ``IAtena``."""
        del context
        with Session(self.engine) as session:
            found = self._information(session, _remaining(session, atena_number))
        if found is None:
            raise NotFound(self.system, "person")
        return found

    def name_information_by_personal_number(
        self, number: PersonalNumber, context: CallContext
    ) -> NameInformation:
        """See ``IAtena``; residents' numbers are the vault's, so only people assigned here are found."""
        del context
        with Session(self.engine) as session:
            row = session.scalars(
                select(AtenaPerson).where(AtenaPerson.number_index == self._index(number))
            ).one_or_none()
            if row is None:
                raise NotFound(self.system, "person")
            return _information_of(row)

    def keep(self, information: NameInformation, idempotency_key: str, context: CallContext) -> None:
        """See ``IAtena``."""
        del context

        def change(session: Session) -> dict[str, Any]:
            row = self._changeable(session, information.atena_number)
            if information.as_of < row.as_of:
                raise Refused(self.system, "outdated")
            for name, value in _information_values(information).items():
                if name not in {"atena_number", "is_registered_resident"}:
                    setattr(row, name, value)
            return {}

        self.once(idempotency_key, "keep", information, change)

    def bind_personal_number(
        self, atena_number: str, number: PersonalNumber, idempotency_key: str, context: CallContext
    ) -> None:
        """See ``IAtena``; a resident's number is the vault's business."""
        del context
        index = self._index(number)

        def bind(session: Session) -> dict[str, Any]:
            row = self._changeable(session, atena_number)
            holder = session.scalar(select(AtenaPerson.atena_number).where(AtenaPerson.number_index == index))
            if holder not in {None, atena_number}:
                raise Refused(self.system, "number_bound")
            row.number_index = index
            return {}

        self.once(idempotency_key, "bind", [atena_number, number], bind)

    def notices(self, after: str | None, limit: int, context: CallContext) -> NoticePage:
        """See ``IAtena``: the merges that the resident register told the portal of."""
        del context
        first = self.place(after, limit)
        kept, gone = Resident.__table__.alias("kept"), Resident.__table__.alias("gone")
        merges = (
            select(
                ResidentMerge.id,
                ResidentMerge.change_id,
                ResidentMerge.merged_at,
                kept.c.atena_number.label("kept"),
                gone.c.atena_number.label("gone"),
            )
            .join(kept, kept.c.id == ResidentMerge.kept_resident_id)
            .join(gone, gone.c.id == ResidentMerge.merged_resident_id)
            .where(ResidentMerge.id > first, ResidentMerge.undone_at.is_(None))
            .order_by(ResidentMerge.id)
            .limit(limit + 1)
        )
        with Session(self.engine) as session:
            newest = session.scalar(select(func.max(ResidentMerge.id))) or 0
            rows = session.execute(merges).all()
        if first > newest:
            raise Refused(self.system, "unknown_cursor")
        shown = rows[:limit]
        return NoticePage(
            notices=tuple(
                NumberNotice(row.change_id, NoticeKind.MERGED, row.kept, row.gone, row.merged_at)
                for row in shown
            ),
            next_cursor=cursor_after(shown[-1].id if shown else first),
            more=len(rows) > limit,
            as_of=self.clock(),
        )

    def pass_to_chukan(self, envelope: Envelope, idempotency_key: str, context: CallContext) -> Envelope:
        """Refuse: there is no chukan server behind the portal's own tables."""
        del envelope, idempotency_key, context
        raise NotOffered(self.system, "pass_to_chukan")

    def collect_from_chukan(
        self, after: str | None, limit: int, context: CallContext
    ) -> tuple[Envelope, ...]:
        """Refuse: as ``pass_to_chukan``."""
        del after, limit, context
        raise NotOffered(self.system, "collect_from_chukan")

    def _index(self, number: PersonalNumber) -> bytes:
        if self.number_index is None:
            raise NotOffered(self.system, "looking up by personal number")
        return self.number_index(number)

    def _assigned(self, session: Session, person: NewPerson, index: bytes | None) -> dict[str, Any]:
        now = self.clock()
        known = self._known(session, person, index)
        if known is not None:
            number, since = known
            return _assignment(number, AssignmentKind.ALREADY_HAD_ONE, since)
        row = AtenaPerson(
            atena_number=self._next_number(session),
            sex=person.sex,
            number_index=index,
            as_of=now,
            assigned_at=now,
            **{name: value for name, value in _person_values(person).items() if name != "sex"},
        )
        session.add(row)
        session.flush()
        return _assignment(row.atena_number, AssignmentKind.ASSIGNED, now)

    def _known(self, session: Session, person: NewPerson, index: bytes | None) -> tuple[str, datetime] | None:
        """Return the number that the same person has already, and since when."""
        if index is not None:
            row = session.scalars(select(AtenaPerson).where(AtenaPerson.number_index == index)).one_or_none()
            if row is not None:
                if row.date_of_birth_written != person.date_of_birth_written:
                    raise Refused(self.system, "contradiction")
                return row.atena_number, row.assigned_at
        same = session.execute(
            select(AtenaPerson)
            .where(
                AtenaPerson.name == person.name,
                AtenaPerson.date_of_birth_written == person.date_of_birth_written,
                AtenaPerson.sex == person.sex,
                AtenaPerson.address == person.address,
            )
            .order_by(AtenaPerson.id)
        ).scalars()
        for row in same:
            # Two people of one name and house with different personal numbers are two people.
            if index is None or row.number_index in {None, index}:
                row.number_index = row.number_index or index
                return row.atena_number, row.assigned_at
        resident = session.execute(
            select(Resident.atena_number, Resident.register_as_of)
            .join(ResidentContact, ResidentContact.resident_id == Resident.id)
            .where(
                Resident.name == person.name,
                Resident.date_of_birth_written == person.date_of_birth_written,
                Resident.sex == person.sex,
                ResidentContact.current_address == person.address,
            )
            .order_by(Resident.id)
            .limit(1)
        ).one_or_none()
        return None if resident is None else (resident.atena_number, resident.register_as_of)

    def _next_number(self, session: Session) -> str:
        serial = (session.scalar(select(func.max(AtenaPerson.id))) or 0) + 1
        while True:
            base = f"{_FIRST + serial}"
            number = base + atena_check_digit(base)
            taken = select(Resident.id).where(Resident.atena_number == number)
            mine = select(AtenaPerson.id).where(AtenaPerson.atena_number == number)
            if session.scalar(taken) is None and session.scalar(mine) is None:
                return number
            serial += 1

    def _assigned_here(self, session: Session, atena_number: str) -> AtenaPerson | None:
        return session.scalars(
            select(AtenaPerson).where(AtenaPerson.atena_number == atena_number)
        ).one_or_none()

    def _changeable(self, session: Session, atena_number: str) -> AtenaPerson:
        row = self._assigned_here(session, atena_number)
        if row is None:
            # What is known of a resident is the register's to say.
            if self._information(session, atena_number) is None:
                raise NotFound(self.system, "person")
            raise Refused(self.system, "registered_resident")
        return row

    def _information(self, session: Session, atena_number: str) -> NameInformation | None:
        row = self._assigned_here(session, atena_number)
        if row is not None:
            return _information_of(row)
        found = session.execute(
            select(Resident, ResidentContact)
            .outerjoin(ResidentContact, ResidentContact.resident_id == Resident.id)
            .where(Resident.atena_number == atena_number)
        ).one_or_none()
        return None if found is None else _information_of_resident(found.Resident, found.ResidentContact)


def _remaining(session: Session, atena_number: str) -> str:
    """Follow merges to the number that remains."""
    for _ in range(_MERGES):
        gone, kept = Resident.__table__.alias("gone"), Resident.__table__.alias("kept")
        into = session.scalar(
            select(kept.c.atena_number)
            .join_from(ResidentMerge, gone, gone.c.id == ResidentMerge.merged_resident_id)
            .join(kept, kept.c.id == ResidentMerge.kept_resident_id)
            .where(gone.c.atena_number == atena_number, ResidentMerge.undone_at.is_(None))
            .order_by(ResidentMerge.id.desc())
            .limit(1)
        )
        if into is None:
            return atena_number
        atena_number = into
    return atena_number


def _assignment(number: str, kind: AssignmentKind, since: datetime) -> dict[str, Any]:
    return {"atena_number": number, "kind": kind.value, "assigned_at": since.isoformat()}


def _person_values(person: NewPerson) -> dict[str, Any]:
    names = [name for name in NewPerson.__dataclass_fields__ if name != "personal_number"]
    return {name: getattr(person, name) for name in names}


def _information_values(information: NameInformation) -> dict[str, Any]:
    return {name: getattr(information, name) for name in NameInformation.__dataclass_fields__}


def _information_of(row: AtenaPerson) -> NameInformation:
    names = [name for name in NameInformation.__dataclass_fields__ if name != "is_registered_resident"]
    return NameInformation(**{name: getattr(row, name) for name in names})


def _information_of_resident(person: Resident, contact: ResidentContact | None) -> NameInformation:
    return NameInformation(
        atena_number=person.atena_number,
        name=person.name,
        date_of_birth_written=person.date_of_birth_written,
        sex=person.sex,
        address=(contact.current_address if contact else None) or "",
        as_of=person.register_as_of,
        name_kana=person.name_kana,
        alias_name=person.alias_name,
        postal_code=contact.postal_code if contact else None,
        address_code=contact.address_code if contact else None,
        is_registered_resident=person.resident_category is ResidentCategory.RESIDENT,
    )
