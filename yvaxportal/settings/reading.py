"""From the ini file's words to checked settings. Nothing else in the portal reads ini file or environment."""

import os
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from yvaxportal.embedded.places import urls
from yvaxportal.settings.checks import check_production, check_secret
from yvaxportal.settings.table import ADAPTER_SYSTEMS, FROM_FILE, PREFIX, SECRETS, TABLE, Setting
from yvaxportal.settings.values import Settings, SettingsError

_OPTION_PREFIXES = tuple(f"{PREFIX}adapters.{system}." for system in ADAPTER_SYSTEMS)


def read_settings(
    raw: Mapping[str, str],
    *,
    secrets_may_be_missing: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Return the checked settings of the ini's ``[app:main]`` section; SettingsError at the first fault.

    A value ``env:NAME`` is taken from the environment; a database address may also stand in the file that
    ``yvaxportal.database.url_file`` names. ``secrets_may_be_missing`` is for the command that makes them.
    """
    _refuse_unknown(raw)
    values: dict[str, Any] = {setting.attribute: _read(setting, raw, environ) for setting in TABLE}
    values["adapters"] = {system: values.pop(f"adapters.{system}") for system in ADAPTER_SYSTEMS}
    _check_adapters(values["adapters"])
    values["adapter_options"] = {system: _options(raw, system) for system in ADAPTER_SYSTEMS}
    _complete_database(values)
    for attribute in SECRETS:
        values[attribute] = values["var"] / values[attribute]
    settings = Settings(**values)
    if settings.pool_size < settings.threads:
        # A request holds one connection and may write its refusal on a second; the pool grows to its double.
        raise SettingsError(
            f"{PREFIX}database.pool_size",
            f"must be at least {PREFIX}web.threads, which is {settings.threads}",
        )
    if settings.production:
        check_production(settings, raw, environ)
    if not secrets_may_be_missing:
        for name, path in secret_files(settings).items():
            check_secret(name, path, production=settings.production)
    return settings


def secret_files(settings: Settings) -> dict[str, Path]:
    """Return the full ini name of each secret file and its path."""
    return {
        PREFIX + setting.name: getattr(settings, setting.attribute)
        for setting in TABLE
        if setting.attribute in SECRETS
    }


def _refuse_unknown(raw: Mapping[str, str]) -> None:
    known = {PREFIX + s.name for s in TABLE} | {f"{PREFIX}{name}_file" for name in FROM_FILE}
    for name in sorted(raw):
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OPTION_PREFIXES):
            raise SettingsError(name, "no such setting; see docs/deploy.md for the list")


def _read(setting: Setting, raw: Mapping[str, str], environ: Mapping[str, str]) -> object:
    name = PREFIX + setting.name
    text = raw.get(name, "").strip()
    if setting.name in FROM_FILE and (file := raw.get(f"{name}_file", "").strip()):
        if text:
            raise SettingsError(name, f"is given twice, here and in {name}_file")
        name = f"{name}_file"
        file = _from_environment(name, file, environ, may_be_unset=setting.may_be_unset)
        text = _content(name, file) if file else ""
    else:
        text = _from_environment(name, text, environ, may_be_unset=setting.may_be_unset)
    if not text:
        if setting.default is None:
            raise SettingsError(name, "is missing")
        text = setting.default
    try:
        return setting.read(text)
    except ValueError as error:
        raise SettingsError(name, str(error)) from None


def _from_environment(name: str, text: str, environ: Mapping[str, str], *, may_be_unset: bool) -> str:
    if not text.startswith("env:"):
        return text
    variable = text.removeprefix("env:")
    value = environ.get(variable, "").strip()
    if not value and not may_be_unset:
        raise SettingsError(name, f"the environment variable {variable} is not set")
    return value


def _content(name: str, file: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(name, f"the file cannot be read ({type(error).__name__})") from None


def _options(raw: Mapping[str, str], system: str) -> dict[str, str]:
    """Return what the ini says to one adapter; which options there are, the adapter knows."""
    prefix = f"{PREFIX}adapters.{system}."
    return {name.removeprefix(prefix): text for name, text in raw.items() if name.startswith(prefix)}


def _check_adapters(adapters: Mapping[str, str]) -> None:
    points = entry_points()
    for system, wanted in adapters.items():
        group = f"{PREFIX}adapters.{system}"
        known = points.select(group=group).names
        if wanted not in known:
            raise SettingsError(group, f"no such adapter; installed: {', '.join(sorted(known))}")


def _complete_database(values: dict[str, Any]) -> None:
    if values["database"] == "embedded":
        for name in FROM_FILE:
            if values["database_url" if name == "database.url" else "migration_url"]:
                raise SettingsError(PREFIX + name, "has no meaning with yvaxportal.database = embedded")
        embedded = urls(values["var"])
        values |= {"database_url": embedded.app, "migration_url": embedded.owner}
    elif not values["database_url"]:
        raise SettingsError(f"{PREFIX}database.url", "is missing (yvaxportal.database = external needs it)")
