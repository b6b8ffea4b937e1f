"""The listener: on loopback or an address of the inner network. It tells numbers, nobody's data."""

from collections.abc import Iterator
from contextlib import contextmanager

from yvaxportal.services.connections import Connections
from yvaxportal.settings import SettingsError


@contextmanager
def telling(
    setting: str, address: tuple[str, int] | None, connections: Connections, *, database: bool
) -> Iterator[None]:
    """Serve ``/metrics`` in a thread while the block runs; nothing when there is no address.

    :param setting: the ini name, for the error.
    :param database: whether to tell what stands in the database as well.
    :raises SettingsError: the address cannot be listened on.
    """
    if address is None:
        yield
        return
    # Imported only where it is wanted: it costs a process some megabytes.
    from prometheus_client import start_http_server  # noqa: PLC0415

    from yvaxportal.services.metrics.collectors import registry_of  # noqa: PLC0415

    host, port = address
    try:
        server, thread = start_http_server(port, host, registry_of(connections, database=database))
    except OSError as error:
        problem = f"{host}:{port} cannot be listened on ({error.strerror or error})"
        raise SettingsError(setting, problem) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
