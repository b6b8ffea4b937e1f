"""``yvax keys`` from the command line."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.application import settings_of
from tests.people import NOW, resident
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.vault.keyring import KeyRing
from yvaxportal.vault.vault import Vault

NUMBER = "900000079198"
Keys = Callable[..., "subprocess.CompletedProcess[str]"]


def run(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "yvaxportal", "keys", *map(str, words)]
    return subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def ring_path(tmp_path: Path) -> Path:
    KeyRing.create(tmp_path / "ring.json")
    return tmp_path / "ring.json"


@pytest.fixture
def settings(database_urls: DatabaseUrls, secrets: Path, ring_path: Path) -> dict[str, str]:
    return settings_of(database_urls, secrets) | {
        "yvaxportal.vault.key_ring_file": str(ring_path),
        "yvaxportal.database.migration_url": database_urls.owner,
    }


@pytest.fixture
def keys(tmp_path: Path, settings: dict[str, str]) -> Keys:
    def command(word: str, *options: str) -> "subprocess.CompletedProcess[str]":
        lines = ["[app:main]", "use = egg:yvaxportal", *(f"{name} = {settings[name]}" for name in settings)]
        (tmp_path / "portal.ini").write_text("\n".join(lines), "utf-8")
        return run(word, tmp_path / "portal.ini", *options)

    return command


@pytest.fixture
def number_of_somebody(engine: Engine, ring_path: Path) -> None:
    with Session(engine) as session:
        who = resident(session).id
        session.commit()
    vault = Vault(engine, KeyRing.load(ring_path), "312029")
    trail = AuditTrail(None, engine, SYSTEM)
    vault.store(who, NUMBER, source="my_number_card", now=NOW, audit=trail)


@pytest.mark.usefixtures("number_of_somebody")
def test_keys_are_prepared_rotated_shown_and_retired(keys: Keys, ring_path: Path) -> None:
    first = KeyRing.load(ring_path).active
    prepared = keys("rotate", "--prepare")
    second = KeyRing.load(ring_path).active
    assert (prepared.returncode, prepared.stderr) == (0, "")
    assert prepared.stdout.startswith(f"key {second} is active. ")

    rotated = keys("rotate")
    assert (rotated.returncode, rotated.stderr) == (0, "")
    assert rotated.stdout.splitlines() == [
        "1 numbers sealed again",
        f"key {second} is in use: 1 numbers, 0 secrets sealed again",
    ]
    status = keys("status")
    assert [line.split()[:2] for line in status.stdout.splitlines()] == [[first, "older"], [second, "active"]]

    early = keys("rotate", "--retire")
    assert early.returncode == 1
    assert early.stdout.startswith("nothing retired before ")
    content = json.loads(ring_path.read_text())
    for key in content["keys"]:
        key["created_at"] = "2026-01-01T00:00:00+00:00"
    ring_path.write_text(json.dumps(content))
    retired = keys("rotate", "--retire")
    assert (retired.returncode, retired.stderr) == (0, "")
    assert retired.stdout.startswith(f"key {first} retired")
    assert KeyRing.load(ring_path).key_ids == (second,)
    assert keys("rotate", "--retire").stdout == "every key is in use\n"
    assert all(NUMBER not in ended.stdout for ended in (prepared, rotated, status, early, retired))


@pytest.mark.usefixtures("number_of_somebody")
def test_a_ring_that_lost_a_key_is_noticed(keys: Keys, ring_path: Path) -> None:
    lost = KeyRing.load(ring_path).active
    ring_path.unlink()
    KeyRing.create(ring_path)
    status = keys("status")
    assert status.returncode == 1
    assert [line.split()[:2] for line in status.stdout.splitlines()][-1] == [lost, "MISSING"]
    rotated = keys("rotate")
    assert rotated.returncode == 1
    assert "does not open: enter it again" in rotated.stdout


def test_it_needs_the_owners_role(keys: Keys, settings: dict[str, str]) -> None:
    settings["yvaxportal.database.migration_url"] = ""
    for word in ("rotate", "status"):
        ended = keys(word)
        assert ended.returncode == 1
        assert ended.stderr.startswith("yvax keys: yvaxportal.database.migration_url: ")
        assert len(ended.stderr.splitlines()) == 1


def test_a_spoilt_ring_is_refused_in_one_line(keys: Keys, ring_path: Path) -> None:
    content = json.loads(ring_path.read_text())
    ring_path.write_text(json.dumps(content | {"active": "another"}))
    ended = keys("rotate")
    assert ended.returncode == 1
    assert ended.stderr == "yvax keys: yvaxportal.vault.key_ring_file: the file holds no key ring\n"


def test_a_ring_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "new ring"
    made = run("create", path)
    assert (made.returncode, made.stderr) == (0, "")
    assert f"active key {KeyRing.load(path).active}." in made.stdout
    before = path.read_bytes()
    again = run("create", path)
    assert again.returncode == 1
    assert again.stderr.endswith("a ring is never overwritten\n")
    assert path.read_bytes() == before
    nowhere = run("create", tmp_path / "no" / "folder")
    assert nowhere.returncode == 1
    assert len(nowhere.stderr.splitlines()) == 1
