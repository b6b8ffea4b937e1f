"""Many requests at once from a process of its own, with as little work on this side as can be.

    python -m bench.load PORT SECONDS CONNECTIONS < requests

Reads one path a line and then the cookie from standard input, prints how many answers came and how many
seconds it took. Each connection stays open and asks for the next path once the answer before is there.
"""

import itertools
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CHUNK = 1 << 16
_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Rate:
    """Answers of status 200 and the time they took."""

    answers: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Return answers a second."""
        return self.answers / self.seconds


def measure(port: int, paths: Sequence[str], cookie: str, *, seconds: float, connections: int) -> Rate:
    """Ask for ``paths`` in turn from another process; RuntimeError when any answer is not 200."""
    command = [sys.executable, "-m", "bench.load", str(port), str(seconds), str(connections)]
    done = subprocess.run(
        command, input="\n".join((*paths, cookie)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the load ended with: {done.stderr.strip().splitlines()[-1]}")
    answers, spent = done.stdout.split()
    return Rate(int(answers), float(spent))


def main() -> None:
    """Ask until the time is over."""
    port, seconds, connections = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    *paths, cookie = sys.stdin.read().split("\n")
    requests = itertools.cycle(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n".encode("ascii")
        for path in paths
    )
    counts = [0] * connections
    failures: list[str] = []
    began = time.perf_counter()

    def ask(index: int) -> None:
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                for request in _until(began + seconds, requests):
                    connection.sendall(request)
                    status = _answer(connection)
                    if status != "200":
                        failures.append(f"an answer of status {status}")
                        return
                    counts[index] += 1
        except OSError as error:
            failures.append(type(error).__name__)

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(failures[0])
    print(sum(counts), time.perf_counter() - began)


def _until(deadline: float, requests: Iterator[bytes]) -> Iterator[bytes]:
    while time.perf_counter() < deadline:
        yield next(requests)


def _answer(connection: socket.socket) -> str:
    """Read one answer whole and return its status."""
    received = b""
    while _END_OF_HEAD not in received:
        received += _some(connection)
    head, _, body = received.partition(_END_OF_HEAD)
    start = head.lower().index(_LENGTH) + len(_LENGTH)
    missing = int(head[start:].split(b"\r\n", 1)[0]) - len(body)
    while missing > 0:
        missing -= len(_some(connection))
    return head.split(b" ", 2)[1].decode("ascii")


def _some(connection: socket.socket) -> bytes:
    chunk = connection.recv(_CHUNK)
    if not chunk:
        raise ConnectionResetError
    return chunk


if __name__ == "__main__":
    main()
