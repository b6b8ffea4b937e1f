"""Applying and taking back: once, whole or not at all, and never over what changed meanwhile."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.details import events
from tests.importing import Office, questionnaires, row_of
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import DoseState, ImportDecision, ImportOutcome, ImportState, ResidentCategory
from yvaxportal.models.dose import Dose, IdentityCheck
from yvaxportal.models.imports import DoseSourceRecord
from yvaxportal.models.output import Output, OutputPerson
from yvaxportal.models.resident import Resident
from yvaxportal.services.imports.applying import apply
from yvaxportal.services.imports.deciding import Done, Impossible, Reviewer
from yvaxportal.services.imports.undoing import blockers
from yvaxportal.services.imports.writing import Writer

CONTENT = text(
    "SELECT resident_id, vaccine, dose_number, given_on, judgement, dose_category, lot_number, physician, "
    "medical_institution_name, remarks, fee, source, state FROM dose WHERE state = 'active' ORDER BY id"
)
SOURCES = text("SELECT dose_id, source FROM dose_source_record ORDER BY id")


def content(engine: Engine) -> tuple[list[Any], list[Any]]:
    """Return what counts: the active doses and their sources."""
    with engine.connect() as connection:
        return list(connection.execute(CONTENT)), list(connection.execute(SOURCES))


def children(session: Session, count: int) -> list[Resident]:
    made = [resident(session, born=(date(2024, 1, 1) + timedelta(days=n)).isoformat()) for n in range(count)]
    session.commit()
    return made


def adults(session: Session, count: int) -> list[Resident]:
    made = [resident(session, born="1990-01-01", became_resident_on=date(1990, 1, 1)) for n in range(count)]
    session.commit()
    return made


def reviewer(desk: Office, session: Session) -> Reviewer:
    return Reviewer(session, desk.audit(session), desk.bureau, desk.staff_id, NOW)


def decide(desk: Office, batch_id: int, number: int, decision: ImportDecision, **said: Any) -> Any:
    row = next(row for row in desk.rows(batch_id) if row.number == number)
    with Session(desk.bureau.engine) as session, session.begin():
        return reviewer(desk, session).decide(
            batch_id, number, decision, revision=row.revision, reason="原本で確認", **said
        )


def test_what_is_written_with_a_dose(desk: Office, world: Session) -> None:
    (child,) = children(world, 1)
    batch = desk.checked(questionnaires([row_of(child)]))
    desk.apply(batch.id)
    dose = world.scalars(select(Dose)).one()
    check = world.get_one(IdentityCheck, dose.identity_check_id)
    assert (check.method, check.document, check.checked_by) == (
        "interview_form",
        "questionnaire_matched",
        desk.staff_id,
    )
    assert (dose.age_when_given, dose.changed_by, dose.revision) == (15, desk.staff_id, 1)
    (event,) = events(world, Action.DOSE_RECORDED)
    assert (event.resident_id, event.subject) == (child.id, f"dose:{dose.id}")
    assert event.detail == {"import": batch.id, "row": 1}
    assert desk.batch(batch.id).wiped_at is not None


def test_the_same_dose_twice_in_a_file_is_recorded_once(desk: Office, world: Session) -> None:
    (child,) = children(world, 1)
    batch = desk.checked(questionnaires([row_of(child), row_of(child)]))
    assert desk.states(batch.id) == ["ready", "already_there"]
    assert [reason[0] for reason in desk.rows(batch.id)[1].reasons] == ["twice_in_file", "same_dose"]
    assert desk.apply(batch.id) == {"recorded": 1, "linked": 1, "back_to_review": 0}
    assert len(world.scalars(select(Dose)).all()) == 1
    assert len(world.scalars(select(DoseSourceRecord)).all()) == 2


def test_the_doses_of_one_child_are_judged_together(desk: Office, world: Session) -> None:
    (child,) = children(world, 1)
    rows = [
        row_of(child, ワクチン="水痘", 回数="2", 接種日="2025-09-01", ロット番号="VZ012"),
        row_of(child, ワクチン="水痘", 回数="1", 接種日="2025-02-01", ロット番号="VZ011"),
    ]
    batch = desk.checked(questionnaires(rows))
    assert desk.states(batch.id) == ["ready", "ready"]


def test_the_same_file_twice_at_once(desk: Office, world: Session) -> None:
    people = adults(world, 40)
    data = questionnaires_voluntary(people)
    first, second = desk.checked(data), desk.checked(data)
    assert set(first.counts) == set(second.counts) == {"ready"}
    for batch in (first, second):
        desk.ask_for_apply(batch.id)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda batch: apply(desk.bureau, batch.id), (first, second)))
    assert sum(result["recorded"] for result in results if result) == 40
    assert sum(result["linked"] for result in results if result) == 40
    assert len(world.scalars(select(Dose)).all()) == 40
    assert apply(desk.bureau, first.id) is None


def questionnaires_voluntary(people: list[Resident]) -> bytes:
    """A voluntary dose against influenza for each."""
    rows = [
        row_of(one, ワクチン="インフルエンザ", 接種日="2025-11-05", ロット番号="HA012A") for one in people
    ]
    return questionnaires([[*row[:4], "任意", *row[5:]] for row in rows]).replace(
        "性別".encode(), "接種区分".encode(), 1
    )


def test_a_row_whose_person_changed_goes_back_to_review(desk: Office, world: Session) -> None:
    first, second = children(world, 2)
    batch = desk.checked(questionnaires([row_of(first), row_of(second)]))
    first.ceased_resident_on, first.resident_category = date(2025, 3, 1), ResidentCategory.MOVED_OUT
    world.commit()
    assert desk.apply(batch.id) == {"recorded": 1, "back_to_review": 1}
    back = desk.rows(batch.id)[0]
    assert back.state == "changed"
    assert [reason[0] for reason in back.reasons] == ["target_changed", "after_leaving"]
    assert world.scalars(select(Dose.resident_id)).all() == [second.id]
    assert isinstance(decide(desk, batch.id, 1, ImportDecision.APPLY), Done)
    assert desk.apply(batch.id) == {"recorded": 1, "back_to_review": 0}
    world.expire_all()
    added = world.scalars(select(Dose).where(Dose.resident_id == first.id)).one()
    assert (added.alerts, added.alert_reason) == (["after_leaving"], "原本で確認")


def test_a_dose_of_another_vaccine_changes_nothing(desk: Office, world: Session) -> None:
    (child,) = children(world, 1)
    waiting = desk.checked(questionnaires([row_of(child)]))
    other = desk.checked(
        questionnaires([row_of(child, ワクチン="四種混合", 接種日="2024-06-01", ロット番号="4K012")])
    )
    assert desk.apply(other.id)["recorded"] == 1
    assert desk.apply(waiting.id)["recorded"] == 1


@pytest.fixture
def recorded(desk: Office, world: Session) -> tuple[Resident, int]:
    """A child with one dose from an earlier file."""
    (child,) = children(world, 1)
    batch = desk.checked(questionnaires([row_of(child)]))
    desk.apply(batch.id)
    return child, batch.id


def test_a_contradiction_is_shown_and_the_files_side_taken(
    desk: Office, world: Session, recorded: tuple[Resident, int], engine: Engine
) -> None:
    child, _first = recorded
    before = content(engine)
    batch = desk.checked(questionnaires([row_of(child, ロット番号="Y999", 接種医="医師　二郎")]))
    (row,) = desk.rows(batch.id)
    assert row.state == "conflict"
    assert row.reasons[0] == ["details_differ", {"fields": ["physician", "lot_number"]}]
    assert isinstance(decide(desk, batch.id, 1, ImportDecision.KEEP_BOTH), Impossible)
    assert isinstance(decide(desk, batch.id, 1, ImportDecision.REPLACE), Done)
    assert desk.apply(batch.id) == {"replaced": 1, "back_to_review": 0}
    dose = world.scalars(select(Dose)).one()
    assert (dose.lot_number, dose.physician, dose.revision) == ("Y999", "医師　二郎", 2)
    assert desk.undo(batch.id)["replaced"] == 1
    assert content(engine) == before
    world.refresh(dose)
    assert (dose.lot_number, dose.revision) == ("Y123", 3)


def test_both_are_kept_and_labelled(desk: Office, world: Session, recorded: tuple[Resident, int]) -> None:
    child, _first = recorded
    batch = desk.checked(questionnaires([row_of(child, 接種日="2025-04-08")]))
    (row,) = desk.rows(batch.id)
    assert (row.state, row.reasons[0]) == ("conflict", ["details_differ", {"fields": ["given_on"]}])
    assert isinstance(decide(desk, batch.id, 1, ImportDecision.KEEP_BOTH), Done)
    assert desk.apply(batch.id)["recorded"] == 1
    newest = world.scalars(select(Dose).order_by(Dose.id.desc())).first()
    assert newest is not None
    assert newest.alerts == ["live_interval", "unresolved_double"]


def test_an_undo_leaves_what_counts_as_it_was(desk: Office, world: Session, engine: Engine) -> None:
    people = children(world, 5)
    desk.apply(desk.checked(questionnaires([row_of(people[0])])).id)
    before = content(engine)
    batch = desk.checked(questionnaires([row_of(one) for one in people]))
    assert desk.apply(batch.id) == {"recorded": 4, "linked": 1, "back_to_review": 0}
    assert content(engine) != before
    assert desk.undo(batch.id, "誤った月の分") == {"recorded": 4, "linked": 1, "held": 0}
    assert content(engine) == before
    assert desk.batch(batch.id).state is ImportState.UNDONE
    assert {row.outcome for row in desk.rows(batch.id)} == {ImportOutcome.UNDONE}
    cancelled = world.scalars(select(Dose).where(Dose.state == DoseState.CANCELLED)).all()
    assert {dose.change_reason for dose in cancelled} == {"誤った月の分"}
    assert len(events(world, Action.DOSE_CANCELLED)) == 4
    again = desk.checked(questionnaires([row_of(one) for one in people]))
    assert again.counts == {"ready": 4, "already_there": 1}


def test_what_something_depends_on_is_not_undone(desk: Office, world: Session, engine: Engine) -> None:
    people = children(world, 5)
    batch = desk.checked(questionnaires([row_of(one) for one in people]))
    desk.apply(batch.id)
    ids = {dose.resident_id: dose.id for dose in world.scalars(select(Dose))}
    changed = world.get_one(Dose, ids[people[0].id])
    changed.lot_number, changed.change_reason = "Y000", "訂正"
    world.commit()
    world.add(
        Output(
            layout="letters", title="t", purpose="p", subject={}, requested_by=desk.staff_id,
            requested_at=NOW, state="ready", attempts=1, done=1, cancel_requested=False,
        )
    )  # fmt: skip
    world.flush()
    world.add(OutputPerson(output_id=world.scalars(select(Output.id)).one(), resident_id=people[1].id))
    world.commit()
    desk.checked(questionnaires([row_of(people[2])]))
    third = desk.checked(questionnaires([row_of(people[2])]))
    desk.apply(third.id)
    before = content(engine)
    assert desk.undo(batch.id) == {}
    assert content(engine) == before
    stands = desk.batch(batch.id)
    assert (stands.state, stands.problem, stands.facts) == (ImportState.APPLIED, "undo_blocked", {"rows": 3})
    with engine.connect() as connection:
        found = blockers(connection, desk.bureau.catalogue, batch.id)
    assert found == {1: ["dose_changed"], 2: ["output"], 3: ["later_import"]}
    assert desk.undo(batch.id, partly=True) == {"recorded": 2, "held": 3}
    assert desk.batch(batch.id).problem == "undo_partly"


def test_a_failure_in_the_middle_leaves_nothing(
    desk: Office, world: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = adults(world, 30)
    batch = desk.checked(questionnaires_voluntary(people))
    monkeypatch.setattr("yvaxportal.services.imports.applying.LOT", 10)
    settle, calls = Writer.settle, iter(range(10))

    def fail(self: Writer, settled: Any) -> None:
        settle(self, settled)
        if next(calls) == 1:
            raise RuntimeError("here it ends")

    monkeypatch.setattr(Writer, "settle", fail)
    desk.ask_for_apply(batch.id)
    with pytest.raises(RuntimeError):
        apply(desk.bureau, batch.id)
    assert world.scalars(select(Dose)).all() == []
    assert {row.outcome for row in desk.rows(batch.id)} == {None}
    monkeypatch.undo()
    assert dict(apply(desk.bureau, batch.id) or {})["recorded"] == 30
