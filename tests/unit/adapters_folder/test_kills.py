"""Killed before any of its operations on files or the state, a process leaves what the next one completes."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from tests.unit.adapters_folder.other_side import START, change, person
from yvaxportal.adapters.folder.places import Folders
from yvaxportal.adapters.folder.receiving import Receiver
from yvaxportal.adapters.folder.store import Store
from yvaxportal.adapters.messages.common import CallContext

FIRST, SECOND = "1000000019", "1000000027"
#: Every so manyth operation: a prime, so that all kinds of them are met.
STEP = 3
#: Everything that changes a disk, or the state.
_CALLS = frozenset(
    ("open", "write", "flush", "fsync", "close", "rename", "replace", "unlink", "mkdir", "utime")
) | {"connect", "execute", "executemany"}


def prepare(folder: Path, built: Callable[..., Any]) -> Any:
    """Put two full files, differences, one of them twice, a broken file and a bad line into a folder."""
    adapter, other = built("resident_register", folder=str(folder), refused_percent="100")
    moved = person(FIRST, rirekibango="2", jusho="鳥取県米子市加茂町1-1")
    other.deliver("Z", 1, [person(FIRST), person(SECOND)], START - timedelta(hours=2))
    rows = [change("I-1", "31", moved, START), change("I-2", "31", person(""), START)]
    name = other.deliver("S", 2, rows)
    other.put(other.name("S", 2, START + timedelta(minutes=21)), (other.inbox / name).read_bytes())
    other.put("broken.csv", b"\xff\xfe")
    later = person(SECOND, rirekibango="5", shimei="見本　髙子")
    other.deliver("Z", 3, [moved, later, person("1000000035", shimei="")])
    other.deliver("S", 4, [change("I-3", "71", person(SECOND, shimei=""), START)])
    return adapter


def moved_to(adapter: Any, folder: Path, state: Path) -> Receiver:
    """Return the same receiver over other folders."""
    receiver: Receiver = adapter.receiver
    return Receiver(
        Folders(folder),
        receiver.layouts,
        receiver.register,
        Store(state, receiver.register),
        municipality_code=receiver.municipality_code,
        clock=receiver.clock,
        limits=receiver.limits,
    )


def visible(receiver: Receiver) -> dict[str, bytes]:
    """Return every file that somebody may read."""
    root = receiver.folders.root
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def outcome(receiver: Receiver) -> dict[str, Any]:
    """Return everything that the outside and the portal can see."""
    with receiver.store.reading() as connection:
        tables: dict[str, Any] = {
            table: connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608
            for table, columns in (
                ("person", "atena, household, version, as_of, record"),
                ("change", "n, change_id, kind, atena, other, record"),
                ("delivery", "digest, name, result, code, lines, refused, finished"),
                ("refused_line", "*"),
            )
        }
    return {"files": visible(receiver)} | tables


def run_killed(receiver: Receiver, at: int) -> bool:
    """Receive in a process that is killed before its operation number ``at``; tell whether it was."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)
    left = at

    def count(_frame: FrameType, event: str, function: object) -> None:
        nonlocal left
        if event == "c_call" and getattr(function, "__name__", "") in _CALLS:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    # The child never returns: what is changed here is changed for nobody else.
    sys.setprofile(count)
    try:
        receiver.receive()
    except BaseException:  # noqa: BLE001 - a child must not run the rest of the tests
        os._exit(1)
    os._exit(0)


def test_whatever_the_moment_of_the_kill_the_end_is_the_same(
    tmp_path: Path, built: Callable[..., Any]
) -> None:
    source = tmp_path / "source"
    adapter = prepare(source, built)

    def fresh(name: str) -> Receiver:
        shutil.rmtree(tmp_path / name, ignore_errors=True)
        shutil.copytree(source, tmp_path / name / "exchange")
        return moved_to(adapter, tmp_path / name / "exchange", tmp_path / name / "state")

    undisturbed = fresh("undisturbed")
    assert undisturbed.receive() == 6
    wanted = outcome(undisturbed)
    assert [row[3] for row in wanted["delivery"]].count("") == 4
    assert len(wanted["person"]) == 1
    kills = 0
    for at in range(0, 10_000, STEP):
        receiver = fresh("killed")
        killed = run_killed(receiver, at)
        for name, content in visible(receiver).items():
            # What is there already is there as a whole.
            assert name.startswith(("in/", "work/")) or content == wanted["files"][name], name
        receiver.receive()
        found = outcome(receiver)
        for part, expected in wanted.items():
            assert found[part] == expected, f"{part} after a kill before operation {at}"
        if not killed:
            break
        kills += 1
    assert kills > 150


def test_killed_again_and_again_it_still_comes_to_the_end(tmp_path: Path, built: Callable[..., Any]) -> None:
    adapter = prepare(tmp_path / "source", built)
    receiver: Receiver = adapter.receiver
    at, kills = 5, 0
    while run_killed(receiver, at):
        at, kills = at + 4, kills + 1
    assert kills > 5
    assert adapter.resident(FIRST, CallContext.interactive("test")).version == 2
    with receiver.store.reading() as connection:
        ids = connection.execute("SELECT change_id FROM change ORDER BY n").fetchall()
    assert ids == [("I-1",), (f"full-3-{SECOND}",), ("I-3",)]
