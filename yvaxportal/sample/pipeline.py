"""Makes the chunks of a city in other processes while this one feeds them to PostgreSQL, in order.

Each process makes every n-th chunk and waits until it is fetched, so memory does not grow with the city. A
process whose parent is gone ends at its next write.
"""

import multiprocessing
import os
import pickle
from collections.abc import Iterator, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import Self

from yvaxportal.sample.city import City, Plan
from yvaxportal.sample.errors import SampleError
from yvaxportal.sample.vault_rows import vault_line
from yvaxportal.vault.keyring import KeyRing

_AHEAD = 3  # chunks waiting for each process
_SMALL_CITY = 2_000  # starting processes would take longer than the work
VAULT_STAGING = "sample_vault"

Blocks = Mapping[str, bytes]


def chunk_blocks(city: City, plan: Plan, ring: KeyRing, number: int) -> Blocks:
    """Return the chunk as one block of COPY text for each table, personal numbers encrypted."""
    rows = city.chunk(number)
    stored_at = f"{plan.today} 00:00:00+00"
    vault = [
        vault_line(ring, plan.municipality_code, serial, plan.seed, stored_at) for serial in rows.numbered
    ]
    tables = rows.tables | {VAULT_STAGING: vault}
    return {table: "".join(lines).encode() for table, lines in tables.items() if lines}


def default_processes(plan: Plan) -> int:
    """Return how many processes make chunks beside this one."""
    return 0 if plan.residents <= _SMALL_CITY else max(1, min(2, (os.cpu_count() or 1) - 1))


class Pipeline:
    """The chunks of a plan, made by ``processes`` others (0: by this one). Use it with ``with``."""

    def __init__(self, plan: Plan, key_ring: Path, processes: int) -> None:
        self._plan, self._key_ring, self._processes = plan, key_ring, processes
        self._started: list[SpawnProcess] = []
        self._queues: list[Queue[bytes | None]] = []

    def __enter__(self) -> Self:
        # A fresh interpreter: a fork would hold copies of our database connection.
        context = multiprocessing.get_context("spawn")
        for number in range(self._processes):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=_make,
                args=(theirs, self._plan, self._key_ring, number, self._processes),
                daemon=True,
            )
            process.start()
            theirs.close()
            queue: Queue[bytes | None] = Queue(_AHEAD)
            Thread(target=_fetch, args=(ours, queue), daemon=True).start()
            self._started.append(process)
            self._queues.append(queue)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for process in self._started:
            process.terminate()
        for process, queue in zip(self._started, self._queues, strict=True):
            process.join()
            while queue.get() is not None:  # until its thread has seen the end of the pipe
                pass
            process.close()

    def __iter__(self) -> Iterator[Blocks]:
        """Give the blocks of every chunk, in the order of the chunks.

        :raises SampleError: a process died.
        """
        if not self._processes:
            city, ring = City(self._plan), KeyRing.load(self._key_ring)
            for number in range(self._plan.chunks):
                yield chunk_blocks(city, self._plan, ring, number)
            return
        for number in range(self._plan.chunks):
            queue = self._queues[number % self._processes]
            packed = queue.get()
            if packed is None:
                queue.put(None)
                raise SampleError("yvax sample", "a process that makes the people ended before its time")
            blocks: Blocks = pickle.loads(packed)  # noqa: S301 - from our own process
            yield blocks


def _make(pipe: Connection, plan: Plan, key_ring: Path, first: int, step: int) -> None:
    """Run in the other process: make every ``step``-th chunk and hand it over."""
    city, ring = City(plan), KeyRing.load(key_ring)
    with suppress(BrokenPipeError), pipe:
        for number in range(first, plan.chunks, step):
            pipe.send_bytes(pickle.dumps(chunk_blocks(city, plan, ring, number), protocol=5))


def _fetch(pipe: Connection, queue: "Queue[bytes | None]") -> None:
    with suppress(EOFError, OSError), pipe:
        while True:
            queue.put(pipe.recv_bytes())
    queue.put(None)
