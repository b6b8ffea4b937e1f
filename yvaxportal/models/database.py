"""Engines and sessions: how the tables are reached. One engine for each role and process."""

import transaction
import zope.sqlalchemy
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session, sessionmaker


def open_engine(url: str, *, pool_size: int = 5, statement_timeout_seconds: int = 30) -> Engine:
    """Return an engine on ``url`` (``postgresql+psycopg://``).

    Every connection speaks UTC and gives up a statement after ``statement_timeout_seconds``. A
    connection that the server dropped is replaced before it is used.
    """
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        # An error's text goes to logs; what a statement was about does not.
        hide_parameters=True,
        connect_args={
            "connect_timeout": 5,
            "application_name": "yvaxportal",
            "options": f"-c statement_timeout={statement_timeout_seconds}s -c timezone=UTC",
        },
    )


def open_session(factory: sessionmaker[Session], manager: transaction.TransactionManager) -> Session:
    """Return a session that lives and ends with the manager's transaction.

    ``initial_state="changed"`` because a request that ran only Core statements would otherwise be rolled
    back without a word.
    """
    session = factory()
    zope.sqlalchemy.register(session, initial_state="changed", transaction_manager=manager)
    return session
