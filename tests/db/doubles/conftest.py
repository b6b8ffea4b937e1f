from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.people import NOW, TODAY
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.codes import MergeSource
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Resident
from yvaxportal.services.doubles.plan import Plan, Side, plan_of
from yvaxportal.services.doubles.taking_apart import Order, take_apart
from yvaxportal.services.sync.merging import Told, merge

LATER = NOW + timedelta(days=3)


@pytest.fixture
def staff_id(db: Session) -> int:
    return clerk(db)


@pytest.fixture
def audit(db: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(db, engine, Actor("clerk", ("manager",), None))


Merge = Callable[[Resident, Resident], int]
Apart = Callable[..., Plan]


@pytest.fixture
def merged(db: Session) -> Merge:
    """Merge the second number into the first, as the register would."""

    def do(kept: Resident, gone: Resident) -> int:
        told = Told(f"c-{kept.id}-{gone.id}-{len(db.new)}", TODAY, MergeSource.REGISTER)
        made = merge(db, kept=kept.id, merged=gone.id, told=told, now=NOW)
        assert made is not None
        return made

    return do


@pytest.fixture
def apart(db: Session, audit: AuditTrail, staff_id: int) -> Apart:
    """Take a merge apart; doses recorded since go where ``returning`` says."""

    def do(merge_id: int, *, returning: tuple[int, ...] = ()) -> Plan:
        plan = plan_of(db, merge_id)
        assert plan is not None
        since = [dose.standing for dose in plan.since if dose.standing is not None]
        assigned = {key: Side.RETURNING if key in returning else Side.KEPT for key in since}
        order = Order(merge_id, plan.seen, assigned, "別人と判明", staff_id, LATER)
        take_apart(db, audit, order)
        return plan

    return do


def active(db: Session, person: Resident) -> list[tuple[Any, ...]]:
    """Return what counts of a person's doses."""
    rows = db.execute(
        select(Dose.vaccine, Dose.dose_number, Dose.given_on, Dose.lot_number, Dose.remarks)
        .where(Dose.resident_id == person.id, Dose.state == "active")
        .order_by(Dose.vaccine, Dose.given_on, Dose.dose_number)
    )
    return [tuple(row) for row in rows]
