"""``yvax import``: the same services in the name of an account."""

import configparser
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.application import settings_of
from tests.importing import questionnaires, row_of
from tests.people import resident
from yvaxportal.cli import main
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.dose import Dose
from yvaxportal.models.staff import StaffAccount


@pytest.fixture
def ini(database_urls: DatabaseUrls, secrets: Path, tmp_path: Path, staff: dict[str, int]) -> str:
    content = configparser.RawConfigParser()
    content["app:main"] = {"use": "egg:yvaxportal", **settings_of(database_urls, secrets)}
    path = tmp_path / "portal.ini"
    with path.open("w", encoding="utf-8") as file:
        content.write(file)
    return str(path)


@pytest.fixture
def data(world: Session, tmp_path: Path) -> Path:
    child = resident(world, born="2024-03-05")
    world.commit()
    path = tmp_path / "data.csv"
    path.write_bytes(questionnaires([row_of(child)]))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["import", *words, "--json"])
    out = capsys.readouterr()
    return code, json.loads(out.out) if out.out else {"error": out.err}


def test_check_apply_and_undo(
    ini: str, data: Path, capsys: pytest.CaptureFixture[str], world: Session
) -> None:
    code, said = run(capsys, "check", ini, str(data), "--layout", "questionnaires", "--as", "registrar")
    assert (code, said["state"], said["rows"], said["match_rate"]) == (0, "checked", {"ready": 1}, 1000)
    number = str(said["import"])
    code, said = run(capsys, "apply", ini, number, "--as", "registrar")
    assert (code, said["state"], said["became"]) == (0, "applied", {"recorded": 1})
    assert world.scalars(select(Dose.state)).all() == ["active"]
    code, said = run(capsys, "undo", ini, number, "--as", "registrar", "--reason", "試し")
    assert (code, said["state"], said["became"]) == (0, "undone", {"undone": 1})
    actors = world.scalars(select(AuditEvent.actor).where(AuditEvent.action.startswith("import."))).all()
    assert set(actors) == {"registrar"}


def test_who_may_not(ini: str, data: Path, capsys: pytest.CaptureFixture[str], world: Session) -> None:
    words = ("check", ini, str(data), "--layout", "questionnaires", "--as")
    assert "import:send is missing" in run(capsys, *words, "viewer")[1]["error"]
    assert "no such account" in run(capsys, *words, "nobody")[1]["error"]
    _code, said = run(capsys, *words, "contractor")
    assert "import:apply" in run(capsys, "apply", ini, str(said["import"]), "--as", "contractor")[1]["error"]
    assert "no such import" in run(capsys, "apply", ini, "999", "--as", "registrar")[1]["error"]
    account = world.scalars(select(StaffAccount).where(StaffAccount.login == "registrar")).one()
    account.revoked_at = account.created_at
    world.commit()
    assert "no such account" in run(capsys, *words, "registrar")[1]["error"]


def test_what_cannot_be_checked(
    ini: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], world: Session
) -> None:
    words = ("--as", "registrar", "--layout", "questionnaires")
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    code, said = run(capsys, "check", ini, str(empty), *words)
    assert (code, said["refusal"]) == (1, "empty_file")
    assert "cannot be read" in run(capsys, "check", ini, str(tmp_path / "none.csv"), *words)[1]["error"]
    assert "no such layout" in run(capsys, "check", ini, str(empty), *words[:3], "x")[1]["error"]
    unsure = tmp_path / "unsure.csv"
    unsure.write_bytes("業務宛名番号\r\n".encode() + "番号\r\n".encode("cp932"))
    assert "say --encoding" in run(capsys, "check", ini, str(unsure), *words)[1]["error"]
    plain = tmp_path / "plain.csv"
    plain.write_bytes(b"a,b\r\n1,2\r\n")
    assert "no column for business_atena_number" in run(capsys, "check", ini, str(plain), *words)[1]["error"]
