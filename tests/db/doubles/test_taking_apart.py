"""A merge that was wrong: everything goes back by what was written down, nothing is guessed."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.db.doubles.conftest import LATER, Apart, Merge, active
from tests.details import clerk, events
from tests.doses import given as doses_given
from tests.importing import office, questionnaires, row_of
from tests.people import NOW, TODAY, resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    CircumstanceKind,
    DoseState,
    DoubleState,
    Judgement,
    MergeSource,
    ResidentCategory,
    TicketState,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.double import ResidentDouble
from yvaxportal.models.resident import Resident, ResidentNote, SupportMeasure
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.models.ticket import Certificate, Ticket
from yvaxportal.services.doubles.merges import standing_of
from yvaxportal.services.doubles.plan import Fate, Side, plan_of
from yvaxportal.services.doubles.taking_apart import ApartRefusedError, Order, take_apart
from yvaxportal.services.sync.merging import MergedOtherwiseError, Told, merge
from yvaxportal.services.sync.standing import kept_for


def add(db: Session, person: Resident, *doses: tuple[str, int, str]) -> list[Dose]:
    made = list(doses_given(person, *doses))
    db.add_all(made)
    db.flush()
    return made


def ticket(person: Resident, number: str, **said: Any) -> Ticket:
    whole: dict[str, Any] = {
        "resident_id": person.id,
        "vaccine": "COVID19",
        "ticket_kind": "2",
        "dose_number": 1,
        "municipality_code": "312029",
        "ticket_number": number,
        "issued_on": date(2021, 6, 1),
        "state": TicketState.ISSUED,
    }
    return Ticket(**(whole | said))


@pytest.fixture
def pair(db: Session) -> tuple[Resident, Resident]:
    return resident(db), resident(db)


def test_doses_go_back_to_whom_they_came_from(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, apart: Apart
) -> None:
    kept, gone = pair
    add(db, kept, ("MR", 1, "2020-05-01"))
    add(db, gone, ("MR", 1, "2020-05-01"), ("MR", 2, "2025-05-01"), ("BCG", 1, "2019-10-01"))
    before = active(db, kept), active(db, gone)
    merge_id = merged(kept, gone)
    assert [row[:2] for row in active(db, kept)] == [("BCG", 1), ("MR", 1), ("MR", 2)]
    assert active(db, gone) == []
    assert [(one.kind, one.number) for one in standing_of(db, gone.id)] == [("into", kept.atena_number)]
    plan = apart(merge_id)
    assert [dose.fate for dose in plan.moved] == [Fate.BOTH, Fate.RETURNS, Fate.RETURNS]
    assert (active(db, kept), active(db, gone)) == before
    assert standing_of(db, gone.id) == []
    db.refresh(gone)
    assert gone.resident_category is ResidentCategory.RESIDENT


def test_a_dose_that_was_corrected_goes_back_as_it_is_now(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, apart: Apart, staff_id: int
) -> None:
    kept, gone = pair
    first, second = add(db, gone, ("MR", 1, "2020-05-01"), ("BCG", 1, "2019-10-01"))
    merge_id = merged(kept, gone)
    copies = {dose.vaccine: dose for dose in db.query(Dose).filter_by(resident_id=kept.id)}
    copies["MR"].lot_number, copies["MR"].remarks = "Y999", "訂正済"
    copies["BCG"].state, copies["BCG"].change_reason = DoseState.CANCELLED, "誤記録"
    db.flush()
    plan = apart(merge_id)
    assert {dose.vaccine: dose.fate for dose in plan.moved} == {
        "MR": Fate.RETURNS_CORRECTED,
        "BCG": Fate.CANCELLED_SINCE,
    }
    assert active(db, gone) == [("MR", 1, date(2020, 5, 1), "Y999", "訂正済")]
    assert active(db, kept) == []
    db.refresh(first)
    assert (first.changed_by, first.revision) == (staff_id, 3)
    db.refresh(second)
    assert second.state == "cancelled"


def test_doses_recorded_since_go_where_somebody_says(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, apart: Apart
) -> None:
    kept, gone = pair
    add(db, kept, ("MR", 1, "2020-05-01"))
    merge_id = merged(kept, gone)
    mine, theirs = add(db, kept, ("MR", 2, "2026-05-01"), ("BCG", 1, "2019-10-01"))
    plan = plan_of(db, merge_id)
    assert plan is not None
    assert [dose.standing for dose in plan.since] == [mine.id, theirs.id]
    apart(merge_id, returning=(theirs.id,))
    assert [row[:2] for row in active(db, kept)] == [("MR", 1), ("MR", 2)]
    assert [row[:2] for row in active(db, gone)] == [("BCG", 1)]


def test_nobody_is_given_a_dose_by_silence(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, audit: AuditTrail, staff_id: int
) -> None:
    kept, gone = pair
    merge_id = merged(kept, gone)
    add(db, kept, ("MR", 2, "2026-05-01"))
    plan = plan_of(db, merge_id)
    assert plan is not None
    with pytest.raises(ApartRefusedError, match="unassigned"):
        take_apart(db, audit, Order(merge_id, plan.seen, {}, "別人", staff_id, LATER))
    assert [row[:2] for row in active(db, kept)] == [("MR", 2)]


@pytest.mark.parametrize("reason", ["", "  ", "番号 123456789018", "あ" * 501])
def test_a_reason_is_needed(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, audit: AuditTrail, staff_id: int, reason: str
) -> None:
    merge_id = merged(*pair)
    plan = plan_of(db, merge_id)
    assert plan is not None
    with pytest.raises(ApartRefusedError, match="reason"):
        take_apart(db, audit, Order(merge_id, plan.seen, {}, reason, staff_id, LATER))


def test_what_was_seen_must_still_be_so(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, audit: AuditTrail, staff_id: int
) -> None:
    kept, gone = pair
    add(db, gone, ("MR", 1, "2020-05-01"))
    merge_id = merged(kept, gone)
    plan = plan_of(db, merge_id)
    assert plan is not None
    copy = db.query(Dose).filter_by(resident_id=kept.id).one()
    copy.lot_number = "Y999"
    db.flush()
    with pytest.raises(ApartRefusedError, match="changed"):
        take_apart(db, audit, Order(merge_id, plan.seen, {}, "別人", staff_id, LATER))
    assert active(db, gone) == []


def test_of_two_who_take_apart_the_second_is_told_who_was_first(
    db: Session,
    pair: tuple[Resident, Resident],
    merged: Merge,
    apart: Apart,
    audit: AuditTrail,
    staff_id: int,
) -> None:
    merge_id = merged(*pair)
    plan = apart(merge_id)
    with pytest.raises(ApartRefusedError, match="undone") as refused:
        take_apart(db, audit, Order(merge_id, plan.seen, {}, "別人", staff_id, LATER))
    assert (refused.value.by, refused.value.at) == ("見本職員", LATER)


def test_later_merges_are_taken_apart_first(
    db: Session, merged: Merge, apart: Apart, audit: AuditTrail, staff_id: int
) -> None:
    one, two, three = resident(db), resident(db), resident(db)
    add(db, one, ("MR", 1, "2020-05-01"))
    first, second = merged(two, one), merged(three, two)
    assert kept_for(db, one.id) == three.id
    plan = plan_of(db, first)
    assert plan is not None
    assert plan.later == [second]
    with pytest.raises(ApartRefusedError, match="later"):
        take_apart(db, audit, Order(first, plan.seen, {}, "別人", staff_id, LATER))
    apart(second)
    apart(first)
    assert [row[:2] for row in active(db, one)] == [("MR", 1)]
    assert active(db, two) == active(db, three) == []


def test_numbers_are_never_merged_in_a_circle(db: Session, merged: Merge) -> None:
    one, two, three = resident(db), resident(db), resident(db)
    merged(two, one)
    told = Told("c-1", TODAY, MergeSource.REGISTER)
    assert merge(db, kept=two.id, merged=one.id, told=told, now=NOW) is None
    for kept, gone in ((one, two), (three, one)):
        with pytest.raises(MergedOtherwiseError):
            merge(db, kept=kept.id, merged=gone.id, told=told, now=NOW)
    # What goes into a number that was merged away goes to the one that has its records.
    add(db, three, ("MR", 1, "2020-05-01"))
    assert merge(db, kept=one.id, merged=three.id, told=told, now=NOW) is not None
    assert [row[:2] for row in active(db, two)] == [("MR", 1)]


def test_tickets_certificates_and_the_rest_go_back(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, apart: Apart, staff_id: int
) -> None:
    kept, gone = pair
    own, moved = ticket(kept, "0000000001"), ticket(gone, "0000000002")
    paper = Certificate(
        resident_id=gone.id,
        certificate_id="C-1",
        certificate_issued_on=date(2021, 12, 20),
        kind=CertificateKind.DOMESTIC,
        state=CertificateState.VALID,
        recorded_at=NOW,
    )
    circumstance = SpecialCircumstance(
        resident_id=gone.id,
        kind=CircumstanceKind.DISEASE_HISTORY,
        subject="measles",
        recorded_by=staff_id,
        recorded_at=NOW,
    )
    note = ResidentNote(resident_id=gone.id, personal_remarks="筆談", changed_at=NOW)
    db.add_all([own, moved, paper, circumstance, note])
    db.flush()
    merge_id = merged(kept, gone)
    # Issued anew since in place of a moved one: it has that one's place. Another one is the other person's.
    anew = ticket(kept, "0000000003", replaces_id=moved.id)
    new = ticket(kept, "0000000001", dose_number=2)
    db.add_all([anew, new])
    db.flush()
    assert paper.resident_id == circumstance.resident_id == kept.id
    plan = apart(merge_id)
    assert plan.note == "back"
    for row in (own, moved, anew, new, paper, circumstance):
        db.refresh(row)
    assert {one.resident_id for one in (own, new)} == {kept.id}
    assert {one.resident_id for one in (moved, anew, paper, circumstance)} == {gone.id}
    assert db.get(ResidentNote, kept.id) is None
    returned = db.get(ResidentNote, gone.id)
    assert returned is not None
    assert returned.personal_remarks == "筆談"


def test_remarks_of_both_stay_where_they_were(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, apart: Apart
) -> None:
    for person, words in zip(pair, ("こちら", "あちら"), strict=True):
        db.add(ResidentNote(resident_id=person.id, personal_remarks=words, changed_at=NOW))
    db.flush()
    merge_id = merged(*pair)
    assert apart(merge_id).note == ""
    found = db.execute(text("SELECT personal_remarks FROM resident_note ORDER BY resident_id")).scalars()
    assert list(found) == ["こちら", "あちら"]


def measure(person: Resident) -> SupportMeasure:
    return SupportMeasure(
        resident_id=person.id, starts_on=date(2026, 4, 1), ends_on=date(2027, 3, 31), provisional=False
    )


@pytest.mark.parametrize("since", [False, True])
def test_no_address_opens_that_was_closed_since(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, apart: Apart, since: bool
) -> None:
    kept, gone = pair
    gone.support_measure_flag = not since
    if not since:
        db.add(measure(gone))
    db.flush()
    merge_id = merged(kept, gone)
    if since:
        db.add(measure(kept))
        kept.support_measure_flag = True
        db.flush()
    db.refresh(kept)
    assert kept.support_measure_flag
    apart(merge_id)
    db.refresh(kept)
    db.refresh(gone)
    # What came with the other number goes with it; what came since may be meant for either.
    assert (kept.support_measure_flag, gone.support_measure_flag) == (since, True)
    told = events(db, Action.SUPPORT_MEASURE_CHANGED)
    assert [event.resident_id for event in told] == [gone.id if since else kept.id]


def test_the_pair_is_two_people_from_then_on(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, apart: Apart, staff_id: int
) -> None:
    merge_id = merged(*pair)
    apart(merge_id)
    (double,) = db.query(ResidentDouble)
    assert (double.state, double.reason, double.state_by) == (DoubleState.DIFFERENT, "別人と判明", staff_id)


def test_both_are_told_of_in_the_audit_log(
    db: Session, pair: tuple[Resident, Resident], merged: Merge, apart: Apart
) -> None:
    kept, gone = pair
    add(db, gone, ("MR", 1, "2020-05-01"))
    apart(merged(kept, gone))
    told = events(db, Action.RESIDENT_TAKEN_APART)
    assert [event.resident_id for event in told] == [kept.id, gone.id]
    assert told[0].detail["reason"] == "別人と判明"
    assert told[0].after == {"apart": gone.atena_number, "from": kept.atena_number}
    assert [event.resident_id for event in events(db, Action.DOSE_RECORDED)] == [gone.id]
    assert [event.resident_id for event in events(db, Action.DOSE_CANCELLED)] == [kept.id]


def test_doubles_of_doses_keep_their_class(
    db: Session, pair: tuple[Resident, Resident], merged: Merge
) -> None:
    kept, gone = pair
    add(db, kept, ("MR", 1, "2020-05-01"), ("BCG", 1, "2019-10-01"), ("JE", 1, "2022-01-01"))
    same, other, off = add(
        db, gone, ("MR", 1, "2020-05-01"), ("BCG", 1, "2019-10-01"), ("JE", 1, "2022-01-08")
    )
    other.lot_number = "KB1"
    db.flush()
    moved = db.get_one(ResidentMerge, merged(kept, gone)).moved
    assert str(same.id) in moved["double"]
    assert moved["differs"] == {str(other.id): ["lot_number"]}
    (labelled,) = moved["unresolved"]
    copy = db.get_one(Dose, labelled)
    assert (copy.given_on, copy.alerts) == (off.given_on, ["unresolved_double"])


def test_sources_and_waiting_rows_follow_and_return(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session:
        kept, gone = resident(session, born="2024-03-05"), resident(session, born="2024-03-06")
        session.commit()
        desk = office(engine, session)
        recorded = desk.checked(questionnaires([row_of(gone)]))
        assert desk.apply(recorded.id)["recorded"] == 1
        waiting = desk.checked(questionnaires([row_of(gone, 接種日="2030-01-01"), row_of(gone, 回数="9")]))
        assert [row.resident_id for row in desk.rows(waiting.id)] == [gone.id, gone.id]
        told = Told("c-1", TODAY, MergeSource.REGISTER)
        merge_id = merge(session, kept=kept.id, merged=gone.id, told=told, now=NOW)
        session.commit()
        assert merge_id is not None
        sources = text(
            "SELECT d.resident_id, d.state FROM dose_source_record s "
            "JOIN dose d ON d.id = s.dose_id ORDER BY s.id"
        )
        assert [tuple(row) for row in session.execute(sources)] == [
            (gone.id, "cancelled"),
            (kept.id, "active"),
        ]
        assert [row.resident_id for row in desk.rows(waiting.id)] == [kept.id, kept.id]
        # A file that names the number that went is about the one that has its records now.
        named = row_of(gone, 生年月日="2024-03-05", ワクチン="水痘", 接種日="2025-06-01")
        later = desk.checked(questionnaires([named]))
        assert [row.resident_id for row in desk.rows(later.id)] == [kept.id]
        assert desk.apply(later.id)["recorded"] == 1
        session.expire_all()
        plan = plan_of(session, merge_id)
        assert plan is not None
        assert [(dose.vaccine, dose.reported) for dose in plan.since] == [("varicella", True)]
        assert plan.rows == [(waiting.id, 1), (waiting.id, 2)]
        (new,) = plan.since
        staff = clerk(session, "second")
        audit = AuditTrail(session, engine, SYSTEM)
        assert new.standing is not None
        order = Order(merge_id, plan.seen, {new.standing: Side.RETURNING}, "別人", staff, LATER)
        take_apart(session, audit, order)
        session.commit()
        assert [tuple(row) for row in session.execute(sources)] == [(gone.id, "active")] * 2
        assert [row.resident_id for row in desk.rows(waiting.id)] == [gone.id, gone.id]


VACCINES = ("MR", "BCG", "JE", "VARICELLA")
SOME = st.lists(
    st.tuples(
        st.sampled_from(VACCINES),
        st.integers(1, 3),
        st.sampled_from(("2020-05-01", "2021-05-01", "2022-05-01")),
        st.sampled_from((None, "Y1", "Y2")),
        st.booleans(),
        st.sampled_from((Judgement.GIVEN, Judgement.GIVEN, Judgement.UNFIT)),
    ),
    # Only what was given stands once; somebody may be found unfit twice.
    unique_by=lambda dose: dose[:3] if dose[5] is Judgement.GIVEN else id(dose),
    max_size=6,
)


@given(mine=SOME, theirs=SOME)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_merged_and_taken_apart_is_as_it_was(
    db: Session, merged: Merge, apart: Apart, mine: list[Any], theirs: list[Any]
) -> None:
    kept, gone = resident(db), resident(db)
    for person, doses in ((kept, mine), (gone, theirs)):
        for vaccine, number, day, lot, labelled, judgement in doses:
            (dose,) = doses_given(person, (vaccine, number, day))
            dose.judgement = judgement
            dose.lot_number, dose.alerts = lot, ["lot_missing"] if labelled else []
            db.add(dose)
    db.flush()

    def content() -> list[Any]:
        rows = db.execute(
            text(
                "SELECT to_jsonb(d) - ARRAY['revision', 'changed_at', 'changed_by', 'change_reason'] "
                "FROM dose d WHERE resident_id = ANY(:people) AND state = 'active' ORDER BY id"
            ),
            {"people": [kept.id, gone.id]},
        )
        people = db.execute(
            text("SELECT to_jsonb(r) - 'revision' FROM resident r WHERE id = ANY(:people) ORDER BY id"),
            {"people": [kept.id, gone.id]},
        )
        return [*rows.scalars(), *people.scalars()]

    before = content()
    apart(merged(kept, gone))
    assert content() == before
