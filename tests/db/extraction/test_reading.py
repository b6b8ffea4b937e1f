"""Reading lists back: why somebody was or was not invited, figures, comparing, searching within."""

from datetime import date

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.db.extraction.lists import MR2, SCHEDULE, save, special, trail
from tests.details import clerk
from tests.doses import given
from tests.people import NOW, TODAY, resident
from yvaxportal.models.codes import CircumstanceKind, ResidentCategory, Sex
from yvaxportal.models.resident import Resident
from yvaxportal.services.extraction.changing import add_person, remove_person
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.figures import figures_of
from yvaxportal.services.extraction.history import Answer, Outside, past_runs
from yvaxportal.services.extraction.lists import town_name, towns_of
from yvaxportal.services.extraction.members import (
    Comparison,
    Shown,
    Side,
    compare,
    compared_members,
    find_members,
    members_of,
)
from yvaxportal.services.extraction.places import (
    AmbiguousPlaceError,
    UnknownPlaceError,
    read_schools,
    read_towns,
)
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.find_residents import Sight
from yvaxportal.services.residents import ResidentRow, find_by_atena_number
from yvaxportal.services.search_terms import read_terms

DUE = "2020-05-01"
PREFIXES = ("鳥取県", "鳥取県米子市")
BLIND = Sight(contact=False, protected=False)
PLAIN = Sight(contact=True, protected=False)


def row_of(session: Session, person: Resident) -> ResidentRow:
    found = find_by_atena_number(session, person.atena_number)
    assert found is not None
    return found


def test_every_past_list_answers_for_everybody(db: Session, engine: Engine) -> None:
    staff = clerk(db)
    audit = trail(db, engine)
    people = {
        "on": resident(db, born=DUE),
        "done": resident(db, born=DUE),
        "off": resident(db, born=DUE),
        "adult": resident(db, born="1950-01-01"),
        "later": resident(db, born=DUE, became_resident_on=date(2026, 11, 24)),
        "gone": resident(
            db,
            born=DUE,
            resident_category=ResidentCategory.MOVED_OUT,
            ceased_resident_on=date(2026, 4, 1),
        ),
    }
    db.add_all(given(people["done"], ("mr", 1, "2021-07-01"), ("mr", 2, "2026-05-01")))
    number = save(db, audit, staff)
    remove_person(
        db, audit, number, people["off"].id, reason="他市で接種", revision=1, staff_id=staff, now=NOW
    )
    add_person(
        db, audit, number, people["adult"].id, reason="医師の意見", revision=2, staff_id=staff, now=NOW
    )
    answers = {name: past_runs(db, row_of(db, person))[0] for name, person in people.items()}
    assert {name: (run.answer, run.rule, run.outside) for name, run in answers.items()} == {
        "on": (Answer.ON_LIST, None, None),
        "done": (Answer.EXCLUDED, Rule.DONE, None),
        "off": (Answer.REMOVED, None, None),
        "adult": (Answer.ADDED, None, None),
        "later": (Answer.OUTSIDE, None, Outside.CAME_LATER),
        "gone": (Answer.OUTSIDE, None, Outside.NOT_A_RESIDENT),
    }
    assert (answers["off"].by_hand_reason, answers["off"].by_hand_by) == ("他市で接種", "見本職員")
    assert answers["done"].detail["reasons"][0]["ja"]


@pytest.mark.parametrize(
    ("programme", "said", "why"),
    [
        ("mr2", {"born": "1950-01-01"}, Outside.BIRTH),
        ("hpv", {"born": "2013-05-01", "sex": Sex.MALE}, Outside.SEX),
        ("pneumococcal_elderly", {"born": "1964-05-01"}, Outside.NOT_AT_RISK),
        ("rs_maternal", {"born": "1995-05-01", "sex": Sex.FEMALE}, Outside.NEEDS),
    ],
)
def test_who_did_not_come_into_question_is_told_why(
    db: Session, engine: Engine, programme: str, said: dict[str, object], why: Outside
) -> None:
    person = resident(db, **said)
    save(db, trail(db, engine), clerk(db), Criteria(programme, TODAY, date(2027, 3, 31)))
    (run,) = past_runs(db, row_of(db, person))
    assert (run.answer, run.outside) == (Answer.OUTSIDE, why)


def test_the_coverage_grows_with_the_doses_given_since(db: Session, engine: Engine) -> None:
    staff = clerk(db)
    contact = {"address_town_code": "0001001", "current_address": "鳥取県米子市錦町一丁目139番地3"}
    children = [resident(db, born=DUE, contact=contact) for _ in range(4)]
    hidden = resident(db, born=DUE, support_measure_flag=True, contact=contact)
    number = save(db, trail(db, engine), staff, reference_date=date(2026, 9, 15))
    db.add_all(given(children[0], ("mr", 2, "2026-09-20")))
    db.add_all(given(children[1], ("mr", 2, "2026-11-02"), ("influenza", 1, "2026-10-20")))
    db.add_all(given(hidden, ("mr", 2, "2026-11-03")))
    db.add_all(given(children[2], ("mr", 1, "2026-09-14")))
    db.flush()
    programme = SCHEDULE.get("mr2")
    assert programme is not None
    figures = figures_of(
        db, number, reference_date=date(2026, 9, 15), vaccines=programme.vaccines, today=TODAY
    )
    assert (figures.members, figures.covered) == (5, 3)
    months = {month.first_day.month: (month.given, month.total) for month in figures.months}
    assert months[9] == (1, 1)
    assert months[10] == (0, 1)
    assert months[11] == (2, 3)
    assert months[12] == months[3] == (None, None)
    assert list(months) == [9, 10, 11, 12, 1, 2, 3]
    assert [(bar.town, bar.protected, bar.members, bar.covered) for bar in figures.areas] == [
        ("0001001", False, 4, 2),
        (None, True, 1, 1),
    ]
    (bar,) = figures.ages
    assert (bar.month, bar.men, bar.women) == (date(2020, 5, 1), 5, 0)


def test_elderly_people_stand_in_years(db: Session, engine: Engine) -> None:
    for year in range(1955, 1960):
        resident(db, born=f"{year}-05-01", sex=Sex.FEMALE)
    resident(db, born="1955-00-00")
    number = save(db, trail(db, engine), clerk(db), Criteria("influenza", TODAY, TODAY))
    figures = figures_of(db, number, reference_date=TODAY, vaccines=("influenza",), today=TODAY)
    assert [bar.years for bar in figures.ages] == [67, 68, 69, 70, 71, None]
    assert figures.ages[0].women == 1


def test_two_lists_are_compared_person_by_person(db: Session, engine: Engine) -> None:
    staff, audit = clerk(db), trail(db, engine)
    first, second, third = (resident(db, born=DUE) for _ in range(3))
    one = save(db, audit, staff)
    remove_person(db, audit, one, third.id, reason="見本", revision=1, staff_id=staff, now=NOW)
    special(db, first, CircumstanceKind.NO_INVITATION, staff)
    two = save(db, audit, staff)
    assert compare(db, one, two) == Comparison(only_first=1, only_second=1, both=1)
    sides = {side: compared_members(db, one, two, side, sight=PLAIN) for side in Side}
    assert [m.resident_id for m in sides[Side.ONLY_FIRST].members] == [first.id]
    assert [m.resident_id for m in sides[Side.ONLY_SECOND].members] == [third.id]
    assert [m.resident_id for m in sides[Side.BOTH].members] == [second.id]


def test_people_are_paged_and_searched_within_the_list_only(db: Session, engine: Engine) -> None:
    staff = clerk(db)
    found = resident(db, born=DUE, name="境　花子", name_kana="サカイ　ハナコ")
    others = [resident(db, born="2020-06-01") for _ in range(3)]
    outside = resident(db, born="1950-05-01", name="境　一郎", name_kana="サカイ　イチロウ")
    number = save(db, trail(db, engine), staff)
    first = members_of(db, number, sight=PLAIN, limit=3)
    rest = members_of(db, number, sight=PLAIN, limit=3, after=first.next_cursor)
    assert [m.resident_id for m in (*first.members, *rest.members)] == [found.id, *(o.id for o in others)]
    assert rest.next_cursor is None
    for typed in ("さかい", "境", found.atena_number, "R2.5.1", "さかい R2.5.1"):
        page = find_members(db, number, read_terms(typed), sight=PLAIN)
        assert [m.resident_id for m in page.members] == [found.id], typed
    assert find_members(db, number, read_terms(outside.atena_number), sight=PLAIN).members == []
    assert find_members(db, number, read_terms("錦町1-139"), sight=PLAIN).members == ()


def test_where_protected_people_live_is_withheld(db: Session, engine: Engine) -> None:
    plain = resident(db, born=DUE)
    hidden = resident(db, born=DUE, support_measure_flag=True)
    later = resident(db, born=DUE)
    number = save(db, trail(db, engine), clerk(db))
    later.support_measure_flag = True
    db.flush()
    shown = {m.resident_id: m.current_address for m in members_of(db, number, sight=PLAIN).members}
    assert shown == {plain.id: "鳥取県米子市錦町1-139-3", hidden.id: None, later.id: None}
    assert {m.current_address for m in members_of(db, number, sight=BLIND).members} == {None}
    protected = members_of(db, number, shown=Shown.PROTECTED, sight=PLAIN)
    assert [m.resident_id for m in protected.members] == [hidden.id, later.id]


def test_towns_are_named_by_their_addresses_and_never_by_a_protected_one(db: Session) -> None:
    for code, address, hidden in (
        ("0001001", "鳥取県米子市錦町一丁目139番地3", False),
        ("0001002", "鳥取県米子市錦町二丁目1番地", False),
        ("0002000", "鳥取県米子市加茂町１", False),
        ("0003000", "鳥取県米子市秘密町1", True),
    ):
        resident(
            db,
            support_measure_flag=hidden,
            contact={"address_town_code": code, "current_address": address},
        )
    towns = towns_of(db, PREFIXES)
    assert {town.code: town.name for town in towns} == {
        "0001001": "錦町一丁目",
        "0001002": "錦町二丁目",
        "0002000": "加茂町",
    }
    assert read_towns("錦町、加茂町", towns) == ("0001001", "0001002", "0002000")
    assert read_towns("錦町二丁目", towns) == ("0001002",)
    assert read_towns(" 0002000 ", towns) == ("0002000",)
    assert read_towns("", towns) == ()
    with pytest.raises(UnknownPlaceError):
        read_towns("秘密町", towns)
    assert town_name("錦町", ()) == "錦町"


def test_schools_are_named_as_far_as_one_is_meant() -> None:
    schools = ("就将小校区", "就将中校区", "啓成小校区")
    assert read_schools("就将小校区, 啓成", schools) == ("就将小校区", "啓成小校区")
    with pytest.raises(AmbiguousPlaceError) as several:
        read_schools("就将", schools)
    assert several.value.some == ("就将小校区", "就将中校区")
    with pytest.raises(UnknownPlaceError):
        read_schools("湊山", schools)
    assert MR2.schools == ()
