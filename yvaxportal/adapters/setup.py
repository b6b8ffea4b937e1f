"""What an implementation is built from: its own part of the ini file, and what the process holds."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from yvaxportal.settings import SettingsError
from yvaxportal.values.personal_number import PersonalNumber

PREFIX = "yvaxportal.adapters."


@dataclass(frozen=True)
class AdapterSetup:
    """Given to ``create`` of an implementation, once for each process.

    :param system: the word of the ini file, such as ``atena``.
    :param options: ``yvaxportal.adapters.<system>.<key>`` of the ini file by key, ``env:NAME`` resolved.
    :param var: the data folder; an implementation's own files lie in ``folder``.
    :param engine: the portal's database, for implementations on its own tables.
    :param number_index: a keyed index of a personal number, 32 bytes, for implementations on the
        portal's own tables or files; None where ``number_index_key_file`` is not set.
    """

    system: str
    options: Mapping[str, str]
    municipality_code: str
    var: Path
    engine: Engine
    clock: Callable[[], datetime]
    number_index: Callable[[PersonalNumber], bytes] | None = None

    @property
    def folder(self) -> Path:
        """Return where the implementation may keep files; it makes the folder itself."""
        return self.var / "adapters" / self.system

    def name_of(self, key: str) -> str:
        """Return the full name of an option, for messages."""
        return f"{PREFIX}{self.system}.{key}"

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Raise SettingsError for an option that the implementation does not have."""
        allowed = sorted(known)
        for key in sorted(self.options):
            if key not in allowed:
                listed = ", ".join(allowed) or "none"
                raise SettingsError(self.name_of(key), f"no such option; this implementation has: {listed}")

    def text(self, key: str, default: str | None = None) -> str:
        """Return an option as written; SettingsError when it is missing and has no default."""
        value = self.options.get(key, "")
        if value:
            return value
        if default is None:
            raise SettingsError(self.name_of(key), "is missing")
        return default

    def number(self, key: str, default: float, *, lowest: float, highest: float) -> float:
        """Return an option as a number between two bounds."""
        written = self.options.get(key, "")
        try:
            value = float(written) if written else default
        except ValueError:
            value = float("nan")
        if not lowest <= value <= highest:
            raise SettingsError(self.name_of(key), f"must be a number from {lowest:g} to {highest:g}")
        return value

    def path(self, key: str, default: Path | None = None) -> Path:
        """Return an option as a path; a relative one is below the data folder."""
        written = self.options.get(key, "")
        if not written and default is not None:
            return default
        return self.var / self.text(key)

    def secret(self, key: str) -> str:
        """Return a secret from the file that ``<key>_file`` names; it never stands in the ini file itself.

        :raises SettingsError: the option is missing, or the file cannot be read, is empty or is readable by
            others than its owner and group.
        """
        name = f"{key}_file"
        if key in self.options:
            raise SettingsError(self.name_of(key), f"a secret does not stand in the ini file: use {name}")
        path = self.path(name)
        try:
            if path.stat().st_mode & 0o007:
                raise SettingsError(self.name_of(name), "the file can be read by everybody: chmod 640")
            value = path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            problem = f"the file cannot be read ({type(error).__name__})"
            raise SettingsError(self.name_of(name), problem) from None
        if not value:
            raise SettingsError(self.name_of(name), "the file is empty")
        return value


def resolve(
    system: str, options: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return options with every ``env:NAME`` taken from the environment.

    :raises SettingsError: a variable is not set.
    """
    resolved = {}
    for key, written in options.items():
        value = written.strip()
        if value.startswith("env:"):
            variable = value.removeprefix("env:")
            value = environ.get(variable, "").strip()
            if not value:
                raise SettingsError(
                    f"{PREFIX}{system}.{key}", f"the environment variable {variable} is not set"
                )
        resolved[key] = value
    return resolved
