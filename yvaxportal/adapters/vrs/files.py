"""The vaccination record system by files: orders and answers (docs/protocols/folder.md, 12)."""

from typing import ClassVar

from yvaxportal.adapters.folder.orders_adapter import OrdersAdapter
from yvaxportal.adapters.vrs.wire import WireVrs


class FilesVrs(WireVrs, OrdersAdapter):
    """Asks the gateway of the vaccination record system by files."""

    PACKAGE: ClassVar[str] = "yvaxportal.adapters.vrs"
