"""States from the tax and welfare registers: kept with their moment, beside what staff entered."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.db.sync.conftest import NOW, Rows
from tests.db.sync.registers import Tax, Welfare
from tests.people import resident
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, TimedOut
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.tax import Taxation, TaxationState
from yvaxportal.adapters.messages.welfare import WelfareKind, WelfarePeriod, WelfareState
from yvaxportal.models.codes import EligibilityKind, EligibilityState, ResidentCategory
from yvaxportal.models.resident import Eligibility, Resident
from yvaxportal.services.sync.eligibility import TAX, WELFARE, EligibilitySync, last_said

CALL = CallContext.interactive("tanaka")
EARLIER = datetime(2026, 11, 1, tzinfo=UTC)
NHI = WelfareKind.NATIONAL_HEALTH_INSURANCE


@pytest.fixture
def tax() -> Tax:
    return Tax()


@pytest.fixture
def welfare() -> Welfare:
    return Welfare()


@pytest.fixture
def bring(engine: Engine, tax: Tax, welfare: Welfare) -> EligibilitySync:
    return EligibilitySync(engine, lambda: NOW, tax, welfare)


@pytest.fixture
def person(world: Session) -> Resident:
    made = resident(world)
    world.commit()
    return made


REFUSALS = "SELECT payload, system, reference, atena_number, reason, times FROM sync_refusal"
STATES = (
    "SELECT kind, state, valid_from::text, valid_to::text, source FROM eligibility ORDER BY valid_from, id"
)


def test_a_years_taxation_is_kept_and_said_again(
    bring: EligibilitySync, tax: Tax, person: Resident, rows: Rows
) -> None:
    tax.states[person.atena_number] = "exempt"
    assert dict(bring.for_person(person.atena_number, TAX, CALL)) == {"changed": 1}
    assert rows(STATES) == [("tax_exempt", "exempt", "2026-04-01", "2027-03-31", "tax")]
    tax.as_of = NOW + timedelta(minutes=1)
    assert dict(bring.for_person(person.atena_number, TAX, CALL)) == {"confirmed": 1}
    assert rows("SELECT id, as_of FROM eligibility") == [(1, tax.as_of)]
    tax.states[person.atena_number] = "taxed"
    assert dict(bring.for_person(person.atena_number, TAX, CALL)) == {"changed": 1}
    assert rows(STATES) == [("tax_exempt", "taxed", "2026-04-01", "2027-03-31", "tax")]
    assert rows("SELECT before, after, actor FROM audit_event ORDER BY id") == [
        ({}, {"tax_exempt 2026-04-01": "exempt"}, "system"),
        ({"tax_exempt 2026-04-01": "exempt"}, {"tax_exempt 2026-04-01": "taxed"}, "system"),
    ]


def test_what_staff_entered_stays(
    bring: EligibilitySync, tax: Tax, person: Resident, world: Session, rows: Rows
) -> None:
    world.add(
        Eligibility(
            resident_id=person.id,
            kind=EligibilityKind.TAX_EXEMPT,
            state=EligibilityState.EXEMPT,
            valid_from=date(2026, 9, 1),
            as_of=EARLIER,
            source="staff",
        )
    )
    world.commit()
    tax.states[person.atena_number] = "taxed"
    bring.for_person(person.atena_number, TAX, CALL)
    assert [row[1:] for row in rows(STATES)] == [
        ("taxed", "2026-04-01", "2027-03-31", "tax"),
        ("exempt", "2026-09-01", None, "staff"),
    ]


def test_an_older_answer_changes_nothing(
    bring: EligibilitySync, tax: Tax, person: Resident, rows: Rows
) -> None:
    tax.states[person.atena_number] = "exempt"
    bring.for_person(person.atena_number, TAX, CALL)
    tax.as_of, tax.states[person.atena_number] = EARLIER, "taxed"
    assert dict(bring.for_person(person.atena_number, TAX, CALL)) == {"outdated": 1}
    assert [row[1] for row in rows(STATES)] == ["exempt"]
    # It is kept for people to look at, counted, and open until somebody settles it.
    bring.for_person(person.atena_number, TAX, CALL)
    ((payload, *kept),) = rows(REFUSALS)
    assert kept == ["tax", f"person/{person.atena_number}", person.atena_number, "outdated", 2]
    assert payload["as_of"] == EARLIER.isoformat()
    assert payload["periods"] == [["tax_exempt", "taxed", None, "2026-04-01", "2027-03-31"]]


@pytest.mark.parametrize("bulk", [False, True])
def test_an_answer_that_cannot_be_used_is_kept_without_what_it_said(
    bring: EligibilitySync, tax: Tax, person: Resident, rows: Rows, bulk: bool
) -> None:
    tax.states[person.atena_number] = "exempt"
    tax.failing, tax.error = 0, BadAnswer("tax", BadAnswerReason.WRONG_MUNICIPALITY, "/result/0")
    for _ in range(2):
        if bulk:
            assert bring.for_all(TAX)["failed"] == 1
        else:
            with pytest.raises(BadAnswer):
                bring.for_person(person.atena_number, TAX, CALL)
    about, whom = ("everybody", None) if bulk else (f"person/{person.atena_number}", person.atena_number)
    assert rows(REFUSALS) == [
        (
            {"reason": "wrong_municipality", "where": "/result/0"},
            *("tax", f"{about}/wrong_municipality", whom, "bad_answer", 2),
        )
    ]
    assert rows(STATES) == []


def test_somebody_elses_state_is_nobodys(
    bring: EligibilitySync,
    tax: Tax,
    world: Session,
    person: Resident,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = resident(world)
    world.commit()
    tax.states[other.atena_number] = "exempt"
    # An implementation of somebody's own that does not look whom the answer is about.
    said = Taxation(other.atena_number, 2026, TaxationState.EXEMPT, NOW)
    monkeypatch.setattr(tax, "taxation", lambda *_asked: said)
    with pytest.raises(BadAnswer):
        bring.for_person(person.atena_number, TAX, CALL)
    assert rows(STATES) == []
    assert rows("SELECT reference FROM sync_refusal") == [f"person/{person.atena_number}/wrong_person"]


def test_a_history_replaces_the_one_before(
    bring: EligibilitySync, welfare: Welfare, person: Resident, rows: Rows
) -> None:
    held = WelfarePeriod(NHI, WelfareState.HELD, date(2020, 4, 1))
    welfare.states[person.atena_number] = [held]
    bring.for_person(person.atena_number, WELFARE, CALL)
    welfare.states[person.atena_number] = [
        WelfarePeriod(NHI, WelfareState.HELD, date(2020, 4, 1), date(2026, 3, 31)),
        WelfarePeriod(WelfareKind.PUBLIC_ASSISTANCE, WelfareState.HELD, date(2026, 4, 1)),
    ]
    assert dict(bring.for_person(person.atena_number, WELFARE, CALL)) == {"changed": 1}
    assert [row[:4] for row in rows(STATES)] == [
        ("national_health_insurance", "held", "2020-04-01", "2026-03-31"),
        ("public_assistance", "held", "2026-04-01", None),
    ]


def test_everybody_at_night(bring: EligibilitySync, tax: Tax, world: Session, rows: Rows) -> None:
    people = [resident(world) for _ in range(3)]
    gone = resident(world, resident_category=ResidentCategory.MOVED_OUT)
    world.commit()
    tax.states = {one.atena_number: "exempt" for one in (*people, gone)}
    assert dict(bring.for_all(TAX)) == {"changed": 3}
    assert rows("SELECT count(*) FROM eligibility WHERE resident_id = :id", id=gone.id) == [0]
    assert rows("SELECT system, failure, succeeded_at IS NULL FROM sync_state") == [("tax", "", False)]


def test_a_register_that_falls_silent_loses_nothing(
    bring: EligibilitySync, tax: Tax, world: Session, rows: Rows
) -> None:
    people = [resident(world) for _ in range(3)]
    world.commit()
    tax.states = {one.atena_number: "exempt" for one in people}
    bring.for_all(TAX)
    tax.failing = 1
    assert bring.for_all(TAX)["failed"] == 1
    assert rows("SELECT count(*) FROM eligibility") == [3]
    assert rows("SELECT failure FROM sync_state") == ["TimedOut: no answer within the time limit"]
    tax.failing = 0
    with pytest.raises(TimedOut):
        bring.for_person(people[0].atena_number, TAX, CALL)


def test_somebody_whom_the_register_does_not_know(bring: EligibilitySync, person: Resident) -> None:
    assert dict(bring.for_person(person.atena_number, TAX, CALL)) == {"unknown": 1}


def test_that_a_register_knows_of_nothing_is_an_answer_too(
    bring: EligibilitySync, welfare: Welfare, person: Resident, world: Session
) -> None:
    assert last_said(world, person.id, [TAX, WELFARE]) == {}
    welfare.states[person.atena_number] = ()
    bring.for_person(person.atena_number, WELFARE, CALL)
    world.rollback()
    assert last_said(world, person.id, [TAX, WELFARE]) == {WELFARE: NOW}
    welfare.as_of = NOW - timedelta(days=1)
    bring.for_person(person.atena_number, WELFARE, CALL)
    world.rollback()
    assert last_said(world, person.id, [WELFARE]) == {WELFARE: NOW}


def test_about_some_people_what_came_before_a_failure_is_kept(
    bring: EligibilitySync, tax: Tax, world: Session, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yvaxportal.services.sync.eligibility.SMALL_PIECE", 2)
    people = [resident(world) for _ in range(6)]
    world.commit()
    numbers = [one.atena_number for one in people]
    tax.states = dict.fromkeys(numbers, "exempt")
    told: list[int] = []
    tax.failing = 3
    counts, failure = bring.for_some(TAX, numbers[:5], told.append)
    assert (dict(counts), told) == ({"changed": 3}, [2, 3])
    assert isinstance(failure, TimedOut)
    assert len(rows(STATES)) == 3
    assert rows("SELECT failure FROM sync_state WHERE system = 'tax'") == [
        "TimedOut: no answer within the time limit"
    ]
    tax.failing = None
    counts, failure = bring.for_some(TAX, numbers[:5], told.append)
    assert (dict(counts), failure) == ({"changed": 2, "confirmed": 3}, None)
    # Nobody else was asked about.
    assert len(rows(STATES)) == 5
    assert bring.for_some(TAX, [], told.append) == ({}, None)
