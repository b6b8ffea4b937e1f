"""Rows that wait: who has them, what may be decided, and what stays on record."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.importing import Office, questionnaires, row_of
from tests.people import NOW, resident
from yvaxportal.models.codes import ImportDecision, ImportRowState
from yvaxportal.models.dose import Dose
from yvaxportal.models.imports import ImportRow, ImportRowEvent
from yvaxportal.models.resident import Resident
from yvaxportal.services.imports.acknowledging import acknowledgement, safe
from yvaxportal.services.imports.deciding import CLAIMED_FOR, Done, Impossible, Result, Reviewer, Stale
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError
from yvaxportal.services.imports.queue import next_open, open_counts, open_kinds, open_page

WHY = "原本で確認"


@pytest.fixture
def child(world: Session) -> Resident:
    made = resident(world, born="2024-03-05", name="髙橋　花子", name_kana="タカハシ　ハナコ", sex="2")
    world.commit()
    return made


def reviewer(desk: Office, session: Session, staff_id: int | None = None) -> Reviewer:
    return Reviewer(session, desk.audit(session), desk.bureau, staff_id or desk.staff_id, NOW)


def row(desk: Office, batch_id: int, number: int = 1) -> ImportRow:
    return next(one for one in desk.rows(batch_id) if one.number == number)


def decide(desk: Office, batch_id: int, decision: ImportDecision, number: int = 1, **said: Any) -> Result:
    values: dict[str, Any] = {"revision": row(desk, batch_id, number).revision, "reason": WHY} | said
    with Session(desk.bureau.engine) as session, session.begin():
        return reviewer(desk, session).decide(batch_id, number, decision, **values)


def test_a_birth_date_that_differs_is_settled_by_a_person(
    desk: Office, world: Session, child: Resident
) -> None:
    batch = desk.checked(questionnaires([row_of(child, 生年月日="2024-03-06")]))
    assert desk.apply(batch.id) == {}
    assert decide(desk, batch.id, ImportDecision.APPLY) == Done(ImportRowState.BIRTH_DIFFERS)
    assert desk.apply(batch.id)["recorded"] == 1
    assert world.scalars(select(Dose.resident_id)).all() == [child.id]
    (event,) = world.scalars(select(ImportRowEvent)).all()
    assert (event.deed, event.reason, event.staff_id) == ("apply", WHY, desk.staff_id)


def test_a_similar_person_is_never_taken_by_itself(desk: Office, world: Session, child: Resident) -> None:
    batch = desk.checked(
        questionnaires([row_of(child, 業務宛名番号="777777777", 氏名="高橋花子", カナ氏名="ﾀｶﾊｼ ﾊﾅｺ")])
    )
    waiting = row(desk, batch.id)
    assert waiting.state == "similar_found"
    assert waiting.candidates == [
        {"id": child.id, "score": 85, "why": ["birth_same", "name_same", "kana_same"]}
    ]
    assert isinstance(decide(desk, batch.id, ImportDecision.APPLY), Impossible)
    assert isinstance(decide(desk, batch.id, ImportDecision.APPLY, resident_id=child.id), Done)
    assert desk.apply(batch.id)["recorded"] == 1


def test_people_found_are_kept_apart(desk: Office, child: Resident) -> None:
    batch = desk.checked(questionnaires([row_of(child, 業務宛名番号="777777777")]))
    with Session(desk.bureau.engine) as session, session.begin():
        result = reviewer(desk, session).keep_apart(batch.id, 1, revision=1, reason="双子の妹")
    assert result == Done(ImportRowState.NUMBER_UNKNOWN)
    assert (row(desk, batch.id).candidates, row(desk, batch.id).state) == (None, "number_unknown")


def test_two_reviewers_do_not_collide(desk: Office, world: Session, child: Resident) -> None:
    other = clerk(world, "other")
    world.commit()
    batch = desk.checked(questionnaires([row_of(child, 生年月日="2024-03-06")]))
    with Session(desk.bureau.engine) as session, session.begin():
        assert reviewer(desk, session).claim(batch.id, 1)
        assert reviewer(desk, session).claim(batch.id, 1)
        assert not reviewer(desk, session, other).claim(batch.id, 1)
        late = replace(reviewer(desk, session, other), now=NOW + CLAIMED_FOR + timedelta(seconds=1))
        refused = reviewer(desk, session, other).decide(
            batch.id, 1, ImportDecision.REFUSE, revision=1, reason=WHY
        )
        assert refused == Stale()
        assert late.claim(batch.id, 1)
    assert decide(desk, batch.id, ImportDecision.REFUSE) == Stale()


def test_an_old_page_decides_nothing(desk: Office, child: Resident) -> None:
    batch = desk.checked(questionnaires([row_of(child, 生年月日="2024-03-06")]))
    assert isinstance(decide(desk, batch.id, ImportDecision.REFUSE), Done)
    assert decide(desk, batch.id, ImportDecision.APPLY, revision=1) == Stale()
    assert decide(desk, batch.id, ImportDecision.APPLY) == Stale()
    with Session(desk.bureau.engine) as session, session.begin():
        again = reviewer(desk, session).take_back(batch.id, 1, revision=2)
    assert again == Done(ImportRowState.BIRTH_DIFFERS)
    assert isinstance(decide(desk, batch.id, ImportDecision.APPLY), Done)


def test_what_cannot_be_read_cannot_be_recorded(desk: Office, child: Resident) -> None:
    batch = desk.checked(questionnaires([row_of(child, 接種日="2025-02-30")]))
    result = decide(desk, batch.id, ImportDecision.APPLY, resident_id=child.id)
    assert result == Impossible([["not_a_day", {"field": "given_on"}]])


def test_a_corrected_row_is_judged_anew(desk: Office, child: Resident) -> None:
    batch = desk.checked(questionnaires([row_of(child, 接種日="2025-02-30")]))
    with Session(desk.bureau.engine) as session, session.begin():
        result = reviewer(desk, session).correct(batch.id, 1, {"given_on": "令和7年4月1日"}, revision=1)
    assert result == Done(ImportRowState.READY)
    assert row(desk, batch.id).raw["given_on"] == "令和7年4月1日"
    assert desk.apply(batch.id)["recorded"] == 1


def test_a_personal_number_is_not_kept_by_a_correction(desk: Office, child: Resident) -> None:
    batch = desk.checked(questionnaires([row_of(child, 接種日="2025-02-30")]))
    with Session(desk.bureau.engine) as session, pytest.raises(PersonalNumberFoundError):
        reviewer(desk, session).correct(batch.id, 1, {"name": "123456789018"}, revision=1)


def test_a_row_goes_to_the_sender_and_comes_back(desk: Office, child: Resident) -> None:
    batch = desk.checked(questionnaires([row_of(child, 生年月日="2024-03-06")]))
    assert isinstance(decide(desk, batch.id, ImportDecision.RETURN, reason="生年月日をご確認ください"), Done)
    with Session(desk.bureau.engine) as session, session.begin():
        desk_reviewer = reviewer(desk, session)
        assert desk_reviewer.correct(batch.id, 1, {"birth": "2024-03-05"}, revision=2) == Stale()
        result = desk_reviewer.correct(batch.id, 1, {"birth": "2024-03-05"}, revision=2, answer=True)
    assert result == Done(ImportRowState.READY)
    assert desk.apply(batch.id)["recorded"] == 1


def test_like_cases_together(desk: Office, world: Session) -> None:
    early = [resident(world, born=f"2024-05-{day:02}") for day in range(1, 6)]
    world.commit()
    batch = desk.checked(questionnaires([row_of(one) for one in early]))
    assert batch.counts == {"not_eligible": 5}
    with Session(desk.bureau.engine) as session, session.begin():
        assert open_counts(session, batch.id) == {ImportRowState.NOT_ELIGIBLE: 5}
        assert open_kinds(session, batch.id, ImportRowState.NOT_ELIGIBLE) == [("outside_age", 5)]
        desk_reviewer = reviewer(desk, session)
        with pytest.raises(ValueError, match="not together"):
            desk_reviewer.together(
                batch.id, ImportRowState.BIRTH_DIFFERS, "x", ImportDecision.APPLY, reason=WHY
            )
        count = desk_reviewer.together(
            batch.id, ImportRowState.NOT_ELIGIBLE, "outside_age", ImportDecision.APPLY, reason=WHY
        )
        assert count == 5
        assert open_page(session, batch.id, state=None, after=0) == []
    assert desk.apply(batch.id)["recorded"] == 5
    world.expire_all()
    dose = world.scalars(select(Dose)).first()
    assert dose is not None
    assert (dose.alerts, dose.alert_reason) == (["outside_age"], WHY)
    assert len(world.scalars(select(ImportRowEvent)).all()) == 5


def test_pages_of_the_queue_follow_each_other(desk: Office, world: Session) -> None:
    early = [resident(world, born=f"2024-05-{day:02}") for day in range(1, 8)]
    world.commit()
    batch = desk.checked(questionnaires([row_of(one) for one in early]))
    with Session(desk.bureau.engine) as session:
        first = open_page(session, batch.id, state=None, after=0, size=3)
        assert [one.number for one in first] == [1, 2, 3, 4]
        second = open_page(session, batch.id, state=ImportRowState.NOT_ELIGIBLE, after=3, size=3)
        assert [one.number for one in second] == [4, 5, 6, 7]
        assert next_open(session, batch.id, after=6, state=None) == 7
        assert next_open(session, batch.id, after=7, state=None) is None


def test_the_acknowledgement_says_nothing_of_the_register(
    desk: Office, world: Session, child: Resident
) -> None:
    rows = [
        row_of(child),
        row_of(child, 生年月日="2024-03-06", 接種日="2025-05-01"),
        row_of(child, 業務宛名番号="777777777"),
        row_of(child, 業務宛名番号="=cmd", 接種日="x"),
    ]
    batch = desk.checked(questionnaires(rows))
    desk.apply(batch.id)
    assert isinstance(decide(desk, batch.id, ImportDecision.REFUSE, 3, reason="該当者なし"), Done)
    with Session(desk.bureau.engine) as session:
        lines = acknowledgement(session, batch.id, "business_atena_number", str, lambda reason: reason[0])
        text = b"".join(lines).decode("utf-8-sig")
    number = child.business_atena_number
    assert text.split("\r\n") == [
        "line,part,number,result,reason",
        f"2,1,{number},recorded,",
        f"3,1,{number},held,",
        "4,1,777777777,refused,該当者なし",
        "5,1,'=cmd,unreadable,not_digits not_a_day",
        "",
    ]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert safe(text) == f"'{text}"
    assert safe("1=1") == "1=1"


def test_nobody_becomes_a_resident_by_a_date(desk: Office, world: Session, child: Resident) -> None:
    child.became_resident_on = date(2025, 6, 1)
    world.commit()
    batch = desk.checked(questionnaires([row_of(child)]))
    assert batch.counts == {"not_resident": 1}
