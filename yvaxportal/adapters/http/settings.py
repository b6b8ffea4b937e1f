"""What one REST system needs, from its part of the ini file (``yvaxportal.adapters.<system>.<option>``)."""

import re
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.settings import SettingsError

OPTIONS = (
    "base_url",
    "token_url",
    "auth",
    "client_id",
    "client_secret_file",
    "client_certificate_file",
    "client_key_file",
    "ca_file",
    "scopes",
    "connect_seconds",
    "read_seconds",
    "max_answer_bytes",
    "pool_size",
    "attempts",
    "breaker_failures",
    "breaker_seconds",
)

_CLIENT_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, 3.3
_SECRET_CHARACTERS = 32  # of client_secret_jwt: HS256 asks for a key as long as its hash (RFC 7518, 3.2)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class AuthMethod(StrEnum):
    """How the portal proves who it is (docs/protocols/rest.md, 2)."""

    CLIENT_SECRET_JWT = "client_secret_jwt"  # noqa: S105 - the name of a method
    CLIENT_SECRET_BASIC = "client_secret_basic"  # noqa: S105 - the name of a method
    MUTUAL_TLS = "mutual_tls"


@dataclass(frozen=True, slots=True)
class RestSettings:
    """The settings of one client.

    :param system: the word of the ini file; it stands in every error.
    :param base_url: without a final slash; paths of the protocol are appended.
    :param connect_seconds: for one connection, TLS included; the caller's time limit cuts it shorter.
    :param read_seconds: longest silence of the other side.
    :param max_answer_bytes: of one answer, or of one line of a stream.
    :param attempts: of a call that is safe to repeat, the first included.
    :param breaker_failures: so many calls in a row found nobody: no more are made for ``breaker_seconds``.
    """

    system: str
    base_url: str
    auth: AuthMethod = AuthMethod.CLIENT_SECRET_JWT
    token_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    connect_seconds: float = 1.0
    read_seconds: float = 10.0
    max_answer_bytes: int = 4 << 20
    pool_size: int = 10
    attempts: int = 3
    breaker_failures: int = 5
    breaker_seconds: float = 10.0

    @classmethod
    def read(cls, setup: AdapterSetup, *more: str) -> "RestSettings":
        """Return the checked settings; SettingsError names the first option that is wrong, never a value.

        :param more: options beside those of docs/protocols/rest.md, 8, which the implementation reads itself.
        """
        # The secret itself is no option: where it belongs is said when it is read.
        setup.refuse_unknown((*OPTIONS, "client_secret", *more))
        auth = _auth(setup)
        base_url = _url(setup, "base_url")
        with_token = auth is not AuthMethod.MUTUAL_TLS
        if not with_token:
            for key in ("token_url", "client_id", "client_secret", "client_secret_file", "scopes"):
                if setup.options.get(key):
                    raise SettingsError(setup.name_of(key), "has no meaning with auth = mutual_tls")
            if not base_url.startswith("https://"):
                raise SettingsError(setup.name_of("base_url"), "must begin with https:// for mutual_tls")
        return cls(
            system=setup.system,
            base_url=base_url,
            auth=auth,
            token_url=_url(setup, "token_url") if with_token else "",
            client_id=_client_id(setup) if with_token else "",
            client_secret=_client_secret(setup, auth) if with_token else "",
            scopes=_scopes(setup),
            tls=tls_context(setup, certificate_needed=not with_token),
            connect_seconds=setup.number("connect_seconds", 1, lowest=0.05, highest=30),
            read_seconds=setup.number("read_seconds", 10, lowest=0.05, highest=300),
            max_answer_bytes=int(setup.number("max_answer_bytes", 4 << 20, lowest=1024, highest=1 << 30)),
            pool_size=int(setup.number("pool_size", 10, lowest=1, highest=200)),
            attempts=int(setup.number("attempts", 3, lowest=1, highest=10)),
            breaker_failures=int(setup.number("breaker_failures", 5, lowest=1, highest=1000)),
            breaker_seconds=setup.number("breaker_seconds", 10, lowest=0.05, highest=3600),
        )


def tls_context(setup: AdapterSetup, *, certificate_needed: bool) -> ssl.SSLContext:
    """Return a context for TLS 1.2 or newer that checks the other side's name and certificate.

    Without ``ca_file`` the system's own authorities are trusted; with it, only those of the file.
    """
    try:
        context = ssl.create_default_context(cafile=_file(setup, "ca_file"))
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(setup.name_of("ca_file"), _unreadable(error)) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    certificate, key = _file(setup, "client_certificate_file"), _file(setup, "client_key_file")
    for name, given, other in (
        ("client_certificate_file", certificate, key),
        ("client_key_file", key, certificate),
    ):
        if given is None and (certificate_needed or other is not None):
            raise SettingsError(setup.name_of(name), "is missing")
    if certificate is not None and key is not None:
        _check_key_mode(setup, key)
        try:
            # The empty password keeps OpenSSL from asking at the terminal for an encrypted key.
            context.load_cert_chain(certificate, key, password="")
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(setup.name_of("client_key_file"), _unreadable(error)) from None
    return context


def _auth(setup: AdapterSetup) -> AuthMethod:
    try:
        return AuthMethod(setup.text("auth", AuthMethod.CLIENT_SECRET_JWT))
    except ValueError:
        allowed = ", ".join(AuthMethod)
        raise SettingsError(setup.name_of("auth"), f"must be one of {allowed}") from None


def _url(setup: AdapterSetup, key: str) -> str:
    name, text = setup.name_of(key), setup.text(key)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(name, "must be an address such as https://host/path") from None
    if not host or parts.query or parts.fragment or parts.username is not None:
        raise SettingsError(name, "must be an address such as https://host/path")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise SettingsError(name, "must begin with https:// (http:// on loopback only)")
    return text.rstrip("/") if key == "base_url" else text


def _client_id(setup: AdapterSetup) -> str:
    text = setup.text("client_id")
    if not _CLIENT_ID.fullmatch(text):
        raise SettingsError(setup.name_of("client_id"), "must be 1 to 64 letters, digits, '.', '_' or '-'")
    return text


def _client_secret(setup: AdapterSetup, auth: AuthMethod) -> str:
    secret = setup.secret("client_secret")
    if auth is AuthMethod.CLIENT_SECRET_JWT and len(secret) < _SECRET_CHARACTERS:
        problem = f"the secret is too short: at least {_SECRET_CHARACTERS} characters"
        raise SettingsError(setup.name_of("client_secret_file"), problem)
    return secret


def _scopes(setup: AdapterSetup) -> tuple[str, ...]:
    scopes = tuple(setup.options.get("scopes", "").split())
    if not all(_SCOPE.fullmatch(scope) for scope in scopes):
        raise SettingsError(setup.name_of("scopes"), "must be scopes with a space between them")
    return scopes


def _file(setup: AdapterSetup, key: str) -> Path | None:
    if not setup.options.get(key):
        return None
    path = setup.path(key)
    if not path.is_file():
        raise SettingsError(setup.name_of(key), "there is no such file")
    return path


def _check_key_mode(setup: AdapterSetup, key: Path) -> None:
    if key.stat().st_mode & 0o007:
        raise SettingsError(setup.name_of("client_key_file"), "the file is open to everybody: chmod 640")


def _unreadable(error: Exception) -> str:
    return f"cannot be read as certificates and key in PEM ({type(error).__name__})"
