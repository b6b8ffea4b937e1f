"""The walk that the portal is for: sign in, find, see what is due, record a dose; keyboard first."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.application import PASSWORD
from tests.people import NOW, resident
from yvaxportal.models.codes import (
    DoseCategory,
    DoseSource,
    DoseState,
    EligibilityKind,
    EligibilityState,
    Judgement,
    RecordGroup,
    Sex,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Eligibility, Resident, ResidentNote
from yvaxportal.portal import Portal
from yvaxportal.services.bootstrap import create_account

GIVEN = (
    ("hepatitis_b", 1, "2024-10-21"),
    ("dpt_ipv_hib", 1, "2024-10-21"),
    ("hepatitis_b", 2, "2024-11-25"),
    ("dpt_ipv_hib", 2, "2024-11-25"),
    ("dpt_ipv_hib", 3, "2024-12-23"),
    ("bcg", 1, "2025-01-20"),
    ("varicella", 1, "2025-08-25"),
)


def dose(child: Resident, vaccine: str, number: int, day: str) -> Dose:
    given = date.fromisoformat(day)
    return Dose(
        resident_id=child.id,
        record_group=RecordGroup.INFANT,
        vaccine=vaccine,
        dose_number=number,
        given_on=given,
        judgement=Judgement.GIVEN,
        dose_category=DoseCategory.ROUTINE,
        medical_institution_name="見本小児科医院",
        lot_number=f"AB{number:03}",
        age_when_given=(given.year - 2024) * 12 + given.month - 8,
        alerts=[],
        source=DoseSource.FORM,
        state=DoseState.ACTIVE,
        changed_at=NOW,
        revision=1,
    )


@pytest.fixture
def child(world: Session) -> Resident:
    """A child of two years, with a family, and doses that leave something due."""
    made = resident(
        world,
        name="髙﨑　𠮷乃",
        name_kana="タカサキ　ヨシノ",
        born="2024-08-14",
        sex=Sex.FEMALE,
        relationship_to_head="子",
        household_number="0000009999",
        contact={
            "postal_code": "6830811",
            "elementary_school_district": "見本小学校",
            "junior_high_school_district": "見本中学校",
            "neighbourhood_association": "錦町一丁目",
            "phone_number": "0859-00-0001",
        },
    )
    resident(world, name="髙﨑　太郎", name_kana="タカサキ　タロウ", household_number="0000009999")
    for vaccine, number, day in GIVEN:
        world.add(dose(made, vaccine, number, day))
    world.add(
        Eligibility(
            resident_id=made.id,
            kind=EligibilityKind.NATIONAL_HEALTH_INSURANCE,
            state=EligibilityState.HELD,
            valid_from=date(2024, 8, 14),
            as_of=NOW,
            source="welfare",
        )
    )
    world.add(
        ResidentNote(
            resident_id=made.id, personal_remarks="卵アレルギー（保護者申出）", changed_at=NOW, revision=1
        )
    )
    world.commit()
    return made


def sign_in(page: Page, login: str) -> None:
    page.goto("/")
    expect(page.locator("#sign-in-login")).to_be_focused()
    page.keyboard.type(login)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".who-name")).to_be_visible()


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f"#dose-{name}").select_option(value)


def fill(page: Page, *, day: str, lot: str) -> None:
    """Fill the form as a clerk does who has the questionnaire in front of them."""
    choose(page, "vaccine", "varicella")
    page.locator("#dose-given_on").fill(day)
    page.locator("#dose-dose_number").fill("2")
    page.locator("#dose-medical_institution").fill("見本小児科医院")
    page.locator("#dose-lot_number").fill(lot)
    choose(page, "identity_method", "interview_form")
    choose(page, "identity_document", "maternal_handbook")


def count(world: Session) -> int:
    world.rollback()
    return world.scalars(select(func.count()).select_from(Dose).where(Dose.state == DoseState.ACTIVE)).one()


def test_from_sign_in_to_a_recorded_dose(
    page: Page, child: Resident, world: Session, screenshots: Path
) -> None:
    sign_in(page, "registrar")
    page.screenshot(path=screenshots / "search.png")
    page.locator("h1").click()
    page.keyboard.press("/")
    expect(page.locator("#portal-search")).to_be_focused()
    page.keyboard.type("たかさき R6.8.14")
    page.keyboard.press("Enter")
    page.wait_for_url("**/searches/**")
    page.screenshot(path=screenshots / "results.png")
    page.get_by_role("link", name="髙﨑　𠮷乃").click()

    expect(page.locator("#due")).to_contain_text("水痘")
    expect(page.locator("#doses")).to_contain_text("令和6年10月21日")
    expect(page.locator("#dose-timeline")).to_be_visible()
    page.screenshot(path=screenshots / "resident.png")

    page.keyboard.press("n")
    page.wait_for_url("**/doses/new")
    expect(page.locator("#dose-vaccine")).to_be_focused()
    fill(page, day="R6.8.1", lot="AB123")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#dose-given_on")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#dose-given_on")).to_have_value("R6.8.1")
    assert count(world) == len(GIVEN)
    page.screenshot(path=screenshots / "dose-error.png")

    page.locator("#dose-given_on").fill("R8.11.23")
    page.locator("#dose-lot_number").fill("")
    page.keyboard.press("Control+Enter")
    reason = page.locator("#dose-alert_reason")
    expect(reason).to_be_visible()
    assert count(world) == len(GIVEN)
    page.screenshot(path=screenshots / "dose.png")
    reason.fill("予診票のシールが剝がれていた")
    page.keyboard.press("Control+Enter")

    page.wait_for_url(f"**/residents/{child.atena_number}/")
    expect(page.locator("#doses")).to_contain_text("令和8年11月23日")
    expect(page.locator("#dose-timeline")).to_contain_text("水痘")
    assert count(world) == len(GIVEN) + 1
    page.screenshot(path=screenshots / "recorded.png")
    page.locator("#undo button").click()
    expect(page.locator("#doses")).to_contain_text("取消")
    assert count(world) == len(GIVEN)


def test_enter_goes_on_and_only_ctrl_enter_saves(page: Page, child: Resident, world: Session) -> None:
    sign_in(page, "registrar")
    page.goto(f"/residents/{child.atena_number}/doses/new")
    page.locator("#dose-given_on").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#dose-given_on")).not_to_be_focused()
    assert page.url.endswith("/doses/new")
    assert count(world) == len(GIVEN)


def test_the_beginning_of_a_code_chooses_the_vaccine(page: Page, child: Resident) -> None:
    sign_in(page, "registrar")
    page.goto(f"/residents/{child.atena_number}/doses/new")
    page.locator("#dose-vaccine").focus()
    page.keyboard.type("var")
    expect(page.locator("#dose-vaccine")).to_have_value("varicella")
    expect(page.locator("#dose-dose_number")).to_have_value("2")


def test_a_viewer_looks_and_no_more(page: Page, child: Resident) -> None:
    sign_in(page, "viewer")
    page.goto(f"/residents/{child.atena_number}/")
    expect(page.locator("#doses")).to_be_visible()
    expect(page.get_by_role("link", name="接種を記録")).to_have_count(0)
    expect(page.get_by_role("link", name="個人番号")).to_have_count(0)


def test_a_number_typed_into_the_search_never_leaves_the_browser(page: Page, child: Resident) -> None:
    sign_in(page, "registrar")
    sent: list[str] = []

    def keep(request: Request) -> None:
        sent.append(f"{request.url} {request.post_data or ''}")

    page.on("request", keep)
    for box in ("#find-q", "#portal-search"):
        page.goto("/residents/")
        page.locator(box).fill("")
        page.locator(box).press_sequentially("900000000001")
        page.keyboard.press("Enter")
        expect(page.locator(box)).to_have_value("")
        expect(page.get_by_role("alert").filter(has_text="個人番号")).to_be_visible()
    assert not any("9000000" in text for text in sent)
    assert child.id


def test_names_are_hidden_until_asked(page: Page, child: Resident, screenshots: Path) -> None:
    sign_in(page, "registrar")
    page.goto(f"/residents/{child.atena_number}/")
    page.locator("[data-privacy-toggle]").click()
    page.mouse.move(0, 700)
    name, colour = page.locator(".person-name .name"), "el => getComputedStyle(el).color"
    assert name.evaluate(colour) == "rgba(0, 0, 0, 0)"
    page.screenshot(path=screenshots / "privacy.png")
    page.reload()
    assert name.evaluate(colour) == "rgba(0, 0, 0, 0)"
    name.hover()
    assert name.evaluate(colour) != "rgba(0, 0, 0, 0)"


def test_the_language_is_one_click_away(page: Page) -> None:
    sign_in(page, "registrar")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Find a resident")).to_be_visible()
    page.get_by_role("button", name="日本語").click()
    expect(page.get_by_role("heading", name="住民を探す")).to_be_visible()
    page.get_by_role("button", name="サインアウト").click()
    expect(page.locator("#sign-in-login")).to_be_visible()


def test_two_clerks_at_once_do_not_record_the_dose_twice(
    context: BrowserContext,
    another: Callable[[], BrowserContext],
    child: Resident,
    world: Session,
    portal: Portal,
    screenshots: Path,
) -> None:
    create_account(
        world,
        portal.key_ring,
        login="second",
        display_name="職員 次郎",
        password=PASSWORD,
        groups=("registrar",),
        now=NOW,
        must_change_password=False,
    )
    world.commit()
    first, second = context.new_page(), another().new_page()
    for page, login in ((first, "registrar"), (second, "second")):
        sign_in(page, login)
        page.goto(f"/residents/{child.atena_number}/doses/new")
        fill(page, day="R8.11.20", lot="AB123")
    first.keyboard.press("Control+Enter")
    first.wait_for_url(f"**/residents/{child.atena_number}/")
    second.keyboard.press("Control+Enter")
    expect(second.locator("main")).to_contain_text("職員 registrar")
    expect(second.locator("#dose-lot_number")).to_have_value("AB123")
    second.screenshot(path=screenshots / "conflict.png")
    assert count(world) == len(GIVEN) + 1
