"""Lists of targets, and a worker's room out of which nothing leaves without an approval."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from tests.leaving import extraction, people
from yvaxportal.outputs.workshop import Workshop


@pytest.fixture
def strict(shop: Workshop) -> Workshop:
    """Give a room out of which nothing leaves without an approval."""
    return replace(shop, approval_above=0)


@pytest.fixture
def targets(world: Session, staff: dict[str, int]) -> int:
    """Return a list of two children."""
    return extraction(world, people(world, 2), staff_id=staff["registrar"])


@pytest.fixture
def many(world: Session, staff: dict[str, int]) -> int:
    """Return a list of 1,001 children."""
    return extraction(world, people(world, 1001), staff_id=staff["registrar"], title="千一人")
