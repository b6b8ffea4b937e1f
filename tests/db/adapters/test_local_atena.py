"""The integrated atena system on the portal's own tables."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session

from tests.db.adapters.conftest import NOW
from tests.people import resident
from yvaxportal.adapters.atena.local import LocalAtena
from yvaxportal.adapters.errors import NotFound, NotOffered, Refused
from yvaxportal.adapters.interfaces import IAtena
from yvaxportal.adapters.messages.atena import AssignmentKind, Envelope, NewPerson
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.models.codes import Sex
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.values.checkdigits import is_atena_number
from yvaxportal.values.personal_number import PersonalNumber

CALL = CallContext.interactive("tanaka")
NUMBER, OTHER = PersonalNumber("900000000010"), PersonalNumber("900000000029")
HANAKO = NewPerson("見本　花子", "1970-01-00", Sex.FEMALE, "鳥取県米子市錦町1", name_kana="ミホン　ハナコ")


def index(number: PersonalNumber) -> bytes:
    return hmac.new(b"a key of the tests", number.reveal().encode(), hashlib.sha256).digest()


@pytest.fixture
def atena(engine: Engine) -> IAtena:
    adapter: IAtena = LocalAtena("atena", engine, "312029", lambda: NOW, index)
    return adapter


def test_numbers_are_told_apart_from_everybody_elses(atena: IAtena, world: Session) -> None:
    resident(world, atena_number="8000000017")
    world.commit()
    made = [atena.assign(replace(HANAKO, address=f"米子市{place}"), f"k-{place}", CALL) for place in range(3)]
    numbers = [one.atena_number for one in made]
    assert len({*numbers, "8000000017"}) == 4
    assert all(is_atena_number(number, remainder_one="zero") and number[0] == "8" for number in numbers)


def test_a_personal_number_tells_who_it_is_whatever_else_is_written(atena: IAtena) -> None:
    first = atena.assign(replace(HANAKO, personal_number=NUMBER), "k-1", CALL)
    moved = replace(HANAKO, name="見本　はな子", address="別の町", personal_number=NUMBER)
    second = atena.assign(moved, "k-2", CALL)
    assert (second.atena_number, second.kind) == (first.atena_number, AssignmentKind.ALREADY_HAD_ONE)
    assert atena.name_information_by_personal_number(NUMBER, CALL).atena_number == first.atena_number
    with pytest.raises(NotFound):
        atena.name_information_by_personal_number(OTHER, CALL)
    with pytest.raises(Refused, match="contradiction"):
        atena.assign(replace(moved, date_of_birth_written="1971-01-00"), "k-3", CALL)


def test_two_people_of_one_name_and_house_are_told_apart_by_their_numbers(atena: IAtena) -> None:
    first = atena.assign(replace(HANAKO, personal_number=NUMBER), "k-1", CALL)
    second = atena.assign(replace(HANAKO, personal_number=OTHER), "k-2", CALL)
    assert first.atena_number != second.atena_number


def test_a_resident_has_a_number_already(atena: IAtena, world: Session) -> None:
    person = resident(world, name="見本　一郎", sex=Sex.MALE, contact={"current_address": "米子市錦町9"})
    world.commit()
    asked = NewPerson("見本　一郎", person.date_of_birth_written, Sex.MALE, "米子市錦町9")
    made = atena.assign(asked, "k-1", CALL)
    assert (made.atena_number, made.kind) == (person.atena_number, AssignmentKind.ALREADY_HAD_ONE)
    found = atena.name_information(person.atena_number, CALL)
    assert found.is_registered_resident
    with pytest.raises(Refused, match="registered_resident"):
        atena.keep(replace(found, as_of=NOW + timedelta(days=1)), "k-2", CALL)
    with pytest.raises(Refused, match="registered_resident"):
        atena.bind_personal_number(person.atena_number, NUMBER, "k-3", CALL)


def test_a_number_is_bound_to_one_person(atena: IAtena) -> None:
    one = atena.assign(HANAKO, "k-1", CALL).atena_number
    other = atena.assign(replace(HANAKO, address="別の町"), "k-2", CALL).atena_number
    atena.bind_personal_number(one, NUMBER, "k-3", CALL)
    atena.bind_personal_number(one, NUMBER, "k-3", CALL)
    with pytest.raises(Refused, match="number_bound"):
        atena.bind_personal_number(other, NUMBER, "k-4", CALL)
    atena.bind_personal_number(one, OTHER, "k-5", CALL)
    assert atena.name_information_by_personal_number(OTHER, CALL).atena_number == one
    with pytest.raises(Refused, match="key_reused"):
        atena.bind_personal_number(other, NUMBER, "k-3", CALL)
    with pytest.raises(NotFound):
        atena.bind_personal_number("123", NUMBER, "k-6", CALL)


def test_merges_are_told_and_followed(atena: IAtena, world: Session) -> None:
    people = [resident(world) for _ in range(3)]
    for place, (gone, kept) in enumerate(((0, 1), (1, 2))):
        world.execute(
            insert(ResidentMerge).values(
                change_id=f"c-{place}",
                kept_resident_id=people[kept].id,
                merged_resident_id=people[gone].id,
                decided_on=date(2026, 11, 20),
                merged_at=NOW,
                moved={},
            )
        )
    world.commit()
    assert atena.name_information(people[0].atena_number, CALL).atena_number == people[2].atena_number
    first = atena.notices(None, 1, CALL)
    assert [(one.atena_number, one.other_atena_number) for one in first.notices] == [
        (people[1].atena_number, people[0].atena_number)
    ]
    assert first.more
    second = atena.notices(first.next_cursor, 1, CALL)
    assert [one.notice_id for one in second.notices] == ["c-1"]
    assert not second.more
    assert atena.notices(second.next_cursor, 1, CALL).notices == ()
    for cursor in ("n9", "9", "n", "n-1"):
        with pytest.raises(Refused, match="unknown_cursor"):
            atena.notices(cursor, 1, CALL)


def test_no_table_holds_the_number(atena: IAtena, engine: Engine) -> None:
    atena.assign(replace(HANAKO, personal_number=NUMBER), "k-1", CALL)
    one = atena.assign(replace(HANAKO, address="別の町"), "k-2", CALL).atena_number
    atena.bind_personal_number(one, OTHER, "k-3", CALL)
    guesses = [NUMBER.reveal(), OTHER.reveal()]
    guesses += [hashlib.sha256(number.encode()).hexdigest() for number in guesses]
    with engine.connect() as connection:
        for table in ("atena_person", "adapter_key"):
            rows = str(connection.execute(text(f"SELECT t::text FROM {table} t")).all())  # noqa: S608
            assert not any(guess in rows for guess in guesses)


def test_what_it_cannot_do_is_said(built: Callable[..., Any], atena: IAtena) -> None:
    without: IAtena = built(LocalAtena, "atena")
    with pytest.raises(NotOffered):
        without.name_information_by_personal_number(NUMBER, CALL)
    with pytest.raises(NotOffered):
        atena.pass_to_chukan(Envelope("IF_SKI_10111", "m-1", b"{}"), "k-1", CALL)
    with pytest.raises(NotOffered):
        atena.collect_from_chukan(None, 10, CALL)
