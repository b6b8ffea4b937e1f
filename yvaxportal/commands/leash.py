"""A process that ends when the one that started it is gone, however that went.

The parent keeps the writing end of the child's standard input: the kernel closes it even after kill -9.
"""

import argparse
import os
import signal
import sys
import threading
import time

#: What is under way may end in this time; then the process is gone, whatever it waits for.
PATIENCE_SECONDS = 10.0


def add_leash(parser: argparse.ArgumentParser) -> None:
    """Add the hidden option by which ``yvax dev`` starts its children."""
    parser.add_argument("--leash", action="store_true", help=argparse.SUPPRESS)


def stop_with_parent(args: argparse.Namespace, *, patience: float = PATIENCE_SECONDS) -> None:
    """End this process like SIGTERM does as soon as standard input ends, if the option was given.

    A parent that was killed often takes the database with it, and an orderly end may wait for that for ever:
    after ``patience`` seconds the end is not orderly. Nothing committed is lost by it.
    """
    if args.leash:
        threading.Thread(target=_wait_for_end, args=(patience,), name="leash", daemon=True).start()


def _wait_for_end(patience: float) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(patience)
    os._exit(1)
