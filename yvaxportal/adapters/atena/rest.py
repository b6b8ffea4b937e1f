"""The integrated atena system over HTTPS (docs/protocols/atena.md)."""

from typing import ClassVar

from yvaxportal.adapters.atena.wire import WireAtena
from yvaxportal.adapters.http.adapter import RestAdapter


class RestAtena(WireAtena, RestAdapter):
    """Asks the integrated atena system over HTTPS."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.atena"
