"""The reveal in a real browser: erased when its time is up, when the page is left, and not on paper."""

from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect
from sqlalchemy.orm import Session

from tests.application import PASSWORD, TOTP_SECRET, Clock
from tests.people import NOW, resident
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.resident import Resident
from yvaxportal.portal import Portal
from yvaxportal.services.one_time_codes import code_of, step_at

NUMBER, GROUPED = "900000079198", "9000 0007 9198"


@pytest.fixture
def numbered(portal: Portal, world: Session) -> Resident:
    person = resident(world)
    world.commit()
    trail = AuditTrail(None, portal.engine, SYSTEM)
    portal.vault.store(person.id, NUMBER, source="resident_register", now=NOW, audit=trail)
    return person


def reveal(page: Page, numbered: Resident, clock: Clock, pictures: Path) -> None:
    page.clock.install()
    page.goto("/sign-in")
    page.fill("#sign-in-login", "number")
    page.fill("#sign-in-password", PASSWORD)
    page.click("#sign-in-sign_in")
    page.goto(f"/residents/{numbered.atena_number}/personal-number/")
    page.fill("#second-factor-code", code_of(TOTP_SECRET, step_at(clock.now)))
    page.click("#second-factor-confirm")
    expect(page.locator("#personal-number-show")).to_be_visible()
    page.screenshot(path=pictures / "number-asked.png")
    page.check("#personal-number-purpose-2")
    page.fill("#personal-number-case_reference", "R8-証-1")
    page.click("#personal-number-show")
    expect(page.get_by_text(GROUPED)).to_be_visible()
    page.screenshot(path=pictures / "number-shown.png")


def test_the_number_is_erased_when_its_time_is_up(
    page: Page, numbered: Resident, clock: Clock, screenshots: Path
) -> None:
    reveal(page, numbered, clock, screenshots)
    page.clock.run_for(59_000)
    expect(page.get_by_text(GROUPED)).to_be_visible()
    page.clock.run_for(2_000)
    expect(page.get_by_text(GROUPED)).to_have_count(0)
    assert "9198" not in page.content()
    page.screenshot(path=screenshots / "number-gone.png")


def test_the_number_is_not_on_paper(page: Page, numbered: Resident, clock: Clock, screenshots: Path) -> None:
    reveal(page, numbered, clock, screenshots)
    page.emulate_media(media="print")
    expect(page.get_by_text(GROUPED)).to_be_hidden()


def test_neither_reload_nor_back_button_bring_it_back(
    page: Page, numbered: Resident, clock: Clock, screenshots: Path
) -> None:
    reveal(page, numbered, clock, screenshots)
    page.reload()
    expect(page.locator("#personal-number-show")).to_be_visible()
    assert "9198" not in page.content()
    page.click("#personal-number-show")
    expect(page.get_by_text(GROUPED)).to_be_visible()
    page.goto("/residents/")
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        page.go_back()
