"""What a production start refuses, and what makes a secret worth its name."""

import re
from collections.abc import Mapping
from pathlib import Path

from yvaxportal.settings.table import FALSE, PREFIX
from yvaxportal.settings.values import Settings, SettingsError

DEVELOPMENT_MARK = "DEVELOPMENT-ONLY"

_SECRET_MIN_BYTES = 32
_SECRET_MIN_DISTINCT = 8
_PLACEHOLDER = re.compile(rb"change.?me|example|placeholder|yvax-demo", re.IGNORECASE)


def check_production(settings: Settings, raw: Mapping[str, str], environ: Mapping[str, str]) -> None:
    """Raise SettingsError for whatever is right for development only; ``raw`` is the whole section."""
    refused = (
        (settings.database == "embedded", "database", "must be external in production"),
        (settings.demo_accounts, "demo_accounts", "must be false in production"),
        (settings.second_factor != "always", "second_factor", "must be always in production"),
        (not settings.secure_cookies, "session.secure_cookies", "must be true in production"),
    )
    for wrong, name, problem in refused:
        if wrong:
            raise SettingsError(PREFIX + name, problem)
    for name, value in raw.items():
        # Pyramid takes these with and without its prefix.
        if (
            name.removeprefix("pyramid.").startswith(("debug_", "reload_"))
            and value.strip().lower() not in FALSE
        ):
            raise SettingsError(name, "must be false in production")
    for name, value in environ.items():
        if name.startswith(("PYRAMID_DEBUG_", "PYRAMID_RELOAD_")) and value.strip().lower() not in FALSE:
            raise SettingsError(name, "must not be set in the environment in production")
    if "debugtoolbar" in raw.get("pyramid.includes", ""):
        raise SettingsError("pyramid.includes", "must not have the debug toolbar in production")


def check_secret(name: str, path: Path, *, production: bool) -> None:
    """Raise SettingsError unless the file at ``path`` holds a secret that only few can read."""
    try:
        content = path.read_bytes().strip()
        mode = path.stat().st_mode
    except OSError as error:
        hint = "" if production else "; `make run` makes it"
        raise SettingsError(name, f"the file cannot be read ({type(error).__name__}){hint}") from None
    if mode & 0o007:
        raise SettingsError(name, "the file is open to everybody: chmod o= it")
    if len(content) < _SECRET_MIN_BYTES or len(set(content)) < _SECRET_MIN_DISTINCT:
        raise SettingsError(name, f"the secret is too weak: at least {_SECRET_MIN_BYTES} random bytes")
    if production and _PLACEHOLDER.search(content):
        raise SettingsError(name, "holds a sample value, not a secret of its own")
    if production and (path.parent / DEVELOPMENT_MARK).exists():
        raise SettingsError(name, "was made for development: make new secrets")
