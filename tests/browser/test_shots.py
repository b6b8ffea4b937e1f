from datetime import date
from sqlalchemy.orm import Session
from tests.people import resident, NOW
from tests.application import PASSWORD
from yvaxportal.models import Dose, Eligibility, ResidentNote
from yvaxportal.models.codes import *


def test_shots(page, address, world, screenshots):
    w = world
    kid = resident(
        w,
        name="髙﨑　𠮷乃",
        name_kana="タカサキ　ヨシノ",
        born="2024-08-14",
        sex=Sex.FEMALE,
        relationship_to_head="子",
        household_number="0000009999",
        contact={
            "current_address": "鳥取県米子市錦町1-139-3",
            "postal_code": "6830811",
            "elementary_school_district": "明道小",
            "junior_high_school_district": "第一中",
            "phone_number": "0859-00-0001",
            "neighbourhood_association": "錦町一丁目",
        },
    )
    resident(
        w, name="髙﨑　太郎", name_kana="タカサキ　タロウ", born="1990-02-03", household_number="0000009999"
    )
    for n in range(30):
        resident(
            w,
            name=f"髙橋　花子{n}",
            name_kana="タカハシ　ハナコ",
            born="1955-04-01",
            support_measure_flag=(n == 3),
        )
    i = 0
    for v, n, d in [
        ("hepatitis_b", 1, "2024-10-20"),
        ("hepatitis_b", 2, "2024-11-20"),
        ("dpt_ipv_hib", 1, "2024-10-20"),
        ("dpt_ipv_hib", 2, "2024-11-20"),
        ("dpt_ipv_hib", 3, "2024-12-20"),
        ("mr", 1, "2025-09-01"),
        ("varicella", 1, "2025-09-01"),
    ]:
        i += 1
        w.add(
            Dose(
                resident_id=kid.id,
                record_group=RecordGroup.INFANT,
                vaccine=v,
                dose_number=n,
                given_on=date.fromisoformat(d),
                judgement=Judgement.GIVEN,
                dose_category=DoseCategory.ROUTINE,
                medical_institution_name="見本小児科",
                lot_number=f"AB{i:03}",
                alerts=["x"] if i == 5 else [],
                source=DoseSource.FORM,
                state=DoseState.CANCELLED if i == 6 else DoseState.ACTIVE,
                change_reason="誤入力" if i == 6 else None,
                changed_at=NOW,
                revision=1,
                age_when_given=2 + i,
            )
        )
    w.add(
        Eligibility(
            resident_id=kid.id,
            kind=EligibilityKind.NATIONAL_HEALTH_INSURANCE,
            state=EligibilityState.HELD,
            valid_from=date(2024, 8, 14),
            as_of=NOW,
            source="welfare",
        )
    )
    w.add(
        ResidentNote(
            resident_id=kid.id,
            personal_remarks="卵アレルギー（保護者申出）",
            follow_up=None,
            changed_at=NOW,
            revision=1,
        )
    )
    w.commit()
    page.goto("/")
    page.screenshot(path=str(screenshots / "signin.png"))
    page.fill("[name=login]", "registrar")
    page.fill("[name=password]", PASSWORD)
    page.click("button[name=sign_in]")
    page.screenshot(path=str(screenshots / "search.png"))
    page.fill("#find-q", "たかさき R6.8.14")
    page.keyboard.press("Enter")
    page.wait_for_url("**/searches/**")
    page.screenshot(path=str(screenshots / "results.png"))
    page.click("a.row-link")
    page.wait_for_url("**/residents/0*/")
    page.screenshot(path=str(screenshots / "resident.png"), full_page=True)
    page.goto("/residents/")
    page.fill("#find-q", "たかはし")
    page.keyboard.press("Enter")
    page.wait_for_url("**/searches/**")
    page.screenshot(path=str(screenshots / "results2.png"))
    page.goto("/account/")
    page.screenshot(path=str(screenshots / "account.png"))
    page.goto("/nothing")
    page.screenshot(path=str(screenshots / "404.png"))
