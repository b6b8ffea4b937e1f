from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from translationstring import TranslationString

from tests.details import events
from tests.people import NOW, atena_number, resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import NameKind, ResidentCategory, Sex
from yvaxportal.models.resident import Resident, ResidentName
from yvaxportal.services.detail_changes import ChangedMeanwhileError, ReasonNeededError
from yvaxportal.services.find_residents import Sight, find_residents
from yvaxportal.services.non_registered import (
    PERSON_ITEMS,
    NumberTakenError,
    OwnedByRegisterError,
    correct_person,
    enter_person,
    owned_by_register,
)
from yvaxportal.services.search_keys import rebuild_names
from yvaxportal.services.search_terms import read_terms
from yvaxportal.values.kana import fold_name

NUMBER = atena_number(880000001)
CONTACT = {
    "postal_code": "6830823",
    "current_address": "鳥取県米子市加茂町1-1",
    "phone_number": "0859-00-0088",
}


@pytest.fixture
def audit(db: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(db, engine, SYSTEM)


def values(**said: Any) -> dict[str, Any]:
    items = dict.fromkeys(item for item in PERSON_ITEMS if item != "resident_category")
    return (
        items
        | {
            "name": "𠮷﨑　次郎",
            "name_kana": "ヨシザキ　ジロウ",
            "date_of_birth_written": "1950-04-00",
            "sex": Sex.MALE,
            "is_foreign_national": False,
        }
        | said
    )


def enter(
    db: Session, audit: AuditTrail, number: str = NUMBER, reason: str | None = None, **said: Any
) -> int:
    return enter_person(db, audit, values(**said), CONTACT, atena_number=number, reason=reason, now=NOW)


def interpolated(message: str) -> str:
    """Return a message with its values put in, as a page without translation would."""
    assert isinstance(message, TranslationString)
    return str(message.interpolate())


def correction(person: Resident, **said: Any) -> dict[str, Any]:
    return {item: getattr(person, item) for item in PERSON_ITEMS} | said


def test_a_person_is_entered_and_found(db: Session, audit: AuditTrail) -> None:
    person = db.get_one(Resident, enter(db, audit))

    assert person.resident_category is ResidentCategory.NON_REGISTERED
    assert (person.business_atena_number, person.household_number) == (NUMBER, "")
    assert (person.date_of_birth_written, person.date_of_birth) == ("1950-04-00", None)
    assert (person.name, person.register_as_of) == ("𠮷﨑　次郎", NOW)
    for typed in ("吉崎", "よしざき S25.4.9", "加茂町1-1", "0859-00-0088", NUMBER):
        page = find_residents(
            db, read_terms(typed), city_prefixes=("鳥取県米子市",), sight=Sight(contact=True, protected=False)
        )
        assert [line.atena_number for line in page.people] == [NUMBER], typed
    (event,) = events(db, Action.RESIDENT_CHANGED)
    assert event.resident_id == person.id
    assert event.after is not None
    assert event.after["name"] == "𠮷﨑　次郎"
    assert "alias_name" not in event.after


def test_a_wrong_check_digit_is_kept_only_with_a_reason(db: Session, audit: AuditTrail) -> None:
    wrong = NUMBER[:-1] + str((int(NUMBER[-1]) + 1) % 10)
    with pytest.raises(ReasonNeededError) as caught:
        enter(db, audit, wrong)
    assert [alert.item for alert in caught.value.alerts] == ["atena_number"]
    assert enter(db, audit, wrong, reason="標準化前の番号")


def test_somebody_of_the_same_name_and_birth_date_is_pointed_out(db: Session, audit: AuditTrail) -> None:
    there = resident(db, name="吉崎　次郎", born="1950-04-00")
    with pytest.raises(ReasonNeededError) as caught:
        enter(db, audit)
    (alert,) = caught.value.alerts
    assert alert.item == "name"
    assert there.atena_number in interpolated(alert.cause)


@pytest.mark.parametrize("item", ["atena_number", "business_atena_number"])
def test_no_number_belongs_to_two_people(db: Session, audit: AuditTrail, item: str) -> None:
    taken = getattr(resident(db), item)
    number = taken if item == "atena_number" else NUMBER
    with pytest.raises(NumberTakenError) as caught:
        enter(db, audit, number, business_atena_number=taken if number is NUMBER else None)
    assert caught.value.item == item


def test_a_number_taken_in_the_same_moment_is_told_the_same_way(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look-up before the save finds nothing, as it does when two save at once."""
    monkeypatch.setattr("yvaxportal.services.non_registered._refuse_taken", lambda *_a, **_k: None)
    with Session(engine) as session:
        trail = AuditTrail(session, engine, SYSTEM)
        enter(session, trail)
        with pytest.raises(NumberTakenError) as caught:
            enter(session, trail, reason="同姓同名")
        assert caught.value.item in {"atena_number", "business_atena_number"}


def test_a_correction_writes_the_search_keys_anew(db: Session, audit: AuditTrail) -> None:
    person = db.get_one(Resident, enter(db, audit))
    said = {"name_kana": "キチザキ　ジロウ", "alias_name": "YOSHI", "date_of_birth_written": "1950-04-09"}
    change = correct_person(db, audit, person.id, correction(person, **said), revision=1, now=NOW)

    assert set(change.after) == set(said)
    assert person.date_of_birth == date(1950, 4, 9)
    keys = db.execute(
        select(ResidentName.kind, ResidentName.key, ResidentName.date_of_birth_written).where(
            ResidentName.resident_id == person.id
        )
    )
    assert {tuple(row) for row in keys} == {
        (NameKind.KANJI, fold_name("吉崎次郎"), "1950-04-09"),
        (NameKind.KANA, fold_name("キチザキジロウ"), "1950-04-09"),
        (NameKind.ALIAS, "yoshi", "1950-04-09"),
    }


def test_an_older_form_is_refused(db: Session, audit: AuditTrail) -> None:
    person = db.get_one(Resident, enter(db, audit))
    correct_person(db, audit, person.id, correction(person, name_kana=None), revision=1, now=NOW)
    with pytest.raises(ChangedMeanwhileError) as caught:
        correct_person(db, audit, person.id, correction(person, name="別名"), revision=1, now=NOW)
    assert caught.value.stored["name"] == "𠮷﨑　次郎"


def test_what_the_register_owns_is_not_corrected_here(db: Session, audit: AuditTrail) -> None:
    person = resident(db)
    with pytest.raises(OwnedByRegisterError):
        correct_person(db, audit, person.id, correction(person, name="別名"), revision=1, now=NOW)


@pytest.mark.parametrize(
    ("category", "reason", "owned"),
    [
        (ResidentCategory.RESIDENT, "出生", True),
        (ResidentCategory.MOVED_OUT, None, True),
        (ResidentCategory.DECEASED, "転入", True),
        (ResidentCategory.DECEASED, None, False),
        (ResidentCategory.NON_REGISTERED, "転入", False),
    ],
)
def test_whose_items_the_register_owns(
    db: Session, category: ResidentCategory, reason: str | None, owned: bool
) -> None:
    person = resident(db, resident_category=category, became_resident_reason=reason, became_resident_on=None)
    assert owned_by_register(person) is owned


def test_a_name_of_marks_only_has_no_key(db: Session) -> None:
    person = resident(db, name="ー", name_kana=None)
    assert rebuild_names(db, person.id) == 0
    assert rebuild_names(db, person.id + 10**9) == 0
