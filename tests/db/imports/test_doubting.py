"""The doubt that a check stores with each row, and the worklist with the most doubtful first."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.doses import given
from tests.importing import Office, questionnaires, row_of
from tests.people import NOW, resident
from yvaxportal.models.codes import ImportDecision, ImportRowState, ResidentCategory
from yvaxportal.models.dose import Dose
from yvaxportal.models.imports import ImportRow, ImportRowEvent
from yvaxportal.models.resident import Resident
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.services.imports.deciding import Done, Reviewer, Stale
from yvaxportal.services.imports.doubtful import Doubtful, Wanted, count_doubtful, doubtful_page


def codes(row: ImportRow) -> list[str]:
    return [reason[0] for reason in row.doubt_reasons]


def given_dose(world: Session, person: Resident, **said: Any) -> None:
    values: dict[str, Any] = {"dose_number": 1} | said
    day = values.pop("given_on").isoformat()
    (dose,) = given(person, (values.pop("vaccine"), values.pop("dose_number"), day))
    for name, value in values.items():
        setattr(dose, name, value)
    world.add(dose)


def reviewer(desk: Office, session: Session, staff_id: int | None = None) -> Reviewer:
    return Reviewer(session, desk.audit(session), desk.bureau, staff_id or desk.staff_id, NOW)


@pytest.fixture
def twins(world: Session) -> tuple[Resident, Resident]:
    made = tuple(
        resident(
            world,
            born="2024-03-05",
            name=f"双葉　{name}",
            name_kana=f"フタバ　{kana}",
            sex="2",
            business_atena_number=number,
            household_number="H1",
        )
        for name, kana, number in (("花", "ハナ", "100000017"), ("桃", "モモ", "100000018"))
    )
    world.commit()
    return made[0], made[1]


def test_a_ready_row_with_the_name_of_the_twin_is_very_doubtful(
    desk: Office, twins: tuple[Resident, Resident]
) -> None:
    first, second = twins
    batch = desk.checked(
        questionnaires(
            [
                row_of(first, 医療機関名=""),
                row_of(
                    first, 氏名=second.name, カナ氏名=second.name_kana or "", 回数="2", 接種日="2025-05-01"
                ),
            ]
        )
    )
    right, wrong = desk.rows(batch.id)
    assert (right.state, wrong.state) == ("ready", "not_eligible")
    assert "name_of_another" not in codes(right)
    assert {"name_of_another", "number_near"} <= set(codes(wrong))
    assert wrong.doubt > right.doubt
    assert wrong.doubt_main == "name_of_another"


def test_lots_of_other_vaccines_and_far_days_are_noticed(desk: Office, world: Session) -> None:
    people = [resident(world, born="2024-03-05") for _ in range(3)]
    other = resident(world, born="2000-01-01")
    given_dose(world, other, vaccine="varicella", lot_number="V900", given_on=date(2025, 3, 1))
    given_dose(world, other, vaccine="mr", lot_number="Y777", given_on=date(2022, 3, 1))
    given_dose(world, other, vaccine="je", lot_number="Y123", given_on=date(2025, 3, 1))
    given_dose(world, other, vaccine="mr", lot_number="Y123", dose_number=2, given_on=date(2025, 3, 5))
    world.commit()
    lots = ("V900", "Y777", "Y123")
    batch = desk.checked(
        questionnaires([row_of(one, ロット番号=lot) for one, lot in zip(people, lots, strict=True)])
    )
    found = [set(codes(row)) & {"lot_of_other", "lot_day", "lot_new"} for row in desk.rows(batch.id)]
    assert found == [{"lot_of_other"}, {"lot_day"}, set()]


def test_an_institution_with_many_faults_makes_its_other_rows_doubtful(desk: Office, world: Session) -> None:
    people = [resident(world, born="2024-03-05") for _ in range(24)]
    world.commit()
    rows = [
        row_of(one, 医療機関名="甲医院", 接種日="2025-02-30" if at < 4 else "2025-04-01")
        for at, one in enumerate(people[:12])
    ]
    rows += [row_of(one, 医療機関名="乙医院") for one in people[12:]]
    batch = desk.checked(questionnaires(rows))
    found = desk.rows(batch.id)
    pattern = [row.number for row in found if "institution_pattern" in codes(row)]
    assert pattern == list(range(5, 13))
    facts = next(reason[1] for reason in found[5].doubt_reasons if reason[0] == "institution_pattern")
    assert facts == {"held": 4, "rows": 12}
    before = found[5].doubt
    with Session(desk.bureau.engine) as session, session.begin():
        assert isinstance(
            reviewer(desk, session).correct(batch.id, 6, {"lot_number": "Y124"}, revision=1), Done
        )
    assert "institution_pattern" in codes(desk.rows(batch.id)[5])
    assert desk.rows(batch.id)[5].doubt == before


def test_a_day_at_the_edge_and_a_close_dose(desk: Office, world: Session) -> None:
    edge = resident(world, born="2024-04-02")
    close = resident(world, born="2024-01-10")
    given_dose(world, close, vaccine="je", dose_number=1, given_on=date(2025, 3, 29))
    world.commit()
    batch = desk.checked(
        questionnaires(
            [
                row_of(edge, 接種日="2025-04-02"),
                row_of(close, ワクチン="日本脳炎", 回数="2", 接種日="2025-04-01"),
            ]
        )
    )
    first, second = desk.rows(batch.id)
    assert first.state == "ready"
    assert "window_edge" in codes(first)
    assert "too_close" in codes(second)


def test_a_number_joined_by_the_register_leads_to_the_one_that_remains(desk: Office, world: Session) -> None:
    kept, middle, merged = (resident(world, born="2024-03-05") for _ in range(3))
    for goes, stays in ((merged, middle), (middle, kept)):
        goes.resident_category = ResidentCategory.REMOVED
        world.add(
            ResidentMerge(
                change_id=f"c{goes.id}",
                kept_resident_id=stays.id,
                merged_resident_id=goes.id,
                decided_on=date(2026, 4, 1),
                merged_at=NOW,
                moved={},
            )
        )
    world.commit()
    batch = desk.checked(questionnaires([row_of(merged), row_of(merged, 業務宛名番号="888888888")]))
    first, second = desk.rows(batch.id)
    assert (first.state, first.resident_id) == ("ready", kept.id)
    assert ["number_merged", {}] in first.reasons
    assert "number_merged" in codes(first)
    assert [one["id"] for one in second.candidates or []] == [kept.id]
    assert desk.apply(batch.id)["recorded"] == 1
    assert world.scalars(select(Dose.resident_id)).all() == [kept.id]


def test_where_the_birth_date_differs_others_are_named(desk: Office, world: Session) -> None:
    owner = resident(world, born="1950-01-01", name="別人　太郎", business_atena_number="100000021")
    meant = resident(
        world,
        born="2024-03-05",
        name="見本　花子",
        name_kana="ミホン　ハナコ",
        business_atena_number="100000012",
    )
    world.commit()
    batch = desk.checked(questionnaires([row_of(meant, 業務宛名番号=owner.business_atena_number)]))
    (row,) = desk.rows(batch.id)
    assert (row.state, row.resident_id) == ("birth_differs", owner.id)
    assert [(one["id"], "number_nearly" in one["why"]) for one in row.candidates or []] == [(meant.id, True)]
    with Session(desk.bureau.engine) as session, session.begin():
        done = reviewer(desk, session).decide(
            batch.id, 1, ImportDecision.APPLY, revision=1, reason="予診票で確認", resident_id=meant.id
        )
        assert isinstance(done, Done)
    assert desk.apply(batch.id)["recorded"] == 1
    assert world.scalars(select(Dose.resident_id)).all() == [meant.id]


def test_a_household_speaks_for_its_members_and_not_for_the_protected(desk: Office, world: Session) -> None:
    child = resident(
        world, born="2024-03-05", name="山田　花", name_kana=None, sex="2", household_number="H7"
    )
    mother = resident(world, born="1990-01-01", name="佐藤　母", household_number="H7")
    world.commit()
    paper = row_of(child, 業務宛名番号="777777777", 氏名="佐藤　桃", 性別="女", 住所="鳥取県米子市錦町2-9")
    batch = desk.checked(questionnaires([paper]))
    (row,) = desk.rows(batch.id)
    assert [(one["id"], "household_name" in one["why"]) for one in row.candidates or []] == [(child.id, True)]
    mother.support_measure_flag = True
    world.commit()
    again = desk.checked(questionnaires([[*paper]]))
    assert [one.candidates for one in desk.rows(again.id)] == [None]


def worklist(desk: Office, wanted: Wanted | None = None, **said: Any) -> list[Doubtful]:
    with Session(desk.bureau.engine) as session:
        return list(doubtful_page(session, wanted or Wanted(), after=None, **said))


@pytest.fixture
def doubtful(desk: Office, world: Session) -> int:
    """A file with rows of different doubt; return its number."""
    people = [resident(world, born=f"2024-03-{day:02}", name=f"見本　子{day}") for day in range(1, 13)]
    world.commit()
    rows = [row_of(one, 医療機関名="") for one in people[:9]]
    rows += [
        row_of(people[9], 生年月日="2024-03-30", 医療機関名=""),
        row_of(people[10], 氏名="鈴木　一郎", カナ氏名="スズキ　イチロウ", 医療機関名=""),
        row_of(people[11], 氏名="", カナ氏名="", 医療機関名=""),
    ]
    return desk.checked(questionnaires(rows)).id


def test_the_most_doubtful_come_first_and_pages_join(desk: Office, doubtful: int) -> None:
    everything = worklist(desk)
    assert [row.number for row in everything][:2] == [10, 11]
    assert [row.doubt for row in everything] == sorted((row.doubt for row in everything), reverse=True)
    paged: list[int] = []
    after = None
    while True:
        with Session(desk.bureau.engine) as session:
            page = list(doubtful_page(session, Wanted(batch_id=doubtful), after=after, size=3))
        paged += [row.number for row in page[:3]]
        if len(page) <= 3:
            break
        after = page[2].place
    assert paged == [row.number for row in everything]
    assert len(paged) == len(set(paged)) == 12


def test_the_list_by_state_and_by_reason(desk: Office, doubtful: int) -> None:
    assert [row.number for row in worklist(desk, Wanted(state=ImportRowState.BIRTH_DIFFERS))] == [10]
    assert [row.number for row in worklist(desk, Wanted(reason="name_differs"))] == [11]
    assert worklist(desk, Wanted(batch_id=doubtful + 1)) == []
    with Session(desk.bureau.engine) as session:
        assert count_doubtful(session, from_points=40) == 2


def test_a_recorded_row_stays_until_somebody_looks(desk: Office, doubtful: int, world: Session) -> None:
    assert desk.apply(doubtful)["recorded"] == 11
    assert [row.number for row in worklist(desk)][:2] == [10, 11]
    with Session(desk.bureau.engine) as session, session.begin():
        row = session.get_one(ImportRow, (doubtful, 11))
        at = reviewer(desk, session)
        assert at.clear(doubtful, 11, revision=row.revision - 1, reason="改姓") == Stale()
        assert isinstance(at.clear(doubtful, 11, revision=row.revision, reason="改姓を確認"), Done)
        assert at.clear(doubtful, 11, revision=row.revision, reason="もう一度") == Stale()
    assert 11 not in [row.number for row in worklist(desk)]
    (event,) = world.scalars(select(ImportRowEvent).where(ImportRowEvent.deed == "cleared")).all()
    assert (event.reason, event.staff_id) == ("改姓を確認", desk.staff_id)
    desk.undo(doubtful)
    assert worklist(desk) == []


def test_what_was_decided_leaves_the_list(desk: Office, doubtful: int, world: Session) -> None:
    other = clerk(world, "other")
    world.commit()
    with Session(desk.bureau.engine) as session, session.begin():
        held = reviewer(desk, session, other)
        assert held.claim(doubtful, 10)
        late = reviewer(desk, session).decide(doubtful, 10, ImportDecision.REFUSE, revision=1, reason="重複")
        assert late == Stale()
        assert isinstance(held.decide(doubtful, 10, ImportDecision.REFUSE, revision=1, reason="重複"), Done)
    assert 10 not in [row.number for row in worklist(desk)]


def test_a_row_that_went_back_is_more_doubtful(desk: Office, world: Session) -> None:
    child = resident(world, born="2024-03-05")
    world.commit()
    batch = desk.checked(questionnaires([row_of(child, 医療機関名="")]))
    before = desk.rows(batch.id)[0].doubt
    world.refresh(child)
    child.resident_category = ResidentCategory.MOVED_OUT
    child.ceased_resident_on = date(2025, 1, 1)
    world.commit()
    assert desk.apply(batch.id)["back_to_review"] == 1
    (row,) = desk.rows(batch.id)
    assert row.doubt == before + 30
    assert "state_changed" in codes(row)
