from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.details import events
from tests.people import NOW, TODAY, resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import EligibilityKind, EligibilityState
from yvaxportal.models.resident import Eligibility
from yvaxportal.services.eligibility import NewPeriod, add_period, history_of, states_of
from yvaxportal.services.resident_page import ELIGIBILITY

INSURANCE = EligibilityKind.NATIONAL_HEALTH_INSURANCE
SAID = datetime(2026, 4, 2, tzinfo=UTC)


@pytest.fixture
def audit(db: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(db, engine, SYSTEM)


@pytest.fixture
def person_id(db: Session) -> int:
    person = resident(db)
    db.add(
        Eligibility(
            resident_id=person.id,
            kind=INSURANCE,
            state=EligibilityState.HELD,
            valid_from=date(2020, 4, 1),
            as_of=SAID,
            source="tax",
        ),
    )
    db.flush()
    return person.id


def period(**said: Any) -> NewPeriod:
    columns: dict[str, Any] = {
        "kind": INSURANCE,
        "state": EligibilityState.NOT_HELD,
        "detail": None,
        "valid_from": date(2026, 10, 1),
        "valid_to": None,
    }
    return NewPeriod(**(columns | said))


def test_a_new_period_ends_the_running_one(db: Session, audit: AuditTrail, person_id: int) -> None:
    add_period(db, audit, person_id, period(), reason="社会保険証を確認", now=NOW)

    new, old = history_of(db, person_id)[INSURANCE]
    assert (new.state, new.valid_from, new.source, new.as_of) == (
        EligibilityState.NOT_HELD,
        date(2026, 10, 1),
        "staff",
        NOW,
    )
    assert (old.state, old.valid_to, old.source, old.as_of) == (
        EligibilityState.HELD,
        date(2026, 9, 30),
        "tax",
        SAID,
    )
    in_force = ELIGIBILITY.rows(db, {"resident_id": person_id, "day": TODAY})
    assert [row.state for row in in_force] == [EligibilityState.NOT_HELD]
    (event,) = events(db, Action.ELIGIBILITY_CHANGED)
    assert event.detail == {"kind": INSURANCE.value, "reason": "社会保険証を確認"}
    assert event.before == {"2020-04-01 valid_to": None}


def test_a_period_of_the_same_first_day_is_corrected_in_place(
    db: Session, audit: AuditTrail, person_id: int
) -> None:
    wrong = period(valid_from=date(2020, 4, 1), detail="誤り")
    add_period(db, audit, person_id, wrong, reason="届出の誤り", now=NOW)

    (row,) = history_of(db, person_id)[INSURANCE]
    assert (row.state, row.detail, row.source) == (EligibilityState.NOT_HELD, "誤り", "staff")
    (event,) = events(db, Action.ELIGIBILITY_CHANGED)
    assert event.before == {"state": "held", "detail": None, "valid_to": None, "source": "tax"}


def test_a_period_in_the_past_leaves_later_ones_alone(db: Session, audit: AuditTrail, person_id: int) -> None:
    past = period(valid_from=date(2018, 4, 1), valid_to=date(2020, 3, 31))
    add_period(db, audit, person_id, past, reason="過年度の確認", now=NOW)
    assert [(row.valid_from, row.valid_to) for row in history_of(db, person_id)[INSURANCE]] == [
        (date(2020, 4, 1), None),
        (date(2018, 4, 1), date(2020, 3, 31)),
    ]


def test_other_kinds_are_not_touched(db: Session, audit: AuditTrail, person_id: int) -> None:
    taxed = period(kind=EligibilityKind.TAX_EXEMPT, state=EligibilityState.EXEMPT)
    add_period(db, audit, person_id, taxed, reason="非課税証明書", now=NOW)
    history = history_of(db, person_id)
    assert list(history) == list(EligibilityKind)
    assert [row.valid_to for row in history[INSURANCE]] == [None]
    assert [row.state for row in history[EligibilityKind.TAX_EXEMPT]] == [EligibilityState.EXEMPT]


def test_taxation_has_its_own_states() -> None:
    assert EligibilityState.EXEMPT in states_of(EligibilityKind.TAX_EXEMPT)
    assert EligibilityState.HELD not in states_of(EligibilityKind.TAX_EXEMPT)
    assert EligibilityState.EXEMPT not in states_of(INSURANCE)
