"""``yvax settings check``: read an ini file as a start would, and say what is wrong."""

import argparse

from yvaxportal.commands.common import Subparsers, add_ini, load_settings, require_current
from yvaxportal.services.own_rules import open_schedule


def add(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("settings", help="check an ini file")
    actions = parser.add_subparsers(required=True)
    check = actions.add_parser("check", help="check settings, secrets, own rules, database and its tables")
    add_ini(check)
    check.add_argument("--offline", action="store_true", help="do not ask the database")
    check.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check everything a start checks; SettingsError says what is wrong."""
    settings = load_settings(args)
    open_schedule(settings)
    if not args.offline:
        require_current(settings)
    print(f"{args.ini}: in order ({settings.environment})")
    return 0
