"""``yvax keys``: make a key ring, change its keys, see what uses them (measure M36)."""

import argparse
from pathlib import Path

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.commands.common import Subparsers, add_ini, load_settings
from yvaxportal.models.database import open_engine
from yvaxportal.services.bootstrap import totp_name
from yvaxportal.settings import Settings, SettingsError
from yvaxportal.vault.keyring import KeyRing, KeyRingError
from yvaxportal.vault.rotation import RotationRunningError, key_uses, rotate


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("keys", help="make, rotate and check the keys of the vault")
    commands = parser.add_subparsers(required=True)
    create = commands.add_parser("create", help="write a key ring with one new key")
    create.add_argument("file", type=Path)
    create.set_defaults(run=run_create)
    turn = commands.add_parser("rotate", help="seal everything again under a new key; goes on if cut off")
    add_ini(turn)
    turn.add_argument("--retire", action="store_true", help="also remove keys that nothing uses any more")
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
    """Rotate and say what was done."""
    settings = load_settings(args)
    engine = open_engine(_owner_url(settings), pool_size=1, statement_timeout_seconds=600)
    try:
        report = rotate(
            engine,
            settings.key_ring_file,
            settings.municipality_code,
            secret_name=totp_name,
            retire=args.retire,
            progress=lambda done: print(f"\r{done} numbers sealed again", end="", flush=True),
        )
    except RotationRunningError as error:
        raise KeyRingError(str(error)) from None
    AuditTrail(None, engine, SYSTEM).record_apart(
        Action.KEYS_ROTATED,
        detail={"numbers": report.numbers, "secrets": report.secrets, "retired": list(report.retired)},
    )
    print(f"\rkey {report.active} is in use: {report.numbers} numbers, {report.secrets} secrets sealed again")
    for key_id in report.retired:
        print(f"key {key_id} retired")
    return 0


def run_status(args: argparse.Namespace) -> int:
    """Print a line for each key."""
    settings = load_settings(args)
    ring = KeyRing.load(settings.key_ring_file)
    engine = open_engine(_owner_url(settings), pool_size=1)
    for use in key_uses(engine, ring):
        state = (
            "active" if use.key_id == ring.active else "older" if use.key_id in ring.key_ids else "MISSING"
        )
        print(f"{use.key_id:<18}{state:<9}{use.numbers:>9} numbers {use.secrets:>5} secrets")
    return 0


def _owner_url(settings: Settings) -> str:
    if settings.migration_url is None:
        raise SettingsError(
            "yvaxportal.database.migration_url", "is missing (this command needs the owner's role)"
        )
    return settings.migration_url
