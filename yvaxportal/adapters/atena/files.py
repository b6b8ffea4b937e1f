"""The integrated atena system by files: orders and answers (docs/protocols/folder.md, 12)."""

from typing import ClassVar

from yvaxportal.adapters.atena.wire import WireAtena
from yvaxportal.adapters.folder.orders_adapter import OrdersAdapter


class FilesAtena(WireAtena, OrdersAdapter):
    """Asks the integrated atena system by files."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.atena"
