"""The intermediate server over HTTPS, through the relay of the atena system (docs/protocols/chukan.md)."""

from typing import Self

from yvaxportal.adapters.chukan.denbun import DOCUMENT, PACKAGE
from yvaxportal.adapters.chukan.payload import OPTION, Payload
from yvaxportal.adapters.chukan.wire import WireChukan
from yvaxportal.adapters.http import Protocol, RestClient, RestSettings
from yvaxportal.adapters.setup import AdapterSetup


class RestChukan(WireChukan):
    """Asks the intermediate server over HTTPS."""

    @classmethod
    def create(cls, setup: AdapterSetup) -> Self:
        """Build it from the options of docs/protocols/rest.md, 8, and ``payload_key_file``."""
        settings = RestSettings.read(setup, OPTION, f"{OPTION}_file")
        payload = Payload.read(setup)
        client = RestClient(settings, Protocol.load(PACKAGE, DOCUMENT), setup.clock)
        return cls(client, setup.system, setup.municipality_code, payload)
