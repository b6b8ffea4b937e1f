"""The intermediate server by files (docs/protocols/folder.md, 12), its messages sealed as over REST."""

import base64
from collections.abc import Mapping
from typing import Any, Self

from yvaxportal.adapters.chukan.denbun import DOCUMENT, PACKAGE
from yvaxportal.adapters.chukan.payload import OPTION, Payload
from yvaxportal.adapters.chukan.wire import WireChukan
from yvaxportal.adapters.folder.orders_adapter import OPTIONS, order_client
from yvaxportal.adapters.http.openapi import Protocol
from yvaxportal.adapters.setup import AdapterSetup


class FilesChukan(WireChukan):
    """Asks the intermediate server by files."""

    @classmethod
    def create(cls, setup: AdapterSetup) -> Self:
        """Build it from the options of docs/protocols/folder.md, 15, and ``payload_key_file``."""
        setup.refuse_unknown((*OPTIONS, OPTION, f"{OPTION}_file"))
        payload = Payload.read(setup)

        def opened(values: Mapping[str, Any]) -> Mapping[str, Any]:
            # Sealed again, the same message has other bytes: what was sealed is what a key is used for.
            sealed = base64.b64decode(values["denbun"])
            plain = payload.open_request(sealed, values["if_id"], values["denbunbango"])
            return {**values, "denbun": plain.decode("utf-8")}

        client = order_client(setup, PACKAGE, Protocol.load(PACKAGE, DOCUMENT), opened)
        return cls(client, setup.system, setup.municipality_code, payload)
