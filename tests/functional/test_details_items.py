"""Remarks, items of foreign residents, eligibility, and the register's items."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.application import SignIn
from tests.details import events
from tests.people import NOW, atena_number, resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import EligibilityKind, EligibilityState, ResidentCategory, TicketState
from yvaxportal.models.resident import Eligibility, ForeignResident, Resident, ResidentNote
from yvaxportal.models.ticket import Ticket

PERSONAL_NUMBER = "9000 0000 0015"


@pytest.fixture
def outsider(world: Session) -> Resident:
    person = resident(
        world,
        resident_category=ResidentCategory.NON_REGISTERED,
        became_resident_reason=None,
        became_resident_on=None,
        is_foreign_national=True,
    )
    world.commit()
    return person


def form_of(page: Any) -> Any:
    return page.forms["details"]


def test_remarks_are_written_by_whoever_may(world: Session, outsider: Resident, sign_in: SignIn) -> None:
    path = f"/residents/{outsider.atena_number}/notes/"
    viewer = sign_in("viewer")
    assert "edit" not in [
        link["href"].rsplit("/", 1)[-1] for link in viewer.get(path).html.select(".panel a")
    ]
    viewer.get(f"{path}edit", status=403)

    form = form_of(sign_in("registrar").get(f"{path}edit"))
    form["personal_remarks"] = "耳が遠い。\n筆談で。"
    form.submit("save", status=303)
    note = world.get_one(ResidentNote, outsider.id)
    assert note.personal_remarks == "耳が遠い。\n筆談で。"
    assert "筆談で。" in viewer.get(path).text


def test_a_personal_number_in_a_remark_is_refused_and_not_shown_again(
    world: Session, outsider: Resident, sign_in: SignIn
) -> None:
    form = form_of(sign_in("registrar").get(f"/residents/{outsider.atena_number}/notes/edit"))
    form["personal_remarks"] = f"番号は {PERSONAL_NUMBER} です"
    form["follow_up"] = "来月電話"
    page = form.submit("save", status=422)
    assert PERSONAL_NUMBER not in page.text
    assert form_of(page)["follow_up"].value.strip() == "来月電話"
    assert world.get(ResidentNote, outsider.id) is None


def test_a_residence_card_is_read_by_those_with_the_right_only(
    world: Session, outsider: Resident, sign_in: SignIn
) -> None:
    path = f"/residents/{outsider.atena_number}/foreign/"
    form = form_of(sign_in("registrar").get(f"{path}edit"))
    form["residence_card_number"] = "ａｂ12345678ｃｄ"
    form["article_30_45_category"] = "special_permanent"
    form.submit("save", status=303)
    card = world.get_one(ForeignResident, outsider.id).residence_card_number
    assert card == "AB12345678CD"
    for login, status in (("number", 200), ("manager", 200), ("viewer", 403), ("auditor", 403)):
        page = sign_in(login).get(path, status=status)
        assert ("AB12345678CD" in page.text) is (status == 200)
    sign_in("number").get(f"{path}edit", status=403)


def test_an_unusual_card_number_asks_for_a_reason(
    world: Session, outsider: Resident, sign_in: SignIn
) -> None:
    form = form_of(sign_in("registrar").get(f"/residents/{outsider.atena_number}/foreign/edit"))
    form["residence_card_number"] = "AB123"
    page = form.submit("save", status=422)
    assert page.html.select_one(".notice.is-warning a")["href"] == "#details-residence_card_number"
    assert page.html.find(id="details-reason")["aria-invalid"] == "true"
    again = form_of(page)
    again["reason"] = "旧様式の番号"
    again.submit("save", status=303)
    assert world.get_one(ForeignResident, outsider.id).residence_card_number == "AB123"


def test_an_eligibility_is_entered_with_a_reason(world: Session, outsider: Resident, sign_in: SignIn) -> None:
    world.add(
        Eligibility(
            resident_id=outsider.id,
            kind=EligibilityKind.TAX_EXEMPT,
            state=EligibilityState.TAXED,
            valid_from=date(2026, 4, 1),
            as_of=NOW,
            source="tax",
        )
    )
    world.commit()
    clerk, path = sign_in("registrar"), f"/residents/{outsider.atena_number}/eligibility/"
    form = form_of(clerk.get(f"{path}add"))
    form["kind"], form["state"], form["valid_from"] = "tax_exempt", "held", "R8.10.1"
    page = form.submit("save", status=422)
    assert page.html.find(id="details-reason")["aria-invalid"] == "true"
    form = form_of(page)
    form["reason"] = "非課税証明書"
    page = form.submit("save", status=422)
    assert page.html.find(id="details-state")["aria-invalid"] == "true"
    form = form_of(page)
    form["state"] = "exempt"
    page = form.submit("save", status=303).follow()
    states = [cell.get_text() for cell in page.html.select("#tax-exempt tbody th")]
    assert len(states) == 2
    assert page.html.select_one("#tax-exempt tbody tr[aria-current=true] th").get_text() == states[0]
    sign_in("viewer").get(path, status=200)
    sign_in("viewer").get(f"{path}add", status=403)


def test_the_registers_items_are_read_only_for_registered_people(world: Session, sign_in: SignIn) -> None:
    person = resident(world, former_name="旧姓　太郎")
    world.commit()
    clerk, path = sign_in("registrar"), f"/residents/{person.atena_number}/"
    page = clerk.get(f"{path}register-items")
    assert "旧姓　太郎" in page.text
    assert "2026-11-23 10:00" in page.text
    assert page.html.select_one(".notice.is-info")
    assert not page.html.select("a[href$=edit-register-items]")
    clerk.get(f"{path}edit-register-items", status=403)
    assert [event.subject for event in events(world, Action.RESIDENT_CHANGED)] == []


def test_the_items_of_somebody_not_registered_are_corrected(
    world: Session, outsider: Resident, sign_in: SignIn
) -> None:
    clerk, path = sign_in("registrar"), f"/residents/{outsider.atena_number}/"
    form = form_of(clerk.get(f"{path}register-items").click(href="edit-register-items$"))
    form["date_of_birth"] = "昭和55年5月"
    form["name_kana"] = "みほん　はなこ"
    form.submit("save", status=303)
    person = world.get_one(Resident, outsider.id, populate_existing=True)
    assert (person.date_of_birth_written, person.date_of_birth) == ("1980-05-00", None)
    assert person.name_kana == "みほん　はなこ"


def test_two_corrections_of_one_person(world: Session, outsider: Resident, sign_in: SignIn) -> None:
    clerk, path = sign_in("registrar"), f"/residents/{outsider.atena_number}/edit-register-items"
    mine, theirs = form_of(clerk.get(path)), form_of(clerk.get(path))
    theirs["date_of_birth"] = "1980-05-00"
    theirs.submit("save", status=303)
    mine["alias_name"] = "通称"
    page = mine.submit("save", status=409)
    lines = [[cell.get_text() for cell in row.select("td")] for row in page.html.select("#conflict tbody tr")]
    assert lines == [["", "通称"], ["1980年5月日不詳", "1980年5月17日"]]


def test_the_dead_have_a_day_of_death(world: Session, outsider: Resident, sign_in: SignIn) -> None:
    form = form_of(sign_in("registrar").get(f"/residents/{outsider.atena_number}/edit-register-items"))
    form["resident_category"] = "deceased"
    page = form.submit("save", status=422)
    assert page.html.find(id="details-ceased_resident_on")["aria-invalid"] == "true"
    form = form_of(page)
    form["ceased_resident_on"] = "R8.11.1"
    form.submit("save", status=303)
    person = world.get_one(Resident, outsider.id, populate_existing=True)
    assert person.resident_category is ResidentCategory.DECEASED
    assert person.ceased_resident_on == date(2026, 11, 1)


def test_a_taken_number_is_marked(world: Session, outsider: Resident, sign_in: SignIn) -> None:
    other = resident(world)
    world.commit()
    form = form_of(sign_in("registrar").get(f"/residents/{outsider.atena_number}/edit-register-items"))
    form["business_atena_number"] = other.business_atena_number
    form["alias_name"] = "通称"
    page = form.submit("save", status=422)
    assert page.html.find(id="details-business_atena_number")["aria-invalid"] == "true"
    assert form_of(page)["alias_name"].value == "通称"


def test_a_person_who_is_not_registered_is_entered(world: Session, sign_in: SignIn) -> None:
    there = resident(world, name="山田　花子", born="1990-01-02")
    world.commit()
    number = atena_number(770000001)
    sign_in("viewer").get("/residents/new-person", status=403)
    form = form_of(sign_in("registrar").get("/residents/new-person"))
    form["name"], form["name_kana"] = "山田 花子", "山田"
    form["date_of_birth"], form["details-sex"] = "H2.1.2", "2"
    form["atena_number"] = there.atena_number
    form["current_address"] = "鳥取県境港市上道町1"
    page = form.submit("save", status=422)
    assert page.html.find(id="details-name_kana")["aria-invalid"] == "true"
    form = form_of(page)
    form["name_kana"] = "ヤマダ ハナコ"
    page = form.submit("save", status=422)
    assert page.html.find(id="details-atena_number")["aria-invalid"] == "true"
    form = form_of(page)
    form["atena_number"] = number
    page = form.submit("save", status=422)
    assert there.atena_number in page.html.select_one(".notice.is-warning").get_text()
    form = form_of(page)
    assert form["current_address"].value == "鳥取県境港市上道町1"
    form["reason"] = "別人と確認"
    answer = form.submit("save", status=303)
    assert answer.location.endswith(f"/residents/{number}/")
    person = world.scalars(select(Resident).where(Resident.atena_number == number)).one()
    assert person.date_of_birth == date(1990, 1, 2)
    assert [event.actor for event in events(world, Action.RESIDENT_CHANGED)] == ["registrar"]


def test_tickets_are_listed(world: Session, outsider: Resident, sign_in: SignIn) -> None:
    world.add(
        Ticket(
            resident_id=outsider.id,
            vaccine="no-such-vaccine",
            ticket_kind="1",
            dose_number=2,
            municipality_code="312029",
            ticket_number="0000012345",
            issued_on=date(2021, 6, 1),
            state=TicketState.ISSUED,
        )
    )
    world.commit()
    page = sign_in("viewer").get(f"/residents/{outsider.atena_number}/tickets/")
    assert "0000012345" in page.text
    assert [event.resident_id for event in events(world, Action.TICKET_VIEWED)] == [outsider.id]
    sign_in("auditor").get(f"/residents/{outsider.atena_number}/tickets/", status=403)
