"""``yvax sample``: fill an empty database with a made-up city."""

import argparse
from datetime import date

from sqlalchemy import create_engine, exists, pool, select

from yvaxportal.commands.common import Subparsers, add_ini, load_settings, require_current, set_up_logging
from yvaxportal.models import Resident
from yvaxportal.sample import SAMPLE_DAY, load
from yvaxportal.settings import Settings, SettingsError

SEED = 2026


def add(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("sample", help="fill an empty database with a made-up city")
    add_ini(parser, "residents")
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed makes the same city")
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=SAMPLE_DAY,
        help="the day as of which the city stands (YYYY-MM-DD); the same day makes the same city",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Load the city; SettingsError when there are residents already."""
    settings = load_settings(args)
    set_up_logging(args)
    if settings.production:
        raise SettingsError(
            "yvaxportal.environment", "made-up people do not belong into a production database"
        )
    require_current(settings)
    if not load_when_empty(settings, args.seed, args.today):
        raise SettingsError("yvaxportal.database.url", "has residents already; the sample needs an empty one")
    return 0


def load_when_empty(settings: Settings, seed: int = SEED, today: date = SAMPLE_DAY) -> bool:
    """Load the city unless somebody lives in the database already; tell whether it was loaded.

    A load is one transaction, so one that was killed half-way has left nothing and is made again here.
    """
    address = settings.migration_url
    if address is None:
        raise SettingsError("yvaxportal.database.migration_url", "is missing")
    engine = create_engine(address, poolclass=pool.NullPool)
    with engine.connect() as connection:
        if connection.scalar(select(exists().select_from(Resident))):
            return False
    print(f"A made-up city of {settings.residents} residents is loaded ...", flush=True)
    report = load(
        address,
        residents=settings.residents,
        seed=seed,
        key_ring=settings.key_ring_file,
        municipality_code=settings.municipality_code,
        demo_accounts=settings.demo_accounts,
        today=today,
    )
    print(report, flush=True)
    return True
