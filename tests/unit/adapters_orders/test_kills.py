"""Killed before any of its operations on files or the state, a process leaves what the next one completes."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from tests.unit.adapters_orders.other_side import ASSIGNED, CITY, Order, OrderedSide
from tests.unit.adapters_orders.test_orders import NUMBER, PERSON
from yvaxportal.adapters.errors import AdapterError, TimedOut
from yvaxportal.adapters.messages.common import CallContext

Built = Callable[..., tuple[Any, OrderedSide]]
AT_ONCE = CallContext("tanaka", timedelta(seconds=0.02))
CALL = CallContext("tanaka", timedelta(seconds=2))
#: Everything that changes a disk, or the state.
_CALLS = frozenset(
    ("open", "write", "flush", "fsync", "close", "rename", "replace", "unlink", "mkdir", "connect", "execute")
)


def run_killed(call: Callable[[], object], at: int) -> bool:
    """Make a call in a process that is killed before its operation number ``at``; tell whether it was."""
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
        call()
    except AdapterError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a child must not run the rest of the tests
        os._exit(1)
    os._exit(0)


def fresh(built: Built, tmp_path: Path) -> tuple[Any, OrderedSide]:
    shutil.rmtree(tmp_path / "adapters", ignore_errors=True)
    return built()


def test_an_order_is_written_once_whatever_the_moment_of_the_kill(built: Built, tmp_path: Path) -> None:
    wanted: list[Order] = []
    kills = 0
    for at in range(1_000):
        adapter, other = fresh(built, tmp_path)
        killed = run_killed(partial(adapter.assign, PERSON, "key-1", AT_ONCE), at)
        before = [path.stat().st_ino for path in (other.root / "out").iterdir() if path.suffix == ".csv"]
        later, _ = built()
        with suppress(TimedOut):
            later.assign(PERSON, "key-1", AT_ONCE)
        orders = other.orders()
        wanted = wanted or orders
        assert orders == wanted, at
        after = [path.stat().st_ino for path in (other.root / "out").iterdir()]
        assert len(after) == 1, at
        # What lay there already is left as it is: the other side may be reading it.
        assert before in ([], after), at
        other.answer(orders[0], ASSIGNED)
        assert later.assign(PERSON, "key-1", CALL).atena_number == ASSIGNED[1]
        if not killed:
            break
        kills += 1
    assert kills > 15


def test_an_answer_is_taken_once_whatever_the_moment_of_the_kill(built: Built, tmp_path: Path) -> None:
    kills = 0
    for at in range(1_000):
        adapter, other = fresh(built, tmp_path)
        with suppress(TimedOut):
            adapter.assign(PERSON, "key-1", AT_ONCE)
        (order,) = other.orders()
        name = other.answer(order, ASSIGNED)
        stranger = f"KAITO_{CITY}_{'p' * 32}.csv"
        other.put(stranger, other.text(order, ("D", NUMBER)).encode())
        killed = run_killed(partial(adapter.assign, PERSON, "key-1", CALL), at)
        later, _ = built()
        assert later.assign(PERSON, "key-1", CALL).atena_number == ASSIGNED[1], at
        later.client.collector.collect()
        # The whole of it, whoever did which part.
        assert other.files("out", "in", "work", "held") == [], at
        assert other.acknowledgement(name)["result"] == "accepted", at
        assert other.acknowledgement(stranger)["code"] == "F0301", at
        assert NUMBER not in (other.root / "quarantine" / stranger).read_text("utf-8")
        # A second answer finds that there was one.
        other.answer(order, ("D", "9000000027", "1", ASSIGNED[3]))
        later.client.collector.collect()
        assert other.acknowledgement(name)["code"] == "F0303", at
        assert later.assign(PERSON, "key-1", CALL).atena_number == ASSIGNED[1], at
        if not killed:
            break
        kills += 1
    assert kills > 40
