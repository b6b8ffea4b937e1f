"""What the ``rest`` implementations share: their client."""

from typing import ClassVar, Self

from yvaxportal.adapters.http.client import RestClient
from yvaxportal.adapters.http.evidence import Evidence
from yvaxportal.adapters.http.openapi import Protocol
from yvaxportal.adapters.http.settings import RestSettings
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.adapters.wire import MANY, Record, WireAdapter

__all__ = ["MANY", "Record", "RestAdapter"]


class RestAdapter(WireAdapter):
    """An implementation that asks another system over HTTPS. ``PACKAGE`` holds its ``openapi.json``."""

    PACKAGE: ClassVar[str]

    @classmethod
    def create(cls, setup: AdapterSetup) -> Self:
        """Build the implementation from the options of docs/protocols/rest.md, 8."""
        settings = RestSettings.read(setup)
        evidence = Evidence(setup.folder / "refused", setup.clock)
        client = RestClient(settings, Protocol.load(cls.PACKAGE, "openapi.json"), setup.clock, evidence)
        return cls(client, setup.system, setup.municipality_code)
