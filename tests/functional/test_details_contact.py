from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import SignIn
from tests.details import events
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.models.resident import Resident, ResidentContact

SECRET = "鳥取県米子市秘密町9-9"


@pytest.fixture
def outsider(world: Session) -> Resident:
    person = resident(world, resident_category=ResidentCategory.NON_REGISTERED, became_resident_reason=None)
    world.commit()
    return person


@pytest.fixture
def protected(world: Session) -> Resident:
    person = resident(world, support_measure_flag=True, contact={"current_address": SECRET})
    world.commit()
    return person


def form_of(page: Any) -> Any:
    return page.forms["details"]


def test_the_contact_is_shown_and_corrected(world: Session, outsider: Resident, sign_in: SignIn) -> None:
    clerk = sign_in("registrar")
    form = form_of(clerk.get(f"/residents/{outsider.atena_number}/contact/edit"))
    assert form["current_address"].value == "鳥取県米子市錦町1-139-3"
    form["phone_number"] = "0859-00-0012"
    form["postal_code"] = "６８３－０８２３"
    page = form.submit("save", status=303).follow(status=200)

    assert page.html.select_one(".flashes .is-success")
    assert "683-0823" in page.text
    contact = world.get_one(ResidentContact, outsider.id, populate_existing=True)
    assert (contact.postal_code, contact.phone_key) == ("6830823", "0859000012")


def test_nothing_typed_is_lost_and_every_error_is_marked(outsider: Resident, sign_in: SignIn) -> None:
    clerk = sign_in("registrar")
    form = form_of(clerk.get(f"/residents/{outsider.atena_number}/contact/edit"))
    form["current_address"] = "新しい住所 1234-5678-9018"
    form["address_code"] = "31202"
    form["phone_number"] = "0859-00-0012"
    page = form.submit("save", status=422)

    again = form_of(page)
    assert again["phone_number"].value == "0859-00-0012"
    assert again["address_code"].value == "31202"
    assert "1234" not in page.text
    for name in ("current_address", "address_code"):
        assert page.html.find(id=f"details-{name}")["aria-invalid"] == "true"
    assert "aria-invalid" not in page.html.find(id="details-phone_number").attrs


def test_letters_need_an_address_to_go_to(outsider: Resident, sign_in: SignIn) -> None:
    form = form_of(sign_in("registrar").get(f"/residents/{outsider.atena_number}/contact/edit"))
    form["has_mailing_address"] = True
    page = form.submit("save", status=422)
    assert page.html.find(id="details-mailing_address")["aria-invalid"] == "true"


def test_a_register_item_is_corrected_with_a_reason_only(world: Session, sign_in: SignIn) -> None:
    person = resident(world)
    world.commit()
    form = form_of(sign_in("registrar").get(f"/residents/{person.atena_number}/contact/edit"))
    form["current_address"] = "鳥取県米子市加茂町1-1"
    page = form.submit("save", status=422)

    assert page.html.select_one(".notice.is-warning a")["href"] == "#details-current_address"
    again = form_of(page)
    assert again["current_address"].value == "鳥取県米子市加茂町1-1"
    again["reason"] = "住民票の写しを確認"
    again.submit("save", status=303)
    (event,) = events(world, Action.CONTACT_CHANGED)
    assert (event.actor, event.detail) == ("registrar", {"reason": "住民票の写しを確認"})


def test_who_saves_second_sees_both_entries_and_may_decide(
    world: Session, outsider: Resident, sign_in: SignIn
) -> None:
    first, second = sign_in("registrar"), sign_in("registrar")
    path = f"/residents/{outsider.atena_number}/contact/edit"
    mine, theirs = form_of(first.get(path)), form_of(second.get(path))
    theirs["neighbourhood_association"] = "錦町自治会"
    theirs.submit("save", status=303)
    mine["neighbourhood_association"] = "加茂町自治会"
    page = mine.submit("save", status=409)

    cells = [cell.get_text() for cell in page.html.select("#conflict td")]
    assert cells == ["錦町自治会", "加茂町自治会"]
    again = form_of(page)
    assert again["neighbourhood_association"].value == "加茂町自治会"
    again.submit("save", status=303)
    contact = world.get_one(ResidentContact, outsider.id, populate_existing=True)
    assert contact.neighbourhood_association == "加茂町自治会"
    assert contact.revision == 3


@pytest.mark.parametrize(
    ("login", "path", "status"),
    [
        ("viewer", "", 403),
        ("registrar", "", 403),
        ("registrar", "edit", 403),
        ("number", "", 403),
        ("manager", "", 200),
        ("manager", "edit", 200),
        ("manager", "support-measure", 200),
        ("registrar", "support-measure", 403),
        ("auditor", "", 403),
        ("administrator", "", 403),
    ],
)
def test_who_sees_a_protected_contact(
    protected: Resident, sign_in: SignIn, login: str, path: str, status: int
) -> None:
    page = sign_in(login).get(f"/residents/{protected.atena_number}/contact/{path}", status=status)
    assert (SECRET in page.text) is (status == 200 and path != "support-measure")


def test_that_a_protected_contact_was_seen_is_on_record(
    world: Session, protected: Resident, sign_in: SignIn
) -> None:
    page = sign_in("manager").get(f"/residents/{protected.atena_number}/contact/")
    assert page.html.select_one(".notice.is-warning h2")
    (event,) = events(world, Action.CONTACT_VIEWED)
    assert (event.resident_id, event.detail) == (protected.id, {"support_measure": True})


def test_a_measure_is_started_renewed_and_lifted(world: Session, outsider: Resident, sign_in: SignIn) -> None:
    manager, path = sign_in("manager"), f"/residents/{outsider.atena_number}/contact/"
    viewer = sign_in("viewer")
    viewer.get(path, status=200)

    start = manager.get(f"{path}support-measure").forms["start-measure"]
    assert (start["starts_on"].value, start["ends_on"].value) == ("2026-11-23", "2027-11-22")
    page = start.submit("save", status=303).follow(status=200)
    viewer.get(path, status=403)

    renew = page.forms["renew-measure"]
    assert (renew["starts_on"].value, renew["ends_on"].value) == ("2027-11-23", "2028-11-22")
    lifting = page.forms["lift-measure"]
    page = renew.submit("save", status=303).follow(status=200)

    lifting["reason"] = "本人の申出"
    stale = lifting.submit("save", status=409)
    viewer.get(path, status=403)
    again = stale.forms["lift-measure"]
    assert again["reason"].value == "本人の申出"
    assert "start-measure" not in stale.forms
    again.submit("save", status=303)
    viewer.get(path, status=200)
    assert [event.detail["act"] for event in events(world, Action.SUPPORT_MEASURE_CHANGED)] == [
        "start",
        "renew",
        "lift",
    ]


def test_a_measure_is_not_lifted_without_a_reason(protected: Resident, sign_in: SignIn) -> None:
    manager: TestApp = sign_in("manager")
    form = manager.get(f"/residents/{protected.atena_number}/contact/support-measure").forms["lift-measure"]
    page = form.submit("save", status=422)
    assert page.html.find(id="lift-measure-reason")["aria-invalid"] == "true"
    sign_in("viewer").get(f"/residents/{protected.atena_number}/contact/", status=403)
