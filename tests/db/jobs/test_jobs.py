"""The job queue with a real worker on a real database."""

import asyncio
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from procrastinate import App
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.db.sync.register import Register, person
from tests.db.sync.registers import Tax, Welfare
from tests.people import NOW, resident
from yvaxportal.adapters.interfaces import SYSTEMS, IResidentRegister, ITaxRegister
from yvaxportal.adapters.loading import Adapters
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.embedded.roles import libpq
from yvaxportal.jobs import tasks
from yvaxportal.jobs.app import make_app
from yvaxportal.jobs.context import KEY, Tools
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.services.connections import Connections
from yvaxportal.services.waking import SYNC_RESIDENTS, wake
from yvaxportal.vault.keyring import KeyRing
from yvaxportal.vault.vault import Vault

TASKS = {
    "yvax:seal_audit",
    "yvax:purge_expired",
    "yvax:retry_stalled",
    "yvax:remove_finished",
    "yvax:sync_residents",
    "yvax:deliver_outbox",
    "yvax:sync_notices",
    "yvax:refresh_eligibility",
    "yvax:run_imports",
    "yvax:run_lists",
    "yvax:find_doubles",
    "yvax:make_outputs",
    "yvax:wipe_outputs",
}


def alone(engine: Engine) -> Connections:
    """No other system: whoever asked one would find out."""
    names = dict.fromkeys(SYSTEMS, "local")
    return Connections(Adapters({}), names, engine, cast("Vault", None), "312029", lambda: NOW)


def workshop(engine: Engine) -> Workshop:
    """Where nothing is asked for."""
    return Workshop(
        engine=engine,
        key_ring=KeyRing.with_new_key(),
        layouts={},
        folder=Path(tempfile.gettempdir()) / "yvax-no-outputs",
        temporary=None,
        approval_above=1000,
        keep_days=7,
        clock=lambda: NOW,
    )


def run_worker(
    app: App, engine: Engine, connections: Connections | None = None, shop: Workshop | None = None
) -> None:
    given = Tools(
        engine, Ed25519PrivateKey.generate(), connections or alone(engine), shop or workshop(engine)
    )

    async def until_idle() -> None:
        async with app.open_async():
            await app.run_worker_async(
                wait=False,
                install_signal_handlers=False,
                listen_notify=False,
                delete_jobs="successful",
                additional_context={KEY: given},
            )

    # In a thread of its own: Playwright's loop, where a browser test ran before, still lives in this one.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, until_idle()).result()


def rows(urls: DatabaseUrls, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(libpq(urls.app)) as connection:
        return connection.execute(query.encode()).fetchall()


ADD_JOB = text(
    "INSERT INTO procrastinate_jobs (task_name, queue_name, status, lock, queueing_lock, args) VALUES "
    "('yvax:purge_expired', 'default', (:status)::procrastinate_job_status, 'p', 'purge_expired', :args)"
)


def add_job(engine: Engine, status: str, timestamp: int) -> None:
    """Add a job as the queue holds it: ``doing`` without a worker is one whose worker was killed."""
    with engine.begin() as connection:
        connection.execute(ADD_JOB, {"status": status, "args": json.dumps({"timestamp": timestamp})})


def test_the_tasks_that_are_done_by_themselves(database_urls: DatabaseUrls) -> None:
    app, again = make_app(database_urls.app), make_app(database_urls.app)
    assert set(app.tasks) >= TASKS
    assert {name for name, _ in app.periodic_registry.periodic_tasks} == TASKS
    assert set(again.tasks) >= TASKS


def test_a_worker_does_what_waits(
    database_urls: DatabaseUrls, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []
    monkeypatch.setattr(tasks, "purge", lambda _engine, now: done.append(now))
    monkeypatch.setattr(tasks, "seal_pending", lambda _engine, key: done.append(key))
    app = make_app(database_urls.app)
    with app.open():
        app.configure_task("yvax:purge_expired").defer(timestamp=0)
        app.configure_task("yvax:seal_audit").defer(timestamp=0)
    run_worker(app, engine)
    assert datetime(1970, 1, 1, tzinfo=UTC) in done
    assert any(isinstance(one, Ed25519PrivateKey) for one in done)
    assert rows(database_urls, "SELECT task_name FROM procrastinate_jobs WHERE status <> 'todo'") == []


def test_a_killed_workers_job_is_taken_up(database_urls: DatabaseUrls, engine: Engine) -> None:
    add_job(engine, "doing", 1)
    app = make_app(database_urls.app)
    with app.open():
        app.configure_task("yvax:retry_stalled").defer(timestamp=0)
    run_worker(app, engine)
    assert (
        rows(database_urls, "SELECT status FROM procrastinate_jobs WHERE status IN ('doing', 'failed')") == []
    )


def test_a_killed_workers_job_that_waits_again_is_dropped(
    database_urls: DatabaseUrls, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[datetime] = []
    monkeypatch.setattr(tasks, "purge", lambda _engine, now: done.append(now))
    add_job(engine, "doing", 1)
    add_job(engine, "todo", 2)
    app = make_app(database_urls.app)
    with app.open():
        app.configure_task("yvax:retry_stalled").defer(timestamp=0)
    run_worker(app, engine)
    assert [now.timestamp() for now in done if now.timestamp() < 3] == [2]
    assert (
        rows(database_urls, "SELECT status FROM procrastinate_jobs WHERE status IN ('doing', 'failed')") == []
    )


def test_no_job_carries_more_than_a_time(database_urls: DatabaseUrls, engine: Engine) -> None:
    app = make_app(database_urls.app)
    run_worker(app, engine)
    for (args,) in rows(database_urls, "SELECT args FROM procrastinate_jobs"):
        assert set(args) <= {"timestamp"}


@pytest.fixture
def connections(engine: Engine, secrets: Path) -> Connections:
    """Other systems that a test fills."""
    adapters: dict[str, Any] = {"resident_register": Register(), "tax": Tax(), "welfare": Welfare()}
    vault = Vault(engine, KeyRing.load(secrets / "ring.json"), "312029")
    names = dict.fromkeys(adapters, "rest")
    return Connections(Adapters(adapters), names, engine, vault, "312029", lambda: NOW)


def woken(engine: Engine, name: str, moment: datetime) -> bool:
    """Put a task into the queue, as a page does."""
    with Session(engine) as session, session.begin():
        return wake(session, name, moment, alone=True)


def test_the_register_is_followed_when_asked_for(
    database_urls: DatabaseUrls, engine: Engine, connections: Connections
) -> None:
    register: Any = connections.adapters.get(IResidentRegister)
    register.happens("birth", person("1000000010"))
    assert woken(engine, SYNC_RESIDENTS, NOW)
    assert not woken(engine, SYNC_RESIDENTS, NOW)
    run_worker(make_app(database_urls.app), engine, connections)
    assert rows(database_urls, "SELECT atena_number FROM resident") == [("1000000010",)]
    assert woken(engine, SYNC_RESIDENTS, NOW)


def test_the_registers_are_asked_about_everybody_at_night(
    database_urls: DatabaseUrls, engine: Engine, connections: Connections, world: Session
) -> None:
    someone = resident(world)
    world.commit()
    tax: Any = connections.adapters.get(ITaxRegister)
    tax.states[someone.atena_number] = "exempt"
    assert woken(engine, "refresh_eligibility", NOW)
    run_worker(make_app(database_urls.app), engine, connections)
    assert rows(database_urls, "SELECT state, source FROM eligibility") == [("exempt", "tax")]


def test_nobody_follows_the_portals_own_tables(
    database_urls: DatabaseUrls, engine: Engine, connections: Connections
) -> None:
    alone = replace(connections, names=dict.fromkeys(connections.names, "local"))
    for name in (SYNC_RESIDENTS, "refresh_eligibility"):
        woken(engine, name, NOW)
    run_worker(make_app(database_urls.app), engine, alone)
    assert rows(database_urls, "SELECT * FROM sync_state") == []
