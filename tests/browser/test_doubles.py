"""Likely doubles in a browser: looked at, merged as the register decided, taken apart again."""

from datetime import date
from pathlib import Path

from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.browser.test_imports import sign_in
from tests.doses import given
from tests.people import NOW, resident
from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    DoseState,
    ResidentCategory,
    Sex,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.ticket import Certificate
from yvaxportal.portal import Portal
from yvaxportal.services.doubles.finding import find_doubles


def test_from_the_list_to_a_merge_and_back(
    page: Page, world: Session, portal: Portal, screenshots: Path
) -> None:
    kept = resident(world, name="髙橋　花子", name_kana="タカハシ　ハナコ", sex=Sex.FEMALE, born="2024-03-05")
    gone = resident(
        world,
        name="高橋 花子",
        name_kana="タカハシ　ハナコ",
        sex=Sex.FEMALE,
        born="2024-03-05",
        resident_category=ResidentCategory.NON_REGISTERED,
    )
    for _ in range(2):
        resident(
            world,
            name="石井　光",
            name_kana="イシイ　ヒカル",
            born="1990-01-02",
            contact={"current_address": f"鳥取県米子市錦町2-{_}"},
        )
    world.add_all(given(kept, ("mr", 1, "2025-04-01")))
    world.add_all(given(gone, ("mr", 1, "2025-04-01"), ("bcg", 1, "2024-08-20")))
    world.commit()
    find_doubles(portal.engine, NOW)
    sign_in(page, "manager")
    page.goto("/doubles/")
    expect(page.locator("#pairs tbody tr")).to_have_count(2)
    page.screenshot(path=screenshots / "doubles-list.png", full_page=True)
    page.click("#pairs tbody tr:first-child a")
    page.screenshot(path=screenshots / "doubles-pair.png", full_page=True)
    page.check(f"input[name='merge-kept'][value='{kept.id}']")
    page.fill("#merge-decided_on", "R8.11.20")
    page.fill("#merge-reference", "住民課 第12号")
    page.fill("#merge-reason", "住登外の時の番号と確認")
    page.click("button[name=merge]")
    expect(page.locator("h1 .status")).to_have_text("統合中")
    page.screenshot(path=screenshots / "doubles-merge.png", full_page=True)
    page.goto(f"/residents/{kept.atena_number}/")
    page.screenshot(path=screenshots / "doubles-resident.png", full_page=True)
    page.click(".other-numbers a")
    world.add_all(given(kept, ("mr", 2, "2026-11-02")))
    world.add(
        Certificate(
            resident_id=kept.id,
            certificate_id="C-20261124-1",
            certificate_issued_on=date(2026, 11, 24),
            kind=CertificateKind.DOMESTIC,
            state=CertificateState.VALID,
            recorded_at=NOW,
        )
    )
    world.commit()
    page.click("a[href$='take-apart']")
    expect(page.locator("#doses")).to_contain_text("双方に戻る")
    page.screenshot(path=screenshots / "doubles-apart.png", full_page=True)
    page.fill("#apart-reason", "戸籍で別人と確認")
    page.click("#apart button[name=apart]")
    expect(page.locator("#apart .has-error")).to_be_visible()
    page.screenshot(path=screenshots / "doubles-apart-error.png", full_page=True)
    page.check("#apart input[value=returning]")
    page.click("#apart button[name=apart]")
    expect(page.locator("h1 .status")).to_have_text("取消し済み")
    page.screenshot(path=screenshots / "doubles-apart-done.png", full_page=True)
    active = world.scalars(
        select(Dose.resident_id)
        .where(Dose.state == DoseState.ACTIVE)
        .order_by(Dose.vaccine, Dose.dose_number, Dose.resident_id)
    ).all()
    assert active == [gone.id, *sorted((kept.id, gone.id)), gone.id]
    page.goto("/doubles/merges/")
    page.screenshot(path=screenshots / "doubles-merges.png", full_page=True)
