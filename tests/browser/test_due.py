"""What is due, explained one click away; and a dose that is judged while it is typed."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.test_walk import child, choose, sign_in
from yvaxportal.models.resident import Resident

__all__ = ["child"]


def test_an_explanation_is_one_click_away(page: Page, child: Resident, screenshots: Path) -> None:
    sign_in(page, "registrar")
    page.goto(f"/residents/{child.atena_number}/")
    line = page.locator("#due .due-more", has_text="水痘")
    expect(line.locator(".due-reasons")).to_be_hidden()
    line.locator("summary").click()
    expect(line.locator(".due-reasons")).to_contain_text("予防接種法施行令3条1項")
    expect(line.locator(".due-facts")).to_contain_text("令和9年8月13日")
    page.screenshot(path=screenshots / "due-explained.png", full_page=True)


def test_a_dose_is_judged_while_it_is_typed(page: Page, child: Resident, screenshots: Path) -> None:
    sign_in(page, "registrar")
    page.goto(f"/residents/{child.atena_number}/doses/new")
    said = page.locator("#dose-judgement")
    expect(said).to_be_hidden()
    choose(page, "vaccine", "dpt_ipv_hib")
    page.locator("#dose-dose_number").fill("1")
    page.locator("#dose-given_on").fill("R6.10.12")
    expect(said).to_contain_text("接種が早すぎます")
    expect(said).to_contain_text("日早い接種です")
    page.screenshot(path=screenshots / "dose-judged.png")
    page.locator("#dose-given_on").fill("R6.10.")
    expect(said).to_be_hidden()


def test_what_is_done_or_not_for_the_person_is_folded_with_its_explanation(
    page: Page, child: Resident, screenshots: Path
) -> None:
    sign_in(page, "registrar")
    page.goto(f"/residents/{child.atena_number}/")
    group = page.locator("#due-not_target")
    line = group.locator(".due-more", has_text="ロタ")
    expect(line).to_be_hidden()
    group.locator("summary").first.click()
    expect(line).to_contain_text("対象期間は")
    expect(line.locator(".due-reasons")).to_be_hidden()
    line.locator("summary").click()
    expect(line.locator(".due-reasons")).to_contain_text("予防接種法施行令")
    page.locator("#due-done summary").first.click()
    page.screenshot(path=screenshots / "due-folded.png", full_page=True)
