"""Engines and sessions: how the tables are reached. One engine for each role and process."""

import time
from typing import Any

import transaction
import zope.sqlalchemy
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, sessionmaker

#: A connection that was at rest for longer is asked whether it still stands before it is used.
_FRESH_SECONDS = 1.0


def open_engine(url: str, *, pool_size: int = 5, statement_timeout_seconds: int = 30) -> Engine:
    """Return an engine on ``url`` (``postgresql+psycopg://``).

    Every connection speaks UTC and gives up a statement after ``statement_timeout_seconds``. A
    connection that the server dropped while it was at rest is replaced before it is used.
    """
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        # An error's text goes to logs; what a statement was about does not.
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": "yvaxportal",
            "options": f"-c statement_timeout={statement_timeout_seconds}s -c timezone=UTC",
        },
    )
    _replace_dropped(engine)
    return engine


def _replace_dropped(engine: Engine) -> None:
    """Ask a connection before it is used whether it still stands, unless it was used a moment ago.

    What SQLAlchemy does itself (``pool_pre_ping``) asks every time: one trip more for each page.
    """

    @event.listens_for(engine, "checkin")
    def rests(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def wakes(connection: Any, record: Any, _proxy: Any) -> None:
        since = record.info.get("rests_since")
        if since is None or time.monotonic() - since < _FRESH_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool takes another connection then, and drops all that are as old.
            raise DisconnectionError from error


def open_session(factory: sessionmaker[Session], manager: transaction.TransactionManager) -> Session:
    """Return a session that lives and ends with the manager's transaction.

    ``initial_state="changed"`` because a request that ran only Core statements would otherwise be rolled
    back without a word.
    """
    session = factory()
    zope.sqlalchemy.register(session, initial_state="changed", transaction_manager=manager)
    return session
