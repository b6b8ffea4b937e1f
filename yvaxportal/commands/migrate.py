"""``yvax migrate``: bring the database's tables up to date, as the role that owns them."""

import argparse

from sqlalchemy.exc import OperationalError

from yvaxportal.commands.common import Subparsers, add_ini, load_settings, set_up_logging
from yvaxportal.migrate import upgrade
from yvaxportal.settings import SettingsError


def add(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("migrate", help="bring the database's tables up to date")
    add_ini(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Migrate; a second run at the same time waits for the first and finds nothing to do."""
    settings = load_settings(args)
    set_up_logging(args)
    if settings.migration_url is None:
        raise SettingsError("yvaxportal.database.migration_url", "is missing; only `yvax migrate` needs it")
    try:
        upgrade(settings.migration_url, settings.app_role)
    except OperationalError:
        raise SettingsError(
            "yvaxportal.database.migration_url", "the database cannot be reached, or is locked by others"
        ) from None
    print("The tables are up to date.")
    return 0
