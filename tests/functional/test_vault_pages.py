"""Reading, entering and looking up personal numbers, as staff do it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import Clock, SignIn
from tests.details import events
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM, AuditTrail
from yvaxportal.models.codes import Outcome
from yvaxportal.models.resident import Resident
from yvaxportal.portal import Portal

NUMBER, OTHER = "900000079198", "900000316769"
GROUPED = "9000 0007 9198"


@pytest.fixture
def person(world: Session) -> Resident:
    found = resident(world)
    world.commit()
    return found


@pytest.fixture
def numbered(portal: Portal, world: Session, person: Resident) -> Resident:
    give(portal, world, person, NUMBER)
    return person


def give(portal: Portal, world: Session, person: Resident, number: str) -> None:
    trail = AuditTrail(world, portal.engine, SYSTEM)
    portal.vault.store(person.id, number, source="resident_register", now=NOW, audit=trail)


def path_of(person: Resident, view: str = "") -> str:
    return f"/residents/{person.atena_number}/personal-number/{view}"


def ask(staff: TestApp, person: Resident, **answers: str) -> Any:
    form = staff.get(path_of(person), status=200).forms["personal-number"]
    fill(form, {"purpose": "issue_certificate", "case_reference": "R8-証-1"} | answers)
    return form


def fill(form: Any, answers: dict[str, str]) -> None:
    """Fill fields; deform names a group of boxes after its id."""
    for name, value in answers.items():
        form[name if name in form.fields else f"{form.id}-{name}"].force_value(value)


def test_a_number_is_read_for_a_purpose_and_a_case(
    world: Session, numbered: Resident, sign_in: SignIn
) -> None:
    staff = sign_in("number", second_factor=True)
    asked = staff.get(path_of(numbered))
    assert GROUPED not in asked.text
    assert "番号法第9条第1項及び別表14、126の項" in asked.text
    page = ask(staff, numbered).submit("show", status=200)

    shown = page.html.select_one("[data-hide-after-seconds]")
    assert shown["data-hide-after-seconds"] == "60"
    assert shown.select_one("[data-hide-content]").get_text() == GROUPED
    assert page.text.count(GROUPED) == 1
    assert NUMBER not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "personal-number" not in page.forms
    (event,) = events(world, Action.PERSONAL_NUMBER_READ)
    assert (event.actor, event.resident_id, event.purpose, event.case_reference, event.outcome) == (
        "number",
        numbered.id,
        "issue_certificate",
        "R8-証-1",
        Outcome.DONE,
    )
    assert GROUPED not in staff.get(path_of(numbered)).text


def test_a_form_shows_the_number_once(world: Session, numbered: Resident, sign_in: SignIn) -> None:
    staff = sign_in("number", second_factor=True)
    form = ask(staff, numbered)
    form.submit("show", status=200)
    again = form.submit("show", status=422)
    assert GROUPED not in again.text
    assert len(events(world, Action.PERSONAL_NUMBER_READ)) == 1
    fresh = again.forms["personal-number"]
    assert fresh["personal-number-purpose"].value == "issue_certificate"
    assert fresh["case_reference"].value == "R8-証-1"
    assert GROUPED in fresh.submit("show", status=200).text


def test_two_windows_do_not_disturb_each_other(numbered: Resident, sign_in: SignIn) -> None:
    staff = sign_in("number", second_factor=True)
    forms = [ask(staff, numbered), ask(staff, numbered)]
    assert all(GROUPED in form.submit("show", status=200).text for form in forms)


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"case_reference": ""}, "case_reference"),
        ({"case_reference": "---"}, "case_reference"),
        ({"case_reference": NUMBER}, "case_reference"),
        ({"case_reference": "x" * 65}, "case_reference"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "curiosity"}, "purpose"),
    ],
)
def test_without_purpose_and_case_nothing_is_shown(
    world: Session, numbered: Resident, sign_in: SignIn, answers: dict[str, str], field: str
) -> None:
    form = ask(sign_in("number", second_factor=True), numbered)
    fill(form, answers)
    page = form.submit("show", status=422)
    assert GROUPED not in page.text
    assert NUMBER not in page.text
    assert page.html.select_one(f"#error-personal-number-{field}")
    assert events(world, Action.PERSONAL_NUMBER_READ) == []


def test_a_resident_without_a_number_gets_a_clear_answer(person: Resident, sign_in: SignIn) -> None:
    page = sign_in("number", second_factor=True).get(path_of(person), status=200)
    assert page.html.select_one(".empty-state a")["href"] == path_of(person, "enter")
    assert "personal-number" not in page.forms


@pytest.mark.parametrize("path", ["personal", "enter", "vault"])
def test_without_a_fresh_second_factor_no_page_opens(
    world: Session, numbered: Resident, sign_in: SignIn, clock: Clock, path: str
) -> None:
    url = {"personal": path_of(numbered), "enter": path_of(numbered, "enter"), "vault": "/vault/"}[path]
    never = sign_in("number").get(url, status=303)
    assert "/second-factor?came_from=%2F" in never.location

    staff = sign_in("number", second_factor=True)
    clock.advance(minutes=5)
    form = next(form for key, form in staff.get(url, status=200).forms.items() if key in FORM_BUTTONS)
    clock.advance(seconds=1)
    assert "/second-factor?" in staff.get(url, status=303).location
    stale = form.submit(FORM_BUTTONS[form.id], status=303)
    assert stale.location == never.location
    assert events(world, Action.PERSONAL_NUMBER_READ) == []


FORM_BUTTONS = {"personal-number": "show", "enter-number": "store", "look-up": "look_up"}


@pytest.mark.parametrize(
    ("login", "status"),
    [
        ("viewer", 403),
        ("registrar", 403),
        ("number", 200),
        ("manager", 403),
        ("auditor", 403),
        ("administrator", 403),
        ("contractor", 403),
    ],
)
def test_who_may_open_the_pages_of_the_vault(
    numbered: Resident, sign_in: SignIn, login: str, status: int
) -> None:
    staff = sign_in(login, second_factor=True)
    for url in (path_of(numbered), path_of(numbered, "enter"), "/vault/"):
        staff.get(url, status=status)


def enter(staff: TestApp, person: Resident, number: str, status: int) -> Any:
    form = staff.get(path_of(person, "enter"), status=200).forms["enter-number"]
    fill(form, {"number": number, "source": "my_number_card"})
    return form.submit("store", status=status)


def test_a_number_is_entered_corrected_and_read_back(
    world: Session, person: Resident, sign_in: SignIn
) -> None:
    staff = sign_in("number", second_factor=True)
    page = enter(staff, person, "９０００－００３１－６７６９", 303).follow(status=200)
    assert page.html.select_one(".flashes .is-success")
    enter(staff, person, NUMBER, 303)
    assert GROUPED in ask(staff, person).submit("show", status=200).text
    acts = [event.detail["act"] for event in events(world, Action.PERSONAL_NUMBER_ENTERED)]
    assert acts == ["registered", "replaced"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("900000079199", "検査用数字"),
        ("90000007919", "12桁"),
        ("9000 0007 919x", "数字"),
        ("777777777777", "同じ数字"),
    ],
)
def test_a_mistyped_number_is_refused_in_words_and_not_shown_again(
    person: Resident, sign_in: SignIn, typed: str, said: str
) -> None:
    page = enter(sign_in("number", second_factor=True), person, typed, 422)
    assert said in page.html.select_one("#error-enter-number-number").get_text()
    assert page.forms["enter-number"]["number"].value == ""
    assert page.forms["enter-number"]["enter-number-source"].value == "my_number_card"
    assert typed not in page.text


def test_somebody_elses_number_is_refused_without_saying_whose(
    world: Session, numbered: Resident, sign_in: SignIn
) -> None:
    other = resident(world, name="別人　花子")
    world.commit()
    page = enter(sign_in("number", second_factor=True), other, NUMBER, 422)
    assert page.html.select_one("#error-enter-number-number")
    assert numbered.atena_number not in page.text
    assert numbered.name not in page.html.select_one("main").get_text()
    refused = events(world, Action.PERSONAL_NUMBER_ENTERED)[-1]
    assert (refused.outcome, refused.resident_id) == (Outcome.REFUSED, other.id)


def look_up(staff: TestApp, number: str, status: int) -> Any:
    form = staff.get("/vault/", status=200).forms["look-up"]
    assert form["number"].attrs["autocomplete"] == "off"
    fill(form, {"number": number, "purpose": "provide_to_next_municipality", "case_reference": "R8-77"})
    return form.submit("look_up", status=status)


def test_a_resident_is_found_by_number(world: Session, numbered: Resident, sign_in: SignIn) -> None:
    staff = sign_in("number", second_factor=True)
    found = look_up(staff, "9000-0007-9198", 303)
    assert found.location.endswith(f"/residents/{numbered.atena_number}/")
    found.follow(status=200)
    (event,) = events(world, Action.PERSONAL_NUMBER_LOOKED_UP)
    assert (event.resident_id, event.purpose, event.case_reference) == (
        numbered.id,
        "provide_to_next_municipality",
        "R8-77",
    )
    assert event.detail == {"found": True}


def test_a_number_that_nobody_has_is_not_repeated(
    world: Session, numbered: Resident, sign_in: SignIn
) -> None:
    page = look_up(sign_in("number", second_factor=True), OTHER, 200)
    assert page.html.select_one(".notice.is-warning")
    assert OTHER not in page.text
    assert page.forms["look-up"]["number"].value == ""
    (event,) = events(world, Action.PERSONAL_NUMBER_LOOKED_UP)
    assert (event.resident_id, event.detail) == (None, {"found": False})


def test_a_mistyped_number_is_not_looked_up(world: Session, numbered: Resident, sign_in: SignIn) -> None:
    page = look_up(sign_in("number", second_factor=True), "900000079199", 422)
    assert page.html.select_one("#error-look-up-number")
    assert "900000079199" not in page.text
    assert events(world, Action.PERSONAL_NUMBER_LOOKED_UP) == []


def test_a_form_of_another_session_is_refused(numbered: Resident, sign_in: SignIn) -> None:
    form = ask(sign_in("number", second_factor=True), numbered)
    form["csrf_token"] = "made-up"
    assert GROUPED not in form.submit("show", status=400).text


def test_only_a_purpose_in_force_is_offered(
    portal: Portal, numbered: Resident, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    purposes = dict(portal.vault.purposes)
    purposes["confirm_number"] = replace(purposes["confirm_number"], valid_to=date(2026, 11, 22))
    monkeypatch.setattr(portal.vault, "purposes", purposes)
    page = sign_in("number", second_factor=True).get(path_of(numbered), status=200)
    offered = {box["value"] for box in page.html.select("input[type=radio]")}
    assert offered == set(purposes) - {"confirm_number"}
