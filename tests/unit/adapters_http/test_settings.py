"""One line for each mistake, with the name of the option and without its value."""

from pathlib import Path

import pytest
import trustme

from tests.unit.adapters_http.server import SECRET
from tests.unit.adapters_http.setups import setup_with
from yvaxportal.adapters.http import AuthMethod, RestSettings
from yvaxportal.settings import SettingsError


@pytest.fixture
def right(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "secret").chmod(0o600)
    (tmp_path / "short").write_text("too-short")
    (tmp_path / "short").chmod(0o600)
    (tmp_path / "open").write_text(SECRET)
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "noise.pem").write_text("no certificate")
    (tmp_path / "noise.pem").chmod(0o600)
    authority = trustme.CA()
    certificate = authority.issue_cert("portal.example")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "client.key")
    (tmp_path / "client.key").chmod(0o600)
    certificate.private_key_pem.write_to_path(tmp_path / "open.key")
    (tmp_path / "open.key").chmod(0o644)
    return {
        "base_url": "https://atena.example/v1/",
        "token_url": "https://atena.example/token",
        "client_id": "yvaxportal",
        "client_secret_file": "secret",
    }


def test_what_is_given_and_what_is_not(right: dict[str, str], tmp_path: Path) -> None:
    settings = RestSettings.read(setup_with(tmp_path, **right, scopes="a:b:Read  c:d:Create", attempts="5"))

    assert settings.base_url == "https://atena.example/v1"
    assert settings.auth is AuthMethod.CLIENT_SECRET_JWT
    assert settings.client_secret == SECRET
    assert settings.scopes == ("a:b:Read", "c:d:Create")
    assert settings.attempts == 5
    assert settings.max_answer_bytes == 4 << 20
    assert SECRET not in repr(settings)


def test_mutual_tls(right: dict[str, str], tmp_path: Path) -> None:
    settings = RestSettings.read(
        setup_with(
            tmp_path,
            base_url=right["base_url"],
            auth="mutual_tls",
            client_certificate_file="client.pem",
            client_key_file="client.key",
        )
    )
    assert settings.auth is AuthMethod.MUTUAL_TLS
    assert settings.tls is not None


@pytest.mark.parametrize(
    ("change", "name", "problem"),
    [
        ({"base_url": ""}, "base_url", "is missing"),
        ({"base_url": "http://atena.example"}, "base_url", "must begin with https://"),
        ({"base_url": "ftp://127.0.0.1"}, "base_url", "must begin with https://"),
        ({"base_url": "https://staff:pw@atena.example"}, "base_url", "must be an address"),
        ({"base_url": "https://atena.example/?a=b"}, "base_url", "must be an address"),
        ({"base_url": "https://[x"}, "base_url", "must be an address"),
        ({"base_url": "https://a:99999"}, "base_url", "must be an address"),
        ({"token_url": ""}, "token_url", "is missing"),
        ({"client_id": ""}, "client_id", "is missing"),
        ({"client_id": "a b"}, "client_id", "must be 1 to 64"),
        ({"auth": "basic"}, "auth", "must be one of client_secret_jwt"),
        ({"client_secret_file": "nowhere"}, "client_secret_file", "cannot be read"),
        ({"client_secret_file": "open"}, "client_secret_file", "can be read by everybody"),
        ({"client_secret_file": "short"}, "client_secret_file", "too short"),
        ({"client_secret": SECRET}, "client_secret", "does not stand in the ini file"),
        ({"scopes": 'a "b"'}, "scopes", "must be scopes"),
        ({"ca_file": "nowhere"}, "ca_file", "no such file"),
        ({"ca_file": "noise.pem"}, "ca_file", "in PEM"),
        ({"client_certificate_file": "client.pem"}, "client_key_file", "is missing"),
        ({"client_key_file": "client.key"}, "client_certificate_file", "is missing"),
        (
            {"client_certificate_file": "client.pem", "client_key_file": "open.key"},
            "client_key_file",
            "open to everybody",
        ),
        (
            {"client_certificate_file": "client.pem", "client_key_file": "noise.pem"},
            "client_key_file",
            "in PEM",
        ),
        ({"attempts": "0"}, "attempts", "must be a number from 1 to 10"),
        ({"connect_seconds": "soon"}, "connect_seconds", "must be a number"),
        ({"max_answer_bytes": "1"}, "max_answer_bytes", "must be a number"),
        ({"auth": "mutual_tls"}, "token_url", "has no meaning"),
        ({"timeout": "5"}, "timeout", "no such option"),
    ],
)
def test_mistakes(
    right: dict[str, str], tmp_path: Path, change: dict[str, str], name: str, problem: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        RestSettings.read(setup_with(tmp_path, **{**right, **change}))
    line = str(raised.value)
    assert line.startswith(f"yvaxportal.adapters.atena.{name}: ")
    assert problem in line
    assert "\n" not in line
    assert SECRET not in line
    assert "staff:pw" not in line


def test_mutual_tls_without_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"client_certificate_file: is missing"):
        RestSettings.read(setup_with(tmp_path, base_url="https://a.example", auth="mutual_tls"))
    with pytest.raises(SettingsError, match=r"base_url: must begin with https://"):
        RestSettings.read(setup_with(tmp_path, base_url="http://127.0.0.1", auth="mutual_tls"))
