"""How fast files of doses are judged and recorded, and what a large one needs.

The file is the sample city's own, with faults of every kind (``sample.import_file``). Beside each figure, in
the same run, the least that its rows cost: a COPY of the same rows into the same tables, keys, indexes and
checks included, row by row through the same driver. For judging these are the stored changesets, for
recording the doses. The queue is measured on rows that all wait.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import psycopg
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from bench.city import MUNICIPALITY, BenchCity
from bench.report import Measure
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.embedded.roles import libpq
from yvaxportal.models.codes import ImportRowState, ImportState
from yvaxportal.models.database import open_engine
from yvaxportal.models.imports import ImportBatch
from yvaxportal.models.staff import StaffAccount
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.sample.import_file import Expected, write_file
from yvaxportal.services.imports.applying import apply
from yvaxportal.services.imports.bureau import Bureau
from yvaxportal.services.imports.checking import check
from yvaxportal.services.imports.desk import Sender, ask_for_apply, ask_for_check, hand_in
from yvaxportal.services.imports.doubtful import Place, Wanted, doubtful_page
from yvaxportal.services.imports.layouts import load_layouts
from yvaxportal.services.imports.queue import open_page
from yvaxportal.values.clock import now_utc
from yvaxportal.vault.keyring import KeyRing

BAR_RESIDENTS = 150_000
BAR_ROWS = 100_000
CHECKED_TIMES, APPLIED_TIMES = 8.0, 6.0
LARGE_ROWS = 1_000_000
LARGE_MEGABYTES = 300
QUEUE_TIMES = 1.5

_TEXT = frozenset({"raw", "parsed", "reasons", "candidates", "alerts", "doubt_reasons"})


@dataclass(frozen=True)
class Desk:
    """Whoever hands the bench's files in."""

    bureau: Bureau
    staff_id: int

    def audit(self, session: Session) -> AuditTrail:
        """Return the trail of this account."""
        return AuditTrail(session, self.bureau.engine, Actor("bench", (), None))

    def handed_in(self, file: IO[bytes]) -> int:
        """Hand a file in and ask for its check."""
        now = now_utc()
        with Session(self.bureau.engine) as session, session.begin():
            batch = hand_in(
                session,
                self.audit(session),
                self.bureau,
                layout="questionnaires",
                file_name="bench.csv",
                file=file,
                sender=Sender(self.staff_id, ()),
                now=now,
            )
            number, mapping = batch.id, dict(batch.mapping)
        with Session(self.bureau.engine) as session, session.begin():
            ask_for_check(
                session,
                self.audit(session),
                self.bureau,
                number,
                encoding="utf-8",
                mapping=mapping,
                staff_id=self.staff_id,
                now=now,
            )
        return number

    def ask_for_apply(self, batch_id: int) -> None:
        """Ask for a batch to be recorded."""
        with Session(self.bureau.engine) as session, session.begin():
            ask_for_apply(session, self.audit(session), batch_id, staff_id=self.staff_id, now=now_utc())


@contextmanager
def desk(place: BenchCity) -> Iterator[Desk]:
    """Open a desk in the city."""
    engine = open_engine(place.urls.app)
    try:
        yield Desk(bureau_of(place.folder, engine), _account(engine))
    finally:
        engine.dispose()


def bureau_of(folder: Path, engine: Engine) -> Bureau:
    """Return a bureau with the city's keys."""
    return Bureau(
        engine=engine,
        ring=KeyRing.load(folder / "key-ring"),
        schedule=load_schedule(load_catalogue()),
        layouts=load_layouts(),
        municipality_code=MUNICIPALITY,
        match_floor=700,
        clock=now_utc,
    )


def _account(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalars(select(StaffAccount.id).order_by(StaffAccount.id)).first() or 0


def measures(place: BenchCity, large: int) -> Iterator[Measure]:
    """Give the lines; ``large`` is the number of rows of the large file, 0 to leave it out."""
    rows = min(BAR_ROWS, place.residents * 2 // 3)
    the_bars = (place.residents, rows) == (BAR_RESIDENTS, BAR_ROWS)
    with desk(place) as at, tempfile.TemporaryFile() as file:
        with at.bureau.engine.connect() as connection:
            expected = write_file(connection, file, rows=rows, seed=1)
        batch_id, checked = timed_check(at, file)
        right(at, batch_id, expected)
        bare = bare_copy(place, "import_row", f"batch_id = {batch_id}")
        yield Measure(
            f"judge a file of {rows:,} doses against {place.residents:,} residents",
            f"{checked / bare:.1f}x of {bare:.2f} s",
            f"at most {CHECKED_TIMES:.0f}x of a COPY of the same rows",
            checked <= bare * CHECKED_TIMES if the_bars else None,
        )
        at.ask_for_apply(batch_id)
        began = time.perf_counter()
        apply(at.bureau, batch_id)
        applied = time.perf_counter() - began
        recorded = f"id IN (SELECT dose_id FROM import_row WHERE batch_id = {batch_id})"  # noqa: S608 - ours
        bare = bare_copy(place, "dose", recorded)
        yield Measure(
            "record them, audit and sources included",
            f"{applied / bare:.1f}x of {bare:.2f} s",
            f"at most {APPLIED_TIMES:.0f}x of a COPY of the same doses",
            applied <= bare * APPLIED_TIMES if the_bars else None,
        )
        number = waiting_rows(at, batch_id)
        yield queue_pages(at, number)
        yield worklist_pages(at, number)
    if large:
        yield large_file(place, large)


def timed_check(at: Desk, file: IO[bytes]) -> tuple[int, float]:
    """Return the batch and the seconds of its check."""
    file.seek(0)
    batch_id = at.handed_in(file)
    began = time.perf_counter()
    if check(at.bureau, batch_id) is not ImportState.CHECKED:
        raise RuntimeError("the bench's file was not checked")
    return batch_id, time.perf_counter() - began


def right(at: Desk, batch_id: int, expected: Expected) -> None:
    """Raise RuntimeError unless every row came to what the generator noted."""
    with at.bureau.engine.connect() as connection:
        found = connection.execute(
            text("SELECT line, state FROM import_row WHERE batch_id = :batch ORDER BY number"),
            {"batch": batch_id},
            execution_options={"yield_per": 10_000},
        )
        wrong = sum(expected.states[line - 2].value != state for line, state in found)
        rows = connection.scalar(
            text("SELECT count(*) FROM import_row WHERE batch_id = :batch"), {"batch": batch_id}
        )
    if wrong or rows != len(expected.states):
        raise RuntimeError(f"{wrong} rows came to something else than planned, of {rows}")


def bare_copy(place: BenchCity, table: str, which: str) -> float:
    """Return the seconds that a COPY of these rows into their table takes; nothing of it stays."""
    with psycopg.connect(libpq(place.urls.admin)) as connection:
        names = [
            row[0]
            for row in connection.execute(
                "SELECT attname::text FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
                "AND NOT attisdropped ORDER BY attnum",
                (table,),
            )
        ]
        columns = ", ".join(f"{name}::text" if name in _TEXT else name for name in names)
        rows: Sequence[tuple[Any, ...]] = connection.execute(
            f"SELECT {columns} FROM {table} WHERE {which}".encode()  # noqa: S608 - names of ours
        ).fetchall()
        connection.execute("SET session_replication_role = replica")
        connection.execute(f"DELETE FROM {table} WHERE {which}".encode())  # noqa: S608 - names of ours
        connection.execute("SET session_replication_role = origin")
        began = time.perf_counter()
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)
        seconds = time.perf_counter() - began
        connection.rollback()
    return seconds


def waiting_rows(at: Desk, batch_id: int) -> int:
    """Add a file of 100,000 rows that all wait and are all doubtful; return its number."""
    with Session(at.bureau.engine) as session, session.begin():
        other = session.get_one(ImportBatch, batch_id)
        copy = ImportBatch(
            **{
                column.name: getattr(other, column.name)
                for column in ImportBatch.__table__.columns
                if column.name not in {"id", "revision"}
            }
        )
        session.add(copy)
        session.flush()
        session.execute(
            text(
                "INSERT INTO import_row (batch_id, number, line, part, raw, parsed, state, reasons, "
                "revision, doubt, doubt_reasons, doubt_main) "
                "SELECT :batch, n, n, 1, '{}', '{}', 'number_unknown', '[[\"number_unknown\", {}]]', 1, "
                "1 + n % 100, '[[\"state_number_unknown\", {}, 55]]', 'state_number_unknown' "
                "FROM generate_series(1, :rows) AS n"
            ),
            {"batch": copy.id, "rows": BAR_ROWS},
        )
        number: int = copy.id
    return number


def queue_pages(at: Desk, batch_id: int) -> Measure:
    """Return how the last page of a queue of 100,000 compares with the first."""
    with Session(at.bureau.engine) as session:
        first = _median(lambda: open_page(session, batch_id, state=None, after=0))
        last = _median(lambda: open_page(session, batch_id, state=None, after=BAR_ROWS - 100))
    return Measure(
        f"a page of the review queue at the end of {BAR_ROWS:,} rows that wait",
        f"{last / first:.2f}x of {first * 1000:.1f} ms at the beginning",
        f"at most {QUEUE_TIMES}x",
        last <= first * QUEUE_TIMES,
    )


def worklist_pages(at: Desk, number: int) -> Measure:
    """Return how the last page of 100,000 doubtful rows compares with the first, asked in every way."""
    ways = (
        Wanted(),
        Wanted(number),
        Wanted(state=ImportRowState.NUMBER_UNKNOWN),
        Wanted(reason="state_number_unknown"),
    )
    with Session(at.bureau.engine) as session:
        first = max(_median(partial(doubtful_page, session, way, after=None)) for way in ways)
        # Of those with the fewest points the last thousand.
        end = Place(1, number, 100_000)
        last = max(_median(partial(doubtful_page, session, way, after=end)) for way in ways)
    return Measure(
        f"a page of the mismatch desk at the end of {BAR_ROWS:,} doubtful rows, filtered or not",
        f"{last / first:.2f}x of {first * 1000:.1f} ms at the beginning",
        f"at most {QUEUE_TIMES}x",
        last <= first * QUEUE_TIMES,
    )


def _median(ask: Callable[[], object]) -> float:
    taken = []
    for _ in range(21):
        began = time.perf_counter()
        ask()
        taken.append(time.perf_counter() - began)
    return sorted(taken)[10]


def large_file(place: BenchCity, rows: int) -> Measure:
    """Return what memory the check of a large file needs, in a process of its own."""
    with tempfile.NamedTemporaryFile(dir=place.folder) as file:
        with desk(place) as at, at.bureau.engine.connect() as connection:
            expected = write_file(connection, file, rows=rows, seed=2)
        file.flush()
        command = [sys.executable, "-m", "bench.imports", str(place.folder), place.urls.app, file.name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        batch_id, kilobytes = map(int, done.stdout.split())
        with desk(place) as at:
            right(at, batch_id, expected)
    megabytes = kilobytes / 1024
    return Measure(
        f"memory while a file of {rows:,} doses with faults of every kind is judged, each as planned",
        f"{megabytes:.0f} MB",
        f"under {LARGE_MEGABYTES} MB",
        megabytes < LARGE_MEGABYTES if rows == LARGE_ROWS else None,
    )


def main(folder: str, url: str, name: str) -> None:
    """Check one file, print the batch and the memory it took: the process that is measured."""
    engine = open_engine(url)
    at = Desk(bureau_of(Path(folder), engine), _account(engine))
    with Path(name).open("rb") as file:
        batch_id, _seconds = timed_check(at, file)
    print(batch_id, peak_kilobytes())
    engine.dispose()


def peak_kilobytes() -> int:
    """Return the most memory this process has had; what ``getrusage`` says begins with the parent's."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


if __name__ == "__main__":
    main(*sys.argv[1:])
