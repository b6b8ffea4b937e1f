"""The simulator in a process of its own, and implementations that talk to it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from yvaxportal.commands.simulator import CLIENT_ID, PAYLOAD_KEY_FILE, RELAYED

ROOT = Path(__file__).parent.parent


@dataclass
class Simulated:
    """A running simulator: where it is, and how it is steered."""

    url: str
    secret_file: Path
    folders: Path
    process: "subprocess.Popen[str]" = field(repr=False)

    def options(self, system: str, **more: str) -> dict[str, str]:
        """Return the ini options of a ``rest`` implementation."""
        return self._sealing(system) | {
            "base_url": f"{self.url}/{RELAYED.get(system, system)}",
            "token_url": f"{self.url}/token",
            "client_id": CLIENT_ID,
            "client_secret_file": str(self.secret_file),
            **more,
        }

    def folder(self, system: str) -> Path:
        """Return the folder of a ``files`` implementation."""
        return self.folders / system

    def file_options(self, system: str, **more: str) -> dict[str, str]:
        """Return the ini options of a ``files`` implementation."""
        return self._sealing(system) | {"folder": str(self.folder(system)), **more}

    def _sealing(self, system: str) -> dict[str, str]:
        if system != "chukan":
            return {}
        return {"payload_key_file": str(self.secret_file.with_name(PAYLOAD_KEY_FILE.name))}

    def fault(self, name: str, **said: Any) -> None:
        """Demand that something goes wrong."""
        self._steer("POST", "faults", {"fault": name, **said})

    def behave(self) -> None:
        """Let nothing go wrong any more."""
        self._steer("DELETE", "faults")

    def add(self, kind: str, record: Mapping[str, Any]) -> None:
        """Add a line of a world file."""
        self._steer("POST", "world", {kind: record})

    def state(self) -> Any:
        """Return its counts."""
        return self._steer("GET", "state")

    def _steer(self, method: str, what: str, value: Any = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        request = Request(f"{self.url}/_simulator/{what}", body, method=method)  # noqa: S310 - loopback
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read())


@contextmanager
def simulating(ini: Path, var: Path, *words: str) -> Iterator[Simulated]:
    """Start ``yvax simulator`` about the people of the ini's database; stop it in the end."""
    folders = var / "folders"
    options = ["--port=0", "--leash", f"--folder={folders}", *words]
    argv = [sys.executable, "-m", "yvaxportal", "simulator", str(ini), *options]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        if "serving on " not in first:
            _, told = process.communicate(timeout=30)
            raise AssertionError(told)
        url = first.strip().rpartition("serving on ")[2].rstrip("/")
        try:
            yield Simulated(url, var / "secrets" / "simulator-client-secret", folders, process)
        finally:
            process.terminate()
            process.communicate(timeout=30)


IniFile = Callable[..., Path]


def write_ini(path: Path, settings: Mapping[str, str]) -> Path:
    """Write an ini file of settings."""
    lines = ["[app:main]", "use = egg:yvaxportal", *(f"{name} = {settings[name]}" for name in settings)]
    path.write_text("\n".join(lines), "utf-8")
    return path
