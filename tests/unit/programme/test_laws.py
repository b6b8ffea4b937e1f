"""The laws of the engine, whatever the people, doses and days are."""

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.forecasting import Forecast, Forecaster, forecast
from yvaxportal.programme.history import is_allowed
from yvaxportal.programme.judging import judge
from yvaxportal.programme.loading import load_schedule
from yvaxportal.programme.outlook import Outlook
from yvaxportal.programme.periods import periods, runs
from yvaxportal.programme.person import Circumstance, GivenDose, Person
from yvaxportal.programme.targets import targets
from yvaxportal.values.wareki import PartialDate

SCHEDULE = load_schedule(load_catalogue())
DAY = timedelta(days=1)
TODAY = date(2026, 11, 23)

# The machine may be busy, and most people are targets of little.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])

births = st.one_of(
    st.dates(date(2012, 1, 1), TODAY),
    st.dates(date(1925, 1, 1), TODAY),
    # The days on which calendars stumble.
    st.builds(
        lambda year, day: date(year, *day),
        st.integers(2013, 2025),
        st.sampled_from([(1, 31), (3, 31), (4, 1), (4, 2), (8, 31), (12, 31)]),
    ),
    st.sampled_from([date(2016, 2, 29), date(2020, 2, 29), date(2024, 2, 29)]),
)
sexes = st.sampled_from("12")
todays = st.dates(date(2013, 4, 1), date(2028, 3, 31))
programmes = st.sampled_from(sorted(SCHEDULE.programmes))
categories = st.sampled_from(["routine", "routine", "routine", "voluntary"])
circumstances = st.lists(
    st.one_of(
        st.builds(
            Circumstance, st.just("risk_group"), st.sampled_from(["heart", "kidney", "respiratory", "hiv"])
        ),
        st.builds(Circumstance, st.just("pregnancy"), ends_on=st.dates(date(2026, 3, 1), date(2027, 12, 31))),
        st.builds(
            Circumstance,
            st.just("long_illness"),
            starts_on=st.dates(date(2014, 1, 1), date(2020, 1, 1)),
            ends_on=st.dates(date(2020, 1, 2), date(2027, 1, 1)),
        ),
        st.just(Circumstance("antibody_low", "rubella", date(2022, 5, 1))),
        st.just(Circumstance("disease_history", "varicella", date(2020, 5, 1))),
    ),
    max_size=2,
).map(tuple)
people = st.builds(Person, births, sexes, circumstances)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Person, list[GivenDose], date, str]:
    """A person, some doses of one programme (and a few of others) at plausible days, a day, the programme."""
    person = draw(people)
    code = draw(programmes)
    programme = SCHEDULE.programmes[code]
    assert isinstance(person.birth, date)
    doses = []
    day = person.birth + draw(st.integers(0, 400)) * DAY
    for _ in range(draw(st.integers(0, 5))):
        vaccine = draw(st.sampled_from(programme.vaccines))
        doses.append(GivenDose(vaccine, day, draw(st.none() | st.integers(1, 4)), draw(categories)))
        day += draw(st.sampled_from([0, 6, 7, 20, 21, 27, 28, 60, 61, 139, 140, 150, 183, 184, 365])) * DAY
    others = draw(st.lists(st.sampled_from(["mr", "varicella", "bcg", "hepatitis_b"]), max_size=2))
    doses += [GivenDose(vaccine, person.birth + draw(st.integers(0, 900)) * DAY) for vaccine in others]
    return person, doses, draw(todays), code


@st.composite
def targeted(draw: st.DrawFn) -> tuple[Person, list[GivenDose], date, str]:
    """Somebody born to be a target, who followed the course for a while, and what else was given."""
    code = draw(programmes)
    programme = SCHEDULE.programmes[code]
    today = draw(todays)
    cohort = targets(programme, today)
    born = [one for one in (*cohort.born, *cohort.extended) if one[0] <= today]
    first, last = draw(st.sampled_from(born)) if born else (date(1980, 1, 1), date(2013, 1, 1))
    birth = draw(st.dates(first, min(last, today)))
    expected = Circumstance("pregnancy", ends_on=today + draw(st.integers(10, 120)) * DAY)
    tested = Circumstance("antibody_low", "rubella", date(2010, 5, 1))
    person = Person(birth, programme.sex or draw(sexes), (expected, tested))
    others = draw(st.lists(st.sampled_from(["mr", "varicella", "bcg", "influenza"]), max_size=2))
    others = [vaccine for vaccine in others if vaccine not in programme.vaccines]
    doses = [GivenDose(vaccine, today - draw(st.integers(0, 60)) * DAY) for vaccine in others]
    doses = [dose for dose in doses if dose.given_on >= birth]
    for _ in range(draw(st.integers(0, 3))):
        (one,) = forecast(SCHEDULE, person, doses, today, {code})
        if one.earliest is None or one.earliest > today or not one.vaccines:
            break
        day = min(today, one.earliest + draw(st.sampled_from([0, 0, 1, 30, 100])) * DAY)
        vaccine = draw(st.sampled_from(one.vaccines))
        if not is_allowed(SCHEDULE, programme, vaccine, day, birth):
            break
        doses.append(GivenDose(vaccine, day))
    return person, doses, today, code


@unhurried
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_in_which_doses_are_told_decides_nothing(
    history: tuple[Person, list[GivenDose], date, str], chance: random.Random
) -> None:
    person, doses, today, _code = history
    shuffled = list(doses)
    chance.shuffle(shuffled)
    judged = judge(SCHEDULE, person, doses, today)
    assert [one.dose for one in judged] == doses
    assert Counter(judged) == Counter(judge(SCHEDULE, person, shuffled, today))
    assert forecast(SCHEDULE, person, doses, today) == forecast(SCHEDULE, person, shuffled, today)


@unhurried
@given(histories())
def test_every_answer_is_of_one_of_its_kinds_and_explains_itself(
    history: tuple[Person, list[GivenDose], date, str],
) -> None:
    person, doses, today, _code = history
    found = forecast(SCHEDULE, person, doses, today)
    assert [one.programme for one in found] == list(SCHEDULE.programmes)
    for one in found:
        assert one.status in {"due", "soon", "overdue", "done", "doubtful", "not_target"}
        assert one.reasons
        assert all(why.en and why.ja for why in one.reasons)
        if one.status in {"due", "overdue"}:
            assert one.earliest is not None
            assert one.latest is not None
            assert one.earliest <= today <= one.latest
            assert any(why.citation for why in one.reasons)
    for judged in judge(SCHEDULE, person, doses, today):
        assert judged.reasons
        assert all(why.en and why.ja for why in judged.reasons)


@unhurried
@given(st.one_of(histories(), targeted()))
def test_no_forecast_lies_outside_of_the_legal_window(
    history: tuple[Person, list[GivenDose], date, str],
) -> None:
    person, doses, today, code = history
    (one,) = forecast(SCHEDULE, person, doses, today, {code})
    if one.status not in {"due", "soon", "overdue"}:
        return
    assert isinstance(person.birth, date)
    assert one.earliest is not None
    assert one.latest is not None
    given_until = [dose for dose in doses if dose.given_on <= today]
    windows = runs(periods(SCHEDULE.programmes[code], person.birth, person, given_until, today))
    assert any(run.first <= one.earliest <= one.latest <= run.last for run in windows)
    days = [one.earliest, one.recommended_from, one.recommended_until, one.latest]
    assert days == sorted(day for day in days if day is not None) or one.recommended_until is None


def _after(
    person: Person, doses: list[GivenDose], one: Forecast, day: date, today: date
) -> list[tuple[str, bool]]:
    """Return, for each vaccine, the verdict on a next dose on a day and whether the course is done by it."""
    code = one.programme
    programme = SCHEDULE.programmes[code]
    assert isinstance(person.birth, date)
    later = max(today, day)
    found: list[tuple[str, bool]] = []
    for vaccine in one.vaccines:
        if not is_allowed(SCHEDULE, programme, vaccine, day, person.birth):
            continue
        more = [*doses, GivenDose(vaccine, day, one.dose_number)]
        judged = judge(SCHEDULE, person, more, later)[-1]
        (then,) = forecast(SCHEDULE, person, more, later, {code})
        mine = judged.programme in {code, *programme.continues}
        found.append((judged.verdict if mine else "elsewhere", then.status == "done"))
    return found


@unhurried
@given(st.one_of(targeted(), targeted(), histories()))
@example((Person(date(2024, 2, 29), "1"), [], date(2025, 2, 27), "mr1"))
@example((Person(date(2014, 4, 1), "2"), [GivenDose("hpv9", date(2026, 6, 30))], TODAY, "hpv"))
def test_a_dose_on_the_earliest_day_is_valid_and_one_the_day_before_is_not(
    history: tuple[Person, list[GivenDose], date, str],
) -> None:
    person, doses, today, code = history
    doses = [dose for dose in doses if dose.given_on <= today]
    (one,) = forecast(SCHEDULE, person, doses, today, {code})
    assume(one.status in {"due", "soon", "overdue"})
    assume(all(dose.given_on < one.earliest for dose in doses if one.earliest))
    assert one.earliest is not None
    on_the_day = _after(person, doses, one, one.earliest, today)
    assume(on_the_day)
    assert "valid" in {verdict for verdict, _done in on_the_day}
    before = _after(person, doses, one, one.earliest - DAY, today)
    # Where several courses are legal, a dose the day before may begin a longer one, but never ends this one.
    could_end = any(done for _verdict, done in on_the_day)
    for verdict, done in before:
        assert verdict != "valid" or (could_end and not done) or not could_end
    if not _has_several_courses(code):
        assert "valid" not in {verdict for verdict, _done in before}


def _has_several_courses(code: str) -> bool:
    return len(SCHEDULE.programmes[code].courses) > 1


@unhurried
@given(people, todays)
def test_nobody_is_done_without_a_dose(person: Person, today: date) -> None:
    assert "done" not in {one.status for one in forecast(SCHEDULE, person, [], today)}


@unhurried
@given(births, sexes, histories(), todays)
def test_a_birth_date_that_is_not_wholly_known_never_makes_anybody_done(
    birth: date, sex: str, history: tuple[Person, list[GivenDose], date, str], today: date
) -> None:
    _person, doses, _today, code = history
    partly = Person(PartialDate(birth.year, birth.month), sex)
    wholly = Person(birth, sex)
    assume(birth <= today)
    (blurred,) = forecast(SCHEDULE, partly, doses, today, {code})
    (exact,) = forecast(SCHEDULE, wholly, doses, today, {code})
    assert blurred.status != "done"
    assert blurred.status in {exact.status, "doubtful"}
    assert forecast(SCHEDULE, Person(None, sex), doses, today, {code})[0].status in {"doubtful", "not_target"}


@unhurried
@given(histories())
def test_the_outlook_says_what_a_forecast_says_of_all_that_is_open(
    history: tuple[Person, list[GivenDose], date, str],
) -> None:
    person, doses, _today, _code = history
    for whom in (person, person._replace(circumstances=())):
        single = forecast(SCHEDULE, whom, doses, TODAY)
        for one, many in zip(single, OUTLOOK.forecast(whom, doses), strict=True):
            if one != many:
                assert many.status == "not_target"
                assert _is_not_open(one), (one, many)


OUTLOOK = Outlook(SCHEDULE, TODAY)


def _is_not_open(one: Forecast) -> bool:
    if one.status == "not_target":
        return True
    if one.latest is not None and one.latest < TODAY:
        return one.status == "doubtful"
    coming = one.earliest is not None and one.earliest > TODAY + SCHEDULE.soon_days * DAY
    return one.status == "done" or coming


@unhurried
@given(births, sexes, programmes, todays)
def test_the_targets_hold_everybody_who_is_due(birth: date, sex: str, code: str, today: date) -> None:
    assume(birth <= today)
    (one,) = forecast(SCHEDULE, Person(birth, sex), [], today, {code})
    cohort = targets(SCHEDULE.programmes[code], today)
    if one.status in {"due", "overdue"}:
        assert cohort.sex in {None, sex}
        assert any(first <= birth <= last for first, last in (*cohort.born, *cohort.extended))


@unhurried
@given(targeted())
def test_whoever_is_in_the_targets_has_a_legal_day_in_the_period(
    history: tuple[Person, list[GivenDose], date, str],
) -> None:
    person, _doses, today, code = history
    programme = SCHEDULE.programmes[code]
    cohort = targets(programme, today)
    assert isinstance(person.birth, date)
    birth = person.birth
    if not any(first <= birth <= last for first, last in (*cohort.born, *cohort.extended)):
        return
    dose = [GivenDose(programme.vaccines[0], date(2023, 6, 1))] if programme.depends_on_doses else []
    legal = periods(programme, birth, person, dose, today)
    assert any(period.first <= cohort.until and period.last >= cohort.day for period in legal)


@pytest.mark.parametrize("code", sorted(SCHEDULE.programmes))
def test_whoever_follows_the_earliest_days_is_never_in_doubt(code: str) -> None:
    """Give each dose on the earliest day that is told, until nothing comes any more."""
    programme = SCHEDULE.programmes[code]
    for birth in (date(2024, 2, 29), date(2024, 12, 31), date(2012, 5, 10), date(1960, 8, 31)):
        person = Person(birth, programme.sex or "1", (Circumstance("pregnancy", ends_on=date(2026, 12, 24)),))
        doses: list[GivenDose] = []
        for _ in range(12):
            (one,) = forecast(SCHEDULE, person, doses, doses[-1].given_on if doses else birth, {code})
            if one.earliest is None or one.status in {"done", "doubtful"}:
                break
            (one,) = forecast(SCHEDULE, person, doses, one.earliest, {code})
            if one.status == "not_target" or not one.vaccines or one.earliest is None:
                break
            doses.append(GivenDose(one.vaccines[0], one.earliest, one.dose_number))
        today = doses[-1].given_on if doses else TODAY
        assert {found.verdict for found in judge(SCHEDULE, person, doses, today)} <= {"valid"}
        assert Forecaster(SCHEDULE, person, birth, doses, today).one(programme).status != "doubtful"
