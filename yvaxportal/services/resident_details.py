"""Changing where a person lives and is reached, the items of foreign residents, and remarks.

Each function locks the person, refuses a form made from an older revision, writes the search keys that
depend on the change, and audits the changed items with their values before and after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ForeignResidentCategory
from yvaxportal.models.resident import ForeignResident, Resident, ResidentContact, ResidentNote
from yvaxportal.services.detail_changes import (
    Alert,
    Change,
    ReasonNeededError,
    change_between,
    lock_resident,
    refuse_stale,
    stored_values,
)
from yvaxportal.services.non_registered import owned_by_register
from yvaxportal.services.outbox.queue import tell_name
from yvaxportal.services.search_keys import contact_keys
from yvaxportal.values.checkdigits import is_residence_card_number
from yvaxportal.values.kana import fold_phone
from yvaxportal.values.text import _

#: Items 9 to 14, 25 and 26: the resident register's for a registered person.
CONTACT_FROM_REGISTER = (
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
#: Items 15, 34 and 35: the department's own.
CONTACT_OWN = ("phone_number", "mailing_address", "has_mailing_address")
CONTACT_ITEMS = CONTACT_FROM_REGISTER + CONTACT_OWN
_KEPT_BY_ATENA = frozenset({"postal_code", "current_address"})

FOREIGN_ITEMS = (
    "nationality",
    "article_30_45_category",
    "residence_status",
    "period_of_stay",
    "residence_card_number",
)
NOTE_ITEMS = ("personal_remarks", "follow_up")


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """What only a foreign resident has (items 24, 28 to 31)."""

    nationality: str | None
    article_30_45_category: ForeignResidentCategory | None
    residence_status: str | None
    period_of_stay: str | None
    residence_card_number: str | None
    revision: int


def foreign_of(session: Session, resident_id: int) -> ForeignRow | None:
    """Return the foreign resident's items, None when nothing is known."""
    columns = [getattr(ForeignResident, name) for name in ForeignRow.__dataclass_fields__]
    row = session.execute(select(*columns).where(ForeignResident.resident_id == resident_id)).one_or_none()
    return ForeignRow(*row) if row else None


def change_contact(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    values: Mapping[str, Any],
    *,
    revision: int,
    reason: str | None,
    now: datetime,
) -> Change:
    """Save the contact of a resident. The atena system is told of somebody who is not registered.

    :param values: a value for each of ``CONTACT_ITEMS``; ``postal_code`` seven digits or None.
    :param revision: of the row that the form was made from, 0 when there was none.
    :raises ChangedMeanwhileError: somebody else saved first.
    :raises ReasonNeededError: register items of a registered person change, or the phone number is unusual,
        and there is no reason.
    """
    resident = lock_resident(session, resident_id)
    row = session.get(ResidentContact, resident_id, populate_existing=True)
    stored = stored_values(row, CONTACT_ITEMS)
    refuse_stale(stored, row.revision if row else 0, revision)
    change = change_between(stored, values)
    alerts = _register_alerts(resident, change, CONTACT_FROM_REGISTER)
    phone = change.after.get("phone_number")
    if phone and fold_phone(phone) is None:
        alerts.append(
            Alert(
                "phone_number",
                _("The phone number does not have 10 or 11 digits beginning with 0."),
                _("Check the number. It will not be found by a search for a phone number."),
            ),
        )
    _need_reason(alerts, reason)
    if not change:
        return change
    if row is None:
        row = ResidentContact(resident_id=resident_id, has_mailing_address=False)
        session.add(row)
    for item, value in change.after.items():
        setattr(row, item, value)
    for item, value in contact_keys(row.current_address, row.phone_number).items():
        setattr(row, item, value)
    session.flush()
    if not owned_by_register(resident) and _KEPT_BY_ATENA & change.after.keys():
        tell_name(session, audit.actor, resident_id, now=now)
    told = change.withholding() if resident.support_measure_flag else change
    _record(audit, Action.CONTACT_CHANGED, resident_id, told, reason)
    return change


def change_foreign(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    values: Mapping[str, Any],
    *,
    revision: int,
    reason: str | None,
) -> Change:
    """Save the items of a foreign resident; ``values`` has a value for each of ``FOREIGN_ITEMS``.

    Raises as ``change_contact``; a residence card number of another form than two letters, eight digits, two
    letters needs a reason.
    """
    resident = lock_resident(session, resident_id)
    row = session.get(ForeignResident, resident_id, populate_existing=True)
    stored = stored_values(row, FOREIGN_ITEMS)
    refuse_stale(stored, row.revision if row else 0, revision)
    change = change_between(stored, values)
    alerts = _register_alerts(resident, change, FOREIGN_ITEMS)
    card = change.after.get("residence_card_number")
    if card and not is_residence_card_number(card):
        alerts.append(
            Alert(
                "residence_card_number",
                _("The card number does not have the form of two letters, eight digits and two letters."),
                _("Compare it with the card, for example AB12345678CD."),
            ),
        )
    _need_reason(alerts, reason)
    if not change:
        return change
    if row is None:
        row = ForeignResident(resident_id=resident_id)
        session.add(row)
    for item, value in change.after.items():
        setattr(row, item, value)
    session.flush()
    _record(audit, Action.FOREIGN_CHANGED, resident_id, change, reason)
    return change


def change_note(
    session: Session,
    audit: AuditTrail,
    resident_id: int,
    values: Mapping[str, Any],
    *,
    revision: int,
    staff_id: int,
    now: datetime,
) -> Change:
    """Save the remarks on a resident; ``values`` has a value for each of ``NOTE_ITEMS``.

    :raises ChangedMeanwhileError: somebody else saved first.
    """
    lock_resident(session, resident_id)
    row = session.get(ResidentNote, resident_id, populate_existing=True)
    stored = stored_values(row, NOTE_ITEMS)
    refuse_stale(stored, row.revision if row else 0, revision)
    change = change_between(stored, values)
    if not change:
        return change
    if row is None:
        row = ResidentNote(resident_id=resident_id)
        session.add(row)
    for item, value in change.after.items():
        setattr(row, item, value)
    row.changed_by = staff_id
    row.changed_at = now
    session.flush()
    _record(audit, Action.NOTE_CHANGED, resident_id, change, None)
    return change


def _register_alerts(resident: Resident, change: Change, items: Sequence[str]) -> list[Alert]:
    if not owned_by_register(resident):
        return []
    return [
        Alert(
            item,
            _("The resident register owns this item."),
            _("Have the register corrected. What is saved here is overwritten by its next update."),
        )
        for item in change.after
        if item in items
    ]


def _need_reason(alerts: Sequence[Alert], reason: str | None) -> None:
    if alerts and not reason:
        raise ReasonNeededError(alerts)


def _record(audit: AuditTrail, action: Action, resident_id: int, change: Change, reason: str | None) -> None:
    audit.record(
        action,
        resident_id=resident_id,
        detail={"reason": reason} if reason else {},
        before=dict(change.before),
        after=dict(change.after),
    )
