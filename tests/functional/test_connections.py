"""The page of the connections to other systems."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pyramid.router import Router
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import Clock, SignIn
from tests.db.sync.register import Register, person
from tests.db.sync.registers import Tax
from tests.people import resident
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, TimedOut
from yvaxportal.adapters.loading import Adapters
from yvaxportal.adapters.messages.common import AdapterHealth, HealthState
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.sync import SyncRefusal
from yvaxportal.portal import Portal


@pytest.fixture
def register() -> Register:
    return Register()


@pytest.fixture
def followed(app: Router, portal: Portal, register: Register, clock: Clock) -> Iterator[Portal]:
    """Let the portal follow a resident register."""
    connections = portal.connections
    adapters: dict[str, Any] = dict(connections.adapters.by_system) | {"resident_register": register}
    names = dict(connections.names) | {"resident_register": "rest"}
    connected = replace(connections, adapters=Adapters(adapters), names=names, clock=clock)
    app.registry.portal = replace(portal, connections=connected)
    yield app.registry.portal
    app.registry.portal = portal


def row_of(page: Any, system: str) -> str:
    return " ".join(page.html.find(id=system).get_text(" ").split())


def test_a_portal_on_its_own_has_nobody_to_ask(sign_in: SignIn, staff: dict[str, int]) -> None:
    page = sign_in("administrator").get("/connections/")
    assert "照会先なし" in row_of(page, "resident-register")
    assert "なし（このシステムのデータ）" in row_of(page, "tax")
    assert not page.html.select("form[action$=sync]")
    token = page.html.select_one("input[name=csrf_token]")["value"]
    sign_in("administrator").post("/connections/sync", {"csrf_token": token}, status=400)


@pytest.mark.parametrize(
    ("login", "status"),
    [
        ("administrator", 200),
        ("manager", 200),
        ("viewer", 403),
        ("registrar", 403),
        ("number", 403),
        ("auditor", 403),
        ("contractor", 403),
    ],
)
def test_who_may_see_it(sign_in: SignIn, login: str, status: int) -> None:
    visitor = sign_in(login)
    visitor.get("/connections/", status=status)
    menu = visitor.get("/account/").html.select("nav a[href='/connections/']")
    assert bool(menu) is (status == 200)
    if status != 200:
        token = visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"]
        for what in ("sync", "settle"):
            visitor.post(f"/connections/{what}", {"csrf_token": token}, status=403)


def test_how_fresh_it_is_and_what_failed(
    sign_in: SignIn, followed: Portal, register: Register, clock: Clock
) -> None:
    page = sign_in("manager").get("/connections/")
    assert "なし" in row_of(page, "resident-register")
    followed.connections.residents.run()
    assert "2026-11-23 10:00" in row_of(sign_in("manager").get("/connections/"), "resident-register")
    clock.advance(hours=2)
    page = sign_in("manager").get("/connections/")
    assert "古い" in row_of(page, "resident-register")
    register.fault = lambda _call: TimedOut("resident_register", "no answer within the time limit")
    followed.connections.residents.run()
    told = row_of(sign_in("manager").get("/connections/"), "resident-register")
    assert "2026-11-23 12:00 時間内に応答がありません TimedOut: no answer within the time limit" in told
    assert "2026-11-23 10:00" in told


def test_what_was_refused_is_listed_and_settled(
    sign_in: SignIn, followed: Portal, register: Register, world: Session, staff: dict[str, int]
) -> None:
    followed.connections.residents.run()
    known = resident(world)
    world.commit()
    register.happens("corrected", person(known.atena_number, municipality_code="131016"))
    followed.connections.residents.run()
    manager = sign_in("manager")
    page = manager.get("/connections/")
    (line,) = page.html.select("#refusals tbody tr")
    assert "他の市区町村の人が送られてきました。" in line.get_text()
    assert line.select_one("a")["href"] == f"/residents/{known.atena_number}/"
    # Who it is about is not for those who may not see residents.
    hidden = sign_in("administrator").get("/connections/")
    assert known.atena_number not in hidden.text
    form = next(form for form in page.forms.values() if form.action.endswith("settle"))
    page = form.submit("refusal").follow()
    assert "処理済みにしました" in page.text
    assert not page.html.select("#refusals")
    settled = world.scalars(select(SyncRefusal)).one()
    assert settled.settled_by == staff["manager"]
    assert form.submit("refusal").follow().html.select_one(".notice.is-info")
    register.log.append(register.log[-1])
    followed.connections.residents.run()
    assert manager.get("/connections/").html.select("#refusals tbody tr")


def test_an_update_is_asked_for_once(sign_in: SignIn, followed: Portal, world: Session) -> None:
    page = sign_in("manager").get("/connections/")
    form = next(form for form in page.forms.values() if form.action.endswith("sync"))
    assert "更新を依頼しました" in form.submit().follow().text
    assert "すでに依頼されています" in form.submit().follow().text
    actions = world.scalars(select(AuditEvent.action).where(AuditEvent.action.like("sync.%"))).all()
    assert actions == ["sync.requested", "sync.requested"]


@pytest.mark.parametrize("written", ["", "x", "-1", "9" * 30, "１"])
def test_a_wrong_settling_is_refused(sign_in: SignIn, written: str) -> None:
    visitor = sign_in("manager")
    token = visitor.get("/account/").html.select_one("input[name=csrf_token]")["value"]
    visitor.post("/connections/settle", {"csrf_token": token, "refusal": written}, status=400)


@pytest.fixture
def asked(app: Router, portal: Portal, clock: Clock) -> Iterator[Tax]:
    """Let the portal ask a tax register."""
    connections, tax = portal.connections, Tax()
    adapters: dict[str, Any] = dict(connections.adapters.by_system) | {"tax": tax}
    names = dict(connections.names) | {"tax": "rest"}
    connected = replace(connections, adapters=Adapters(adapters), names=names, clock=clock)
    app.registry.portal = replace(portal, connections=connected)
    yield tax
    app.registry.portal = portal


def test_a_page_asks_the_register_and_shows_what_it_said(
    sign_in: SignIn, asked: Tax, world: Session, clock: Clock
) -> None:
    someone = resident(world)
    world.commit()
    asked.states[someone.atena_number] = "exempt"
    path = f"/residents/{someone.atena_number}/eligibility/"
    assert "非課税" in sign_in("viewer").get(path).html.find(id="tax-exempt").get_text()
    # A day is not over: nobody is asked again.
    asked.states[someone.atena_number] = "taxed"
    assert "非課税" in sign_in("viewer").get(path).html.find(id="tax-exempt").get_text()
    clock.advance(hours=25)
    asked.as_of = clock.now
    page = sign_in("viewer").get(path)
    assert page.html.select_one("#tax-exempt tbody th").get_text() == "課税"


def test_a_page_opens_with_what_is_known_when_nobody_answers(
    sign_in: SignIn, asked: Tax, world: Session, clock: Clock
) -> None:
    someone = resident(world)
    world.commit()
    asked.states[someone.atena_number] = "exempt"
    asked.failing = 0
    path = f"/residents/{someone.atena_number}/eligibility/"
    assert "これまでに受け取った内容はありません" in sign_in("viewer").get(path).text
    asked.failing = None
    sign_in("viewer").get(path)
    clock.advance(hours=25)
    asked.failing = 0
    page = sign_in("viewer").get(path)
    assert (
        "2026-11-23 10:00時点の内容を表示しています" in page.html.select_one(".notice.is-warning").get_text()
    )
    assert "非課税" in page.html.find(id="tax-exempt").get_text()


def test_an_answer_that_a_page_could_not_use_is_listed(
    sign_in: SignIn, asked: Tax, world: Session, clock: Clock
) -> None:
    someone = resident(world)
    world.commit()
    asked.states[someone.atena_number] = "exempt"
    asked.failing, asked.error = 0, BadAnswer("tax", BadAnswerReason.WRONG_PERSON, "/result/0")
    page = sign_in("viewer").get(f"/residents/{someone.atena_number}/eligibility/")
    assert "非課税" not in page.html.find(id="tax-exempt").get_text()
    told = page.html.select_one(".notice.is-warning").get_text()
    assert "応答は使えないため取り込んでいません。これまでに受け取った内容はありません" in told
    (line,) = sign_in("manager").get("/connections/").html.select("#refusals tbody tr")
    assert "使えない応答がありました。" in line.get_text()
    assert line.select_one("a")["href"] == f"/residents/{someone.atena_number}/"
    asked.failing = None
    sign_in("viewer").get(f"/residents/{someone.atena_number}/eligibility/")
    clock.advance(hours=25)
    asked.failing = 0
    page = sign_in("viewer").get(f"/residents/{someone.atena_number}/eligibility/")
    assert "使えないため取り込んでいません。2026-11-23 10:00時点の内容" in page.text
    assert "非課税" in page.html.find(id="tax-exempt").get_text()


def test_when_each_system_answered_last(
    sign_in: SignIn, followed: Portal, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "最後の応答" not in row_of(sign_in("manager").get("/connections/"), "resident-register")
    said = AdapterHealth(HealthState.UP, last_success_at=datetime(2026, 11, 23, 0, 30, tzinfo=UTC))
    monkeypatch.setattr(register, "health", lambda: said)
    told = row_of(sign_in("manager").get("/connections/"), "resident-register")
    assert "最後の応答 2026-11-23 09:30" in told


def test_a_monitor_reads_how_everything_stands(
    browser: Callable[[], TestApp], followed: Portal, register: Register, world: Session
) -> None:
    followed.connections.residents.run()
    register.happens("birth", person("1000000010", municipality_code="131016", name="見本　花子"))
    followed.connections.residents.run()
    answer = browser().get("/health")
    assert answer.content_type == "application/json"
    told = answer.json
    assert (told["status"], told["database"], told["refused"]) == ("ok", "ok", 1)
    assert told["systems"]["resident_register"] | {"figures": {}} == {
        "implementation": "rest",
        "ok": True,
        "state": "up",
        "last_success_at": None,
        "last_error_at": None,
        "last_error": "",
        "taken_over_at": "2026-11-23T01:00:00+00:00",
        "failed_at": None,
        "failure": "",
        "as_of": "2026-11-20T01:00:00+00:00",
        "figures": {},
    }
    assert not any(word in answer.text for word in ("1000000010", "花子"))
    register.fault = lambda _call: TimedOut("resident_register", "no answer within the time limit")
    followed.connections.residents.run()
    told = browser().get("/health").json
    assert told["status"] == "degraded"
    assert told["systems"]["resident_register"]["failure"] == "TimedOut"


def test_the_page_of_a_number_that_was_merged_leads_on(
    sign_in: SignIn, followed: Portal, register: Register, world: Session
) -> None:
    gone, kept = resident(world), resident(world)
    world.commit()
    followed.connections.residents.run()
    register.happens("merged", gone.atena_number, other_atena_number=kept.atena_number)
    followed.connections.residents.run()
    page = sign_in("registrar").get(f"/residents/{gone.atena_number}/")
    link = page.html.select_one(".notice.is-warning a")
    assert link["href"] == f"/residents/{kept.atena_number}/"
    assert not page.html.select("a[href$='doses/new']")
    assert sign_in("registrar").get(link["href"]).html.select("a[href$='doses/new']")
