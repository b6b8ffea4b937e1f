"""The application with folders of its own for files that leave, and the worker's room beside it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyramid.router import Router
from sqlalchemy.orm import Session

from tests.application import Clock
from tests.leaving import extraction, people
from yvaxportal.outputs.opening import open_workshop
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.portal import Portal


@pytest.fixture
def shop(app: Router, portal: Portal, clock: Clock, tmp_path: Path) -> Iterator[Workshop]:
    """Give the worker's room; the application hands over what is made there."""
    settings = replace(portal.settings, var=tmp_path)
    app.registry.portal = replace(portal, settings=settings)
    yield open_workshop(settings, portal.engine, portal.key_ring, clock)
    app.registry.portal = portal


@pytest.fixture
def targets(world: Session, staff: dict[str, int]) -> int:
    """Return a list of two children."""
    return extraction(world, people(world, 2), staff_id=staff["registrar"])


@pytest.fixture
def many(world: Session, staff: dict[str, int]) -> int:
    """Return a list of 1,001 children."""
    return extraction(world, people(world, 1001), staff_id=staff["registrar"], title="千一人")
