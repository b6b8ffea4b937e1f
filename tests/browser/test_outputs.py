"""A file leaves, as people do it: asked for, followed, approved, taken, opened; and a medium's way."""

import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy.orm import Session

from tests.application import PASSWORD
from tests.leaving import content_of, extraction, people, table_of
from yvaxportal.outputs.making import Made, Work
from yvaxportal.outputs.workshop import Workshop

pytestmark = pytest.mark.browser
SEVEN_ZIP = shutil.which("7z") or shutil.which("7zz")


def sign_in(page: Page, login: str) -> None:
    page.goto("/sign-in")
    page.fill("#sign-in-login", login)
    page.fill("#sign-in-password", PASSWORD)
    page.click("#sign-in-sign_in")
    expect(page.locator(".who-name")).to_be_visible()


def ask(page: Page, extraction_id: int) -> None:
    page.goto(f"/outputs/new?extraction={extraction_id}")
    page.locator("#ask-for-file-layout").select_option("target_list")
    page.fill("#ask-for-file-title", "MR2期の一覧")
    page.fill("#ask-for-file-purpose", "接種券の作成委託（見本印刷株式会社へ）")
    page.get_by_role("button", name="ファイルを依頼").click()
    expect(page.locator("[data-progress-url]")).to_be_visible()


def test_a_list_of_a_thousand_and_one_leaves(
    page: Page,
    another: Callable[[], BrowserContext],
    shop: Workshop,
    world: Session,
    staff: dict[str, int],
    tmp_path: Path,
    screenshots: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("yvaxportal.services.job_report._REPORT_SECONDS", 0)
    targets = extraction(world, people(world, 1001), staff_id=staff["registrar"])
    sign_in(page, "registrar")
    ask(page, targets)
    expect(page.locator("[data-progress-text]")).to_have_text("作成の順番を待っています。")
    page.screenshot(path=screenshots / "output-1-waiting.png")
    halfway = threading.Event()
    real = shop.makers["extraction"]

    def make(work: Work) -> Made:
        work.progress(400, 1001)
        assert halfway.wait(30)
        return real(work)

    worker = threading.Thread(target=lambda: replace(shop, makers={"extraction": make}).run())
    worker.start()
    try:
        expect(page.locator("[data-progress-text]")).to_have_text("1,001人中 400人")
        page.screenshot(path=screenshots / "output-2-progress.png")
    finally:
        halfway.set()
        worker.join()
    # The page notices by itself.
    expect(page.get_by_text("受け取るには、別の人の承認が必要です。")).to_be_visible()
    page.screenshot(path=screenshots / "output-3-awaiting.png")

    manager = another().new_page()
    sign_in(manager, "manager")
    manager.goto("/outputs/")
    manager.screenshot(path=screenshots / "output-4-register.png")
    manager.get_by_role("link", name="MR2期の一覧").first.click()
    manager.screenshot(path=screenshots / "output-5-decide.png", full_page=True)
    manager.get_by_role("button", name="このファイルを承認").click()
    expect(manager.locator(".notice.is-success")).to_contain_text("承認しました")

    page.reload()
    page.screenshot(path=screenshots / "output-6-ready.png", full_page=True)
    page.get_by_role("button", name="パスワードを表示").click()
    password = page.locator("[data-password]").inner_text()
    page.screenshot(path=screenshots / "output-7-password.png", full_page=True)
    with page.expect_download() as started:
        page.get_by_role("button", name="暗号化ファイルを受け取る").click()
    archive = tmp_path / started.value.suggested_filename
    started.value.save_as(archive)
    assert archive.name == "output-1.zip"
    name, content = content_of(archive, password)
    assert len(table_of(content)) == 1002
    # And as the recipient opens it.
    assert SEVEN_ZIP, "7-Zip is missing: `make test` says how to install it"
    command = [SEVEN_ZIP, "x", f"-p{password}", f"-o{tmp_path / 'opened'}", str(archive)]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "opened" / name).read_bytes() == content


def test_a_file_is_called_off_from_the_page(
    page: Page, shop: Workshop, world: Session, staff: dict[str, int]
) -> None:
    targets = extraction(world, people(world, 2), staff_id=staff["registrar"])
    sign_in(page, "registrar")
    ask(page, targets)
    page.get_by_role("button", name="取りやめる").click()
    expect(page.locator(".notice.is-success")).to_contain_text("取りやめました")
    assert shop.run() == 0
