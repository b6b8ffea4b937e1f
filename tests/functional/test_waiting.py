"""Entering a person who has no atena number: assigned at once, or waiting for it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pyramid.router import Router
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import Clock, SignIn
from tests.atena import Atena
from tests.people import resident
from yvaxportal.adapters.errors import Refused, TimedOut
from yvaxportal.adapters.loading import Adapters
from yvaxportal.audit.trail import Actor
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import OutboxState, ResidentCategory
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.models.resident import Resident
from yvaxportal.portal import Portal
from yvaxportal.services.outbox.delivery import FIRST_WAIT
from yvaxportal.services.outbox.queue import tell_name

SILENT = TimedOut("atena", "no answer in time")


@pytest.fixture
def atena() -> Atena:
    return Atena()


@pytest.fixture
def connected(app: Router, portal: Portal, atena: Atena, clock: Clock) -> Iterator[Portal]:
    """Let the portal reach an atena system."""
    adapters: dict[str, Any] = dict(portal.connections.adapters.by_system) | {"atena": atena}
    names = dict(portal.connections.names) | {"atena": "rest"}
    connections = replace(portal.connections, adapters=Adapters(adapters), names=names, clock=clock)
    app.registry.portal = replace(portal, connections=connections)
    yield app.registry.portal
    app.registry.portal = portal


@pytest.fixture
def outsider(world: Session) -> Resident:
    person = resident(
        world,
        resident_category=ResidentCategory.NON_REGISTERED,
        became_resident_reason=None,
        became_resident_on=None,
    )
    world.commit()
    return person


def filled(visitor: TestApp, **said: str) -> Any:
    form = visitor.get("/residents/new-person").forms["details"]
    form["name"], form["name_kana"] = "髙﨑 𠮷男", "タカサキ ヨシオ"
    form["date_of_birth"], form["details-sex"] = "H2.1.2", "1"
    form["current_address"] = "鳥取県境港市上道町1"
    for name, value in said.items():
        form[name] = value
    return form


def press(visitor: TestApp, page: Any, path: str, **values: str) -> Any:
    token = page.html.select_one("input[name=csrf_token]")["value"]
    return visitor.post(path, {"csrf_token": token, **values})


def test_a_number_is_assigned_when_none_was_typed(
    world: Session, connected: Portal, sign_in: SignIn, atena: Atena
) -> None:
    answer = filled(sign_in("registrar")).submit("save", status=303)
    page = answer.follow(status=200)
    assert "付番し、登録しました" in page.text
    (person,) = world.scalars(select(Resident)).all()
    assert answer.location.endswith(f"/residents/{person.atena_number}/")
    assert atena.assigned[0].name == "髙﨑 𠮷男"


def test_on_the_portals_own_tables_the_same_works(world: Session, sign_in: SignIn) -> None:
    answer = filled(sign_in("registrar")).submit("save", status=303)
    (person,) = world.scalars(select(Resident)).all()
    assert person.atena_number.startswith("8")
    assert answer.location.endswith(f"/residents/{person.atena_number}/")


def test_without_an_answer_it_waits_in_sight_and_is_done_later(
    world: Session, connected: Portal, sign_in: SignIn, atena: Atena, clock: Clock
) -> None:
    atena.failing = SILENT
    clerk = sign_in("registrar")
    page = filled(clerk).submit("save", status=303).follow(status=200)
    assert page.request.path == "/residents/waiting"
    assert "付番待ちにしました" in page.text
    row = " ".join(page.html.select_one("#entries tbody tr").get_text(" ").split())
    assert [text for text in ("髙﨑 𠮷男", "平成2年1月2日", "相手の応答待ち") if text not in row] == []
    assert "1 名" in clerk.get("/residents/").html.select_one(".notice.is-warning").get_text()
    assert not sign_in("viewer").get("/residents/").html.select(".notice.is-warning")

    atena.failing = None
    clock.now += FIRST_WAIT
    assert connected.connections.outbox.run() == {"done": 1}
    page = clerk.get("/residents/waiting")
    (person,) = world.scalars(select(Resident)).all()
    assert page.html.select_one(f"a[href='/residents/{person.atena_number}/']").get_text() == "髙﨑 𠮷男"
    assert not clerk.get("/residents/").html.select(".notice.is-warning")


def test_a_refusal_brings_the_form_back_with_everything_typed(
    world: Session, connected: Portal, sign_in: SignIn, atena: Atena
) -> None:
    atena.failing = Refused("atena", "contradiction")
    page = filled(sign_in("registrar")).submit("save", status=422)
    assert "生年月日が異なります" in page.text
    assert page.forms["details"]["name"].value == "髙﨑 𠮷男"
    assert world.scalars(select(OutboxMessage.state)).all() == [OutboxState.WITHDRAWN]


def test_somebody_of_the_same_name_and_birth_needs_a_reason_before_anybody_is_asked(
    world: Session, connected: Portal, sign_in: SignIn, atena: Atena
) -> None:
    resident(world, name="髙﨑　𠮷男", born="1990-01-02")
    world.commit()
    page = filled(sign_in("registrar")).submit("save", status=422)
    assert (atena.calls, page.forms["details"]["name"].value) == (0, "髙﨑 𠮷男")
    form = page.forms["details"]
    form["reason"] = "別人と確認"
    form.submit("save", status=303)
    assert len(atena.assigned) == 1


def test_a_waiting_entry_is_corrected_and_sent_anew(
    world: Session, connected: Portal, sign_in: SignIn, atena: Atena
) -> None:
    atena.failing = SILENT
    clerk = sign_in("registrar")
    page = filled(clerk).submit("save", status=303).follow(status=200)
    atena.failing = None
    page = page.click(href="again=")
    form = page.forms["details"]
    assert (form["name"].value, form["current_address"].value) == ("髙﨑 𠮷男", "鳥取県境港市上道町1")
    form["name"] = "髙﨑 吉男"
    form.submit("save", status=303)
    assert [person.name for person in world.scalars(select(Resident))] == ["髙﨑 吉男"]
    states = world.scalars(select(OutboxMessage.state).order_by(OutboxMessage.id)).all()
    assert states == [OutboxState.WITHDRAWN, OutboxState.DONE]


def test_an_entry_is_tried_again_or_withdrawn(
    world: Session, connected: Portal, sign_in: SignIn, atena: Atena, clock: Clock
) -> None:
    atena.failing = SILENT
    clerk = sign_in("registrar")
    page = filled(clerk).submit("save", status=303).follow(status=200)
    entry = page.html.select_one("button[name=entry]")["value"]
    atena.failing = None
    press(clerk, page, "/residents/waiting-retry", entry=entry)
    assert connected.connections.outbox.run() == {"done": 1}
    page = press(clerk, page, "/residents/waiting-withdraw", entry=entry).follow()
    assert "すでに処理されています" in page.text
    assert len(world.scalars(select(Resident)).all()) == 1


def test_withdrawing_enters_nobody(
    world: Session, connected: Portal, sign_in: SignIn, atena: Atena, clock: Clock
) -> None:
    atena.failing = SILENT
    clerk = sign_in("registrar")
    page = filled(clerk).submit("save", status=303).follow(status=200)
    entry = page.html.select_one("button[name=entry]")["value"]
    page = press(clerk, page, "/residents/waiting-withdraw", entry=entry).follow()
    assert "付番待ちの方はいません" in page.text
    clock.advance(days=1)
    atena.failing = None
    assert connected.connections.outbox.run() == {}
    actions = world.scalars(select(AuditEvent.action).where(AuditEvent.action.like("outbox.%"))).all()
    assert list(actions) == ["outbox.posted", "outbox.withdrawn"]


@pytest.mark.parametrize("login", ["viewer", "auditor", "administrator", "contractor"])
def test_who_may_not_see_or_do_it(sign_in: SignIn, login: str) -> None:
    visitor = sign_in(login)
    visitor.get("/residents/waiting", status=403)
    token = visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"]
    for path in ("/residents/waiting-retry", "/residents/waiting-withdraw"):
        visitor.post(path, {"csrf_token": token, "entry": "1"}, status=403)
    for path in ("/connections/retry", "/connections/withdraw"):
        expected = 303 if login == "administrator" else 403
        visitor.post(path, {"csrf_token": token, "message": "1"}, status=expected)


@pytest.mark.parametrize("entry", ["", "x", "-1", "9" * 19, "1"])
def test_an_entry_that_is_none_is_refused(sign_in: SignIn, entry: str) -> None:
    clerk = sign_in("registrar")
    page = clerk.get("/residents/waiting")
    token = page.html.select_one("input[name=csrf_token]")["value"]
    clerk.post("/residents/waiting-retry", {"csrf_token": token, "entry": entry}, status=400)
    assert clerk.get(f"/residents/new-person?again={entry}").forms["details"]["name"].value == ""


def test_a_change_that_the_atena_system_does_not_know_yet_is_shown(
    world: Session, connected: Portal, sign_in: SignIn, outsider: Resident, clock: Clock
) -> None:
    clerk = sign_in("registrar")
    path = f"/residents/{outsider.atena_number}/edit-register-items"
    form = clerk.get(path).forms["details"]
    form["alias_name"] = "通称"
    page = form.submit("save", status=303).follow()
    assert "まだ宛名システムに伝わっていません" in page.text
    page = sign_in("manager").get("/connections/")
    row = " ".join(page.html.select_one("#untold tbody tr").get_text(" ").split())
    assert "氏名・住所等の変更の通知" in row
    assert outsider.atena_number in row
    clock.advance(minutes=1)
    assert connected.connections.outbox.run() == {"done": 1}
    assert "まだ宛名システム" not in clerk.get(f"/residents/{outsider.atena_number}/register-items").text


def test_administrators_see_the_queue_without_names_and_may_settle_it(
    world: Session, connected: Portal, sign_in: SignIn, outsider: Resident, clock: Clock, atena: Atena
) -> None:
    tell_name(world, Actor("clerk", (), None), outsider.id, now=clock.now)
    world.commit()
    atena.failing = SILENT
    clock.advance(minutes=1)
    connected.connections.outbox.run()
    administrator = sign_in("administrator")
    page = administrator.get("/connections/")
    assert outsider.atena_number not in page.text
    assert "時間内に応答" in page.html.select_one("#untold").get_text()
    assert page.html.select_one("#atena").select("td.numeric")[0].get_text().strip() == "1"
    health = administrator.get("/health").json
    assert health["to_be_told"]["atena"]["waiting"] == 1
    message = page.html.select_one("button[name=message]")["value"]
    press(administrator, page, "/connections/retry", message=message)
    atena.failing = None
    assert connected.connections.outbox.run() == {"done": 1}
    press(administrator, page, "/connections/withdraw", message=message)
    assert administrator.get("/health").json["to_be_told"] == {}
