"""Lists of targets through the pages: tried out, saved, looked at, changed by hand, compared, withdrawn."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, SignIn
from tests.details import events
from tests.doses import given
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import ExtractionState
from yvaxportal.models.extraction import ExtractionMember, TargetExtraction
from yvaxportal.models.output import Output
from yvaxportal.models.resident import Resident

SECRET = "鳥取県米子市秘密町9-9"
READERS = {"viewer", "registrar", "number", "manager"}
Children = dict[str, Resident]


@pytest.fixture
def children(world: Session) -> Children:
    """Children of the year before school, one done, one protected, one who lives elsewhere; and a baby."""
    here = {"address_town_code": "0001001", "current_address": "鳥取県米子市錦町一丁目1"}
    there = {"address_town_code": "0002001", "current_address": "鳥取県米子市加茂町1-1"}
    hidden = {"address_town_code": "0002001", "current_address": SECRET}
    made = {
        "due": resident(world, born="2020-05-01", name="見本　一郎", contact=here),
        "done": resident(world, born="2020-06-01", name="見本　二郎", contact=here),
        "protected": resident(
            world, born="2020-07-01", name="見本　三子", support_measure_flag=True, contact=hidden
        ),
        "elsewhere": resident(world, born="2020-08-01", name="見本　四郎", contact=there),
        "baby": resident(world, born="2026-08-01", name="見本　五子"),
    }
    world.add_all(given(made["done"], ("mr", 1, "2021-07-01"), ("mr", 2, "2026-05-01")))
    world.add_all(given(made["due"], ("mr", 1, "2021-07-01")))
    world.commit()
    return made


def form_of(page: Any) -> Any:
    return page.forms["list"]


def try_out(visitor: TestApp, status: int = 200, **said: str) -> Any:
    form = form_of(visitor.get("/extractions/new?programme=mr2"))
    for name, value in said.items():
        form[name] = value
    return form.submit("try", status=status)


def save(visitor: TestApp, **said: str) -> Any:
    """Save a list as it is tried out and return its page."""
    return form_of(try_out(visitor, 200, **said)).submit("save", status=303).follow(status=200)


def on_list(page: Any) -> str:
    return str(page.html.select_one("#on-list").text.strip())


def saved(world: Session) -> int:
    world.rollback()
    return world.scalars(select(func.count()).select_from(TargetExtraction)).one()


def test_a_list_is_tried_out_and_saved_as_it_was_seen(
    children: Children, sign_in: SignIn, world: Session
) -> None:
    clerk = sign_in("registrar")
    page = try_out(clerk)
    assert saved(world) == 0
    assert on_list(page) == "抽出 3人"
    assert "支援措置 1人" in page
    assert page.html.select_one("#chart-funnel")
    rows = {row.th.text.strip(): row.find_all("td")[0].text for row in page.html.select("#trial tbody tr")}
    assert rows["接種済み"] == "1"
    listed = form_of(page).submit("save", status=303).follow(status=200)
    assert on_list(listed) == "抽出 3人"
    world.rollback()
    members = {m.resident_id: m for m in world.scalars(select(ExtractionMember))}
    assert set(members) == {children[name].id for name in ("due", "done", "protected", "elsewhere")}
    assert members[children["done"].id].excluded_by == "done"
    assert members[children["protected"].id].address_town_code is None
    tried, kept = events(world, Action.EXTRACTION_TRIED), events(world, Action.EXTRACTION_SAVED)
    assert (len(tried), len(kept)) == (1, 1)
    assert tried[0].detail["criteria"]["programme"] == "mr2"
    assert "見本" not in str(tried[0].detail)


def test_what_changed_meanwhile_is_shown_beside_what_was_seen(
    children: Children, sign_in: SignIn, world: Session
) -> None:
    page = try_out(sign_in("registrar"))
    world.add_all(given(children["due"], ("mr", 2, "2026-06-01")))
    world.commit()
    differing = form_of(page).submit("save", status=409)
    cells = [[td.text for td in row.find_all("td")] for row in differing.html.select("#differences tbody tr")]
    assert ["1", "2"] in cells
    assert ["3", "2"] in cells
    assert saved(world) == 0
    listed = form_of(differing).submit("save", status=303).follow(status=200)
    assert on_list(listed) == "抽出 2人"


def test_other_criteria_than_those_tried_out_are_not_saved_unseen(
    children: Children, sign_in: SignIn, world: Session
) -> None:
    assert children
    form = form_of(try_out(sign_in("registrar")))
    form["towns"] = "錦町"
    page = form.submit("save", status=409)
    assert saved(world) == 0
    assert on_list(page) == "抽出 2人"


def test_an_area_is_named_in_words_and_protects_the_protected(children: Children, sign_in: SignIn) -> None:
    assert children
    clerk = sign_in("registrar")
    page = try_out(clerk, towns="加茂町")
    assert on_list(page) == "抽出 2人"
    refused = try_out(clerk, 422, towns="錦町、秘密町")
    assert "「秘密町」は見つかりません" in refused
    assert form_of(refused)["towns"].value == "錦町、秘密町"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"due_until": "2026-11-22"}, "基準日より前の日です"),
        ({"moved_in_since": "2026-11-24"}, "基準日より後の日です"),
        ({"reference_date": "きのう"}, "日付として読めません"),
        ({"programme": "covid19_special"}, "基準日に実施されていません"),
        ({"title": "1234 5678 9018"}, "個人番号"),
        ({"schools": "どこにもない校区"}, "見つかりません"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_lost(
    children: Children, sign_in: SignIn, said: dict[str, str], message: str
) -> None:
    assert children
    page = try_out(sign_in("registrar"), 422, **said)
    assert message in page.html.select_one(".error-summary").text
    assert form_of(page)["due_until"].value


def test_the_people_of_a_list_are_seen_with_the_protected_address_withheld(
    children: Children, sign_in: SignIn, world: Session
) -> None:
    clerk = sign_in("registrar")
    save(clerk)
    people = clerk.get("/extractions/1/members")
    assert "見本　一郎" in people
    assert "見本　二郎" not in people
    assert SECRET not in people
    out = clerk.get("/extractions/1/members?rule=done")
    assert "見本　二郎" in out
    assert "接種済み" in out.html.select_one("tbody").text
    assert SECRET not in clerk.get("/extractions/1/members?show=protected")
    assert SECRET in sign_in("manager").get("/extractions/1/members?show=protected")
    clerk.get("/extractions/1/members?show=nonsense", status=404)
    assert [event.detail["shown"] for event in events(world, Action.EXTRACTION_VIEWED)][:2] == [3, 1]
    assert children


def test_somebody_is_found_within_the_list_and_no_name_is_in_an_address(
    children: Children, sign_in: SignIn
) -> None:
    assert children
    clerk = sign_in("registrar")
    save(clerk)
    form = next(f for f in clerk.get("/extractions/1/members").forms.values() if f.action.endswith("/find"))
    form["q"] = "見本　二郎"
    page = form.submit(status=200)
    assert "見本　二郎" in page
    assert "見本　一郎" not in page.html.select_one("main").text
    form["q"] = ""
    form.submit(status=422)
    form["q"] = "9000 0000 0001"
    refused = form.submit(status=422)
    assert "個人番号とみられる" in refused
    assert "9000" not in refused


def test_people_are_added_and_taken_off_with_a_reason(
    children: Children, sign_in: SignIn, world: Session
) -> None:
    clerk = sign_in("registrar")
    page = save(clerk)
    form = page.forms["add"]
    form["number"] = children["baby"].atena_number
    refused = form.submit("send", status=422)
    again = refused.forms["add"]
    assert again["number"].value == children["baby"].atena_number
    again["reason"] = "医師の意見による"
    page = again.submit("send", status=303).follow(status=200)
    assert on_list(page) == "抽出 4人"

    people = clerk.get("/extractions/1/members")
    take = next(f for f in people.forms.values() if f.action.endswith("/remove"))
    asked = take.submit("number", status=200)
    removing = asked.forms["remove"]
    assert removing["number"].value == children["due"].atena_number
    removing["reason"] = "他市で接種済み"
    by_hand = removing.submit("send", status=303).follow(status=200)
    assert "他市で接種済み" in by_hand
    assert [event.detail["act"] for event in events(world, Action.EXTRACTION_CHANGED)] == ["add", "remove"]


def test_of_two_who_change_a_list_the_second_sees_it_first(children: Children, sign_in: SignIn) -> None:
    first, second = sign_in("registrar"), sign_in("registrar")
    mine = save(first).forms["add"]
    theirs = second.get("/extractions/1/").forms["withdraw"]
    mine["number"], mine["reason"] = children["baby"].atena_number, "医師の意見"
    mine.submit("send", status=303)
    theirs["reason"] = "条件の誤り"
    page = theirs.submit("send", status=409)
    assert "ほかの職員が先に名簿を変更しました" in page
    again = page.forms["withdraw"]
    assert again["reason"].value == "条件の誤り"
    again.submit("send", status=303)


def test_a_list_is_withdrawn_and_used_no_more(children: Children, sign_in: SignIn, world: Session) -> None:
    clerk = sign_in("registrar")
    page = save(clerk)
    stale = page.forms["add"]
    form = page.forms["withdraw"]
    form["reason"] = "条件の誤り"
    page = form.submit("send", status=303).follow(status=200)
    assert "条件の誤り" in page
    assert not {"add", "withdraw", "file"} & set(page.forms)
    stale["number"], stale["reason"] = children["baby"].atena_number, "医師の意見"
    assert "取り下げられています" in stale.submit("send", status=303).follow(status=200)
    world.rollback()
    assert world.get_one(TargetExtraction, 1).state is ExtractionState.WITHDRAWN
    assert len(events(world, Action.EXTRACTION_WITHDRAWN)) == 1


def test_two_lists_are_compared(children: Children, sign_in: SignIn) -> None:
    assert children
    clerk = sign_in("registrar")
    save(clerk)
    save(clerk, towns="錦町")
    page = clerk.get("/extractions/1/")
    form = next(f for f in page.forms.values() if f.action.endswith("/compare"))
    compared = form.submit(status=200)
    assert "見本　四郎" in compared
    assert "見本　一郎" not in compared.html.select_one("main").text
    assert "見本　一郎" in clerk.get("/extractions/1/compare?with=2&part=both")
    clerk.get("/extractions/1/compare?with=99", status=404)
    clerk.get("/extractions/1/compare?with=2&part=neither", status=404)


def test_the_file_goes_through_the_gate(children: Children, sign_in: SignIn, world: Session) -> None:
    assert children
    form = save(sign_in("registrar")).forms["file"]
    form["purpose"] = "個別通知の印刷委託"
    form.submit("send", status=303)
    (output,) = world.scalars(select(Output)).all()
    assert (output.layout, output.subject, output.purpose) == (
        "target_list",
        {"extraction": 1},
        "個別通知の印刷委託",
    )


def test_letters_are_led_to_with_the_list(children: Children, sign_in: SignIn) -> None:
    assert children
    page = save(sign_in("registrar"))
    assert page.html.find("a", href="/letters/new?extraction=1")
    assert "letters/new" not in sign_in("viewer").get("/extractions/1/")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/extractions/", READERS),
        ("/extractions/new", {"registrar"}),
        ("/extractions/1/", READERS),
        ("/extractions/1/members", READERS),
        ("/extractions/1/remove", {"registrar"}),
        ("/extractions/1/compare?with=1", READERS),
        ("/residents/{n}/extractions/", READERS),
        ("/residents/{n}/circumstances/", READERS),
        ("/residents/{n}/circumstances/add", {"registrar"}),
    ],
)
def test_who_may_open_what(children: Children, sign_in: SignIn, path: str, allowed: set[str]) -> None:
    save(sign_in("registrar"))
    for login in LOGINS:
        status = 200 if login in allowed else 403
        sign_in(login).get(path.format(n=children["due"].atena_number), status=status)


@pytest.mark.parametrize("act", ["add", "withdraw", "file", "remove"])
def test_who_may_not_change_a_list(children: Children, sign_in: SignIn, act: str) -> None:
    assert children
    save(sign_in("registrar"))
    for login in ("viewer", "manager", "auditor", "administrator"):
        visitor = sign_in(login)
        token = visitor.get("/account/").html.find("input", {"name": "csrf_token"})["value"]
        visitor.post(f"/extractions/1/{act}", {"csrf_token": token, "reason": "x"}, status=403)


def test_there_is_no_list_of_another_number(sign_in: SignIn) -> None:
    clerk = sign_in("registrar")
    for path in ("/extractions/1/", "/extractions/x/", "/extractions/99999999999999999999/"):
        clerk.get(path, status=404)
    sign_in("auditor").get("/extractions/1/", status=403)
    assert "保存された名簿はまだありません" in clerk.get("/extractions/")
