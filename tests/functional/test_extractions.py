"""Lists of targets through the pages: tried out, saved, looked at, changed by hand, compared, withdrawn."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.application import LOGINS, SignIn
from tests.details import events
from tests.doses import given
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.extraction import ExtractionMember, TargetExtraction
from yvaxportal.models.resident import Resident


@pytest.fixture
def children(world: Session) -> dict[str, Resident]:
    """Children of the year before school, one done, one protected, one who lives elsewhere in town."""
    made = {
        "due": resident(world, born="2020-05-01", name="見本　一郎", contact={"address_town_code": "0001001"}),
        "done": resident(world, born="2020-06-01", name="見本　二郎", contact={"address_town_code": "0001001"}),
        "protected": resident(
            world,
            born="2020-07-01",
            name="見本　三子",
            support_measure_flag=True,
            contact={"address_town_code": "0002001", "current_address": "鳥取県米子市秘密町9-9"},
        ),
        "elsewhere": resident(
            world,
            born="2020-08-01",
            name="見本　四郎",
            contact={"address_town_code": "0002001", "current_address": "鳥取県米子市加茂町1-1"},
        ),
        "baby": resident(world, born="2026-08-01", name="見本　五子"),
    }
    world.add_all(given(made["done"], ("mr", 1, "2021-07-01"), ("mr", 2, "2026-05-01")))
    world.add_all(given(made["due"], ("mr", 1, "2021-07-01")))
    world.commit()
    return made


def try_out(visitor, **said):
    form = visitor.get("/extractions/new?programme=mr2").forms["list"]
    for name, value in said.items():
        form[name] = value
    return form.submit("try", status=200)


def test_a_list_is_tried_out_and_saved_as_it_was_seen(
    children: dict[str, Resident], sign_in: SignIn, world: Session
) -> None:
    clerk = sign_in("registrar")
    page = try_out(clerk)
    assert world.scalars(select(TargetExtraction)).all() == []
    assert "抽出 3人" in page.html.select_one("#on-list").text
    saved = page.forms["list"].submit("save", status=303).follow(status=200)
    assert "抽出 3人" in saved.html.select_one("#on-list").text
    (row,) = world.scalars(select(TargetExtraction)).all()
    members = {m.resident_id: m for m in world.scalars(select(ExtractionMember))}
    assert set(members) == {children[name].id for name in ("due", "done", "protected", "elsewhere")}
    assert members[children["done"].id].excluded_by == "done"
    assert members[children["protected"].id].address_town_code is None
