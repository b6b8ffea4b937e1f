"""People who are not in the resident register (住登外者): entering one, and correcting their items.

The items of a registered person are the resident register's; here they can only be read.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import NameKind, ResidentCategory
from yvaxportal.models.resident import Resident, ResidentContact, ResidentName
from yvaxportal.services.detail_changes import (
    Alert,
    Change,
    ReasonNeededError,
    change_between,
    lock_resident,
    refuse_stale,
    stored_values,
)
from yvaxportal.services.outbox.queue import tell_name
from yvaxportal.services.search_keys import contact_keys, rebuild_names
from yvaxportal.values.checkdigits import is_atena_number
from yvaxportal.values.kana import fold_name
from yvaxportal.values.text import _

#: Items 2, 4 to 8, 16 to 23 and 27, which staff may correct. The atena number (item 3) never changes.
PERSON_ITEMS = (
    "business_atena_number",
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
#: What a person who is not registered can be.
CATEGORIES = (ResidentCategory.NON_REGISTERED, ResidentCategory.DECEASED)

_NAMES = frozenset(
    {"name", "name_kana", "name_alphabet", "alias_name", "former_name", "date_of_birth_written"}
)
_KEPT_BY_ATENA = frozenset({"name", "name_kana", "alias_name", "date_of_birth_written", "sex"})
_SAME_PERSON_LIMIT = 5


class NumberTakenError(Exception):
    """Another person has this number. ``item`` is ``atena_number`` or ``business_atena_number``."""

    def __init__(self, item: str) -> None:
        super().__init__(f"the {item} belongs to another person")
        self.item = item


class OwnedByRegisterError(Exception):
    """The person is registered, so the resident register says what is true of them."""


class HasRegisterItems(Protocol):
    """What tells whether the register owns a person: a row of the table or of a page."""

    @property
    def resident_category(self) -> ResidentCategory: ...
    @property
    def became_resident_reason(self) -> str | None: ...
    @property
    def became_resident_on(self) -> object: ...
    @property
    def became_resident_notified_on(self) -> object: ...


def owned_by_register(person: HasRegisterItems) -> bool:
    """Tell whether the resident register owns this person's items.

    Not those who are not registered, and not the dead who never were: a registered person always became a
    resident at some time.
    """
    if person.resident_category is ResidentCategory.NON_REGISTERED:
        return False
    ever = (person.became_resident_reason, person.became_resident_on, person.became_resident_notified_on)
    return person.resident_category is not ResidentCategory.DECEASED or any(ever)


def enter_person(
    session: Session,
    audit: AuditTrail,
    values: Mapping[str, Any],
    contact: Mapping[str, str | None],
    *,
    atena_number: str,
    reason: str | None,
    now: datetime,
) -> int:
    """Enter a person who is not in the register and return the id.

    :param values: a value for each of ``PERSON_ITEMS`` but the category; ``date_of_birth_written`` in the
        register's form (``1955-04-00``), ``business_atena_number`` None takes the atena number.
    :param contact: ``postal_code``, ``current_address``, ``phone_number``.
    :raises NumberTakenError: one of the numbers is somebody else's.
    :raises ReasonNeededError: the check digit is wrong, or somebody of this name and birth date is here
        already, and there is no reason.
    """
    check_person(session, values, atena_number=atena_number, reason=reason)
    return enter_checked(session, audit, values, contact, atena_number=atena_number, reason=reason, now=now)


def check_person(
    session: Session, values: Mapping[str, Any], *, atena_number: str | None, reason: str | None
) -> None:
    """Check what ``enter_person`` would enter; ``atena_number`` None when one is to be assigned.

    Raises as ``enter_person``.
    """
    business = values["business_atena_number"] or atena_number
    for item, number in (("atena_number", atena_number), ("business_atena_number", business)):
        if number:
            _refuse_taken(session, item, number, resident_id=None)
    alerts = [*(_number_alerts(atena_number) if atena_number else ()), *_same_person_alerts(session, values)]
    if alerts and not reason:
        raise ReasonNeededError(alerts)


def enter_checked(
    session: Session,
    audit: AuditTrail,
    values: Mapping[str, Any],
    contact: Mapping[str, str | None],
    *,
    atena_number: str,
    reason: str | None,
    now: datetime,
) -> int:
    """Enter a person whose items ``check_person`` let pass, and return the id.

    :raises NumberTakenError: one of the numbers is somebody else's.
    """
    columns = dict(values) | {
        "atena_number": atena_number,
        "business_atena_number": values["business_atena_number"] or atena_number,
        "household_number": values["household_number"] or "",
        "resident_category": ResidentCategory.NON_REGISTERED,
    }
    for item in ("atena_number", "business_atena_number"):
        _refuse_taken(session, item, columns[item], resident_id=None)
    person = Resident(
        **columns,
        date_of_birth=_exact(columns["date_of_birth_written"]),
        support_measure_flag=False,
        register_as_of=now,
    )
    session.add(person)
    _flush(session)
    session.add(
        ResidentContact(
            resident_id=person.id,
            has_mailing_address=False,
            **contact,
            **contact_keys(contact["current_address"], contact["phone_number"]),
        ),
    )
    session.flush()
    rebuild_names(session, person.id)
    entered = {item: value for item, value in columns.items() if value not in (None, "")}
    audit.record(
        Action.RESIDENT_CHANGED,
        resident_id=person.id,
        detail={"entered": True} | ({"reason": reason} if reason else {}),
        after=entered | {item: value for item, value in contact.items() if value},
    )
    return person.id


def correct_person(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    values: Mapping[str, Any],
    *,
    revision: int,
    now: datetime,
) -> Change:
    """Save the items of a person who is not registered; ``values`` has a value for each of ``PERSON_ITEMS``.

    The atena system is told of a new name, birth date or sex (assessment I-2, system 2, function 2).

    ``date_of_birth_written`` is the register's form (``1955-04-00``).

    :raises OwnedByRegisterError: the person is (or was) registered.
    :raises ChangedMeanwhileError: somebody else saved first.
    :raises NumberTakenError: the business atena number is somebody else's.
    """
    person = lock_resident(session, resident_id)
    if owned_by_register(person):
        raise OwnedByRegisterError
    stored = stored_values(person, PERSON_ITEMS)
    refuse_stale(stored, person.revision, revision)
    wanted = dict(values)
    wanted["business_atena_number"] = wanted["business_atena_number"] or person.atena_number
    wanted["household_number"] = wanted["household_number"] or ""
    change = change_between(stored, wanted)
    if not change:
        return change
    if "business_atena_number" in change.after:
        _refuse_taken(
            session, "business_atena_number", wanted["business_atena_number"], resident_id=person.id
        )
    for item, value in change.after.items():
        setattr(person, item, value)
    if "date_of_birth_written" in change.after:
        person.date_of_birth = _exact(person.date_of_birth_written)
    person.register_as_of = now
    _flush(session)
    if _NAMES & change.after.keys():
        rebuild_names(session, person.id)
    if _KEPT_BY_ATENA & change.after.keys():
        tell_name(session, audit.actor, person.id, now=now)
    audit.record(
        Action.RESIDENT_CHANGED,
        resident_id=person.id,
        before=dict(change.before),
        after=dict(change.after),
    )
    return change


def _refuse_taken(session: Session, item: str, number: str, *, resident_id: int | None) -> None:
    holder = session.scalar(select(Resident.id).where(getattr(Resident, item) == number))
    if holder is not None and holder != resident_id:
        raise NumberTakenError(item)


def _flush(session: Session) -> None:
    """Flush; a number that somebody else took in the same moment is told like one taken before."""
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        for item in ("business_atena_number", "atena_number"):
            if constraint == f"uq_resident_{item}":
                raise NumberTakenError(item) from None
        raise


def _number_alerts(atena_number: str) -> Iterator[Alert]:
    if not is_atena_number(atena_number, remainder_one="zero"):
        yield Alert(
            "atena_number",
            _("The check digit of the atena number does not agree."),
            _("Compare it with the paper. Numbers issued before the standard have no check digit."),
        )


def _same_person_alerts(session: Session, columns: Mapping[str, Any]) -> Iterator[Alert]:
    """Tell of people with the same name in kanji and the same birth date: the one to enter may be here."""
    found = session.scalars(
        select(Resident.atena_number)
        .join(ResidentName, ResidentName.resident_id == Resident.id)
        .where(
            ResidentName.kind == NameKind.KANJI,
            ResidentName.key == fold_name(columns["name"]),
            ResidentName.date_of_birth_written == columns["date_of_birth_written"],
        )
        .order_by(Resident.id)
        .limit(_SAME_PERSON_LIMIT),
    ).all()
    if found:
        yield Alert(
            "name",
            _(
                "Somebody with this name and birth date is here already (atena number ${numbers}).",
                mapping={"numbers": ", ".join(found)},
            ),
            _("Open that page first. Enter a second person only when they are two different people."),
        )


def _exact(written: str) -> date | None:
    return None if "-00" in written else date.fromisoformat(written)
