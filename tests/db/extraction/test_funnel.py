"""Every rule of the funnel, and every day on which one changes its mind."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.db.extraction.lists import MR2, holds, outcome, run, special
from tests.details import clerk
from tests.doses import given
from tests.people import TODAY, resident
from yvaxportal.models.codes import CircumstanceKind, EligibilityKind, EligibilityState, ResidentCategory, Sex
from yvaxportal.services.extraction.criteria import Criteria, Wanted
from yvaxportal.services.extraction.deciding import NoSuchProgrammeError
from yvaxportal.services.extraction.rules import Rule

DUE = "2020-05-01"
ELDERLY = Criteria("pneumococcal_elderly", TODAY, TODAY)


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2020-04-01", "out"),  # in school since April 2026
        ("2020-04-02", None),  # the first of this year's
        ("2021-04-01", None),  # the last of this year's
        ("2021-04-02", "outside"),  # the next year's
        ("2020-05-00", None),  # any day of May is this year's
        ("2021-00-00", None),  # doubtful, so kept
        ("0000-00-00", "out"),  # nothing is known
    ],
)
def test_the_second_term_of_measles_and_rubella_by_birth(
    db: Session, born: str, expected: str | None
) -> None:
    person = resident(db, born=born)
    found = outcome(run(db))
    if expected == "outside":
        assert person.id not in found
    else:
        # Born before the cohort is outside, too, unless an extension of the term makes the cohort wider.
        assert found.get(person.id, Rule.AGE) == (Rule.AGE if expected == "out" else None)


def test_whoever_missed_the_time_comes_into_question_where_it_was_extended(db: Session) -> None:
    missed = resident(db, born="2018-05-01")
    assert outcome(run(db)) == {}
    assert outcome(run(db, extended=True)) == {missed.id: None}


def test_who_cannot_be_decided_stays_and_is_marked(db: Session) -> None:
    person = resident(db, born="2021-00-00")
    found = run(db)
    assert [one.id for one in found.kept] == [person.id]
    assert found.doubtful == 1
    assert found.kept[0].facts["status"] == "doubtful"


@pytest.mark.parametrize(
    ("born", "until", "on_it"),
    [
        ("1961-11-24", TODAY, True),  # reaches 65 by law the day before the birthday: today
        ("1961-11-25", TODAY, False),
        ("1961-11-25", date(2026, 11, 24), True),
        ("1962-04-01", date(2027, 3, 31), True),
        ("1962-04-02", date(2027, 3, 31), False),
        ("1960-11-25", TODAY, True),  # until the day before the 66th birthday
        ("1960-11-23", TODAY, False),
    ],
)
def test_who_becomes_old_enough_by_the_day_is_on_the_list(
    db: Session, born: str, until: date, on_it: bool
) -> None:
    person = resident(db, born=born)
    found = run(db, ELDERLY, due_until=until)
    assert (person.id in {one.id for one in found.kept}) is on_it


@pytest.mark.parametrize(
    ("said", "in_question"),
    [
        ({"became_resident_on": TODAY}, True),
        ({"became_resident_on": date(2026, 11, 24)}, False),
        ({"became_resident_on": None}, True),
        ({"resident_category": ResidentCategory.MOVED_OUT, "ceased_resident_on": TODAY}, False),
        ({"resident_category": ResidentCategory.MOVED_OUT, "ceased_resident_on": date(2026, 11, 24)}, True),
        ({"resident_category": ResidentCategory.MOVED_OUT, "ceased_resident_on": None}, False),
        ({"resident_category": ResidentCategory.DECEASED, "ceased_resident_on": date(2026, 1, 5)}, False),
        ({"resident_category": ResidentCategory.REMOVED}, False),
        ({"resident_category": ResidentCategory.NON_REGISTERED}, False),
        # Came back: the earlier end is over.
        ({"ceased_resident_on": date(2023, 4, 1), "became_resident_on": date(2024, 4, 1)}, True),
        ({"ceased_resident_on": date(2026, 11, 1), "became_resident_on": date(2024, 4, 1)}, False),
    ],
)
def test_only_residents_of_the_reference_date_come_into_question(
    db: Session, said: dict[str, object], in_question: bool
) -> None:
    person = resident(db, born=DUE, **said)
    assert (person.id in outcome(run(db, still_resident=False))) is in_question


def test_who_left_or_died_meanwhile_is_taken_out(db: Session) -> None:
    day = date(2026, 10, 1)
    stays = resident(db, born=DUE)
    left = resident(
        db, born=DUE, resident_category=ResidentCategory.MOVED_OUT, ceased_resident_on=date(2026, 11, 1)
    )
    died = resident(
        db, born=DUE, resident_category=ResidentCategory.DECEASED, ceased_resident_on=date(2026, 10, 2)
    )
    expected = {stays.id: None, left.id: Rule.GONE, died.id: Rule.GONE}
    assert outcome(run(db, reference_date=day)) == expected
    assert outcome(run(db, reference_date=day, still_resident=False)) == dict.fromkeys(expected)


def test_the_area_takes_out_who_lives_elsewhere_but_tells_nothing_of_the_protected(db: Session) -> None:
    here = resident(db, born=DUE, contact={"address_town_code": "0001001"})
    there = resident(db, born=DUE, contact={"address_town_code": "0001002"})
    nowhere = resident(db, born=DUE)
    protected = resident(db, born=DUE, support_measure_flag=True, contact={"address_town_code": "0001002"})
    found = run(db, towns=("0001001",))
    assert outcome(found) == {here.id: None, there.id: Rule.AREA, nowhere.id: Rule.AREA, protected.id: None}
    assert found.protected == 1


def test_either_school_will_do(db: Session) -> None:
    first = resident(db, born=DUE, contact={"elementary_school_district": "就将小校区"})
    second = resident(db, born=DUE, contact={"junior_high_school_district": "湊山中校区"})
    other = resident(db, born=DUE, contact={"elementary_school_district": "啓成小校区"})
    found = outcome(run(db, schools=("就将小校区", "湊山中校区")))
    assert found == {first.id: None, second.id: None, other.id: Rule.SCHOOL}


@pytest.mark.parametrize(
    ("field", "kind", "rule"),
    [
        (
            "national_health_insurance",
            EligibilityKind.NATIONAL_HEALTH_INSURANCE,
            Rule.NATIONAL_HEALTH_INSURANCE,
        ),
        ("late_elderly_insurance", EligibilityKind.LATE_ELDERLY_INSURANCE, Rule.LATE_ELDERLY_INSURANCE),
        ("public_assistance", EligibilityKind.PUBLIC_ASSISTANCE, Rule.PUBLIC_ASSISTANCE),
    ],
)
def test_insurance_and_assistance_are_those_of_the_reference_date(
    db: Session, field: str, kind: EligibilityKind, rule: Rule
) -> None:
    held, over, ends_today, nothing, said_no = (resident(db, born=DUE) for _ in range(5))
    holds(db, held, kind, EligibilityState.HELD)
    holds(db, over, kind, EligibilityState.HELD, valid_to=date(2026, 11, 22))
    holds(db, ends_today, kind, EligibilityState.HELD, valid_to=TODAY)
    holds(db, said_no, kind, EligibilityState.HELD, valid_to=date(2025, 3, 31))
    holds(db, said_no, kind, EligibilityState.NOT_HELD, valid_from=date(2025, 4, 1))
    have, have_not = {held.id, ends_today.id}, {over.id, nothing.id, said_no.id}
    chosen: dict[str, Any] = {field: Wanted.HELD}
    only = outcome(run(db, replace(MR2, **chosen)))
    assert {one for one, out in only.items() if out is None} == have
    assert {one for one, out in only.items() if out is rule} == have_not
    chosen[field] = Wanted.NOT_HELD
    without = outcome(run(db, replace(MR2, **chosen)))
    assert {one for one, out in without.items() if out is None} == have_not


def test_taxation_stays_by_the_states_that_are_chosen(db: Session) -> None:
    people = {state: resident(db, born=DUE) for state in (EligibilityState.EXEMPT, EligibilityState.TAXED)}
    for state, person in people.items():
        holds(db, person, EligibilityKind.TAX_EXEMPT, state)
    nothing = resident(db, born=DUE)
    assert outcome(run(db, taxation=(EligibilityState.EXEMPT,))) == {
        people[EligibilityState.EXEMPT].id: None,
        people[EligibilityState.TAXED].id: Rule.TAXATION,
        nothing.id: Rule.TAXATION,
    }


def test_doses_take_out_who_is_done_and_who_cannot_have_it_yet(db: Session) -> None:
    done, once, early, cancelled = (resident(db, born=DUE) for _ in range(4))
    db.add_all(given(done, ("mr", 1, "2021-07-01"), ("mr", 2, "2026-05-01")))
    db.add_all(given(once, ("mr", 1, "2021-07-01")))
    # The second dose before its term counts for nothing: somebody has to look.
    db.add_all(given(early, ("mr", 1, "2021-07-01"), ("mr", 2, "2026-03-31")))
    (taken_back,) = given(cancelled, ("mr", 2, "2026-05-01"))
    taken_back.state, taken_back.change_reason = taken_back.state.CANCELLED, "誤り"
    db.add(taken_back)
    found = run(db)
    out = outcome(found)
    assert out[done.id] is Rule.DONE
    assert out[once.id] is None
    assert out[cancelled.id] is None
    assert out[early.id] is not Rule.DONE
    assert all(one.forecast is None or one.forecast.programme == "mr2" for one in found.kept)
    assert outcome(run(db, doses=False))[done.id] is None


def test_who_had_the_dose_after_the_reference_date_is_not_invited_to_it(db: Session) -> None:
    day = date(2026, 9, 1)
    before, after, other = (resident(db, born=DUE) for _ in range(3))
    db.add_all(given(before, ("mr", 1, "2021-07-01"), ("mr", 2, "2026-09-01")))
    db.add_all(given(after, ("mr", 1, "2021-07-01"), ("mr", 2, "2026-09-02")))
    db.add_all(given(other, ("mr", 1, "2021-07-01"), ("influenza", 1, "2026-10-20")))
    found = run(db, reference_date=day)
    assert outcome(found) == {before.id: Rule.DONE, after.id: Rule.DONE, other.id: None}
    assert next(one.facts for one in found.candidates if one.id == after.id) == {"given_since": "2026-09-02"}


def test_a_course_that_was_begun_goes_on_when_it_is_too_late_to_begin_one(db: Session) -> None:
    # The first dose against rotavirus is given until 14 weeks and 6 days, the course until 24 weeks.
    begun, not_begun = (resident(db, born="2026-07-20") for _ in range(2))
    db.add_all(given(begun, ("rotavirus_1", 1, "2026-09-20")))
    found = outcome(run(db, Criteria("rotavirus", TODAY, TODAY)))
    assert found[begun.id] is None
    everybody = outcome(run(db, Criteria("rotavirus", TODAY, TODAY, towns=("0001001",))))
    assert everybody == {begun.id: Rule.AREA, not_begun.id: found[not_begun.id] or Rule.AREA}


def test_an_interval_that_is_over_by_the_day_keeps_somebody_on(db: Session) -> None:
    # 27 full days lie between two live vaccines that are injected.
    child = resident(db, born=DUE)
    db.add_all(given(child, ("mr", 1, "2021-07-01"), ("varicella", 2, "2026-11-20")))
    assert outcome(run(db, due_until=date(2026, 12, 17))) == {child.id: Rule.NOT_YET_DUE}
    assert outcome(run(db, due_until=date(2026, 12, 18))) == {child.id: None}


def test_special_circumstances_take_out_and_can_be_left_unasked(db: Session) -> None:
    staff = clerk(db)
    plain, had_both, had_one, forbidden, over, taken_back = (resident(db, born=DUE) for _ in range(6))
    for disease in ("measles", "rubella"):
        special(db, had_both, CircumstanceKind.DISEASE_HISTORY, staff, disease)
    special(db, had_one, CircumstanceKind.DISEASE_HISTORY, staff, "measles")
    special(db, forbidden, CircumstanceKind.CONTRAINDICATION, staff, "mr2")
    special(db, over, CircumstanceKind.CONTRAINDICATION, staff, "mr2", ends_on=date(2026, 11, 22))
    row = special(db, taken_back, CircumstanceKind.CONTRAINDICATION, staff, "mr2")
    row.cancelled_by, row.cancelled_at, row.cancel_reason = staff, row.recorded_at, "誤り"
    found = run(db)
    assert outcome(found) == {
        plain.id: None,
        had_both.id: Rule.CIRCUMSTANCES,
        had_one.id: None,
        forbidden.id: Rule.CIRCUMSTANCES,
        over.id: None,
        taken_back.id: None,
    }
    facts = next(one.facts for one in found.candidates if one.id == forbidden.id)
    assert facts["reasons"][0]["ja"]
    assert set(outcome(run(db, circumstances=False)).values()) == {None}


def test_a_risk_group_opens_the_programme_at_sixty(db: Session) -> None:
    staff = clerk(db)
    plain, entered, certified, unclear, lighter = (resident(db, born="1964-05-01") for _ in range(5))
    special(db, entered, CircumstanceKind.RISK_GROUP, staff, "heart")
    disability = EligibilityKind.PHYSICAL_DISABILITY_CERTIFICATE
    holds(db, certified, disability, EligibilityState.HELD, detail="1級（呼吸器機能障害）")
    holds(db, unclear, disability, EligibilityState.HELD, detail="1級")
    holds(db, lighter, disability, EligibilityState.HELD, detail="3級（呼吸器機能障害）")
    found = outcome(run(db, ELDERLY))
    assert plain.id not in found
    assert found == {entered.id: None, certified.id: None, unclear.id: Rule.AGE, lighter.id: Rule.AGE}


def test_a_long_illness_brings_somebody_back(db: Session) -> None:
    staff = clerk(db)
    ended = date(2026, 6, 1)
    ill = resident(db, born="2019-06-01")
    special(db, ill, CircumstanceKind.LONG_ILLNESS, staff, "mr2", starts_on=date(2025, 5, 1), ends_on=ended)
    assert outcome(run(db)) == {ill.id: None}


def test_a_pregnancy_is_asked_for_by_the_vaccine_of_pregnancy(db: Session) -> None:
    staff = clerk(db)
    criteria = Criteria("rs_maternal", TODAY, date(2027, 3, 31))
    mother, other = (resident(db, born="1995-05-01", sex=Sex.FEMALE) for _ in range(2))
    special(db, mother, CircumstanceKind.PREGNANCY, staff, ends_on=date(2027, 1, 31))
    assert outcome(run(db, criteria)) == {mother.id: None}
    assert other.id


def test_nothing_is_posted_to_whom_nothing_shall_be(db: Session) -> None:
    staff = clerk(db)
    silent, later = resident(db, born=DUE), resident(db, born=DUE)
    special(db, silent, CircumstanceKind.NO_INVITATION, staff)
    special(db, later, CircumstanceKind.NO_INVITATION, staff, starts_on=date(2026, 11, 24))
    assert outcome(run(db)) == {silent.id: Rule.NO_INVITATION, later.id: None}
    assert set(outcome(run(db, no_invitation=False)).values()) == {None}


def test_only_who_moved_in_since_the_day(db: Session) -> None:
    day = date(2026, 10, 1)
    on_it = resident(db, born=DUE, became_resident_on=day, became_resident_reason="国内転入")
    before = resident(db, born=DUE, became_resident_on=date(2026, 9, 30), became_resident_reason="国内転入")
    born_here = resident(db, born=DUE)
    assert outcome(run(db, moved_in_since=day)) == {
        on_it.id: None,
        before.id: Rule.MOVED_IN,
        born_here.id: Rule.MOVED_IN,
    }


def test_the_first_rule_that_takes_somebody_out_is_the_one_that_is_kept(db: Session) -> None:
    staff = clerk(db)
    child = resident(db, born=DUE, contact={"address_town_code": "0001002"})
    special(db, child, CircumstanceKind.NO_INVITATION, staff)
    found = run(db, towns=("0001001",))
    assert outcome(found) == {child.id: Rule.AREA}
    assert [step.rule for step in found.steps] == [rule for rule in Rule if rule in found.criteria.rules]


def test_a_programme_that_is_not_in_force_is_refused(db: Session) -> None:
    with pytest.raises(NoSuchProgrammeError):
        run(db, Criteria("no_such", TODAY, TODAY))
    with pytest.raises(NoSuchProgrammeError):
        run(db, Criteria("covid19_special", TODAY, TODAY))


def test_nobody_at_all_is_a_list_too(db: Session) -> None:
    found = run(db, MR2)
    assert (found.base, found.left, found.figures[-1]) == (0, 0, 0)
