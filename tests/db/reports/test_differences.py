"""Why a figure changed: every cause, from what staff, the register and merges do between two tables."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.people import NOW, TODAY, resident
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import (
    DoseCategory,
    DoseSource,
    DoseState,
    Judgement,
    MergeSource,
    RecordGroup,
    ReportSubject,
    ResidentCategory,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Resident
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.reports.counting import Counting, count
from yvaxportal.services.reports.differences import Cause, Moved, moved
from yvaxportal.services.reports.library import Library, load_library
from yvaxportal.services.reports.members import cells_of, members
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.snapshots import (
    ReportRefusedError,
    atoms_in,
    close,
    definition_in,
    is_unchanged,
    make,
    snapshots,
)
from yvaxportal.services.reports.table import table
from yvaxportal.services.sync.merging import Told, merge

LIBRARY = load_library(load_schedule(load_catalogue()))
YEAR = Period(2026)
LATER = NOW + timedelta(hours=1)


def dose(db: Session, person: Resident, **said: Any) -> Dose:
    whole: dict[str, Any] = {
        "resident_id": person.id,
        "record_group": RecordGroup.INFANT,
        "vaccine": "mr",
        "dose_number": 1,
        "given_on": date(2026, 5, 11),
        "judgement": Judgement.GIVEN,
        "dose_category": DoseCategory.ROUTINE,
        "alerts": [],
        "source": DoseSource.FORM,
        "state": DoseState.ACTIVE,
        "changed_at": NOW,
    }
    made = Dose(**(whole | said))
    db.add(made)
    db.flush()
    return made


def child(db: Session, born: str = "2025-04-20", **said: Any) -> Resident:
    return resident(db, born=born, **said)


Freeze = Callable[..., int]


@pytest.fixture
def staff_id(db: Session) -> int:
    return clerk(db)


@pytest.fixture
def freeze(db: Session, engine: Engine, staff_id: int) -> Freeze:
    def freeze(now: datetime, *, library: Library = LIBRARY, reason: str = "") -> int:
        db.flush()
        return make(
            db,
            AuditTrail(db, engine, SYSTEM),
            library,
            report="routine",
            period=YEAR,
            municipality_code="312029",
            reason=reason,
            staff_id=staff_id,
            today=TODAY,
            now=now,
        )

    return freeze


def changed(db: Session, first: int, second: int, *, same_rules: bool = True) -> list[Moved]:
    found, following = moved(db, first, second, first_as_of=NOW, same_rules=same_rules)
    assert following is None
    return list(found)


def change(db: Session, one: Dose, **said: Any) -> None:
    for name, value in ({"changed_at": LATER, "change_reason": "x"} | said).items():
        setattr(one, name, value)
    db.flush()


def test_nothing_changed(db: Session, freeze: Freeze) -> None:
    dose(db, child(db))
    first, second = freeze(NOW), freeze(LATER)
    assert changed(db, first, second) == []


def test_a_dose_recorded_later(db: Session, freeze: Freeze) -> None:
    person = child(db)
    first = freeze(NOW)
    late = dose(db, person, changed_at=LATER)
    (one,) = changed(db, first, freeze(LATER))
    assert (one.cause, one.subject_id, one.first) == (Cause.ADDED, late.id, [])
    assert [row for row, _column in one.second] == ["mr_1"]


def test_a_dose_cancelled_and_one_corrected(db: Session, freeze: Freeze) -> None:
    cancelled, other = dose(db, child(db)), dose(db, child(db))
    only_the_lot = dose(db, child(db))
    first = freeze(NOW)
    change(db, cancelled, state=DoseState.CANCELLED)
    change(db, other, given_on=date(2026, 7, 1))
    change(db, only_the_lot, lot_number="A1")
    found = {one.subject_id: one for one in changed(db, first, freeze(LATER))}
    assert {key: one.cause for key, one in found.items()} == {
        cancelled.id: Cause.CANCELLED,
        other.id: Cause.CORRECTED,
    }
    assert (len(found[other.id].first), len(found[other.id].second)) == (1, 1)
    assert found[other.id].first != found[other.id].second


def test_a_dose_moved_into_the_year_by_a_correction(db: Session, freeze: Freeze) -> None:
    one = dose(db, child(db), given_on=date(2026, 3, 31))
    first = freeze(NOW)
    change(db, one, given_on=date(2026, 4, 1))
    assert [found.cause for found in changed(db, first, freeze(LATER))] == [Cause.CORRECTED]


def test_people_who_leave_and_come(db: Session, freeze: Freeze) -> None:
    leaving, dying, corrected = child(db), child(db), child(db)
    dose(db, corrected)
    first = freeze(NOW)
    for person, category in (
        (leaving, ResidentCategory.MOVED_OUT),
        (dying, ResidentCategory.DECEASED),
    ):
        person.resident_category, person.ceased_resident_on = category, date(2026, 10, 1)
    corrected.date_of_birth_written, corrected.date_of_birth = "2020-05-05", date(2020, 5, 5)
    new = child(db)
    db.flush()
    found = changed(db, first, freeze(LATER))
    causes = {
        (one.subject, one.subject_id): one.cause
        for one in found
        if "mr_1" in {row for row, _column in [*one.first, *one.second]}
    }
    assert causes[ReportSubject.RESIDENT, leaving.id] is Cause.MOVED_OUT
    assert causes[ReportSubject.RESIDENT, dying.id] is Cause.DECEASED
    assert causes[ReportSubject.RESIDENT, corrected.id] is Cause.PERSON_CHANGED
    assert causes[ReportSubject.RESIDENT, new.id] is Cause.MOVED_IN
    # The dose itself did not change, its person's age did.
    (of_dose,) = [cause for (subject, _id), cause in causes.items() if subject is ReportSubject.DOSE]
    assert of_dose is Cause.PERSON_CHANGED


def test_two_numbers_that_were_merged(db: Session, freeze: Freeze) -> None:
    kept, gone = child(db), child(db)
    old = dose(db, gone)
    first = freeze(NOW)
    merge(db, kept=kept.id, merged=gone.id, told=Told("c-1", TODAY, MergeSource.REGISTER), now=LATER)
    found = changed(db, first, freeze(LATER))
    assert {one.cause for one in found} == {Cause.MERGED}
    assert old.id in {one.subject_id for one in found if one.subject is ReportSubject.DOSE}
    assert gone.id in {one.subject_id for one in found if one.subject is ReportSubject.RESIDENT}


def test_other_rules_are_named_as_the_cause(db: Session, freeze: Freeze) -> None:
    dose(db, child(db))
    rules = dict(LIBRARY.targets)
    rules["mr1"] = tuple(replace(rule, values=(24,)) for rule in rules["mr1"])
    other = replace(LIBRARY, targets=rules)
    first, second = freeze(NOW), freeze(LATER, library=other)
    lines = snapshots(db, "routine")
    assert lines[0].definition_sha256 != lines[1].definition_sha256
    assert {one.cause for one in changed(db, first, second, same_rules=False)} == {Cause.RULES}


def test_many_changes_come_page_by_page(db: Session, freeze: Freeze) -> None:
    people = [child(db) for _ in range(7)]
    first = freeze(NOW)
    for person in people:
        dose(db, person, changed_at=LATER)
    second = freeze(LATER)
    after, seen = "", []
    while True:
        page, following = moved(db, first, second, first_as_of=NOW, same_rules=True, after=after, limit=3)
        seen += [one.subject_id for one in page]
        if following is None:
            break
        after = following
    assert len(seen) == len(set(seen)) == 7


def test_a_frozen_table_is_what_was_counted_and_proves_it(
    db: Session, freeze: Freeze, owner_engine: Engine
) -> None:
    dose(db, child(db))
    made = freeze(NOW)
    definition = definition_in(db, made)
    now = count(db, Counting(definition, YEAR, "312029", TODAY))
    assert sorted((one.row, one.column_key, one.value) for one in atoms_in(db, made)) == sorted(
        (one.row, one.column_key, one.value) for one in now
    )
    assert is_unchanged(db, made)
    figure = table(definition, atoms_in(db, made)).at("mr_1", "given").value
    cells = cells_of(db, made, definition, "mr_1", "given")
    page = members(db, cells, ReportSubject.DOSE, contact=True, protected=True)
    assert len(page.members) == figure == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE report_cell SET value = 9",
        "DELETE FROM report_cell",
        "UPDATE report_member SET subject_id = 9",
        "DELETE FROM report_member",
        "DELETE FROM report_snapshot",
        "UPDATE report_snapshot SET content_sha256 = ''",
        "UPDATE report_snapshot SET data_as_of = now()",
    ],
)
def test_the_application_cannot_change_a_frozen_table(db: Session, freeze: Freeze, statement: str) -> None:
    dose(db, child(db))
    freeze(NOW)
    with pytest.raises(DBAPIError, match="permission denied"):
        db.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE report_cell SET value = value + 1 WHERE id = (SELECT min(id) FROM report_cell)",
        "DELETE FROM report_member WHERE cell_id = (SELECT min(cell_id) FROM report_member)",
        "UPDATE report_snapshot SET municipality_code = '312011'",
        "UPDATE report_snapshot SET data_as_of = data_as_of + interval '1 second'",
        "UPDATE report_snapshot SET definition = jsonb_set(definition, '{rows,0,ja}', '\"x\"')",
        "DELETE FROM report_cell WHERE id = (SELECT min(id) FROM report_cell)",
    ],
)
def test_whoever_else_changes_it_is_noticed(
    world: Session, engine: Engine, owner_engine: Engine, statement: str
) -> None:
    dose(world, child(world))
    made = make(
        world,
        AuditTrail(world, engine, SYSTEM),
        LIBRARY,
        report="routine",
        period=YEAR,
        municipality_code="312029",
        reason="",
        staff_id=clerk(world),
        today=TODAY,
        now=NOW,
    )
    world.commit()
    assert is_unchanged(world, made)
    world.rollback()
    with owner_engine.begin() as owner:
        owner.execute(text(statement))
    assert not is_unchanged(world, made)


def test_a_closed_table_asks_for_a_reason_and_is_superseded(
    db: Session, engine: Engine, freeze: Freeze, staff_id: int
) -> None:
    audit = AuditTrail(db, engine, SYSTEM)
    first = freeze(NOW)
    close(db, audit, report="routine", snapshot_id=first, staff_id=staff_id, now=NOW)
    with pytest.raises(ReportRefusedError, match="closed"):
        close(db, audit, report="routine", snapshot_id=first, staff_id=staff_id, now=NOW)
    for reason in ("", "   ", "番号 123456789018", "x" * 501):
        with pytest.raises(ReportRefusedError, match="reason"):
            freeze(LATER, reason=reason)
    second = freeze(LATER, reason="訂正")
    newest, older = snapshots(db, "routine")
    assert (newest.id, newest.supersedes, newest.reason) == (second, first, "訂正")
    assert (older.superseded_by, older.is_closed) == (second, True)
    with pytest.raises(ReportRefusedError, match="gone"):
        close(db, audit, report="routine", snapshot_id=first, staff_id=staff_id, now=LATER)
    with pytest.raises(ReportRefusedError, match="gone"):
        close(db, audit, report="coverage", snapshot_id=second, staff_id=staff_id, now=LATER)


def test_members_that_retention_removed_leave_the_figure(
    world: Session, engine: Engine, owner_engine: Engine
) -> None:
    person = child(world)
    made = make(
        world,
        AuditTrail(world, engine, SYSTEM),
        LIBRARY,
        report="routine",
        period=YEAR,
        municipality_code="312029",
        reason="",
        staff_id=clerk(world),
        today=TODAY,
        now=NOW,
    )
    world.commit()
    definition = definition_in(world, made)
    cells = cells_of(world, made, definition, "mr_1", "targets")
    world.rollback()
    with owner_engine.begin() as owner:
        owner.execute(text("DELETE FROM resident WHERE id = :id"), {"id": person.id})
    assert is_unchanged(world, made)
    (gone,) = members(world, cells, ReportSubject.RESIDENT, contact=True, protected=True).members
    assert (gone.subject_id, gone.atena_number, gone.name) == (person.id, None, None)
    assert table(definition, atoms_in(world, made)).at("mr_1", "targets").value == 1
