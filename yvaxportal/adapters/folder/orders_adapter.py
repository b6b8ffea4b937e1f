"""What the ``files`` implementations share whose system is asked by orders: options, folders, client."""

from datetime import timedelta
from importlib.resources import as_file, files
from typing import ClassVar, Self

from yvaxportal.adapters.folder.layouts import LayoutError
from yvaxportal.adapters.folder.orders import Counted, OrderClient
from yvaxportal.adapters.folder.orders_layout import load_order_layouts
from yvaxportal.adapters.folder.orders_receiving import Collector, OrderFolders, OrderLimits
from yvaxportal.adapters.folder.orders_store import OrderStore
from yvaxportal.adapters.http.openapi import Protocol
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.adapters.wire import WireAdapter
from yvaxportal.settings import SettingsError

OPTIONS = (
    "folder",
    "layout_file",
    "keep_days",
    "max_answer_bytes",
    "max_file_bytes",
    "pause_seconds",
    "stale_minutes",
)
_WEEK_MINUTES = 60.0 * 24 * 7


class OrdersAdapter(WireAdapter):
    """An implementation that asks by files. ``PACKAGE`` holds its ``openapi.json`` and ``orders.toml``."""

    PACKAGE: ClassVar[str]

    @classmethod
    def create(cls, setup: AdapterSetup) -> Self:
        """Build the implementation and make its folders.

        :raises SettingsError: an option, the layout file or a folder is wrong.
        """
        setup.refuse_unknown(OPTIONS)
        client = order_client(setup, cls.PACKAGE, Protocol.load(cls.PACKAGE, "openapi.json"))
        return cls(client, setup.system, setup.municipality_code)


def order_client(
    setup: AdapterSetup, package: str, protocol: Protocol, counted: Counted | None = None
) -> OrderClient:
    """Build a client of a protocol and make its folders.

    :param counted: see ``OrderClient``.
    :raises SettingsError: an option, the layout file or a folder is wrong.
    """
    with as_file(files(package) / "orders.toml") as shipped:
        path = setup.path("layout_file", shipped)
        try:
            layouts = load_order_layouts(path, protocol.operations)
        except LayoutError as error:
            raise SettingsError(setup.name_of("layout_file"), f"{path.name}: {error}") from None
    folders = OrderFolders(setup.path("folder", setup.folder / "exchange"))
    store = OrderStore(setup.folder / "state")
    try:
        folders.make()
        store.prepare()
    except OSError as error:
        problem = f"cannot be made or used ({type(error).__name__})"
        raise SettingsError(setup.name_of("folder"), problem) from None
    limits = OrderLimits(
        max_answer_bytes=int(setup.number("max_answer_bytes", 4 << 20, lowest=1 << 10, highest=1 << 30)),
        max_file_bytes=int(setup.number("max_file_bytes", 4 << 30, lowest=1 << 10, highest=1 << 40)),
        keep=timedelta(days=setup.number("keep_days", 30, lowest=0, highest=3_650)),
    )
    collector = Collector(
        setup.system,
        folders,
        layouts,
        protocol,
        store,
        municipality_code=setup.municipality_code,
        clock=setup.clock,
        limits=limits,
    )
    return OrderClient(
        collector,
        number_index=setup.number_index,
        counted=counted,
        longest_pause=setup.number("pause_seconds", 0.1, lowest=0.01, highest=10),
        stale_after=timedelta(minutes=setup.number("stale_minutes", 60, lowest=1, highest=_WEEK_MINUTES)),
    )
