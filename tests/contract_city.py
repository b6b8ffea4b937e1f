"""The smallest city that every contract of an adapter can be run in."""

from datetime import date

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.people import NOW, TODAY, resident
from yvaxportal.adapters.conformance import Subjects
from yvaxportal.adapters.conformance.subjects import choose_subjects
from yvaxportal.models.codes import EligibilityKind, EligibilityState, ResidentCategory
from yvaxportal.models.resident import Eligibility


@pytest.fixture
def subjects(world: Session, engine: Engine) -> Subjects:
    """Make the smallest city that every contract can be run in."""
    family = [
        resident(world, household_number="H1", name=name, relationship_to_head=place)
        for name, place in (("髙﨑　太郎", "世帯主"), ("𠮷野　花子", "妻"), ("見本　一郎", "子"))
    ]
    resident(world, household_number="H1", resident_category=ResidentCategory.MOVED_OUT)
    resident(world, born="1980-00-00")
    for person in family:
        for kind, state in (
            (EligibilityKind.TAX_EXEMPT, EligibilityState.EXEMPT),
            (EligibilityKind.NATIONAL_HEALTH_INSURANCE, EligibilityState.HELD),
        ):
            world.add(
                Eligibility(
                    resident_id=person.id,
                    kind=kind,
                    state=state,
                    valid_from=date(2026, 4, 1),
                    as_of=NOW,
                    source="staff",
                )
            )
    world.commit()
    return choose_subjects(engine, "312029", TODAY, may_write=True)
