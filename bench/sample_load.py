"""How fast the made-up city loads, beside a bare COPY of the very same rows in the same run.

The bare copy goes into tables without keys, indexes or checks.
"""

import time
from collections.abc import Iterator, Sequence

import psycopg
from psycopg import sql

from bench.city import BenchCity
from bench.report import Measure
from yvaxportal.embedded.roles import libpq
from yvaxportal.sample.bulk import TABLES

BAR_RESIDENTS = 150_000
BAR_SECONDS = 180
_MEGABYTE = 1 << 20
_TABLES = tuple(name for name in TABLES if not name.startswith("sample_"))


def measures(place: BenchCity) -> list[Measure]:
    """Return the lines about the loading of ``place``."""
    report, bare = place.report, bare_copy(libpq(place.urls.admin), _TABLES)
    rows = sum(report.rows.values())
    what = f"load {place.residents:,} residents with {report.rows['dose']:,} doses"
    met = report.seconds < BAR_SECONDS if place.residents == BAR_RESIDENTS else None
    return [
        Measure(what, f"{report.seconds:.1f} s", f"under {BAR_SECONDS} s", met),
        Measure("... rows a second, all tables", f"{rows / report.seconds:,.0f}"),
        Measure("... against a bare COPY of the same rows", f"{report.seconds / bare:.1f}x of {bare:.1f} s"),
    ]


def bare_copy(admin: str, tables: Sequence[str]) -> float:
    """Return the seconds that it takes to copy all rows of some tables into naked ones."""
    spent = 0.0
    with psycopg.connect(admin) as source, psycopg.connect(admin) as target:
        for table in tables:
            name, naked = sql.Identifier(table), sql.Identifier(f"naked_{table}")
            target.execute(sql.SQL("CREATE TABLE {} (LIKE {})").format(naked, name))
            for block in blocks(source, table):
                began = time.perf_counter()
                with target.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(naked)) as copy:
                    copy.write(block)
                spent += time.perf_counter() - began
        began = time.perf_counter()
        target.commit()
        spent += time.perf_counter() - began
        for table in tables:
            target.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(f"naked_{table}")))
    return spent


def blocks(source: psycopg.Connection, table: str) -> Iterator[bytes]:
    """Give the rows of a table as COPY text, some megabytes at a time."""
    gathered = bytearray()
    with source.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        for row in copy:
            gathered += row
            if len(gathered) > _MEGABYTE:
                yield bytes(gathered)
                gathered.clear()
    if gathered:
        yield bytes(gathered)
