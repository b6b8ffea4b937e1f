"""Rows typed twice: who may, what agrees, what holds a row back, how differences are settled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.details import clerk, events
from tests.importing import Office, questionnaires, row_of
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import ImportDecision, SecondEntryChoice, SecondEntryState, SettledBy
from yvaxportal.models.dose import Dose
from yvaxportal.models.imports import ImportBatch, ImportRow
from yvaxportal.models.mismatch import SecondEntry, SecondEntryField, SecondEntryPlan
from yvaxportal.models.resident import Resident
from yvaxportal.services.imports.deciding import CLAIMED_FOR, Done, Impossible, Result, Reviewer, Stale
from yvaxportal.services.imports.desk import withdraw
from yvaxportal.services.imports.layouts import SHIPPED, LayoutError, load_layouts
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError
from yvaxportal.services.imports.second_entry import (
    Agreed,
    Differs,
    Typed,
    agreement,
    differences_of,
    files,
    next_to_settle,
    next_to_type,
    note_opened,
    settle,
    task_of,
    type_again,
)
from yvaxportal.services.imports.second_plans import Choice, choose

FIELDS = ("birth", "given_on", "lot_number")
ALL = Choice(SecondEntryChoice.ALL, FIELDS)
SAME = {"birth": "R6.3.5", "given_on": "令和7年4月1日", "lot_number": "ｙ123"}


@pytest.fixture
def child(world: Session) -> Resident:
    made = resident(world, born="2024-03-05", name="見本　花子", name_kana="ミホン　ハナコ")
    world.commit()
    return made


@pytest.fixture
def second(world: Session) -> int:
    number = clerk(world, "second")
    world.commit()
    return number


@pytest.fixture
def third(world: Session) -> int:
    number = clerk(world, "third")
    world.commit()
    return number


def reviewer(desk: Office, session: Session, staff_id: int) -> Reviewer:
    return Reviewer(session, desk.audit(session), desk.bureau, staff_id, NOW)


def chosen(desk: Office, batch_id: int, choice: Choice | None = ALL, seed: str = "s") -> int:
    with Session(desk.bureau.engine) as session, session.begin():
        return choose(
            session, desk.audit(session), batch_id, choice, seed=seed, staff_id=desk.staff_id, now=NOW
        )


def typed(desk: Office, batch_id: int, staff_id: int, number: int = 1, **said: Any) -> Typed:
    sure = said.pop("sure", False)
    with Session(desk.bureau.engine) as session, session.begin():
        return type_again(reviewer(desk, session, staff_id), batch_id, number, {**SAME, **said}, sure=sure)


def following(desk: Office, batch_id: int, staff_id: int, **said: Any) -> int | None:
    with Session(desk.bureau.engine) as session, session.begin():
        batch = session.get_one(ImportBatch, batch_id)
        return next_to_type(session, batch, staff_id=staff_id, now=said.pop("now", NOW), **said)


def settled(desk: Office, batch_id: int, staff_id: int, answers: dict[str, Any]) -> Result:
    with Session(desk.bureau.engine) as session, session.begin():
        row = session.get_one(ImportRow, (batch_id, 1))
        return settle(
            reviewer(desk, session, staff_id), batch_id, 1, answers, revision=row.revision, reason="原本"
        )


def test_the_same_in_other_writings_agrees_and_lets_the_row_through(
    desk: Office, world: Session, child: Resident, second: int
) -> None:
    batch = desk.checked(questionnaires([row_of(child)]))
    assert chosen(desk, batch.id) == 1
    assert desk.apply(batch.id) == {}
    assert world.scalars(select(Dose)).all() == []
    assert typed(desk, batch.id, second) == Agreed()
    assert desk.apply(batch.id)["recorded"] == 1
    (event,) = events(world, Action.SECOND_ENTRY_TYPED)
    assert event.detail == {"row": 1, "differing": []}


def test_what_differs_holds_the_row_until_a_third_step(
    desk: Office, world: Session, child: Resident, second: int, third: int
) -> None:
    batch = desk.checked(questionnaires([row_of(child)]))
    chosen(desk, batch.id)
    assert typed(desk, batch.id, second, given_on="2025-04-11", lot_number="Y132") == Differs(
        ("given_on", "lot_number")
    )
    desk.apply(batch.id)
    assert world.scalars(select(Dose)).all() == []
    with Session(desk.bureau.engine) as session:
        assert next_to_settle(session, batch.id, second) is None
        assert next_to_settle(session, batch.id, third) == 1
        assert [(one.field, one.first, one.second) for one in differences_of(session, batch.id, 1)] == [
            ("given_on", "2025-04-01", "2025-04-11"),
            ("lot_number", "Y123", "Y132"),
        ]
    answers = {"given_on": (SettledBy.SECOND, ""), "lot_number": (SettledBy.OTHER, "Y321")}
    assert settled(desk, batch.id, second, answers) == Stale()
    assert isinstance(settled(desk, batch.id, third, {"given_on": answers["given_on"]}), Impossible)
    assert isinstance(settled(desk, batch.id, third, answers), Done)
    (row,) = desk.rows(batch.id)
    assert row.second_entry is SecondEntryState.SETTLED
    assert (row.parsed["dose"]["given_on"], row.parsed["dose"]["lot_number"]) == ("2025-04-11", "Y321")
    desk.apply(batch.id)
    assert world.scalars(select(Dose.lot_number)).all() == ["Y321"]
    (entry,) = world.scalars(select(SecondEntry)).all()
    assert (entry.typed_by, entry.settled_by, entry.settle_reason) == (second, third, "原本")
    assert {one.field: one.settled for one in world.scalars(select(SecondEntryField)) if not one.agreed} == {
        "given_on": SettledBy.SECOND,
        "lot_number": SettledBy.OTHER,
    }
    (event,) = events(world, Action.SECOND_ENTRY_SETTLED)
    assert event.detail is not None
    assert event.detail["fields"] == {"given_on": "second", "lot_number": "other"}


def test_where_the_first_entry_was_right_the_row_stays_as_it_was(
    desk: Office, child: Resident, second: int, third: int
) -> None:
    batch = desk.checked(questionnaires([row_of(child)]))
    chosen(desk, batch.id)
    typed(desk, batch.id, second, lot_number="")
    before = desk.rows(batch.id)[0]
    assert isinstance(settled(desk, batch.id, third, {"lot_number": (SettledBy.FIRST, "")}), Done)
    (row,) = desk.rows(batch.id)
    assert (row.raw, row.state, row.second_entry) == (before.raw, "ready", "settled")
    with Session(desk.bureau.engine) as session:
        found = {one.field: one for one in agreement(session, batch.id)}
    assert (found["birth"].typed, found["birth"].agreed) == (1, 1)
    assert (found["lot_number"].agreed, found["lot_number"].first_right) == (0, 1)


def test_nobody_types_what_they_have_seen(
    desk: Office, world: Session, child: Resident, second: int, third: int
) -> None:
    batch = desk.checked(questionnaires([row_of(child, 生年月日="2024-03-06"), row_of(child)]))
    chosen(desk, batch.id)
    assert following(desk, batch.id, desk.staff_id) is None
    assert typed(desk, batch.id, desk.staff_id) == Stale()
    with Session(desk.bureau.engine) as session, session.begin():
        note_opened(session, batch.id, 1, second, NOW)
        note_opened(session, batch.id, 1, second, NOW)
    assert following(desk, batch.id, second) == 2
    assert typed(desk, batch.id, second) == Stale()
    with Session(desk.bureau.engine) as session, session.begin():
        done = reviewer(desk, session, third).decide(
            batch.id, 1, ImportDecision.APPLY, revision=1, reason="原本で確認"
        )
        assert isinstance(done, Done)
    assert typed(desk, batch.id, third) == Stale()
    fourth = clerk(world, "fourth")
    world.commit()
    # The claim of the second still holds row 2; row 1 is decided, and still to be typed.
    assert following(desk, batch.id, fourth) == 1
    with Session(desk.bureau.engine) as session:
        assert task_of(session, session.get_one(ImportBatch, batch.id), 1, staff_id=second) is None


def test_a_task_names_the_paper_and_hides_what_is_typed(desk: Office, child: Resident, second: int) -> None:
    batch = desk.checked(questionnaires([row_of(child)]))
    chosen(desk, batch.id, Choice(SecondEntryChoice.ALL, ("name", "birth", "fee")))
    with Session(desk.bureau.engine) as session:
        task = task_of(session, session.get_one(ImportBatch, batch.id), 1, staff_id=second)
    assert task is not None
    assert task.fields == ("name", "birth")
    assert dict(task.finds) == {
        "business_atena_number": child.business_atena_number,
        "name_kana": "ミホン　ハナコ",
    }


def test_two_typists_never_get_the_same_row(desk: Office, child: Resident, second: int, third: int) -> None:
    batch = desk.checked(questionnaires([row_of(child), row_of(child, 回数="2")]))
    chosen(desk, batch.id)
    assert (following(desk, batch.id, second), following(desk, batch.id, third)) == (1, 2)
    assert typed(desk, batch.id, third, number=1) == Stale()
    late = NOW + CLAIMED_FOR + timedelta(seconds=1)
    assert following(desk, batch.id, third, now=late, after=2) == 1
    assert following(desk, batch.id, second, now=late) == 2


def test_what_cannot_be_read_is_asked_about_once(desk: Office, child: Resident, second: int) -> None:
    batch = desk.checked(questionnaires([row_of(child)]))
    chosen(desk, batch.id)
    asked = typed(desk, batch.id, second, given_on="32日")
    assert asked == Impossible([["not_a_day", {"field": "given_on"}]])
    assert desk.rows(batch.id)[0].second_entry is SecondEntryState.WANTED
    assert typed(desk, batch.id, second, given_on="32日", sure=True) == Differs(("given_on",))
    assert typed(desk, batch.id, second) == Stale()


def test_a_personal_number_is_not_kept(desk: Office, world: Session, child: Resident, second: int) -> None:
    batch = desk.checked(questionnaires([row_of(child)]))
    chosen(desk, batch.id)
    with pytest.raises(PersonalNumberFoundError):
        typed(desk, batch.id, second, lot_number="123456789018")
    assert world.scalars(select(SecondEntry)).all() == []


def test_an_unreadable_row_is_read_by_the_second_entry(
    desk: Office, world: Session, child: Resident, second: int, third: int
) -> None:
    batch = desk.checked(questionnaires([row_of(child, 接種日="2025-O4-01")]))
    chosen(desk, batch.id)
    assert desk.states(batch.id) == ["unreadable"]
    assert typed(desk, batch.id, second) == Differs(("given_on",))
    assert isinstance(settled(desk, batch.id, third, {"given_on": (SettledBy.SECOND, "")}), Done)
    assert desk.states(batch.id) == ["ready"]


@pytest.fixture
def many(desk: Office, world: Session) -> int:
    people = [resident(world, born="2024-03-05", name=f"見本　子{at}") for at in range(40)]
    world.commit()
    rows = [row_of(one, **({"氏名": "鈴木　一郎"} if at % 10 == 0 else {})) for at, one in enumerate(people)]
    return desk.checked(questionnaires(rows)).id


def waiting(desk: Office, batch_id: int) -> list[int]:
    return [row.number for row in desk.rows(batch_id) if row.second_entry is SecondEntryState.WANTED]


def test_the_doubtful_alone(desk: Office, many: int) -> None:
    assert chosen(desk, many, Choice(SecondEntryChoice.DOUBT, FIELDS, from_points=18)) == 4
    assert waiting(desk, many) == [1, 11, 21, 31]


def test_a_sample_can_be_drawn_again(desk: Office, many: int, second: int) -> None:
    share = Choice(SecondEntryChoice.SAMPLE, FIELDS, percent=20)
    assert chosen(desk, many, share, seed="one") == 8
    first = waiting(desk, many)
    chosen(desk, many, share, seed="two")
    other = waiting(desk, many)
    chosen(desk, many, share, seed="one")
    assert waiting(desk, many) == first != other
    row = first[0]
    texts = {"birth": "2024-03-05", "given_on": "2025-04-01", "lot_number": "Y123"}
    assert typed(desk, many, second, number=row, **texts) == Agreed()
    assert chosen(desk, many, None) == 0
    assert waiting(desk, many) == []
    assert desk.rows(many)[row - 1].second_entry is SecondEntryState.AGREED


def test_the_list_of_files_counts_what_waits(desk: Office, many: int, second: int) -> None:
    chosen(desk, many, Choice(SecondEntryChoice.SAMPLE, FIELDS, percent=10))
    typed(desk, many, second, number=waiting(desk, many)[0], lot_number="X1")
    with Session(desk.bureau.engine) as session:
        (one,) = files(session, desk.staff_id)
    assert (one.wanted, one.differs, one.own) == (3, 1, True)


def test_a_refused_row_is_not_typed(desk: Office, child: Resident, second: int) -> None:
    batch = desk.checked(questionnaires([row_of(child, 生年月日="2024-03-06")]))
    chosen(desk, batch.id)
    with Session(desk.bureau.engine) as session, session.begin():
        reviewer(desk, session, desk.staff_id).decide(
            batch.id, 1, ImportDecision.REFUSE, revision=1, reason="別人"
        )
    assert following(desk, batch.id, second) is None
    assert typed(desk, batch.id, second) == Stale()


def test_a_file_given_up_takes_its_second_entries_along(
    desk: Office, world: Session, child: Resident, second: int
) -> None:
    batch = desk.checked(questionnaires([row_of(child)]))
    chosen(desk, batch.id)
    typed(desk, batch.id, second, lot_number="X1")
    with Session(desk.bureau.engine) as session, session.begin():
        withdraw(session, desk.audit(session), batch.id, now=NOW)
    assert world.scalars(select(SecondEntryField)).all() == []
    assert following(desk, batch.id, second) is None


def test_a_new_check_begins_anew(desk: Office, world: Session, child: Resident, second: int) -> None:
    batch = desk.checked(questionnaires([row_of(child)]))
    chosen(desk, batch.id)
    typed(desk, batch.id, second)
    desk.check(batch.id)
    assert world.scalars(select(SecondEntry)).all() == []
    assert world.scalars(select(SecondEntryPlan)).all() == []
    assert desk.rows(batch.id)[0].second_entry is None


@pytest.fixture
def with_layout(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        shipped = (SHIPPED / "questionnaires.toml").read_text("utf-8")
        (tmp_path / "questionnaires.toml").write_text(f"{shipped}\n{text}\n", "utf-8")
        return tmp_path

    return write


def test_a_layout_chooses_by_itself(
    desk: Office, world: Session, child: Resident, with_layout: Callable[[str], Path]
) -> None:
    folder = with_layout('[second_entry]\nrows = "sample"\npercent = 50\nfields = ["given_on", "fee"]')
    own = replace(desk, bureau=replace(desk.bureau, layouts=load_layouts(folder)))
    batch = own.checked(questionnaires([row_of(child, 回数=str(at)) for at in (1, 2)]))
    assert len(waiting(own, batch.id)) == 1
    plan = world.get_one(SecondEntryPlan, batch.id)
    assert (plan.fields, plan.percent, plan.set_by) == (["given_on"], 50, None)


@pytest.mark.parametrize(
    "wrong",
    [
        'rows = "some"',
        'rows = "doubt"',
        'rows = "sample"\npercent = 0',
        'rows = "all"\npercent = 5',
        'rows = "all"\nfields = ["nothing"]',
    ],
)
def test_a_wrong_layout_is_refused(with_layout: Callable[[str], Path], wrong: str) -> None:
    folder = with_layout(f"[second_entry]\n{wrong}")
    with pytest.raises(LayoutError, match="second_entry"):
        load_layouts(folder)
