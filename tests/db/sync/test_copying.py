"""COPY writes what an INSERT would, whatever stands in a text."""

from datetime import date

import pytest
from psycopg import DataError
from sqlalchemy.orm import Session

from tests.db.sync.conftest import NOW, Rows
from tests.people import resident
from yvaxportal.models.codes import NameKind
from yvaxportal.services.sync.copying import copy_rows
from yvaxportal.services.sync.people import CONTACT, MEASURE, NAME, VERSION

TEXTS = ["\\N", "a\tb", "a\\tb", '見本　"太郎"\', x', "𠮷野\U000e0100", "1\r\n2", ""]


def test_texts_arrive_as_they_are(world: Session, rows: Rows) -> None:
    people = [resident(world).id for _ in TEXTS]
    copy_rows(
        world,
        NAME,
        [
            {"resident_id": one, "kind": NameKind.FORMER, "key": text, "date_of_birth_written": "1970-01-00"}
            for one, text in zip(people, TEXTS, strict=True)
        ],
    )
    world.commit()
    found = rows("SELECT key, kind FROM resident_name WHERE kind = 'former' ORDER BY resident_id")
    assert found == [(text, "former") for text in TEXTS]


def test_it_is_part_of_the_sessions_transaction(world: Session, rows: Rows) -> None:
    one = resident(world).id
    world.commit()
    copy_rows(world, VERSION, [{"resident_id": one, "version": 3, "taken_at": NOW}])
    world.rollback()
    assert rows("SELECT count(*) FROM register_version") == [0]
    copy_rows(world, VERSION, [])
    copy_rows(world, VERSION, [{"resident_id": one, "version": 3, "taken_at": NOW}])
    world.commit()
    assert rows("SELECT version, taken_at FROM register_version") == [(3, NOW)]


def test_what_postgresql_cannot_hold_is_refused(world: Session) -> None:
    one = resident(world).id
    with pytest.raises(DataError):
        copy_rows(world, CONTACT, [{"resident_id": one, "current_address": "a\x00"}])
    world.rollback()


def test_a_day_and_nothing(world: Session, rows: Rows) -> None:
    one = resident(world).id
    copy_rows(
        world,
        MEASURE,
        [
            {
                "resident_id": one,
                "starts_on": date(2026, 4, 1),
                "ends_on": date(2027, 3, 31),
                "provisional": False,
                "lifted_at": None,
            }
        ],
    )
    world.commit()
    assert rows("SELECT starts_on, provisional, lifted_at IS NULL FROM support_measure") == [
        (date(2026, 4, 1), False, True)
    ]
