"""``yvax audit`` from the command line: seal, verify, hand out the public key."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from tests.application import settings_of
from tests.db.test_audit_seal import wait_until_final
from yvaxportal.audit.actions import Action
from yvaxportal.audit.keys import create_signing_key, load_signing_key, public_pem
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.embedded.places import DatabaseUrls

Audit = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def audit(tmp_path: Path, database_urls: DatabaseUrls, secrets: Path) -> Audit:
    settings = settings_of(database_urls, secrets)
    lines = ["[app:main]", "use = egg:yvaxportal", *(f"{name} = {settings[name]}" for name in settings)]
    ini = tmp_path / "portal.ini"
    ini.write_text("\n".join(lines), "utf-8")

    def command(word: str, *options: object) -> "subprocess.CompletedProcess[str]":
        words = [sys.executable, "-m", "yvaxportal", "audit", word, str(ini), *map(str, options)]
        root = Path(__file__).parents[2]
        return subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=60, check=False)

    return command


@pytest.fixture
def sealed(engine: Engine, audit: Audit) -> Audit:
    for resident in (1, 2):
        AuditTrail(None, engine, SYSTEM).record_apart(Action.RESIDENT_VIEWED, resident_id=resident)
    wait_until_final(engine)
    assert audit("seal").stdout == "2 events sealed under 1 seals\n"
    return audit


def test_an_intact_log_verifies(sealed: Audit) -> None:
    answer = sealed("verify")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == "2 events under 1 seals, 0 not sealed yet: intact\n"


def test_an_altered_event_is_named_and_fails(sealed: Audit, database_urls: DatabaseUrls) -> None:
    admin = create_engine(database_urls.admin)
    with admin.begin() as connection:
        connection.execute(text("SET session_replication_role = replica"))
        connection.execute(text("UPDATE audit_event SET actor = 'somebody' WHERE id = 2"))
    admin.dispose()
    answer = sealed("verify")
    assert answer.returncode == 1
    assert answer.stdout.splitlines() == [
        "event 2: altered",
        "2 events under 1 seals, 0 not sealed yet: 1 findings",
    ]


def test_the_public_key_is_enough_and_another_one_is_found_out(
    sealed: Audit, secrets: Path, tmp_path: Path
) -> None:
    printed = sealed("key").stdout
    assert printed == public_pem(load_signing_key(secrets / "signing.pem"))
    own, other = tmp_path / "own.pub", tmp_path / "other.pub"
    own.write_text(printed, "ascii")
    assert sealed("verify", "--public-key", own).returncode == 0
    create_signing_key(tmp_path / "other.pem")
    other.write_text(public_pem(load_signing_key(tmp_path / "other.pem")), "ascii")
    answer = sealed("verify", "--public-key", other)
    assert answer.returncode == 1
    assert "seal 1: not signed with this key" in answer.stdout


@pytest.mark.parametrize("content", [None, "no key"])
def test_a_public_key_that_cannot_be_read_is_one_clear_line(
    audit: Audit, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "audit.pub"
    if content is not None:
        path.write_text(content, "ascii")
    answer = audit("verify", "--public-key", path)
    assert answer.returncode == 1
    assert answer.stderr.startswith("yvax audit: ")
    assert len(answer.stderr.splitlines()) == 1
