"""A process that ends when the one that started it is gone, however that went.

The parent keeps the writing end of the child's standard input: the kernel closes it even after kill -9.
"""

import argparse
import os
import signal
import sys
import threading


def add_leash(parser: argparse.ArgumentParser) -> None:
    """Add the hidden option by which ``yvax dev`` starts its children."""
    parser.add_argument("--leash", action="store_true", help=argparse.SUPPRESS)


def stop_with_parent(args: argparse.Namespace) -> None:
    """End this process like SIGTERM does as soon as standard input ends, if the option was given."""
    if args.leash:
        threading.Thread(target=_wait_for_end, name="leash", daemon=True).start()


def _wait_for_end() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
