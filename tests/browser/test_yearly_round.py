"""The yearly round in one go: extract, print, have it approved, hand it over, read it back."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.browser.test_letters import printer
from tests.browser.test_walk import sign_in
from tests.doses import given
from tests.leaving import content_of
from tests.people import resident
from tests.press import Parcel
from yvaxportal.models.extraction import ExtractionMember
from yvaxportal.models.resident import Resident
from yvaxportal.models.ticket import Ticket
from yvaxportal.outputs.workshop import Workshop

__all__ = ["printer"]

FIRST = date(2020, 4, 2)
CHILDREN = 24


@pytest.fixture
def children(world: Session) -> list[Resident]:
    """The children of the year before school; every third has had the second dose, one is protected."""
    made = []
    for place in range(CHILDREN):
        born = FIRST + timedelta(days=14 * place)
        child = resident(
            world,
            name="髙﨑　\U00020bb7乃" if place == 1 else f"見本　{'花春夏秋'[place % 4]}子",
            born=born.isoformat(),
            support_measure_flag=place == 4,
            contact={
                "postal_code": f"68300{place:02}",
                "current_address": f"鳥取県米子市錦町一丁目{place + 1}番地",
                "address_town_code": "0001001",
            },
        )
        world.add_all(given(child, ("mr", 1, (born + timedelta(days=400)).isoformat())))
        if place % 3 == 0:
            world.add_all(given(child, ("mr", 2, "2026-05-10")))
        made.append(child)
    # Too young for this year.
    resident(world, born="2021-04-02")
    world.commit()
    return made


def test_from_the_extraction_to_the_ticket_that_a_reader_reads(
    page: Page,
    another: Callable[[], BrowserContext],
    children: list[Resident],
    printer: Workshop,
    world: Session,
    tmp_path: Path,
    screenshots: Path,
) -> None:
    sign_in(page, "registrar")
    extract(page, screenshots)
    invited = {child.id for place, child in enumerate(children) if place % 3}
    listed = world.scalars(
        select(ExtractionMember.resident_id).where(ExtractionMember.excluded_by.is_(None))
    ).all()
    assert set(listed) == invited

    page.locator(".page-head").get_by_role("link", name="通知を印刷").click()
    page.get_by_role("button", name="印刷を申し込む").click()
    expect(page.locator("h1")).to_contain_text("作成待ち")
    replace(printer, approval_above=10).run()
    page.reload()
    expect(page.locator("#held tbody tr")).to_have_count(1)
    page.locator(".page-head").get_by_role("link", name="持ち出しファイル").click()
    expect(page.get_by_text("受け取るには、別の人の承認が必要です。")).to_be_visible()
    approve(another().new_page(), screenshots)

    page.reload()
    page.get_by_role("button", name="パスワードを表示").click()
    password = page.locator("[data-password]").inner_text()
    with page.expect_download() as taken:
        page.locator("#download button[type=submit]").click()
    _name, content = content_of(Path(taken.value.path()).read_bytes(), password)
    read_back(Parcel.of(content), tmp_path, screenshots, len(invited) - 1)

    ticket = world.scalars(select(Ticket).order_by(Ticket.id)).first()
    assert ticket is not None
    owner = world.get_one(Resident, ticket.resident_id)
    page.locator("[name=q]").first.fill(f"22 312029 {ticket.ticket_number}")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text(owner.atena_number)


def extract(page: Page, screenshots: Path) -> None:
    """Try out this year's second term of MR, and save it as it was seen."""
    page.goto("/extractions/new?programme=mr2")
    page.locator("#list-title").fill("令和8年度 麻しん風しん第2期")
    page.locator("#list-try").click()
    expect(page.locator("#on-list")).to_have_text("抽出 16人")
    page.locator("#list-save").click()
    page.wait_for_url("**/extractions/1/")
    page.screenshot(path=screenshots / "round-1-list.png", full_page=True)


def approve(manager: Page, screenshots: Path) -> None:
    """Approve the file, knowing in words whom it is about."""
    sign_in(manager, "manager")
    manager.goto("/outputs/")
    manager.locator("#waiting").get_by_role("link").first.click()
    expect(manager.locator("#criteria")).to_contain_text("麻しん風しん第2期")
    expect(manager.locator("#criteria")).to_contain_text("令和9年3月31日")
    manager.screenshot(path=screenshots / "round-2-decide.png", full_page=True)
    manager.get_by_role("button", name="このファイルを承認").click()
    expect(manager.locator(".notice.is-success")).to_contain_text("承認しました")


def read_back(parcel: Parcel, folder: Path, screenshots: Path, letters: int) -> None:
    """Read the text and, on the first and the last page, the code: each ticket once, as the list says."""
    pdf = folder / "letters.pdf"
    pdf.write_bytes(parcel.files["letters.pdf"])
    text = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout
    on_list = [f"22312029{row[5]}" for row in parcel.rows[1:]]
    assert len(set(on_list)) == letters
    assert re.findall(r"\b22312029[0-9]{10}\b", text) == on_list
    assert "\U00020bb7" in text
    for page, line in ((1, on_list[0]), (letters, on_list[-1])):
        shown = screenshots / f"round-page-{page}"
        command: list[str | Path] = ["pdftoppm", "-r", "300", "-f", str(page), "-l", str(page)]
        subprocess.run([*command, "-singlefile", "-png", pdf, shown], check=True)
        codes = subprocess.run(
            ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", shown.with_suffix(".png")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert line in codes.stdout
