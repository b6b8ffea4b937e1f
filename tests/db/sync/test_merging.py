"""Two numbers that are one person: nothing is lost, nothing stands twice."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.db.sync.conftest import Rows
from tests.db.sync.register import Register, person
from tests.people import NOW, resident
from yvaxportal.models.codes import (
    DoseCategory,
    DoseSource,
    DoseState,
    Judgement,
    RecordGroup,
    TicketState,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Resident, ResidentNote
from yvaxportal.models.ticket import Ticket
from yvaxportal.services.sync.run import ResidentSync


def dose(world: Session, someone: Resident, number: int, **said: Any) -> Dose:
    whole: dict[str, Any] = {
        "resident_id": someone.id,
        "record_group": RecordGroup.INFANT,
        "vaccine": "MR",
        "dose_number": number,
        "given_on": date(2026, 10, number),
        "judgement": Judgement.GIVEN,
        "dose_category": DoseCategory.ROUTINE,
        "lot_number": "見本-1",
        "alerts": [],
        "source": DoseSource.FORM,
        "state": DoseState.ACTIVE,
        "changed_at": NOW,
    }
    made = Dose(**(whole | said))
    world.add(made)
    world.flush()
    return made


@pytest.fixture
def pair(world: Session, sync: ResidentSync) -> tuple[Resident, Resident]:
    kept, gone = resident(world), resident(world, support_measure_flag=True)
    dose(world, kept, 1)
    dose(world, gone, 1)
    dose(world, gone, 2)
    world.add(ResidentNote(resident_id=gone.id, personal_remarks="筆談", changed_at=NOW))
    world.add(
        Ticket(
            resident_id=gone.id,
            vaccine="COVID19",
            ticket_kind="2",
            dose_number=1,
            municipality_code="312029",
            ticket_number="0000000001",
            issued_on=date(2021, 6, 1),
            state=TicketState.ISSUED,
        )
    )
    world.commit()
    sync.run()
    return kept, gone


def test_a_merge_moves_everything_and_says_what(
    sync: ResidentSync, register: Register, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, gone = pair
    register.happens("merged", gone.atena_number, other_atena_number=kept.atena_number)
    report = sync.run()
    assert dict(report.counts) == {"applied": 1}
    assert rows(
        "SELECT resident_id, dose_number, state, change_reason, lot_number FROM dose ORDER BY id"
    ) == [
        (kept.id, 1, "active", None, "見本-1"),
        (gone.id, 1, "cancelled", "宛名番号の統合", "見本-1"),
        (gone.id, 2, "cancelled", "宛名番号の統合", "見本-1"),
        (kept.id, 2, "active", "宛名番号の統合", "見本-1"),
    ]
    assert rows("SELECT resident_id FROM ticket") == [kept.id]
    assert rows("SELECT resident_id, personal_remarks FROM resident_note") == [(kept.id, "筆談")]
    assert rows("SELECT id, resident_category, support_measure_flag FROM resident ORDER BY id") == [
        (kept.id, "resident", True),
        (gone.id, "removed", True),
    ]
    ((kept_id, gone_id, moved),) = rows(
        "SELECT kept_resident_id, merged_resident_id, moved FROM resident_merge"
    )
    assert (kept_id, gone_id) == (kept.id, gone.id)
    old = rows("SELECT id FROM dose WHERE resident_id = :id ORDER BY id", id=gone.id)
    new = rows("SELECT id FROM dose WHERE dose_number = 2 AND state = 'active'")
    assert moved["dose"] == [[old[0], None], [old[1], new[0]]]
    register.log.append(register.log[-1])
    assert dict(sync.run().counts) == {"duplicate": 1}
    assert rows("SELECT count(*) FROM dose") == [4]


def test_a_merge_into_somebody_unknown_is_refused(
    sync: ResidentSync, register: Register, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    _, gone = pair
    register.happens("merged", gone.atena_number, other_atena_number="1000000028")
    assert dict(sync.run().counts) == {"other_unknown": 1}
    assert rows("SELECT count(*) FROM dose WHERE state = 'active'") == [3]


def test_a_merge_between_changes_of_both(
    sync: ResidentSync, register: Register, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, gone = pair
    register.happens("corrected", person(gone.atena_number, name="一つ目　名"))
    register.happens("corrected", person(kept.atena_number, name="二つ目　名"))
    register.happens("merged", gone.atena_number, other_atena_number=kept.atena_number)
    register.happens("corrected", person(kept.atena_number, version=2, name="三つ目　名"))
    assert dict(sync.run().counts) == {"applied": 4}
    assert rows("SELECT name, resident_category, support_measure_flag FROM resident ORDER BY id") == [
        ("三つ目　名", "resident", True),
        ("一つ目　名", "removed", True),
    ]


def test_a_split_makes_a_new_person_and_asks_somebody(
    sync: ResidentSync, register: Register, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, _ = pair
    register.happens("split", person("1000000028"), other_atena_number=kept.atena_number)
    assert dict(sync.run().counts) == {"applied": 1}
    assert rows("SELECT reason, atena_number FROM sync_refusal WHERE reason LIKE 'split%'") == [
        ("split_to_decide", "1000000028")
    ]
    assert rows("SELECT count(*) FROM dose WHERE resident_id = :id AND state = 'active'", id=kept.id) == [1]


def test_somebody_with_doses_is_not_removed(
    sync: ResidentSync, register: Register, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, _ = pair
    register.happens("removed", kept.atena_number)
    assert dict(sync.run().counts) == {"has_records": 1}
    assert rows("SELECT resident_category FROM resident WHERE id = :id", id=kept.id) == ["resident"]


@pytest.mark.parametrize("at_once", [False, True])
def test_a_merged_number_that_is_somebody_again_waits_for_a_decision(
    sync: ResidentSync, register: Register, pair: tuple[Resident, Resident], rows: Rows, *, at_once: bool
) -> None:
    kept, gone = pair
    register.happens("corrected", person(kept.atena_number))
    register.happens("merged", gone.atena_number, other_atena_number=kept.atena_number)
    if not at_once:
        sync.run()
        assert rows("SELECT count(*) FROM sync_refusal WHERE reason = 'split_to_decide'") == [0]
    register.happens("corrected", person(gone.atena_number))
    assert dict(sync.run().counts) == {"applied": 3 if at_once else 1}
    assert rows("SELECT atena_number FROM sync_refusal WHERE reason = 'split_to_decide'") == [
        gone.atena_number
    ]
    # The merge stands until somebody takes it apart.
    assert rows("SELECT count(*) FROM resident_merge WHERE undone_at IS NULL") == [1]


def test_a_merge_the_other_way_round_is_refused(
    sync: ResidentSync, register: Register, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, gone = pair
    register.happens("merged", gone.atena_number, other_atena_number=kept.atena_number)
    register.happens("merged", kept.atena_number, other_atena_number=gone.atena_number)
    assert dict(sync.run().counts) == {"applied": 1, "merged_otherwise": 1}
    assert rows("SELECT merged_resident_id FROM resident_merge") == [gone.id]
