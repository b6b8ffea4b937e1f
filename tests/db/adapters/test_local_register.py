"""The resident register on the portal's own tables."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.people import resident
from yvaxportal.adapters.errors import NotFound, NotOffered, Refused
from yvaxportal.adapters.interfaces import IResidentRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.resident_register import RegisteredMeasure
from yvaxportal.adapters.resident_register.local import LocalResidentRegister
from yvaxportal.models.codes import ResidentCategory, Sex
from yvaxportal.models.resident import ForeignResident, SupportMeasure
from yvaxportal.values.personal_number import PersonalNumber

CALL = CallContext.interactive("tanaka")


@pytest.fixture
def register(built: Callable[..., Any]) -> IResidentRegister:
    adapter: IResidentRegister = built(LocalResidentRegister, "resident_register")
    return adapter


def test_a_person_comes_as_received(register: IResidentRegister, world: Session) -> None:
    person = resident(
        world,
        name="髙﨑　𠮷乃",
        born="1980-00-00",
        sex=Sex.FEMALE,
        is_foreign_national=True,
        support_measure_flag=True,
        contact={"postal_code": "6830811", "elementary_school_district": "見本小"},
    )
    world.add(ForeignResident(resident_id=person.id, nationality="BRA", revision=1))
    for first, last in (("2024-04-01", "2025-03-31"), ("2026-04-01", "2027-03-31")):
        world.add(
            SupportMeasure(
                resident_id=person.id,
                starts_on=date.fromisoformat(first),
                ends_on=date.fromisoformat(last),
                provisional=False,
            )
        )
    world.commit()
    found = register.resident(person.atena_number, CALL)
    assert (found.name, found.date_of_birth_written, found.sex) == ("髙﨑　𠮷乃", "1980-00-00", Sex.FEMALE)
    assert found.contact.postal_code == "6830811"
    assert found.contact.elementary_school_district == "見本小"
    assert found.foreign is not None
    assert found.foreign.nationality == "BRA"
    assert found.support_measure == RegisteredMeasure(date(2026, 4, 1), date(2027, 3, 31))
    assert (found.municipality_code, found.version) == ("312029", person.revision)
    assert found.personal_number is None


def test_a_household_has_its_head_first_and_only_the_present(
    register: IResidentRegister, world: Session
) -> None:
    child = resident(world, household_number="H7", relationship_to_head="子")
    unsaid = resident(world, household_number="H7", relationship_to_head=None)
    head = resident(world, household_number="H7")
    resident(world, household_number="H7", resident_category=ResidentCategory.DECEASED)
    world.commit()
    numbers = [person.atena_number for person in register.household("H7", CALL)]
    assert numbers == [head.atena_number, child.atena_number, unsaid.atena_number]
    with pytest.raises(NotFound):
        register.household("H8", CALL)


def test_people_outside_the_register_are_not_in_it(register: IResidentRegister, world: Session) -> None:
    outside = resident(world, resident_category=ResidentCategory.NON_REGISTERED)
    world.commit()
    with pytest.raises(NotFound):
        register.resident(outside.atena_number, CALL)
    with pytest.raises(NotOffered):
        register.resident_by_personal_number(PersonalNumber("900000000012"), CALL)


def test_the_snapshot_is_everybody_in_order_as_of_one_moment(
    register: IResidentRegister, world: Session
) -> None:
    people = [resident(world) for _ in range(7)]
    resident(world, resident_category=ResidentCategory.NON_REGISTERED)
    world.commit()
    snapshot = register.snapshot(None, CALL)
    resident(world)
    world.commit()
    numbers = [person.atena_number for person in snapshot.people]
    assert numbers == sorted(person.atena_number for person in people)
    assert snapshot.expected == len(numbers)
    with pytest.raises(Refused, match="snapshot_gone"):
        register.snapshot((snapshot.snapshot_id, numbers[2]), CALL)


def test_there_are_no_changes_but_the_cursor_goes_on(register: IResidentRegister, world: Session) -> None:
    snapshot = register.snapshot(None, CALL)
    assert list(snapshot.people) == []
    page = register.changes(snapshot.change_cursor, 100, CALL)
    assert (page.changes, page.more) == ((), False)
    assert register.changes(page.next_cursor, 100, CALL).changes == ()
    with pytest.raises(Refused, match="unknown_cursor"):
        register.changes("elsewhere", 100, CALL)
    assert world
