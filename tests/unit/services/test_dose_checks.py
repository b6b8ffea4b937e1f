from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.models.codes import (
    DoseCategory,
    IdentityCheckMethod,
    IdentityDocument,
    IneligibilityJudgement,
    Judgement,
    PneumococcalType,
    ResidentCategory,
    VaccinationStatus,
)
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.dose_checks import check_dose
from yvaxportal.services.dose_course import next_number
from yvaxportal.services.dose_draft import DoseDraft, OtherDose, Person, Place
from yvaxportal.services.dose_findings import DoseAlert, DoseError, Findings
from yvaxportal.values.wareki import PartialDate

TODAY = date(2026, 11, 23)
BORN = date(2025, 6, 10)
CATALOGUE = load_catalogue()
SCHEDULE = load_schedule(CATALOGUE)
CLINIC = Place(1, "3110112342", "ひまわり小児科", date(2000, 4, 1), None)
CHILD = Person(
    born=PartialDate.of(BORN), sex="2", category=ResidentCategory.RESIDENT, became_resident_on=BORN
)
# The first dose of measles and rubella, on a day on which nothing can be said against it.
MR = DoseDraft(
    vaccine="mr",
    given_on=date(2026, 8, 3),
    dose_number=1,
    judgement=Judgement.GIVEN,
    dose_category=DoseCategory.ROUTINE,
    institution_code=CLINIC.code,
    lot_number="Y123",
    identity_method=IdentityCheckMethod.INTERVIEW_FORM,
    identity_document=IdentityDocument.QUESTIONNAIRE_MATCHED,
)
COVID = replace(
    MR,
    vaccine="comirnaty_xbb",
    given_on=date(2023, 10, 2),
    lot_number="GK1234",
    dose_category=DoseCategory.TEMPORARY,
)
ADULT = Person(born=PartialDate(1955, 4, 1), sex="1", category=ResidentCategory.RESIDENT)


def other(vaccine: str, day: date, number: int = 1, key: int = 7, **said: Any) -> OtherDose:
    said.setdefault("judgement", Judgement.GIVEN)
    return OtherDose(id=key, vaccine=vaccine, dose_number=number, given_on=day, **said)


def check(
    draft: DoseDraft = MR,
    person: Person = CHILD,
    others: Sequence[OtherDose] = (),
    place: Place | None = CLINIC,
) -> Findings:
    return check_dose(draft, person, others, SCHEDULE, TODAY, place=place)


def errors(*given: Any, **named: Any) -> list[object]:
    return [found.code for found in check(*given, **named).errors]


def test_an_ordinary_dose_has_neither_errors_nor_alerts() -> None:
    assert check() == Findings()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vaccine": "nonsense"}, DoseError.UNKNOWN_VACCINE),
        ({"given_on": TODAY + timedelta(days=1)}, DoseError.IN_FUTURE),
        ({"given_on": BORN - timedelta(days=1)}, DoseError.BEFORE_BIRTH),
        ({"dose_number": 3}, DoseError.NUMBER_BEYOND_SERIES),
        ({"dose_number": 0}, DoseError.NUMBER_BEYOND_SERIES),
        ({"lot_number": "lot 12/3"}, DoseError.LOT_FORMAT),
        ({"institution_code": "3110112341"}, DoseError.INSTITUTION_CODE),
        ({"institution_code": "311011234"}, DoseError.INSTITUTION_CODE),
        ({"pneumococcal_type": PneumococcalType.V13}, DoseError.PNEUMOCOCCAL_TYPE),
        ({"ticket_number": "0123456789"}, DoseError.COVID_ITEMS),
        ({"identity_method": None}, DoseError.IDENTITY_MISSING),
        ({"identity_document": None}, DoseError.IDENTITY_MISSING),
        ({"remarks": "番号は 9000 0000 0019 とのこと"}, DoseError.PERSONAL_NUMBER),
        ({"physician": "900000000019"}, DoseError.PERSONAL_NUMBER),
    ],
)
def test_what_is_impossible_is_an_error(change: dict[str, Any], code: DoseError) -> None:
    assert errors(replace(MR, **change)) == [code]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ticket_number": "123456789"}, DoseError.TICKET_NUMBER),
        ({"municipality_code": "312021"}, DoseError.MUNICIPALITY_CODE),
        ({"vaccination_status": VaccinationStatus.NOT_DONE}, DoseError.STATUS_CONTRADICTS),
        ({"lot_number": "Y123"}, DoseError.LOT_FORMAT),
        ({"given_on": date(2023, 9, 19)}, DoseError.VACCINE_NOT_YET),
    ],
)
def test_the_items_of_the_covid_record_are_checked(change: dict[str, Any], code: DoseError) -> None:
    good = replace(COVID, ticket_number="0123456789", municipality_code="312029")
    assert errors(good, ADULT) == []
    assert errors(replace(good, **change), ADULT) == [code]


def test_a_code_that_the_list_does_not_have_is_an_error_and_a_closed_institution_an_alert() -> None:
    assert errors(place=None) == [DoseError.INSTITUTION_UNKNOWN]
    closed = replace(CLINIC, valid_to=date(2026, 3, 31))
    assert check(place=closed).find(DoseAlert.INSTITUTION_CLOSED) is not None
    assert check(place=replace(CLINIC, valid_from=date(2026, 9, 1))).find(DoseAlert.INSTITUTION_NOT_YET)
    nowhere = replace(MR, institution_code=None)
    assert [found.code for found in check(nowhere, place=None).alerts] == [DoseAlert.INSTITUTION_MISSING]
    assert check(replace(nowhere, institution_name="西小学校"), place=None) == Findings()


def test_the_day_of_death_is_possible_and_the_day_after_is_not() -> None:
    dead = replace(CHILD, category=ResidentCategory.DECEASED, left_on=MR.given_on)
    assert errors(person=dead) == []
    assert errors(replace(MR, given_on=MR.given_on + timedelta(days=1)), dead) == [DoseError.AFTER_DEATH]
    undated = check(person=replace(dead, left_on=None))
    assert [found.code for found in undated.alerts] == [DoseAlert.LEAVING_DAY_UNKNOWN]


@pytest.mark.parametrize(
    ("born", "day", "before_birth"),
    [
        (PartialDate(1955), date(1954, 12, 31), True),
        (PartialDate(1955), date(1955, 1, 1), False),
        (PartialDate(1955, 4), date(1955, 3, 31), True),
        (PartialDate(1955, 4), date(1955, 4, 1), False),
        (None, date(1955, 4, 1), False),
    ],
)
def test_a_partly_unknown_birth_date_counts_from_its_first_possible_day(
    born: PartialDate | None, day: date, before_birth: bool
) -> None:
    found = check(
        replace(MR, vaccine="dpt", given_on=day + timedelta(days=365 * 20)), replace(CHILD, born=born)
    )
    assert found.find(DoseAlert.AGE_UNKNOWN) is not None
    found = check(replace(MR, given_on=day), replace(CHILD, born=born))
    assert (found.find(DoseError.BEFORE_BIRTH) is not None) is before_birth


@pytest.mark.parametrize(
    ("existing", "code"),
    [
        (other("mr", MR.given_on, 2), DoseError.DOUBLE_DAY),
        (other("mr", MR.given_on, 1), DoseError.DOUBLE_DAY),
        (other("mr", MR.given_on - timedelta(days=30)), DoseError.DOUBLE_NUMBER),
    ],
)
def test_the_same_dose_twice_is_an_error_that_names_the_other(existing: OtherDose, code: DoseError) -> None:
    found = check(others=[existing])
    assert [one.code for one in found.errors] == [code]
    assert found.errors[0].dose_id == existing.id


def test_a_deferred_visit_and_the_dose_of_the_same_day_are_two_records() -> None:
    deferred = other("mr", MR.given_on, judgement=Judgement.DEFERRED)
    assert check(others=[deferred]) == Findings()
    again = replace(MR, judgement=Judgement.DEFERRED)
    assert errors(again, others=[deferred]) == [DoseError.DOUBLE_DAY]


def test_numbers_of_a_seasonal_vaccine_begin_again_each_season() -> None:
    flu = replace(MR, vaccine="influenza", given_on=date(2026, 10, 20))
    last_year = other("influenza", date(2025, 10, 20))
    this_year = other("influenza", date(2026, 10, 2))
    assert errors(flu, ADULT, [last_year]) == []
    assert errors(flu, ADULT, [last_year, this_year]) == [DoseError.DOUBLE_NUMBER]
    vaccine = CATALOGUE.vaccines["influenza"]
    assert next_number(vaccine, date(2026, 10, 20), [last_year], CATALOGUE) == 1
    assert next_number(vaccine, date(2026, 10, 20), [last_year, this_year], CATALOGUE) == 2


def test_the_next_number_is_one_more_than_the_greatest_and_not_beyond_the_last() -> None:
    vaccine = CATALOGUE.vaccines["mr"]
    first = other("mr", BORN + timedelta(days=400))
    refused = other("mr", TODAY, 2, judgement=Judgement.UNFIT)
    assert next_number(vaccine, TODAY, [], CATALOGUE) == 1
    assert next_number(vaccine, TODAY, [first, refused], CATALOGUE) == 2
    assert next_number(vaccine, TODAY, [first, replace(first, dose_number=2)], CATALOGUE) == 2


@pytest.mark.parametrize(
    ("days", "missing"), [(27, 1), (28, None), (1, 27), (0, None), (-27, 1), (-28, None)]
)
def test_injected_live_vaccines_stand_27_full_days_apart(days: int, missing: int | None) -> None:
    varicella = other("varicella", MR.given_on - timedelta(days=days))
    found = check(others=[varicella]).find(DoseAlert.LIVE_INTERVAL)
    assert (found.case["missing"] if found else None) == missing


def test_the_interval_concerns_injected_live_vaccines_that_were_given() -> None:
    near = MR.given_on - timedelta(days=7)
    harmless = [
        other("rotavirus_1", near),
        other("hepatitis_b", near),
        other("varicella", near, judgement=Judgement.DEFERRED),
    ]
    assert check(others=harmless).find(DoseAlert.LIVE_INTERVAL) is None


def test_outside_the_age_window_the_alert_says_by_how_many_days() -> None:
    # 生後12月に達するのは1歳の誕生日の前日
    first_day = date(2026, 6, 9)
    assert check(replace(MR, given_on=first_day)) == Findings()
    found = check(replace(MR, given_on=first_day - timedelta(days=1))).find(DoseAlert.OUTSIDE_AGE)
    assert found is not None
    assert found.case["reason_en"]
    assert found.case["reason_ja"]
    voluntary = replace(MR, given_on=first_day - timedelta(days=1), dose_category=DoseCategory.VOLUNTARY)
    assert check(voluntary) == Findings()


def test_an_interval_of_the_same_series_that_is_too_short_is_an_alert() -> None:
    first = other("hepatitis_b", date(2025, 8, 20))
    second = replace(MR, vaccine="hepatitis_b", dose_number=2)
    assert check(replace(second, given_on=date(2025, 9, 17)), others=[first]) == Findings()
    short = check(replace(second, given_on=date(2025, 9, 16)), others=[first])
    assert [found.code for found in short.alerts] == [DoseAlert.OUTSIDE_AGE]


def test_numbers_left_out_or_against_the_days_are_alerts() -> None:
    gap = check(replace(MR, vaccine="dpt_ipv_hib", dose_number=3), others=[other("dpt_ipv_hib", BORN)])
    found = gap.find(DoseAlert.NUMBER_GAP)
    assert found is not None
    assert found.case["missing"] == 2
    later = other("mr", MR.given_on + timedelta(days=60), 1)
    order = check(replace(MR, dose_number=2), others=[later]).find(DoseAlert.NUMBER_ORDER)
    assert order is not None
    assert order.case == {"number": 1, "given": later.given_on}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"category": ResidentCategory.MOVED_OUT, "left_on": date(2026, 8, 2)}, DoseAlert.AFTER_LEAVING),
        ({"category": ResidentCategory.MOVED_OUT, "left_on": MR.given_on}, None),
        ({"category": ResidentCategory.REMOVED}, DoseAlert.LEAVING_DAY_UNKNOWN),
        ({"category": ResidentCategory.NON_REGISTERED}, DoseAlert.NOT_REGISTERED),
        ({"became_resident_on": date(2026, 8, 4)}, DoseAlert.BEFORE_RESIDENCE),
        ({"became_resident_on": MR.given_on}, None),
        ({"support_measure": True}, DoseAlert.SUPPORT_MEASURE),
    ],
)
def test_who_was_no_resident_or_is_protected_is_an_alert(
    change: dict[str, Any], code: DoseAlert | None
) -> None:
    found = check(person=replace(CHILD, **change))
    assert found.errors == ()
    assert [one.code for one in found.alerts] == ([code] if code else [])


def test_the_rest_of_the_alerts() -> None:
    assert [found.code for found in check(replace(MR, lot_number=None)).alerts] == [DoseAlert.LOT_MISSING]
    assert check(replace(MR, lot_number=None, judgement=Judgement.UNFIT)) == Findings()
    old = check(replace(COVID, given_on=date(2024, 4, 1)), ADULT).find(DoseAlert.VACCINE_ENDED)
    assert old is not None
    assert old.case["last"] == date(2024, 3, 31)
    outside = replace(MR, ineligibility_judgement=IneligibilityJudgement.AGE)
    assert [found.code for found in check(outside).alerts] == [DoseAlert.INELIGIBLE_ROUTINE]
    assert check(replace(outside, dose_category=DoseCategory.VOLUNTARY)) == Findings()


def test_a_key_stands_for_one_finding_and_is_never_taken_for_a_number() -> None:
    seven = check(others=[other("varicella", MR.given_on - timedelta(days=7))]).alerts[0]
    eight = check(others=[other("varicella", MR.given_on - timedelta(days=8))]).alerts[0]
    assert seven.code is eight.code
    assert seven.key != eight.key
    assert seven.key.isalpha()
    assert len(seven.key) == 16


CODES = sorted(code for code, vaccine in CATALOGUE.vaccines.items() if vaccine.valid_to is None)
DAYS = st.dates(BORN, TODAY)
OTHERS = st.lists(
    st.builds(
        OtherDose,
        id=st.integers(1, 10**6),
        vaccine=st.sampled_from(CODES),
        dose_number=st.integers(1, 4),
        given_on=DAYS,
        judgement=st.sampled_from(Judgement),
    ),
    max_size=8,
    unique_by=lambda dose: dose.id,
)
DRAFTS = st.builds(
    lambda vaccine, day, number, judgement: replace(
        MR, vaccine=vaccine, given_on=day, dose_number=number, judgement=judgement, lot_number=None
    ),
    st.sampled_from(CODES),
    DAYS,
    st.integers(1, 4),
    st.sampled_from(Judgement),
)


@given(DRAFTS, OTHERS, st.randoms(use_true_random=False))
def test_the_order_of_the_other_doses_changes_nothing(
    draft: DoseDraft, others: list[OtherDose], random: Any
) -> None:
    shuffled = list(others)
    random.shuffle(shuffled)
    assert check(draft, others=others) == check(draft, others=shuffled)


@given(DRAFTS, OTHERS)
def test_a_dose_that_was_saved_cannot_be_saved_again(draft: DoseDraft, others: list[OtherDose]) -> None:
    if not check(draft, others=others).errors:
        kept = other(draft.vaccine, draft.given_on, draft.dose_number, 0, judgement=draft.judgement)
        assert check(draft, others=[*others, kept]).find(DoseError.DOUBLE_DAY) is not None


@given(OTHERS)
def test_the_next_number_is_never_a_double_unless_the_course_is_full(others: list[OtherDose]) -> None:
    for code in ("mr", "dpt_ipv_hib", "hepatitis_b"):
        vaccine = CATALOGUE.vaccines[code]
        number = next_number(vaccine, TODAY, others, CATALOGUE)
        used = {one.dose_number for one in others if one.vaccine == code and one.judgement is Judgement.GIVEN}
        assert 1 <= number <= vaccine.doses
        assert number not in used or max(used) >= vaccine.doses
