"""Bringing the database's schema up to date."""

import sysconfig
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, pool, text

# One number for the whole product: whoever migrates first holds it, the others wait for it.
LOCK_KEY = 0x79766178
LOCK_TIMEOUT = "60s"
STATEMENT_TIMEOUT = "30min"


def migrations_folder() -> Path:
    """Return the folder with ``env.py``: beside the package in a checkout, else where an install puts it."""
    checkout = Path(__file__).resolve().parent.parent / "migrations"
    if (checkout / "env.py").exists():
        return checkout
    return Path(sysconfig.get_path("data")) / "share" / "yvaxportal" / "migrations"


def upgrade(owner_url: str, app_role: str, revision: str = "head") -> None:
    """Apply what is missing, all of it or nothing.

    ``owner_url`` is the address of the role that owns the tables, ``app_role`` the role that gets its rights.
    Two that start at once are safe: the second waits, then finds nothing to do.
    """
    engine = create_engine(owner_url, poolclass=pool.NullPool, hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(text("SELECT set_config('lock_timeout', :t, true)"), {"t": LOCK_TIMEOUT})
        connection.execute(text("SELECT set_config('statement_timeout', :t, true)"), {"t": STATEMENT_TIMEOUT})
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        config = configuration()
        config.attributes |= {"connection": connection, "app_role": app_role}
        command.upgrade(config, revision)
        # The web process compares its code with the schema before it serves.
        role = connection.dialect.identifier_preparer.quote(app_role)
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {role}"))


def configuration() -> Config:
    """Return alembic's configuration, which needs no ini file."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    return config
