"""How fast a portal takes over everybody from a file that the resident register delivered.

The people are those of the bench's city. Beside it, in the same run, a bare COPY of the rows that the load
wrote, into the same tables of another empty portal: the keys, indexes and checks are the portal's, with or
without it. How long it takes into tables without any is told, too.
"""

import csv
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from bench.city import MUNICIPALITY, BenchCity, empty_city
from bench.followed import BAR_MEGABYTES, Run, follow_with
from bench.report import Measure
from bench.sample_load import bare_copy, blocks
from yvaxportal.embedded.roles import libpq
from yvaxportal.values.clock import JST

BAR_RESIDENTS = 150_000
BAR_TIMES = 6.0
_TOTAL_MODULUS = 10**15
# In the order in which they can be filled.
_TABLES = (
    "resident",
    "resident_name",
    "resident_contact",
    "foreign_resident",
    "support_measure",
    "register_version",
)
# The columns of JUMIN in docs/protocols/folder.md; what the city does not have is empty.
_PEOPLE = """
    SELECT 'D', r.atena_number, r.household_number, %s, r.revision,
        CASE r.resident_category WHEN 'resident' THEN 1 WHEN 'moved_out' THEN 2 WHEN 'deceased' THEN 3
            ELSE 4 END,
        r.name, r.name_kana, r.name_alphabet, r.alias_name, r.former_name, r.date_of_birth_written, r.sex,
        r.relationship_to_head, r.became_resident_reason, r.became_resident_on,
        r.became_resident_notified_on, r.ceased_resident_reason, r.ceased_resident_on,
        r.ceased_resident_notified_on, c.postal_code, c.current_address, c.address_code, c.address_town_code,
        c.neighbourhood_association, c.elementary_school_district, c.junior_high_school_district,
        c.address_before_moving_in, c.address_after_moving_out, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM resident r LEFT JOIN resident_contact c ON c.resident_id = r.id
    WHERE r.resident_category <> 'non_registered' ORDER BY r.atena_number"""


def measures(place: BenchCity) -> list[Measure]:
    """Return the lines about taking over the people of ``place``."""
    exchange = place.folder / "exchange"
    count = deliver(place, exchange / "in")
    system = "yvaxportal.adapters.resident_register"
    with empty_city(place.folder.parent) as portal:
        run = follow_with(portal, {system: "files", f"{system}.folder": str(exchange)})
        taken = rows_of(portal)
        if taken != count:
            raise RuntimeError(f"{taken} people were taken over, of {count}")
        naked = bare_copy(libpq(portal.urls.admin), _TABLES)
        with empty_city(place.folder.parent) as other:
            bare = same_copy(libpq(portal.urls.admin), libpq(other.urls.admin), _TABLES)
    times = run.seconds / bare
    the_bars = place.residents == BAR_RESIDENTS
    return [
        Measure(
            f"take over {count:,} residents from a delivered file, the start of the command included",
            _ratio(run.seconds, bare),
            f"at most {BAR_TIMES:.0f}x of a bare COPY into the same tables",
            times <= BAR_TIMES if the_bars else None,
        ),
        Measure("... against a COPY into tables without keys, indexes or checks", _ratio(run.seconds, naked)),
        Measure(
            "... memory of that process",
            f"{run.megabytes:.0f} MB",
            f"under {BAR_MEGABYTES} MB",
            run.megabytes < BAR_MEGABYTES if the_bars else None,
        ),
    ]


def same_copy(source: str, target: str, tables: Sequence[str]) -> float:
    """Return the seconds that it takes to copy all rows of some tables into the same ones elsewhere."""
    spent = 0.0
    with psycopg.connect(source) as old, psycopg.connect(target) as new:
        for table in tables:
            into = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))
            for block in blocks(old, table):
                began = time.perf_counter()
                with new.cursor().copy(into) as copy:
                    copy.write(block)
                spent += time.perf_counter() - began
        began = time.perf_counter()
        new.commit()
        spent += time.perf_counter() - began
    return spent


def _ratio(seconds: float, bare: float) -> str:
    return f"{seconds / bare:.1f}x of {bare:.1f} s"


def growth(residents: int, few: int, folder: Path | None) -> list[Measure]:
    """Return the line about memory from a small city to a large one, of made-up people without a register."""
    small, large = (_made_up_load(count, folder) for count in (few, residents))
    what = f"take over {residents:,} residents from a delivered file: memory"
    flat = large.megabytes < BAR_MEGABYTES
    return [
        Measure(
            what,
            f"{large.megabytes:.0f} MB ({small.megabytes:.0f} MB for {few:,}), {large.seconds:,.0f} s",
            f"under {BAR_MEGABYTES} MB",
            flat,
        )
    ]


def _made_up_load(residents: int, folder: Path | None) -> Run:
    system = "yvaxportal.adapters.resident_register"
    with empty_city(folder) as portal:
        exchange = portal.folder / "exchange"
        write(exchange / "in", map(_made_up, range(residents)))
        run = follow_with(portal, {system: "files", f"{system}.folder": str(exchange)})
        if (taken := rows_of(portal)) != residents:
            raise RuntimeError(f"{taken} people were taken over, of {residents}")
    return run


def _made_up(place: int) -> tuple[object, ...]:
    """Return a line of JUMIN about somebody who cannot exist."""
    born = date(1930, 1, 1) + timedelta(days=place % 35_000)
    names = (f"見本　{place}号", "ミホン　ゴウ", None, None, None)
    return (
        *(
            "D",
            f"9{place:08}",
            f"{place // 3:09}",
            MUNICIPALITY,
            1,
            1,
            *names,
            born.isoformat(),
            1 + place % 2,
        ),
        *("世帯主", "転入", "2020-04-01", "2020-04-02", None, None, None),
        *("6830811", f"鳥取県米子市錦町{place % 900}", *([None] * 15)),
    )


def deliver(place: BenchCity, inbox: Path) -> int:
    """Write everybody of a city as a full file; return how many they are."""
    with psycopg.connect(libpq(place.urls.admin)) as source, source.cursor(name="people") as people:
        return write(inbox, people.execute(_PEOPLE, (MUNICIPALITY,)))


def write(inbox: Path, people: Iterable[Sequence[object]]) -> int:
    """Write a full file of lines of JUMIN; return how many they are."""
    inbox.mkdir(parents=True)
    as_of = (datetime.now(UTC) - timedelta(minutes=1)).astimezone(JST).replace(microsecond=0)
    name = f"JUMIN_Z_{MUNICIPALITY}_00000001_{as_of:%Y%m%d%H%M%S}.csv"
    count = total = 0
    with (inbox / name).open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["H", "JUMIN", "1", MUNICIPALITY, "Z", "00000001", as_of.isoformat()])
        for row in people:
            out.writerow(row)
            count, total = count + 1, total + int(str(row[1]))
        out.writerow(["T", count, total % _TOTAL_MODULUS])
    return count


def rows_of(portal: BenchCity) -> int:
    """Return how many residents a portal has."""
    with psycopg.connect(libpq(portal.urls.admin)) as connection:
        found = connection.execute("SELECT count(*) FROM resident").fetchone()
    return 0 if found is None else int(found[0])
