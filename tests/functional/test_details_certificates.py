from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.application import SignIn
from tests.details import events
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.resident import Resident
from yvaxportal.services.certificates import certificates_of


@pytest.fixture
def person(world: Session) -> Resident:
    found = resident(world)
    world.commit()
    return found


def fill(page: Any, **said: str) -> Any:
    form = page.forms["details"]
    values = {
        "certificate_id": "2026110001",
        "certificate_issued_on": "R8.11.20",
        "kind": "travel",
        "roman_name": "MIHON TARO",
        "nationality": "JPN",
        "passport_number": "TZ1234567",
        "method": "counter",
        "document": "passport",
    }
    for name, value in (values | said).items():
        form["details-kind" if name == "kind" else name] = value
    return form


def test_a_certificate_is_recorded_and_shown(world: Session, person: Resident, sign_in: SignIn) -> None:
    path = f"/residents/{person.atena_number}/certificates/"
    clerk = sign_in("registrar")
    page = fill(clerk.get(f"{path}record")).submit("save", status=303).follow()
    for value in ("2026110001", "MIHON TARO", "TZ1234567", "職員 registrar"):
        assert value in page.text
    for login, status in (("number", 200), ("manager", 200), ("viewer", 403), ("auditor", 403)):
        seen = sign_in(login).get(path, status=status)
        assert ("TZ1234567" in seen.text) is (status == 200)
    sign_in("number").get(f"{path}record", status=403)
    assert [event.actor for event in events(world, Action.CERTIFICATE_RECORDED)] == ["registrar"]


@pytest.mark.parametrize(
    ("said", "marked"),
    [
        ({"passport_number": ""}, ["passport_number"]),
        ({"passport_number": "tz-1"}, ["passport_number"]),
        ({"kind": "domestic"}, ["roman_name", "nationality", "passport_number"]),
        ({"method": "", "document": ""}, ["method", "document"]),
        ({"certificate_issued_on": "2026-11-24"}, ["certificate_issued_on"]),
        ({"certificate_id": "1 2"}, ["certificate_id"]),
    ],
)
def test_what_a_certificate_lacks_is_marked(
    world: Session, person: Resident, sign_in: SignIn, said: dict[str, str], marked: list[str]
) -> None:
    page = sign_in("registrar").get(f"/residents/{person.atena_number}/certificates/record")
    answer = fill(page, **said).submit("save", status=422)
    found = [control["name"] for control in answer.html.select("#details [aria-invalid=true]")]
    assert found == marked
    assert certificates_of(world, person.id) == []


def test_an_id_stands_once_and_is_void_for_ever(world: Session, person: Resident, sign_in: SignIn) -> None:
    clerk, path = sign_in("registrar"), f"/residents/{person.atena_number}/certificates/"
    page = fill(clerk.get(f"{path}record")).submit("save", status=303).follow()
    form = page.click(href=r"void\?certificate=").forms["details"]
    again = form.submit("save", status=422)
    form = again.forms["details"]
    form["reason"] = "氏名の訂正"
    page = form.submit("save", status=303).follow()
    assert "氏名の訂正" in page.text
    assert not page.html.select("a[href*=void]")
    answer = fill(clerk.get(f"{path}record")).submit("save", status=422)
    assert answer.html.find(id="details-certificate_id")["aria-invalid"] == "true"


def test_other_peoples_certificates_are_not_there(world: Session, person: Resident, sign_in: SignIn) -> None:
    other = resident(world)
    world.commit()
    clerk = sign_in("registrar")
    fill(clerk.get(f"/residents/{other.atena_number}/certificates/record")).submit("save", status=303)
    (row,) = certificates_of(world, other.id)
    for wanted in (str(row.id), "", "0", "abc", "9" * 30):
        path = f"/residents/{person.atena_number}/certificates/void?certificate={wanted}"
        clerk.get(path, status=404)
