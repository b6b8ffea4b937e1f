"""National tables for a year against hand-written SQL for the same year.

The other side is what somebody would write into psql for the table of doses: which doses count, by vaccine,
number, month, delivery and legal category, without ages; for coverage also the number of targets of each row.
Both sides read every dose of the year; what differs is the work of the definitions and of the language.
"""

import time
from collections.abc import Callable, Collection
from functools import partial
from statistics import median

import psycopg
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from bench.city import MUNICIPALITY, SAMPLE_DAY, BenchCity
from bench.report import Measure
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.embedded.roles import libpq
from yvaxportal.models.staff import StaffAccount
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.dashboard.coverage import curves
from yvaxportal.services.fees.claims import claims
from yvaxportal.services.fees.tariff import load_tariff
from yvaxportal.services.reports.counting import Counting, count
from yvaxportal.services.reports.library import load_library
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.snapshots import make
from yvaxportal.services.reports.table import table
from yvaxportal.services.reports.targets import Births
from yvaxportal.values.clock import now_utc

BAR_RESIDENTS = 150_000
TIMES_SQL = 2
ROUNDS = 5
YEAR = Period(2025)

BY_HAND = """
SELECT d.vaccine, d.dose_number, date_part('month', d.given_on), d.delivery_category, d.dose_category,
       d.judgement, count(*)
FROM dose d JOIN resident r ON r.id = d.resident_id
WHERE d.given_on BETWEEN %(first)s AND %(last)s AND d.state = 'active' AND d.source <> 'municipality'
  AND (d.municipality_code IS NULL OR d.municipality_code = %(own)s)
  AND r.resident_category <> 'non_registered'
  AND (r.became_resident_on IS NULL OR d.given_on >= r.became_resident_on)
  AND (r.ceased_resident_on IS NULL OR d.given_on <= r.ceased_resident_on)
GROUP BY 1, 2, 3, 4, 5, 6
"""
#: The same for each row with targets: those of a range of birth dates who are residents at the end.
TARGETS_BY_HAND = """
SELECT count(*) FROM resident r
WHERE r.date_of_birth BETWEEN %(first)s AND %(last)s AND (%(sex)s = '' OR r.sex = %(sex)s)
  AND (r.became_resident_on IS NULL OR r.became_resident_on <= %(end)s)
  AND (r.resident_category = 'resident'
       OR (r.resident_category <> 'non_registered' AND r.ceased_resident_on > %(end)s))
"""


def measures(place: BenchCity) -> list[Measure]:
    """Return the lines about reports of one city."""
    library = load_library(load_schedule(load_catalogue()))
    at_bar = place.residents == BAR_RESIDENTS
    lines: list[Measure] = []
    ranges = {births for row in library.resolve("coverage", YEAR).rows for births in row.target_births or ()}
    with psycopg.connect(libpq(place.urls.app), autocommit=True) as connection:
        connection.execute("SET timezone = 'UTC'")
        by_hand = {
            "doses": _median(lambda: _doses(connection)),
            "coverage": _median(lambda: _coverage(connection, ranges)),
        }
    engine = create_engine(place.urls.app)
    with Session(engine) as session:
        for code, bare in by_hand.items():
            counting = Counting(library.resolve(code, YEAR), YEAR, MUNICIPALITY, SAMPLE_DAY)
            took = _median(partial(_table, session, counting))
            what = f"table of {code} for a year over {place.report.rows['dose']:,} doses"
            lines += [
                Measure(f"{what}: SQL by hand", f"{bare * 1000:.0f} ms"),
                Measure(
                    "... the table",
                    f"{took * 1000:.0f} ms, {took / bare:.2f}x",
                    f"under {TIMES_SQL}x",
                    took < TIMES_SQL * bare if at_bar else None,
                ),
            ]
        staff_id = session.scalars(select(StaffAccount.id).limit(1)).one()
        began = time.perf_counter()
        make(
            session,
            AuditTrail(session, engine, SYSTEM),
            library,
            report="coverage",
            period=YEAR,
            municipality_code=MUNICIPALITY,
            reason="",
            staff_id=staff_id,
            today=SAMPLE_DAY,
            now=now_utc(),
        )
        lines.append(
            Measure("... frozen with the members of every figure", f"{time.perf_counter() - began:.1f} s")
        )
        session.rollback()
        took = _median(lambda: curves(session, library, "mr_1", SAMPLE_DAY))
        lines.append(Measure("coverage of five cohorts over two years", f"{took * 1000:.0f} ms"))
        month = Period(2026, "m10")
        tariff = load_tariff(load_catalogue())
        took = _median(
            lambda: claims(
                session, tariff, first=month.first_day, last=month.last_day, municipality_code=MUNICIPALITY
            )
        )
        lines.append(Measure("fees of a month by institution and vaccine", f"{took * 1000:.0f} ms"))
    engine.dispose()
    return lines


def _doses(connection: psycopg.Connection) -> None:
    values = {"first": YEAR.first_day, "last": YEAR.last_day, "own": MUNICIPALITY}
    connection.execute(BY_HAND, values).fetchall()


def _coverage(connection: psycopg.Connection, ranges: Collection[Births]) -> None:
    _doses(connection)
    for births in ranges:
        values = {"first": births.first, "last": births.last, "sex": births.sex, "end": YEAR.last_day}
        connection.execute(TARGETS_BY_HAND, values).fetchall()


def _table(session: Session, counting: Counting) -> None:
    table(counting.definition, count(session, counting))


def _median(work: Callable[[], object]) -> float:
    """Return the median of some rounds in seconds, the first, which fills caches, left out."""
    spent = []
    for _round in range(ROUNDS + 1):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return median(spent[1:])
