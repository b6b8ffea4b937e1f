"""The worked cases of ``cases.csv``, each answered by the engine as a nurse worked it out by hand."""

import csv
from datetime import date
from pathlib import Path

import pytest

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.forecasting import forecast
from yvaxportal.programme.judging import Judged, judge
from yvaxportal.programme.loading import load_schedule
from yvaxportal.programme.person import Person
from yvaxportal.programme.reasons import Reason
from yvaxportal.programme.telling import read_birth, read_circumstance, read_dose

SCHEDULE = load_schedule(load_catalogue())
_DAYS = ("earliest", "recommended_until", "latest")


def _cases() -> list[dict[str, str]]:
    with Path(__file__).with_name("cases.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["id"])
def test_the_engine_answers_as_worked_out_by_hand(case: dict[str, str]) -> None:
    circumstances = tuple(read_circumstance(text) for text in case["circumstances"].split())
    person = Person(read_birth(case["born"]), case["sex"], circumstances)
    doses = [read_dose(text) for text in case["doses"].split()]
    today = date.fromisoformat(case["today"])
    kind, _, position = case["question"].partition(":")
    if kind == "judge":
        _check_judged(case, judge(SCHEDULE, person, doses, today)[int(position) - 1])
        return
    (found,) = forecast(SCHEDULE, person, doses, today, only={case["programme"]})
    said = [found.status, f"#{found.dose_number}"] if "#" in case["expected"] else [found.status]
    why = [reason.en for reason in found.reasons]
    assert said == case["expected"].split(), why
    for name in _DAYS:
        if case[name]:
            assert getattr(found, name) == date.fromisoformat(case[name]), (name, why)


def _check_judged(case: dict[str, str], found: Judged) -> None:
    verdict, _, days = case["expected"].partition(" ")
    why = [reason.en for reason in found.reasons]
    assert found.verdict == verdict, (found.programme, why)
    if found.verdict == "valid":
        assert found.programme == case["programme"]
    if days:
        assert int(days) in {_days(reason) for reason in found.reasons}, why


def _days(reason: Reason) -> object:
    return dict(reason.facts).get("days")
