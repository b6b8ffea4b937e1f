"""The secrets of a development portal: random, made once below the data folder, refused by production."""

import os
import secrets
from pathlib import Path

from yvaxportal.audit.keys import create_signing_key
from yvaxportal.settings import DEVELOPMENT_MARK, Settings
from yvaxportal.vault.keyring import KeyRing


def make_missing_secrets(settings: Settings) -> None:
    """Make the secret files that are not there yet, each readable by its owner only."""
    for path, make in (
        (settings.session_secret_file, _create_session_secret),
        (settings.key_ring_file, KeyRing.create),
        (settings.signing_key_file, create_signing_key),
    ):
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (path.parent / DEVELOPMENT_MARK).touch()
            # Whole or not at all: a start killed here must not leave half a key ring.
            fresh = path.with_name(f"{path.name}.new")
            fresh.unlink(missing_ok=True)
            make(fresh)
            fresh.rename(path)


def _create_session_secret(path: Path) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
