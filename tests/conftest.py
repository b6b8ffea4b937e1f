"""A real PostgreSQL for the tests: one server a run, a fresh copy of the migrated database a test."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, pool
from sqlalchemy.orm import Session

from tests.database import DatabaseServer, new_server_folder, remove_leftovers
from yvaxportal.embedded.places import DatabaseUrls

pytest_plugins = ("tests.application", "tests.contract_city", "yvaxportal.adapters.conformance.pytest_plugin")

SERVER = pytest.StashKey[DatabaseServer]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the run's server; the first test that needs it starts it."""
    workerinput: dict[str, Any] | None = getattr(config, "workerinput", None)
    if workerinput is not None:
        config.stash[SERVER] = DatabaseServer(workerinput["yvax_server"])
        return
    remove_leftovers()
    config.stash[SERVER] = new_server_folder()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker of pytest-xdist where the run's server is."""
    node.workerinput["yvax_server"] = str(node.config.stash[SERVER].var)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server when the run is over, whoever started it."""
    if not hasattr(config, "workerinput") and SERVER in config.stash:
        config.stash[SERVER].remove()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> DatabaseServer:
    """Return the running server of this test run."""
    server = request.config.stash[SERVER]
    server.ensure_running()
    return server


@pytest.fixture
def database_urls(postgres: DatabaseServer) -> Iterator[DatabaseUrls]:
    """Give the test a migrated, otherwise empty database of its own; what it commits goes with it."""
    with postgres.fresh_database() as urls:
        yield urls


@pytest.fixture
def engine(database_urls: DatabaseUrls) -> Iterator[Engine]:
    """Give an engine of the application's role."""
    yield from _engine(database_urls.app)


@pytest.fixture
def owner_engine(database_urls: DatabaseUrls) -> Iterator[Engine]:
    """Give an engine of the role that owns the tables."""
    yield from _engine(database_urls.owner)


@pytest.fixture
def db(engine: Engine) -> Iterator[Session]:
    """Give a session of the application's role; its commits are savepoints of a transaction rolled back."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        outer.rollback()


def _engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url, poolclass=pool.QueuePool, pool_size=5)
    yield engine
    engine.dispose()
