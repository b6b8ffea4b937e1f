"""``yvax dev`` as ``make run`` starts it: started, stopped, killed and started again."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from yvaxportal.embedded.places import urls
from yvaxportal.embedded.roles import libpq
from yvaxportal.embedded.server import EmbeddedPostgres

ROOT = Path(__file__).parents[3]
START_SECONDS = 90
RESIDENTS = 40


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Portal:
    """One ``yvax dev`` on a data folder, and what it wrote."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = free_port()
        self.said = var.with_name("said.txt")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "yvaxportal", "dev", str(ROOT / "development.ini")]
        command += [f"--var={self.var}", f"--port={self.port}", f"--residents={RESIDENTS}"]
        with self.said.open("wb") as said:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True
            )
        deadline = time.monotonic() + START_SECONDS
        while "Ctrl-C" not in self.text:
            assert self._process.poll() is None, self.text
            assert time.monotonic() < deadline, self.text
            time.sleep(0.1)

    @property
    def text(self) -> str:
        return self.said.read_text("utf-8")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(60)

    def child(self, name: str) -> psutil.Process:
        found = [one for one in psutil.Process(self.pid).children() if name in one.cmdline()]
        assert len(found) == 1
        return found[0]

    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.var / "postgres" / "postmaster.pid").read_text().split()[0]))

    def page(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/sign-in", timeout=10) as answer:
            text: str = answer.read().decode("utf-8")
            return text

    def page_comes_back(self) -> bool:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                return "yvax" in self.page() or "</html>" in self.page()
            except OSError:
                time.sleep(0.2)
        return False

    def clean_up(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        left = EmbeddedPostgres(self.var)
        left.take_over()
        left.stop()


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    """A portal whose data folder has a space in its path."""
    folder = tmp_path / "data folder" / "var"
    folder.parent.mkdir()
    made = Portal(folder)
    yield made
    made.clean_up()


def gone(*processes: psutil.Process) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=20)
    return not alive


def test_it_starts_greets_and_stops_cleanly(portal: Portal) -> None:
    portal.start()
    assert f"http://127.0.0.1:{portal.port}/" in portal.text
    assert "registrar" in portal.text
    assert "yvax-demo-2026" in portal.text
    assert "</html>" in portal.page()
    everyone = [portal.child("web"), portal.child("worker"), portal.postmaster()]
    secrets = portal.var / "secrets"
    assert secrets.stat().st_mode & 0o077 == 0
    assert {path.stat().st_mode & 0o777 for path in secrets.iterdir() if path.stat().st_size} == {0o600}
    assert portal.stop(signal.SIGINT) == 0
    assert gone(*everyone)
    assert "Traceback" not in portal.text

    portal.start()
    assert "made-up city" not in portal.text
    with psycopg.connect(libpq(urls(portal.var).owner)) as owner:
        assert owner.execute("SELECT count(*) FROM resident").fetchone() == (RESIDENTS,)
    assert portal.stop(signal.SIGTERM) == 0


def test_a_part_that_dies_is_started_again(portal: Portal) -> None:
    portal.start()
    for name in ("worker", "web"):
        dead = portal.child(name)
        dead.kill()
        dead.wait()
    assert portal.page_comes_back()
    assert "web ended (signal 9); it is started again." in portal.text
    portal.postmaster().kill()
    assert portal.page_comes_back()
    assert portal.stop(signal.SIGINT) == 0


def test_kill_9_at_any_point_loses_nothing_committed(portal: Portal) -> None:
    portal.start()
    everyone = [portal.child("web"), portal.child("worker"), portal.postmaster()]
    owner = psycopg.connect(libpq(urls(portal.var).owner), autocommit=True)
    owner.execute("CREATE TABLE kept (n int)")
    owner.execute("INSERT INTO kept VALUES (1)")
    owner.execute("BEGIN")
    owner.execute("INSERT INTO kept VALUES (2)")
    everyone.append(psutil.Process(owner.info.backend_pid))
    portal.stop(signal.SIGKILL)
    for process in everyone[2:]:
        process.kill()
    owner.close()
    assert gone(*everyone)

    portal.start()
    assert portal.page_comes_back()
    with psycopg.connect(libpq(urls(portal.var).owner)) as again:
        assert again.execute("SELECT n FROM kept").fetchall() == [(1,)]
    assert portal.stop(signal.SIGINT) == 0


def test_web_and_worker_end_with_a_killed_parent(portal: Portal) -> None:
    portal.start()
    children = [portal.child("web"), portal.child("worker")]
    database = portal.postmaster()
    portal.stop(signal.SIGKILL)
    assert gone(*children)
    assert database.is_running()
    portal.start()
    assert portal.postmaster().pid == database.pid
    assert portal.stop(signal.SIGINT) == 0
    assert gone(database)


def run_once(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yvaxportal", *words]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_what_is_in_the_way_is_said_in_one_line(portal: Portal, tmp_path: Path) -> None:
    portal.start()
    ini = str(ROOT / "development.ini")
    second = run_once("dev", ini, f"--var={portal.var}", f"--port={free_port()}")
    assert second.returncode == 1
    assert second.stderr == f"yvax dev: a portal is running on {portal.var} already: choose another VAR\n"
    elsewhere = run_once("dev", ini, f"--var={tmp_path / 'other'}", f"--port={portal.port}")
    assert elsewhere.returncode == 1
    assert elsewhere.stderr.startswith(f"yvax dev: yvaxportal.web.port: {portal.port} is in use")
    assert len(elsewhere.stderr.splitlines()) == 1
    assert portal.stop(signal.SIGINT) == 0
