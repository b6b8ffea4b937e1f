"""Private temporary folders for plain files: outside the data folder, gone when the work ends."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "yvax-output-"
_ALIVE = "alive.lock"


@contextmanager
def private_folder(base: Path | None) -> Iterator[Path]:
    """Give a new folder for its owner alone (0700) below ``base`` (the system's temporary one by default).

    It is locked while it is in use; ``sweep`` removes what nobody holds any more.
    """
    outer = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    alive = os.open(outer / _ALIVE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(alive, fcntl.LOCK_EX)
        inner = outer / "work"
        inner.mkdir(mode=0o700)
        yield inner
    finally:
        shutil.rmtree(outer, ignore_errors=True)
        os.close(alive)


def sweep(base: Path | None) -> int:
    """Remove the folders of work that was killed; return how many there were."""
    removed = 0
    for outer in Path(base or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if outer.is_symlink() or outer.stat().st_uid != os.geteuid():
                continue
            removed += _remove_if_left(outer)
    return removed


def _remove_if_left(outer: Path) -> bool:
    # Opened, not made: a folder that is just being made has no lock file yet, and is not ours to remove.
    handle = os.open(outer / _ALIVE, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(outer)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True
