"""The pages of files of doses: the four steps, and who may do what."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp, Upload

from tests.application import SignIn
from tests.importing import questionnaires, row_of
from tests.people import resident
from yvaxportal.models.dose import Dose
from yvaxportal.portal import Portal
from yvaxportal.services.imports.run import run_waiting


def send(visitor: TestApp, content: bytes, layout: str = "questionnaires", name: str = "データ.csv") -> Any:
    form = visitor.get("/imports/").forms["upload"]
    form["layout"] = layout
    form["file"] = Upload(name, content)
    return form.submit("send", status=303).follow()


def test_the_four_steps(sign_in: SignIn, world: Session, portal: Portal) -> None:
    child = resident(world, born="2024-03-05")
    world.commit()
    registrar = sign_in("registrar")
    page = send(registrar, questionnaires([row_of(child)]))
    page = page.forms["mapping"].submit("check", status=303).follow()
    assert "行を判定しています" in page or "順番を待っています" in page
    assert run_waiting(portal.bureau) == 1
    page = registrar.get(page.request.path)
    page = page.forms["apply"].submit(status=303).follow()
    assert run_waiting(portal.bureau) == 1
    assert world.scalars(select(Dose.lot_number)).all() == ["Y123"]
    page = registrar.get(page.request.path)
    form = page.forms["undo"]
    form["reason"] = "別の月の分でした"
    form.submit(status=303)
    assert run_waiting(portal.bureau) == 1
    assert world.scalars(select(Dose.state)).all() == ["cancelled"]
    assert "取り消し" in registrar.get(page.request.path)
