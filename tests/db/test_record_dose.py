import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.people import resident
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import (
    DoseCategory,
    DoseSource,
    DoseState,
    IdentityCheckMethod,
    IdentityDocument,
    Judgement,
    PneumococcalType,
    RecordGroup,
    ResidentCategory,
    VaccinationStatus,
)
from yvaxportal.models.dose import Dose, DoseRevision, IdentityCheck, MedicalInstitution
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.correct_dose import cancel_dose, correct_dose, may_undo
from yvaxportal.services.dose_desk import (
    Acceptance,
    Conflict,
    DoseDesk,
    NeedsReason,
    Outcome,
    Refused,
    Saved,
)
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_findings import DoseAlert, DoseError
from yvaxportal.services.dose_history import (
    SeenDoses,
    dose_by_staff,
    dose_of,
    revisions_of,
    seen_doses,
)
from yvaxportal.services.record_dose import record_dose

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
TODAY = date(2026, 11, 23)
CATALOGUE = load_catalogue()
SCHEDULE = load_schedule(CATALOGUE)
NOTHING_SEEN = SeenDoses(0, 0)
NO_REASON = Acceptance()
MR = DoseDraft(
    vaccine="mr",
    given_on=date(2026, 8, 3),
    dose_number=1,
    judgement=Judgement.GIVEN,
    dose_category=DoseCategory.ROUTINE,
    institution_code="3110112342",
    physician="見本 医師",
    lot_number="Y123",
    fee=8000,
    identity_method=IdentityCheckMethod.INTERVIEW_FORM,
    identity_document=IdentityDocument.QUESTIONNAIRE_MATCHED,
)


def add_clinic(session: Session) -> None:
    session.add(
        MedicalInstitution(
            code="3110112342", name="ひまわり小児科", name_key="x", valid_from=date(2000, 4, 1)
        )
    )
    session.flush()


def desk_of(session: Session, engine: Engine, staff_id: int) -> DoseDesk:
    audit = AuditTrail(session, engine, Actor(f"staff{staff_id}", ("registrar",), None))
    return DoseDesk(session, SCHEDULE, audit, staff_id, NOW, TODAY)


@pytest.fixture
def child(db: Session) -> int:
    add_clinic(db)
    return resident(db, born="2025-06-10").id


@pytest.fixture
def desk(db: Session, engine: Engine) -> DoseDesk:
    return desk_of(db, engine, clerk(db, "ichiro"))


def record(
    desk: DoseDesk,
    person: int,
    draft: DoseDraft = MR,
    acceptance: Acceptance = NO_REASON,
    seen: SeenDoses | None = None,
) -> Outcome:
    seen = seen or seen_doses(desk.session, person)
    return record_dose(desk, person, draft, acceptance=acceptance, seen=seen)


def saved(outcome: Outcome | None) -> Saved:
    assert isinstance(outcome, Saved), outcome
    return outcome


def events(session: Session) -> list[AuditEvent]:
    return list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))


def test_a_dose_is_kept_with_its_ages_its_identity_check_and_an_audit_event(
    desk: DoseDesk, child: int
) -> None:
    outcome = saved(record(desk, child))
    dose = desk.session.get_one(Dose, outcome.dose_id)
    assert (dose.record_group, dose.revision, dose.state, dose.source) == (
        RecordGroup.INFANT,
        1,
        DoseState.ACTIVE,
        DoseSource.FORM,
    )
    assert (dose.age_when_given, dose.age_at_fiscal_year_end, dose.age_on_reference_date) == (13, 21, None)
    assert (dose.medical_institution_name, dose.fee, dose.alerts, dose.alert_reason) == (None, 8000, [], None)
    check = desk.session.get_one(IdentityCheck, dose.identity_check_id)
    assert (check.resident_id, check.checked_by, check.checked_at) == (child, desk.staff_id, NOW)
    stored = dose_of(desk.session, child, dose.id)
    assert stored is not None
    assert stored.draft == MR
    assert (stored.institution, stored.staff) == ("ひまわり小児科", "見本職員")
    [event] = events(desk.session)
    assert (event.action, event.resident_id, event.subject) == ("dose.recorded", child, f"dose:{dose.id}")
    assert event.after is not None
    assert event.after["lot_number"] == "Y123"


def test_errors_are_refused_and_leave_nothing(desk: DoseDesk, child: int) -> None:
    outcome = record(desk, child, replace(MR, given_on=TODAY + timedelta(days=1), identity_method=None))
    assert isinstance(outcome, Refused)
    assert {found.code for found in outcome.findings.errors} == {
        DoseError.IN_FUTURE,
        DoseError.IDENTITY_MISSING,
    }
    assert desk.session.scalar(select(func.count()).select_from(Dose)) == 0
    assert desk.session.scalar(select(func.count()).select_from(IdentityCheck)) == 0
    assert events(desk.session) == []


def test_alerts_are_saved_only_when_they_were_seen_and_answered(desk: DoseDesk, child: int) -> None:
    draft = replace(MR, lot_number=None)
    first = record(desk, child, draft)
    assert isinstance(first, NeedsReason)
    [lot] = first.findings.alerts
    shown = Acceptance(frozenset({lot.key}))
    assert isinstance(record(desk, child, draft, shown), NeedsReason)
    assert isinstance(record(desk, child, draft, Acceptance(reason="シールなし")), NeedsReason)
    answered = replace(shown, reason="シールなし")
    # What is new since then is shown again, although the old alert was answered.
    more = record(desk, child, replace(draft, institution_code=None), answered)
    assert isinstance(more, NeedsReason)
    assert DoseAlert.INSTITUTION_MISSING in {found.code for found in more.findings.alerts}
    dose = desk.session.get_one(Dose, saved(record(desk, child, draft, answered)).dose_id)
    assert (dose.alerts, dose.alert_reason) == (["lot_missing"], "シールなし")


def test_a_reason_with_a_personal_number_is_refused(desk: DoseDesk, child: int) -> None:
    outcome = record(desk, child, acceptance=Acceptance(reason="9000 0000 0019"))
    assert isinstance(outcome, Refused)
    assert outcome.findings.find(DoseError.PERSONAL_NUMBER) is not None


def test_the_same_entry_by_the_same_person_is_saved_once(desk: DoseDesk, child: int) -> None:
    first = saved(record(desk, child, seen=NOTHING_SEEN))
    again = saved(record(desk, child, seen=NOTHING_SEEN))
    assert (again.dose_id, again.already) == (first.dose_id, True)
    assert desk.session.scalar(select(func.count()).select_from(Dose)) == 1
    assert len(events(desk.session)) == 1


def test_a_double_that_could_be_seen_is_an_error_and_a_new_one_a_conflict(
    desk: DoseDesk, child: int, engine: Engine
) -> None:
    first = saved(record(desk, child))
    hanako = desk_of(desk.session, engine, clerk(desk.session, "hanako"))
    same_day = replace(MR, lot_number="Y124")
    refused = record(hanako, child, same_day)
    assert isinstance(refused, Refused)
    conflict = record(hanako, child, same_day, seen=NOTHING_SEEN)
    assert isinstance(conflict, Conflict)
    assert (conflict.theirs.id, conflict.theirs.staff) == (first.dose_id, "見本職員")
    assert same_day.differences(conflict.theirs.draft) == ("lot_number",)


def test_a_correction_that_makes_a_double_after_the_form_was_opened_is_a_conflict(
    desk: DoseDesk, child: int, engine: Engine
) -> None:
    first = saved(record(desk, child, replace(MR, given_on=date(2026, 8, 4))))
    hanako = desk_of(desk.session, engine, clerk(desk.session, "hanako"))
    opened = seen_doses(desk.session, child)
    saved(correct(desk, child, first.dose_id, MR, seen=opened))
    outcome = record(hanako, child, replace(MR, dose_number=2), seen=opened)
    assert isinstance(outcome, Conflict)
    assert outcome.theirs.revision == 2


def correct(
    desk: DoseDesk,
    person: int,
    dose_id: int,
    draft: DoseDraft,
    *,
    seen: SeenDoses | None = None,
    revision: int = 1,
    reason: str = "転記誤り",
) -> Outcome | None:
    return correct_dose(
        desk,
        person,
        dose_id,
        draft,
        revision=revision,
        seen=seen or seen_doses(desk.session, person),
        reason=reason,
        acceptance=NO_REASON,
    )


def test_a_correction_keeps_what_was_and_audits_what_changed(desk: DoseDesk, child: int) -> None:
    dose_id = saved(record(desk, child)).dose_id
    changed = replace(MR, lot_number="Y124", fee=None)
    assert saved(correct(desk, child, dose_id, changed)).revision == 2
    now, before = revisions_of(desk.session, child, dose_id)
    assert (now.draft, now.revision, now.change_reason) == (changed, 2, "転記誤り")
    assert (before.draft, before.revision, before.change_reason) == (MR, 1, None)
    event = events(desk.session)[-1]
    assert (event.action, event.before, event.after) == (
        "dose.corrected",
        {"lot_number": "Y123", "fee": 8000},
        {"lot_number": "Y124", "fee": None},
    )
    assert event.detail["reason"] == "転記誤り"
    # The identity check was not made again, so it is still the first.
    assert desk.session.scalar(select(func.count()).select_from(IdentityCheck)) == 1


def test_a_correction_of_the_identity_check_is_a_new_check(desk: DoseDesk, child: int) -> None:
    dose_id = saved(record(desk, child)).dose_id
    saved(correct(desk, child, dose_id, replace(MR, identity_document=IdentityDocument.PASSPORT)))
    assert desk.session.scalar(select(func.count()).select_from(IdentityCheck)) == 2
    now, before = revisions_of(desk.session, child, dose_id)
    assert now.draft.identity_document is IdentityDocument.PASSPORT
    assert before.draft.identity_document is IdentityDocument.QUESTIONNAIRE_MATCHED


def test_what_cannot_be_corrected(desk: DoseDesk, child: int) -> None:
    dose_id = saved(record(desk, child)).dose_id
    stranger = resident(desk.session, born="2025-06-10").id
    assert correct(desk, stranger, dose_id, replace(MR, fee=1)) is None
    assert dose_of(desk.session, stranger, dose_id) is None
    assert list(revisions_of(desk.session, stranger, dose_id)) == []

    unchanged = correct(desk, child, dose_id, MR)
    assert isinstance(unchanged, Refused)
    assert unchanged.findings.find(DoseError.NOTHING_CHANGED) is not None
    numbered = correct(desk, child, dose_id, replace(MR, fee=1), reason="9000-0000-0019")
    assert isinstance(numbered, Refused)
    stale = correct(desk, child, dose_id, replace(MR, fee=1), revision=2)
    assert isinstance(stale, Conflict)
    assert stale.theirs.revision == 1


def test_a_cancelled_dose_stays_on_record_and_counts_no_more(desk: DoseDesk, child: int) -> None:
    dose_id = saved(record(desk, child)).dose_id
    assert cancel_dose(desk, child + 999, dose_id, revision=1, reason="別人") is None
    assert saved(cancel_dose(desk, child, dose_id, revision=1, reason="別人の記録")).revision == 2
    now, before = revisions_of(desk.session, child, dose_id)
    assert (now.state, now.change_reason, before.state) == (
        DoseState.CANCELLED,
        "別人の記録",
        DoseState.ACTIVE,
    )
    assert events(desk.session)[-1].action == "dose.cancelled"
    late = cancel_dose(desk, child, dose_id, revision=1, reason="もう一度")
    assert isinstance(late, Conflict)
    again = cancel_dose(desk, child, dose_id, revision=2, reason="もう一度")
    assert isinstance(again, Refused)
    assert isinstance(correct(desk, child, dose_id, replace(MR, fee=1), revision=2), Refused)
    # The place is free again.
    assert not saved(record(desk, child)).already


def test_undo_is_for_whoever_recorded_it_a_few_minutes_ago(desk: DoseDesk, child: int) -> None:
    dose_id = saved(record(desk, child)).dose_id
    stored = dose_of(desk.session, child, dose_id)
    assert stored is not None
    assert may_undo(desk, stored)
    assert may_undo(replace(desk, now=NOW + timedelta(minutes=10)), stored)
    assert not may_undo(replace(desk, now=NOW + timedelta(minutes=10, seconds=1)), stored)
    assert not may_undo(replace(desk, staff_id=desk.staff_id + 1), stored)
    saved(correct(desk, child, dose_id, replace(MR, fee=1)))
    corrected = dose_of(desk.session, child, dose_id)
    assert corrected is not None
    assert not may_undo(desk, corrected)


def test_what_follows_from_the_vaccine_is_filled_in(desk: DoseDesk) -> None:
    elder = resident(desk.session, born="1950-05-17").id
    pneumo = replace(
        MR,
        vaccine="pcv20_elderly",
        given_on=date(2026, 5, 1),
        institution_code=None,
        institution_name="西公民館",
        dose_category=DoseCategory.VOLUNTARY,
    )
    dose = desk.session.get_one(Dose, saved(record(desk, elder, pneumo)).dose_id)
    assert dose.pneumococcal_type is PneumococcalType.V20
    assert (dose.age_when_given, dose.age_at_fiscal_year_end, dose.age_on_reference_date) == (911, 922, 910)
    assert dose.medical_institution_name == "西公民館"

    covid = replace(
        pneumo,
        vaccine="comirnaty_xbb",
        given_on=date(2023, 10, 2),
        lot_number="GK1234",
        ticket_number="0123456789",
        municipality_code="312029",
    )
    accepted = Acceptance(
        frozenset(found.key for found in _alerts(record(desk, elder, covid))), reason="転入前の記録"
    )
    dose = desk.session.get_one(Dose, saved(record(desk, elder, covid, accepted)).dose_id)
    assert (dose.record_group, dose.vaccination_status, dose.manufacturer) == (
        RecordGroup.COVID19,
        VaccinationStatus.DONE,
        "ファイザー",
    )
    # The same entry again is still recognised, although the portal filled in what was left open.
    assert saved(record(desk, elder, covid)).already


def _alerts(outcome: Outcome) -> Any:
    return outcome.findings.alerts if isinstance(outcome, NeedsReason) else ()


def test_an_unknown_birth_date_leaves_the_ages_open(desk: DoseDesk) -> None:
    add_clinic(desk.session)
    person = resident(desk.session, born="1980-05-00").id
    draft = replace(MR, dose_category=DoseCategory.VOLUNTARY)
    first = record(desk, person, draft)
    assert [found.code for found in _alerts(first)] == [DoseAlert.AGE_UNKNOWN]
    accepted = Acceptance(frozenset(found.key for found in _alerts(first)), reason="手帳で確認")
    dose = desk.session.get_one(Dose, saved(record(desk, person, draft, accepted)).dose_id)
    assert (dose.age_when_given, dose.age_at_fiscal_year_end) == (None, None)


def test_a_death_that_the_register_learns_of_meanwhile_is_seen(desk: DoseDesk) -> None:
    add_clinic(desk.session)
    person = resident(
        desk.session,
        born="2025-06-10",
        resident_category=ResidentCategory.DECEASED,
        ceased_resident_on=date(2026, 8, 2),
    ).id
    outcome = record(desk, person)
    assert isinstance(outcome, Refused)
    assert outcome.findings.find(DoseError.AFTER_DEATH) is not None


def test_same_again_repeats_ones_own_dose_only(desk: DoseDesk, child: int) -> None:
    dose_id = saved(record(desk, child)).dose_id
    assert dose_by_staff(desk.session, dose_id, desk.staff_id) == MR
    assert dose_by_staff(desk.session, dose_id, desk.staff_id + 1) is None


# Two people at once: real connections, real commits.


@pytest.fixture
def city(engine: Engine) -> tuple[int, list[int]]:
    """Commit one child, one clinic and two members of staff."""
    with Session(engine) as session:
        add_clinic(session)
        staff = [clerk(session, login) for login in ("ichiro", "hanako")]
        person = resident(session, born="2025-06-10").id
        session.commit()
    return person, staff


@contextmanager
def at_desk(engine: Engine, staff_id: int) -> Iterator[DoseDesk]:
    with Session(engine) as session, session.begin():
        yield desk_of(session, engine, staff_id)


def test_of_two_who_save_at_once_one_wins_and_the_other_sees_it(
    engine: Engine, city: tuple[int, list[int]]
) -> None:
    person, staff = city
    start = threading.Barrier(2)

    def save(staff_id: int) -> Outcome:
        with at_desk(engine, staff_id) as desk:
            desk.session.connection()
            start.wait()
            return record(desk, person, replace(MR, physician=f"医師 {staff_id}"), seen=NOTHING_SEEN)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(save, staff))
    winners = [outcome for outcome in outcomes if isinstance(outcome, Saved)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, Conflict)]
    assert len(winners) == len(losers) == 1
    assert losers[0].theirs.id == winners[0].dose_id
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Dose)) == 1
        assert session.scalar(select(func.count()).select_from(IdentityCheck)) == 1


def test_a_double_click_saves_once(engine: Engine, city: tuple[int, list[int]]) -> None:
    person, staff = city
    start = threading.Barrier(2)

    def save(_click: int) -> Outcome:
        with at_desk(engine, staff[0]) as desk:
            desk.session.connection()
            start.wait()
            return record(desk, person, seen=NOTHING_SEEN)

    with ThreadPoolExecutor(2) as pool:
        outcomes = [saved(outcome) for outcome in pool.map(save, range(2))]
    assert sorted(outcome.already for outcome in outcomes) == [False, True]
    assert outcomes[0].dose_id == outcomes[1].dose_id


def test_two_corrections_at_once_do_not_overwrite_each_other(
    engine: Engine, city: tuple[int, list[int]]
) -> None:
    person, staff = city
    with at_desk(engine, staff[0]) as desk:
        dose_id = saved(record(desk, person)).dose_id
    start = threading.Barrier(2)

    def change(staff_id: int) -> Outcome | None:
        with at_desk(engine, staff_id) as desk:
            desk.session.connection()
            start.wait()
            return correct(desk, person, dose_id, replace(MR, fee=staff_id))

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(change, staff))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Saved"]
    with Session(engine) as session:
        assert [row.revision for row in revisions_of(session, person, dose_id)] == [2, 1]


def test_the_unique_index_holds_where_somebody_writes_without_the_lock(
    engine: Engine, city: tuple[int, list[int]], wait_for_lock: Callable[[], None]
) -> None:
    person, staff = city
    row = {
        "resident_id": person,
        "record_group": RecordGroup.INFANT,
        "vaccine": MR.vaccine,
        "dose_number": 1,
        "given_on": MR.given_on,
        "judgement": Judgement.GIVEN,
        "dose_category": DoseCategory.ROUTINE,
        "alerts": [],
        "source": DoseSource.FILE,
        "state": DoseState.ACTIVE,
        "changed_at": NOW,
        "revision": 1,
    }

    def save() -> Outcome:
        with at_desk(engine, staff[0]) as desk:
            return record(desk, person, seen=NOTHING_SEEN)

    with Session(engine) as importer, ThreadPoolExecutor(1) as pool:
        importer.execute(insert(Dose), row)
        waiting = pool.submit(save)
        wait_for_lock()
        importer.commit()
        outcome = waiting.result(timeout=20)
    assert isinstance(outcome, Conflict)
    assert (outcome.theirs.source, outcome.theirs.staff) == (DoseSource.FILE, None)
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Dose)) == 1


@pytest.fixture
def wait_for_lock(engine: Engine) -> Callable[[], None]:
    """Return a function that waits until some connection waits for another."""

    def wait() -> None:
        pause = threading.Event()
        for _ in range(400):
            with engine.connect() as connection:
                query = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                if connection.scalar(text(query)):
                    return
            pause.wait(0.025)
        pytest.fail("nobody waited for anybody")

    return wait


def test_nobody_deletes_a_dose_or_rewrites_its_past(engine: Engine, city: tuple[int, list[int]]) -> None:
    person, staff = city
    with at_desk(engine, staff[0]) as desk:
        dose_id = saved(record(desk, person)).dose_id
        saved(correct(desk, person, dose_id, replace(MR, fee=1)))
    for statement in (
        "DELETE FROM dose",
        "UPDATE dose SET fee = 2",
        "UPDATE dose_revision SET revision = 9",
        "DELETE FROM dose_revision",
    ):
        with Session(engine) as session, pytest.raises(DBAPIError):
            session.execute(text(statement))
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(DoseRevision)) == 1
