"""The mismatch desk in a browser: worklist, second entry by keyboard alone, settling, a sample."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.application import PASSWORD
from tests.browser.test_imports import sign_in
from tests.importing import questionnaires, row_of
from tests.people import resident
from yvaxportal.models.imports import ImportRow
from yvaxportal.portal import Portal
from yvaxportal.services.bootstrap import create_account
from yvaxportal.services.imports.run import run_waiting


@pytest.fixture
def file(page: Page, world: Session, portal: Portal) -> str:
    """A checked file of four rows, one doubtful and one held, with a registrar signed in; its address."""
    children = [
        resident(world, born=f"2024-03-{day:02}", name=f"見本　{name}", name_kana="ミホン　コ", sex="1")
        for day, name in ((5, "一郎"), (6, "二郎"), (7, "三郎"), (8, "四郎"))
    ]
    world.commit()
    typist(world, portal)
    rows = [row_of(child) for child in children]
    rows[1] = row_of(children[1], 氏名="鈴木　桃子", カナ氏名="スズキ　モモコ", 性別="女")
    rows[2] = row_of(children[2], 生年月日="2024-03-09")
    sign_in(page, "registrar")
    page.goto("/imports/")
    page.select_option("#upload-layout", "questionnaires")
    content: FilePayload = {"name": "予診票_11月.csv", "mimeType": "text/csv", "buffer": questionnaires(rows)}
    page.set_input_files("#upload-file", content)
    page.click("button[name=send]")
    page.click("#mapping button[name=check]")
    run_waiting(portal.bureau)
    expect(page.locator("#outcome-title")).to_be_visible()
    return page.url


def typist(world: Session, portal: Portal) -> None:
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


def test_the_most_doubtful_rows_first(page: Page, file: str, screenshots: Path) -> None:
    page.screenshot(path=screenshots / "mismatch-file.png", full_page=True)
    page.get_by_role("link", name="疑いの強い行").click()
    expect(page.locator("tr[data-row]")).to_have_count(4)
    page.screenshot(path=screenshots / "mismatch-worklist.png", full_page=True)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#doubt")).to_contain_text("点")
    page.screenshot(path=screenshots / "mismatch-row.png", full_page=True)
    assert page.url.startswith(file)


def test_a_second_entry_by_keyboard(
    page: Page, another: Callable[[], BrowserContext], file: str, world: Session, screenshots: Path
) -> None:
    address = file
    page.goto(f"{address}rows/second-entry")
    page.select_option("#plan-chosen", "all")
    page.screenshot(path=screenshots / "mismatch-plan.png", full_page=True)
    page.click("#plan-form button[type=submit]")

    other = another().new_page()
    sign_in(other, "second")
    other.goto("/second-entry/")
    other.screenshot(path=screenshots / "mismatch-second-files.png")
    other.get_by_role("link", name="入力する").click()
    expect(other.locator("#second-birth")).to_be_focused()
    expect(other.locator("main")).not_to_contain_text("Y123")
    other.screenshot(path=screenshots / "mismatch-second-empty.png")
    for text in ("R6.3.5", "MR", "R7.4.1", "1"):
        other.keyboard.type(text)
        other.keyboard.press("Enter")
    other.keyboard.type("Y132")
    other.screenshot(path=screenshots / "mismatch-second-typed.png")
    other.keyboard.press("Control+Enter")
    expect(other.locator("#second-title")).to_contain_text("2件目")
    other.screenshot(path=screenshots / "mismatch-second-next.png")
    other.goto(f"{address}rows/3/")
    expect(other.locator("#open-form")).to_be_visible()
    other.screenshot(path=screenshots / "mismatch-hidden.png")

    page.goto("/second-entry/")
    page.get_by_role("link", name="確定する").click()
    expect(page.locator("#settle-form")).to_contain_text("Y132")
    page.screenshot(path=screenshots / "mismatch-settle.png")
    page.check("#settle-lot_number-first")
    page.fill("#settle-reason", "予診票を確認")
    page.click("#settle-form button")
    expect(page.locator(".empty-title")).to_be_visible()
    world.expire_all()
    states = world.scalars(select(ImportRow.second_entry).order_by(ImportRow.number)).all()
    assert states == ["settled", "wanted", "wanted", "wanted"]
    page.goto(f"{address}rows/second-entry")
    page.screenshot(path=screenshots / "mismatch-agreement.png", full_page=True)


def test_a_sample_is_compared_by_keyboard(
    page: Page, another: Callable[[], BrowserContext], file: str, portal: Portal, screenshots: Path
) -> None:
    page.click("#apply button")
    run_waiting(portal.bureau)
    other = another().new_page()
    sign_in(other, "second")
    other.goto(file)
    other.get_by_role("link", name="誤り率の標本調査").click()
    other.select_option("#sample-tolerable", "500")
    other.click("#reckon-form button")
    expect(other.locator("#drawing")).to_contain_text("3件を原本と照合します")
    other.screenshot(path=screenshots / "mismatch-reckon.png")
    other.click("#draw-form button")
    other.get_by_role("link", name="原本と照合").click()
    other.screenshot(path=screenshots / "mismatch-compare.png", full_page=True)
    other.keyboard.press("r")
    expect(other.locator("h1")).to_contain_text("2件目")
    other.check("#wrong-lot_number")
    other.keyboard.press("w")
    expect(other.locator("h1")).to_contain_text("3件目")
    other.keyboard.press("c")
    expect(other.locator("#rate")).to_contain_text("50.00 %")
    other.screenshot(path=screenshots / "mismatch-rate.png", full_page=True)
    other.goto("/mismatch/samples/")
    other.screenshot(path=screenshots / "mismatch-samples.png", full_page=True)
