"""``yvax simulator``: stand-ins for the other systems, on loopback, about the people the portal knows."""

import argparse
import base64
import secrets
import signal
import sys
from pathlib import Path
from typing import NoReturn

from yvaxportal.adapters.simulator.faults import FAULTS
from yvaxportal.adapters.simulator.folder import FolderSide
from yvaxportal.adapters.simulator.server import Simulator
from yvaxportal.adapters.simulator.systems import FORMS, ROUTES
from yvaxportal.adapters.simulator.world import World
from yvaxportal.commands.common import (
    CommandError,
    Subparsers,
    add_ini,
    load_settings,
    require_current,
    set_up_logging,
)
from yvaxportal.commands.leash import add_leash, stop_with_parent
from yvaxportal.commands.simulated_people import people_of
from yvaxportal.models.database import open_engine
from yvaxportal.settings import Settings, SettingsError

CLIENT_ID = "yvaxportal-and-its-simulator-001"
SECRET_FILE = Path("secrets", "simulator-client-secret")
PAYLOAD_KEY_FILE = Path("secrets", "simulator-payload-key")
#: Whose path a system is reached by that has none of its own.
RELAYED = {"chukan": "atena"}
_KEY_BYTES = 32
PORT = 6600


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    known = "; ".join(f"{name}: {what}" for name, what in FAULTS.items())
    parser = subparsers.add_parser(
        "simulator",
        help="play the other systems",
        description="Serve the REST side of the other systems on loopback, and the folder side of those that "
        "--folder names, about the people whom the portal knows. For development and tests; see "
        "docs/simulator.md.",
    )
    add_ini(parser)
    # Not the portal's own port, which ``--port`` means elsewhere.
    parser.add_argument(
        "--port", dest="own_port", type=int, default=PORT, help=f"port ({PORT}; 0: any that is free)"
    )
    parser.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="[SYSTEM=]PATH",
        help=f"also answer order files: the folder of one system ({', '.join(FORMS)}), "
        "or one that has a folder for each",
    )
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[=SHARE]", help=known)
    parser.add_argument("--seed", type=int, default=0, help="of the dice that faults are thrown with")
    parser.add_argument(
        "--delay",
        type=float,
        default=0.0,
        help="seconds that an answer takes; half take longer, some several times as long",
    )
    parser.add_argument("--token-seconds", type=int, default=3600, help="how long a token is good")
    add_leash(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    settings = load_settings(args)
    set_up_logging(args)
    if settings.production:
        raise SettingsError("yvaxportal.environment", "a simulator has no place in production")
    require_current(settings)
    world = World(settings.municipality_code)
    world.chukan.key = payload_key(settings)
    engine = open_engine(settings.database_url, pool_size=2, statement_timeout_seconds=600)
    for kind, record in people_of(engine, settings.municipality_code):
        world.add(kind, record)
    engine.dispose()
    simulator = _serving(args, world, client_secret(settings))
    for demanded in args.fault:
        _demand(simulator, demanded)
    sides = [FolderSide(simulator, system, path, FORMS[system]) for system, path in _folders(args).items()]
    stop_with_parent(args)
    signal.signal(signal.SIGTERM, _leave)
    print(f"{len(world.residents)} people; serving on {simulator.url}/", flush=True)
    paths = {system: system for system in ROUTES} | RELAYED
    for system, path in paths.items():
        print(f"  yvaxportal.adapters.{system}.base_url = {simulator.url}/{path}", flush=True)
    print(f"  token_url = {simulator.url}/token, client_id = {CLIENT_ID}", flush=True)
    print(f"  client_secret_file = {SECRET_FILE}", flush=True)
    print(f"  yvaxportal.adapters.chukan.payload_key_file = {PAYLOAD_KEY_FILE}", flush=True)
    for side in sides:
        print(f"  yvaxportal.adapters.{side.system}.folder = {side.folder}", flush=True)
        side.start()
    try:
        simulator.serve_forever()
    finally:
        simulator.stopping.set()
        simulator.server_close()
    return 0


def client_secret(settings: Settings) -> str:
    """Return the secret that portal and simulator share, made when there is none yet."""
    return _kept(settings.var / SECRET_FILE, secrets.token_hex(32))


def payload_key(settings: Settings) -> bytes:
    """Return the key with which portal and chukan server seal messages, made when there is none yet."""
    new = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode("ascii")
    return base64.b64decode(_kept(settings.var / PAYLOAD_KEY_FILE, new))


def _kept(path: Path, new: str) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(new, "ascii")
    return path.read_text("ascii").strip()


def _serving(args: argparse.Namespace, world: World, secret: str) -> Simulator:
    try:
        return Simulator(
            world,
            port=args.own_port,
            client_id=CLIENT_ID,
            secret=secret,
            token_seconds=args.token_seconds,
            delay_seconds=args.delay,
            seed=args.seed,
        )
    except OSError as error:
        raise CommandError(
            f"port {args.own_port} cannot be listened on ({error.strerror or error})"
        ) from None


def _folders(args: argparse.Namespace) -> dict[str, Path]:
    """Return the folder of each system that is to answer files."""
    found: dict[str, Path] = {}
    for written in args.folder:
        system, equals, path = written.partition("=")
        if not equals:
            found |= {name: (Path(written) / name).absolute() for name in FORMS}
        elif system in FORMS:
            found[system] = Path(path).absolute()
        else:
            raise CommandError(f"--folder {written}: must be one of {', '.join(FORMS)}, then =PATH")
    return found


def _demand(simulator: Simulator, written: str) -> None:
    name, _, share = written.partition("=")
    try:
        simulator.faults.demand({"fault": name, "share": float(share or 1)})
    except ValueError:
        raise CommandError(
            f"--fault {written}: must be one of {', '.join(FAULTS)}, then =0.1 or so"
        ) from None


def _leave(_signal: int, _frame: object) -> NoReturn:
    # A second one must not break off the orderly end.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)
