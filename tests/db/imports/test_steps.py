"""The four steps on a real database: hand in, check, apply, and take back."""

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.importing import Office, office, questionnaires, row_of
from tests.people import resident
from yvaxportal.models.codes import ImportState
from yvaxportal.models.dose import Dose
from yvaxportal.models.imports import DoseSourceRecord


@pytest.fixture
def desk(engine: Engine, world: Session) -> Office:
    return office(engine, world)


def test_a_file_goes_through_and_back(desk: Office, world: Session) -> None:
    child = resident(world, born="2024-03-05")
    world.commit()
    batch = desk.checked(questionnaires([row_of(child)]))
    assert (batch.state, batch.refusal, batch.counts) == (ImportState.CHECKED, None, {"ready": 1})
    assert desk.apply(batch.id)["recorded"] == 1
    dose = world.scalars(select(Dose)).one()
    assert (dose.vaccine, dose.dose_number, dose.lot_number, dose.source) == ("mr", 1, "Y123", "file")
    assert world.scalars(select(DoseSourceRecord.dose_id)).all() == [dose.id]
    assert desk.undo(batch.id)["recorded"] == 1
    world.refresh(dose)
    assert dose.state == "cancelled"
    assert world.scalars(select(DoseSourceRecord.dose_id)).all() == []
