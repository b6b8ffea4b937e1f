import re
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pyramid.router import Router
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import LOGINS, PASSWORD, SignIn
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.audit.seal import seal_pending
from yvaxportal.forms.audit_labels import ACTION_LABELS
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import Outcome
from yvaxportal.models.resident import Resident


@pytest.fixture
def person(world: Session) -> Resident:
    made = resident(world, name="見本　花子", name_kana="ミホン　ハナコ")
    world.commit()
    return made


def add(owner_engine: Engine, when: str, **columns: object) -> None:
    """Write an event of another time, which only the owner of the tables can."""
    row = {
        "actor": "viewer",
        "actor_groups": "viewer",
        "action": Action.RESIDENT_VIEWED,
        "outcome": Outcome.DONE,
    }
    moment = datetime.fromisoformat(when).astimezone(UTC)
    with owner_engine.begin() as connection:
        connection.execute(insert(AuditEvent).values(row | {"occurred_at": moment} | columns))


def rows(page: TestApp) -> list[str]:
    table = page.html.find(class_="audit-table")
    return (
        [" ".join(row.text.split()) for row in table.find("tbody").find_all("tr", recursive=False)]
        if table
        else []
    )


def test_every_kind_of_act_has_a_name() -> None:
    assert set(ACTION_LABELS) == set(Action)


def test_who_did_what_to_whom_is_found(sign_in: SignIn, person: Resident) -> None:
    viewer = sign_in("viewer")
    viewer.get(f"/residents/{person.atena_number}/", status=200)
    viewer.get("/groups/", status=403)
    auditor = sign_in("auditor")
    found = rows(auditor.get("/audit/", {"actor": "viewer", "atena_number": person.atena_number}))
    assert len(found) == 1
    assert "住民ページを閲覧" in found[0]
    assert person.atena_number in found[0]
    assert ["アクセス拒否" in row for row in rows(auditor.get("/audit/?view=refused"))] == [True]
    assert rows(auditor.get("/audit/", {"outcome": "failed"})) == []
    # An auditor looks at staff, not at residents.
    assert "見本　花子" not in auditor.get("/audit/")


def test_the_state_of_the_seals_is_told_in_japanese(sign_in: SignIn, app: Router) -> None:
    auditor = sign_in("auditor")
    assert "まだ封印" in auditor.get("/audit/")
    seal_pending(app.registry.portal.engine, Ed25519PrivateKey.generate())
    assert re.search(r"最終封印 [^（]+（封印番号 1）。その後の\d+件は", auditor.get("/audit/").text)


def test_the_form_of_the_page_finds_too(sign_in: SignIn) -> None:
    form = sign_in("auditor").get("/audit/").forms["audit-search"]
    assert ("", True, "（すべて）") in form["outcome"].options
    form["action"] = "sign-in.done"
    form["first_day"] = "R8.11.1"
    page = form.submit("search", status=200)
    assert "csrf_token" not in page.request.url
    assert page.forms["audit-search"]["action"].value == "sign-in.done"


def test_the_auditors_search_is_an_event_itself(sign_in: SignIn, world: Session) -> None:
    sign_in("auditor").get("/audit/", {"actor": "viewer", "first_day": "2026-11-01"})
    detail = world.scalars(select(AuditEvent.detail).where(AuditEvent.action == Action.AUDIT_SEARCHED)).one()
    assert detail["filter"] == {"actor": "viewer", "first_day": "2026-11-01"}


@pytest.mark.parametrize(
    "wrong",
    [{"first_day": "someday"}, {"action": "x"}, {"atena_number": "x"}, {"actor": "123456789018"}, {"q": "1"}],
)
def test_a_wrong_filter_is_said_so(sign_in: SignIn, wrong: dict[str, str]) -> None:
    page = sign_in("auditor").get("/audit/", wrong, status=422)
    assert "123456789018" not in page


def test_periods_are_days_in_japan(sign_in: SignIn, owner_engine: Engine) -> None:
    for when in ("2026-10-09T23:59:59+09:00", "2026-10-10T00:00:00+09:00", "2026-10-10T23:59:59+09:00"):
        add(owner_engine, when)
    day = {"first_day": "2026-10-10", "last_day": "2026-10-10"}
    assert len(rows(sign_in("auditor").get("/audit/", day))) == 2


def test_nights_and_days_off_stand_out(sign_in: SignIn, owner_engine: Engine) -> None:
    for when in (
        "2026-11-20T12:00:00+09:00",  # Friday noon
        "2026-11-20T06:59:00+09:00",
        "2026-11-20T20:00:00+09:00",
        "2026-11-21T12:00:00+09:00",  # Saturday
    ):
        add(owner_engine, when)
    add(owner_engine, "2026-11-21T12:00:00+09:00", actor="system")
    found = [row for row in rows(sign_in("auditor").get("/audit/?view=off-hours")) if "2026-11-2" in row]
    assert len([row for row in found if "2026-11-20" in row or "2026-11-21" in row]) == 3


def test_very_many_searches_stand_out(sign_in: SignIn, owner_engine: Engine) -> None:
    for minute in range(31):
        add(owner_engine, f"2026-11-20T10:{minute:02}:00+09:00", action=Action.RESIDENT_SEARCHED)
    for minute in range(30):
        add(
            owner_engine,
            f"2026-11-20T11:{minute:02}:00+09:00",
            action=Action.RESIDENT_SEARCHED,
            actor="number",
        )
    panel = sign_in("auditor").get("/audit/?view=searches").html.find(id="many")
    assert [cell.text.strip() for cell in panel.find_all("td")][1] == "31"
    assert "number" not in panel.text


def test_sixty_minutes_across_the_hour_count_as_one(sign_in: SignIn, owner_engine: Engine) -> None:
    for minute in range(40, 60):
        add(owner_engine, f"2026-11-20T10:{minute:02}:00+09:00", action=Action.RESIDENT_SEARCHED)
    for minute in range(20):
        add(owner_engine, f"2026-11-20T11:{minute:02}:00+09:00", action=Action.RESIDENT_SEARCHED)
    panel = sign_in("auditor").get("/audit/?view=searches").html.find(id="many")
    assert [cell.text.strip() for cell in panel.find_all("td")][1] == "40"


def test_pages_join_without_gap_or_overlap(sign_in: SignIn, owner_engine: Engine) -> None:
    for number in range(120):
        add(owner_engine, "2026-10-10T12:00:00+09:00", subject=f"n{number}")
    auditor = sign_in("auditor")
    page = auditor.get("/audit/", {"first_day": "2026-10-10", "last_day": "2026-10-10"})
    seen = rows(page)
    while page.html.find("a", rel="next"):
        page = auditor.get(page.html.find("a", rel="next")["href"])
        seen += rows(page)
    subjects = re.findall(r" (n[0-9]+) ", " ".join(seen))
    assert subjects == [f"n{number}" for number in reversed(range(120))]


def test_who_looked_at_a_person(sign_in: SignIn, person: Resident) -> None:
    sign_in("viewer").get(f"/residents/{person.atena_number}/")
    path = f"/residents/{person.atena_number}/access-log/"
    manager = sign_in("manager").get(path, status=200)
    assert "viewer" in rows(manager)[0]
    auditor = sign_in("auditor").get(path, status=200)
    assert "見本　花子" not in auditor
    assert "閲覧記録を閲覧" in rows(auditor)[0]


@pytest.mark.parametrize("login", LOGINS)
def test_who_may_look_at_the_log(sign_in: SignIn, person: Resident, login: str) -> None:
    visitor = sign_in(login)
    visitor.get("/audit/", status=200 if login == "auditor" else 403)
    may = login in {"auditor", "manager"}
    visitor.get(f"/residents/{person.atena_number}/access-log/", status=200 if may else 403)


def test_an_event_shows_what_was_before_and_after(sign_in: SignIn, owner_engine: Engine) -> None:
    change = {"before": {"remarks": "<b>旧</b>"}, "after": {"remarks": "新"}}
    add(owner_engine, "2026-10-10T12:00:00+09:00", action=Action.NOTE_CHANGED, **change)
    page = sign_in("auditor").get("/audit/", {"first_day": "2026-10-10", "last_day": "2026-10-10"})
    assert "&lt;b&gt;旧" in page.text
    assert PASSWORD not in page


def test_the_state_of_the_seals_is_told(sign_in: SignIn, world: Session) -> None:
    assert "まだ封印されていません" in sign_in("auditor").get("/audit/")
    assert world.execute(text("SELECT count(*) FROM audit_seal")).scalar() == 0
