import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.orm import Session

from tests.application import SignIn
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import Outcome


def add(owner: Engine, **columns: object) -> None:
    row = {"actor": "viewer", "actor_groups": "viewer", "outcome": Outcome.DONE, "occurred_at": NOW}
    with owner.begin() as connection:
        connection.execute(insert(AuditEvent).values(row | columns))


@pytest.mark.parametrize("path", ["/audit/", "/residents/{}/access-log/"])
def test_an_auditor_learns_which_items_changed_but_not_what_a_record_holds(
    sign_in: SignIn, world: Session, owner_engine: Engine, path: str
) -> None:
    person = resident(world)
    world.commit()
    change = {"before": {"name": "旧姓　花子"}, "after": {"name": "新姓　花子"}}
    add(owner_engine, action=Action.RESIDENT_CHANGED, resident_id=person.id, **change)
    page = sign_in("auditor").get(path.format(person.atena_number), status=200).text
    assert page.count('"name": "') == len(("before", "after"))
    assert "花子" not in page


def test_the_last_day_of_the_calendar_is_a_day(sign_in: SignIn) -> None:
    sign_in("auditor").get("/audit/", {"last_day": "9999-12-31"}, status=200)


def test_a_purpose_that_is_no_longer_configured_is_still_shown(sign_in: SignIn, owner_engine: Engine) -> None:
    add(owner_engine, action=Action.PERSONAL_NUMBER_READ, purpose="former-purpose")
    assert "former-purpose" in sign_in("auditor").get("/audit/?view=numbers").text
