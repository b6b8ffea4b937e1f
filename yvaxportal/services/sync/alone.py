"""One run of a kind at a time, whatever process it is in."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text


@contextmanager
def alone(engine: Engine, lock: int) -> Iterator[bool]:
    """Hold an advisory lock on a connection of its own; give False when somebody else has it."""
    with engine.connect() as connection:
        got = connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": lock})
        connection.commit()
        try:
            yield bool(got)
        finally:
            if got:
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": lock})
                connection.commit()
