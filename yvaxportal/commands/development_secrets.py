"""The secrets of a development portal: random, made once below the data folder, refused by production."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from yvaxportal.settings import DEVELOPMENT_MARK, Settings
from yvaxportal.vault.keyring import KeyRing


def make_missing_secrets(settings: Settings) -> None:
    """Make the secret files that are not there yet, each readable by its owner only."""
    for path, make in (
        (settings.session_secret_file, _session_secret),
        (settings.key_ring_file, _key_ring),
        (settings.signing_key_file, _signing_key),
    ):
        if not path.exists():
            _make(path, make)


def _make(path: Path, make: Callable[[], bytes]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    (path.parent / DEVELOPMENT_MARK).touch()
    # Whole or not at all: a start killed here must not leave half a key ring.
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(make())
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def _session_secret() -> bytes:
    return secrets.token_hex(32).encode()
