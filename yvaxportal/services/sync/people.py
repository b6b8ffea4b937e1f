"""Residents as the register has them: read together, changed in memory, written together.

A page of changes costs a handful of statements, however many people it is about; those who are new are copied
in (``services.sync.copying``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import (
    ARRAY,
    RowMapping,
    Table,
    Text,
    any_,
    bindparam,
    delete,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from yvaxportal.adapters.messages.resident_register import RegisteredMeasure, RegisteredPerson
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail, Facts
from yvaxportal.models.resident import (
    ForeignResident,
    Resident,
    ResidentContact,
    ResidentName,
    SupportMeasure,
)
from yvaxportal.models.sync import RegisterVersion
from yvaxportal.services.detail_changes import Change, change_between
from yvaxportal.services.search_keys import NAME_COLUMNS, contact_keys
from yvaxportal.services.sync.copying import copy_rows
from yvaxportal.values.kana import fold_name

RESIDENT, CONTACT, FOREIGN, NAME, MEASURE, VERSION = (
    cast("Table", model.__table__)
    for model in (
        Resident,
        ResidentContact,
        ForeignResident,
        ResidentName,
        SupportMeasure,
        RegisterVersion,
    )
)
_NEXT_IDS = text("SELECT nextval(pg_get_serial_sequence('resident', 'id')) FROM generate_series(1, :count)")
SOURCE = "resident register"

#: What the register says of a person, by column of ``resident``.
PERSON_ITEMS = (
    "household_number",
    "name",
    "name_kana",
    "name_alphabet",
    "alias_name",
    "former_name",
    "date_of_birth_written",
    "sex",
    "relationship_to_head",
    "became_resident_reason",
    "became_resident_on",
    "became_resident_notified_on",
    "ceased_resident_reason",
    "ceased_resident_on",
    "ceased_resident_notified_on",
    "resident_category",
    "is_foreign_national",
)
CONTACT_ITEMS = (
    "postal_code",
    "current_address",
    "address_code",
    "address_town_code",
    "neighbourhood_association",
    "elementary_school_district",
    "junior_high_school_district",
    "address_before_moving_in",
    "address_after_moving_out",
)
FOREIGN_ITEMS = (
    "nationality",
    "article_30_45_category",
    "residence_status",
    "period_of_stay",
    "residence_card_number",
)


@dataclass
class Held:
    """One person in the working set; ``id`` is None until they are written for the first time."""

    atena_number: str
    id: int | None = None
    version: int | None = None
    as_of: datetime | None = None
    resident: dict[str, Any] = field(default_factory=dict)
    contact: dict[str, Any] = field(default_factory=dict)
    foreign: dict[str, Any] | None = None
    measures: list[tuple[date, date]] = field(default_factory=list)
    protected: bool = False
    new_measures: list[RegisteredMeasure] = field(default_factory=list)
    lifted: bool = False
    touched: bool = False


class WorkingSet:
    """The people whom one page is about, locked until the transaction ends."""

    def __init__(self, session: Session, audit: AuditTrail, now: datetime) -> None:
        self._session = session
        self._audit = audit
        self._now = now
        self._held: dict[str, Held] = {}
        self._events: list[tuple[Held, Action, Facts]] = []
        self._taken: set[str] = set()

    def load(self, atena_numbers: Iterable[str]) -> None:
        """Read people, in the order of their ids so that two runs never wait for each other."""
        numbers = sorted(set(atena_numbers) - self._held.keys())
        # One array rather than a thousand parameters.
        wanted = any_(literal(numbers, ARRAY(Text)))
        columns = (RESIDENT.c.id, RESIDENT.c.atena_number, RESIDENT.c.support_measure_flag)
        query = (
            select(
                *columns,
                *(RESIDENT.c[item] for item in PERSON_ITEMS),
                VERSION.c.version,
            )
            .outerjoin(VERSION, VERSION.c.resident_id == RESIDENT.c.id)
            .where(RESIDENT.c.atena_number == wanted)
            .order_by(RESIDENT.c.id)
            .with_for_update(of=RESIDENT, key_share=True)
        )
        by_id: dict[int, Held] = {}
        for row in self._session.execute(query).mappings():
            held = Held(row["atena_number"], row["id"], row["version"])
            held.resident = {item: row[item] for item in PERSON_ITEMS}
            held.protected = row["support_measure_flag"]
            by_id[row["id"]] = self._held[held.atena_number] = held
        if by_id:
            self._load_beside(by_id)
        business = RESIDENT.c.business_atena_number
        taken = (business == wanted) & (business != RESIDENT.c.atena_number)
        self._taken |= set(self._session.scalars(select(business).where(taken)))

    def cannot_enter(self, atena_number: str) -> bool:
        """Tell whether a new person's business number, which is their atena number, is somebody else's."""
        return atena_number not in self._held and atena_number in self._taken

    def _load_beside(self, by_id: Mapping[int, Held]) -> None:
        ids = list(by_id)
        for row in self._read(CONTACT, CONTACT_ITEMS, ids):
            by_id[row["resident_id"]].contact = {item: row[item] for item in CONTACT_ITEMS}
        for row in self._read(FOREIGN, FOREIGN_ITEMS, ids):
            by_id[row["resident_id"]].foreign = {item: row[item] for item in FOREIGN_ITEMS}
        standing = select(MEASURE.c.resident_id, MEASURE.c.starts_on, MEASURE.c.ends_on).where(
            MEASURE.c.resident_id.in_(ids), MEASURE.c.lifted_at.is_(None)
        )
        for resident_id, starts_on, ends_on in self._session.execute(standing):
            by_id[resident_id].measures.append((starts_on, ends_on))

    def _read(self, table: Table, items: Sequence[str], ids: Sequence[int]) -> Iterable[RowMapping]:
        query = select(table.c.resident_id, *(table.c[item] for item in items))
        return self._session.execute(query.where(table.c.resident_id.in_(ids))).mappings()

    def find(self, atena_number: str) -> Held | None:
        """Return a person who was loaded or put, None for somebody unknown."""
        return self._held.get(atena_number)

    def put(
        self, person: RegisteredPerson, *, ends_measure: bool = False, detail: Mapping[str, Any] | None
    ) -> Held:
        """Let a person be as the register says.

        :param ends_measure: the register says that the support measure ended. Its mere absence ends none:
            a protected address must not open because a field was left out.
        :param detail: of the events for the audit log; None writes none (a first load tells once for many).
        """
        held = self._held.get(person.atena_number)
        if held is None:
            held = self._held[person.atena_number] = Held(person.atena_number)
        wanted = wanted_of(person)
        contact = {item: getattr(person.contact, item) for item in CONTACT_ITEMS}
        foreign = (
            None
            if person.foreign is None
            else {item: getattr(person.foreign, item) for item in FOREIGN_ITEMS}
        )
        was_protected = held.protected
        measure = self._measure(held, person.support_measure, ends_measure)
        changes: tuple[tuple[Action, Change], ...] = ()
        if detail is not None:
            changes = (
                (Action.RESIDENT_CHANGED, _between(held.resident, wanted)),
                (Action.CONTACT_CHANGED, _between(held.contact, contact)),
                (Action.FOREIGN_CHANGED, _between(held.foreign or {}, foreign or {})),
                (Action.SUPPORT_MEASURE_CHANGED, measure),
            )
        held.resident, held.contact, held.foreign = wanted, contact, foreign
        held.version, held.as_of, held.touched = person.version, person.as_of, True
        for action, change in changes:
            if change and detail is not None:
                hidden = action is Action.CONTACT_CHANGED and (held.protected or was_protected)
                told = change.withholding() if hidden else change
                facts: Facts = {"detail": detail, "before": dict(told.before), "after": dict(told.after)}
                self._events.append((held, action, facts))
        return held

    def _measure(self, held: Held, measure: RegisteredMeasure | None, ends: bool) -> Change:
        before = {"support_measure_flag": held.protected}
        if measure is not None and (measure.starts_on, measure.ends_on) not in held.measures:
            held.measures.append((measure.starts_on, measure.ends_on))
            held.new_measures.append(measure)
            held.protected = True
            after = {
                "support_measure_flag": True,
                "starts_on": measure.starts_on,
                "ends_on": measure.ends_on,
                "provisional": measure.provisional,
            }
            return Change(before, after)
        if ends and measure is None and held.protected:
            held.measures.clear()
            held.new_measures.clear()
            held.protected, held.lifted = False, True
            return Change(before, {"support_measure_flag": False})
        return Change()

    def note(self, held: Held, action: Action, facts: Facts) -> None:
        """Add an event for the audit log, written with the person."""
        self._events.append((held, action, facts))

    def forget(self, *atena_numbers: str) -> None:
        """Read these people anew the next time: something else changed them."""
        for number in atena_numbers:
            self._held.pop(number, None)

    def flush(self) -> None:
        """Write everybody who was touched."""
        touched = [held for held in self._held.values() if held.touched]
        new = [held for held in touched if held.id is None]
        known = [held for held in touched if held.id is not None]
        self._copy_in(new)
        if known:
            self._write_residents(known)
            self._write_beside(known)
        if touched:
            self._write_measures(touched)
        for held in touched:
            held.touched = held.lifted = False
            held.new_measures.clear()
        events: list[tuple[Action, Facts]] = []
        for held, action, facts in self._events:
            told = facts.copy()
            told["resident_id"] = held.id
            events.append((action, told))
        self._audit.record_many(events)
        self._events.clear()

    def _copy_in(self, new: Sequence[Held]) -> None:
        """Write those who were not here, under ids of their own."""
        if not new:
            return
        ids = self._session.connection().scalars(_NEXT_IDS, {"count": len(new)})
        for held, resident_id in zip(new, ids, strict=True):
            held.id = resident_id
        rows = [
            _row(held)
            | {
                "id": held.id,
                "atena_number": held.atena_number,
                "business_atena_number": held.atena_number,
                "revision": 1,
            }
            for held in new
        ]
        copy_rows(self._session, RESIDENT, rows)
        copy_rows(self._session, CONTACT, list(map(_contact, new)))
        copy_rows(self._session, NAME, [row for held in new for row in _names(held)])
        copy_rows(self._session, FOREIGN, [_foreign(held) for held in new if held.foreign])
        copy_rows(self._session, VERSION, list(map(self._version, new)))

    def _write_residents(self, known: Sequence[Held]) -> None:
        values: dict[str, Any] = {name: bindparam(name) for name in _row(known[0])}
        statement = (
            update(RESIDENT)
            .where(RESIDENT.c.id == bindparam("held_id"))
            .values(values | {"revision": RESIDENT.c.revision + 1})
        )
        rows = [_row(held) | {"held_id": held.id} for held in known]
        self._session.connection().execute(statement, rows)

    def _write_beside(self, known: Sequence[Held]) -> None:
        connection, ids = self._session.connection(), [held.id for held in known]
        contact = upsert(CONTACT)
        taken = {item: contact.excluded[item] for item in (*CONTACT_ITEMS, "address_key")}
        connection.execute(
            contact.on_conflict_do_update(
                index_elements=["resident_id"], set_=taken | {"revision": CONTACT.c.revision + 1}
            ),
            list(map(_contact, known)),
        )
        connection.execute(delete(NAME).where(NAME.c.resident_id.in_(ids)))
        copy_rows(self._session, NAME, [row for held in known for row in _names(held)])
        foreign = upsert(FOREIGN)
        of_foreigners = [_foreign(held) for held in known if held.foreign]
        if of_foreigners:
            set_ = {item: foreign.excluded[item] for item in FOREIGN_ITEMS}
            of_them = foreign.on_conflict_do_update(
                index_elements=["resident_id"], set_=set_ | {"revision": FOREIGN.c.revision + 1}
            )
            connection.execute(of_them, of_foreigners)
        others = [held.id for held in known if not held.foreign]
        connection.execute(delete(FOREIGN).where(FOREIGN.c.resident_id.in_(others)))
        version = upsert(VERSION)
        connection.execute(
            version.on_conflict_do_update(
                index_elements=["resident_id"],
                set_={"version": version.excluded.version, "taken_at": version.excluded.taken_at},
            ),
            list(map(self._version, known)),
        )

    def _version(self, held: Held) -> dict[str, Any]:
        return {"resident_id": held.id, "version": held.version, "taken_at": self._now}

    def _write_measures(self, touched: Sequence[Held]) -> None:
        connection = self._session.connection()
        lifted = [held.id for held in touched if held.lifted]
        if lifted:
            standing = MEASURE.c.resident_id.in_(lifted) & MEASURE.c.lifted_at.is_(None)
            connection.execute(update(MEASURE).where(standing).values(lifted_at=self._now))
        new = [
            {
                "resident_id": held.id,
                "starts_on": measure.starts_on,
                "ends_on": measure.ends_on,
                "provisional": measure.provisional,
            }
            for held in touched
            for measure in held.new_measures
        ]
        if new:
            connection.execute(insert(MEASURE), new)


def wanted_of(person: RegisteredPerson) -> dict[str, Any]:
    """Return the columns of ``resident`` that a person's state in the register says."""
    residency = person.residency
    return {
        "household_number": person.household_number,
        "name": person.name,
        "name_kana": person.name_kana,
        "name_alphabet": person.name_alphabet,
        "alias_name": person.alias_name,
        "former_name": person.former_name,
        "date_of_birth_written": person.date_of_birth_written,
        "sex": person.sex,
        "relationship_to_head": person.relationship_to_head,
        "became_resident_reason": residency.became_reason,
        "became_resident_on": residency.became_on,
        "became_resident_notified_on": residency.became_notified_on,
        "ceased_resident_reason": residency.ceased_reason,
        "ceased_resident_on": residency.ceased_on,
        "ceased_resident_notified_on": residency.ceased_notified_on,
        "resident_category": person.resident_category,
        "is_foreign_national": person.foreign is not None,
    }


def _between(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Change:
    every = stored.keys() | wanted.keys()
    return change_between(
        {item: stored.get(item) for item in every}, {item: wanted.get(item) for item in sorted(every)}
    )


def _row(held: Held) -> dict[str, Any]:
    written = held.resident["date_of_birth_written"]
    return held.resident | {
        "date_of_birth": None if "-00" in written else date.fromisoformat(written),
        "support_measure_flag": held.protected,
        "register_as_of": held.as_of,
    }


def _contact(held: Held) -> dict[str, Any]:
    address_key = contact_keys(held.contact["current_address"], None)["address_key"]
    own = {"resident_id": held.id, "has_mailing_address": False, "revision": 1, "address_key": address_key}
    return own | held.contact


def _foreign(held: Held) -> dict[str, Any]:
    return {"resident_id": held.id, "revision": 1} | (held.foreign or {})


def _names(held: Held) -> Iterable[dict[str, Any]]:
    for kind, column in NAME_COLUMNS.items():
        name = held.resident[column.key]
        if name and (key := fold_name(name)):
            yield {
                "resident_id": held.id,
                "kind": kind,
                "key": key,
                "date_of_birth_written": held.resident["date_of_birth_written"],
            }
