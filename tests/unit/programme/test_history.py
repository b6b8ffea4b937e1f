"""Looking at less of a person's history: some programmes, some vaccines; nothing else falls over it."""

import random
from datetime import date, timedelta

import pytest

from yvaxportal.programme.bounds import NO_BEGIN
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.history import History
from yvaxportal.programme.loading import load_schedule
from yvaxportal.programme.person import GivenDose, Person

SCHEDULE = load_schedule(load_catalogue())
TODAY = date(2026, 11, 23)
BORN = date(2024, 8, 13)
PERSON = Person(BORN, "1")


def test_a_dose_that_none_of_the_programmes_counts_is_in_none() -> None:
    doses = [GivenDose("bcg", date(2025, 2, 1)), GivenDose("mr", date(2025, 9, 1))]
    since = {"bcg": NO_BEGIN, "mr": NO_BEGIN}
    history = History(SCHEDULE, PERSON, BORN, doses, TODAY, only={"mr1"}, since=since)
    assert [(finding.dose.vaccine, finding.programme, finding.verdict) for finding in history.findings] == [
        ("bcg", None, "not_in_programme"),
        ("mr", SCHEDULE.programmes["mr1"], "valid"),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_left_out_every_dose_that_is_asked_about_is_found(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    vaccines = tuple(SCHEDULE.catalogue.vaccines.values())
    for _ in range(50):
        birth = date(2024, 1, 1) - timedelta(days=dice.randrange(dice.choice((600, 6_000, 36_000))))
        only = set(dice.sample(sorted(SCHEDULE.programmes), dice.choice((1, 2, 5))))
        asked = {vaccine.code: NO_BEGIN for vaccine in dice.sample(vaccines, 8)}
        doses = [
            GivenDose(vaccine.code, max(birth, vaccine.valid_from) + timedelta(days=dice.randrange(1_500)))
            for vaccine in dice.choices(vaccines, k=6)
        ]
        found = History(SCHEDULE, Person(birth, "1"), birth, doses, TODAY, only=only, since=asked).findings
        assert len(found) == sum(dose.vaccine in asked for dose in doses)
        assert {one.programme.code for one in found if one.programme is not None} <= only
