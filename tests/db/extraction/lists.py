"""What the tests about lists of targets share: the schedule, a trail, criteria with sensible rest."""

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.people import NOW, TODAY
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import CircumstanceKind, EligibilityKind, EligibilityState
from yvaxportal.models.resident import Eligibility, Resident
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.funnel import FunnelRun, run_funnel
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.extraction.saving import save_list

SCHEDULE = load_schedule(load_catalogue())
MR2 = Criteria("mr2", TODAY, date(2027, 3, 31))


def run(session: Session, criteria: Criteria = MR2, **said: Any) -> FunnelRun:
    """Run the funnel on what the test added."""
    session.flush()
    return run_funnel(session, SCHEDULE, replace(criteria, **said), today=TODAY)


def outcome(found: FunnelRun) -> dict[int, Rule | None]:
    """Return what took each person of the base cohort out, None for who is on the list."""
    return {one.id: one.excluded_by for one in found.candidates}


def trail(session: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(session, engine, Actor("clerk", (), None))


def save(session: Session, audit: AuditTrail, staff_id: int, criteria: Criteria = MR2, **said: Any) -> int:
    """Save a list as it is found now and return its id."""
    wanted = replace(criteria, **said)
    shown = run_funnel(session, SCHEDULE, wanted, today=TODAY).figures
    return save_list(
        session,
        audit,
        SCHEDULE,
        wanted,
        title="見本",
        shown=shown,
        staff_id=staff_id,
        today=TODAY,
        now=NOW,
    ).id


def holds(
    session: Session, person: Resident, kind: EligibilityKind, state: EligibilityState, **said: Any
) -> None:
    """Add a period of an eligibility that goes on."""
    period = {"valid_from": date(2020, 4, 1), "valid_to": None, "detail": None} | said
    row = Eligibility(resident_id=person.id, kind=kind, state=state, as_of=NOW, source="test", **period)
    session.add(row)


def special(
    session: Session, person: Resident, kind: CircumstanceKind, staff_id: int, subject: str = "", **said: Any
) -> SpecialCircumstance:
    """Add a special circumstance."""
    row = SpecialCircumstance(
        resident_id=person.id, kind=kind, subject=subject, recorded_by=staff_id, recorded_at=NOW, **said
    )
    session.add(row)
    session.flush()
    return row
