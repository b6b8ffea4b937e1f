"""What followed from a merge: letters, tickets, certificates, files and figures of the time it stood."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.db.doubles.conftest import Apart, Merge
from tests.details import clerk
from tests.doses import given
from tests.people import NOW, TODAY, resident
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    DoseState,
    LetterKind,
    LetterRunState,
    LetterState,
    MergeSource,
    OutputState,
    TicketState,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.output import Output, OutputPerson
from yvaxportal.models.resident import Resident
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.models.ticket import Certificate, Ticket
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.doubles.consequences import Consequences, consequences_of
from yvaxportal.services.doubles.plan import Plan, plan_of
from yvaxportal.services.doubles.taking_apart import ApartRefusedError, Order, take_apart
from yvaxportal.services.reports.differences import Cause, moved
from yvaxportal.services.reports.library import load_library
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.snapshots import close, make
from yvaxportal.services.sync.merging import Told, merge

LIBRARY = load_library(load_schedule(load_catalogue()))
SINCE, NOW_IS = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


@pytest.fixture
def pair(db: Session) -> tuple[Resident, Resident]:
    return resident(db, born="2025-04-20"), resident(db, born="2025-04-20")


def letter(db: Session, person: Resident, staff_id: int, made: datetime, state: LetterState) -> int:
    run = LetterRun(
        kind=LetterKind.INVITATION,
        template="invitation",
        title="勧奨はがき",
        printed_for=TODAY,
        options={},
        requested_by=staff_id,
        requested_at=made,
        state=LetterRunState.MADE,
        finished_at=made,
    )
    db.add(run)
    db.flush()
    db.add(Letter(run_id=run.id, resident_id=person.id, sequence=1, bundle=1, pages=2, state=state))
    db.flush()
    return run.id


def output(db: Session, person: Resident, staff_id: int, asked: datetime, state: OutputState) -> int:
    made = Output(
        layout="target_list",
        title="一覧",
        purpose="個別通知",
        subject={},
        requested_by=staff_id,
        requested_at=asked,
        state=state,
        done=1,
        attempts=1,
        cancel_requested=False,
    )
    db.add(made)
    db.flush()
    db.add(OutputPerson(output_id=made.id, resident_id=person.id))
    db.flush()
    return made.id


def follows(db: Session, merge_id: int) -> Consequences:
    plan = plan_of(db, merge_id)
    assert plan is not None
    doses = [key for pair in plan.merge.moved["dose"] for key in pair if key is not None]
    doses += plan.merge.moved["double"].values()
    return consequences_of(db, plan.merge, doses=doses, returning=plan.moves["ticket"], now=NOW_IS)


def test_what_left_the_house_meanwhile_is_listed(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, staff_id: int
) -> None:
    kept, gone = pair
    letter(db, kept, staff_id, NOW - timedelta(hours=1), LetterState.SENT)
    output(db, kept, staff_id, NOW - timedelta(hours=1), OutputState.READY)
    merge_id = merged(kept, gone)
    sent = letter(db, kept, staff_id, SINCE, LetterState.SENT)
    letter(db, kept, staff_id, SINCE, LetterState.SPOILED)
    left = output(db, kept, staff_id, SINCE, OutputState.READY)
    output(db, kept, staff_id, SINCE, OutputState.CANCELLED)
    db.add(
        Certificate(
            resident_id=kept.id,
            certificate_id="C-1",
            certificate_issued_on=TODAY,
            kind=CertificateKind.DOMESTIC,
            state=CertificateState.VALID,
            recorded_at=SINCE,
        )
    )
    db.add(
        Ticket(
            resident_id=kept.id,
            vaccine="mr",
            ticket_kind="2",
            dose_number=2,
            municipality_code="312029",
            ticket_number="0000000009",
            issued_on=TODAY,
            state=TicketState.ISSUED,
        )
    )
    db.flush()
    found = follows(db, merge_id)
    assert [one.run_id for one in found.letters] == [sent]
    assert [one.id for one in found.files] == [left]
    assert [one.certificate_id for one in found.certificates] == ["C-1"]
    assert [(one.ticket_number, one.goes_back) for one in found.tickets] == [("0000000009", False)]
    assert found.any


Freeze = Callable[..., int]


@pytest.fixture
def freeze(db: Session, engine: Engine, staff_id: int) -> Freeze:
    def do(now: datetime, reason: str = "") -> int:
        db.flush()
        return make(
            db,
            AuditTrail(db, engine, SYSTEM),
            LIBRARY,
            report="routine",
            period=Period(2026),
            municipality_code="312029",
            reason=reason,
            staff_id=staff_id,
            today=TODAY,
            now=now,
        )

    return do


def test_frozen_figures_with_the_merged_person_are_listed(
    db: Session,
    engine: Engine,
    pair: tuple[Resident, Resident],
    merged: Merge,
    apart: Apart,
    freeze: Freeze,
    staff_id: int,
) -> None:
    kept, gone = pair
    db.add_all(given(gone, ("mr", 1, "2026-05-11")))
    freeze(NOW - timedelta(hours=1))
    merge_id = merged(kept, gone)
    reported = freeze(SINCE)
    audit = AuditTrail(db, engine, SYSTEM)
    close(db, audit, report="routine", snapshot_id=reported, staff_id=staff_id, now=SINCE)
    (figure,) = follows(db, merge_id).figures
    assert (figure.snapshot_id, figure.report, figure.closed) == (reported, "routine", True)
    assert figure.figures >= 1
    apart(merge_id)
    # Afterwards the list is that of the time it stood, and what differs is explained by it.
    newer = freeze(NOW + timedelta(days=9), "統合の取消し")
    differing, _more = moved(db, reported, newer, first_as_of=SINCE, same_rules=True)
    assert {one.cause for one in differing} == {Cause.MERGED}
    assert [one.snapshot_id for one in follows(db, merge_id).figures] == [reported]


def test_nothing_followed(db: Session, pair: tuple[Resident, Resident], merged: Merge) -> None:
    assert not follows(db, merged(*pair)).any


def merge_of_two(engine: Engine, world: Session) -> tuple[Resident, Resident, Plan, int]:
    kept, gone = resident(world), resident(world)
    world.add_all(given(gone, ("mr", 1, "2026-05-11")))
    staff = clerk(world)
    told = Told("c-1", TODAY, MergeSource.REGISTER)
    world.flush()
    made = merge(world, kept=kept.id, merged=gone.id, told=told, now=NOW)
    world.commit()
    assert made is not None
    with Session(engine) as session:
        plan = plan_of(session, made)
        assert plan is not None
        session.expunge_all()
    return kept, gone, plan, staff


def test_of_two_at_once_one_wins_and_the_other_is_told(engine: Engine, world: Session) -> None:
    _kept, gone, plan, staff = merge_of_two(engine, world)
    merge_id, start = world.scalars(select(ResidentMerge.id)).one(), Barrier(2)

    def go(_: int) -> str:
        with Session(engine) as session:
            order = Order(merge_id, plan.seen, {}, "別人", staff, SINCE)
            start.wait(10)
            try:
                take_apart(session, AuditTrail(session, engine, SYSTEM), order)
            except ApartRefusedError as refused:
                return f"{refused.rule} {refused.by}"
            session.commit()
            return "done"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(go, range(2))) == ["done", "undone 見本職員"]
    world.expire_all()
    active = world.scalars(select(Dose.resident_id).where(Dose.state == DoseState.ACTIVE)).all()
    assert active == [gone.id]


def test_a_dose_written_while_it_is_taken_apart_is_not_lost(engine: Engine, world: Session) -> None:
    kept, _gone, plan, staff = merge_of_two(engine, world)
    merge_id = world.scalars(select(ResidentMerge.id)).one()
    with Session(engine) as writing, Session(engine) as session, ThreadPoolExecutor(1) as threads:
        (new,) = given(kept, ("mr", 2, "2026-11-02"))
        writing.add(new)
        writing.flush()
        order: Any = Order(merge_id, plan.seen, {}, "別人", staff, SINCE)
        answer = threads.submit(take_apart, session, AuditTrail(session, engine, SYSTEM), order)
        writing.commit()
        with pytest.raises(ApartRefusedError, match="changed"):
            answer.result(20)
        session.rollback()
    with Session(engine) as session:
        again = plan_of(session, merge_id)
        assert again is not None
        assert [dose.given_on for dose in again.since] == [date(2026, 11, 2)]
