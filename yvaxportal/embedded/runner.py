"""As whom PostgreSQL runs. It refuses to run as root, so root hands it to a system user."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SYSTEM_USERS = ("postgres", "nobody")
# A checkout below a folder that only root may enter (/root, mktemp -d) is reached with one of these rights.
# Opening the folders for everybody would change what is not ours.
_CAPABILITIES = ("dac_read_search", "dac_override")


class EmbeddedError(Exception):
    """The embedded server cannot be had here. The text is one line for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Starts programs as the chosen user. ``uid`` is None when that is ourselves."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def start(self, command: list[str], output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        """Start ``command`` in a session of its own, so that Ctrl-C at the terminal reaches only us."""
        direct = self.uid is not None and not self.prefix
        return subprocess.Popen(  # noqa: S603 - programs of the installed package, arguments are ours
            [*self.prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            start_new_session=True,
            user=self.uid if direct else None,
            group=self.gid if direct else None,
            extra_groups=[] if direct else None,
        )

    def own(self, folder: Path) -> None:
        """Make ``folder`` private to the chosen user."""
        folder.chmod(0o700)
        if self.uid is not None and self.gid is not None:
            os.chown(folder, self.uid, self.gid)

    @property
    def effective_uid(self) -> int:
        """Return the numeric id that the server runs under."""
        return os.geteuid() if self.uid is None else self.uid


def choose_runner(program: Path, folder: Path, users: tuple[str, ...] = SYSTEM_USERS) -> Runner:
    """Return a runner that can execute ``program`` and enter ``folder`` (both exist); EmbeddedError if none.

    ``users`` are asked in this order when we are root.
    """
    if os.geteuid() != 0:
        _require_name()
        return Runner()
    entry = _first_known(users)
    for prefix in _prefixes(entry):
        runner = Runner(entry.pw_uid, entry.pw_gid, prefix)
        if _succeeds(runner, [str(program), "--version"]) and _succeeds(runner, ["test", "-x", str(folder)]):
            return runner
    raise EmbeddedError(
        f"the system user {entry.pw_name}, who runs PostgreSQL because root may not, cannot enter "
        f"{_first_closed(program, folder)}: chmod o+x it, or choose another place for the checkout and VAR"
    )


def _require_name() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise EmbeddedError(
            f"PostgreSQL refuses a user without a name, and user id {os.geteuid()} has none here"
        ) from None


def _first_known(users: tuple[str, ...]) -> pwd.struct_passwd:
    for name in users:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(f"root may not run PostgreSQL, and none of {', '.join(users)} is a system user")


def _prefixes(entry: pwd.struct_passwd) -> Iterator[tuple[str, ...]]:
    yield ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return
    for capability in _CAPABILITIES:
        ids = (f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
        # Without the secure bit access(2), which PostgreSQL asks about its own program, ignores the right.
        right = (
            f"--inh-caps=+{capability}",
            f"--ambient-caps=+{capability}",
            "--securebits=+no_setuid_fixup",
        )
        yield (setpriv, *ids, *right, "--")


def _succeeds(runner: Runner, command: list[str]) -> bool:
    try:
        return runner.start(command, subprocess.DEVNULL).wait() == 0
    except OSError:
        return False


def _first_closed(*paths: Path) -> Path:
    """Return the topmost folder on the way to ``paths`` that others may not enter."""
    on_the_way = (parent for path in paths for parent in [*reversed(path.resolve().parents), path])
    return next((folder for folder in on_the_way if not folder.stat().st_mode & 0o001), paths[-1])
