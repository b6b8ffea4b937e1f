"""Worker and database killed at seeded moments while a file is applied: every row becomes one dose, once.

YVAX_IMPORT_KILLS says how often; the moments and the kinds follow from the seed.
"""

import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from tests.importing import Office, office, questionnaires, row_of
from tests.people import NOW, resident
from yvaxportal.embedded.places import APP_ROLE, data_folder
from yvaxportal.embedded.server import EmbeddedPostgres
from yvaxportal.migrate import upgrade
from yvaxportal.services.imports.applying import apply
from yvaxportal.services.imports.bureau import Bureau

KILLS = int(os.environ.get("YVAX_IMPORT_KILLS", "3"))
ROWS = 200
KINDS = ("worker", "connections", "server")
_CONNECTIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
    "AND usename = current_user AND pid <> pg_backend_pid()"
)
_COUNTS = text(
    "SELECT (SELECT count(*) FROM dose), (SELECT count(*) FROM dose_source_record), "
    "(SELECT count(*) FROM audit_event WHERE action = 'dose.recorded'), "
    "(SELECT count(DISTINCT (resident_id, vaccine, given_on)) FROM dose)"
)


@dataclass(frozen=True)
class Own:
    """A server of the test's own."""

    server: EmbeddedPostgres
    var: Path
    engine: Engine


@pytest.fixture
def own() -> Iterator[Own]:
    """Give a server that keeps what it said it has, as in production: it is to be killed."""
    with tempfile.TemporaryDirectory(prefix="yvax-killed-") as name:
        var = Path(name)
        var.chmod(0o711)
        with EmbeddedPostgres(var) as server:
            upgrade(server.urls.owner, APP_ROLE)
            engine = create_engine(server.urls.app)
            yield Own(server, var, engine)
            engine.dispose()


def _apply_elsewhere(url: str, bureau: Bureau, batch_id: int) -> None:
    apply(replace(bureau, engine=create_engine(url), clock=_now), batch_id)


def _now() -> datetime:
    return NOW


def handed_in(desk: Office, engine: Engine) -> int:
    """Hand in a file of one dose for each of some new people, and ask for it to be applied."""
    with Session(engine, expire_on_commit=False) as world:
        people = [
            resident(world, born="1990-01-01", became_resident_on=date(1990, 1, 1)) for _number in range(ROWS)
        ]
        world.commit()
    rows = [
        row_of(one, ワクチン="インフルエンザ", 接種日="2025-11-05", ロット番号="HA012A") for one in people
    ]
    content = questionnaires([[*row[:4], "任意", *row[5:]] for row in rows])
    batch = desk.checked(content.replace("性別".encode(), "接種区分".encode(), 1))
    assert batch.counts == {"ready": ROWS}
    desk.ask_for_apply(batch.id)
    return batch.id


def end_server(var: Path) -> None:
    """End the server with all its processes at once, as a power cut does."""
    postmaster = psutil.Process(int((data_folder(var) / "postmaster.pid").read_text().split()[0]))
    everything = [postmaster, *postmaster.children(recursive=True)]
    for process in everything:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(everything, timeout=20)


def test_killed_anywhere_every_row_is_applied_once(own: Own) -> None:
    chance = random.Random(20261128)  # noqa: S311 - moments, not secrets
    with Session(own.engine) as world:
        desk = office(own.engine, world)
    context = multiprocessing.get_context("fork")
    landed = 0
    for kill in range(1, KILLS + 1):
        batch_id = handed_in(desk, own.engine)
        # A fork must not take an open connection along.
        own.engine.dispose()
        process = context.Process(target=_apply_elsewhere, args=(own.server.urls.app, desk.bureau, batch_id))
        process.start()
        time.sleep(chance.uniform(0.0, 0.5))
        kind = KINDS[kill % len(KINDS)]
        if kind == "worker":
            process.kill()
        elif kind == "connections":
            with own.engine.begin() as connection:
                connection.execute(_CONNECTIONS)
        else:
            end_server(own.var)
        process.join(20)
        assert process.exitcode is not None
        own.engine.dispose()
        if kind == "server":
            own.server.start()
        before = (kill - 1) * ROWS
        found = counts(own.engine)
        assert found in {(before,) * 4, (before + ROWS,) * 4}, (kill, kind)
        landed += found[0] == before
        apply(desk.bureau, batch_id)
        assert counts(own.engine) == (before + ROWS,) * 4, (kill, kind)
    # The moments are such that a good part of the runs was really ended.
    assert landed >= KILLS // 4


def counts(engine: Engine) -> tuple[int, ...]:
    """Return how many doses there are, sources of them, audit records of them, and different ones."""
    with engine.connect() as connection:
        return tuple(connection.execute(_COUNTS).one())
