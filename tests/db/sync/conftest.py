from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from tests.db.sync.register import Register
from yvaxportal.services.sync.run import ResidentSync
from yvaxportal.vault.keyring import KeyRing
from yvaxportal.vault.vault import Vault

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
CITY = "312029"


@pytest.fixture
def vault(engine: Engine, secrets: Path) -> Vault:
    return Vault(engine, KeyRing.load(secrets / "ring.json"), CITY)


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
def sync(engine: Engine, vault: Vault, register: Register) -> ResidentSync:
    return ResidentSync(engine, register, vault, CITY, lambda: NOW)


Rows = Callable[..., list[Any]]


@pytest.fixture
def rows(engine: Engine) -> Rows:
    """Ask the database."""

    def ask(query: str, **values: Any) -> list[Any]:
        with engine.connect() as connection:
            found = connection.execute(text(query), values).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in found]

    return ask
