"""``yvax keys``: make a key ring, change its keys, see what uses them (measure M36)."""

import argparse
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.commands.common import Subparsers, add_ini, load_settings
from yvaxportal.models.database import open_engine
from yvaxportal.services.bootstrap import totp_name
from yvaxportal.settings import Settings, SettingsError
from yvaxportal.values.clock import format_jst, now_utc
from yvaxportal.vault.keyring import KeyRing, KeyRingError
from yvaxportal.vault.rotation import (
    RetiredTooEarlyError,
    RotationRunningError,
    key_uses,
    prepare,
    retire,
    rotate,
)

_STATEMENT_SECONDS = 600


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("keys", help="make, rotate and check the keys of the vault")
    commands = parser.add_subparsers(required=True)
    create = commands.add_parser("create", help="write a key ring with one new key")
    create.add_argument("file", type=Path)
    create.set_defaults(run=run_create)
    turn = commands.add_parser("rotate", help="seal everything again under a new key; goes on if cut off")
    add_ini(turn)
    only = turn.add_mutually_exclusive_group()
    only.add_argument(
        "--prepare",
        action="store_true",
        help="only add the new key, for processes that read a copy of the ring",
    )
    only.add_argument("--retire", action="store_true", help="only remove keys that nothing uses any more")
    turn.set_defaults(run=run_rotate)
    status = commands.add_parser("status", help="show which key seals how much")
    add_ini(status)
    status.set_defaults(run=run_status)


def run_create(args: argparse.Namespace) -> int:
    """Write a new ring; never over an old one."""
    try:
        ring = KeyRing.create(args.file)
    except FileExistsError:
        raise KeyRingError("the file is there already; a ring is never overwritten") from None
    except OSError as error:
        raise KeyRingError(f"the file cannot be written ({type(error).__name__})") from None
    print(f"key ring made; active key {ring.active}. Keep a copy apart from the database's backups.")
    return 0


def run_rotate(args: argparse.Namespace) -> int:
    """Add a key, move everything to it, or remove old ones."""
    settings = load_settings(args)
    engine = _owner_engine(settings)
    audit = AuditTrail(None, engine, SYSTEM)
    deed: Callable[[Settings, Engine, AuditTrail], int] = _rotate
    if args.prepare or args.retire:
        deed = _prepare if args.prepare else _retire
    try:
        return deed(settings, engine, audit)
    except RotationRunningError as error:
        raise KeyRingError(str(error)) from None
    except OSError as error:
        raise KeyRingError(f"the file cannot be replaced ({type(error).__name__})") from None
    finally:
        engine.dispose()


def run_status(args: argparse.Namespace) -> int:
    """Print a line for each key; 1 when something is sealed with a key that the ring lacks."""
    settings = load_settings(args)
    ring = KeyRing.load(settings.key_ring_file)
    engine = _owner_engine(settings)
    uses = key_uses(engine, ring)
    engine.dispose()
    for use in uses:
        known = use.key_id in ring.key_ids
        state = "active" if use.key_id == ring.active else "older" if known else "MISSING"
        made = format_jst(ring.created_at(use.key_id)) if known else "-"
        print(f"{use.key_id:<17} {state:<8} {made:<17} {use.numbers:>9} numbers {use.secrets:>5} secrets")
    return 0 if all(use.key_id in ring.key_ids for use in uses) else 1


def _prepare(settings: Settings, engine: Engine, audit: AuditTrail) -> int:
    active = prepare(engine, settings.key_ring_file, audit=audit)
    print(f"key {active} is active. Restart what reads a copy of the ring, then run `yvax keys rotate`.")
    return 0


def _rotate(settings: Settings, engine: Engine, audit: AuditTrail) -> int:
    report = rotate(
        engine,
        settings.key_ring_file,
        settings.municipality_code,
        secret_name=totp_name,
        audit=audit,
        progress=lambda done: print(f"{done} numbers sealed again", flush=True),
    )
    print(f"key {report.active} is in use: {report.numbers} numbers, {report.secrets} secrets sealed again")
    for resident_id in report.broken.residents:
        print(f"the number of resident id {resident_id} does not open: enter it again")
    for staff_id in report.broken.staff:
        print(f"the second factor of account id {staff_id} does not open: set it up again")
    return 1 if report.broken else 0


def _retire(settings: Settings, engine: Engine, audit: AuditTrail) -> int:
    try:
        retired = retire(engine, settings.key_ring_file, now=now_utc(), audit=audit)
    except RetiredTooEarlyError as error:
        print(f"nothing retired before {format_jst(error.until)}: {error}")
        return 1
    for key_id in retired:
        print(f"key {key_id} retired: backups from before the rotation need a copy of the older ring")
    if not retired:
        print("every key is in use")
    return 0


def _owner_engine(settings: Settings) -> Engine:
    if settings.migration_url is None:
        raise SettingsError(
            "yvaxportal.database.migration_url", "is missing (this command needs the owner's role)"
        )
    return open_engine(settings.migration_url, pool_size=1, statement_timeout_seconds=_STATEMENT_SECONDS)
