"""This year's second term of measles and rubella, from an empty form to a saved list, by keyboard alone."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pyramid.router import Router
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.browser.test_walk import sign_in
from tests.doses import given
from tests.people import resident
from yvaxportal.models.codes import Sex
from yvaxportal.models.extraction import TargetExtraction
from yvaxportal.models.resident import Resident
from yvaxportal.services.extraction.funnel import run_funnel
from yvaxportal.services.extraction.working import ListRoom

FIRST = date(2020, 4, 2)
CHILDREN = 120
TOWNS = ("錦町", "加茂町", "角盤町", "旗ヶ崎", "皆生", "東福原", "西福原")


@pytest.fixture
def children(world: Session) -> list[Resident]:
    """A year of children in some towns; some are done since April, some since the list was made."""
    made = []
    for place in range(CHILDREN):
        born = FIRST + timedelta(days=3 * place)
        town = place % 7
        made.append(
            resident(
                world,
                born=born.isoformat(),
                name=f"見本　{'太花次春夏秋冬'[place % 7]}{'郎子'[place % 2]}",
                name_kana="ミホン　コドモ",
                sex=Sex.MALE if place % 2 else Sex.FEMALE,
                support_measure_flag=place % 40 == 7,
                contact={
                    "address_town_code": f"000{town}001",
                    "current_address": f"鳥取県米子市{TOWNS[town]}一丁目{place}番地",
                },
            )
        )
        world.add_all(given(made[-1], ("mr", 1, (born + timedelta(days=400)).isoformat())))
        if place % 3 == 0:
            day = date(2026, 4, 10) + timedelta(days=2 * place % 200)
            world.add_all(given(made[-1], ("mr", 2, day.isoformat())))
    world.commit()
    return made


def test_from_an_empty_form_to_a_saved_list_by_keyboard(
    page: Page, children: list[Resident], world: Session, screenshots: Path
) -> None:
    sign_in(page, "registrar")
    page.goto("/extractions/")
    page.locator("h1").click()
    page.keyboard.press("n")
    page.wait_for_url("**/extractions/new")
    expect(page.locator("#list-programme")).to_be_focused()
    page.keyboard.type("MR（第2期")
    page.locator("#list-programme").select_option("mr2")
    page.screenshot(path=screenshots / "extraction-new.png", full_page=True)
    page.keyboard.press("Tab")
    page.keyboard.type("令和8年度 麻しん風しん第2期")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("R8.9.1")
    page.keyboard.press("Enter")

    expect(page.locator("#trial")).to_be_visible()
    expect(page.locator("#chart-funnel")).to_be_visible()
    page.screenshot(path=screenshots / "extraction-trial.png", full_page=True)
    assert world.scalars(select(TargetExtraction)).all() == []
    page.locator("#list-save").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/extractions/1/")
    expect(page.locator("#chart-coverage")).to_be_visible()
    page.screenshot(path=screenshots / "extraction-list.png", full_page=True)

    for child in children[1:60:4]:
        world.add_all(given(child, ("mr", 2, "2026-11-10")))
    world.commit()
    page.reload()
    page.screenshot(path=screenshots / "extraction-coverage.png", full_page=True)
    page.get_by_role("link", name="名簿の人").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#find-member")).to_be_focused()
    page.screenshot(path=screenshots / "extraction-people.png")
    page.goto(f"/residents/{children[0].atena_number}/extractions/")
    expect(page.locator("#why")).to_contain_text("接種済み")
    page.screenshot(path=screenshots / "extraction-why.png")
    page.goto(f"/residents/{children[1].atena_number}/circumstances/add")
    page.screenshot(path=screenshots / "circumstance-form.png")


def worker_of(app: Router) -> Callable[[], int]:
    """Return what the worker does about lists."""
    portal = app.registry.portal
    room = ListRoom(portal.engine, portal.schedule, portal.connections, portal.freshness, portal.clock)
    return room.run


def test_a_large_list_is_followed_until_it_is_there(
    page: Page,
    app: Router,
    children: list[Resident],
    screenshots: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert children
    portal = app.registry.portal
    app.registry.portal = replace(portal, settings=replace(portal.settings, extraction_at_once=100))
    monkeypatch.setattr("yvaxportal.services.job_report._REPORT_SECONDS", 0)
    sign_in(page, "registrar")
    page.goto("/extractions/new?programme=mr2")
    page.locator("#list-taxation-2").check()
    page.locator("#list-try").click()
    expect(page.locator("[data-progress-text]")).to_have_text("作成の順番を待っています。")
    halfway = threading.Event()
    real: Callable[..., object] = run_funnel

    def slow(*args: object, **said: object) -> object:
        report = said["report"]
        assert callable(report)
        report(60, 120)
        assert halfway.wait(30)
        return real(*args, **said)

    monkeypatch.setattr("yvaxportal.services.extraction.working.run_funnel", slow)
    worker = threading.Thread(target=worker_of(app))
    worker.start()
    try:
        expect(page.locator("[data-progress-text]")).to_have_text("一人ずつ判定しています: 120人中 60人")
        page.screenshot(path=screenshots / "extraction-job-progress.png")
    finally:
        halfway.set()
        worker.join()
    # The page notices by itself.
    expect(page.locator("#trial")).to_be_visible()
    page.screenshot(path=screenshots / "extraction-job-trial.png", full_page=True)
    page.get_by_role("button", name="この結果で保存する").click()
    expect(page.locator("[data-progress-url]")).to_be_visible()
    worker_of(app)()
    page.wait_for_url("**/extractions/1/")
    page.screenshot(path=screenshots / "extraction-job-list.png", full_page=True)
    app.registry.portal = portal
