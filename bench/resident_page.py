"""The resident page under load: sign-in, ACL, audit and every panel, from one web process."""

import sys
from dataclasses import dataclass

import psycopg

from bench.city import BenchCity, free_port, portal, served
from bench.load import measure
from bench.report import Measure
from bench.visitor import Visitor
from yvaxportal.embedded.roles import libpq

BAR_PER_SECOND = 150
BAR_MEGABYTES = 130
SAME = 0.9
PEOPLE = 1_000
CONNECTIONS = 4
_MEGABYTE = 1 << 20
_PEOPLE = """
SELECT atena_number FROM resident WHERE resident_category = 'resident' AND id %% %s = 0 ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class PageLoad:
    """Pages a second of one process, and its resident memory in MB after that."""

    per_second: float
    megabytes: float


def page_load(place: BenchCity, seconds: float) -> PageLoad:
    """Ask for the pages of people spread over the whole city."""
    with psycopg.connect(libpq(place.urls.owner)) as connection:
        rows = connection.execute(_PEOPLE, (max(1, place.residents // PEOPLE), PEOPLE)).fetchall()
    paths = [f"/residents/{atena_number}/" for (atena_number,) in rows]
    with portal(place) as (port, process), Visitor(port) as visitor:
        visitor.sign_in("registrar", "yvax-demo-2026")
        for path in paths[:20]:
            visitor.get(path)
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        rate = measure(port, paths, cookie, seconds=seconds, connections=CONNECTIONS)
        return PageLoad(rate.per_second, process.memory_info().rss / _MEGABYTE)


def bare_view(seconds: float) -> float:
    """Return how often a second a view that does nothing answers on the same server."""
    port = free_port()
    with served([sys.executable, "-m", "bench.bare", str(port)], port):
        return measure(port, ["/"], "none=", seconds=seconds, connections=CONNECTIONS).per_second


def measures(place: BenchCity, found: PageLoad, bare: float) -> list[Measure]:
    """Return the lines about the page in the large city."""
    enough = found.per_second >= BAR_PER_SECOND
    small = found.megabytes < BAR_MEGABYTES
    return [
        Measure(
            f"resident page among {place.residents:,}, one process",
            f"{found.per_second:.0f} a second",
            f"at least {BAR_PER_SECOND}",
            enough,
        ),
        Measure(
            "... against a view that does nothing on the same server",
            f"{found.per_second / bare:.1%} of {bare:,.0f} a second",
        ),
        Measure(
            "memory of that process afterwards",
            f"{found.megabytes:.0f} MB",
            f"under {BAR_MEGABYTES} MB",
            small,
        ),
    ]


def same_with_doses(few: tuple[int, PageLoad], many: tuple[int, PageLoad]) -> list[Measure]:
    """Return the line that compares a city of ``few`` doses with one of ``many``."""
    ratio = many[1].per_second / few[1].per_second
    return [
        Measure(
            f"resident page in a city of {many[0]:,} doses against one of {few[0]:,}",
            f"{ratio:.2f}x ({many[1].per_second:.0f} against {few[1].per_second:.0f} a second)",
            f"at least {SAME}x",
            ratio >= SAME,
        )
    ]
