from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from yvaxportal.adapters.setup import AdapterSetup

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


@pytest.fixture
def built(engine: Engine, tmp_path: Path) -> Callable[..., Any]:
    """Build an implementation as the portal does, from the options of its part of the ini file."""

    def build(implementation: Any, system: str, **options: str) -> Any:
        return implementation.create(AdapterSetup(system, options, "312029", tmp_path, engine, lambda: NOW))

    return build
