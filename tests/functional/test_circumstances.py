"""Special circumstances, and why a resident was or was not invited, on the pages of the resident."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.application import SignIn
from tests.details import events
from tests.functional.test_extractions import Children, children, save
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.circumstance import SpecialCircumstance
from yvaxportal.models.codes import CircumstanceKind
from yvaxportal.models.resident import Resident

__all__ = ["children"]


@pytest.fixture
def child(world: Session) -> Resident:
    made = resident(world, born="2020-05-01")
    world.commit()
    return made


def add(visitor: Any, person: Resident, status: int = 303, **said: str) -> Any:
    form = visitor.get(f"/residents/{person.atena_number}/circumstances/add").forms["details"]
    for name, value in {"reason": "医師の診断書", **said}.items():
        form[name] = value
    return form.submit("save", status=status)


def test_a_long_illness_is_entered_and_its_deadlines_are_shown(
    child: Resident, sign_in: SignIn, world: Session
) -> None:
    clerk = sign_in("registrar")
    page = add(clerk, child, kind="long_illness", starts_on="R7.10.1", ends_on="R8.6.1").follow(status=200)
    text = page.html.select_one("#circumstances").text
    assert "令和10年5月31日まで" in text
    assert "令和9年5月31日まで" in text
    (row,) = world.scalars(select(SpecialCircumstance)).all()
    assert (row.kind, row.subject) == (CircumstanceKind.LONG_ILLNESS, "")
    (event,) = events(world, Action.CIRCUMSTANCE_CHANGED)
    assert event.detail == {"act": "enter", "reason": "医師の診断書"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"kind": "disease_history"}, "disease"),
        ({"kind": "risk_group", "disease": "measles"}, "disease"),
        ({"kind": "risk_group"}, "organ"),
        ({"kind": "pregnancy"}, "ends_on"),
        ({"kind": "contraindication", "starts_on": "2026-11-01", "ends_on": "2026-10-01"}, "ends_on"),
        ({"kind": "disease_history", "disease": "measles", "starts_on": "2026-11-24"}, "starts_on"),
        ({"kind": "no_invitation", "reason": ""}, "reason"),
    ],
)
def test_what_does_not_go_together_is_marked_and_nothing_is_saved(
    child: Resident, sign_in: SignIn, world: Session, said: dict[str, str], field: str
) -> None:
    page = add(sign_in("registrar"), child, 422, **said)
    assert page.html.find(id=f"details-{field}")["aria-invalid"] == "true"
    assert page.forms["details"]["kind"].value == said["kind"]
    assert world.scalars(select(SpecialCircumstance)).all() == []


def test_the_same_is_not_entered_twice(child: Resident, sign_in: SignIn, world: Session) -> None:
    clerk = sign_in("registrar")
    add(clerk, child, kind="disease_history", disease="measles")
    page = add(clerk, child, kind="disease_history", disease="measles").follow(status=200)
    assert "二重には登録していません" in page
    assert len(world.scalars(select(SpecialCircumstance)).all()) == 1


def test_it_is_taken_back_with_a_reason_and_stays_readable(
    child: Resident, sign_in: SignIn, world: Session
) -> None:
    clerk = sign_in("registrar")
    page = add(clerk, child, kind="no_invitation").follow(status=200)
    asked = page.click("取り消す")
    refused = asked.forms["details"].submit("save", status=422)
    form = refused.forms["details"]
    stale = clerk.get(asked.request.path).forms["details"]
    form["reason"] = "別の人の届出"
    page = form.submit("save", status=303).follow(status=200)
    assert "別の人の届出" in page
    stale["reason"] = "もう一度"
    assert "すでに取り消しています" in stale.submit("save", status=303).follow()
    (row,) = world.scalars(select(SpecialCircumstance)).all()
    assert row.cancel_reason == "別の人の届出"


def test_nobody_elses_circumstance_is_taken_back_by_an_address(
    child: Resident, sign_in: SignIn, world: Session
) -> None:
    clerk = sign_in("registrar")
    add(clerk, child, kind="no_invitation")
    other = resident(world)
    world.commit()
    number = world.scalars(select(SpecialCircumstance.id)).one()
    clerk.get(f"/residents/{other.atena_number}/circumstances/{number}/take-back", status=404)
    sign_in("viewer").get(f"/residents/{child.atena_number}/circumstances/{number}/take-back", status=403)


def test_what_is_due_follows_the_circumstances(child: Resident, sign_in: SignIn) -> None:
    clerk, page = sign_in("registrar"), f"/residents/{child.atena_number}/"
    assert "麻しん風しん第2期" in clerk.get(page).html.select_one("#due").text
    assert "麻しん風しん第2期" not in clerk.get(page).html.select_one("#due-not_target").text
    add(clerk, child, kind="contraindication", programme="mr2")
    folded = clerk.get(page).html.select_one("#due-not_target").extract()
    assert "麻しん風しん第2期" in folded.text
    due = clerk.get(page).html.select_one("#due")
    due.select_one("#due-not_target").extract()
    assert "麻しん風しん第2期" not in due.text


def test_the_resident_page_answers_for_every_list(children: Children, sign_in: SignIn) -> None:
    clerk = sign_in("registrar")
    page = save(clerk)
    form = page.forms["add"]
    form["number"], form["reason"] = children["baby"].atena_number, "医師の意見による"
    form.submit("send", status=303)
    answers = {
        name: clerk.get(f"/residents/{person.atena_number}/extractions/").html.select_one("#why tbody").text
        for name, person in children.items()
    }
    assert "すべての条件を満たした" in answers["due"]
    assert "除外した条件：接種済み" in answers["done"]
    assert "手作業で追加" in answers["baby"]
    assert "職員 registrar: 医師の意見による" in answers["baby"]
    assert "まで接種できます" in answers["due"]


def test_a_resident_who_did_not_come_into_question_is_told_why(
    children: Children, sign_in: SignIn, world: Session
) -> None:
    assert children
    adult = resident(world, born="1950-01-01")
    world.commit()
    clerk = sign_in("registrar")
    save(clerk)
    page = clerk.get(f"/residents/{adult.atena_number}/extractions/")
    assert "生年月日が抽出の対象範囲の外です" in page
