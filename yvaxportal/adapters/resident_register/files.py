"""The resident register as files that it delivers (docs/protocols/folder.md)."""

from collections.abc import Iterator
from datetime import date, datetime
from sqlite3 import Connection
from typing import Any, ClassVar

from zope.interface import implementer

from yvaxportal.adapters.errors import NotFound, NotOffered, Refused
from yvaxportal.adapters.folder.adapter import FilesAdapter
from yvaxportal.adapters.folder.columns import SEPARATOR
from yvaxportal.adapters.folder.ledger import Standing
from yvaxportal.adapters.interfaces import IResidentRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.resident_register import (
    ChangeKind,
    ChangePage,
    ForeignDetails,
    RegisterChange,
    RegisteredContact,
    RegisteredMeasure,
    RegisteredPerson,
    Residency,
    Snapshot,
)
from yvaxportal.adapters.resident_register.file_tables import RegisterTables
from yvaxportal.models.codes import ForeignResidentCategory, ResidentCategory, Sex
from yvaxportal.values.personal_number import PersonalNumber

CHUNK = 1_000
_MOST_CHANGES = 1_000
_CATEGORIES = {
    "1": ResidentCategory.RESIDENT,
    "2": ResidentCategory.MOVED_OUT,
    "3": ResidentCategory.DECEASED,
    "4": ResidentCategory.REMOVED,
}
_FOREIGN_CATEGORIES = {
    "": None,
    "1": ForeignResidentCategory.MID_TO_LONG_TERM,
    "2": ForeignResidentCategory.SPECIAL_PERMANENT,
    "3": ForeignResidentCategory.TEMPORARY_REFUGE,
    "4": ForeignResidentCategory.PROVISIONAL_STAY,
    "5": ForeignResidentCategory.TRANSITIONAL,
}
_CHANGES = {
    "11": ChangeKind.BIRTH,
    "12": ChangeKind.MOVED_IN,
    "21": ChangeKind.DEATH,
    "22": ChangeKind.MOVED_OUT,
    "31": ChangeKind.MOVED_WITHIN,
    "41": ChangeKind.CORRECTED,
    "51": ChangeKind.SUPPORT_MEASURE_STARTED,
    "52": ChangeKind.SUPPORT_MEASURE_ENDED,
    "61": ChangeKind.MERGED,
    "62": ChangeKind.SPLIT,
    "71": ChangeKind.REMOVED,
}
_SEXES = {sex.value: sex for sex in Sex}


@implementer(IResidentRegister)
class FilesResidentRegister(FilesAdapter):
    """Answers from the last delivery of the resident register. Personal numbers are not kept, nor given."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.resident_register"
    REGISTER: ClassVar[type[RegisterTables]] = RegisterTables

    def resident(self, atena_number: str, context: CallContext) -> RegisteredPerson:
        """See ``IResidentRegister``."""
        del context
        with self.state() as (connection, _):
            for record, as_of in connection.execute(
                "SELECT record, as_of FROM person WHERE atena = ?", (atena_number,)
            ):
                return self._person(record, datetime.fromisoformat(as_of))
        raise NotFound(self.system, "person")

    def resident_by_personal_number(self, number: PersonalNumber, context: CallContext) -> RegisteredPerson:
        """Refuse: personal numbers do not travel by folder."""
        del number, context
        raise NotOffered(self.system, "resident_by_personal_number")

    def household(self, household_number: str, context: CallContext) -> tuple[RegisteredPerson, ...]:
        """See ``IResidentRegister``."""
        del context
        with self.state() as (connection, _):
            rows = connection.execute(
                "SELECT record, as_of FROM person WHERE household = ? AND rank < 9 ORDER BY rank, rowid",
                (household_number,),
            ).fetchall()
        if not rows:
            raise NotFound(self.system, "household")
        return tuple(self._person(record, datetime.fromisoformat(as_of)) for record, as_of in rows)

    def changes(self, after: str | None, limit: int, context: CallContext) -> ChangePage:
        """See ``IResidentRegister``."""
        self.receive_for(context)
        with self.state() as (connection, standing):
            begin, end = _bounds(connection)
            place = begin if after is None else self._place(connection, after, begin, end)
            rows = connection.execute(
                """SELECT n, change_id, kind, atena, occurred_on, processed_at, other, record, as_of
                FROM change WHERE n > ? ORDER BY n LIMIT ?""",
                (place, max(1, min(limit, _MOST_CHANGES))),
            ).fetchall()
            last = rows[-1][0] if rows else place
            return ChangePage(
                changes=tuple(self._change(row[1:]) for row in rows),
                next_cursor=_cursor(connection, last),
                more=last < end,
                as_of=standing.as_of,
            )

    def snapshot(self, resume: tuple[str, str] | None, context: CallContext) -> Snapshot:
        """See ``IResidentRegister``. It can be taken up again until the next file is taken in."""
        if resume is None:
            self.receive_for(context)
        reading = self._read(resume)
        # Begun here, so that the count and the people are of one state, and ended with the stream.
        snapshot_id, standing, expected, cursor = next(reading)
        return Snapshot(
            snapshot_id=snapshot_id,
            as_of=standing.as_of,
            expected=expected,
            change_cursor=cursor,
            people=reading,
        )

    def _read(self, resume: tuple[str, str] | None) -> Iterator[Any]:
        """Give what a snapshot begins with, then each person."""
        with self.state() as (connection, standing):
            snapshot_id = _snapshot_id(connection, standing)
            wanted, last = resume or (snapshot_id, "")
            if wanted != snapshot_id:
                raise Refused(self.system, "snapshot_gone")
            expected = connection.execute("SELECT count(*) FROM person").fetchone()[0]
            yield snapshot_id, standing, expected, _cursor(connection, _bounds(connection)[1])
            people = connection.execute(
                "SELECT record, as_of FROM person WHERE atena > ? ORDER BY atena", (last,)
            )
            moments: dict[str, datetime] = {}
            while rows := people.fetchmany(CHUNK):
                for record, as_of in rows:
                    moment = moments.get(as_of)
                    if moment is None:
                        moment = moments[as_of] = datetime.fromisoformat(as_of)
                    yield self._person(record, moment)

    def _place(self, connection: Connection, cursor: str, begin: int, end: int) -> int:
        """Return the number a cursor stands for; ``Refused`` for one that was never given or is too old."""
        store, _, number = cursor.rpartition("-")
        known = store == _store(connection) and number.isascii() and number.isdigit()
        if not known or not begin <= int(number) <= end:
            raise Refused(self.system, "unknown_cursor")
        return int(number)

    def _change(self, row: tuple[str, ...]) -> RegisterChange:
        change_id, kind, atena, occurred_on, processed_at, other, record, as_of = row
        return RegisterChange(
            change_id=change_id,
            kind=_CHANGES[kind],
            atena_number=atena,
            occurred_on=date.fromisoformat(occurred_on),
            processed_at=datetime.fromisoformat(processed_at),
            person=self._person(record, datetime.fromisoformat(as_of)) if record else None,
            other_atena_number=other or None,
        )

    def _person(self, record: str, as_of: datetime) -> RegisteredPerson:
        # One flat unpacking: this runs for everybody of a city in one go.
        (
            atena,
            household,
            version,
            category,
            relationship,
            name,
            kana,
            alphabet,
            alias,
            former,
            born,
            sex,
            became,
            became_on,
            became_notified,
            ceased,
            ceased_on,
            ceased_notified,
            postal_code,
            address,
            address_code,
            town_code,
            association,
            elementary,
            junior_high,
            before,
            after,
            nationality,
            article,
            status,
            period,
            card,
            support_from,
            support_to,
            provisional,
        ) = [value or None for value in record.split(SEPARATOR)]
        foreign = None
        if nationality or article or status or period or card:
            foreign = ForeignDetails(nationality, _FOREIGN_CATEGORIES[article or ""], status, period, card)
        measure = None
        if support_from and support_to:
            first, last = date.fromisoformat(support_from), date.fromisoformat(support_to)
            measure = RegisteredMeasure(first, last, provisional == "1")
        return RegisteredPerson(
            atena_number=atena or "",
            household_number=household or "",
            name=name or "",
            date_of_birth_written=born or "",
            sex=_SEXES[sex or ""],
            resident_category=_CATEGORIES[category or ""],
            version=int(version or 0),
            as_of=as_of,
            municipality_code=self.municipality_code,
            name_kana=kana,
            name_alphabet=alphabet,
            alias_name=alias,
            former_name=former,
            relationship_to_head=relationship,
            residency=Residency(
                became,
                _day(became_on),
                _day(became_notified),
                ceased,
                _day(ceased_on),
                _day(ceased_notified),
            ),
            contact=RegisteredContact(
                postal_code,
                address,
                address_code,
                town_code,
                association,
                elementary,
                junior_high,
                before,
                after,
            ),
            foreign=foreign,
            support_measure=measure,
        )


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def _store(connection: Connection) -> str:
    written: str = connection.execute("SELECT value FROM meta WHERE key = 'store'").fetchone()[0]
    return written


def _cursor(connection: Connection, number: int) -> str:
    return f"{_store(connection)}-{number}"


def _snapshot_id(connection: Connection, standing: Standing) -> str:
    return f"{_store(connection)}-{standing.sequence}"


def _bounds(connection: Connection) -> tuple[int, int]:
    """Return the number before the oldest change that is kept, and the highest that was given."""
    given = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'change'").fetchone()
    end = 0 if given is None else given[0]
    oldest = connection.execute("SELECT min(n) FROM change").fetchone()[0]
    return (end if oldest is None else oldest - 1), end
