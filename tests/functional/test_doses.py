from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from webtest import TestApp, TestResponse

from tests.application import Clock, SignIn
from tests.details import events
from tests.people import resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import DoseState, Judgement, RecordGroup, VaccinationStatus
from yvaxportal.models.dose import Dose, IdentityCheck, MedicalInstitution
from yvaxportal.models.resident import Resident
from yvaxportal.values.kana import fold_name

ORDINARY = {
    "vaccine": "mr",
    "given_on": "R8.11.16",
    "dose_number": "1",
    "medical_institution": "3110112342",
    "physician": "見本　医師",
    "lot_number": "ｙ123",
    "fee": "8,000",
    "remarks": "左上腕",
    "identity_method": "interview_form",
    "identity_document": "questionnaire_matched",
}


@pytest.fixture
def child(world: Session) -> Resident:
    name = "ひまわり小児科"
    world.add(
        MedicalInstitution(
            code="3110112342", name=name, name_key=fold_name(name), valid_from=date(2000, 4, 1)
        )
    )
    found = resident(world, born="2025-06-10", name="見本　さくら")
    world.commit()
    return found


@pytest.fixture
def clerk(sign_in: SignIn, child: Resident) -> TestApp:
    return sign_in("registrar")


def place(person: Resident, rest: str = "new") -> str:
    return f"/residents/{person.atena_number}/doses/{rest}"


def typed(page: TestResponse, **said: str) -> dict[str, str]:
    return {
        "csrf_token": page.forms["dose"]["csrf_token"].value,
        "vaccine": "mr",
        "given_on": "R8.11.16",
        "dose_number": "1",
        "dose_category": "routine",
        "judgement": "given",
    } | said


def test_a_dose_is_judged_while_it_is_typed(clerk: TestApp, child: Resident) -> None:
    page = clerk.get(place(child))
    assert page.html.find(id="dose-judgement")["data-url"] == place(child, "judgement")
    good = clerk.post(place(child, "judgement"), typed(page)).json
    assert good["kind"] == "ok"
    assert "令和8年6月9日から令和9年6月9日まで" in good["reasons"][0]["text"]
    early = clerk.post(place(child, "judgement"), typed(page, given_on="R8.6.8")).json
    assert (early["kind"], early["text"]) == ("overdue", "接種が早すぎます")
    assert "1日早い" in early["reasons"][0]["text"]
    assert early["reasons"][0]["citation"] == "予防接種法施行令3条1項"


@pytest.mark.parametrize(
    "change",
    [
        {"vaccine": "nonsense"},
        {"given_on": "yesterday"},
        {"given_on": "R8.11"},
        {"dose_number": "0"},
        {"dose_number": "x"},
        {"dose_category": "voluntary"},
        {"judgement": ""},
    ],
)
def test_nothing_is_said_before_enough_is_typed(
    clerk: TestApp, child: Resident, change: dict[str, str]
) -> None:
    page = clerk.get(place(child))
    answer = clerk.post(place(child, "judgement"), typed(page, **change)).json
    assert answer == {"kind": "", "text": "", "reasons": []}


def test_only_who_may_record_doses_asks_for_a_judgement(
    sign_in: SignIn, clerk: TestApp, child: Resident
) -> None:
    said = typed(clerk.get(place(child)))
    clerk.post(place(child, "judgement"), said | {"csrf_token": "wrong"}, status=400)
    clerk.get(place(child, "judgement"), status=404)
    viewer = sign_in("viewer")
    token = viewer.get(f"/residents/{child.atena_number}/").html.find(attrs={"name": "csrf_token"})["value"]
    viewer.post(place(child, "judgement"), said | {"csrf_token": token}, status=403)


def fill(page: TestResponse, **said: str) -> Any:
    form = page.forms["dose"]
    for name, value in said.items():
        form["dose-judgement" if name == "judgement" else name] = value
    return form


def record(visitor: TestApp, person: Resident, status: int = 303, **said: Any) -> TestResponse:
    page = visitor.get(place(person))
    return fill(page, **(ORDINARY | said)).submit("save", status=status)


def wrong_fields(page: TestResponse) -> list[str]:
    """Return the names of the fields that are marked as wrong."""
    return [item["id"].removeprefix("item-dose-") for item in page.html.find_all(class_="has-error")]


def only_dose(world: Session) -> Dose:
    world.rollback()
    return world.scalars(select(Dose)).one()


def count(world: Session) -> int:
    world.rollback()
    return world.scalar(select(func.count()).select_from(Dose)) or 0


def test_a_dose_is_recorded_from_the_form(world: Session, child: Resident, clerk: TestApp) -> None:
    page = clerk.get(place(child))
    form = page.forms["dose"]
    assert form["given_on"].value == "2026-11-23"
    assert form["dose-judgement"].value == "given"
    assert form["dose_category"].value == "routine"
    answer = fill(page, **ORDINARY).submit("save", status=303)
    assert answer.location.endswith(f"/residents/{child.atena_number}/")
    assert "令和8年11月16日" in answer.follow().text
    dose = only_dose(world)
    assert (dose.resident_id, dose.vaccine, dose.given_on, dose.dose_number, dose.judgement) == (
        child.id,
        "mr",
        date(2026, 11, 16),
        1,
        Judgement.GIVEN,
    )
    assert (dose.lot_number, dose.fee, dose.physician) == ("Y123", 8000, "見本　医師")
    assert world.get_one(IdentityCheck, dose.identity_check_id).document == "questionnaire_matched"
    [event] = events(world, Action.DOSE_RECORDED)
    assert (event.actor, event.resident_id) == ("registrar", child.id)
    assert events(world, Action.RESIDENT_VIEWED)[0].detail == {"page": "dose form"}


def test_the_fields_stand_in_the_order_of_the_questionnaire(child: Resident, clerk: TestApp) -> None:
    form = clerk.get(place(child)).forms["dose"]
    names = [field for field in form.fields if field and not field.startswith("_")]
    wanted = ["vaccine", "given_on", "dose_number", "dose-judgement", "medical_institution", "physician"]
    wanted += ["lot_number", "fee", "dose_category", "delivery_category", "pneumococcal_type", "remarks"]
    wanted += ["ineligibility_judgement", "identity_method", "identity_document"]
    assert [name for name in names if name in wanted] == wanted


def test_a_vaccine_that_is_asked_for_comes_with_its_next_number(child: Resident, clerk: TestApp) -> None:
    record(clerk, child).follow()
    form = clerk.get(place(child, "new?vaccine=mr")).forms["dose"]
    assert (form["vaccine"].value, form["dose_number"].value) == ("mr", "2")
    assert clerk.get(place(child, "new?vaccine=nonsense")).forms["dose"]["vaccine"].value == ""


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"given_on": "R8.11.24"}, "given_on"),
        ({"given_on": "R7.6.9"}, "given_on"),
        ({"given_on": "きのう"}, "given_on"),
        ({"vaccine": ""}, "vaccine"),
        ({"dose_number": "3"}, "dose_number"),
        ({"lot_number": "ロット"}, "lot_number"),
        ({"medical_institution": "3110112341"}, "medical_institution"),
        ({"medical_institution": "1310000005"}, "medical_institution"),
        ({"identity_method": ""}, "identity_method"),
        ({"ticket_number": "0123456789"}, "ticket_number"),
        ({"pneumococcal_type": "13"}, "pneumococcal_type"),
    ],
)
def test_what_is_impossible_is_not_saved_and_nothing_typed_is_lost(
    world: Session, child: Resident, clerk: TestApp, said: dict[str, str], field: str
) -> None:
    answer = record(clerk, child, status=422, **said)
    assert wrong_fields(answer) == [field]
    assert "${" not in answer.text
    assert f"#dose-{field}" in str(answer.html.find(class_="error-summary"))
    form = answer.forms["dose"]
    for name, value in (ORDINARY | said).items():
        assert form[name].value == value
    assert count(world) == 0


def test_a_personal_number_is_neither_kept_nor_shown(world: Session, child: Resident, clerk: TestApp) -> None:
    for name in ("remarks", "physician", "medical_institution"):
        answer = record(clerk, child, status=422, **{name: "9000 0000 0019"})
        assert "0000 0019" not in answer.text
        assert "900000000019" not in answer.text
    assert count(world) == 0


def test_alerts_are_shown_first_and_saved_with_a_reason(
    world: Session, child: Resident, clerk: TestApp
) -> None:
    first = record(clerk, child, status=422, lot_number="")
    assert "#dose-lot_number" in str(first.html.find(class_="is-warning"))
    without = first.forms["dose"].submit("save", status=422)
    form = without.forms["dose"]
    assert form["physician"].value == "見本　医師"
    form["alert_reason"] = "シールが剝がれていた"
    form["medical_institution"] = ""
    # Another alert since: shown before anything is saved.
    more = form.submit("save", status=422)
    assert len(more.html.find(class_="is-warning").find_all("li")) == 2
    more.forms["dose"]["alert_reason"] = "シールが剝がれていた"
    more.forms["dose"].submit("save", status=303)
    dose = only_dose(world)
    assert sorted(dose.alerts) == ["institution_missing", "lot_missing"]
    assert dose.alert_reason == "シールが剝がれていた"
    shown = clerk.get(place(child, f"{dose.id}/")).text
    assert "シールが剝がれていた" in shown


def test_of_two_who_had_the_form_open_the_second_sees_what_the_first_saved(
    world: Session, child: Resident, clerk: TestApp, sign_in: SignIn
) -> None:
    colleague = sign_in("registrar")
    first, second = clerk.get(place(child)), colleague.get(place(child))
    fill(first, **ORDINARY).submit("save", status=303)
    answer = fill(second, **(ORDINARY | {"lot_number": "Z999"})).submit("save", status=409)
    table = answer.html.find(id="conflict")
    assert "職員 registrar" in table.text
    assert "Y123" in table.text
    assert "Z999" in table.text
    assert answer.forms["dose"]["lot_number"].value == "Z999"
    assert count(world) == 1
    viewed = events(world, Action.DOSE_VIEWED)
    assert [event.detail["page"] for event in viewed] == ["conflict"]
    # Saved again knowing it, it is an error with the way to the other record.
    again = answer.forms["dose"].submit("save", status=422)
    assert f"/doses/{only_dose(world).id}/" in str(again.html.find(id="doubles"))


def test_the_same_form_sent_twice_saves_once(world: Session, child: Resident, clerk: TestApp) -> None:
    form = fill(clerk.get(place(child)), **ORDINARY)
    form.submit("save", status=303).follow()
    answer = form.submit("save", status=303).follow()
    assert answer.html.find(class_="flashes").find(class_="is-info") is not None
    assert count(world) == 1
    # Back, change something, send: not a second dose, and not lost either.
    form["dose_number"] = "2"
    form["given_on"] = "R8.11.17"
    changed = form.submit("save", status=409)
    assert changed.forms["dose"]["dose_number"].value == "2"
    assert count(world) == 1


def test_a_correction_keeps_every_revision(world: Session, child: Resident, clerk: TestApp) -> None:
    record(clerk, child)
    dose_id = only_dose(world).id
    page = clerk.get(place(child, f"{dose_id}/correct"))
    assert page.forms["dose"]["medical_institution"].value == "3110112342"
    fill(page, reason="確認").submit("save", status=422)
    form = fill(page, lot_number="Z999", reason="転記誤り")
    shown = form.submit("save", status=303).follow()
    revisions = shown.html.find(id="revisions")
    assert [row["id"] for row in revisions.find("tbody").find_all("tr")] == ["revision-2", "revision-1"]
    assert revisions.find("del").text == "Y123"
    assert revisions.find("ins").text == "Z999"
    assert "転記誤り" in revisions.text
    [event] = events(world, Action.DOSE_CORRECTED)
    assert (event.before, event.after) == ({"lot_number": "Y123"}, {"lot_number": "Z999"})


def test_a_correction_of_what_somebody_else_corrected_shows_both(
    world: Session, child: Resident, clerk: TestApp, sign_in: SignIn
) -> None:
    record(clerk, child)
    dose_id = only_dose(world).id
    mine, theirs = (
        visitor.get(place(child, f"{dose_id}/correct")) for visitor in (clerk, sign_in("registrar"))
    )
    fill(theirs, fee="9000", reason="単価改定").submit("save", status=303)
    answer = fill(mine, fee="7000", reason="請求書のとおり").submit("save", status=409)
    assert "9,000" in answer.html.find(id="conflict").text
    assert "単価改定" in answer.html.find(id="conflict").text
    # Knowing what stands now, it may be saved.
    answer.forms["dose"].submit("save", status=303)
    dose = only_dose(world)
    assert (dose.fee, dose.revision) == (7000, 3)


def test_a_dose_is_cancelled_with_a_reason_and_stays_on_record(
    world: Session, child: Resident, clerk: TestApp
) -> None:
    record(clerk, child)
    dose_id = only_dose(world).id
    page = clerk.get(place(child, f"{dose_id}/cancel"))
    form = page.forms["cancel"]
    form.submit("save", status=422)
    form["reason"] = "別人の予診票"
    form.submit("save", status=303)
    dose = only_dose(world)
    assert (dose.state, dose.change_reason) == (DoseState.CANCELLED, "別人の予診票")
    assert "別人の予診票" in clerk.get(place(child, f"{dose_id}/")).text
    clerk.get(place(child, f"{dose_id}/correct"), status=303)
    form.submit("save", status=409)
    assert len(events(world, Action.DOSE_CANCELLED)) == 1


def test_ones_own_entry_is_taken_back_at_once(
    world: Session, child: Resident, clerk: TestApp, clock: Clock
) -> None:
    record(clerk, child)
    dose_id = only_dose(world).id
    undo = clerk.get(place(child, f"{dose_id}/")).forms["undo"]
    undo.submit(status=303)
    assert only_dose(world).state is DoseState.CANCELLED
    # Sent again, the form that made it records it anew.
    record(clerk, child)
    world.rollback()
    second = world.scalars(select(Dose).where(Dose.state == DoseState.ACTIVE)).one()
    undo = clerk.get(place(child, f"{second.id}/")).forms["undo"]
    clock.advance(minutes=11)
    assert undo.submit(status=303).location.endswith("/cancel")
    assert "undo" not in clerk.get(place(child, f"{second.id}/")).forms


def test_same_again_fills_in_what_the_next_person_has_in_common(
    world: Session, child: Resident, clerk: TestApp
) -> None:
    other = resident(world, born="2025-06-11")
    world.commit()
    assert "again" not in clerk.get(place(other)).text.split("<main")[1].split("<form")[0]
    record(clerk, child)
    page = clerk.get(place(other))
    form = page.click(linkid=None, href="again=1").forms["dose"]
    assert {name: form[name].value for name in ("vaccine", "dose_number", "lot_number", "physician")} == {
        "vaccine": "mr",
        "dose_number": "1",
        "lot_number": "Y123",
        "physician": "見本　医師",
    }
    assert form["given_on"].value == "2026-11-16"
    # What is the child's alone is not carried to another person.
    assert (form["remarks"].value, form["identity_method"].value, form["fee"].value) == ("", "", "")


def test_another_dose_of_the_same_visit(world: Session, child: Resident, clerk: TestApp) -> None:
    record(clerk, child)
    dose = only_dose(world)
    form = clerk.get(place(child, f"new?next={dose.id}")).forms["dose"]
    assert (form["given_on"].value, form["identity_method"].value) == ("2026-11-16", "interview_form")
    assert (form["vaccine"].value, form["lot_number"].value) == ("", "")
    clerk.get(place(child, "new?next=x"), status=404)


def test_the_items_of_the_covid_record(world: Session, clerk: TestApp) -> None:
    adult = resident(world, born="1955-04-01", became_resident_on=date(1990, 1, 1))
    world.commit()
    covid: dict[str, Any] = {
        "vaccine": "comirnaty_xbb",
        "given_on": "R5.10.2",
        "dose_number": "1",
        "lot_number": "GK1234",
        "dose_category": "temporary",
        "ticket_number": "０１２３４５６７８９",
        "product_name": "コミナティRTU筋注",
    }
    answer = record(clerk, adult, status=422, municipality_code="312021", **covid)
    assert wrong_fields(answer) == ["municipality_code"]
    record(clerk, adult, **covid)
    dose = only_dose(world)
    assert (dose.record_group, dose.ticket_number, dose.vaccination_status, dose.manufacturer) == (
        RecordGroup.COVID19,
        "0123456789",
        VaccinationStatus.DONE,
        "ファイザー",
    )
    assert dose.municipality_code is not None
    assert "コミナティRTU筋注" in clerk.get(place(adult, f"{dose.id}/")).text


def test_a_dose_of_somebody_else_is_not_found(world: Session, child: Resident, clerk: TestApp) -> None:
    record(clerk, child)
    other = resident(world)
    world.commit()
    dose_id = only_dose(world).id
    for rest in ("", "correct", "cancel"):
        clerk.get(place(other, f"{dose_id}/{rest}"), status=404)
        clerk.get(place(child, f"{dose_id + 1000}/{rest}"), status=404)
    clerk.get(place(other, f"new?next={dose_id}"), status=404)


ALL, READ, NONE = (200, 200, 200, 200), (403, 200, 403, 403), (403, 403, 403, 403)


@pytest.mark.parametrize(
    ("login", "statuses"),
    [
        ("registrar", ALL),
        ("viewer", READ),
        ("number", READ),
        ("manager", READ),
        ("auditor", NONE),
        ("administrator", NONE),
        ("contractor", NONE),
    ],
)
def test_who_may_do_what(
    world: Session, child: Resident, sign_in: SignIn, login: str, statuses: tuple[int, int, int, int]
) -> None:
    record(sign_in("registrar"), child)
    dose_id = only_dose(world).id
    visitor = sign_in(login)
    for rest, status in zip(
        ("new", f"{dose_id}/", f"{dose_id}/correct", f"{dose_id}/cancel"), statuses, strict=True
    ):
        page = visitor.get(place(child, rest), status=status)
        if rest == f"{dose_id}/" and status == 200:
            assert ("undo" in page.forms) is (login == "registrar")
    visitor.get("/institutions/", {"q": "ひまわり"}, status=statuses[1])


def test_the_look_up_of_institutions(world: Session, child: Resident, clerk: TestApp) -> None:
    for number in range(25):
        name = f"見本医院{number:02}"
        world.add(MedicalInstitution(name=name, name_key=fold_name(name), valid_from=date(2000, 4, 1)))
    world.commit()

    def found(typed: str) -> list[dict[str, str]]:
        items: list[dict[str, str]] = clerk.get("/institutions/", {"q": typed}).json["items"]
        return items

    himawari = {"value": "3110112342", "label": "ひまわり小児科", "detail": ""}
    assert found("31101") == found("ヒマワリ") == found("小児") == [himawari]
    assert len(found("見本")) == 20
    assert found("見本医院07")[0]["value"] == "見本医院07"
    assert found("") == found("9000 0000 0019") == found("%") == []


def test_a_name_that_is_on_the_list_is_the_institution(
    world: Session, child: Resident, clerk: TestApp
) -> None:
    record(clerk, child, medical_institution="ひまわり　小児科")
    dose = only_dose(world)
    assert dose.medical_institution_id is not None
    assert dose.medical_institution_name is None


def test_without_script_everything_is_on_the_form(child: Resident, clerk: TestApp) -> None:
    page = clerk.get(place(child))
    assert page.html.find(id="item-dose-ticket_number").get("hidden") is None
    options = page.html.find(id="dose-vaccine").find_all("option")
    assert {option.get("value") for option in options} >= {"", "mr", "varicella"}
    assert not any("varicella" in option.text for option in options)
    assert page.html.find(id="dose-vaccine").find("optgroup") is not None
