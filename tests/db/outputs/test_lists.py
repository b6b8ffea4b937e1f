"""What stands in a list: the right people, in an order that tells nothing, cells that run nowhere."""

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import event, func, select

from tests.db.outputs.conftest import Desk
from tests.leaving import content_of, extraction, member, people, table_of
from tests.people import NOW, resident
from yvaxportal.models.codes import ExtractionState, MemberStanding, OutputState
from yvaxportal.models.output import OutputPerson
from yvaxportal.outputs.layouts import load_layouts
from yvaxportal.outputs.lists import WITHHELD
from yvaxportal.outputs.makers import MAKERS

ADDRESSES = ("郵便番号", "現住所", "送付先住所", "小学校区")


def listed(desk: Desk, extraction_id: int, layout: str = "target_list") -> list[dict[str, str]]:
    """Make the list and return its rows by heading."""
    output = desk.made({"extraction": extraction_id}, layout)
    assert output.problem is None
    _name, content = content_of(desk.archive(output.id), desk.password(output.id))
    head, *rows = table_of(content, "cp932" if layout.endswith("cp932") else "utf-8-sig")
    return [dict(zip(head, row, strict=True)) for row in rows]


def sheet_of(desk: Desk, extraction_id: int) -> list[tuple[Any, ...]]:
    output = desk.made({"extraction": extraction_id}, "target_list_xlsx")
    assert output.problem is None
    _name, content = content_of(desk.archive(output.id), desk.password(output.id))
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return list(sheet.iter_rows())


def test_who_is_on_the_list_and_who_is_not(desk: Desk) -> None:
    on, ruled_out, removed, added = people(desk.session, 4)
    extraction_id = extraction(desk.session, [on], staff_id=desk.clerk)
    desk.session.add_all(
        [
            member(extraction_id, ruled_out, excluded_by="age"),
            member(extraction_id, removed, standing=MemberStanding.REMOVED, standing_reason="転出"),
            member(extraction_id, added, standing=MemberStanding.ADDED, standing_reason="申出"),
        ]
    )
    desk.session.commit()
    rows = listed(desk, extraction_id)
    assert {row["宛名番号"] for row in rows} == {on.atena_number, added.atena_number}
    assert set(desk.session.scalars(select(OutputPerson.resident_id))) == {on.id, added.id}


def test_a_row_as_a_clerk_reads_it(desk: Desk) -> None:
    person = resident(
        desk.session,
        name="髙橋　﨑子",
        name_kana="タカハシ　サキコ",
        born="2020-04-02",
        contact={
            "postal_code": "6830823",
            "current_address": "鳥取県米子市加茂町1-1",
            "has_mailing_address": True,
            "mailing_address": "鳥取県境港市上道町1 見本様方",
            "elementary_school_district": "就将小校区",
        },
    )
    (row,) = listed(desk, extraction(desk.session, [person], staff_id=desk.clerk))
    assert row == {
        "連番": "1",
        "宛名番号": person.atena_number,
        "氏名": "髙橋　﨑子",
        "氏名カナ": "タカハシ　サキコ",
        "生年月日": "2020-04-02",
        "年齢（抽出基準日）": "5",
        "性別": "男",
        "案内する回数": "2",
        "郵便番号": "6830823",
        "現住所": "鳥取県米子市加茂町1-1",
        "送付先住所": "鳥取県境港市上道町1 見本様方",
        "小学校区": "就将小校区",
        "住民区分": "住民",
    }


def test_addresses_under_a_support_measure_stay_and_so_does_what_tells_them(desk: Desk) -> None:
    where = {
        "postal_code": "6830823",
        "current_address": "加茂町5",
        "elementary_school_district": "就将小校区",
    }
    before = resident(desk.session, contact=where | {"current_address": "加茂町4"})
    hidden = resident(desk.session, contact=where, support_measure_flag=True)
    since = resident(desk.session, contact=where, support_measure_flag=False)
    after = resident(desk.session, contact=where | {"current_address": "加茂町6"})
    extraction_id = extraction(desk.session, [hidden, after, before], staff_id=desk.clerk)
    # Lifted since the list was frozen: the list was made while it stood.
    desk.session.add(member(extraction_id, since, support_measure=True))
    desk.session.commit()
    rows = listed(desk, extraction_id)
    assert [row["宛名番号"] for row in rows] == [
        person.atena_number for person in (before, after, hidden, since)
    ]
    for row in rows[2:]:
        assert {row[name] for name in ADDRESSES} == {WITHHELD}
    for row in rows[:2]:
        assert WITHHELD not in row.values()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"])
def test_no_cell_is_a_formula(desk: Desk, start: str) -> None:
    evil = f'{start}HYPERLINK("http://example.com")'
    person = resident(desk.session, name=evil)
    extraction_id = extraction(desk.session, [person], staff_id=desk.clerk)
    (row,) = listed(desk, extraction_id)
    assert row["氏名"] == f"'{evil}"
    cell = sheet_of(desk, extraction_id)[1][2]
    # As received, as text, and still text when somebody edits the cell.
    assert (cell.value, cell.data_type, cell.quotePrefix) == (evil, "s", True)


def test_a_spreadsheet_has_real_numbers_and_days(desk: Desk) -> None:
    known = resident(desk.session, born="2020-04-02", contact={"postal_code": "6830001"})
    partly = resident(desk.session, born="2019-00-00", contact={"postal_code": "6830002"})
    old = resident(desk.session, born="1899-12-31", contact={"postal_code": "6830003"})
    extraction_id = extraction(desk.session, [known, partly, old], staff_id=desk.clerk)
    head, *rows = sheet_of(desk, extraction_id)
    assert [cell.value for cell in head][:3] == ["連番", "宛名番号", "氏名"]
    births = [row[4] for row in rows]
    assert [cell.value for cell in births] == [datetime(2020, 4, 2), "2019-00-00", "1899-12-31"]  # noqa: DTZ001
    assert births[0].number_format == "yyyy-mm-dd"
    assert rows[0][1].value == known.atena_number
    assert (rows[0][1].data_type, rows[0][5].data_type) == ("s", "n")
    assert [row[5].value for row in rows] == [5, None, 126]


def test_what_shift_jis_cannot_carry_is_told_and_never_replaced(desk: Desk) -> None:
    fine = resident(desk.session, name="髙橋　﨑子", contact={"postal_code": "6830001"})
    bad = resident(desk.session, name="𠮷田　葛󠄀", contact={"postal_code": "6830002"})
    extraction_id = extraction(desk.session, [fine, bad], staff_id=desk.clerk)
    output = desk.made({"extraction": extraction_id}, "target_list_cp932")
    assert (output.state, output.problem) == (OutputState.FAILED, "unencodable")
    # Row 1 is the heading. No name, only which characters.
    assert output.problem_detail == {
        "positions": [{"row": 3, "column": 3, "characters": ["U+20BB7", "U+845B U+E0100"]}],
        "more": 0,
    }
    assert not desk.archive(output.id).exists()
    assert desk.session.scalar(select(func.count()).select_from(OutputPerson)) == 0
    alone = extraction(desk.session, [fine], staff_id=desk.clerk)
    assert listed(desk, alone, "target_list_cp932")[0]["氏名"] == "髙橋　﨑子"


def test_a_withdrawn_list_is_not_handed_out(desk: Desk) -> None:
    extraction_id = extraction(
        desk.session,
        people(desk.session, 1),
        staff_id=desk.clerk,
        state=ExtractionState.WITHDRAWN,
        withdrawn_by=desk.clerk,
        withdrawn_at=NOW,
        withdraw_reason="誤り",
    )
    assert desk.made({"extraction": extraction_id}).problem == "withdrawn"


def test_one_query_however_many_people(desk: Desk) -> None:
    asked: list[str] = []

    @event.listens_for(desk.shop.engine, "before_cursor_execute")
    def note(*given: Any) -> None:
        if "extraction_member" in given[2]:
            asked.append(given[2])

    desk.made({"extraction": extraction(desk.session, people(desk.session, 50), staff_id=desk.clerk)})
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 2


def test_a_municipality_has_a_layout_of_its_own(desk: Desk, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "school_list.toml").write_text(
        'name_ja = "学校別"\nname_en = "By school"\nsource = "extraction"\nformat = "csv"\n'
        'encoding = "utf-8-sig"\n'
        '[[column]]\nitem = "personal_remarks"\nheading_ja = "特記"\nheading_en = "Remarks"\n'
        '[[column]]\nitem = "is_foreign_national"\nheading_ja = "外国人"\nheading_en = "Foreign"\n'
        'codes = { true = "外", false = "" }\n',
        encoding="utf-8",
    )
    desk.with_shop(layouts=load_layouts(own, sources=MAKERS))
    person = resident(desk.session, is_foreign_national=True)
    rows = listed(desk, extraction(desk.session, [person], staff_id=desk.clerk), "school_list")
    assert rows == [{"特記": "", "外国人": "外"}]


def test_what_looks_like_an_error_code_is_text(desk: Desk) -> None:
    person = resident(desk.session, name="#N/A")
    cell = sheet_of(desk, extraction(desk.session, [person], staff_id=desk.clerk))[1][2]
    assert (cell.value, cell.data_type) == ("#N/A", "s")
