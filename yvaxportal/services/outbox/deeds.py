"""What each kind of message does: which call it makes, and what follows here from the answer.

A call may be made again after a crash or a lost answer, under the same key; what follows from it is done
once, in the transaction that ends the message.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.adapters.errors import Refused
from yvaxportal.adapters.interfaces import IAtena
from yvaxportal.adapters.loading import Adapters
from yvaxportal.adapters.messages.atena import NameInformation, NewPerson
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import Sex
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.models.resident import Resident, ResidentContact
from yvaxportal.services.non_registered import NumberTakenError, enter_checked
from yvaxportal.services.outbox.queue import ATENA, ENTER_PERSON, KEEP_NAME

ALREADY_HERE = "already_here"
#: What the atena system says when there is nothing for it to keep.
_NOTHING_TO_KEEP = frozenset({"outdated", "registered_resident"})


class DeedRefusedError(Exception):
    """The other side answered, and what follows from it cannot be done here. ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Setting:
    """What a deed may use when its answer has come: the transaction, who asked, and when it is now."""

    session: Session
    audit: AuditTrail
    now: datetime


@dataclass(frozen=True)
class Settled:
    """Whom the message led to, and a word on how, where there is one to say (``already_here``)."""

    resident_id: int | None
    note: str = ""


class Deed(Protocol):
    """One kind of message."""

    system: str

    def prepare(self, session: Session, message: OutboxMessage) -> Any:
        """Return what the call needs; DeedRefusedError when there is nothing to tell any more."""

    def call(self, adapters: Adapters, prepared: Any, key: str, context: CallContext) -> Any:
        """Make the call, with no transaction open; raises what adapters raise."""

    def settle(self, setting: Setting, message: OutboxMessage, answer: Any) -> Settled:
        """Do what follows."""


class EnterPerson:
    """Somebody without an atena number was entered: one is assigned, then they are there under it."""

    system = ATENA

    def prepare(self, session: Session, message: OutboxMessage) -> Mapping[str, Any]:
        """Return what staff typed."""
        del session
        return message.payload or {}

    def call(self, adapters: Adapters, prepared: Mapping[str, Any], key: str, context: CallContext) -> str:
        """Have a number assigned (``IAtena.assign``) and return it."""
        items, contact = prepared["items"], prepared["contact"]
        person = NewPerson(
            name=items["name"],
            date_of_birth_written=items["date_of_birth_written"],
            sex=Sex(items["sex"]),
            address=contact["current_address"] or "",
            name_kana=items["name_kana"],
            alias_name=items["alias_name"],
            postal_code=contact["postal_code"],
        )
        return adapters.get(IAtena).assign(person, key, context).atena_number

    def settle(self, setting: Setting, message: OutboxMessage, answer: str) -> Settled:
        """Enter the person under the number; somebody who has it already is only led to."""
        payload = message.payload or {}
        known = setting.session.scalar(select(Resident.id).where(Resident.atena_number == answer))
        if known is not None:
            return Settled(known, ALREADY_HERE)
        items = dict(payload["items"])
        try:
            entered = enter_checked(
                setting.session,
                setting.audit,
                items | {"sex": Sex(items["sex"])},
                payload["contact"],
                atena_number=answer,
                reason=payload["reason"],
                now=setting.now,
            )
        except NumberTakenError as taken:
            raise DeedRefusedError(f"{taken.item}_taken") from None
        return Settled(entered)


class KeepName:
    """The name information of somebody who is not registered changed here: the atena system keeps it too."""

    system = ATENA

    def prepare(self, session: Session, message: OutboxMessage) -> NameInformation:
        """Return how the person stands now, whatever it was when the message was posted."""
        found = session.execute(
            select(Resident, ResidentContact)
            .outerjoin(ResidentContact, ResidentContact.resident_id == Resident.id)
            .where(Resident.id == message.resident_id)
        ).one_or_none()
        if found is None:
            raise DeedRefusedError("gone")
        person, contact = found
        return NameInformation(
            atena_number=person.atena_number,
            name=person.name,
            date_of_birth_written=person.date_of_birth_written,
            sex=person.sex,
            address=(contact.current_address if contact else None) or "",
            as_of=max(person.register_as_of, message.asked_at),
            name_kana=person.name_kana,
            alias_name=person.alias_name,
            postal_code=contact.postal_code if contact else None,
        )

    def call(self, adapters: Adapters, prepared: NameInformation, key: str, context: CallContext) -> None:
        """Have it kept (``IAtena.keep``)."""
        try:
            adapters.get(IAtena).keep(prepared, key, context)
        except Refused as error:
            if error.code not in _NOTHING_TO_KEEP:
                raise

    def settle(self, setting: Setting, message: OutboxMessage, answer: None) -> Settled:
        """Do nothing more."""
        del setting, answer
        return Settled(message.resident_id)


DEEDS: Mapping[str, Deed] = {ENTER_PERSON: EnterPerson(), KEEP_NAME: KeepName()}
