"""A made-up city on a PostgreSQL of its own, and a portal process that serves it."""

import configparser
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil
import psycopg

from yvaxportal.audit.keys import create_signing_key
from yvaxportal.embedded.places import APP_ROLE, DatabaseUrls
from yvaxportal.embedded.roles import libpq
from yvaxportal.embedded.server import EmbeddedPostgres
from yvaxportal.migrate import upgrade
from yvaxportal.sample import SampleReport, load
from yvaxportal.vault.keyring import KeyRing

SEED = 2026
SAMPLE_DAY = date(2026, 11, 23)
MUNICIPALITY = "312029"
THREADS = 4
START_SECONDS = 60


@dataclass(frozen=True)
class BenchCity:
    """Where one city is, and what its loading took."""

    folder: Path
    urls: DatabaseUrls
    residents: int
    report: SampleReport


@contextmanager
def city(residents: int, *, folder: Path | None = None, processes: int | None = None) -> Iterator[BenchCity]:
    """Make a city of ``residents`` people below ``folder`` (by default a temporary one); gone at the end."""
    place = Path(tempfile.mkdtemp(prefix="yvax-bench-", dir=folder))
    # The server may run as another user than this process and has to reach its data.
    place.chmod(0o711)
    try:
        with EmbeddedPostgres(place) as server:
            upgrade(server.urls.owner, APP_ROLE)
            _make_secrets(place)
            report = load(
                server.urls.owner,
                residents=residents,
                seed=SEED,
                key_ring=place / "key-ring",
                municipality_code=MUNICIPALITY,
                demo_accounts=True,
                today=SAMPLE_DAY,
                processes=processes,
            )
            _settle(libpq(server.urls.owner))
            yield BenchCity(place, server.urls, residents, report)
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def empty_city(folder: Path | None = None) -> Iterator[BenchCity]:
    """Make a portal's database without anybody in it; gone at the end."""
    place = Path(tempfile.mkdtemp(prefix="yvax-bench-", dir=folder))
    place.chmod(0o711)
    try:
        with EmbeddedPostgres(place) as server:
            upgrade(server.urls.owner, APP_ROLE)
            _make_secrets(place)
            yield BenchCity(place, server.urls, 0, SampleReport({}, 0, 0.0))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _settle(owner: str) -> None:
    """Do at once what autovacuum would do meanwhile, beside the measuring."""
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def _make_secrets(folder: Path) -> None:
    (folder / "session-secret").write_text(secrets.token_hex(32), "ascii")
    (folder / "session-secret").chmod(0o600)
    KeyRing.create(folder / "key-ring")
    create_signing_key(folder / "signing-key")


def settings_of(place: BenchCity, port: int) -> dict[str, str]:
    """Return the settings of a portal on the city: as in production, but for the demo accounts."""
    return {
        "use": "egg:yvaxportal",
        "yvaxportal.environment": "development",
        "yvaxportal.var": str(place.folder),
        "yvaxportal.database": "external",
        "yvaxportal.database.url": place.urls.app,
        "yvaxportal.municipality_code": MUNICIPALITY,
        "yvaxportal.municipality_name": "見本市",
        "yvaxportal.session.secret_file": str(place.folder / "session-secret"),
        "yvaxportal.session.secure_cookies": "false",
        "yvaxportal.vault.key_ring_file": str(place.folder / "key-ring"),
        "yvaxportal.audit.signing_key_file": str(place.folder / "signing-key"),
        "yvaxportal.second_factor": "personal-number",
        "yvaxportal.demo_accounts": "true",
        "yvaxportal.web.host": "127.0.0.1",
        "yvaxportal.web.port": str(port),
        "yvaxportal.web.threads": str(THREADS),
    }


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(command: list[str], port: int) -> Iterator[psutil.Process]:
    """Run a web server in a process of its own until the block ends; it answers when the block begins."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(process, port)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server that is to be measured did not start")


@contextmanager
def portal(
    place: BenchCity, options: Mapping[str, str] | None = None
) -> Iterator[tuple[int, psutil.Process]]:
    """Serve the city with ``yvax web``, with some settings of its own; give the port and the process."""
    port = free_port()
    ini = configparser.RawConfigParser()
    ini["app:main"] = settings_of(place, port) | dict(options or {})
    path = place.folder / f"portal-{port}.ini"
    with path.open("w", encoding="utf-8") as file:
        ini.write(file)
    with served([sys.executable, "-m", "yvaxportal", "web", str(path)], port) as process:
        yield port, process
