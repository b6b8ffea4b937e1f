"""The encrypted archive: ZIP with AES-256 (WinZip AE-2), which 7-Zip and WinZip open (M23)."""

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from yvaxportal.outputs.store import sync_folder
from yvaxportal.values.clock import to_jst

# The format derives the key with 1,000 rounds only, so the password itself must withstand guessing: 25 of 31
# characters are 123 bits. None of them is mistaken for another (no i, l, o, 0, 1).
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 5, 5
_CHUNK = 1 << 18
_ONLY_OWNER = 0o100600


@dataclass(frozen=True, slots=True)
class Archive:
    """What was written: its password, SHA-256 of what is inside and of the archive, the archive's bytes."""

    password: str = field(repr=False)
    content_sha256: str
    sha256: str
    size: int


def make_password() -> str:
    """Return a new password of five groups of five characters that can be read aloud and typed."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def write_archive(
    plain: Path,
    file_name: str,
    target: Path,
    part: Path,
    *,
    now: datetime,
    tick: Callable[[], None],
) -> Archive:
    """Encrypt ``plain`` into ``target``.

    The archive is written as ``part`` beside, reaches the disk, and is then renamed: ``target`` is whole or
    absent. What is encrypted is read once and never written anywhere else.

    :param tick: called now and then; what it raises stops the writing.
    :raises OSError: the disk is full; ``part`` is gone then.
    """
    # Only the worker encrypts: it costs a process two megabytes.
    from stream_zip import ZIP_AUTO, stream_zip  # noqa: PLC0415

    password = make_password()
    content, archive = hashlib.sha256(), hashlib.sha256()
    size = plain.stat().st_size

    def pieces() -> Iterator[bytes]:
        with plain.open("rb") as file:
            while piece := file.read(_CHUNK):
                content.update(piece)
                tick()
                yield piece

    modified = to_jst(now).replace(tzinfo=None)
    members = [(file_name, modified, _ONLY_OWNER, ZIP_AUTO(size), pieces())]
    written = 0
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for piece in stream_zip(members, password=password, chunk_size=_CHUNK):
                archive.update(piece)
                written += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)
    return Archive(password, content.hexdigest(), archive.hexdigest(), written)
