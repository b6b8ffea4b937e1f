from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from tests.unit.adapters_folder.other_side import CITY, OtherSide
from yvaxportal.adapters.resident_register.files import FilesResidentRegister
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.adapters.tax.files import FilesTaxRegister
from yvaxportal.adapters.welfare.files import FilesWelfareRegister

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
CLASSES: dict[str, Any] = {
    "resident_register": FilesResidentRegister,
    "tax": FilesTaxRegister,
    "welfare": FilesWelfareRegister,
}
LAYOUTS = {"resident_register": ("JUMIN", "IDO"), "tax": ("KAZEI", ""), "welfare": ("SHIKAKU", "")}


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def built(tmp_path: Path, clock: Clock) -> Callable[..., Any]:
    """Build an implementation and the other side of its folder."""
    engine = create_engine("postgresql+psycopg://nobody@localhost:1/none")

    def build(system: str, **options: str) -> tuple[Any, OtherSide]:
        setup = AdapterSetup(system, options, CITY, tmp_path, engine, clock)
        adapter = CLASSES[system].create(setup)
        return adapter, OtherSide(adapter.receiver.folders.root, *LAYOUTS[system])

    return build
