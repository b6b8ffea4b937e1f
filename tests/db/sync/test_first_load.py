"""The first load of everybody: in pieces, gone on with after a break, and followed by the changes."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from tests.db.sync.conftest import Rows
from tests.db.sync.register import Register, person
from tests.people import resident
from yvaxportal.adapters.errors import Unavailable
from yvaxportal.services.sync import snapshot
from yvaxportal.services.sync.run import ResidentSync


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PIECE", 4)


def city(register: Register, size: int) -> None:
    for place in range(size):
        subject = person(f"{1000000000 + place}", household_number=f"H{place // 3}")
        register.people[subject.atena_number] = subject


def test_everybody_is_taken_over_and_changes_follow(
    sync: ResidentSync, register: Register, rows: Rows
) -> None:
    city(register, 10)
    report = sync.run()
    assert (report.first_load, dict(report.counts)) == (True, {"applied": 10})
    assert rows("SELECT count(*), count(DISTINCT household_number) FROM resident") == [(10, 4)]
    assert rows("SELECT cursor, snapshot_id, snapshot_taken, snapshot_expected FROM sync_state") == [
        ("0", None, 10, 10)
    ]
    # One event for each piece, not one for each of 150,000 people.
    assert rows("SELECT detail->>'new' FROM audit_event ORDER BY id") == ["4", "4", "2"]
    register.happens("corrected", replace(register.people["1000000003"], version=2, name="別の　名"))
    report = sync.run()
    assert (report.first_load, dict(report.counts)) == (False, {"applied": 1})
    assert rows("SELECT name FROM resident WHERE atena_number = '1000000003'") == ["別の　名"]


def test_a_load_that_broke_goes_on_where_it_was(sync: ResidentSync, register: Register, rows: Rows) -> None:
    city(register, 10)
    register.breaks_after = 6
    register.fault = lambda call: (
        Unavailable("resident_register", "the connection ended") if call == "people" else None
    )
    report = sync.run()
    assert report.failure == "Unavailable: the connection ended"
    assert rows("SELECT count(*) FROM resident") == [4]
    assert rows("SELECT snapshot_after, snapshot_taken FROM sync_state") == [("1000000003", 4)]
    report = sync.run()
    assert (report.failure, report.counts["applied"]) == ("", 6)
    assert rows("SELECT count(*) FROM resident") == [10]
    assert rows("SELECT count(*) FROM sync_refusal") == [0]


def test_a_snapshot_that_is_gone_is_begun_anew(sync: ResidentSync, register: Register, rows: Rows) -> None:
    city(register, 10)
    register.breaks_after = 6
    register.fault = lambda call: (
        Unavailable("resident_register", "the connection ended") if call == "people" else None
    )
    sync.run()
    register.kept_snapshots = False
    report = sync.run()
    assert (report.failure, report.counts["applied"]) == ("", 10)
    assert rows("SELECT count(*), max(revision) FROM resident") == [(10, 2)]


def test_people_whom_the_register_does_not_have_are_named_and_stay(
    sync: ResidentSync, register: Register, world: Session, rows: Rows
) -> None:
    here = resident(world)
    world.commit()
    city(register, 2)
    report = sync.run()
    assert dict(report.counts) == {"applied": 2, "not_in_register": 1}
    assert rows("SELECT atena_number, reason FROM sync_refusal") == [(here.atena_number, "not_in_register")]
    assert rows("SELECT count(*) FROM resident WHERE resident_category = 'resident'") == [3]


def test_a_foreign_citys_people_are_refused(sync: ResidentSync, register: Register, rows: Rows) -> None:
    city(register, 3)
    register.people["1000000001"] = replace(register.people["1000000001"], municipality_code="131016")
    assert dict(sync.run().counts) == {"applied": 2, "wrong_municipality": 1}
    assert rows("SELECT atena_number FROM resident ORDER BY id") == ["1000000000", "1000000002"]


def test_a_number_that_is_somebodys_business_number(
    sync: ResidentSync, register: Register, world: Session
) -> None:
    resident(world, business_atena_number="1000000001")
    world.commit()
    city(register, 3)
    assert sync.run().counts["business_number_taken"] == 1
    register.happens("corrected", replace(register.people["1000000001"], version=2))
    assert dict(sync.run().counts) == {"business_number_taken": 1}
