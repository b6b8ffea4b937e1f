"""Operations of a protocol as the portal's messages, whatever carries them: HTTPS or files in a folder."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, Protocol, Self

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext

#: The most numbers that one request asks for (docs/protocols, ``/shokai``).
MANY = 1_000

Record = Mapping[str, Any]
Query = Mapping[str, str | int | None]


class Stream(Protocol):
    """Records that come one after the other. ``position`` is how many were given out."""

    begin: Any
    position: int

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> None: ...


class Client(Protocol):
    """Carries calls: ``RestClient`` over HTTPS, ``OrderClient`` by files. Errors are those of ``errors``."""

    def call(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: Any = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """Return the answer as valid JSON; None where the protocol has none."""

    def pages(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
    ) -> Iterator[Any]:
        """Yield each page of a list."""

    def stream(
        self,
        operation: str,
        context: CallContext,
        *,
        path: Mapping[str, str] | None = None,
        query: Query | None = None,
        body: Any = None,
    ) -> Stream:
        """Return the records of a long answer as they come."""

    def check_item(self, operation: str, record: Any) -> None:
        """Check one record of a list whose records are checked one by one; BadAnswer."""

    def keep_evidence(self, error: BadAnswer) -> None:
        """Keep the last answer that this thread got, for people to look at, unless it is kept anyway."""

    def health(self) -> AdapterHealth:
        """Return how the connection stands; asks nobody."""

    def close(self) -> None:
        """Give back what is open."""


class WireAdapter:
    """What turns JSON of a protocol into messages."""

    def __init__(self, client: Client, system: str, municipality_code: str) -> None:
        self.client = client
        self.system = system
        self.municipality_code = municipality_code

    def health(self) -> AdapterHealth:
        """See ``IAdapter``."""
        return self.client.health()

    def close(self) -> None:
        """See ``IAdapter``."""
        self.client.close()

    def bad(self, reason: BadAnswerReason, where: str) -> BadAnswer:
        """Return the error for an answer that the schema let pass and that is wrong all the same."""
        error = BadAnswer(self.system, reason, where)
        self.client.keep_evidence(error)
        return error

    def check_municipality(self, record: Record, where: str) -> None:
        """Refuse a record of another municipality."""
        if record["shikuchosonkodo"] != self.municipality_code:
            raise self.bad(BadAnswerReason.WRONG_MUNICIPALITY, f"{where}/shikuchosonkodo")

    def check_asked(self, record: Record, asked: Mapping[str, Any], where: str) -> None:
        """Refuse a record about somebody or something else than was asked."""
        for name, value in asked.items():
            if record[name] != value:
                raise self.bad(BadAnswerReason.WRONG_PERSON, f"{where}/{name}")

    def moment(self, record: Record, name: str, where: str) -> datetime:
        """Return an instant in UTC."""
        try:
            return datetime.fromisoformat(record[name]).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/{name}") from None

    def day(self, record: Record, name: str, where: str) -> date:
        """Return a day."""
        try:
            return date.fromisoformat(record[name])
        except ValueError:
            raise self.bad(BadAnswerReason.MALFORMED, f"{where}/{name}") from None

    def day_if_any(self, record: Record, name: str, where: str) -> date | None:
        """Return a day, None where there is none."""
        return None if record.get(name) is None else self.day(record, name, where)
