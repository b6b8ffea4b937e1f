from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.details import clerk, events
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import ForeignResidentCategory, ResidentCategory
from yvaxportal.models.resident import Resident, ResidentContact, ResidentNote
from yvaxportal.services.detail_changes import WITHHELD, ChangedMeanwhileError, ReasonNeededError
from yvaxportal.services.resident_details import (
    CONTACT_ITEMS,
    FOREIGN_ITEMS,
    change_contact,
    change_foreign,
    change_note,
    foreign_of,
)

ADDRESS = "鳥取県米子市加茂町一丁目1番地"
PHONE = "0859-00-0077"


@pytest.fixture
def audit(db: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(db, engine, SYSTEM)


@pytest.fixture
def outsider(db: Session) -> Resident:
    """Return somebody whom the resident register does not own."""
    return resident(db, resident_category=ResidentCategory.NON_REGISTERED, became_resident_reason=None)


def contact_values(**said: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(CONTACT_ITEMS) | {"has_mailing_address": False}
    return empty | {"current_address": "鳥取県米子市錦町1-139-3"} | said


def foreign_values(**said: Any) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(FOREIGN_ITEMS)
    return empty | said


def test_a_new_address_and_phone_can_be_searched(db: Session, audit: AuditTrail, outsider: Resident) -> None:
    values = contact_values(current_address=ADDRESS, phone_number=PHONE)
    change = change_contact(db, audit, outsider.id, values, revision=1, now=NOW, reason=None)

    contact = db.get_one(ResidentContact, outsider.id)
    assert (contact.current_address, contact.phone_number) == (ADDRESS, PHONE)
    assert (contact.address_key, contact.phone_key) == ("鳥取県米子市加茂町1-1", "0859000077")
    assert contact.revision == 2
    assert set(change.after) == {"current_address", "phone_number"}


def test_the_audit_log_has_the_changed_items_only(db: Session, audit: AuditTrail, outsider: Resident) -> None:
    change_contact(
        db, audit, outsider.id, contact_values(phone_number=PHONE), revision=1, now=NOW, reason="窓口で申出"
    )

    (event,) = events(db, Action.CONTACT_CHANGED)
    assert event.resident_id == outsider.id
    assert event.before == {"phone_number": None}
    assert event.after == {"phone_number": PHONE}
    assert event.detail == {"reason": "窓口で申出"}


def test_saving_what_stands_changes_and_audits_nothing(
    db: Session, audit: AuditTrail, outsider: Resident
) -> None:
    assert not change_contact(db, audit, outsider.id, contact_values(), revision=1, now=NOW, reason=None)
    assert db.get_one(ResidentContact, outsider.id).revision == 1
    assert events(db, Action.CONTACT_CHANGED) == []


def test_who_saves_second_sees_what_stands_now(db: Session, audit: AuditTrail, outsider: Resident) -> None:
    change_contact(
        db, audit, outsider.id, contact_values(phone_number=PHONE), revision=1, now=NOW, reason=None
    )

    mine = contact_values(phone_number="090-0000-0000")
    with pytest.raises(ChangedMeanwhileError) as caught:
        change_contact(db, audit, outsider.id, mine, revision=1, now=NOW, reason=None)
    assert caught.value.revision == 2
    assert caught.value.stored["phone_number"] == PHONE
    assert db.get_one(ResidentContact, outsider.id).phone_number == PHONE


def test_register_items_of_a_registered_person_need_a_reason(db: Session, audit: AuditTrail) -> None:
    registered = resident(db)
    with pytest.raises(ReasonNeededError) as caught:
        change_contact(
            db,
            audit,
            registered.id,
            contact_values(current_address=ADDRESS),
            revision=1,
            now=NOW,
            reason=None,
        )
    assert [alert.item for alert in caught.value.alerts] == ["current_address"]

    own = contact_values(phone_number=PHONE, mailing_address="見本様方", has_mailing_address=True)
    assert change_contact(db, audit, registered.id, own, revision=1, now=NOW, reason=None)


def test_an_unusual_phone_number_is_kept_with_a_reason_but_not_searched(
    db: Session, audit: AuditTrail, outsider: Resident
) -> None:
    values = contact_values(phone_number="+1 212 000 0000")
    with pytest.raises(ReasonNeededError):
        change_contact(db, audit, outsider.id, values, revision=1, now=NOW, reason=None)
    change_contact(db, audit, outsider.id, values, revision=1, now=NOW, reason="国外の番号")
    contact = db.get_one(ResidentContact, outsider.id)
    assert (contact.phone_number, contact.phone_key) == ("+1 212 000 0000", None)


def test_where_a_protected_person_lives_is_not_written_to_the_log(db: Session, audit: AuditTrail) -> None:
    protected = resident(
        db,
        resident_category=ResidentCategory.NON_REGISTERED,
        became_resident_reason=None,
        support_measure_flag=True,
    )
    change_contact(
        db, audit, protected.id, contact_values(current_address=ADDRESS), revision=1, now=NOW, reason="避難先"
    )
    (event,) = events(db, Action.CONTACT_CHANGED)
    assert (event.before, event.after) == ({"current_address": WITHHELD}, {"current_address": WITHHELD})
    assert db.get_one(ResidentContact, protected.id).current_address == ADDRESS


def test_a_first_contact_is_made_from_revision_nought(
    db: Session, audit: AuditTrail, outsider: Resident
) -> None:
    db.delete(db.get_one(ResidentContact, outsider.id))
    db.flush()
    change_contact(
        db, audit, outsider.id, contact_values(current_address=ADDRESS), revision=0, now=NOW, reason=None
    )
    assert db.get_one(ResidentContact, outsider.id).current_address == ADDRESS
    with pytest.raises(ChangedMeanwhileError):
        change_contact(db, audit, outsider.id, contact_values(), revision=0, now=NOW, reason=None)


def test_the_items_of_a_foreign_resident(db: Session, audit: AuditTrail, outsider: Resident) -> None:
    values = foreign_values(
        nationality="ブラジル",
        article_30_45_category=ForeignResidentCategory.MID_TO_LONG_TERM,
        residence_status="定住者",
        period_of_stay="3年",
        residence_card_number="AB12345678CD",
    )
    change_foreign(db, audit, outsider.id, values, revision=0, reason=None)

    found = foreign_of(db, outsider.id)
    assert found is not None
    assert {item: getattr(found, item) for item in FOREIGN_ITEMS} == values
    (event,) = events(db, Action.FOREIGN_CHANGED)
    assert event.after == {**values, "article_30_45_category": "mid_to_long_term"}


def test_a_card_number_of_another_form_needs_a_reason(
    db: Session, audit: AuditTrail, outsider: Resident
) -> None:
    values = foreign_values(residence_card_number="AB1234567")
    with pytest.raises(ReasonNeededError) as caught:
        change_foreign(db, audit, outsider.id, values, revision=0, reason=None)
    assert [alert.item for alert in caught.value.alerts] == ["residence_card_number"]
    assert foreign_of(db, outsider.id) is None
    assert change_foreign(db, audit, outsider.id, values, revision=0, reason="旧様式")


def test_remarks_tell_who_wrote_them(db: Session, audit: AuditTrail) -> None:
    person, staff_id = resident(db), clerk(db)
    texts = {"personal_remarks": "通訳が必要", "follow_up": None}
    change_note(db, audit, person.id, texts, revision=0, staff_id=staff_id, now=NOW)

    note = db.get_one(ResidentNote, person.id)
    assert (note.personal_remarks, note.changed_by, note.changed_at) == ("通訳が必要", staff_id, NOW)
    with pytest.raises(ChangedMeanwhileError):
        change_note(
            db,
            audit,
            person.id,
            {"personal_remarks": "別の記入", "follow_up": None},
            revision=0,
            staff_id=staff_id,
            now=NOW,
        )


def test_two_who_save_at_once_are_put_in_order(engine: Engine) -> None:
    with Session(engine) as setup:
        person_id = resident(setup, resident_category=ResidentCategory.NON_REGISTERED).id
        setup.commit()

    def save(session: Session, phone: str) -> None:
        trail = AuditTrail(session, engine, SYSTEM)
        change_contact(
            session, trail, person_id, contact_values(phone_number=phone), revision=1, now=NOW, reason="申出"
        )

    with Session(engine) as first, Session(engine) as second, ThreadPoolExecutor(1) as other:
        save(first, PHONE)
        waiting = other.submit(save, second, "0859-00-0099")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        first.commit()
        with pytest.raises(ChangedMeanwhileError) as caught:
            waiting.result(timeout=10)
        assert caught.value.stored["phone_number"] == PHONE
