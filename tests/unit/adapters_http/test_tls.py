"""Who may talk to whom, over real TLS."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.unit.adapters_http.conftest import Clients, within
from tests.unit.adapters_http.server import Loopback
from tests.unit.adapters_http.setups import setup_with
from yvaxportal.adapters.errors import Unavailable
from yvaxportal.adapters.http import AuthMethod
from yvaxportal.adapters.http.settings import tls_context

Serve = Callable[..., Loopback]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def serve(authority: trustme.CA) -> Iterator[Serve]:
    running: list[Loopback] = []

    def start(
        name: str = "127.0.0.1",
        *,
        clients: trustme.CA | None = None,
        newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> Loopback:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        context.maximum_version = newest
        if clients is not None:
            clients.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        server = Loopback(context)
        server.on("/persons", lambda exchange: exchange.answer(200, {}))
        running.append(server)
        return server

    yield start
    for server in running:
        server.stop()


def files(folder: Path, trusted: trustme.CA, own: trustme.CA | None = None) -> dict[str, str]:
    """Write what an ini file would name."""
    trusted.cert_pem.write_to_path(folder / "ca.pem")
    options = {"ca_file": "ca.pem"}
    if own is not None:
        certificate = own.issue_cert("portal.example")
        certificate.cert_chain_pems[0].write_to_path(folder / "client.pem")
        certificate.private_key_pem.write_to_path(folder / "client.key")
        (folder / "client.key").chmod(0o600)
        options |= {"client_certificate_file": "client.pem", "client_key_file": "client.key"}
    return options


def context_of(folder: Path, options: dict[str, str]) -> ssl.SSLContext:
    return tls_context(setup_with(folder, **options), certificate_needed=False)


def test_the_named_authority_is_trusted(
    serve: Serve, client_for: Clients, authority: trustme.CA, tmp_path: Path
) -> None:
    client = client_for(serve(), tls=context_of(tmp_path, files(tmp_path, authority)))
    assert client.call("list", within()) == {}


def test_another_authority_is_not(serve: Serve, client_for: Clients, tmp_path: Path) -> None:
    server = serve()
    client = client_for(server, tls=context_of(tmp_path, files(tmp_path, trustme.CA())))
    with pytest.raises(Unavailable, match="no connection"):
        client.call("list", within())
    assert server.seen == []


def test_the_systems_authorities_do_not_know_it_either(
    serve: Serve, client_for: Clients, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable):
        client_for(serve(), tls=context_of(tmp_path, {})).call("list", within())


def test_a_certificate_for_another_name_is_refused(
    serve: Serve, client_for: Clients, authority: trustme.CA, tmp_path: Path
) -> None:
    client = client_for(serve("other.example"), tls=context_of(tmp_path, files(tmp_path, authority)))
    with pytest.raises(Unavailable):
        client.call("list", within())


def test_mutual_tls_needs_no_token(
    serve: Serve, client_for: Clients, authority: trustme.CA, tmp_path: Path
) -> None:
    own = trustme.CA()
    server = serve(clients=own)
    client = client_for(
        server,
        auth=AuthMethod.MUTUAL_TLS,
        token_url="",
        tls=context_of(tmp_path, files(tmp_path, authority, own)),
    )
    assert client.call("list", within()) == {}
    assert "Authorization" not in server.asked("/persons")[0].headers
    assert not server.asked("/token")


@pytest.mark.parametrize("with_certificate", [True, False])
def test_a_client_that_the_server_does_not_know(
    serve: Serve, client_for: Clients, authority: trustme.CA, tmp_path: Path, with_certificate: bool
) -> None:
    server = serve(clients=trustme.CA())
    stranger = trustme.CA() if with_certificate else None
    client = client_for(
        server, auth=AuthMethod.MUTUAL_TLS, tls=context_of(tmp_path, files(tmp_path, authority, stranger))
    )
    with pytest.raises(Unavailable):
        client.call("list", within())
    assert server.seen == []


def test_tls_1_1_is_too_old(authority: trustme.CA, tmp_path: Path) -> None:
    context = context_of(tmp_path, files(tmp_path, authority))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_tls_1_2_will_do(serve: Serve, client_for: Clients, authority: trustme.CA, tmp_path: Path) -> None:
    server = serve(newest=ssl.TLSVersion.TLSv1_2)
    client = client_for(server, tls=context_of(tmp_path, files(tmp_path, authority)))
    assert client.call("list", within()) == {}
