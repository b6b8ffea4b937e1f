"""The pages of files of doses: the four steps, and who may do what."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp, Upload

from tests.application import PASSWORD, SignIn
from tests.importing import questionnaires, row_of
from tests.people import resident
from yvaxportal.models.dose import Dose
from yvaxportal.models.imports import ImportRow
from yvaxportal.portal import Portal
from yvaxportal.services.bootstrap import create_account
from yvaxportal.services.imports.run import run_waiting


def send(visitor: TestApp, content: bytes, layout: str = "questionnaires", name: str = "データ.csv") -> Any:
    form = visitor.get("/imports/").forms["upload"]
    form["layout"] = layout
    form["file"] = Upload(name, content)
    return form.submit("send", status=303).follow()


def test_the_four_steps(sign_in: SignIn, world: Session, portal: Portal) -> None:
    child = resident(world, born="2024-03-05")
    world.commit()
    registrar = sign_in("registrar")
    page = send(registrar, questionnaires([row_of(child)]))
    page = page.forms["mapping"].submit("check", status=303).follow()
    assert "行を判定しています" in page or "順番を待っています" in page
    assert run_waiting(portal.bureau) == 1
    page = registrar.get(page.request.path)
    page = page.forms["apply"].submit(status=303).follow()
    assert run_waiting(portal.bureau) == 1
    assert world.scalars(select(Dose.lot_number)).all() == ["Y123"]
    page = registrar.get(page.request.path)
    form = page.forms["undo"]
    form["reason"] = "別の月の分でした"
    form.submit(status=303)
    assert run_waiting(portal.bureau) == 1
    assert world.scalars(select(Dose.state)).all() == ["cancelled"]
    assert "取り消し" in registrar.get(page.request.path)


def posts(base: str, rows: bool) -> list[tuple[str, dict[str, str]]]:
    """Return every deed of a file's page, and of its rows'."""
    deeds: list[tuple[str, dict[str, str]]] = [
        (f"{base}check", {"encoding": "utf-8"}),
        (f"{base}apply", {}),
        (f"{base}undo", {"reason": "x"}),
        (f"{base}withdraw", {}),
    ]
    if rows:
        deeds += [
            (
                f"{base}rows/together",
                {"state": "unreadable", "code": "x", "decision": "refuse", "reason": "x"},
            ),
            (f"{base}rows/1/decide", {"decision": "refuse", "reason": "x", "revision": "1"}),
            (f"{base}rows/1/correct", {"revision": "1"}),
            (f"{base}rows/1/reopen", {"revision": "1"}),
        ]
    return deeds


@pytest.fixture
def checked(sign_in: SignIn, world: Session, portal: Portal) -> str:
    """A file of the contractor's with one row that waits; return its address."""
    child = resident(world, born="2024-03-05", name="登録　花子")
    world.commit()
    contractor = sign_in("contractor")
    page = send(contractor, questionnaires([row_of(child, 生年月日="2024-03-06", 氏名="提出　花子")]))
    page = page.forms["mapping"].submit("check", status=303).follow()
    run_waiting(portal.bureau)
    return str(page.request.path)


@pytest.mark.parametrize(
    ("login", "file", "rows"),
    [
        ("contractor", 200, 403),
        ("registrar", 200, 200),
        ("manager", 200, 200),
        ("viewer", 403, 403),
        ("number", 403, 403),
        ("auditor", 403, 403),
        ("administrator", 403, 403),
    ],
)
def test_who_sees_a_file_and_its_rows(
    sign_in: SignIn, checked: str, login: str, file: int, rows: int
) -> None:
    visitor = sign_in(login)
    visitor.get(checked, status=file)
    visitor.get(f"{checked}progress", status=file)
    visitor.get(f"{checked}acknowledgement.csv", status=file)
    visitor.get(f"{checked}rows/", status=rows)
    visitor.get(f"{checked}rows/1/", status=rows)


@pytest.mark.parametrize("login", ["viewer", "number", "auditor", "administrator", "manager", "contractor"])
def test_who_may_not_do_what(sign_in: SignIn, checked: str, world: Session, login: str) -> None:
    visitor = sign_in(login)
    token = visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"]
    allowed = {
        "manager": {f"{checked}apply", f"{checked}undo"},
        "contractor": {f"{checked}check", f"{checked}withdraw"},
    }.get(login, set())
    for path, values in posts(checked, rows=True):
        if path not in allowed:
            visitor.post(path, {"csrf_token": token, **values}, status=403)
    assert world.scalars(select(ImportRow.decision)).all() == [None]


def test_another_contractor_finds_nothing(
    sign_in: SignIn, checked: str, portal: Portal, world: Session
) -> None:
    create_account(
        world,
        portal.key_ring,
        login="other.firm",
        display_name="別の業者",
        password=PASSWORD,
        groups=("contractor",),
        now=portal.clock(),
        totp_secret=None,
        must_change_password=False,
    )
    world.commit()
    other = sign_in("other.firm")
    other.get(checked, status=404)
    other.get(f"{checked}acknowledgement.csv", status=404)
    assert "データ.csv" not in other.get("/imports/")
    assert "データ.csv" in sign_in("contractor").get("/imports/")


def test_a_contractor_learns_nothing_of_the_register(sign_in: SignIn, checked: str, world: Session) -> None:
    contractor = sign_in("contractor")
    page = contractor.get(checked)
    assert "登録　花子" not in page
    assert "rows/" not in page
    assert "登録" not in contractor.get(f"{checked}acknowledgement.csv").text
    contractor.get("/residents/", status=403)


def test_a_row_goes_back_to_the_contractor_who_answers(
    sign_in: SignIn, checked: str, portal: Portal, world: Session
) -> None:
    registrar = sign_in("registrar")
    page = registrar.get(f"{checked}rows/1/")
    assert "登録　花子" in page
    form = page.forms["decide-form"]
    form["reason"] = "生年月日をご確認ください"
    form.submit("decision", value="return", status=303)
    contractor = sign_in("contractor")
    page = contractor.get(f"{checked}returned")
    assert "生年月日をご確認ください" in page
    assert "登録" not in page.html.main.get_text()
    form = next(form for form in page.forms.values() if "field.birth" in form.fields)
    form["field.birth"] = "2024-03-05"
    form.submit(status=303)
    assert world.scalars(select(ImportRow.state)).all() == ["ready"]


def test_two_reviewers_see_each_other(sign_in: SignIn, checked: str, portal: Portal, world: Session) -> None:
    create_account(
        world,
        portal.key_ring,
        login="second",
        display_name="職員 第二",
        password=PASSWORD,
        groups=("registrar",),
        now=portal.clock(),
        totp_secret=None,
        must_change_password=False,
    )
    world.commit()
    sign_in("registrar").get(f"{checked}rows/1/")
    page = sign_in("second").get(f"{checked}rows/1/")
    assert "職員 registrarさんがこの行を開いています" in page
    assert "decide-form" not in page.forms


def test_a_personal_number_is_refused_with_a_reason(sign_in: SignIn, world: Session) -> None:
    child = resident(world, born="2024-03-05")
    world.commit()
    page = send(sign_in("contractor"), questionnaires([row_of(child, 住所="123456789018")]))
    assert "ファイルに個人番号が含まれています（2行目、6列目）" in page
    assert "123456789018" not in page


def test_forms_take_what_they_ask_for_only(sign_in: SignIn, checked: str) -> None:
    contractor = sign_in("contractor")
    token = contractor.get("/imports/").forms["upload"]["csrf_token"].value
    contractor.post("/imports/upload", {"csrf_token": token, "surprise": "x"}, status=400)
    contractor.post(f"{checked}check", {"csrf_token": token, "column.nothing": "1"}, status=400)
    assert "様式を選んでください" in contractor.post("/imports/upload", {"csrf_token": token}, status=422)
    sign_in("registrar").get(f"{checked}rows/?state=nonsense", status=400)
    sign_in("registrar").get(f"{checked}rows/?after=x", status=400)
    sign_in("registrar").get(f"{checked}rows/99/", status=404)
    contractor.get("/imports/999/", status=404)
    contractor.get("/imports/x/", status=404)


def test_one_row_is_undone(sign_in: SignIn, world: Session, portal: Portal) -> None:
    first, second = (resident(world, born=f"2024-03-0{day}") for day in (5, 6))
    world.commit()
    registrar = sign_in("registrar")
    page = send(registrar, questionnaires([row_of(first), row_of(second)]))
    base = page.request.path
    page.forms["mapping"].submit("check", status=303)
    run_waiting(portal.bureau)
    registrar.get(base).forms["apply"].submit(status=303)
    run_waiting(portal.bureau)
    form = registrar.get(f"{base}rows/2/").forms["undo-form"]
    form["reason"] = "別人の予診票"
    assert "この行を取り消しました" in form.submit(status=303).follow()
    found = world.execute(select(Dose.resident_id, Dose.state)).all()
    assert {tuple(row) for row in found} == {(first.id, "active"), (second.id, "cancelled")}
    changed = world.scalars(select(Dose).where(Dose.resident_id == first.id)).one()
    changed.lot_number, changed.change_reason = "Y9", "訂正"
    world.commit()
    form = registrar.get(f"{base}rows/1/").forms["undo-form"]
    form["reason"] = "別人の予診票"
    assert "そのあと接種記録が変更されました" in form.submit(status=422)
    form = registrar.get(base).forms["undo"]
    form["reason"] = "別人の予診票"
    form.submit(status=303)
    run_waiting(portal.bureau)
    assert "1件に、あとの処理が関係しています" in registrar.get(base)
