"""``yvax adapters``: what is installed and in use, and whether it keeps its contract."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Engine

from yvaxportal.adapters.conformance import CONTRACTS, Grade, Misbehaving, NotSteeredError, Result, Subjects
from yvaxportal.adapters.conformance.subjects import NoSubjectsError, choose_subjects
from yvaxportal.adapters.interfaces import SYSTEMS
from yvaxportal.adapters.loading import installed, load_adapter
from yvaxportal.commands.common import CommandError, Subparsers, add_ini, load_settings, require_current
from yvaxportal.models.database import open_engine
from yvaxportal.settings import Settings
from yvaxportal.values.clock import jst_date, now_utc


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser("adapters", help="show and check the connections to other systems")
    commands = parser.add_subparsers(required=True)
    shown = commands.add_parser("list", help="show which implementations are installed and which are in use")
    add_ini(shown)
    shown.set_defaults(run=run_list)
    check = commands.add_parser(
        "check",
        help="run the contract against what the ini file names",
        description="Run the contract of each system against what the ini file names. Reads only, about "
        "residents whom the portal knows; safe against a system in use.",
    )
    add_ini(check)
    check.add_argument("systems", nargs="*", metavar="system", help=f"of {', '.join(CONTRACTS)}; else all")
    check.add_argument(
        "--write-test-records",
        action="store_true",
        help="also run the checks that leave marked test people and records on the other side",
    )
    check.add_argument(
        "--simulator",
        metavar="URL",
        help="the other side is yvax simulator at this address: also let it answer badly, or not at all",
    )
    check.add_argument("--json", action="store_true", help="print every check as a line of JSON")
    check.set_defaults(run=run_check)


def run_list(args: argparse.Namespace) -> int:
    """Print a line for each system."""
    settings = load_settings(args)
    for system in SYSTEMS:
        chosen = settings.adapters[system]
        others = [name for name in sorted(installed(system)) if name != chosen]
        print(f"{system:<19}{chosen:<12}{'also installed: ' + ', '.join(others) if others else ''}".rstrip())
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Print a line for each check; exit code 1 when one failed."""
    unknown = sorted(set(args.systems) - set(CONTRACTS))
    if unknown:
        raise CommandError(f"no such system: {', '.join(unknown)}; there are: {', '.join(CONTRACTS)}")
    misbehaving = _misbehaving(args.simulator)
    settings = load_settings(args)
    require_current(settings)
    systems = args.systems or list(CONTRACTS)
    engine = open_engine(settings.database_url, pool_size=10, statement_timeout_seconds=600)
    try:
        subjects = _subjects(settings, engine, may_write=args.write_test_records, misbehaving=misbehaving)
        results = _results(settings, engine, systems, subjects, as_json=args.json)
    finally:
        engine.dispose()
    if not args.json:
        _summary(settings, results)
    return 1 if any(result.grade is Grade.FAILED for result in results) else 0


def _misbehaving(url: str | None) -> Misbehaving | None:
    if url is None:
        return None
    try:
        misbehaving = Misbehaving(url)
        misbehaving.require()
    except NotSteeredError as error:
        raise CommandError(f"--simulator {url}: {error}") from None
    return misbehaving


def _subjects(
    settings: Settings, engine: Engine, *, may_write: bool, misbehaving: Misbehaving | None
) -> Subjects:
    today = jst_date(now_utc())
    code = settings.municipality_code
    try:
        return choose_subjects(engine, code, today, may_write=may_write, misbehaving=misbehaving)
    except NoSubjectsError as error:
        raise CommandError(str(error)) from None


def _results(
    settings: Settings, engine: Engine, systems: Sequence[str], subjects: Subjects, *, as_json: bool
) -> list[Result]:
    found: list[Result] = []
    for system in systems:
        adapter = load_adapter(system, settings, engine, now_utc)
        try:
            for result in CONTRACTS[system](adapter, subjects).results():
                found.append(result)
                print(json.dumps(asdict(result), ensure_ascii=False) if as_json else _line(result))
        finally:
            adapter.close()
    return found


def _line(result: Result) -> str:
    line = f"{result.system:<19}{result.grade.value:<16}{result.check}"
    if result.grade is Grade.NOT_APPLICABLE:
        return f"{line} ({result.came})"
    if result.grade is Grade.FAILED:
        told = " ".join(result.contract.split())
        return f"{line}\n{'':<19}the contract    {told}\n{'':<19}what came       {result.came}"
    return line


def _summary(settings: Settings, results: Sequence[Result]) -> None:
    print()
    for system in dict.fromkeys(result.system for result in results):
        counts = Counter(result.grade for result in results if result.system == system)
        said = ", ".join(f"{counts[grade]} {grade.value}" for grade in Grade)
        print(f"{system:<19}{settings.adapters[system]:<12}{said}")
