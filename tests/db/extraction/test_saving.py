"""A saved list: whole or absent, as it was seen, and changed by one hand at a time."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from threading import Thread
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.db.extraction.lists import MR2, SCHEDULE, outcome, run, save, trail
from tests.details import clerk, events
from tests.doses import given
from tests.people import NOW, TODAY, resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import ExtractionState, MemberStanding
from yvaxportal.models.extraction import ExtractionMember, TargetExtraction
from yvaxportal.models.resident import Resident
from yvaxportal.services.detail_changes import ChangedMeanwhileError, NothingToChangeError
from yvaxportal.services.extraction import saving
from yvaxportal.services.extraction.changing import (
    StandsAlreadyError,
    WithdrawnError,
    add_person,
    remove_person,
    withdraw_list,
)
from yvaxportal.services.extraction.criteria import Criteria, CriteriaError
from yvaxportal.services.extraction.lists import counts_of, list_of
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.extraction.saving import FiguresDifferError, save_list

DUE = "2020-05-01"


@pytest.fixture
def staff(world: Session) -> int:
    made = clerk(world)
    world.commit()
    return made


@pytest.fixture
def children(world: Session) -> list[Resident]:
    made = [resident(world, born=DUE) for _ in range(4)]
    world.add_all(given(made[3], ("mr", 1, "2021-07-01"), ("mr", 2, "2026-05-01")))
    world.commit()
    return made


def hand(staff: int, revision: int) -> dict[str, Any]:
    return {"reason": "保護者の申出", "revision": revision, "staff_id": staff, "now": NOW}


def test_everybody_of_the_base_cohort_is_kept_with_what_became_of_them(
    world: Session, engine: Engine, staff: int, children: list[Resident]
) -> None:
    found = run(world)
    number = save(world, trail(world, engine), staff)
    world.commit()
    members = {
        one.resident_id: one
        for one in world.scalars(select(ExtractionMember).where(ExtractionMember.extraction_id == number))
    }
    assert {key: one.excluded_by for key, one in members.items()} == outcome(found)
    assert members[children[3].id].excluded_by == Rule.DONE
    assert members[children[0].id].dose_number == 2
    row = list_of(world, number)
    assert row is not None
    assert (row.base, row.by_rules, row.criteria) == (4, 3, MR2)
    assert row.schedule_version == SCHEDULE.version
    assert row.steps == found.steps
    (event,) = events(world, Action.EXTRACTION_SAVED)
    assert event.detail["on_list"] == 3


def test_a_list_that_differs_from_what_was_shown_is_not_saved(
    world: Session, engine: Engine, staff: int, children: list[Resident]
) -> None:
    shown = run(world).figures
    world.add_all(given(children[0], ("mr", 1, "2021-07-01"), ("mr", 2, "2026-06-01")))
    world.commit()
    with pytest.raises(FiguresDifferError) as differ:
        save_list(
            world,
            trail(world, engine),
            SCHEDULE,
            MR2,
            title="見本",
            shown=shown,
            staff_id=staff,
            today=TODAY,
            now=NOW,
        )
    assert (shown[-1], differ.value.run.left) == (3, 2)
    assert world.scalars(select(func.count()).select_from(TargetExtraction)).one() == 0


@pytest.mark.parametrize("way", ["killed", "full", "cancelled"])
def test_a_save_that_ends_in_the_middle_leaves_nothing(
    world: Session,
    engine: Engine,
    staff: int,
    children: list[Resident],
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    assert children
    rows, process = saving._rows, world.scalar(select(func.pg_backend_pid()))

    def interrupted(*args: Any, **kw: Any) -> Iterator[Any]:
        for place, row in enumerate(rows(*args, **kw)):
            if place == 2:
                _interrupt(way, engine, process)
            yield row

    monkeypatch.setattr(saving, "_rows", interrupted)
    with pytest.raises((DBAPIError, psycopg.Error, OSError)):
        save(world, trail(world, engine), staff)
    with suppress(DBAPIError):  # the connection may be gone
        world.rollback()
    with Session(engine) as afterwards:
        assert afterwards.scalars(select(func.count()).select_from(TargetExtraction)).one() == 0
        assert afterwards.scalars(select(func.count()).select_from(ExtractionMember)).one() == 0


def _interrupt(way: str, engine: Engine, process: int | None) -> None:
    """Let the disk be full, or the database's process be killed or told to stop."""
    if way == "full":
        raise OSError(28, "No space left on device")
    ending = func.pg_terminate_backend if way == "killed" else func.pg_cancel_backend
    with engine.connect() as connection:
        assert connection.scalar(select(ending(process)))
    # The other process is told by a signal and answers to it in its own time.
    time.sleep(0.3)


def test_people_are_added_and_removed_with_a_reason(
    world: Session, engine: Engine, staff: int, children: list[Resident]
) -> None:
    audit = trail(world, engine)
    number = save(world, audit, staff)
    outsider = resident(world, born="1950-01-01")
    remove_person(world, audit, number, children[0].id, **hand(staff, 1))
    add_person(world, audit, number, children[3].id, **hand(staff, 2))
    add_person(world, audit, number, outsider.id, **hand(staff, 3))
    counts = counts_of(world, number)
    assert (counts.on_list, counts.added, counts.removed) == (4, 2, 1)
    added = world.get_one(ExtractionMember, (number, children[3].id))
    assert (added.excluded_by, added.standing) == (None, MemberStanding.ADDED)
    assert added.detail is not None
    assert added.detail["excluded_by"] == Rule.DONE
    assert [event.detail["act"] for event in events(world, Action.EXTRACTION_CHANGED)] == [
        "remove",
        "add",
        "add",
    ]
    with pytest.raises(StandsAlreadyError):
        add_person(world, audit, number, children[1].id, **hand(staff, 4))


def test_who_is_removed_can_be_put_back_and_taken_off_again(
    world: Session, engine: Engine, staff: int, children: list[Resident]
) -> None:
    audit = trail(world, engine)
    number = save(world, audit, staff)
    remove_person(world, audit, number, children[0].id, **hand(staff, 1))
    with pytest.raises(StandsAlreadyError), world.begin_nested():
        remove_person(world, audit, number, children[0].id, **hand(staff, 2))
    add_person(world, audit, number, children[0].id, **hand(staff, 2))
    assert counts_of(world, number).on_list == 3
    remove_person(world, audit, number, children[0].id, **hand(staff, 3))
    assert counts_of(world, number).on_list == 2


def test_of_two_who_change_a_list_at_once_one_wins(
    world: Session, engine: Engine, staff: int, children: list[Resident]
) -> None:
    number = save(world, trail(world, engine), staff)
    world.commit()
    ends: list[str] = []

    def change(child: int) -> None:
        with Session(engine) as session:
            try:
                remove_person(session, trail(session, engine), number, child, **hand(staff, 1))
                session.commit()
            except ChangedMeanwhileError as newer:
                session.rollback()
                ends.append(f"lost {newer.revision}")
            else:
                ends.append("won")

    threads = [Thread(target=change, args=(children[place].id,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(ends) == ["lost 2", "won"]
    world.rollback()
    assert counts_of(world, number).removed == 1


def test_a_withdrawn_list_stays_readable_and_is_changed_no_more(
    world: Session, engine: Engine, staff: int, children: list[Resident]
) -> None:
    audit = trail(world, engine)
    number = save(world, audit, staff)
    withdraw_list(world, audit, number, **hand(staff, 1))
    row = list_of(world, number)
    assert row is not None
    assert (row.state, row.withdraw_reason, row.withdrawn_at) == (
        ExtractionState.WITHDRAWN,
        "保護者の申出",
        NOW,
    )
    assert counts_of(world, number).on_list == 3
    with pytest.raises(WithdrawnError):
        remove_person(world, audit, number, children[0].id, **hand(staff, 2))
    with pytest.raises(WithdrawnError):
        withdraw_list(world, audit, number, **hand(staff, 2))
    with pytest.raises(NothingToChangeError):
        withdraw_list(world, audit, 999, **hand(staff, 1))


def test_criteria_come_back_from_json_as_they_were_and_nothing_else_does() -> None:
    assert Criteria.from_json(MR2.as_json()) == MR2
    with pytest.raises(CriteriaError):
        Criteria.from_json({**MR2.as_json(), "personal_number": "1"})
    with pytest.raises(CriteriaError):
        Criteria.from_json({**MR2.as_json(), "doses": "yes"})
    with pytest.raises(CriteriaError):
        Criteria.from_json({"programme": "mr2"})
    with pytest.raises(CriteriaError) as wrong:
        Criteria("mr2", TODAY, date(2026, 1, 1))
    assert (wrong.value.item, wrong.value.problem) == ("due_until", "before_reference_date")


def test_whoever_is_on_the_earlier_list_is_taken_out(
    world: Session, engine: Engine, staff: int, children: list[Resident]
) -> None:
    audit = trail(world, engine)
    first = save(world, audit, staff)
    remove_person(world, audit, first, children[0].id, **hand(staff, 1))
    add_person(world, audit, first, children[3].id, **hand(staff, 2))
    found = outcome(run(world, doses=False, not_on=first))
    assert {key for key, rule in found.items() if rule is Rule.EARLIER_LIST} == {
        children[1].id,
        children[2].id,
        children[3].id,
    }
    assert found[children[0].id] is None
