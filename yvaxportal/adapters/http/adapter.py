"""What the ``rest`` implementations share: their client, and how values of an answer are read."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Self

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason
from yvaxportal.adapters.http.client import RestClient
from yvaxportal.adapters.http.evidence import Evidence
from yvaxportal.adapters.http.openapi import Protocol
from yvaxportal.adapters.http.settings import RestSettings
from yvaxportal.adapters.messages.common import AdapterHealth
from yvaxportal.adapters.setup import AdapterSetup

#: The most numbers that one request asks for (docs/protocols, ``/shokai``).
MANY = 1_000

Record = Mapping[str, Any]


class RestAdapter:
    """An implementation that asks another system over HTTPS. ``PACKAGE`` holds its ``openapi.json``."""

    PACKAGE: ClassVar[str]

    def __init__(self, client: RestClient, system: str, municipality_code: str) -> None:
        self.client = client
        self.system = system
        self.municipality_code = municipality_code

    @classmethod
    def create(cls, setup: AdapterSetup) -> Self:
        """Build the implementation from the options of docs/protocols/rest.md, 8."""
        settings = RestSettings.read(setup)
        evidence = Evidence(setup.folder / "refused", setup.clock)
        client = RestClient(settings, Protocol.load(cls.PACKAGE, "openapi.json"), setup.clock, evidence)
        return cls(client, setup.system, setup.municipality_code)

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
