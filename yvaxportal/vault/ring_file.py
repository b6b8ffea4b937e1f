"""The key ring's file: for its owner alone, replaced as a whole, noticed when it was replaced."""

import os
import secrets
from pathlib import Path

Stamp = tuple[int, int]

_OTHERS = 0o007
_OWNER_AND_GROUP = 0o640


def stamp(path: Path) -> Stamp | None:
    """Return what changes when the file is replaced or its rights change; None while it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_ctime_ns)


def is_open_to_all(path: Path) -> bool:
    """Tell whether anybody on this machine may do anything with the file."""
    return bool(path.stat().st_mode & _OTHERS)


def write_new(path: Path, text: str) -> None:
    """Write a file that only its owner can read (mode 0600); FileExistsError when something is there."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path)


def replace(path: Path, text: str) -> None:
    """Replace the file at once: whoever reads it sees the old text or the new one, also after a power cut.

    Owner and group stay, because a rotation may run as root and the services must read the result.

    :raises PermissionError: the file belongs to somebody else and this process may not give files away.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_new(beside, text)
        if path.exists():
            _give_same_owner(path, beside)
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    _sync_folder(path)


def _give_same_owner(path: Path, beside: Path) -> None:
    old = path.stat()
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(beside, old.st_uid, old.st_gid)
    beside.chmod(old.st_mode & _OWNER_AND_GROUP)


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
