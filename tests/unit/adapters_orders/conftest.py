import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.unit.adapters_orders.other_side import CITY, OrderedSide
from yvaxportal.adapters.atena.files import FilesAtena
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.values.personal_number import PersonalNumber

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def number_index(number: PersonalNumber) -> bytes:
    """Stand in for the vault's keyed index."""
    return hashlib.blake2b(number.reveal().encode(), key=b"vault").digest()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def built(tmp_path: Path, clock: Clock) -> Callable[..., tuple[Any, OrderedSide]]:
    """Build an implementation and the side that it asks; built again it is another process's."""
    engine = create_engine("postgresql+psycopg://nobody@localhost:1/none")

    def build(**options: str) -> tuple[Any, OrderedSide]:
        setup = AdapterSetup("atena", options, CITY, tmp_path, engine, clock, number_index)
        adapter = FilesAtena.create(setup)
        return adapter, OrderedSide(tmp_path / "adapters" / "atena" / "exchange")

    return build


@pytest.fixture
def atena(built: Callable[..., tuple[Any, OrderedSide]]) -> tuple[Any, OrderedSide]:
    return built()
