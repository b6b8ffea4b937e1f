"""A wrong ini setting stops each process with one line that names the setting."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, pool, update
from sqlalchemy.orm import Session

from tests.application import settings_of
from tests.people import NOW
from yvaxportal.commands.common import require_current
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.staff import StaffAccount
from yvaxportal.portal import open_portal
from yvaxportal.programme.loading import SHIPPED
from yvaxportal.security.groups import default_groups
from yvaxportal.services.bootstrap import create_account, ensure_groups
from yvaxportal.settings import read_settings
from yvaxportal.vault.keyring import KeyRing

ROOT = Path(__file__).parents[3]
P = "yvaxportal."


@pytest.fixture
def ini(tmp_path: Path, secrets: Path, database_urls: DatabaseUrls) -> dict[str, str]:
    """The settings of a working portal, to be spoilt one at a time."""
    return {
        P + "environment": "development",
        P + "var": str(tmp_path),
        P + "database": "external",
        P + "database.url": database_urls.app,
        P + "municipality_name": "見本市",
        P + "session.secret_file": str(secrets / "session"),
        P + "vault.key_ring_file": str(secrets / "ring.json"),
        P + "audit.signing_key_file": str(secrets / "signing.pem"),
    }


def run(path: Path, values: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    lines = ["[app:main]", "use = egg:yvaxportal", *(f"{name} = {value}" for name, value in values.items())]
    path.write_text("\n".join(lines), "utf-8")
    command = [sys.executable, "-m", "yvaxportal", *words, str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


CASES = [
    ("web", "adapters.chukan", "hush"),
    ("web", "vault.key_ring_file", "/nowhere/hush"),
    ("web", "database.url", "postgresql+psycopg://hush:hush@127.0.0.1:1/hush"),
    ("web", "web.port", "hush"),
    ("web", "metrics.web", "hush"),
    ("worker", "metrics.worker", "127.0.0.1:hush"),
    ("worker", "audit.signing_key_file", "SESSION"),
    ("worker", "database.url", "postgresql+psycopg://hush:hush@127.0.0.1:1/hush"),
    ("web", "vault.key_ring_file", "SESSION"),
    ("migrate", "database.migration_url", "postgresql+psycopg://hush:hush@127.0.0.1:1/hush"),
    ("migrate", "database.migration_url", ""),
]


@pytest.mark.parametrize(("command", "name", "value"), CASES)
def test_it_does_not_start(ini: dict[str, str], tmp_path: Path, command: str, name: str, value: str) -> None:
    ini[P + name] = ini[P + "session.secret_file"] if value == "SESSION" else value
    ended = run(tmp_path / "portal.ini", ini, command)
    assert ended.returncode == 1
    said = [line for line in ended.stderr.splitlines() if line.startswith("yvax ")]
    assert len(said) == 1
    assert said[0].startswith(f"yvax {command}: {P}{name}: ")
    assert "Traceback" not in ended.stderr
    assert "hush" not in ended.stderr + ended.stdout


@pytest.mark.parametrize("name", ["vault.purposes_file", "programme.vaccines_file"])
@pytest.mark.parametrize("content", [None, "[[purpose", "[colour]\nred = 1\n[[purpose]]\nid = 'x'\n"])
def test_an_own_file_that_is_wrong(
    ini: dict[str, str], tmp_path: Path, name: str, content: str | None
) -> None:
    own = tmp_path / "own.toml"
    if content is not None:
        own.write_text(content, "utf-8")
    ini[P + name] = str(own)
    ended = run(tmp_path / "portal.ini", ini, "web")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith(f"yvax web: {P}{name}: ")


@pytest.mark.parametrize("command", ["web", "worker"])
def test_an_own_rule_file_that_is_wrong(ini: dict[str, str], tmp_path: Path, command: str) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    shipped = (SHIPPED / "bcg.toml").read_text("utf-8")
    (rules / "bcg.toml").write_text(shipped.replace('vaccines = ["bcg"]', 'vaccines = ["bgc"]'), "utf-8")
    line = shipped.splitlines().index('vaccines = ["bcg"]') + 1
    ini[P + "programme.schedules_folder"] = str(rules)
    ended = run(tmp_path / "portal.ini", ini, command)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"yvax {command}: {P}programme.schedules_folder: {rules / 'bcg.toml'}:{line}: unknown vaccine bgc\n"
    )


def test_own_files_add_to_what_ships(tmp_path: Path, secrets: Path, database_urls: DatabaseUrls) -> None:
    purposes, vaccines = tmp_path / "purposes.toml", tmp_path / "vaccines.toml"
    purposes.write_text(
        "[[purpose]]\nid = 'own_purpose'\nlabel_ja = '見本'\nlabel_en = 'sample'\n"
        "legal_basis = '条例第1条'\nvalid_from = 2026-04-01\n",
        "utf-8",
    )
    vaccines.write_text("[series.own]\nname_ja = '見本'\nname_en = 'Own'\norder = 900\n", "utf-8")
    settings = settings_of(database_urls, secrets) | {
        P + "vault.purposes_file": str(purposes),
        P + "programme.vaccines_file": str(vaccines),
    }
    portal = open_portal(read_settings(settings))
    portal.engine.dispose()
    assert {"own_purpose", "issue_certificate"} <= set(portal.vault.purposes)
    assert {"own", "mr"} <= set(portal.catalogue.series())


def test_a_database_of_another_version(
    ini: dict[str, str], tmp_path: Path, database_urls: DatabaseUrls
) -> None:
    ini[P + "database.url"] = database_urls.admin.replace("/test_", "/postgres?x=").split("?x=")[0] + (
        "?" + database_urls.admin.split("?")[1]
    )
    ended = run(tmp_path / "portal.ini", ini, "web")
    assert ended.stderr.endswith("its tables are of another version: run `yvax migrate`\n")
    assert ended.returncode == 1


def test_production_does_not_start_on_demo_accounts(
    ini: dict[str, str], tmp_path: Path, database_urls: DatabaseUrls
) -> None:
    ini[P + "environment"] = "production"
    owner = create_engine(database_urls.owner, poolclass=pool.NullPool)
    with Session(owner) as session:
        ensure_groups(session, default_groups())
        create_account(
            session,
            KeyRing.with_new_key(),
            login="viewer",
            display_name="閲覧",
            password="見本の長い合言葉 2026",
            groups=("viewer",),
            now=NOW,
            is_demo=True,
        )
        session.commit()
    for command in ("web", "worker"):
        ended = run(tmp_path / "portal.ini", ini, command)
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"yvax {command}: {P}database.url: the database has demo accounts")
        assert len(ended.stderr.splitlines()) == 1
    require_current(replace(read_settings(ini), environment="development"))
    with Session(owner) as session:
        session.execute(update(StaffAccount).values(revoked_at=NOW))
        session.commit()
    require_current(read_settings(ini))


def test_settings_check_says_what_a_start_would(ini: dict[str, str], tmp_path: Path) -> None:
    ended = run(tmp_path / "portal.ini", ini, "settings", "check")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "in order (development)" in ended.stdout
    ini[P + "second_factor"] = "never"
    ended = run(tmp_path / "portal.ini", ini, "settings", "check")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"yvax settings: {P}second_factor: must be one of always, personal-number\n"


def test_no_ini_file_and_no_section(tmp_path: Path) -> None:
    for path in (tmp_path / "none.ini", tmp_path / "empty.ini"):
        (tmp_path / "empty.ini").write_text("[server:main]\nuse = egg:waitress\n")
        command = [sys.executable, "-m", "yvaxportal", "web", str(path)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"yvax web: {path}: ")
        assert len(ended.stderr.splitlines()) == 1


def test_production_ini_is_usable(secrets: Path, tmp_path: Path, database_urls: DatabaseUrls) -> None:
    """The shipped production.ini, with nothing but the environment that deploy.md gives it."""
    (tmp_path / "url").write_text(database_urls.app)
    environ = {
        "YVAX_DATABASE_URL_FILE": str(tmp_path / "url"),
        "YVAX_MUNICIPALITY_CODE": "312029",
        "YVAX_MUNICIPALITY_NAME": "見本市",
        "YVAX_ADDRESS_PREFIXES": "見本県,見本県見本市,見本市",
        "YVAX_SESSION_SECRET_FILE": str(secrets / "session"),
        "YVAX_KEY_RING_FILE": str(secrets / "ring.json"),
        "YVAX_SIGNING_KEY_FILE": str(secrets / "signing.pem"),
    }
    command = [sys.executable, "-m", "yvaxportal", "settings", "check", "production.ini"]
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "in order (production)" in ended.stdout
