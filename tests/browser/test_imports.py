"""Files of doses in a browser: from the form to the record and back, with the keyboard."""

from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.application import PASSWORD
from tests.importing import questionnaires, row_of
from tests.people import resident
from yvaxportal.models.dose import Dose
from yvaxportal.portal import Portal
from yvaxportal.services.imports.run import run_waiting


def sign_in(page: Page, login: str) -> None:
    page.goto("/sign-in")
    page.fill("#sign-in-login", login)
    page.fill("#sign-in-password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


def test_a_file_from_the_form_to_the_record_and_back(
    page: Page, world: Session, portal: Portal, screenshots: Path
) -> None:
    children = [
        resident(world, born=f"2024-03-{day:02}", name=f"見本　{name}", name_kana="ミホン　コ")
        for day, name in ((5, "一郎"), (6, "二郎"), (7, "三郎"))
    ]
    twin = resident(world, born="2024-04-01", name="高橋　花子", name_kana="タカハシ　ハナコ", sex="2")
    world.commit()
    rows = [row_of(child) for child in children]
    rows += [
        row_of(children[0], 生年月日="2024-03-06", ロット番号="Y124"),
        row_of(twin, 業務宛名番号="123456789", 氏名="髙橋 花子", カナ氏名="ﾀｶﾊｼ ﾊﾅｺ"),
        row_of(children[1], 接種日="令和9年1月1日"),
        row_of(children[2], 接種日="2024-05-01"),
    ]
    sign_in(page, "registrar")
    page.goto("/imports/")
    page.screenshot(path=screenshots / "imports-list.png")
    page.select_option("#upload-layout", "questionnaires")
    page.set_input_files(
        "#upload-file",
        {"name": "予診票_11月.csv", "mimeType": "text/csv", "buffer": questionnaires(rows, "cp932")},
    )
    page.click("button[name=send]")
    expect(page.locator("#mapping")).to_be_visible()
    page.screenshot(path=screenshots / "imports-columns.png", full_page=True)
    page.click("#mapping button[name=check]")
    # Not before the next page stands: there is no picture of a page that is being left.
    expect(page.locator("[data-progress-url]")).to_be_visible()
    page.screenshot(path=screenshots / "imports-progress.png")
    run_waiting(portal.bureau)
    expect(page.locator("#outcome-title")).to_be_visible()
    page.screenshot(path=screenshots / "imports-outcome.png", full_page=True)
    address = page.url
    page.goto(f"{address}rows/")
    page.screenshot(path=screenshots / "imports-queue.png", full_page=True)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#decide-form")).to_be_visible()
    page.screenshot(path=screenshots / "imports-row.png", full_page=True)
    page.fill("#decide-reason", "予診票で確認")
    page.keyboard.press("Tab")
    page.keyboard.press("r")
    expect(page.locator("h1")).to_contain_text("5件目")
    page.goto(f"{address}rows/?state=similar_found")
    page.click("[data-row] a")
    page.screenshot(path=screenshots / "imports-similar.png", full_page=True)
    page.goto(address)
    page.click("#apply button")
    run_waiting(portal.bureau)
    expect(page.locator("#undo")).to_be_visible()
    page.screenshot(path=screenshots / "imports-applied.png", full_page=True)
    assert len(world.scalars(select(Dose)).all()) == 3
    page.fill("#undo-reason", "別の月の分")
    page.click("#undo button")
    run_waiting(portal.bureau)
    expect(page.locator("h1 .status")).to_have_text("取り消し済み")
    world.expire_all()
    assert {dose.state for dose in world.scalars(select(Dose))} == {"cancelled"}
