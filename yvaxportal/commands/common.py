"""What the subcommands share: the ini file and the overrides on the command line."""

import argparse
import configparser
from pathlib import Path
from typing import TypeAlias

import plaster
from sqlalchemy.exc import SQLAlchemyError

from yvaxportal.logging_setup import configure_logging
from yvaxportal.models.schema import is_current
from yvaxportal.services.accounts import has_demo_accounts
from yvaxportal.settings import Settings, SettingsError, read_settings

# argparse's own type, which cannot be subscripted when the program runs.
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001

_OVERRIDES = {"var": "yvaxportal.var", "port": "yvaxportal.web.port", "residents": "yvaxportal.residents"}


class CommandError(Exception):
    """A command cannot go on. The text is one line for the person at the terminal."""


def add_ini(parser: argparse.ArgumentParser, *overrides: str) -> None:
    """Add the ini file and those of ``--var``, ``--port`` and ``--residents`` that the command takes."""
    parser.add_argument("ini", type=Path, help="the ini file, such as production.ini")
    for name in ("var", *overrides):
        parser.add_argument(f"--{name}", help=f"instead of {_OVERRIDES[name]} in the ini file")


def read_ini(args: argparse.Namespace) -> dict[str, str]:
    """Return the ini's ``[app:main]`` section with the command line's overrides.

    :raises SettingsError: there is no such file or section, or it cannot be parsed.
    """
    if not args.ini.is_file():
        raise SettingsError(str(args.ini), "there is no such ini file")
    try:
        raw = plaster.get_settings(str(args.ini.resolve()), "app:main")
    except (plaster.PlasterError, LookupError, ValueError, OSError) as error:
        raise SettingsError(
            str(args.ini), f"cannot be read as an ini file ({type(error).__name__})"
        ) from None
    if not raw:
        raise SettingsError(str(args.ini), "has no section [app:main]")
    settings = {name: str(value) for name, value in raw.items()}
    for name, setting in _OVERRIDES.items():
        if value := getattr(args, name, None):
            settings[setting] = str(Path(value).absolute()) if name == "var" else value
    return settings


def load_settings(args: argparse.Namespace) -> Settings:
    """Return the checked settings of the ini that ``args`` names; SettingsError if one is wrong."""
    return read_settings(read_ini(args))


def set_up_logging(args: argparse.Namespace) -> None:
    """Set up logging as the ini file says; SettingsError when its logging sections cannot be used."""
    try:
        configure_logging(args.ini)
    except (KeyError, ValueError, TypeError, RuntimeError, OSError, configparser.Error) as error:
        raise SettingsError(f"{args.ini} [loggers]", f"cannot be used ({type(error).__name__})") from None


def require_current(settings: Settings) -> None:
    """Raise SettingsError when the database does not answer or is not what this process may work on.

    Its tables must be those of this code, and in production no demo account may be alive in it: whoever read
    the README knows how to sign in with one.
    """
    try:
        current = is_current(settings.database_url)
        demo = current and settings.production and has_demo_accounts(settings.database_url)
    except SQLAlchemyError as error:
        hint = "; `make run` starts it" if settings.database == "embedded" else ""
        problem = f"the database cannot be reached ({type(error).__name__}){hint}"
        raise SettingsError("yvaxportal.database.url", problem) from None
    if not current:
        raise SettingsError(
            "yvaxportal.database.url", "its tables are of another version: run `yvax migrate`"
        )
    if demo:
        raise SettingsError(
            "yvaxportal.database.url", "the database has demo accounts: `yvax account revoke` ends them"
        )
