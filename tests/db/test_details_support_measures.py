from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.details import events
from tests.people import NOW, TODAY, resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.resident import Resident
from yvaxportal.services.detail_changes import ChangedMeanwhileError
from yvaxportal.services.support_measures import (
    MeasureStandsError,
    NoMeasureError,
    last_day,
    lift_measure,
    measures_of,
    next_period,
    renew_measure,
    standing_revision,
    start_measure,
)


@pytest.fixture
def audit(db: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(db, engine, SYSTEM)


@pytest.fixture
def person(db: Session) -> Resident:
    return resident(db)


def start(db: Session, audit: AuditTrail, person: Resident, **said: Any) -> None:
    period: dict[str, Any] = {
        "starts_on": TODAY,
        "ends_on": last_day(TODAY),
        "provisional": False,
        "revision": person.revision,
    }
    start_measure(db, audit, person.id, **(period | said))


def test_the_flag_stands_with_the_measure(db: Session, audit: AuditTrail, person: Resident) -> None:
    start(db, audit, person, provisional=True)

    assert person.support_measure_flag
    (measure,) = measures_of(db, person.id)
    assert (measure.starts_on, measure.ends_on) == (date(2026, 11, 23), date(2027, 11, 22))
    assert measure.provisional
    assert measure.lifted_at is None
    (event,) = events(db, Action.SUPPORT_MEASURE_CHANGED)
    assert event.detail == {"act": "start"}
    assert event.after == {
        "support_measure_flag": True,
        "starts_on": "2026-11-23",
        "ends_on": "2027-11-22",
        "provisional": True,
    }


def test_a_date_lifts_nothing(db: Session, audit: AuditTrail, person: Resident) -> None:
    start(db, audit, person, starts_on=TODAY - timedelta(days=800), ends_on=TODAY - timedelta(days=435))
    db.expire_all()
    assert db.get_one(Resident, person.id).support_measure_flag


def test_a_standing_measure_is_renewed_not_started_again(
    db: Session, audit: AuditTrail, person: Resident
) -> None:
    start(db, audit, person)
    with pytest.raises(MeasureStandsError):
        start(db, audit, person)

    first, last = next_period(measures_of(db, person.id), TODAY)
    renew_measure(
        db,
        audit,
        person.id,
        starts_on=first,
        ends_on=last,
        provisional=False,
        revision=standing_revision(db, person.id),
    )
    assert [(row.starts_on, row.ends_on) for row in measures_of(db, person.id)] == [
        (date(2027, 11, 23), date(2028, 11, 22)),
        (date(2026, 11, 23), date(2027, 11, 22)),
    ]


def test_lifting_ends_every_period_and_keeps_the_reason(
    db: Session, audit: AuditTrail, person: Resident
) -> None:
    start(db, audit, person)
    revision = standing_revision(db, person.id)
    lift_measure(db, audit, person.id, reason="本人の申出", now=NOW, revision=revision)

    assert not person.support_measure_flag
    assert [row.lifted_at for row in measures_of(db, person.id)] == [NOW]
    _start, lifted = events(db, Action.SUPPORT_MEASURE_CHANGED)
    assert lifted.detail == {"act": "lift", "reason": "本人の申出", "periods": 1}
    with pytest.raises(NoMeasureError):
        lift_measure(db, audit, person.id, reason="再度", now=NOW, revision=revision)


def test_a_flag_from_the_register_can_be_lifted_without_any_period(db: Session, audit: AuditTrail) -> None:
    flagged = resident(db, support_measure_flag=True)
    lift_measure(db, audit, flagged.id, reason="転出先で終了", now=NOW, revision=0)
    assert not flagged.support_measure_flag


def test_who_saw_less_than_there_is_changes_nothing(db: Session, audit: AuditTrail, person: Resident) -> None:
    with pytest.raises(ChangedMeanwhileError):
        start(db, audit, person, revision=person.revision + 1)
    assert not person.support_measure_flag

    start(db, audit, person)
    with pytest.raises(ChangedMeanwhileError):
        lift_measure(db, audit, person.id, reason="申出", now=NOW, revision=0)
    assert person.support_measure_flag


def test_nothing_is_renewed_that_does_not_stand(db: Session, audit: AuditTrail, person: Resident) -> None:
    with pytest.raises(NoMeasureError):
        renew_measure(
            db,
            audit,
            person.id,
            starts_on=TODAY,
            ends_on=last_day(TODAY),
            provisional=False,
            revision=0,
        )


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2020, 4, 1), date(2021, 3, 31)),
        (date(2023, 3, 1), date(2024, 2, 29)),
        (date(2024, 2, 29), date(2025, 2, 28)),
        (date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_year_ends_the_day_before(first: date, last: date) -> None:
    assert last_day(first) == last


def test_a_renewal_after_the_end_begins_today() -> None:
    assert next_period([], TODAY)[0] == TODAY
