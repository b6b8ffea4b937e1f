"""The pages of the mismatch desk: what they show to whom, and what they hide."""

from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session
from webtest import TestApp, Upload

from tests.application import LOGINS, PASSWORD, SignIn
from tests.importing import questionnaires, row_of
from tests.people import resident
from yvaxportal.models.imports import ImportRow
from yvaxportal.models.mismatch import SampleCheck, SampleCheckRow, SecondEntry, SecondEntryPlan
from yvaxportal.models.staff import AclGrant, AclVersion
from yvaxportal.portal import Portal
from yvaxportal.services.bootstrap import create_account
from yvaxportal.services.imports.run import run_waiting

LOT = "Y12345"


@pytest.fixture
def base(sign_in: SignIn, world: Session, portal: Portal) -> str:
    """A contractor's checked file of three rows, one of them with another's name; return its address."""
    people = [resident(world, born=f"2024-03-0{at}", name=f"登録　花子{at}") for at in (1, 2, 3)]
    world.commit()
    rows = [row_of(one, ロット番号=LOT) for one in people]
    rows[1][2], rows[1][3] = "提出　一郎", "テイシュツ　イチロウ"
    contractor = sign_in("contractor")
    form = contractor.get("/imports/").forms["upload"]
    form["layout"] = "questionnaires"
    form["file"] = Upload("予診票.csv", questionnaires(rows))
    page = form.submit("send", status=303).follow()
    page = page.forms["mapping"].submit("check", status=303).follow()
    run_waiting(portal.bureau)
    return str(page.request.path)


def number_of(base: str) -> str:
    return base.strip("/").rpartition("/")[2]


def second_account(world: Session, portal: Portal, login: str = "second") -> None:
    create_account(
        world,
        portal.key_ring,
        login=login,
        display_name=f"職員 {login}",
        password=PASSWORD,
        groups=("registrar",),
        now=portal.clock(),
        totp_secret=None,
        must_change_password=False,
    )
    world.commit()


def token_of(visitor: TestApp) -> str:
    return str(visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"])


def choose_all(visitor: TestApp, base: str) -> Any:
    form = visitor.get(f"{base}rows/second-entry").forms["plan-form"]
    form["chosen"] = "all"
    return form.submit(status=303).follow()


@pytest.mark.parametrize("login", LOGINS)
def test_who_may_open_what(sign_in: SignIn, base: str, login: str) -> None:
    visitor = sign_in(login)
    seers, typists = {"registrar", "manager"}, {"registrar"}
    for path, allowed in (
        ("/mismatch/", seers),
        ("/mismatch/samples/", seers),
        ("/mismatch/samples/new", typists),
        (f"{base}rows/second-entry", seers),
        ("/second-entry/", typists),
        (f"/second-entry/{number_of(base)}/", typists),
        (f"/second-entry/{number_of(base)}/settle", typists),
    ):
        visitor.get(path, status=200 if login in allowed else 403)
    visitor.get("/second-entry/999/", status=404 if login in typists else 403)
    visitor.get("/mismatch/samples/999/", status=404 if login in seers else 403)


@pytest.mark.parametrize("login", sorted(set(LOGINS) - {"registrar"}))
def test_who_may_not_do_what(sign_in: SignIn, base: str, world: Session, login: str) -> None:
    visitor = sign_in(login)
    token, number = token_of(visitor), number_of(base)
    for path, values in (
        (f"{base}rows/second-entry", {"chosen": "all", "field": "birth"}),
        (f"{base}rows/2/clear", {"reason": "x", "revision": "1"}),
        (f"/second-entry/{number}/type", {"number": "1"}),
        (f"/second-entry/{number}/settle", {"number": "1", "revision": "1", "reason": "x"}),
        ("/mismatch/samples/draw", {"batch": number}),
    ):
        visitor.post(path, {"csrf_token": token, **values}, status=403)
        visitor.post(path, values, status=403)
    assert world.scalars(select(SecondEntryPlan)).all() == []
    assert world.scalars(select(SampleCheck)).all() == []
    assert set(world.scalars(select(ImportRow.cleared_by))) == {None}


def test_the_worklist_explains_and_leads_to_the_row(sign_in: SignIn, base: str, world: Session) -> None:
    registrar = sign_in("registrar")
    page = registrar.get("/mismatch/")
    first = page.html.select("tr[data-row]")[0]
    assert "氏名が住民記録と違います" in first.get_text()
    assert "提出　一郎" in first.get_text()
    row = registrar.get(first.select_one("a")["href"])
    assert "100点中" in row
    form = row.forms["clear-form"]
    form["reason"] = "改姓を確認"
    page = form.submit(status=303).follow()
    assert page.request.path == "/mismatch/"
    assert "提出　一郎" not in page.html.main.get_text()
    assert "氏名" not in "".join(one.get_text() for one in page.html.select("tr[data-row] ul"))
    assert "原本を確認済みです" in registrar.get(f"{base}rows/2/")


def test_the_worklist_is_filtered(sign_in: SignIn, base: str) -> None:
    registrar = sign_in("registrar")

    def rows(query: str) -> int:
        return len(registrar.get(f"/mismatch/?{query}").html.select("tr[data-row]"))

    assert rows("reason=name_differs") == 1
    assert rows(f"batch={number_of(base)}&reason=name_differs&state=ready") == 1
    assert rows("state=unreadable") == 0
    assert rows(f"batch={number_of(base)}&after=1.999.1") == 0
    for wrong in (
        "reason=x",
        "state=x",
        "batch=x",
        "after=x",
        "after=1.2",
        "after=101.1.1",
        "after=1.1.9999999999",
    ):
        registrar.get(f"/mismatch/?{wrong}", status=400)


def test_a_row_typed_twice_from_first_to_last(
    sign_in: SignIn, base: str, world: Session, portal: Portal
) -> None:
    second_account(world, portal)
    registrar, second = sign_in("registrar"), sign_in("second")
    assert "3件が再入力を待っています" in choose_all(registrar, base)
    # The values are hidden wherever whoever is to type them could see them.
    for path in (f"{base}rows/1/", f"{base}rows/?state=ready", "/mismatch/"):
        page = second.get(path)
        assert LOT not in page
        assert "2024-03-01" not in page
    assert "再入力待ち" in second.get("/mismatch/")
    number = number_of(base)
    page = second.get("/second-entry/").click("入力する")
    assert LOT not in page
    assert "登録　花子1" in page
    form = page.forms["second-form"]
    assert all(form[name].value == "" for name in form.fields if name and name.startswith("field."))
    for name, text in {
        "birth": "R6.3.1", "vaccine": "MR", "dose_number": "1", "given_on": "R7.4.1", "lot_number": "Y12354",
    }.items():  # fmt: skip
        form[f"field.{name}"] = text
    page = form.submit(status=303).follow()
    assert "1件目を保存しました" in page
    assert page.forms["second-form"]["number"].value == "2"
    assert "あなたが確定する違いはありません" in second.get(f"/second-entry/{number}/settle")
    settle = registrar.get(f"/second-entry/{number}/settle")
    assert LOT in settle
    assert "Y12354" in settle
    form = settle.forms["settle-form"]
    form["choice.lot_number"] = "second"
    form["reason"] = "予診票のとおり"
    assert "1件目の違いを確定しました" in form.submit(status=303).follow()
    world.expire_all()
    row = world.get_one(ImportRow, (int(number), 1))
    assert (row.second_entry, row.parsed["dose"]["lot_number"]) == ("settled", "Y12354")
    agreement = {
        line.select_one("th").get_text(): [cell.get_text() for cell in line.select("td")]
        for line in registrar.get(f"{base}rows/second-entry").html.select("#agreement tbody tr")
    }
    assert agreement["生年月日"][:3] == ["1", "1", "100.0 %"]
    assert agreement["ロット番号"] == ["1", "0", "0.0 %", "0.0 ～ 97.5 %", "0", "1", "0"]
    registrar.get(base).forms["apply"].submit(status=303)
    run_waiting(portal.bureau)
    outcomes = world.execute(select(ImportRow.number, ImportRow.outcome).order_by(ImportRow.number)).all()
    assert [tuple(one) for one in outcomes] == [(1, "recorded"), (2, None), (3, None)]


def test_a_typist_of_that_right_alone_sees_nothing_else(
    sign_in: SignIn, base: str, world: Session, portal: Portal
) -> None:
    choose_all(sign_in("registrar"), base)
    world.execute(insert(AclGrant).values(group_name="auditor", permission="import:second-entry"))
    world.execute(update(AclVersion).values(version=AclVersion.version + 1))
    world.commit()
    typist = sign_in("auditor")
    page = typist.get("/second-entry/").click("入力する")
    assert page.forms["second-form"]["number"].value == "1"
    assert LOT not in page
    for hidden in ("/mismatch/", "/imports/", f"{base}rows/1/", f"/second-entry/{number_of(base)}/settle"):
        typist.get(hidden, status=403)
    form = page.forms["second-form"]
    form["field.lot_number"] = "Y1"
    form = form.submit(status=422).forms["second-form"]
    form["sure"] = True
    assert "1件目を保存しました" in form.submit(status=303).follow()
    world.expire_all()
    assert world.get_one(ImportRow, (int(number_of(base)), 1)).second_entry == "differs"


def test_who_shows_the_values_cannot_type(sign_in: SignIn, base: str, world: Session, portal: Portal) -> None:
    second_account(world, portal)
    choose_all(sign_in("registrar"), base)
    second = sign_in("second")
    page = second.get(f"{base}rows/1/").forms["open-form"].submit(status=303).follow()
    assert LOT in page
    page = second.get(f"/second-entry/{number_of(base)}/")
    assert page.forms["second-form"]["number"].value == "2"
    forged = {"csrf_token": token_of(second), "number": "1", "field.birth": "2024-03-01"}
    page = second.post(f"/second-entry/{number_of(base)}/type", forged, status=303).follow()
    assert "もう再入力できません" in page
    assert world.scalars(select(SecondEntry)).all() == []


def test_bad_input_of_the_second_entry(sign_in: SignIn, base: str, world: Session, portal: Portal) -> None:
    registrar = sign_in("registrar")
    form = registrar.get(f"{base}rows/second-entry").forms["plan-form"]
    form["chosen"] = "sample"
    form["number"] = "0"
    assert "1から100までの整数" in form.submit(status=422)
    token = token_of(registrar)
    for wrong in ({"chosen": "x"}, {"chosen": "all", "field": "nothing"}):
        registrar.post(f"{base}rows/second-entry", {"csrf_token": token, **wrong}, status=400)
    choose_all(registrar, base)
    page = registrar.get(f"/second-entry/{number_of(base)}/")
    form = page.forms["second-form"]
    form["field.given_on"] = "32日"
    form["field.lot_number"] = "Y1"
    page = form.submit(status=422)
    assert "接種日" in page.html.select_one("#second-problem").get_text()
    assert page.forms["second-form"]["field.lot_number"].value == "Y1"
    form = page.forms["second-form"]
    form["field.lot_number"] = "123456789018"
    page = form.submit(status=422)
    assert "123456789018" not in page
    assert "個人番号が入力されました" in page
    path = f"/second-entry/{number_of(base)}/type"
    for bad in (
        {"number": "x"},
        {"number": "1", "field.nothing": "x"},
        {"number": "1", "field.birth": "x" * 401},
    ):
        registrar.post(path, {"csrf_token": token, **bad}, status=400)
    registrar.get(f"/second-entry/{number_of(base)}/?after=x", status=400)


def test_a_sample_from_the_plan_to_the_rate(
    sign_in: SignIn, base: str, world: Session, portal: Portal
) -> None:
    registrar = sign_in("registrar")
    assert "抽出できる登録済みの行がありません" in registrar.get(
        f"/mismatch/samples/new?batch={number_of(base)}"
    )
    registrar.get(base).forms["apply"].submit(status=303)
    run_waiting(portal.bureau)
    page = registrar.get(base).click("誤り率の標本調査")
    form = page.forms["reckon-form"]
    form["tolerable"] = "500"
    page = form.submit()
    assert "登録済みの3件のうち、3件を原本と照合します" in page
    page = page.forms["draw-form"].submit(status=303).follow()
    assert "未判明" in page
    page = page.click("原本と照合")
    assert LOT in page
    form = page.forms["tell-form"]
    assert "印を付けてから" in form.submit("verdict", value="wrong", status=422)
    form.set("wrong", True, index=1)
    page = form.submit("verdict", value="wrong", status=303).follow()
    page = page.forms["tell-form"].submit("verdict", value="cannot_tell", status=303).follow()
    page = page.forms["tell-form"].submit("verdict", value="right", status=303).follow().follow()
    said = page.html.select_one("#rate").get_text()
    assert "50.00 %" in said
    assert "33.33 % ～ 66.67 %" in said
    assert "許容範囲内とはいえません" in said
    assert world.scalars(select(SampleCheckRow.verdict).order_by(SampleCheckRow.place)).all() == [
        "wrong", "cannot_tell", "right",
    ]  # fmt: skip
    listed = registrar.get("/mismatch/samples/").html.main.get_text()
    assert "50.00 %" in listed
    assert "職員 contractor" in listed


def test_bad_input_of_samples(sign_in: SignIn, base: str, portal: Portal) -> None:
    registrar = sign_in("registrar")
    token = token_of(registrar)
    for wrong in ("batch=x", "layout=x", "sender=x", "confidence=1", "tolerable=x", "allowed=99"):
        registrar.get(f"/mismatch/samples/new?{wrong}", status=400)
    registrar.get("/mismatch/samples/new?layout=questionnaires&first_day=x", status=400)
    assert "ファイルまたは様式" in registrar.post("/mismatch/samples/draw", {"csrf_token": token}, status=422)
    page = registrar.post(
        "/mismatch/samples/draw", {"csrf_token": token, "batch": number_of(base)}, status=422
    )
    assert "抽出できる登録済みの行がありません" in page
    registrar.get(base).forms["apply"].submit(status=303)
    run_waiting(portal.bureau)
    drawn = registrar.post(
        "/mismatch/samples/draw", {"csrf_token": token, "batch": number_of(base)}, status=303
    ).follow()
    path = f"{drawn.request.path}tell"
    for bad in (
        {"place": "x", "verdict": "right"},
        {"place": "1", "verdict": "x"},
        {"place": "1", "verdict": "wrong", "wrong": "nothing"},
        {"place": "99", "verdict": "wrong"},
    ):
        registrar.post(path, {"csrf_token": token, **bad}, status=400)
    note = {"place": "1", "verdict": "right", "note": "123456789018"}
    page = registrar.post(path, {"csrf_token": token, **note}, status=422)
    assert "123456789018" not in page
    registrar.get(f"{drawn.request.path}next?after=x", status=400)


def test_a_manager_sees_the_rate_and_compares_nothing(sign_in: SignIn, base: str, portal: Portal) -> None:
    registrar, manager = sign_in("registrar"), sign_in("manager")
    registrar.get(base).forms["apply"].submit(status=303)
    run_waiting(portal.bureau)
    drawn = registrar.post(
        "/mismatch/samples/draw", {"csrf_token": token_of(registrar), "batch": number_of(base)}, status=303
    ).follow()
    assert "未判明" in manager.get(drawn.request.path)
    manager.get(f"{drawn.request.path}next", status=403)
    told = {"csrf_token": token_of(manager), "place": "1", "verdict": "right"}
    manager.post(f"{drawn.request.path}tell", told, status=403)


def test_a_contractor_learns_nothing_of_the_desk(sign_in: SignIn, base: str) -> None:
    choose_all(sign_in("registrar"), base)
    contractor = sign_in("contractor")
    page = contractor.get(base)
    for hidden in ("/mismatch/", "second-entry", "登録　花子", "疑い"):
        assert hidden not in page
    contractor.post(f"{base}rows/1/open", {"csrf_token": token_of(contractor)}, status=403)
    assert "再入力" not in contractor.get(f"{base}acknowledgement.csv").text
