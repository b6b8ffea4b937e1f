"""From a list to letters in a real browser: ask with a sample, take the file, see first and last page."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pyramid.router import Router
from sqlalchemy.orm import Session

from tests.application import Clock
from tests.browser.test_walk import sign_in
from tests.leaving import content_of, extraction
from tests.people import resident
from tests.press import Parcel, press
from yvaxportal.outputs.opening import open_workshop
from yvaxportal.outputs.workshop import Workshop
from yvaxportal.portal import Portal


@pytest.fixture
def printer(app: Router, portal: Portal, clock: Clock, tmp_path: Path) -> Workshop:
    """Give a worker's room that prints, and let the application hand over what is made there."""
    settings = replace(portal.settings, var=tmp_path)
    app.registry.portal = replace(portal, settings=settings, press=press())
    return open_workshop(settings, portal.engine, portal.key_ring, clock, press())


@pytest.fixture
def list_id(world: Session, staff: dict[str, int]) -> int:
    children = [
        resident(
            world,
            name=name,
            born="2020-06-01",
            contact={"postal_code": "6830001", "current_address": f"鳥取県見本市東町{number}番地"},
        )
        for number, name in enumerate(("見本　花子", "髙﨑　\U00020bb7乃", "見本　\ue000子"), start=1)
    ]
    return extraction(world, children, staff_id=staff["registrar"])


def test_letters_from_the_list_to_paper(
    page: Page, list_id: int, printer: Workshop, tmp_path: Path, screenshots: Path
) -> None:
    sign_in(page, "registrar")
    page.goto(f"/letters/new?extraction={list_id}")
    page.get_by_role("button", name="見本を見る").click()
    expect(page.locator("img.letter-page")).to_have_count(1)
    page.screenshot(path=screenshots / "letters-new.png", full_page=True)
    page.get_by_role("button", name="印刷を申し込む").click()
    expect(page.locator("h1")).to_contain_text("作成待ち")
    printer.run()
    page.reload()
    expect(page.locator("#counts")).to_contain_text("保留")
    expect(page.locator("#held tbody tr")).to_have_count(1)
    expect(page.locator("#held")).to_contain_text("U+E000")
    page.screenshot(path=screenshots / "letters-run.png", full_page=True)
    page.locator(".page-head").get_by_role("link", name="持ち出しファイル").click()
    page.get_by_role("button", name="パスワードを表示").click()
    password = page.locator("[data-password]").inner_text()
    with page.expect_download() as taken:
        page.locator("#download button[type=submit]").click()
    _name, content = content_of(Path(taken.value.path()).read_bytes(), password)
    pdf = tmp_path / "letters.pdf"
    pdf.write_bytes(Parcel.of(content).files["letters.pdf"])
    text = subprocess.run(
        ["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout
    assert "223120290000000001" in text
    assert "\U00020bb7" in text
    for number in (1, 2):
        shown = screenshots / f"letters-page-{number}"
        command: list[str | Path] = [
            "pdftoppm",
            "-r",
            "300",
            "-f",
            str(number),
            "-l",
            str(number),
            "-singlefile",
            "-png",
            pdf,
            shown,
        ]
        subprocess.run(command, check=True)
        codes = subprocess.run(
            ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", shown.with_suffix(".png")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"22312029000000000{number}" in codes.stdout
