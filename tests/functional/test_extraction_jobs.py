"""Lists that a page does not wait for: asked of the worker, followed, called off; and how old states are."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pyramid.router import Router
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, Clock, SignIn
from tests.db.sync.registers import Tax, Welfare
from tests.functional.test_extractions import form_of, on_list, saved, try_out
from tests.people import resident
from yvaxportal.adapters.loading import Adapters
from yvaxportal.models.codes import EligibilityState
from yvaxportal.models.extraction import ExtractionJob
from yvaxportal.models.resident import Resident
from yvaxportal.portal import Portal
from yvaxportal.services.extraction.lists import list_of
from yvaxportal.services.extraction.working import ListRoom

JOB = "/extractions/jobs/1/"


@pytest.fixture
def children(world: Session) -> list[Resident]:
    made = [resident(world, born="2020-05-01") for _ in range(3)]
    world.commit()
    return made


@pytest.fixture
def tax() -> Tax:
    return Tax()


@pytest.fixture
def settings(app: Router, portal: Portal, tax: Tax, clock: Clock) -> Iterator[dict[str, Any]]:
    """Give settings that a test changes before its first request; the tax register has another side."""
    connections = replace(
        portal.connections,
        names={**portal.connections.names, "tax": "rest"},
        adapters=Adapters({**portal.connections.adapters.by_system, "tax": tax, "welfare": Welfare()}),
        clock=clock,
    )
    said: dict[str, Any] = {}

    class Changed:
        def __setitem__(self, name: str, value: Any) -> None:
            said[name] = value
            app.registry.portal = replace(
                portal, connections=connections, settings=replace(portal.settings, **said)
            )

    changed: Any = Changed()
    changed["extraction_states_days"] = 30
    yield changed
    app.registry.portal = portal


@pytest.fixture
def work(app: Router, settings: dict[str, Any], clock: Clock) -> Any:
    """Give what the worker does."""
    assert settings

    def run() -> int:
        portal = app.registry.portal
        return ListRoom(portal.engine, portal.schedule, portal.connections, portal.freshness, clock).run()

    return run


def act(page: Any, name: str) -> Any:
    return page.forms["next"].submit("act", value=name, status=303).follow()


def exempt(visitor: TestApp, button: str = "try", status: int = 200) -> Any:
    form = form_of(visitor.get("/extractions/new?programme=mr2"))
    for field in form.fields["checkbox"]:
        if field._value == EligibilityState.EXEMPT.value:
            field.checked = True
    return form.submit(button, status=status)


def test_a_large_list_is_tried_out_and_saved_by_the_worker(
    children: list[Resident],
    sign_in: SignIn,
    settings: dict[str, Any],
    work: Any,
    world: Session,
    clock: Clock,
) -> None:
    assert children
    settings["extraction_at_once"] = 2
    clerk = sign_in("registrar")
    asked = try_out(clerk, 303)
    assert asked.location.endswith(JOB)
    waiting = asked.follow(status=200)
    assert waiting.html.select_one("[data-progress-url]")
    assert "next" not in waiting.forms
    assert "処理待ち" in clerk.get("/extractions/").html.select_one("#lately").text
    told = clerk.get(f"{JOB}progress").json
    assert (told["over"], told["done"], told["total"]) == (False, 0, None)
    assert work() == 1
    assert clerk.get(f"{JOB}progress").json["over"] is True
    page = clerk.get(JOB)
    assert on_list(page) == "抽出 3人"
    assert saved(world) == 0
    assert clerk.get("/extractions/").click("試算: 麻しん風しん第2期").request.path == JOB
    waiting = act(page, "save")
    assert waiting.html.select_one("[data-progress-url]")
    assert work() == 1
    listed = clerk.get("/extractions/jobs/2/", status=303).follow()
    assert on_list(listed) == "抽出 3人"
    assert saved(world) == 1
    lately = clerk.get("/extractions/").html.select("#lately a")
    assert [link["href"] for link in lately] == [JOB]
    clock.advance(days=1, minutes=1)
    assert sign_in("registrar").get("/extractions/").html.select_one("#lately") is None


def test_what_changed_meanwhile_is_shown_beside_what_was_seen(
    children: list[Resident], sign_in: SignIn, settings: dict[str, Any], work: Any, world: Session
) -> None:
    assert children
    settings["extraction_at_once"] = 2
    clerk = sign_in("registrar")
    try_out(clerk, 303)
    work()
    act(clerk.get(JOB), "save")
    resident(world, born="2020-06-01")
    world.commit()
    work()
    page = clerk.get("/extractions/jobs/2/")
    assert "人数が変わっています" in page.html.select_one("#problem").text
    cells = [[td.text for td in row.find_all("td")] for row in page.html.select("#differences tbody tr")]
    assert ["3", "4"] in cells
    assert saved(world) == 0
    act(page, "save")
    work()
    assert on_list(clerk.get("/extractions/jobs/3/").follow()) == "抽出 4人"


def test_who_asked_calls_it_off_and_nobody_else(
    children: list[Resident],
    sign_in: SignIn,
    settings: dict[str, Any],
    work: Any,
    world: Session,
    staff: dict[str, int],
) -> None:
    assert children
    settings["extraction_at_once"] = 2
    clerk = sign_in("registrar")
    page = try_out(clerk, 303).follow()
    form = next(form for form in page.forms.values() if form.action.endswith("cancel"))
    job = world.get_one(ExtractionJob, 1)
    job.requested_by = staff["manager"]
    world.commit()
    assert not [form for form in clerk.get(JOB).forms.values() if form.action.endswith("cancel")]
    assert "依頼した職員だけ" in form.submit(status=303).follow()
    job.requested_by = staff["registrar"]
    world.commit()
    assert "取りやめました" in form.submit(status=303).follow()
    assert work() == 0
    again = clerk.get(JOB)
    assert "取りやめ" in again.html.select_one("h1").text
    clerk.post(f"{JOB}next", {"csrf_token": form["csrf_token"].value, "act": "save"}, status=409)
    changed = form_of(clerk.get("/extractions/new?from=1"))
    assert changed["programme"].value == "mr2"


@pytest.mark.parametrize("login", sorted(set(LOGINS) - {"registrar"}))
def test_others_see_no_job(
    login: str, children: list[Resident], sign_in: SignIn, settings: dict[str, Any]
) -> None:
    assert children
    settings["extraction_at_once"] = 2
    try_out(sign_in("registrar"), 303)
    visitor = sign_in(login)
    visitor.get(JOB, status=403)
    visitor.get(f"{JOB}progress", status=403)
    visitor.get("/extractions/jobs/99/", status=403)


def test_a_trial_run_tells_how_old_the_states_are_and_asks_the_registers(
    children: list[Resident], sign_in: SignIn, settings: dict[str, Any], work: Any, tax: Tax, world: Session
) -> None:
    assert settings
    clerk = sign_in("registrar")
    page = exempt(clerk)
    told = page.html.select_one("#states").text
    assert "3人中、未照会 3人" in told
    assert "is-warning" in page.html.select_one("#states")["class"]
    # The plain save is not offered, and a page from before does not save, either.
    assert not page.html.select_one("#list-save")
    waiting = form_of(page).submit("refresh", status=303).follow()
    assert waiting.html.select_one("[data-progress-url]")
    tax.states = {child.atena_number: "exempt" for child in children[:2]}
    work()
    asked = clerk.get(JOB)
    assert "3人を照会：変更 2人" in asked.html.select_one("#answers").text
    act(asked, "try")
    work()
    tried = clerk.get("/extractions/jobs/2/")
    assert on_list(tried) == "抽出 2人"
    assert "3人中、未照会 1人" in tried.html.select_one("#states").text
    act(tried, "save_known")
    work()
    listed = clerk.get("/extractions/jobs/3/").follow()
    assert "3人中、未照会 1人" in listed.html.select_one("#asked").text
    world.rollback()
    row = list_of(world, 1)
    assert row is not None
    assert [age.never for age in row.states] == [1]


def test_a_silent_register_is_said_and_the_list_is_saved_by_what_is_known(
    children: list[Resident], sign_in: SignIn, settings: dict[str, Any], work: Any, tax: Tax, world: Session
) -> None:
    assert settings
    clerk = sign_in("registrar")
    form_of(exempt(clerk)).submit("refresh", status=303)
    tax.states = dict.fromkeys((child.atena_number for child in children), "exempt")
    tax.failing = 0
    work()
    page = clerk.get(JOB)
    assert "回答を得られないものがありました" in page.html.select_one("#problem").text
    assert "時間内に" in page.html.select_one("#answers").text
    form = form_of(exempt(clerk))
    assert saved(world) == 0
    listed = form.submit("save_known", status=303).follow()
    assert "未照会 3人" in listed.html.select_one("#asked").text


def test_where_the_settings_only_tell_a_list_is_saved_as_ever(
    children: list[Resident], sign_in: SignIn, settings: dict[str, Any], tax: Tax, work: Any, clock: Clock
) -> None:
    settings["extraction_old_states"] = "tell"
    tax.states = dict.fromkeys((child.atena_number for child in children), "exempt")
    clerk = sign_in("registrar")
    page = exempt(clerk)
    assert "is-warning" in page.html.select_one("#states")["class"]
    form_of(page).submit("refresh", status=303)
    work()
    fresh = exempt(clerk)
    assert "is-info" in fresh.html.select_one("#states")["class"]
    clock.advance(days=31)
    again = exempt(sign_in("registrar"))
    assert "30日より前の回答 3人" in again.html.select_one("#states").text
    listed = form_of(again).submit("save", status=303).follow()
    assert on_list(listed) == "抽出 3人"


def test_states_that_became_old_since_the_page_was_made_are_not_saved_unseen(
    children: list[Resident],
    sign_in: SignIn,
    settings: dict[str, Any],
    tax: Tax,
    work: Any,
    clock: Clock,
    world: Session,
) -> None:
    assert settings
    tax.states = dict.fromkeys((child.atena_number for child in children), "exempt")
    clerk = sign_in("registrar")
    form_of(exempt(clerk)).submit("refresh", status=303)
    clock.advance(days=-30)
    tax.as_of = clock.now
    clock.advance(days=30)
    work()
    form = form_of(exempt(clerk))
    clock.advance(minutes=1)
    page = form.submit("save", status=409)
    assert "30日より前の回答 3人" in page.html.select_one("#states").text
    assert saved(world) == 0
    form_of(page).submit("save_known", status=303)


def test_a_list_without_such_rules_tells_nothing_of_states(
    children: list[Resident], sign_in: SignIn, settings: dict[str, Any], world: Session
) -> None:
    assert children
    assert settings
    clerk = sign_in("registrar")
    page = try_out(clerk)
    assert page.html.select_one("#states") is None
    form_of(page).submit("save", status=303)
    # A button that this page did not offer asks no register.
    form_of(page).submit("refresh", status=200)
    assert world.scalars(select(ExtractionJob)).all() == []


def test_an_address_that_names_no_job_is_an_empty_form(
    children: list[Resident], sign_in: SignIn, settings: dict[str, Any]
) -> None:
    assert children
    assert settings
    clerk = sign_in("registrar")
    for written in ("99", "x", ""):
        assert form_of(clerk.get(f"/extractions/new?from={written}"))["due_until"].value
    clerk.get("/extractions/jobs/99/", status=404)
    clerk.get("/extractions/jobs/x/", status=404)
