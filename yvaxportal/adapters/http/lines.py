"""An answer that comes line by line (``application/x-ndjson``), for snapshots of a whole city.

The first line is ``{"_begin": {...}}``, then one record a line, the last ``{"_end": {"count": n}}``: only
then is it known that nothing is missing.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Protocol, Self

import httpx2

from yvaxportal.adapters.errors import AdapterError, BadAnswer, BadAnswerReason
from yvaxportal.adapters.http.answers import AttemptFailed
from yvaxportal.adapters.http.deadline import Deadline
from yvaxportal.adapters.http.exchange import Pieces, media_type
from yvaxportal.adapters.http.requests import Call
from yvaxportal.adapters.http.settings import RestSettings
from yvaxportal.adapters.http.validation import parse, validate


class BrokenOff(Protocol):
    """Told when a stream that had begun well fails."""

    def __call__(self, error: AdapterError, *, silent: bool, line: bytes) -> None:
        """Take note of the error; ``silent`` when the other side stopped answering. ``line`` is the last."""


class Lines:
    """Iterates over the records; ``begin`` is what the first line says of them.

    ``position`` is the number of records given out so far.
    """

    def __init__(
        self,
        response: httpx2.Response,
        settings: RestSettings,
        call: Call,
        deadline: Deadline,
        broken_off: BrokenOff,
    ) -> None:
        self._response = response
        self._settings = settings
        self._operation = call.operation
        self._limit = call.context.time_limit
        self._broken_off = broken_off
        self._pieces = Pieces(response, settings.system, deadline)
        self._raw = self._split()
        self.position = 0
        self._line = b""
        try:
            self.begin = self._first()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        """Yield the records; BadAnswer ``incomplete`` at the end when not as many came as announced."""
        try:
            yield from self._records()
        except AttemptFailed as failed:
            self._broken_off(failed.error, silent=failed.silent, line=b"")
            raise failed.error from None
        except BadAnswer as error:
            self._broken_off(error, silent=False, line=self._line)
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back; a stream not read to its end costs the connection."""
        self._response.close()

    def _first(self) -> Any:
        system = self._settings.system
        if media_type(self._response) != "application/x-ndjson":
            raise BadAnswer(system, BadAnswerReason.MALFORMED, "content-type")
        line = parse(system, next(self._raw, b""))
        if not (isinstance(line, dict) and line.keys() == {"_begin"}):
            raise BadAnswer(system, BadAnswerReason.MALFORMED, "line 1: /_begin")
        if self._operation.begin is not None:
            validate(system, self._operation.begin, line["_begin"])
        return line["_begin"]

    def _records(self) -> Iterator[Any]:
        system = self._settings.system
        for raw in self._raw:
            self._line = raw
            record = self._parsed(raw)
            if isinstance(record, dict) and "_end" in record:
                end = record["_end"]
                if not (isinstance(end, dict) and end.get("count") == self.position) or next(self._raw, b""):
                    raise BadAnswer(system, BadAnswerReason.INCOMPLETE, f"line {self.position + 2}")
                return
            if self._operation.answer is not None:
                try:
                    validate(system, self._operation.answer, record)
                except BadAnswer as error:
                    where = f"line {self.position + 2}: {error.where}"
                    raise BadAnswer(system, error.reason, where) from None
            self.position += 1
            yield record
        raise BadAnswer(system, BadAnswerReason.INCOMPLETE, f"line {self.position + 2}")

    def _parsed(self, line: bytes) -> Any:
        try:
            return parse(self._settings.system, line)
        except BadAnswer as error:
            where = f"line {self.position + 2}"
            raise BadAnswer(self._settings.system, error.reason, where) from None

    def _split(self) -> Iterator[bytes]:
        held = bytearray()
        while True:
            piece = self._pieces.next()
            if piece is None:
                break
            held += piece
            if b"\n" in piece:
                *whole, rest = held.split(b"\n")
                held = rest
                for line in whole:
                    self._check_size(line)
                    yield bytes(line)
                    # Whoever takes the lines may take their time over each: the limit is for the other side.
                    self._pieces.deadline = Deadline(self._limit)
            self._check_size(held)
        if held:
            yield bytes(held)

    def _check_size(self, line: bytearray) -> None:
        if len(line) > self._settings.max_answer_bytes:
            raise BadAnswer(self._settings.system, BadAnswerReason.TOO_LARGE, f"line {self.position + 2}")
