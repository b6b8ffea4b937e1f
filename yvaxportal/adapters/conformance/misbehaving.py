"""Makes the other side misbehave, where that is possible: with the simulator, through its own address.

A system in use cannot be told to answer badly; the checks that need it are not applicable there. The words
are those of docs/simulator.md; nothing of the simulator's code is used.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SECONDS = 10


class NotSteeredError(Exception):
    """What should misbehave is no simulator on this machine, or does not answer."""


@dataclass(frozen=True, slots=True)
class Misbehaving:
    """The simulator at ``url``, such as ``http://127.0.0.1:6600``.

    :raises NotSteeredError: an address elsewhere: nobody's system is told to go wrong by mistake.
    """

    url: str

    def __post_init__(self) -> None:
        """Refuse any address but this machine's."""
        parts = urlsplit(self.url)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise NotSteeredError("must be http:// on this machine")

    def require(self) -> None:
        """Raise NotSteeredError unless the simulator answers."""
        self._steer("GET", "state")

    @contextmanager
    def fault(self, name: str, system: str, *, seconds: float | None = None) -> Iterator[None]:
        """Let every answer of a system go wrong while the block runs."""
        wanted = {"fault": name, "system": system} | ({} if seconds is None else {"seconds": seconds})
        self._steer("POST", "faults", wanted)
        try:
            yield
        finally:
            self._steer("DELETE", "faults")

    def done(self, name: str) -> int:
        """Return how often a fault has happened."""
        return int(self._steer("GET", "state")["faults"].get(name, 0))

    def _steer(self, method: str, what: str, value: Any = None) -> Any:
        body = None if value is None else json.dumps(value).encode()
        address = f"{self.url.rstrip('/')}/_simulator/{what}"
        request = Request(address, body, method=method)  # noqa: S310 - loopback, see above
        try:
            with urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - loopback, see above
                return json.loads(answer.read())
        except (URLError, OSError, ValueError) as error:
            raise NotSteeredError(f"no simulator answers there ({type(error).__name__})") from None
