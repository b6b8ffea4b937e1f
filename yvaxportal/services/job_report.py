"""How far a job is, told to the page now and then, and whether anybody still wants it."""

import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, Table, update

_REPORT_SECONDS = 0.5


class Cancelled(Exception):  # noqa: N818 - a wish, no error
    """Whoever asked for it called it off while a worker was at it."""


class JobReport:
    """Writes ``done`` and ``total`` of a job's row, on connections of its own: pages see it at once.

    :param table: with ``id``, ``done``, ``total`` and ``cancel_requested``; for ``begin`` also ``phase``.
    :param clock: seconds that only grow.
    """

    def __init__(
        self, engine: Engine, table: Table, row_id: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._engine, self._table, self._row_id, self._clock = engine, table, row_id, clock
        self._told = 0.0
        self._done = 0
        self._total: int | None = None

    def __call__(self, done: int, total: int | None = None) -> None:
        """Say how much is done; cheap enough to be called for every row.

        :raises Cancelled: nobody wants it any more: leave at once.
        """
        self._done, self._total = done, total
        self.tick()

    def begin(self, phase: str, total: int | None = None) -> None:
        """Say at once that a phase begins; raises ``Cancelled`` likewise."""
        self._done, self._total, self._told = 0, total, self._clock()
        with self._engine.begin() as connection:
            self._tell(connection, phase=phase)

    def tick(self) -> None:
        """Say it if it was not said within the last half second; raises ``Cancelled`` likewise."""
        moment = self._clock()
        if moment - self._told < _REPORT_SECONDS:
            return
        self._told = moment
        with self._engine.begin() as connection:
            self._tell(connection)

    def _tell(self, connection: Connection, **also: str) -> None:
        row = self._table.c
        unwanted = connection.scalar(
            update(self._table)
            .where(row.id == self._row_id)
            .values(done=self._done, total=self._total, **also)
            .returning(row.cancel_requested)
        )
        if unwanted:
            raise Cancelled
