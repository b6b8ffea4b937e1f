"""``make bench``: measure everything that has a bar, print the table and keep it in bench/RESULTS.md.

BENCH_RESIDENTS  size of the large city (150,000 is what the bars are for)
BENCH_GROWTH     size of the city that shows how search grows (1,500,000; 0 leaves that line out)
BENCH_SECONDS    how long a server is loaded for one figure (20)
BENCH_ROWS       rows of the large file of doses (1,000,000; 0 leaves that line out)
BENCH_LETTERS    tickets that are set as one PDF (10,000)
BENCH_FOLDER     where the databases are made (the system's temporary folder; the large ones need about 15 GB)

With other sizes than the bars' own the table is printed but RESULTS.md stays.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    delivered,
    extraction,
    followed,
    forecasts,
    hanging,
    imports,
    letters,
    matching,
    reports,
    resident_page,
    sample_load,
    search,
)
from bench.city import city, portal
from bench.report import Measure, results, table

RESULTS = Path(__file__).with_name("RESULTS.md")
# Two cities for the same page: one with next to no doses, one with about 200,000.
FEW, MANY = 500, 16_500


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, from the environment."""

    residents: int
    growth: int
    seconds: float
    rows: int
    letters: int
    folder: Path | None

    @classmethod
    def read(cls) -> "Plan":
        """Read the plan; ValueError where a number is none."""
        folder = os.environ.get("BENCH_FOLDER")
        return cls(
            int(os.environ.get("BENCH_RESIDENTS", search.BAR_RESIDENTS)),
            int(os.environ.get("BENCH_GROWTH", search.GROWN_RESIDENTS)),
            float(os.environ.get("BENCH_SECONDS", "20")),
            int(os.environ.get("BENCH_ROWS", imports.LARGE_ROWS)),
            int(os.environ.get("BENCH_LETTERS", letters.BAR_LETTERS)),
            Path(folder) if folder else None,
        )

    @property
    def is_the_bars(self) -> bool:
        """Tell whether the sizes are those the bars are for."""
        sizes = (self.residents, self.growth, self.rows, self.letters)
        bars = (search.BAR_RESIDENTS, search.GROWN_RESIDENTS, imports.LARGE_ROWS, letters.BAR_LETTERS)
        return sizes == bars


def measure_all(plan: Plan) -> Iterator[Measure]:
    """Give line after line, as soon as it is known."""
    with city(plan.residents, folder=plan.folder) as place:
        yield from sample_load.measures(place)
        doses = place.report.rows["dose"]
        with portal(place) as (port, _):
            small = search.times(place, port)
        yield from search.measures(small, plan.residents)
        yield from extraction.measures(place)
        found = resident_page.page_load(place, plan.seconds)
        yield from resident_page.measures(place, found, resident_page.bare_view(plan.seconds / 4))
        yield from followed.measures(place)
        yield from delivered.measures(place)
        yield from hanging.measures(place)
        yield from matching.measures(place)
        yield from imports.measures(place, plan.rows)
        yield from reports.measures(place)
        foreseen = forecasts.forecast_all(place)
        yield from forecasts.measures(foreseen)
    yield from letters.measures(plan.letters)
    loads = []
    for residents in (FEW, MANY):
        if residents >= plan.residents:
            # A small run has no smaller city to compare with.
            loads.append((doses, found))
            continue
        with city(residents, folder=plan.folder) as place:
            loads.append((place.report.rows["dose"], resident_page.page_load(place, plan.seconds)))
            if residents == MANY:
                yield from forecasts.growth(forecasts.forecast_all(place), foreseen)
    yield from resident_page.same_with_doses(*loads)
    if plan.growth:
        with city(plan.growth, folder=plan.folder) as place, portal(place) as (port, _):
            grown = search.times(place, port)
            yield from forecasts.growth(foreseen, forecasts.forecast_all(place))
        yield from search.growth(small, grown, plan.residents, plan.growth)
        yield from delivered.growth(plan.growth, plan.residents // 10, plan.folder)


def main() -> None:
    """Measure, print, keep."""
    plan = Plan.read()
    measures: list[Measure] = []
    for line in measure_all(plan):
        measures.append(line)
        print(f"{line.what}: {line.measured}", flush=True)
    print(f"\n{table(measures)}")
    if plan.is_the_bars:
        RESULTS.write_text(results(measures, datetime.now(UTC)), "utf-8")


if __name__ == "__main__":
    main()
