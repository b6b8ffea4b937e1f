"""``yvax worker``: take jobs from the queue until SIGTERM or SIGINT, then finish those under way."""

import argparse
import asyncio

from yvaxportal.commands.common import Subparsers, add_ini, load_settings, require_current, set_up_logging
from yvaxportal.commands.leash import add_leash, stop_with_parent
from yvaxportal.jobs.worker import work
from yvaxportal.services.own_rules import open_schedule


def add(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("worker", help="do the background jobs")
    add_ini(parser, "port", "residents")
    add_leash(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Work until told to stop."""
    settings = load_settings(args)
    set_up_logging(args)
    open_schedule(settings)
    require_current(settings)
    stop_with_parent(args)
    asyncio.run(work(settings))
    return 0
