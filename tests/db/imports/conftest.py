"""The office that takes files of doses in."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.importing import Office, office


@pytest.fixture
def desk(engine: Engine, world: Session) -> Office:
    return office(engine, world)
