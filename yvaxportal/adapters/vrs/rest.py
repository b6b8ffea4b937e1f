"""The vaccination record system over HTTPS (docs/protocols/vrs.md)."""

from typing import ClassVar

from yvaxportal.adapters.http.adapter import RestAdapter
from yvaxportal.adapters.vrs.wire import WireVrs


class RestVrs(WireVrs, RestAdapter):
    """Asks the vaccination record system, or the gateway that stands before it, over HTTPS."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.vrs"
