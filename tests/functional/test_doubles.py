"""Numbers that may be one person, on the pages: who may, what is told, what is refused."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pyramid.router import Router
from sqlalchemy import select
from sqlalchemy.orm import Session
from webtest import TestApp

from tests.application import Clock, SignIn
from tests.details import events
from tests.doses import given
from tests.functional.test_doses import ORDINARY, fill, place
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import (
    CertificateKind,
    CertificateState,
    DoseState,
    DoubleState,
    MergeSource,
    ResidentCategory,
    Sex,
)
from yvaxportal.models.dose import Dose
from yvaxportal.models.double import ResidentDouble
from yvaxportal.models.resident import Resident
from yvaxportal.models.sync import ResidentMerge, SyncRefusal
from yvaxportal.models.ticket import Certificate
from yvaxportal.portal import Portal
from yvaxportal.services.doubles.finding import find_doubles
from yvaxportal.services.sync.judging import Reason
from yvaxportal.services.sync.merging import Told, merge
from yvaxportal.services.sync.refusals import keep

HANAKO: dict[str, Any] = {
    "name": "髙橋　花子",
    "name_kana": "タカハシ　ハナコ",
    "sex": Sex.FEMALE,
    "born": "1990-01-02",
}


@pytest.fixture
def pair(world: Session, portal: Portal) -> tuple[Resident, Resident]:
    one = resident(world, **HANAKO)
    other = resident(
        world, **(HANAKO | {"name": "高橋 花子"}), resident_category=ResidentCategory.NON_REGISTERED
    )
    world.commit()
    find_doubles(portal.engine, NOW)
    return one, other


@pytest.fixture
def double(world: Session, pair: tuple[Resident, Resident]) -> ResidentDouble:
    del pair
    return world.scalars(select(ResidentDouble)).one()


@pytest.fixture
def merged(world: Session, pair: tuple[Resident, Resident]) -> int:
    kept, gone = pair
    world.add_all(given(gone, ("MR", 1, "2020-05-01")))
    world.flush()
    told = Told("c-1", date(2026, 11, 20), MergeSource.REGISTER)
    made = merge(world, kept=kept.id, merged=gone.id, told=told, now=NOW)
    world.commit()
    assert made is not None
    return made


def decide(visitor: TestApp, url: str, button: str, reason: str, **answer: Any) -> Any:
    form = visitor.get(url).forms["decide"]
    form["reason"] = reason
    return form.submit(button, **answer)


def test_the_list_and_the_pair_tell_why(
    sign_in: SignIn, world: Session, pair: tuple[Resident, Resident], double: ResidentDouble
) -> None:
    visitor = sign_in("registrar")
    page = visitor.get("/doubles/")
    assert "可能性が高い" in page
    assert "髙橋　花子" in page
    page = page.click(href=f"/doubles/{double.id}/")
    for word in ("生年月日が一致", "カナが一致", "一方が住登外者", pair[0].atena_number, "錦町1-139-3"):
        assert word in page, word
    seen = events(world, Action.DOUBLES_VIEWED)
    assert seen[0].detail == {"state": "open", "people": 2}
    assert {event.resident_id for event in seen[1:]} == {one.id for one in pair}


def test_where_protected_people_live_is_not_told(
    sign_in: SignIn, world: Session, pair: tuple[Resident, Resident], double: ResidentDouble, portal: Portal
) -> None:
    pair[1].support_measure_flag = True
    world.commit()
    find_doubles(portal.engine, NOW + timedelta(days=1))
    page = sign_in("manager").get(f"/doubles/{double.id}/")
    assert "錦町" not in page
    assert "住所が一致" not in page
    assert "支援措置" in page


def test_two_people_are_kept_with_the_reason_and_taken_back(
    sign_in: SignIn, world: Session, double: ResidentDouble
) -> None:
    visitor, url = sign_in("registrar"), f"/doubles/{double.id}/"
    page = decide(visitor, url, "different", "", status=422)
    assert "入力してください。" in page
    assert "個人番号" in decide(visitor, url, "different", "123456789018 を確認", status=422)
    page = decide(visitor, url, "different", "生年月日の記載を原票で確認", status=303).follow()
    assert "一覧に出ません" in page
    assert "該当する組はありません" in page
    world.refresh(double)
    assert (double.state, double.reason) == (DoubleState.DIFFERENT, "生年月日の記載を原票で確認")
    assert "生年月日の記載を原票で確認" in visitor.get(url)
    decide(visitor, url, "reopen", "取り違え", status=303)
    world.refresh(double)
    assert double.state is DoubleState.OPEN
    told = events(world, Action.DOUBLE_DECIDED)
    assert [(event.before, event.after) for event in told[::2]] == [
        ({"state": "open"}, {"state": "different"}),
        ({"state": "different"}, {"state": "open"}),
    ]


def test_of_two_who_decide_the_second_is_told(
    sign_in: SignIn, world: Session, double: ResidentDouble
) -> None:
    first, second = sign_in("registrar"), sign_in("manager")
    form = second.get(f"/doubles/{double.id}/").forms["decide"]
    decide(first, f"/doubles/{double.id}/", "told", "住民課へ連絡", status=303)
    form["reason"] = "別人"
    page = form.submit("different", status=409)
    assert "職員 registrar" in page
    world.refresh(double)
    assert double.state is DoubleState.TOLD


def test_a_manager_records_what_the_register_decided(
    sign_in: SignIn, world: Session, pair: tuple[Resident, Resident], double: ResidentDouble
) -> None:
    page = sign_in("registrar").get(f"/doubles/{double.id}/")
    assert "merge" not in page.forms
    assert "管理責任者がここで記録" in page
    visitor = sign_in("manager")
    form = visitor.get(f"/doubles/{double.id}/").forms["merge"]
    assert "入力してください。" in form.submit("merge", status=422)
    form["merge-kept"], form["decided_on"] = str(pair[0].id), "R8.11.20"
    form["reference"], form["reason"] = "住民課 第12号", "転入前の番号"
    page = form.submit("merge", status=303).follow()
    assert "住民課 第12号" in page
    found = world.scalars(select(ResidentMerge)).one()
    assert (found.kept_resident_id, found.source) == (pair[0].id, MergeSource.STAFF)
    assert {event.resident_id for event in events(world, Action.RESIDENT_MERGED)} == {p.id for p in pair}
    gone = visitor.get(f"/residents/{pair[1].atena_number}/")
    assert pair[0].atena_number in gone


@pytest.fixture
def followed(app: Router, portal: Portal) -> Iterator[None]:
    """Let the portal follow an atena system."""
    names = dict(portal.connections.names) | {"atena": "rest"}
    app.registry.portal = replace(portal, connections=replace(portal.connections, names=names))
    yield
    app.registry.portal = portal


@pytest.mark.usefixtures("followed")
def test_where_the_other_system_tells_itself_nobody_merges_by_hand(
    sign_in: SignIn, world: Session, pair: tuple[Resident, Resident], double: ResidentDouble
) -> None:
    visitor = sign_in("manager")
    page = visitor.get(f"/doubles/{double.id}/")
    assert "merge" not in page.forms
    assert "自動的に反映" in page
    token = page.forms["decide"]["csrf_token"].value
    forged = {
        "csrf_token": token,
        "revision": str(double.revision),
        "kept": str(pair[0].id),
        "decided_on": "2026-11-20",
        "reference": "第12号",
        "reason": "同一人",
        "merge": "merge",
    }
    visitor.post(f"/doubles/{double.id}/merge", forged, status=409)
    assert world.scalars(select(ResidentMerge)).all() == []


def test_who_may_decide_merge_and_take_apart(sign_in: SignIn, double: ResidentDouble, merged: int) -> None:
    for login in ("viewer", "number", "auditor", "administrator", "contractor"):
        visitor = sign_in(login)
        for path in (f"/doubles/{double.id}/", "/doubles/merges/", f"/doubles/merges/{merged}/"):
            visitor.get(path, status=403)
        # Whether there is such a pair is not told either.
        visitor.get("/doubles/999999/", status=403)
    registrar = sign_in("registrar")
    registrar.get(f"/doubles/merges/{merged}/", status=200)
    registrar.get(f"/doubles/merges/{merged}/take-apart", status=403)
    assert "take-apart" not in registrar.get(f"/doubles/merges/{merged}/")
    token = registrar.get("/doubles/").forms["search-again"]["csrf_token"].value
    for path in (f"/doubles/merges/{merged}/take-apart", f"/doubles/{double.id}/merge"):
        registrar.post(path, {"csrf_token": token}, status=403)
    for path in ("/doubles/999999/", "/doubles/x/", "/doubles/merges/999999/", "/doubles/merges/x/"):
        registrar.get(path, status=404)
    for query in ("state=gone", "after=x", "after=90", "after=90.x"):
        registrar.get(f"/doubles/?{query}", status=400)
    sign_in("manager").post(f"/doubles/merges/{merged}/take-apart", {"reason": "別人"}, status=400)


def test_taking_apart_shows_what_follows_and_asks_whose_new_doses_are(
    sign_in: SignIn, world: Session, pair: tuple[Resident, Resident], merged: int, clock: Clock
) -> None:
    kept, gone = pair
    (new,) = given(kept, ("MR", 2, "2026-11-01"))
    world.add(new)
    world.add(
        Certificate(
            resident_id=kept.id,
            certificate_id="C-77",
            certificate_issued_on=date(2026, 11, 24),
            kind=CertificateKind.DOMESTIC,
            state=CertificateState.VALID,
            recorded_at=NOW + timedelta(hours=1),
        )
    )
    world.commit()
    clock.advance(hours=2)
    visitor = sign_in("manager")
    preview = visitor.get(f"/doubles/merges/{merged}/").click(href="take-apart")
    assert "まだ何も変更していません" in preview
    assert "C-77" in preview
    form = preview.forms["apart"]
    assert form[f"apart-dose_{new.id}"].value is None
    form["reason"] = "戸籍で別人と確認"
    page = form.submit("apart", status=422)
    assert "入力してください。" in page
    assert world.get_one(ResidentMerge, merged, populate_existing=True).undone_at is None
    form = page.forms["apart"]
    assert form["reason"].value == "戸籍で別人と確認"
    form[f"apart-dose_{new.id}"] = "returning"
    page = form.submit("apart", status=303).follow()
    assert "戸籍で別人と確認" in page
    assert "C-77" in page
    active = world.execute(
        select(Dose.resident_id, Dose.dose_number)
        .where(Dose.state == DoseState.ACTIVE)
        .order_by(Dose.dose_number)
    )
    assert [tuple(row) for row in active] == [(gone.id, 1), (gone.id, 2)]
    assert f"/residents/{kept.atena_number}/" not in str(
        visitor.get(f"/residents/{gone.atena_number}/").html.select(".notice.is-warning")
    )


def test_what_changed_since_the_preview_is_shown_first(
    sign_in: SignIn, world: Session, pair: tuple[Resident, Resident], merged: int
) -> None:
    first, second = sign_in("manager"), sign_in("manager")
    forms = [
        visitor.get(f"/doubles/merges/{merged}/take-apart").forms["apart"] for visitor in (first, second)
    ]
    world.add_all(given(pair[0], ("MR", 2, "2026-11-01")))
    world.commit()
    forms[0]["reason"] = "別人"
    page = forms[0].submit("apart", status=409)
    assert "表示した後に" in page
    again = page.forms["apart"]
    again["reason"] = "別人"
    (field,) = (name for name in again.fields if name and name.startswith("apart-dose_"))
    again[field] = "kept"
    again.submit("apart", status=303)
    forms[1]["reason"] = "別人"
    late = forms[1].submit("apart", status=409)
    assert "既に統合を取り消" in late
    assert len(world.scalars(select(ResidentMerge)).all()) == 1


def test_a_split_of_the_register_leads_to_the_merge(
    sign_in: SignIn, world: Session, pair: tuple[Resident, Resident], merged: int
) -> None:
    keep(
        world,
        "resident_register",
        reference="c-2",
        kind="split",
        atena_number=pair[1].atena_number,
        reason=Reason.SPLIT_TO_DECIDE.value,
        payload=None,
        now=NOW,
    )
    world.commit()
    visitor = sign_in("manager")
    assert "別人とされた" in visitor.get("/doubles/")
    assert "住基では別人" in visitor.get("/doubles/merges/")
    form = visitor.get(f"/doubles/merges/{merged}/take-apart").forms["apart"]
    form["reason"] = "住基の分割"
    form.submit("apart", status=303)
    refusal = world.scalars(select(SyncRefusal)).one()
    assert refusal.settled_at is not None
    assert "別人とされた" not in visitor.get("/doubles/")


def test_the_residents_page_and_the_dashboard_lead_there(
    sign_in: SignIn, pair: tuple[Resident, Resident], double: ResidentDouble
) -> None:
    visitor = sign_in("registrar")
    page = visitor.get(f"/residents/{pair[0].atena_number}/")
    page.click(href=f"/doubles/{double.id}/")
    assert f"/doubles/{double.id}/" not in sign_in("viewer").get(f"/residents/{pair[0].atena_number}/")
    assert 'href="/doubles/"' in visitor.get("/dashboard/").html.select_one("main").decode()


def test_a_merged_number_leads_to_its_merge(
    sign_in: SignIn, pair: tuple[Resident, Resident], merged: int
) -> None:
    visitor = sign_in("registrar")
    for person in pair:
        page = visitor.get(f"/residents/{person.atena_number}/").click(href=f"/doubles/merges/{merged}/")
        assert page.status_int == 200


def test_no_dose_is_recorded_under_a_number_that_was_merged_while_the_form_was_open(
    sign_in: SignIn, world: Session, pair: tuple[Resident, Resident], double: ResidentDouble
) -> None:
    kept, gone = pair
    visitor = sign_in("registrar")
    page = visitor.get(place(gone))
    told = Told("c-1", date(2026, 11, 20), MergeSource.REGISTER)
    merge(world, kept=kept.id, merged=gone.id, told=told, now=NOW)
    world.commit()
    page = fill(page, **(ORDINARY | {"medical_institution": "見本医院"})).submit("save", status=422)
    assert "他の宛名番号に統合されました" in page
    assert world.scalars(select(Dose)).all() == []


def test_a_search_is_asked_for(sign_in: SignIn, world: Session) -> None:
    visitor = sign_in("registrar")
    page = visitor.get("/doubles/")
    assert "該当する組はありません" in page
    page = page.forms["search-again"].submit(status=303).follow()
    assert "検索を依頼しました" in page
    assert "既に検索待ち" in page.forms["search-again"].submit(status=303).follow()
    assert len(events(world, Action.DOUBLES_SEARCHED)) == 2


def test_the_page_of_the_personal_number_leads_to_a_merged_number(
    sign_in: SignIn, pair: tuple[Resident, Resident], merged: int
) -> None:
    del merged
    visitor = sign_in("number", second_factor=True)
    page = visitor.get(f"/residents/{pair[0].atena_number}/personal-number/")
    assert page.click(href=f"/residents/{pair[1].atena_number}/personal-number/").status_int == 200
