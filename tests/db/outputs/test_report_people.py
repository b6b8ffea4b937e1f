"""The people behind a figure of a report, through the gate: a line for each dose, addresses withheld."""

from typing import Any

import pytest

from tests.db.outputs.conftest import Desk
from tests.functional.test_reports import dose
from tests.leaving import content_of, table_of
from tests.people import NOW, TODAY, resident
from yvaxportal.outputs.lists import WITHHELD
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.reports.library import load_library
from yvaxportal.services.reports.periods import Period
from yvaxportal.services.reports.snapshots import make


@pytest.fixture
def table_id(desk: Desk) -> int:
    for number in range(3):
        child = resident(
            desk.session,
            name=f"見本　{number}子",
            born="2025-04-20",
            support_measure_flag=number == 1,
            contact={"elementary_school_district": f"第{number}小学校"},
        )
        if number:
            dose(desk.session, child)
    made = make(
        desk.session,
        desk.audit,
        load_library(load_schedule(load_catalogue())),
        report="routine",
        period=Period(2026),
        municipality_code="312029",
        reason="",
        staff_id=desk.clerk,
        today=TODAY,
        now=NOW,
    )
    desk.session.commit()
    return made


def rows_of(desk: Desk, **subject: Any) -> list[list[str]]:
    output = desk.made(subject, "report_people")
    assert output.problem is None
    _name, content = content_of(desk.archive(output.id), desk.password(output.id))
    return table_of(content)


def test_who_was_given_the_dose(desk: Desk, table_id: int) -> None:
    head, *rows = rows_of(desk, snapshot=table_id, row="mr_1", column="given")
    assert [row[head.index("氏名")] for row in rows] == ["見本　2子", "見本　1子"]
    assert [row[head.index("回数")] for row in rows] == ["1", "1"]
    assert [row[head.index("小学校区")] for row in rows] == ["第2小学校", WITHHELD]
    assert {row[head.index("年齢（期間の末日）")] for row in rows} == {"1"}


def test_who_the_targets_are(desk: Desk, table_id: int) -> None:
    head, *rows = rows_of(desk, snapshot=table_id, row="mr_1", column="targets")
    assert len(rows) == 3
    assert {row[head.index("回数")] for row in rows} == {""}


@pytest.mark.parametrize(
    "subject",
    [
        {"snapshot": 0, "row": "mr_1", "column": "given"},
        {"row": "mr_1", "column": "rate"},
        {"row": "mr_1", "column": "nothing"},
        {"row": "nothing", "column": "given"},
        {"row": "mr_1"},
    ],
)
def test_what_is_no_figure_makes_no_file(desk: Desk, table_id: int, subject: dict[str, Any]) -> None:
    output = desk.made({"snapshot": table_id} | subject, "report_people")
    assert output.problem == "subject"
