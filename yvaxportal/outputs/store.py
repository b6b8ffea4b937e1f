"""The folder of encrypted archives: an archive is there as a whole or not at all, until it is wiped."""

import hashlib
import os
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20
PART = ".part"


class WipeReason(StrEnum):
    """Why an archive was wiped; stored."""

    EXPIRED = "expired"
    BY_HAND = "by_hand"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class FileChangedError(Exception):
    """The archive on the disk is missing, or is not the one that was made."""

    def __init__(self) -> None:
        super().__init__("the archive on the disk is not the one that was made")


def archive_path(folder: Path, output_id: int) -> Path:
    """Return where the archive of an output is kept."""
    return folder / f"{output_id}.zip"


def prepare(folder: Path) -> None:
    """Make the folder, for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def digest(file: BinaryIO) -> str:
    """Return the SHA-256 of a file from its beginning; the file is left at its beginning."""
    file.seek(0)
    found = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        found.update(chunk)
    file.seek(0)
    return found.hexdigest()


def open_unchanged(folder: Path, output_id: int, sha256: str) -> BinaryIO:
    """Return the open archive, at its beginning, once its digest was found to be ``sha256``.

    What is handed over is read from the same open file, so that no other can take its place meanwhile.

    :raises FileChangedError: it is missing or another one.
    """
    try:
        file = archive_path(folder, output_id).open("rb")
    except OSError:
        raise FileChangedError from None
    if digest(file) != sha256:
        file.close()
        raise FileChangedError
    return file


def check_unchanged(folder: Path, output_id: int, sha256: str) -> None:
    """Do nothing when the archive on the disk has the digest ``sha256``.

    :raises FileChangedError: it is missing or another one.
    """
    open_unchanged(folder, output_id, sha256).close()


def wipe(folder: Path, output_id: int) -> None:
    """Overwrite and remove an archive, and what was written of it; nothing when it is gone already."""
    for path in (archive_path(folder, output_id), folder / f"{output_id}{PART}"):
        wipe_file(path)


def wipe_file(path: Path) -> None:
    """Overwrite a file and remove it.

    Where the disk keeps old blocks (flash, copies of the file system) the overwriting does not reach them: of
    an archive, what remains is ciphertext whose password was never stored beside it in clear.
    """
    try:
        size = path.stat().st_size
        with path.open("r+b") as file:
            for start in range(0, size, _CHUNK):
                file.write(bytes(min(_CHUNK, size - start)))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    path.unlink(missing_ok=True)
    sync_folder(path.parent)


def kept_archives(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield the outputs of which there is an archive or a part of one, with the file."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if found := re.fullmatch(rf"(\d{{1,18}})(\.zip|{re.escape(PART)})", path.name):
            yield int(found.group(1)), path


def sync_folder(folder: Path) -> None:
    """Let the disk keep that files of a folder were renamed or removed."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
