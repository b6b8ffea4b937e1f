"""The whole application on a database of its own, with a clock that stands still and staff who sign in."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from pyramid.router import Router
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.database import DatabaseServer
from yvaxportal import main
from yvaxportal.audit.keys import create_signing_key
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.outputs.opening import open_workshop
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.portal import Portal, open_portal
from yvaxportal.security.groups import default_groups
from yvaxportal.services import bootstrap
from yvaxportal.services.bootstrap import create_account, ensure_groups
from yvaxportal.services.one_time_codes import code_of, step_at
from yvaxportal.services.passwords import hash_password
from yvaxportal.settings import read_settings
from yvaxportal.vault.keyring import KeyRing

PASSWORD = "見本の長い合言葉 2026"
TOTP_SECRET = "JBSWY3DPEHPK3PXP"
#: Words of the ini file as JSON: the same tests, with other adapters.
ADAPTERS = "YVAX_TEST_ADAPTERS"
LOGINS = ("viewer", "registrar", "number", "manager", "auditor", "administrator", "contractor")


@dataclass
class Clock:
    """The portal's clock; a test moves it."""

    now: datetime = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **kw: float) -> None:
        self.now += timedelta(**kw)


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    (folder / "session").write_bytes(b"0123456789abcdefghijklmnopqrstuvwxyz-session")
    KeyRing.create(folder / "ring.json")
    create_signing_key(folder / "signing.pem")
    for path in folder.iterdir():
        path.chmod(0o600)
    return folder


def settings_of(urls: DatabaseUrls, secrets: Path) -> dict[str, str]:
    return {
        "yvaxportal.environment": "development",
        "yvaxportal.var": str(secrets),
        "yvaxportal.database": "external",
        "yvaxportal.database.url": urls.app,
        "yvaxportal.municipality_name": "見本市",
        "yvaxportal.session.secret_file": str(secrets / "session"),
        "yvaxportal.vault.key_ring_file": str(secrets / "ring.json"),
        "yvaxportal.audit.signing_key_file": str(secrets / "signing.pem"),
        "yvaxportal.session.secure_cookies": "false",
        "yvaxportal.second_factor": "personal-number",
        **{f"yvaxportal.adapters.{name}": value for name, value in other_adapters().items()},
    }


def other_adapters() -> dict[str, str]:
    """Return the adapters that the tests run with instead of the portal's own tables."""
    written: dict[str, str] = json.loads(os.environ.get(ADAPTERS, "{}"))
    return written


@pytest.fixture(scope="session")
def router(postgres: DatabaseServer, secrets: Path) -> Iterator[Router]:
    """Build the application once; each test gives it a portal on its own database."""
    with postgres.fresh_database() as urls:
        application = main({}, **settings_of(urls, secrets))
        yield application
        application.registry.portal.engine.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def portal(database_urls: DatabaseUrls, secrets: Path, clock: Clock) -> Iterator[Portal]:
    opened = open_portal(read_settings(settings_of(database_urls, secrets)))
    yield replace(opened, clock=clock)
    opened.engine.dispose()


@pytest.fixture(scope="session")
def hashed() -> Callable[[str], str]:
    """Hash a password once a run: a hash takes as long as twenty other steps of a test."""
    return cache(hash_password)


@pytest.fixture
def staff(
    portal: Portal, clock: Clock, hashed: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> dict[str, int]:
    """Create one account in each built-in group, named after it; return their ids by login."""
    monkeypatch.setattr(bootstrap, "hash_password", hashed)
    with Session(portal.engine) as session:
        ensure_groups(session, default_groups(), networks=("127.0.0.0/8", "::1/128"))
        ids = {
            login: create_account(
                session,
                portal.key_ring,
                login=login,
                display_name=f"職員 {login}",
                password=PASSWORD,
                groups=(login,),
                now=clock.now,
                totp_secret=TOTP_SECRET,
                must_change_password=False,
            )
            for login in LOGINS
        }
        session.commit()
    return ids


@pytest.fixture
def app(router: Router, portal: Portal, staff: dict[str, int]) -> Iterator[Router]:
    built = router.registry.portal
    router.registry.portal = portal
    yield router
    router.registry.portal = built


@pytest.fixture
def shop(app: Router, portal: Portal, clock: Clock, tmp_path: Path) -> Iterator[Workshop]:
    """Give the room where the worker makes files that leave; the application hands it over."""
    settings = replace(portal.settings, var=tmp_path)
    app.registry.portal = replace(portal, settings=settings)
    yield open_workshop(settings, portal.engine, portal.key_ring, clock)
    app.registry.portal = portal


@pytest.fixture
def browser(app: Router) -> Callable[[], TestApp]:
    """Make a new visitor with cookies of their own, at a terminal of the town hall."""

    def visitor() -> TestApp:
        return TestApp(app, extra_environ={"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:80"})

    return visitor


@pytest.fixture
def testapp(browser: Callable[[], TestApp]) -> TestApp:
    return browser()


SignIn = Callable[..., TestApp]


@pytest.fixture
def sign_in(browser: Callable[[], TestApp], clock: Clock) -> SignIn:
    """Sign in through the page; ``second_factor=True`` also gives a code."""

    def sign(login: str, *, second_factor: bool = False, password: str = PASSWORD) -> TestApp:
        visitor = browser()
        form = visitor.get("/sign-in").forms["sign-in"]
        form["login"] = login
        form["password"] = password
        form.submit("sign_in", status=303)
        if second_factor:
            code_form = visitor.get("/second-factor").forms["second-factor"]
            code_form["code"] = code_of(TOTP_SECRET, step_at(clock.now))
            code_form.submit("confirm", status=303)
        return visitor

    return sign


@pytest.fixture
def world(engine: Engine) -> Iterator[Session]:
    """Give a session of the application's role whose commits the application sees."""
    with Session(engine, expire_on_commit=False) as session:
        yield session
