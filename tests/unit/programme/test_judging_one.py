"""One dose judged by what can decide it: the same answer as with everything looked at."""

import random
from datetime import date, timedelta

import pytest

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.judging import Judged, judge, judge_one
from yvaxportal.programme.loading import load_schedule
from yvaxportal.programme.person import GivenDose, Person

SCHEDULE = load_schedule(load_catalogue())
TODAY = date(2026, 11, 23)
VACCINES = tuple(SCHEDULE.catalogue.vaccines.values())


def said(judged: Judged) -> tuple[object, ...]:
    reasons = () if judged.verdict == "valid" else judged.reasons
    return judged.programme, judged.counts_as, judged.verdict, reasons


def test_kin_is_mutual_and_keeps_strangers_out() -> None:
    for vaccine, kin in SCHEDULE.kin.items():
        assert all(SCHEDULE.kin[other] == kin for other in kin)
        assert vaccine in kin
    assert "influenza" not in SCHEDULE.kin["mr"]
    assert "dpt_ipv" in SCHEDULE.kin["dpt_ipv_hib"]


@pytest.mark.parametrize("seed", range(40))
def test_the_same_as_with_everything(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    for _ in range(60):
        birth = date(2024, 1, 1) - timedelta(days=dice.randrange(dice.choice((600, 6_000, 36_000))))
        person = Person(birth, dice.choice("12"))
        few = dice.sample(VACCINES, 5)
        doses = []
        for _ in range(dice.randrange(1, 12)):
            vaccine = dice.choice(few)
            begins = max(birth, vaccine.valid_from)
            day = begins + timedelta(days=dice.randrange(dice.choice((120, 1_500, 5_000))))
            if day > TODAY:
                continue
            category = dice.choice(("routine", "routine", "voluntary", "temporary"))
            doses.append(GivenDose(vaccine.code, day, dice.randrange(1, 5), category))
        doses = list(dict.fromkeys(doses))
        for at, new in enumerate(doses):
            others = [*doses[:at], *doses[at + 1 :]]
            whole = judge(SCHEDULE, person, [*others, new], TODAY)[-1]
            assert said(judge_one(SCHEDULE, person, others, new, TODAY)) == said(whole)
