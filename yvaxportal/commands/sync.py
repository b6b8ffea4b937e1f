"""``yvax sync``: follow the other systems now, instead of when the worker's turn comes."""

import argparse
from collections import Counter
from collections.abc import Mapping

from yvaxportal.commands.common import (
    CommandError,
    Subparsers,
    add_ini,
    load_settings,
    require_current,
    set_up_logging,
)
from yvaxportal.models.database import open_engine
from yvaxportal.services.connections import Connections, open_connections
from yvaxportal.services.sync.eligibility import TAX, WELFARE
from yvaxportal.services.sync.run import SyncReport
from yvaxportal.settings import SettingsError
from yvaxportal.values.clock import now_utc
from yvaxportal.vault.keyring import SETTING as KEY_RING_SETTING
from yvaxportal.vault.keyring import KeyRing, KeyRingError
from yvaxportal.vault.vault import Vault

RESIDENTS = "residents"
ATENA = "atena"
SYSTEM_OF = {RESIDENTS: "resident_register", ATENA: ATENA, TAX: TAX, WELFARE: WELFARE}


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("sync", help="take over what the other systems have")
    parser.add_argument("what", choices=tuple(SYSTEM_OF), help="whose data")
    add_ini(parser)
    parser.add_argument(
        "--restart",
        action="store_true",
        help="residents: forget the cursor and begin with everybody, as after `unknown_cursor`; "
        "nobody is lost by it",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run once and print how many of each; exit code 1 when the other side failed."""
    settings = load_settings(args)
    set_up_logging(args)
    require_current(settings)
    try:
        ring = KeyRing.load(settings.key_ring_file)
    except KeyRingError as error:
        raise SettingsError(KEY_RING_SETTING, error.problem) from None
    engine = open_engine(settings.database_url, pool_size=5, statement_timeout_seconds=600)
    connections = open_connections(settings, engine, Vault(engine, ring, settings.municipality_code), now_utc)
    try:
        system = SYSTEM_OF[args.what]
        if not connections.follows(system):
            raise CommandError(f"yvaxportal.adapters.{system} is local: there is nobody to ask")
        if args.what == RESIDENTS:
            return _residents(connections, restart=args.restart)
        return _told(connections.notices.run()) if args.what == ATENA else _states(connections, system)
    finally:
        connections.adapters.close()
        engine.dispose()


def _residents(connections: Connections, *, restart: bool) -> int:
    if restart:
        connections.residents.restart()
    return _told(connections.residents.run())


def _told(report: SyncReport) -> int:
    if report.busy:
        raise CommandError("another run is under way")
    _print(report.counts)
    if report.failure:
        raise CommandError(report.failure)
    return 0


def _states(connections: Connections, system: str) -> int:
    counts = connections.eligibility.for_all(system)
    _print(counts)
    return 1 if counts["failed"] else 0


def _print(counts: Mapping[str, int]) -> None:
    for name, count in sorted(Counter(counts).items()):
        print(f"{name:<24}{count:>10,}")
    if not counts:
        print("nothing new")
