"""How fast everybody is forecast for every programme, two processes side by side, the database included.

Each process reads its half of the residents and of the doses that bear on the day, in order, and asks the
outlook. Counted is the time from opening the connections to the last answer of the slower process; the start
of the interpreters is not in it. The answers are counted, not kept. Of what is over for somebody the outlook
does not judge the doses (``yvaxportal.programme.outlook``).
"""

import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import psutil
import psycopg

from bench.city import SAMPLE_DAY, BenchCity
from bench.report import Measure
from yvaxportal.embedded.roles import libpq
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.programme.outlook import Outlook
from yvaxportal.programme.person import GivenDose, Person
from yvaxportal.values.wareki import parse_date

BAR_RESIDENTS = 150_000
BAR_PER_SECOND = 25_000
BAR_GROWTH = 1.25
PROCESSES = 2
_ROWS = 2_000
_MEGABYTE = 1 << 20
_PEOPLE = """
    SELECT id, date_of_birth, date_of_birth_written, sex FROM resident
    WHERE id BETWEEN %s AND %s ORDER BY id"""
_DOSES = """
    SELECT d.resident_id, d.vaccine, d.given_on, d.dose_number, d.dose_category
    FROM dose d JOIN unnest(%s::text[], %s::date[]) AS needed (vaccine, since)
        ON needed.vaccine = d.vaccine AND d.given_on >= needed.since
    WHERE d.resident_id BETWEEN %s AND %s AND d.state = 'active' AND d.judgement = 'given'
    ORDER BY d.resident_id"""


class Share(NamedTuple):
    """What one process did: answers by status, seconds, resident memory afterwards in MB."""

    people: int
    answers: Counter[str]
    seconds: float
    megabytes: float


class Pass(NamedTuple):
    """One pass over a whole city."""

    people: int
    answers: Counter[str]
    per_second: float
    megabytes: float


def forecast_all(place: BenchCity) -> Pass:
    """Forecast everybody of a city."""
    url = libpq(place.urls.owner)
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT max(id) FROM resident").fetchone()
    last = int(row[0]) if row else 0
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(PROCESSES)
    pipes, processes = [], []
    for number in range(PROCESSES):
        ours, theirs = context.Pipe(duplex=False)
        span = last * number // PROCESSES + 1, last * (number + 1) // PROCESSES
        process = context.Process(target=_share, args=(theirs, ready, url, *span), daemon=True)
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)
    shares: list[Share] = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    people = sum(share.people for share in shares)
    answers = sum((share.answers for share in shares), Counter[str]())
    slowest = max(share.seconds for share in shares)
    return Pass(people, answers, people / slowest, max(share.megabytes for share in shares))


def _share(pipe: Connection, ready: Any, url: str, first: int, last: int) -> None:
    """Forecast the residents with ids from ``first`` to ``last`` and send what came of it."""
    schedule = load_schedule(load_catalogue())
    ready.wait()
    began = time.perf_counter()
    outlook = Outlook(schedule, SAMPLE_DAY)
    answers: Counter[str] = Counter()
    people = 0
    for person, doses in _everybody(url, outlook, first, last):
        people += 1
        answers.update(one.status for one in outlook.forecast(person, doses) if one.status != "not_target")
    seconds = time.perf_counter() - began
    pipe.send(Share(people, answers, seconds, psutil.Process().memory_info().rss / _MEGABYTE))


def _everybody(url: str, outlook: Outlook, first: int, last: int) -> Iterator[tuple[Person, list[GivenDose]]]:
    """Give each resident with the doses that bear on the day."""
    needed = outlook.needed
    with ExitStack() as stack:
        reader, doser = (stack.enter_context(psycopg.connect(url)) for _ in range(2))
        people = stack.enter_context(reader.cursor("people", binary=True))
        doses = stack.enter_context(doser.cursor("doses", binary=True))
        people.itersize = doses.itersize = _ROWS
        people.execute(_PEOPLE, (first, last))
        doses.execute(_DOSES, (list(needed), list(needed.values()), first, last))
        given = iter(doses)
        dose = next(given, None)
        for resident_id, born, written, sex in people:
            mine: list[GivenDose] = []
            while dose is not None and dose[0] <= resident_id:
                mine.append(GivenDose(*dose[1:]))
                dose = next(given, None)
            yield Person(born or parse_date(written), sex), mine


def measures(found: Pass) -> list[Measure]:
    """Return the lines about the large city."""
    the_bar = found.people >= BAR_RESIDENTS
    said = ", ".join(f"{count:,} {status}" for status, count in sorted(found.answers.items()))
    return [
        Measure(
            f"forecast {found.people:,} residents from the database, {PROCESSES} processes",
            f"{found.per_second:,.0f} a second",
            f"at least {BAR_PER_SECOND:,}",
            found.per_second >= BAR_PER_SECOND if the_bar else None,
        ),
        Measure("... what came of it", said),
        Measure("... memory of a process afterwards", f"{found.megabytes:.0f} MB"),
    ]


def growth(small: Pass, grown: Pass) -> list[Measure]:
    """Return the lines that compare two cities: time for each resident, memory."""
    slower = small.per_second / grown.per_second
    heavier = grown.megabytes / small.megabytes
    return [
        Measure(
            f"time for each forecast from {small.people:,} to {grown.people:,} residents",
            f"{slower:.2f}x ({grown.per_second:,.0f} a second)",
            f"at most {BAR_GROWTH}x",
            slower <= BAR_GROWTH,
        ),
        Measure(
            "... memory of a process",
            f"{heavier:.2f}x ({grown.megabytes:.0f} MB)",
            f"at most {BAR_GROWTH}x",
            heavier <= BAR_GROWTH,
        ),
    ]
