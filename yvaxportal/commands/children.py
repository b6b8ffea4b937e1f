"""The processes that ``yvax dev`` looks after: started again when they die, ended when it ends."""

import subprocess
import sys
import time
from collections.abc import Sequence

STOP_SECONDS = 15
# A process that dies this often within this time is broken, not unlucky.
DEATHS = 3
DEATHS_WITHIN_SECONDS = 60


class BrokenChildError(Exception):
    """A process keeps dying. The text is one line for the person at the terminal."""


class Child:
    """One process, ``yvax`` with ``words``, on a leash: see ``leash``."""

    def __init__(self, name: str, words: Sequence[str]) -> None:
        self.name = name
        self._command = [sys.executable, "-m", "yvaxportal", *words, "--leash"]
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths: list[float] = []

    def start(self) -> None:
        """Start the process in a session of its own: Ctrl-C at the terminal is ours to answer."""
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            self._command, stdin=subprocess.PIPE, start_new_session=True
        )

    def revive(self) -> str | None:
        """Start the process again if it is dead and return its exit code in words, None if it lives.

        :raises BrokenChildError: it has died too often.
        """
        if self._process is None or self._process.poll() is None:
            return None
        code = self._process.returncode
        now = time.monotonic()
        self._deaths = [moment for moment in self._deaths if now - moment < DEATHS_WITHIN_SECONDS] + [now]
        self._close()
        told = f"signal {-code}" if code < 0 else f"exit code {code}"
        if len(self._deaths) >= DEATHS:
            raise BrokenChildError(f"{self.name} ended {DEATHS} times within a minute (last: {told})")
        self.start()
        return told

    @property
    def exit_code(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.poll() if self._process else None

    def ask_to_stop(self) -> None:
        """Ask the process to finish what it is at."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def wait_or_kill(self) -> None:
        """Wait for the end; kill what does not end."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None
