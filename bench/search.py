"""Finding a resident: the whole page over HTTP against the bare SQL in the database.

Everybody is looked for twice and the second time counts: both cities are then in the cache of the database,
and what differs is the work, not the disk.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import psycopg

from bench.city import BenchCity
from bench.report import Measure
from bench.visitor import Visitor, token_in
from yvaxportal.embedded.roles import libpq
from yvaxportal.services.find_residents import PAGE_SIZE

BAR_RESIDENTS = 150_000
GROWN_RESIDENTS = 1_500_000
TIMES_SQL = 5
PLUS_SECONDS = 0.015
GROWTH = 1.5
SEARCHES = 200
PREFIX = 2

#: What a program would ask that knew beforehand which index to walk.
BARE = """
SELECT n.id, r.atena_number, r.name, r.name_kana, r.date_of_birth_written, r.sex, r.resident_category,
       c.current_address
FROM resident_name n JOIN resident r ON r.id = n.resident_id
     LEFT JOIN resident_contact c ON c.resident_id = r.id
WHERE n.key >= %s AND n.key < %s AND n.date_of_birth_written = %s
ORDER BY n.key, n.id LIMIT %s
"""
#: People from one end of the city to the other, by the names written in kana.
PEOPLE = """
SELECT n.key, r.date_of_birth_written FROM resident r JOIN resident_name n ON n.resident_id = r.id
WHERE r.date_of_birth IS NOT NULL AND r.id %% %s = 0 AND n.key >= 'ア' AND n.key < 'ン' ORDER BY r.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody to look for: the beginning of the name in kana, folded, and the birth date (ISO)."""

    prefix: str
    born: str

    @property
    def typed(self) -> str:
        """Return what goes into the search box."""
        return f"{self.prefix} {self.born}"


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """Medians in seconds."""

    sql: float
    page: float
    with_post: float


def times(place: BenchCity, port: int) -> SearchTimes:
    """Measure searches for people spread over the whole city."""
    with psycopg.connect(libpq(place.urls.owner), autocommit=True) as connection:
        wanted = somebody(connection, place.residents)
        bare(connection, wanted)
        sql = median(bare(connection, wanted))
    with Visitor(port) as visitor:
        visitor.sign_in("registrar", "yvax-demo-2026")
        token = token_in(visitor.get("/residents/"))
        through_http(visitor, token, wanted)
        both = through_http(visitor, token, wanted)
    return SearchTimes(sql, median(get for _, get in both), median(post + get for post, get in both))


def somebody(connection: psycopg.Connection, residents: int) -> Sequence[Wanted]:
    """Return people from one end of the city to the other."""
    rows = connection.execute(PEOPLE, (max(1, residents // SEARCHES), SEARCHES)).fetchall()
    return [Wanted(key[:PREFIX], born) for key, born in rows]


def bare(connection: psycopg.Connection, wanted: Sequence[Wanted]) -> list[float]:
    """Return how long the statement takes for each."""
    spent = []
    for one in wanted:
        after = one.prefix[:-1] + chr(ord(one.prefix[-1]) + 1)
        began = time.perf_counter()
        found = connection.execute(
            BARE, (one.prefix, after, one.born, PAGE_SIZE + 1), prepare=True
        ).fetchall()
        spent.append(time.perf_counter() - began)
        if not found:
            raise RuntimeError("somebody of the city was not found by SQL")
    return spent


def through_http(visitor: Visitor, token: str, wanted: Sequence[Wanted]) -> list[tuple[float, float]]:
    """Return for each search how long sending it and how long its page took."""
    spent = []
    for one in wanted:
        began = time.perf_counter()
        visitor.post("/residents/search", {"csrf_token": token, "q": one.typed}, status=303)
        sent = time.perf_counter()
        page = visitor.get(visitor.where)
        spent.append((sent - began, time.perf_counter() - sent))
        if "row-link" not in page:
            raise RuntimeError("somebody of the city was not found on the page")
    return spent


def measures(found: SearchTimes, residents: int) -> list[Measure]:
    """Return the lines about search in one city."""
    bar = found.sql * TIMES_SQL + PLUS_SECONDS
    name = f"search by kana prefix and birth date among {residents:,}"
    return [
        Measure(f"{name}: bare SQL", f"{found.sql * 1000:.2f} ms"),
        Measure(
            "... page of results",
            f"{found.page * 1000:.1f} ms",
            f"5x SQL + 15 ms = {bar * 1000:.1f} ms",
            found.page <= bar if residents == BAR_RESIDENTS else None,
        ),
        Measure("... sending the search and its page", f"{found.with_post * 1000:.1f} ms"),
    ]


def growth(small: SearchTimes, grown: SearchTimes, residents: int, grown_residents: int) -> list[Measure]:
    """Return the line about how the cost of a page grows with the city."""
    at_bar = (residents, grown_residents) == (BAR_RESIDENTS, GROWN_RESIDENTS)
    ratio = grown.page / small.page
    what = f"cost of the page from {residents:,} to {grown_residents:,} residents"
    return [
        Measure(what, f"{ratio:.2f}x", f"at most {GROWTH}x", ratio <= GROWTH if at_bar else None),
        Measure("... of the bare SQL", f"{grown.sql / small.sql:.2f}x"),
    ]
