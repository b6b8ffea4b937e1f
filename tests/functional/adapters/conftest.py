from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.application import settings_of
from tests.simulated import Simulated, simulating, write_ini
from yvaxportal.adapters.conformance import Subjects
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.embedded.places import DatabaseUrls

Connect = Callable[..., Any]


@pytest.fixture
def simulated(
    tmp_path: Path, database_urls: DatabaseUrls, secrets: Path, subjects: Subjects
) -> Iterator[Simulated]:
    """Give a simulator that knows the people of the test's database."""
    settings = settings_of(database_urls, secrets) | {"yvaxportal.var": str(tmp_path)}
    with simulating(write_ini(tmp_path / "portal.ini", settings), tmp_path) as running:
        yield running


@pytest.fixture
def connect(simulated: Simulated, engine: Engine, tmp_path: Path) -> Iterator[Connect]:
    """Build an implementation that talks to the simulator, over HTTP or by files."""
    made = []

    def build(implementation: Any, system: str, **more: str) -> Any:
        by_files = implementation.__module__.endswith(".files")
        options = (simulated.file_options if by_files else simulated.options)(system, **more)
        setup = AdapterSetup(system, options, "312029", tmp_path, engine, lambda: datetime.now(UTC))
        made.append(implementation.create(setup))
        return made[-1]

    yield build
    for adapter in made:
        adapter.close()
