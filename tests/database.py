"""The test run's database server, shared by the processes of pytest-xdist through the file system."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg

from yvaxportal.embedded.places import APP_ROLE, DATABASE, DatabaseUrls, urls
from yvaxportal.embedded.roles import create_database, libpq
from yvaxportal.embedded.server import EmbeddedPostgres
from yvaxportal.migrate import upgrade

PREFIX = "yvax-test-"
# Making a database is making a thousand files, which memory does many times faster than some disks.
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it has a random name and is ours
MEMORY_BYTES = 2 << 30

_names = count()


class DatabaseServer:
    """The server below the folder ``var``. Only the process that made the folder removes it."""

    def __init__(self, var: str | Path, alive: int | None = None) -> None:
        self.var = Path(var)
        self._alive = alive
        self._server = EmbeddedPostgres(self.var, durable=False)

    @property
    def urls(self) -> DatabaseUrls:
        """Return the addresses of the migrated database that the others are copies of."""
        return urls(self.var)

    def ensure_running(self) -> None:
        """Start and migrate once; other processes wait and then find it done."""
        with (self.var / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ready = self.var / "ready"
            if not ready.exists():
                self._server.start()
                upgrade(self._server.urls.owner, APP_ROLE)
                ready.touch()

    @contextmanager
    def fresh_database(self) -> Iterator[DatabaseUrls]:
        """Give a copy of the migrated database and drop it afterwards."""
        name = f"test_{os.getpid()}_{next(_names)}"
        found = urls(self.var, name)
        with psycopg.connect(libpq(found.admin, "postgres"), autocommit=True) as admin:
            create_database(admin, name, template=DATABASE)
        yield found
        with psycopg.connect(libpq(found.admin, "postgres"), autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def remove(self) -> None:
        """Stop the server and remove its folder."""
        self._server.take_over()
        self._server.stop()
        shutil.rmtree(self.var, ignore_errors=True)
        if self._alive is not None:
            os.close(self._alive)


def new_server_folder() -> DatabaseServer:
    """Return a server in a new folder that is ours as long as this process lives."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES
    fresh = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=MEMORY if roomy else None))
    fresh.chmod(0o711)
    alive = os.open(fresh / "alive.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    # Under this name, which others look for to clean up, it was never seen unlocked.
    var = fresh.rename(fresh.with_name(fresh.name.removeprefix(".")))
    return DatabaseServer(var, alive)


def remove_leftovers() -> None:
    """Stop the servers of test runs that were killed, and remove their folders."""
    for var in [*Path(tempfile.gettempdir()).glob(f"{PREFIX}*"), *MEMORY.glob(f"{PREFIX}*")]:
        with suppress(OSError), (var / "alive.lock").open("r+") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            DatabaseServer(var).remove()
