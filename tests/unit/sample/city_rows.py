"""The rows of a small city as dictionaries, as COPY would store them."""

from functools import cache

from yvaxportal.sample import SAMPLE_DAY
from yvaxportal.sample.bulk import TABLES
from yvaxportal.sample.city import City, Plan

Row = dict[str, str | None]


def plan(residents: int, seed: int = 7) -> Plan:
    return Plan(residents, seed, "312029", SAMPLE_DAY)


@cache
def city_rows(residents: int) -> dict[str, list[Row]]:
    """Return the rows of every table."""
    wanted = plan(residents)
    city = City(wanted)
    found: dict[str, list[Row]] = {table: [] for table in TABLES}
    for number in range(wanted.chunks):
        for table, lines in city.chunk(number).tables.items():
            found[table] += [_row(table, line) for line in lines]
    return found


def _row(table: str, line: str) -> Row:
    values = line.removesuffix("\n").split("\t")
    return {
        column: None if value == "\\N" else value for column, value in zip(TABLES[table], values, strict=True)
    }
