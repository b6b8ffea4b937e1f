"""Letters through the pages: asked for, made, released, sent; tickets issued anew; who may do none of it."""

from dataclasses import replace
from typing import Any

import pytest
from pyramid.router import Router
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, SignIn
from tests.leaving import content_of, extraction
from tests.people import resident
from tests.press import Parcel, press
from yvaxportal.models.codes import LetterState, TicketState
from yvaxportal.models.letter import Letter, LetterRun
from yvaxportal.models.resident import Resident
from yvaxportal.models.ticket import Ticket
from yvaxportal.outputs.press import LetterPress
from yvaxportal.outputs.workshop import Workshop


@pytest.fixture
def printer(app: Router, shop: Workshop) -> Workshop:
    """Give a worker's room that prints letters, and an application that knows who sends them."""
    app.registry.portal = replace(app.registry.portal, press=press())
    return replace(shop, press=press())


@pytest.fixture
def children(world: Session, staff: dict[str, int]) -> tuple[int, dict[str, Resident]]:
    """Return a list of two children, one under a support measure, and the children."""
    made = {
        "open": resident(
            world,
            name="見本　花子",
            born="2020-06-01",
            contact={"postal_code": "6830001", "current_address": "鳥取県見本市東町1"},
        ),
        "protected": resident(world, name="見本　秘", born="2020-07-01", support_measure_flag=True),
    }
    return extraction(world, list(made.values()), staff_id=staff["registrar"]), made


def asked(visitor: TestApp, list_id: int, button: str = "ask", **said: str) -> Any:
    form = visitor.get(f"/letters/new?extraction={list_id}").forms["letters"]
    for name, value in said.items():
        form["letters-kind" if name == "kind" else name] = value
    return form.submit(button, expect_errors=True)


def made(visitor: TestApp, printer: Workshop, list_id: int, **said: str) -> Any:
    """Ask for letters, let them be made, and return the run's page."""
    answer = asked(visitor, list_id, **said)
    assert answer.status_int == 303, answer.text
    printer.run()
    return visitor.get(answer.location)


def figures(page: Any) -> list[str]:
    return [value.get_text().strip() for value in page.html.select("#counts dd")]


def test_from_the_list_to_the_letters_and_the_post(
    children: tuple[int, dict[str, Resident]], sign_in: SignIn, printer: Workshop, world: Session
) -> None:
    list_id, _people = children
    clerk = sign_in("registrar")
    sample = asked(clerk, list_id, "preview")
    assert sample.status_int == 200
    assert len(sample.html.select("img.letter-page")) == 1
    assert world.scalars(select(LetterRun)).all() == []
    page = made(clerk, printer, list_id)
    assert figures(page) == ["2", "1", "1", "0", "0", "0", "1"]
    output = page.click("持ち出しファイル", href="/outputs/1/")
    assert "麻しん風しん第2期" in output.html.select_one("#criteria").get_text()
    shown = output.forms["show-password"].submit()
    password = shown.html.select_one("[data-password]").get_text()
    _name, content = content_of(shown.forms["download"].submit("take").body, password)
    (text,) = Parcel.of(content).pages()
    assert "見本花子様の保護者様" in text
    form = page.forms["sent"]
    done = form.submit("sent").follow()
    assert figures(done) == ["2", "1", "1", "0", "1", "0", "0"]
    assert "sent" not in done.forms
    assert "1通を発送済みにしました" in done


def test_a_held_letter_is_released_by_somebody_else_and_printed_by_a_supplement(
    children: tuple[int, dict[str, Resident]], sign_in: SignIn, printer: Workshop, world: Session
) -> None:
    list_id, people = children
    clerk, manager = sign_in("registrar"), sign_in("manager")
    page = made(clerk, printer, list_id)
    row = page.html.select_one("#held tbody tr")
    assert people["protected"].atena_number in row.get_text()
    assert row.select("form") == []
    where = page.request.path
    refused = page.forms["supplement"].submit("supplement", expect_errors=True)
    assert refused.status_int == 409
    seen = manager.get(where)
    forms = [form for form in seen.forms.values() if form.action.endswith("/release")]
    (form,) = forms
    form["reason"] = "本人が来庁し、送付先を確認した"
    after = form.submit("release").follow()
    assert "保留を解除しました" in after
    added = clerk.get(where).forms["supplement"].submit("supplement")
    printer.run()
    letters = world.scalars(select(Letter).where(Letter.resident_id == people["protected"].id)).all()
    assert {letter.state for letter in letters} == {LetterState.HELD, LetterState.PRINTED}
    assert figures(clerk.get(added.location))[:2] == ["1", "1"]


def test_what_is_wrong_is_said_and_nothing_is_asked_for(
    children: tuple[int, dict[str, Resident]], sign_in: SignIn, printer: Workshop, world: Session
) -> None:
    list_id, _people = children
    clerk = sign_in("registrar")
    page = asked(clerk, list_id, kind="invitation", note="長い文章です。" * 57)
    assert page.status_int == 422
    assert "用紙に収まりません" in page
    assert asked(clerk, list_id, title="").status_int == 422
    assert asked(clerk, list_id, purpose="123456789018 の件").status_int == 422
    assert world.scalars(select(LetterRun)).all() == []


@pytest.mark.parametrize(
    ("field", "named"),
    [("phone", "yvaxportal.documents.office_phone")],
)
def test_a_sender_that_is_not_known_is_named(
    children: tuple[int, dict[str, Resident]],
    sign_in: SignIn,
    printer: Workshop,
    app: Router,
    field: str,
    named: str,
) -> None:
    known: LetterPress = app.registry.portal.press
    mute = replace(known, office=replace(known.office, **{field: ""}))
    app.registry.portal = replace(app.registry.portal, press=mute)
    page = asked(sign_in("registrar"), children[0], "preview")
    assert page.status_int == 409
    assert named in page


@pytest.mark.parametrize("login", LOGINS)
def test_who_may_see_and_who_may_make(
    login: str, children: tuple[int, dict[str, Resident]], sign_in: SignIn, printer: Workshop
) -> None:
    list_id, _people = children
    path = made(sign_in("registrar"), printer, list_id).request.path
    sees = login in {"viewer", "registrar", "number", "manager"}
    makes = login == "registrar"
    visitor = sign_in(login)
    token = visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"]
    assert visitor.get("/letters/", expect_errors=True).status_int == (200 if sees else 403)
    assert visitor.get(path, expect_errors=True).status_int == (200 if sees else 403)
    new = f"/letters/new?extraction={list_id}"
    assert visitor.get(new, expect_errors=True).status_int == (200 if makes else 403)
    for deed in ("sent", "spoiled", "supplement"):
        answer = visitor.post(f"{path}{deed}", {"csrf_token": token}, expect_errors=True)
        assert answer.status_int == (422 if makes else 403), deed
    answer = visitor.post(f"{path}release", {"csrf_token": token}, expect_errors=True)
    assert answer.status_int == (422 if login == "manager" else 403)


def test_a_run_that_is_not_there_and_one_of_no_list(sign_in: SignIn, printer: Workshop) -> None:
    clerk = sign_in("registrar")
    for path in ("/letters/999/", "/letters/x/", "/letters/new", "/letters/new?extraction=999"):
        assert clerk.get(path, expect_errors=True).status_int == 404, path


def test_a_ticket_is_issued_anew_and_the_old_line_says_so(
    children: tuple[int, dict[str, Resident]], sign_in: SignIn, printer: Workshop, world: Session
) -> None:
    list_id, people = children
    clerk = sign_in("registrar")
    made(clerk, printer, list_id)
    (old,) = world.scalars(select(Ticket)).all()
    line = f"22312029{old.ticket_number}"
    found = search(clerk, f"{line[:2]} {line[2:8]} {line[8:]}")
    assert found.location.endswith(f"/residents/{people['open'].atena_number}/")
    assert "この接種券は無効です" not in found.follow()
    tickets = clerk.get(f"/residents/{people['open'].atena_number}/tickets/")
    form = tickets.click("再発行").forms["details"]
    assert form.submit("reissue", expect_errors=True).status_int == 422
    form["reason"] = "紛失"
    form.submit("reissue", status=303)
    printer.run()
    world.expire_all()
    states = [ticket.state for ticket in world.scalars(select(Ticket).order_by(Ticket.id))]
    assert states == [TicketState.VOID, TicketState.ISSUED]
    scanned = search(clerk, line).follow()
    assert "この接種券は無効です（紛失）" in scanned
    again = clerk.get(f"/residents/{people['open'].atena_number}/tickets/reissue?ticket={old.id}", status=404)
    assert again.status_int == 404


@pytest.mark.parametrize("login", ["viewer", "number", "manager", "auditor", "administrator", "contractor"])
def test_who_may_not_issue_anew(
    login: str, children: tuple[int, dict[str, Resident]], sign_in: SignIn, printer: Workshop, world: Session
) -> None:
    made(sign_in("registrar"), printer, children[0])
    (ticket,) = world.scalars(select(Ticket)).all()
    visitor = sign_in(login)
    path = f"/residents/{children[1]['open'].atena_number}/tickets/reissue?ticket={ticket.id}"
    assert visitor.get(path, expect_errors=True).status_int == 403
    token = visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"]
    answer = visitor.post(path, {"csrf_token": token, "reason": "紛失"}, expect_errors=True)
    assert answer.status_int == 403


def search(visitor: TestApp, typed: str) -> Any:
    (form,) = {
        id(form): form
        for form in visitor.get("/account/").forms.values()
        if form.action.endswith("/residents/search")
    }.values()
    form["q"] = typed
    return form.submit(status=303)


def test_whoever_refuses_is_told_what_becomes_of_the_tickets(
    children: tuple[int, dict[str, Resident]], sign_in: SignIn, printer: Workshop, world: Session
) -> None:
    list_id, people = children
    clerk, manager = sign_in("registrar"), sign_in("manager")
    page = made(clerk, replace(printer, approval_above=0), list_id)
    where = page.request.path
    decide = manager.get("/outputs/1/")
    assert "発行した接種券を無効にします" in decide.html.select_one("#decide").get_text()
    form = decide.forms["refuse"]
    form["reason"] = "日付の誤り"
    form.submit("refuse", status=303)
    seen = clerk.get(where)
    assert "印刷されていません" in seen.html.select_one("#unprinted").get_text()
    assert figures(seen) == ["2", "1", "1", "0", "0", "1", "0"]
    assert {"sent", "spoiled", "supplement"} & set(seen.forms) == set()
    tickets = clerk.get(f"/residents/{people['open'].atena_number}/tickets/")
    assert "ファイルが承認されず" in tickets
    assert [ticket.state for ticket in world.scalars(select(Ticket))] == [TicketState.VOID]
