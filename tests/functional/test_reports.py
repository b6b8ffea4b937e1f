"""The pages of reports, the dashboard and fees: who may see them, what they show and keep."""

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import Clock, SignIn
from tests.details import clerk
from tests.importing import Office, questionnaires
from tests.importing import row_of as record_of
from tests.people import NOW, resident
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import (
    DeliveryCategory,
    DoseCategory,
    DoseSource,
    DoseState,
    Judgement,
    RecordGroup,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.output import Output
from yvaxportal.models.resident import Resident
from yvaxportal.portal import Portal

MAKERS = {"registrar", "manager"}
READERS = MAKERS | {"viewer", "number"}
EVERYBODY = (*sorted(READERS), "auditor", "administrator", "contractor")


def dose(world: Session, person: Resident, **said: Any) -> Dose:
    whole: dict[str, Any] = {
        "resident_id": person.id,
        "record_group": RecordGroup.INFANT,
        "vaccine": "mr",
        "dose_number": 1,
        "given_on": date(2026, 5, 11),
        "judgement": Judgement.GIVEN,
        "dose_category": DoseCategory.ROUTINE,
        "delivery_category": DeliveryCategory.INDIVIDUAL,
        "medical_institution_name": "見本小児科",
        "fee": 10_450,
        "alerts": [],
        "source": DoseSource.FORM,
        "state": DoseState.ACTIVE,
        "changed_at": NOW,
    }
    made = Dose(**(whole | said))
    world.add(made)
    world.flush()
    return made


@pytest.fixture
def children(world: Session) -> list[Resident]:
    """Seven children of the first term of MR in fiscal year 2026; six had it, one of them protected."""
    found = []
    for number in range(7):
        person = resident(
            world,
            name=f"見本　{number}子",
            born="2025-04-20",
            became_resident_on=date(2025, 4, 20),
            support_measure_flag=number == 3,
            contact={"elementary_school_district": f"第{number}小学校"},
        )
        if number < 6:
            dose(world, person)
        found.append(person)
    world.commit()
    return found


def form_of(page: Any, name: str) -> Any:
    return page.forms[name]


def frozen(visitor: TestApp, report: str = "routine") -> Any:
    page = visitor.get(f"/reports/{report}/?year=2026&period=year")
    return form_of(page, "freeze").submit(status=303).follow()


def row_of(page: Any, *words: str) -> list[str]:
    for line in page.html.select("table.figures tbody tr"):
        cells = [cell.get_text(strip=True) for cell in line.select("th, td")]
        if all(word in cells for word in words):
            return cells
    raise AssertionError(f"no row {words}")


@pytest.mark.parametrize("login", EVERYBODY)
def test_who_may_see_what(sign_in: SignIn, children: list[Resident], login: str) -> None:
    made = frozen(sign_in("manager"))
    address = made.request.path
    visitor = sign_in(login)
    token = visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"]
    reads = 200 if login in READERS else 403
    for path in ("/reports/", "/reports/routine/", "/dashboard/", address, f"{address}file?format=csv"):
        visitor.get(path, status=reads)
    people = 200 if login in MAKERS else 403
    visitor.get(f"{address}people?row=mr_1&column=given", status=people)
    visitor.get("/fees/", status=people)
    visitor.get("/fees/differences", status=people)
    visitor.get("/fees/file?format=csv", status=people)
    makes = 303 if login in MAKERS else 403
    visitor.post(f"{address}close", {"csrf_token": token}, status=makes)
    visitor.post("/reports/routine/make", {"csrf_token": token, "year": "2026"}, status=makes)
    if login in READERS:
        page = visitor.get(address)
        assert bool(page.html.select("table.figures a")) is (login in MAKERS)
        assert bool(visitor.get("/reports/routine/").html.select("#freeze")) is (login in MAKERS)


def test_from_the_figures_now_to_the_people_behind_a_frozen_one(
    sign_in: SignIn, children: list[Resident], world: Session
) -> None:
    registrar = sign_in("registrar")
    now = registrar.get("/reports/routine/?year=2026&period=year")
    assert row_of(now, "麻しん風しん（MR）", "第1期") == ["麻しん風しん（MR）", "第1期", "7", "6", "85.7%"]
    page = frozen(registrar)
    assert "内容照合済み" in page.text
    assert row_of(page, "麻しん風しん（MR）", "第1期")[2:] == ["7", "6", "85.7%"]
    given = registrar.get(f"{page.request.path}people?row=mr_1&column=given")
    lines = given.html.select("table.data-table tbody tr")
    assert len(lines) == 6
    assert "第0小学校" in given.text
    # Where a protected child lives is not told to those without the stricter right.
    assert "第3小学校" not in given.text
    assert "支援措置" in lines[3].get_text()
    manager = sign_in("manager").get(f"{page.request.path}people?row=mr_1&column=given")
    assert "第3小学校" in manager.text
    targets = registrar.get(f"{page.request.path}people?row=mr_1&column=targets")
    assert len(targets.html.select("table.data-table tbody tr")) == 7
    seen = world.scalars(
        select(AuditEvent).where(AuditEvent.action == "report.people-viewed").order_by(AuditEvent.id)
    ).all()
    assert [event.actor for event in seen] == ["registrar", "manager", "registrar"]
    assert len(seen[0].detail["ids"]) == 6


def test_a_dose_recorded_after_closing_makes_a_new_table_with_a_reason(
    sign_in: SignIn, children: list[Resident], world: Session, clock: Clock
) -> None:
    manager = sign_in("manager")
    first = frozen(manager)
    closed = form_of(first, "close").submit(status=303).follow()
    assert "締めました" in closed.text
    assert "close" not in closed.forms
    clock.advance(minutes=5)
    dose(world, children[6], changed_at=clock.now)
    world.commit()
    page = manager.get("/reports/routine/?year=2026&period=year")
    again = form_of(page, "freeze")
    again["reason"].force_value("")
    refused = again.submit(status=303).follow()
    assert "作り直す理由" in refused.text
    again = form_of(refused, "freeze")
    again["reason"] = "医療機関から遅れて届いた予診票のため"
    second = again.submit(status=303).follow()
    assert row_of(second, "麻しん風しん（MR）", "第1期")[2:] == ["7", "7", "100.0%"]
    assert "後に作成した表" in manager.get(first.request.path).text
    differs = form_of(second, "compare").submit()
    (figure,) = [line.get_text(" ", strip=True) for line in differs.html.select("#figures tbody tr")]
    assert figure == "麻しん風しん（MR） 第1期 / 実施人員 6 7 +1"
    (person,) = differs.html.select("#moved tbody tr")
    assert "見本　6子" in person.get_text()
    assert "後から登録" in person.get_text()
    viewer = sign_in("viewer").get(f"{second.request.path}compare?{differs.request.query_string}")
    assert viewer.html.select("#figures tbody tr")
    assert "見本" not in "".join(cell.get_text() for cell in viewer.html.select("main table"))


def test_files_hold_numbers_and_the_public_one_no_small_figure(
    sign_in: SignIn, children: list[Resident], world: Session
) -> None:
    manager = sign_in("manager")
    dose(world, children[0], dose_number=2, given_on=date(2026, 6, 1))
    world.commit()
    page = frozen(manager)
    answer = manager.get(f"{page.request.path}file?format=xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.body)).worksheets[0]
    rows = {tuple(row[:2]): row[2:5] for row in sheet.iter_rows(values_only=True)}
    assert rows["麻しん風しん（MR）", "第1期"] == (7, 6, 85.7)
    assert rows["麻しん風しん（MR）", "第2期"][1] == 1
    assert sheet.page_setup.orientation == "landscape"
    shown = openpyxl.load_workbook(
        io.BytesIO(manager.get(f"{page.request.path}file?format=xlsx&version=public").body)
    ).worksheets[0]
    rows = {tuple(row[:2]): row[2:5] for row in shown.iter_rows(values_only=True)}
    assert rows["麻しん風しん（MR）", "第1期"] == (7, 6, 85.7)
    assert rows["麻しん風しん（MR）", "第2期"][1] == "※"
    csv = manager.get(f"{page.request.path}file?format=csv").body
    assert csv.startswith(b"\xef\xbb\xbf")
    assert "麻しん風しん（MR）,第1期,7,6,85.7\r\n" in csv.decode("utf-8-sig")
    assert manager.get(f"{page.request.path}file?format=pdf").body.startswith(b"%PDF-")
    taken = world.scalars(select(AuditEvent).where(AuditEvent.action == "report.taken")).all()
    assert [event.detail["version"] for event in taken] == ["complete", "public", "complete", "complete"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("year=1850", "一覧から選んで"),
        ("year=%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%96", "一覧から選んで"),
        ("year=2026&period=m13", "一覧から選んで"),
        ("year=2026&period=m04", "その期間では作成しません"),
        ("year=2031&period=year", "まだ始まっていない"),
    ],
)
def test_a_period_that_cannot_be_is_explained(
    sign_in: SignIn, children: list[Resident], query: str, told: str
) -> None:
    page = sign_in("manager").get(f"/reports/routine/?{query}", status=422)
    assert told in page.html.select_one(".notice.is-error").get_text()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/reports/nowhere/", 404),
        ("/reports/routine/999/", 404),
        ("/reports/routine/x/", 404),
        ("/reports/routine/99999999999999999999/", 404),
        ("/reports/hpv/{id}/", 404),
        ("/reports/routine/{id}/people?row=mr_1&column=rate", 404),
        ("/reports/routine/{id}/people?row=x&column=given", 404),
        ("/reports/routine/{id}/people?row=mr_1&column=given&after=x", 200),
        ("/reports/routine/{id}/compare?with=x", 404),
        ("/reports/routine/{id}/compare?with=77", 404),
        ("/reports/routine/{id}/file?format=exe", 400),
        ("/reports/routine/{id}/file?format=csv&version=x", 400),
        ("/fees/?month=2026-13", 400),
        ("/fees/?month=1200-01", 400),
        ("/fees/file?format=x", 400),
        ("/dashboard/?dose=x", 200),
    ],
)
def test_addresses_that_lead_nowhere(
    sign_in: SignIn, children: list[Resident], path: str, status: int
) -> None:
    manager = sign_in("manager")
    number = frozen(manager).request.path.strip("/").rpartition("/")[2]
    manager.get(path.format(id=number), status=status)


def test_nothing_personal_is_in_a_public_or_complete_file(
    sign_in: SignIn, children: list[Resident], browser: Callable[[], TestApp]
) -> None:
    manager = sign_in("manager")
    page = frozen(manager, "doses")
    text = manager.get(f"{page.request.path}file?format=csv").body.decode("utf-8-sig")
    assert "見本" not in text.replace("見本市", "")
    assert not any(person.atena_number in text for person in children)
    browser().get(page.request.path, status=303)


def test_the_dashboard_shows_curves_and_what_waits(sign_in: SignIn, children: list[Resident]) -> None:
    frozen(sign_in("manager"), "coverage")
    page = sign_in("viewer").get("/dashboard/?dose=mr_1")
    (year, people, *rates) = [
        cell.get_text(strip=True) for cell in page.html.select("#cohorts tbody tr:first-child > *")
    ]
    assert (year, people, rates[-1], rates[0]) == ("令和8年度", "7", "85.7%", "0.0%")
    assert page.html.select_one("svg#coverage-curves path.ch-line")
    assert page.html.select_one("svg#coverage-bars rect")
    assert len(page.html.select("#waiting tbody tr")) == 12
    assert page.html.select_one("#files") is None


def test_the_dashboard_shows_how_files_were_judged(
    sign_in: SignIn, children: list[Resident], world: Session, portal: Portal
) -> None:
    office = Office(portal.bureau, clerk(world))
    world.commit()
    rows = [record_of(child, 接種日="2026-05-11") for child in children[:3]]
    rows += [record_of(children[3], 生年月日="2025-12-31"), record_of(children[4], 接種日="x")]
    office.checked(questionnaires(rows))
    page = sign_in("manager").get("/dashboard/")
    figures = [cell.get_text(strip=True) for cell in page.html.select("#files tbody td.numeric")]
    # Three had a dose that says otherwise, one another birth date.
    assert figures == ["0", "0", "4", "1"]
    assert len(page.html.select("svg#files-outcomes rect.ch-part")) == 4 + sum(
        part != "0" for part in figures
    )
    waits = {
        line.select_one("th").get_text(strip=True): line.select_one("td").get_text(strip=True)
        for line in page.html.select("#waiting tbody tr")
    }
    assert waits["判断を待つファイルの行"] == "5"
    assert sign_in("viewer").get("/dashboard/").html.select_one("#files") is None


def test_fees_by_institution_and_what_differs(
    sign_in: SignIn, children: list[Resident], world: Session
) -> None:
    dose(world, children[6], fee=None)
    dose(world, children[6], vaccine="bcg", fee=9_000)
    dose(world, children[6], vaccine="varicella", fee=3_300, judgement=Judgement.EXAM_ONLY)
    dose(world, children[6], vaccine="hib", fee=8_800, source=DoseSource.MUNICIPALITY)
    world.commit()
    page = sign_in("manager").get("/fees/?month=2026-05")
    facts = [cell.get_text(strip=True) for cell in page.html.select("#month dd")]
    assert facts == ["9", "75,000円", "85,800円", "2"]
    lines = [
        [cell.get_text(strip=True) for cell in line.select("td")]
        for line in page.html.select("table.data-table tbody tr:not(.is-total)")
    ]
    assert ["麻しん風しん混合（MR）", "", "10,450", "6", "62,700", "", ""] in lines
    assert any(line[1] == "予診のみ" and line[2] == "3,300" for line in lines)
    differs = sign_in("manager").get("/fees/differences?month=2026-05")
    told = [line.get_text(" ", strip=True) for line in differs.html.select("tbody tr")]
    assert ["接種料の記録なし" in told[0], "単価表と相違" in told[1], len(told)] == [True, True, 2]


def test_the_people_of_a_figure_leave_only_through_the_gate(
    sign_in: SignIn, children: list[Resident], world: Session
) -> None:
    registrar = sign_in("registrar")
    table = frozen(registrar).request.path
    page = registrar.get(f"{table}people?row=mr_1&column=given")
    form = form_of(page, "people-file")
    form["purpose"].force_value("")
    assert "目的を書いて" in form.submit(status=303).follow().text
    assert world.scalars(select(Output)).all() == []
    form["purpose"] = "報告後の訂正の確認"
    assert "ファイル" in form.submit(status=303).follow().html.select_one(".notice.is-success").get_text()
    asked = world.scalars(select(Output)).one()
    assert (asked.layout, asked.subject["row"], asked.subject["column"]) == ("report_people", "mr_1", "given")
    token = page.html.select_one("input[name=csrf_token]")["value"]
    registrar.post(f"{table}people-file", {"csrf_token": token, "row": "mr_1", "column": "rate"}, status=400)
    # A manager sees the people and approves files, and asks for none.
    manager = sign_in("manager")
    assert "people-file" not in manager.get(f"{table}people?row=mr_1&column=given").forms
    token = manager.get("/account/").html.select_one("input[name=csrf_token]")["value"]
    manager.post(f"{table}people-file", {"csrf_token": token}, status=403)
    viewer = sign_in("viewer")
    token = viewer.get("/account/").html.select_one("input[name=csrf_token]")["value"]
    viewer.post(f"{table}people-file", {"csrf_token": token}, status=403)
