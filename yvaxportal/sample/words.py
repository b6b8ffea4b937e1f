"""The word lists of ``words.toml``."""

import tomllib
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("words.toml")


@cache
def words(name: str) -> tuple[str, ...]:
    """Return the list called ``name``."""
    return tuple(tomllib.loads(_FILE.read_text("utf-8"))[name].split())
