"""Where the embedded server lives. All of it follows from the data folder, so any process can find it."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

DATABASE = "yvax"
SUPERUSER = "postgres"
OWNER_ROLE = "yvax_owner"
APP_ROLE = "yvax_app"


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """SQLAlchemy addresses of one database: the application's role, the tables' owner, the superuser."""

    app: str
    owner: str
    admin: str


def data_folder(var: Path) -> Path:
    """Return the folder of PostgreSQL's own files."""
    return var / "postgres"


def log_file(var: Path) -> Path:
    """Return the server's log."""
    return var / "log" / "postgres.log"


def socket_folder(var: Path) -> Path:
    """Return the folder of the server's Unix socket.

    A socket's address has room for 107 bytes and PostgreSQL splits it at commas, so it stands outside the
    checkout, under a name made from the path of the data folder.
    """
    key = hashlib.sha256(os.fsencode(var.resolve())).hexdigest()[:16]
    uid = os.geteuid()
    # Not /run for root's sake only: a system user's own runtime folder is private and cleared at boot.
    runtime = Path("/run") if uid == 0 else Path(f"/run/user/{uid}")
    if runtime.is_dir() and os.access(runtime, os.W_OK):
        return runtime / f"yvax-{key}"
    return Path("/tmp") / f"yvax-{uid}-{key}"  # noqa: S108 - its owner and mode are checked before use


def urls(var: Path, database: str = DATABASE) -> DatabaseUrls:
    """Return the addresses of ``database`` on the embedded server of the data folder ``var``."""
    folder = socket_folder(var)

    def url(role: str) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={folder}"

    return DatabaseUrls(app=url(APP_ROLE), owner=url(OWNER_ROLE), admin=url(SUPERUSER))
