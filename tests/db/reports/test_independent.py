"""The tables against a computation written differently: DuckDB over exported rows, ages in Python.

What is shared is the data that says what a row is (vaccines, numbers, name of the targets). How doses are
selected, ages are counted and targets are found is written here a second time.
"""

import csv
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests.database import DatabaseServer
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.embedded.roles import libpq
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.sample import SAMPLE_DAY, load
from yvaxportal.services.reports.counting import Counting, count
from yvaxportal.services.reports.definition import Column, Row
from yvaxportal.services.reports.library import SHIPPED, Library, load_library
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.table import TOTAL, Table, table
from yvaxportal.values.ages import day_months_are_reached
from yvaxportal.values.fiscal import fiscal_year_reaching_age
from yvaxportal.vault.keyring import KeyRing

OWN = "312029"
CITIES = ((350, 3), (500, 11), (800, 2026))
PERIODS = (Period(2025), Period(2026), Period(2025, "h1"), Period(2025, "m10"), Period(2024, "m02"))
TARGETS: Mapping[str, list[dict[str, Any]]] = tomllib.loads((SHIPPED / "targets.toml").read_text("utf-8"))
#: What no made-up city has enough of: the rules that leave a dose out, or put it into the last column.
DOSES_ODD = (
    "delivery_category = NULL",
    "source = 'municipality'",
    "municipality_code = '312011'",
    "state = 'cancelled', change_reason = 'x'",
    "judgement = 'deferred'",
    "dose_number = dose_number + 5",
)
PEOPLE_ODD = (
    "resident_category = 'non_registered'",
    "date_of_birth = NULL, date_of_birth_written = left(date_of_birth_written, 5) || '00-00'",
    "resident_category = 'moved_out', ceased_resident_on = '2026-01-15'",
    "became_resident_on = '2025-10-20'",
    *(
        f"resident_category = 'moved_out', ceased_resident_on = '{day}'"
        for day in ("2025-09-30", "2025-10-31", "2026-03-31", "2026-04-01")
    ),
)
#: Days on which a rule turns: the legal birthday, the first and the last day of residence.
ON_THE_DAY = (
    *(
        f"date_of_birth = d.given_on + {off} - INTERVAL '{years} years'"
        for years in (1, 65)
        for off in (0, 1, 2)
    ),
    *(f"resident_category = 'moved_out', ceased_resident_on = d.given_on - {off}" for off in (0, 1)),
    *(f"became_resident_on = d.given_on + {off}" for off in (0, 1)),
)


@dataclass(frozen=True)
class City:
    """A database with a city, and its rows as an analyst would get them."""

    urls: DatabaseUrls
    visits: Sequence[dict[str, Any]]
    people: Sequence[dict[str, Any]]


@pytest.fixture(scope="module", params=CITIES, ids=lambda city: f"{city[0]}-{city[1]}")
def city(
    request: pytest.FixtureRequest, postgres: DatabaseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[City]:
    residents, seed = request.param
    folder = tmp_path_factory.mktemp("city")
    KeyRing.create(folder / "ring.json")
    with postgres.fresh_database() as urls:
        load(
            urls.owner,
            residents=residents,
            seed=seed,
            key_ring=folder / "ring.json",
            municipality_code=OWN,
            demo_accounts=True,
            today=SAMPLE_DAY,
            processes=0,
        )
        with psycopg.connect(libpq(urls.owner)) as connection:
            make_odd(connection, Random(seed))  # noqa: S311 - the same oddities every time
            export(connection, folder)
        yield City(urls, *read(folder))


def make_odd(connection: psycopg.Connection, rng: Random) -> None:
    rows = connection.execute(
        "SELECT id, resident_id FROM dose WHERE given_on >= '2024-01-01' ORDER BY id"
    ).fetchall()
    few = max(4, len(rows) // 60)
    for change in DOSES_ODD:
        ids = [row[0] for row in rng.sample(rows, few)]
        statement = f"UPDATE dose SET {change}, revision = revision + 1 WHERE id = ANY(%s)"  # noqa: S608
        connection.execute(statement.encode(), (ids,))
    for change in PEOPLE_ODD:
        ids = [row[1] for row in rng.sample(rows, few)]
        connection.execute(f"UPDATE resident SET {change} WHERE id = ANY(%s)".encode(), (ids,))  # noqa: S608
    # Both writings of a birth date are changed one after the other.
    connection.execute("ALTER TABLE resident DROP CONSTRAINT ck_resident_date_of_birth_agrees")
    for change in ON_THE_DAY:
        ids = [row[0] for row in rng.sample(rows, few)]
        statement = (
            f"UPDATE resident AS r SET {change} FROM dose AS d "  # noqa: S608
            "WHERE d.id = ANY(%s) AND d.resident_id = r.id AND d.given_on > '2025-04-01' "
            "AND d.given_on > r.date_of_birth"
        )
        connection.execute(statement.encode(), (ids,))
    connection.execute(
        "UPDATE resident SET date_of_birth_written = to_char(date_of_birth, 'YYYY-MM-DD') "
        "WHERE date_of_birth IS NOT NULL"
    )
    connection.execute(
        "UPDATE dose SET state = 'cancelled', change_reason = 'x', revision = revision + 1 "
        "WHERE vaccine LIKE 'hpv%' AND dose_number = 2 AND id % 3 = 0"
    )


def export(connection: psycopg.Connection, folder: Path) -> None:
    for name in ("dose", "resident"):
        with (
            (folder / f"{name}.csv").open("wb") as file,
            connection.cursor().copy(f"COPY {name} TO STDOUT (FORMAT csv, HEADER)".encode()) as copy,
        ):
            for block in copy:
                file.write(block)


def read(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the visits that count, and everybody, as DuckDB selects them."""
    base = duckdb.connect()
    base.execute(f"CREATE TABLE dose AS FROM read_csv('{folder}/dose.csv', all_varchar := true)")
    base.execute(f"CREATE TABLE person AS FROM read_csv('{folder}/resident.csv', all_varchar := true)")
    visits = base.execute(
        """
        WITH gone AS (
            SELECT dose.id FROM dose JOIN person ON person.id = dose.resident_id
            WHERE dose.state != 'active' OR dose.source = 'municipality'
               OR coalesce(dose.municipality_code, ?) != ?
               OR person.resident_category = 'non_registered'
               OR dose.given_on < person.became_resident_on OR dose.given_on > person.ceased_resident_on
        )
        SELECT dose.*, person.date_of_birth AS born, person.sex AS sex
        FROM dose JOIN person ON person.id = dose.resident_id ANTI JOIN gone ON gone.id = dose.id
        """,
        [OWN, OWN],
    )
    found = [dict(zip([one[0] for one in visits.description], row, strict=True)) for row in visits.fetchall()]
    had = {
        (one[0], one[1], int(one[2]))
        for one in base.execute(
            "SELECT resident_id, vaccine, dose_number FROM dose "
            "WHERE state = 'active' AND judgement = 'given'"
        ).fetchall()
    }
    for one in found:
        number = int(one["dose_number"])
        vaccines = [
            code for code in ("hpv2", "hpv4", "hpv9") if (one["resident_id"], code, number - 1) in had
        ]
        one["history"] = "known" if number == 1 or vaccines else "unknown"
    with (folder / "resident.csv").open(encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    base.close()
    return found, people


def day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None


def is_target(name: str, born: date, sex: str, period: Period) -> int:
    """Return how often the rule in force takes a birth date: 0 or 1."""
    if name in BY_LAW:
        return int(BY_LAW[name](born, sex, period))
    rule = next(
        one
        for one in TARGETS[name]
        if one["valid_from"] <= period.last_day
        and ("valid_to" not in one or period.last_day <= one["valid_to"])
    )
    if rule.get("sex", sex) != sex:
        return 0
    values = rule["values"]
    if rule["kind"] == "months":
        return sum(period.first_day <= day_months_are_reached(born, m) <= period.last_day for m in values)
    assert rule["kind"] == "years_in_fiscal_year"
    return int(any(fiscal_year_reaching_age(born, years) == period.fiscal_year for years in values))


def in_season(born: date, period: Period, last_month: int) -> bool:
    """Tell whether somebody is 65 on a day of the period that lies in the season from October on."""
    first = max(period.first_day, date(period.fiscal_year, 10, 1))
    last = min(period.last_day, Period(period.fiscal_year, f"m{last_month:02}").last_day)
    return first <= last and day_months_are_reached(born, 12 * 65) <= last


def years_in(born: date, period: Period) -> int:
    """Return the age that is reached in the fiscal year."""
    return next(age for age in range(130) if fiscal_year_reaching_age(born, age) == period.fiscal_year)


def in_catch_up(born: date, sex: str, period: Period) -> bool:
    last = date(2009, 4, 1) if period.fiscal_year == 2025 else date(2008, 4, 1)
    return sex == "2" and 2022 <= period.fiscal_year <= 2025 and date(1997, 4, 2) <= born <= last


def for_shingles(born: date, _sex: str, period: Period) -> bool:
    if period.fiscal_year < 2025 or born > period.last_day:
        return False
    age = years_in(born, period)
    return age in range(65, 101, 5) or (period.fiscal_year == 2025 and age > 100)


#: What the programme's own rules say, written from the law a second time.
BY_LAW: Mapping[str, Callable[[date, str, Period], bool]] = {
    "mr2": lambda born, _sex, period: fiscal_year_reaching_age(born, 6) == period.fiscal_year,
    "hpv_routine": lambda born, sex, period: (
        sex == "2" and born <= period.last_day and 12 <= years_in(born, period) <= 16
    ),
    "hpv_catch_up": in_catch_up,
    "influenza": lambda born, _sex, period: in_season(born, period, 1),
    "covid19": lambda born, _sex, period: in_season(born, period, 3),
    "shingles": for_shingles,
}


def lived_here(person: dict[str, Any], on: date) -> bool:
    became, ceased = day(person["became_resident_on"]), day(person["ceased_resident_on"])
    if became is not None and became > on:
        return False
    if person["resident_category"] == "resident":
        return True
    return person["resident_category"] != "non_registered" and ceased is not None and ceased > on


def age_class(visit: dict[str, Any], starts: Mapping[str, int]) -> str:
    born = day(visit["born"])
    if born is None:
        return "unknown"
    on = date.fromisoformat(visit["given_on"])
    if on + timedelta(days=1) < born:
        return "unknown"
    reached = [
        key for key, months in starts.items() if months == 0 or day_months_are_reached(born, months) <= on
    ]
    return reached[-1]


def counts(visit: dict[str, Any], column: Column, starts: Mapping[str, int]) -> bool:
    if (visit["judgement"] == "given") != (column.measure == "given"):
        return False
    asked = {
        (column.months, int(visit["given_on"][5:7])),
        (column.ages, age_class(visit, starts) if column.ages else None),
        (column.deliveries, visit["delivery_category"] or "unknown"),
        (column.categories, visit["dose_category"]),
        (column.histories, visit["history"]),
    }
    return all(not wanted or value in wanted for wanted, value in asked)


def belongs(visit: dict[str, Any], row: Row, births_of: str, period: Period) -> bool:
    if visit["vaccine"] not in row.vaccines:
        return False
    if not row.first_number <= int(visit["dose_number"]) <= row.last_number:
        return False
    born = day(visit["born"])
    return not births_of or (born is not None and is_target(births_of, born, visit["sex"], period) > 0)


def expected(city: City, library: Library, code: str, period: Period) -> dict[tuple[str, str], Any]:
    definition = library.resolve(code, period)
    first, last = period.first_day.isoformat(), period.last_day.isoformat()
    within = [
        one
        for one in city.visits
        if first <= one["given_on"] <= last
        and (not definition.categories or one["dose_category"] in definition.categories)
    ]
    entries = {entry["key"]: entry for entry in library.reports[code].entry.get("row", ())}
    starts = {one.key: one.first for one in definition.ages}
    here = [
        one
        for one in city.people
        if lived_here(one, min(period.last_day, SAMPLE_DAY)) and one["date_of_birth"]
    ]
    found: dict[tuple[str, str], Any] = {}
    for row in definition.rows:
        births_of = entries.get(row.key, {}).get("births_of", "")
        mine = [one for one in within if belongs(one, row, births_of, period)]
        for column in definition.columns.values():
            if column.measure == "targets" and row.target:
                found[row.key, column.key] = sum(
                    is_target(row.target, date.fromisoformat(one["date_of_birth"]), one["sex"], period)
                    for one in here
                )
            elif column.measure in {"given", "not_given"}:
                found[row.key, column.key] = sum(counts(one, column, starts) for one in mine)
        if row.target and "rate" in definition.columns and found[row.key, "targets"]:
            share = Decimal(100 * found[row.key, "given"]) / found[row.key, "targets"]
            found[row.key, "rate"] = share.quantize(Decimal("0.1"), ROUND_HALF_UP)
    return found


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library(load_schedule(load_catalogue()))


def counted(city: City, library: Library, code: str, period: Period) -> Table:
    engine = create_engine(city.urls.app)
    definition = library.resolve(code, period)
    with Session(engine) as session:
        found = table(definition, count(session, Counting(definition, period, OWN, SAMPLE_DAY)))
    engine.dispose()
    return found


@pytest.mark.parametrize(
    "code", ["doses", "coverage", "community_health", "routine", "measles_rubella", "hpv"]
)
def test_every_figure_is_what_another_computation_finds(city: City, library: Library, code: str) -> None:
    seen: Counter[str] = Counter()
    for period in PERIODS:
        if period.kind not in library.reports[code].periods:
            continue
        found = counted(city, library, code, period)
        wanted = expected(city, library, code, period)
        different = {
            place: (found.figures[place].value, value)
            for place, value in wanted.items()
            if found.figures[place].value != value
        }
        assert different == {}, period
        seen.update(place[1] for place, value in wanted.items() if value)
        if found.definition.total_row:
            whole = sum(value for (_row, column), value in wanted.items() if column == "given")
            assert found.at(TOTAL, "given").value == whole > 0
    # The cities are no empty ones: every measure was compared on figures that are not nought.
    assert all(seen[column] for column in ("given", "targets") if column in found.definition.columns)
