"""How fast the made-up city loads, beside a bare COPY of the very same rows in the same run.

    python bench/sample_load.py [--residents 150000] [--folder FOLDER]

Starts a PostgreSQL of its own in a new folder, loads the city, then copies every table's rows once more into
tables without keys, indexes or checks. Prints a table; nothing is kept.
"""

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import psycopg
from psycopg import sql

from yvaxportal.embedded.places import APP_ROLE
from yvaxportal.embedded.roles import libpq
from yvaxportal.embedded.server import EmbeddedPostgres
from yvaxportal.migrate import upgrade
from yvaxportal.sample import SampleReport, load
from yvaxportal.sample.bulk import TABLES
from yvaxportal.vault.keyring import KeyRing

MEGABYTE = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="measure the loading of the made-up city")
    parser.add_argument("--residents", type=int, default=150_000)
    parser.add_argument("--folder", type=Path, help="where the database is made; the default is temporary")
    parser.add_argument("--processes", type=int, help="processes that make people beside the loading one")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="yvax-bench-", dir=args.folder))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder) as server:
            upgrade(server.urls.owner, APP_ROLE)
            KeyRing.create(folder / "ring.json")
            report = load(
                server.urls.owner,
                residents=args.residents,
                seed=2026,
                key_ring=folder / "ring.json",
                municipality_code="312029",
                demo_accounts=True,
                today=date(2026, 11, 23),
                processes=args.processes,
            )
            show(report, bare_copy(libpq(server.urls.admin)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def show(report: SampleReport, bare: float) -> None:
    """Print the figures."""
    print(f"{'table':<20}{'rows':>12}")
    for table, rows in report.rows.items():
        print(f"{table:<20}{rows:>12,}")
    rows = sum(report.rows.values())
    print(f"\n{'load, everything':<28}{report.seconds:>8.1f} s{rows / report.seconds:>12,.0f} rows/s")
    print(f"{'bare COPY of the same rows':<28}{bare:>8.1f} s{rows / bare:>12,.0f} rows/s")
    print(f"{'ratio':<28}{report.seconds / bare:>8.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{'memory of this process':<28}{peak:>8.0f} MB; the largest of the others {children:.0f} MB")


def bare_copy(admin: str) -> float:
    """Return the seconds that it takes to copy all rows into naked tables."""
    spent = 0.0
    with psycopg.connect(admin) as source, psycopg.connect(admin) as target:
        for table in (name for name in TABLES if not name.startswith("sample_")):
            name, naked = sql.Identifier(table), sql.Identifier(f"naked_{table}")
            target.execute(sql.SQL("CREATE TABLE {} (LIKE {})").format(naked, name))
            for block in blocks(source, table):
                began = time.perf_counter()
                with target.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(naked)) as copy:
                    copy.write(block)
                spent += time.perf_counter() - began
        began = time.perf_counter()
        target.commit()
        return spent + time.perf_counter() - began


def blocks(source: psycopg.Connection, table: str) -> Iterator[bytes]:
    """Give the rows of a table as COPY text, some megabytes at a time."""
    gathered = bytearray()
    with source.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        for row in copy:
            gathered += row
            if len(gathered) > MEGABYTE:
                yield bytes(gathered)
                gathered.clear()
    if gathered:
        yield bytes(gathered)


if __name__ == "__main__":
    main()
