"""One request and its whole answer, within a deadline and a size."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason
from yvaxportal.adapters.http.answers import timed_out, unreachable
from yvaxportal.adapters.http.deadline import Deadline, DeadlinePassed, kept
from yvaxportal.adapters.http.settings import RestSettings

#: Of an answer that is no 2xx, only this much is looked at for codes.
ERROR_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers in lower case, and a body that is never printed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {len(self.body)} bytes>"


def media_type(response: httpx2.Response | Answer) -> str:
    """Return the type of the body without its parameters."""
    return response.headers.get("content-type", "").partition(";")[0].strip().lower()


def send(
    http: httpx2.Client, request: httpx2.Request, settings: RestSettings, deadline: Deadline
) -> httpx2.Response:
    """Return an answer whose headers have come and whose body has not; AttemptFailed when none comes."""
    system = settings.system
    try:
        left = deadline.left()
        request.extensions["timeout"] = {
            "connect": min(settings.connect_seconds, left),
            "read": min(settings.read_seconds, left),
            "write": min(settings.read_seconds, left),
            "pool": left,
        }
        with kept(deadline):
            response = http.send(request, stream=True)
    except httpx2.PoolTimeout:
        # The portal's own connections were all in use: that says nothing new of the other side.
        raise timed_out(system, silent=False) from None
    except (httpx2.TimeoutException, DeadlinePassed):
        raise timed_out(system) from None
    except httpx2.ConnectError:
        raise unreachable(system, "no connection") from None
    except httpx2.HTTPError:
        raise unreachable(system, "the connection broke off") from None
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        response.close()
        raise BadAnswer(system, BadAnswerReason.MALFORMED, "content-encoding")
    return response


class Pieces:
    """The body of an answer as it comes in. ``deadline`` may be put off by whoever reads on and on."""

    def __init__(self, response: httpx2.Response, system: str, deadline: Deadline) -> None:
        self._raw = response.iter_raw()
        self._system = system
        self.deadline = deadline

    def next(self) -> bytes | None:
        """Return the next bytes, None at the end; AttemptFailed when they do not come."""
        try:
            with kept(self.deadline):
                return next(self._raw, None)
        except (httpx2.TimeoutException, DeadlinePassed):
            raise timed_out(self._system) from None
        except httpx2.HTTPError:
            raise unreachable(self._system, "the connection broke off") from None


def exchange(
    http: httpx2.Client, request: httpx2.Request, settings: RestSettings, deadline: Deadline
) -> Answer:
    """Return a whole answer, whatever its status.

    :raises AttemptFailed: none came in time.
    :raises BadAnswer: it is larger than allowed.
    """
    response = send(http, request, settings, deadline)
    try:
        return Answer(response.status_code, response.headers, read_all(response, settings, deadline))
    finally:
        response.close()


def read_all(response: httpx2.Response, settings: RestSettings, deadline: Deadline) -> bytes:
    """Return the body; of an answer other than 2xx only as much as an error needs."""
    limit = settings.max_answer_bytes if response.is_success else ERROR_BYTES
    body = bytearray()
    reading = Pieces(response, settings.system, deadline)
    while (piece := reading.next()) is not None:
        body += piece
        if len(body) > limit:
            if not response.is_success:
                return b""
            raise BadAnswer(settings.system, BadAnswerReason.TOO_LARGE)
    return bytes(body)
