"""``yvax report``: a table as a file, as a named account."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.application import settings_of
from tests.functional.test_reports import dose
from tests.people import resident
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.report import ReportSnapshot
from yvaxportal.models.staff import StaffAccount

Report = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def report(tmp_path: Path, database_urls: DatabaseUrls, secrets: Path, staff: dict[str, int]) -> Report:
    settings = settings_of(database_urls, secrets)
    lines = ["[app:main]", "use = egg:yvaxportal", *(f"{name} = {settings[name]}" for name in settings)]
    ini = tmp_path / "portal.ini"
    ini.write_text("\n".join(lines), "utf-8")

    def command(
        name: str, *options: object, account: str = "manager"
    ) -> "subprocess.CompletedProcess[bytes]":
        words = [sys.executable, "-m", "yvaxportal", "report", name, str(ini), "--account", account]
        root = Path(__file__).parents[3]
        return subprocess.run(
            [*words, *map(str, options)], cwd=root, capture_output=True, timeout=60, check=False
        )

    return command


@pytest.fixture
def child(world: Session) -> None:
    for _ in range(2):
        dose(world, resident(world, born="2025-04-20", became_resident_on=date(2025, 4, 20)))
    world.commit()


def test_every_format_tells_the_same(report: Report, child: None, tmp_path: Path, world: Session) -> None:
    answer = report("routine", "--year", 2026, "--format", "json")
    assert (answer.returncode, answer.stderr) == (0, b"")
    told = json.loads(answer.stdout)
    assert told["rows"]["mr_1"] == {"targets": 2, "given": 2, "rate": 100.0}
    assert told["table"] is None
    lines = report("routine", "--year", 2026).stdout.decode("utf-8-sig").splitlines()
    assert lines[0] == "定期の予防接種実施者数"
    assert "麻しん風しん（MR）,第1期,2,2,100.0" in lines
    out = tmp_path / "table.xlsx"
    assert report("routine", "--year", 2026, "--format", "xlsx", "--out", out).stdout == b""
    sheet = openpyxl.load_workbook(io.BytesIO(out.read_bytes())).worksheets[0]
    assert ("麻しん風しん（MR）", "第1期", 2, 2, 100) in list(sheet.iter_rows(values_only=True))
    hidden = json.loads(report("routine", "--year", 2026, "--format", "json", "--public").stdout)
    assert hidden["rows"]["mr_1"]["given"] == "hidden"
    events = world.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [(event.actor, event.action) for event in events] == [("manager", "report.taken")] * 4


def test_a_frozen_table_is_kept_and_numbered(report: Report, child: None, world: Session) -> None:
    told = json.loads(
        report("measles_rubella", "--year", 2026, "--period", "h1", "--format", "json", "--freeze").stdout
    )
    kept = world.scalars(select(ReportSnapshot)).one()
    assert (told["table"], kept.report, kept.period) == (kept.id, "measles_rubella", "h1")
    assert told["rows"]["measles_1"]["given"] == 2


@pytest.mark.parametrize(
    ("name", "options", "account", "told"),
    [
        ("nothing", ("--year", "2026"), "manager", "there is no report 'nothing'; there are doses,"),
        ("routine", ("--year", "26"), "manager", "the fiscal year is four digits"),
        ("routine", ("--year", "2026", "--period", "m13"), "manager", "no such part of a fiscal year"),
        ("routine", ("--year", "2026", "--period", "m05"), "manager", "not made for such a period"),
        ("routine", ("--year", "2090"), "manager", "the period has not begun yet"),
        ("routine", ("--year", "2026"), "nobody", "there is no such account"),
        ("routine", ("--year", "2026"), "auditor", "do not hold the permission"),
        ("routine", ("--year", "2026", "--freeze"), "viewer", "do not hold the permission"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    report: Report, name: str, options: tuple[str, ...], account: str, told: str
) -> None:
    answer = report(name, *options, account=account)
    assert (answer.returncode, answer.stdout) == (1, b"")
    (line,) = answer.stderr.decode().splitlines()
    assert told in line


def test_a_revoked_account_reports_nothing(report: Report, world: Session, staff: dict[str, int]) -> None:
    account = world.get(StaffAccount, staff["manager"])
    assert account is not None
    account.valid_to = date(2026, 1, 1)
    world.commit()
    assert report("routine", "--year", 2026).returncode == 1
