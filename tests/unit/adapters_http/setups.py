"""What a client's settings are read from."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine

from yvaxportal.adapters.setup import AdapterSetup


def setup_with(folder: Path, **options: str) -> AdapterSetup:
    """Return a setup with options; files are below the folder."""
    return AdapterSetup(
        system="atena",
        options=options,
        municipality_code="312029",
        var=folder,
        engine=create_engine("postgresql+psycopg://"),
        clock=lambda: datetime.now(UTC),
    )
