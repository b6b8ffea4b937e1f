"""httpx over sockets that keep a deadline.

httpx limits each single read, so that a server which sends a byte now and then holds a caller for hours
(encode/httpx issue 1450). The deadline therefore goes down to the socket: httpcore takes a network backend of
one's own, and here each wait of it (name look-up, connection, handshake, write, read) ends at the deadline of
the call that the thread is making.
"""

import socket
import ssl
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as LookUpTimeout
from contextlib import contextmanager
from typing import Any, cast

import httpcore2
import httpx2

from yvaxportal.adapters.http.deadline import clamp

_IDLE_SECONDS = 30.0
_LOOK_UPS = 4


class KeptStream(httpcore2.NetworkStream):
    """A socket whose waits end at the deadline of the call."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, clamp(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        # In pieces: the socket waits anew for each part that the other side takes.
        view = memoryview(buffer)
        for start in range(0, len(view), 1 << 16):
            self._inner.write(bytes(view[start : start + (1 << 16)]), clamp(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        return KeptStream(self._inner.start_tls(ssl_context, server_hostname, clamp(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class KeptBackend(httpcore2.NetworkBackend):
    """Connects within the deadline of the call, the look-up of the name included."""

    def __init__(self) -> None:
        self._inner = httpcore2.SyncBackend()
        self._look_ups = ThreadPoolExecutor(_LOOK_UPS, "yvax-look-up")

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        failure: Exception = httpcore2.ConnectError("the name has no address")
        for address in self._addresses(host, port, timeout):
            try:
                return KeptStream(
                    self._inner.connect_tcp(address, port, clamp(timeout), local_address, socket_options)
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    def close(self) -> None:
        """Take no more look-ups; one that hangs does not hold anybody."""
        self._look_ups.shutdown(wait=False, cancel_futures=True)

    def _addresses(self, host: str, port: int, timeout: float | None) -> tuple[str, ...]:
        # The system's look-up cannot be interrupted: it happens in a thread, and only the wait for it ends.
        asked = self._look_ups.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        try:
            found = asked.result(clamp(timeout))
        except LookUpTimeout:
            raise httpcore2.ConnectTimeout("the name was not looked up in time") from None
        except OSError as error:
            raise httpcore2.ConnectError(f"the name is not known ({type(error).__name__})") from None
        return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


class KeptTransport(httpx2.BaseTransport):
    """One pool of connections to one system: no proxy, no redirect, no HTTP/2."""

    def __init__(self, tls: ssl.SSLContext | None, pool_size: int) -> None:
        self._backend = KeptBackend()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=pool_size,
            max_keepalive_connections=pool_size,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=self._backend,
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        with _as_httpx():
            answer = self._pool.handle_request(
                httpcore2.Request(
                    method=request.method,
                    url=httpcore2.URL(
                        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                    ),
                    headers=request.headers.raw,
                    content=cast("Iterable[bytes]", request.stream),
                    extensions=request.extensions,
                )
            )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(cast("Iterable[bytes]", answer.stream))
        )

    def close(self) -> None:
        self._pool.close()
        self._backend.close()


class _Body(httpx2.SyncByteStream):
    def __init__(self, inner: Iterable[bytes]) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._inner

    def close(self) -> None:
        cast("Any", self._inner).close()


_TIMEOUTS = (httpcore2.ConnectTimeout, httpcore2.ReadTimeout, httpcore2.WriteTimeout)


@contextmanager
def _as_httpx() -> Iterator[None]:
    """Turn httpcore's errors into httpx's, without the text: the system's words may quote an address."""
    try:
        yield
    except httpcore2.ConnectError:
        raise httpx2.ConnectError("no connection") from None
    except httpcore2.PoolTimeout:
        raise httpx2.PoolTimeout("all connections are in use") from None
    except _TIMEOUTS:
        raise httpx2.ReadTimeout("no answer in time") from None
    except httpcore2.NetworkError:
        raise httpx2.NetworkError("the connection broke") from None
    except httpcore2.ProtocolError:
        raise httpx2.RemoteProtocolError("not HTTP, or half an answer") from None
