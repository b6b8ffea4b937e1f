"""Every record item is seen by staff who may see it, by nobody else, and has its field on a form's page."""

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from sqlalchemy.orm import Session
from webtest import TestApp, TestResponse

from tests.application import SignIn
from tests.everything import BASE_NUMBER, Everything, expected, make_everything
from tests.writings import Writings
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.record_homes import Page, Sensitivity
from yvaxportal.models.record_items import RECORD_ITEMS, RecordItem
from yvaxportal.models.resident import Resident
from yvaxportal.portal import Portal
from yvaxportal.security.groups import BUILT_IN_GROUPS
from yvaxportal.values.checkdigits import personal_number_check_digit

NUMBER = BASE_NUMBER + personal_number_check_digit(BASE_NUMBER)
HOMES = list(
    dict.fromkeys(item.home for item in RECORD_ITEMS if item.home.sensitivity is not Sensitivity.VAULT)
)
PATHS = {
    "Residents": "/residents/{view}",
    "Resident": "/residents/{number}/{view}",
    "Contact": "/residents/{number}/contact/{view}",
    "ForeignDetails": "/residents/{number}/foreign/{view}",
    "Notes": "/residents/{number}/notes/{view}",
    "EligibilityNode": "/residents/{number}/eligibility/{view}",
    "Certificates": "/residents/{number}/certificates/{view}",
    "Doses": "/residents/{number}/doses/{view}",
    "DoseNode": "/residents/{number}/doses/{dose}/{view}",
    "PersonalNumber": "/residents/{number}/personal-number/{view}",
}
Visit = Callable[[str, Page, str], TestResponse]


@pytest.fixture
def everything(world: Session) -> Everything:
    return make_everything(world)


@pytest.fixture
def writings(world: Session, everything: Everything) -> Writings:
    return Writings(world)


@pytest.fixture
def visit(everything: Everything, sign_in: SignIn) -> Visit:
    visitors: dict[tuple[str, bool], TestApp] = {}

    def open_page(login: str, page: Page, group: str) -> TestResponse:
        node = page.node.rpartition(":")[2]
        key = (login, login == "number" and node == "PersonalNumber")
        if key not in visitors:
            visitors[key] = sign_in(login, second_factor=key[1])
        path = PATHS[node].format(
            number=everything.atena_number,
            dose=everything.doses.get(group, ""),
            view=page.view,
        )
        return visitors[key].get(path, expect_errors=True)

    return open_page


def holders(permission: str, *, having: bool = True) -> list[str]:
    return [group.name for group in BUILT_IN_GROUPS if (permission in group.permissions) is having]


def text_of(page: TestResponse) -> str:
    """Return what the page's own part says, without the frame around it."""
    main = BeautifulSoup(page.text, "html.parser").find(id="main")
    return main.get_text(" ") if main is not None else page.text


def fact(page: TestResponse, labels: list[str]) -> str:
    """Return what stands beside a label in a list of facts."""
    for term in page.html.select("dl.facts dt"):
        if term.get_text().strip() in labels:
            return str(term.find_next_sibling("dd").get_text())
    return ""


def group_of(home: Any) -> str:
    return str(dict(home.only).get("record_group", ""))


@pytest.mark.parametrize("home", HOMES, ids=lambda home: f"{home.table}-{dict(home.only) or home.seen.view}")
def test_items_are_seen_by_those_who_may_and_by_nobody_else(
    home: Any, everything: Everything, writings: Writings, visit: Visit
) -> None:
    items = [item for item in RECORD_ITEMS if item.home == home]
    for login in holders(home.seen.permission):
        page = visit(login, home.seen, group_of(home))
        assert page.status_int == 200, (login, home.seen)
        missing = [
            (item.identifier, column)
            for item in items
            for column, value in expected(everything, item)
            if not _shows(page, item, column, value, writings)
        ]
        assert missing == []
    for login in holders(home.seen.permission, having=False):
        page = visit(login, home.seen, group_of(home))
        assert page.status_int == 403, (login, home.seen)
        assert everything.rows["foreign_resident"][0]["residence_card_number"] not in page.text
        assert "TZ7654321" not in page.text


def _shows(page: TestResponse, item: RecordItem, column: str, value: Any, writings: Writings) -> bool:
    text = text_of(page)
    if isinstance(value, bool):
        text = fact(page, writings.label(dict(item.columns)[column]))
    return writings.appears(column, value, text)


def test_every_item_holds_something_in_these_tests(everything: Everything) -> None:
    """Without a value there would be nothing to look for on the pages."""
    received = {"medical_institution_name"}
    empty = {
        (item.group, item.number): columns
        for item in RECORD_ITEMS
        if (
            columns := {column for column, _label in item.columns}
            - {column for column, _value in expected(everything, item)}
            - received
        )
    }
    assert empty == {}


@pytest.mark.parametrize(
    "home",
    list(dict.fromkeys((item.home.entry, item.home.form, group_of(item.home)) for item in RECORD_ITEMS)),
    ids=lambda home: f"{home[0].node.rpartition(':')[2]}-{home[0].view}-{home[2]}",
)
def test_every_item_has_its_field_on_the_page_of_its_form(
    home: tuple[Page, str, str], everything: Everything, visit: Visit
) -> None:
    entry, form, group = home
    fields = {
        item.field
        for item in RECORD_ITEMS
        if (item.home.entry, item.home.form, group_of(item.home)) == (entry, form, group)
    }
    assert holders(entry.permission)
    for login in holders(entry.permission):
        page = visit(login, entry, "")
        assert page.status_int == 200, (login, entry)
        names = {control["name"].rpartition("-")[2] for control in page.html.select("main [name]")}
        assert fields - names == set()
    for login in holders(entry.permission, having=False):
        assert visit(login, entry, "").status_int == 403, (login, entry)


def test_a_personal_number_is_seen_by_number_staff_only(
    everything: Everything, portal: Portal, sign_in: SignIn, visit: Visit
) -> None:
    home = next(item.home for item in RECORD_ITEMS if item.home.sensitivity is Sensitivity.VAULT)
    trail = AuditTrail(None, portal.engine, SYSTEM)
    portal.vault.store(
        everything.resident_id, NUMBER, source="resident_register", now=portal.clock(), audit=trail
    )
    path = PATHS["PersonalNumber"].format(number=everything.atena_number, view="")
    asked = sign_in("number", second_factor=True).get(path, status=200)
    assert NUMBER[:4] + " " + NUMBER[4:8] not in text_of(asked)
    form = asked.forms["personal-number"]
    form["personal-number-purpose"] = "issue_certificate"
    form["case_reference"] = "R8-0001"
    shown = text_of(form.submit("show", status=200))
    assert f"{NUMBER[:4]} {NUMBER[4:8]} {NUMBER[8:]}" in shown
    for login in holders(home.seen.permission, having=False):
        assert visit(login, home.seen, "").status_int == 403, login


def test_where_a_protected_person_lives_is_seen_with_the_stricter_right_only(
    world: Session, everything: Everything, visit: Visit
) -> None:
    contact = next(item.home for item in RECORD_ITEMS if item.home.table == "resident_contact")
    assert visit("viewer", contact.seen, "").status_int == 200
    _protect(world, everything.resident_id)
    values = [value for value in everything.rows["resident_contact"][0].values() if isinstance(value, str)]
    for group in BUILT_IN_GROUPS:
        page = visit(group.name, contact.seen, "")
        strict = "protected-contact:view" in group.permissions
        assert page.status_int == (200 if strict else 403), group.name
        assert ("加茂町自治会" in page.text) is strict
        assert strict or not [value for value in values if value in text_of(page)]


def _protect(world: Session, resident_id: int) -> None:
    world.get_one(Resident, resident_id).support_measure_flag = True
    world.commit()
