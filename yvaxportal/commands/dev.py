"""``yvax dev``: the whole portal on one machine, what ``make run`` starts.

Secrets, PostgreSQL, tables, sample city, web server, worker; Ctrl-C ends them in the opposite order.
"""

import argparse
import errno
import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

from yvaxportal.commands.children import BrokenChildError, Child
from yvaxportal.commands.common import CommandError, Subparsers, add_ini, read_ini, set_up_logging
from yvaxportal.commands.development_secrets import make_missing_secrets
from yvaxportal.commands.sample import load_when_empty
from yvaxportal.embedded.server import EmbeddedPostgres
from yvaxportal.migrate import upgrade
from yvaxportal.sample.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD, DEMO_TOTP_SECRET
from yvaxportal.settings import Settings, SettingsError, read_settings

_LOOK_SECONDS = 0.2
# Whoever asks more often than this is let go at once: the next start puts right what is left behind.
_PATIENCE = 3
_WEB_SECONDS = 60


class _StopAskedError(Exception):
    """Ctrl-C, SIGTERM or the terminal's end."""


class _Stop:
    """Remembers that somebody asked to stop.

    An exception out of a signal handler may leave a lock held wherever it strikes, in ``subprocess`` too: it
    is raised only at ``look`` and, where nothing but a database is at work, inside ``at_once``.
    """

    def __init__(self) -> None:
        self._asked = 0
        self._at_once = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def _ask(self, _signal: int, _frame: object) -> None:
        self._asked += 1
        if self._asked > _PATIENCE:
            os._exit(1)
        if self._at_once:
            self._at_once = False
            raise _StopAskedError

    def look(self) -> None:
        """Raise if somebody asked."""
        if self._asked:
            raise _StopAskedError

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a request to stop break into what is inside."""
        self.look()
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False


def add(subparsers: Subparsers) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("dev", help="run the whole portal on this machine")
    add_ini(parser, "port", "residents")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until asked to stop (0), or until something cannot go on (1, told in one line)."""
    settings = read_settings(read_ini(args), secrets_may_be_missing=True)
    if settings.database != "embedded":
        raise SettingsError("yvaxportal.database", "must be embedded for `yvax dev`")
    set_up_logging(args)
    stop = _Stop()
    try:
        with ExitStack() as stack:
            _run_all(stack, stop, args, settings)
    except _StopAskedError:
        print("Stopped.", flush=True)
        return 0
    except BrokenChildError as error:
        print(f"yvax dev: {error}", file=sys.stderr)
        return 1


def _run_all(stack: ExitStack, stop: _Stop, args: argparse.Namespace, settings: Settings) -> NoReturn:
    stack.enter_context(_only_one(settings.var))
    _check_port(settings)
    make_missing_secrets(settings)
    stop.look()
    print("PostgreSQL starts ...", flush=True)
    server = EmbeddedPostgres(settings.var)
    stack.callback(server.stop)
    server.start()
    upgrade(server.urls.owner, settings.app_role)
    with stop.at_once():
        load_when_empty(settings)
    words = [str(args.ini), f"--var={settings.var}", f"--port={settings.port}"]
    children = [Child("web", ["web", *words]), Child("worker", ["worker", *words])]
    stack.callback(_stop, children)
    for child in children:
        child.start()
    _wait_for_web(children[0], settings, stop)
    _greet(settings)
    _watch(children, server, stop)


@contextmanager
def _only_one(var: Path) -> Iterator[None]:
    """Hold the data folder; the kernel lets go when this process ends, however it ends."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "run.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"a portal is running on {var} already: choose another VAR") from None
        yield


def _check_port(settings: Settings) -> None:
    """Find out before the slow part whether the web server will get its port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            used = error.errno == errno.EADDRINUSE
            reason = "is in use: choose another, such as `make run PORT=6544`" if used else error.strerror
            raise SettingsError("yvaxportal.web.port", f"{settings.port} {reason}") from None


def _wait_for_web(web: Child, settings: Settings, stop: _Stop) -> None:
    deadline = time.monotonic() + _WEB_SECONDS
    while time.monotonic() < deadline:
        stop.look()
        if web.exit_code is not None:
            raise BrokenChildError("the web server did not start; its reason is above")
        with socket.socket() as probe:
            if probe.connect_ex((settings.host, settings.port)) == 0:
                return
        time.sleep(_LOOK_SECONDS)
    raise BrokenChildError("the web server does not answer")


def _watch(children: list[Child], server: EmbeddedPostgres, stop: _Stop) -> NoReturn:
    while True:
        time.sleep(_LOOK_SECONDS)
        stop.look()
        if not server.is_alive():
            print("PostgreSQL ended; it is started again.", file=sys.stderr, flush=True)
            server.start()
        for child in children:
            if told := child.revive():
                print(f"{child.name} ended ({told}); it is started again.", file=sys.stderr, flush=True)


def _stop(children: list[Child]) -> None:
    for child in children:
        child.ask_to_stop()
    for child in children:
        child.wait_or_kill()


def _greet(settings: Settings) -> None:
    print(f"\n  予防接種ポータル  http://{settings.host}:{settings.port}/\n")
    if settings.demo_accounts:
        logins = ", ".join(login for login, _name, _group in DEMO_ACCOUNTS)
        print(f"  デモ用アカウント (demo accounts): {logins}")
        print(f"  パスワード (password): {DEMO_PASSWORD}")
        print(f"  二要素認証の秘密鍵 (TOTP secret of each): {DEMO_TOTP_SECRET}\n")
    print("  終了は Ctrl-C です。 (Ctrl-C stops it.)\n", flush=True)
