"""Every programme is on the resident's page once: what is due first, the rest folded with its reasons."""

from datetime import date
from typing import Any, cast

import pytest

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.forecasting import Forecast, forecast
from yvaxportal.programme.loading import load_schedule
from yvaxportal.programme.person import GivenDose, Person
from yvaxportal.values.wareki import PartialDate, parse_date
from yvaxportal.views.due_lines import DueGroup, DueLine, DueReason, due_line, folded, shown
from yvaxportal.views.wording import Wording

SCHEDULE = load_schedule(load_catalogue())
TODAY = date(2026, 11, 23)
DONE = [GivenDose("mr", date(2025, 9, 1)), GivenDose("bcg", date(2025, 2, 1))]


class Plain:
    """Words as they stand in the code."""

    japanese = True

    def say(self, text: str) -> str:
        interpolate: Any = getattr(text, "interpolate", None)
        return str(interpolate()) if interpolate else text

    def day(self, day: date | None) -> str:
        return day.isoformat() if day else ""

    def vaccine(self, code: str) -> str:
        return code


WORDS = cast("Wording", Plain())


def of(born: date | PartialDate | None, sex: str = "1", *doses: GivenDose) -> list[Forecast]:
    return forecast(SCHEDULE, Person(born, sex), doses, TODAY)


def groups(forecasts: list[Forecast], today: date = TODAY) -> dict[str, DueGroup]:
    return {group.name: group for group in folded(forecasts, SCHEDULE, WORDS, today)}


@pytest.mark.parametrize(
    ("born", "doses"),
    [
        (date(2024, 8, 13), DONE),
        (date(2012, 5, 1), []),
        (date(1955, 3, 1), []),
        (parse_date("2024-00-00"), DONE),
        (None, DONE),
    ],
)
def test_every_programme_is_on_the_page_once(born: date | PartialDate | None, doses: list[GivenDose]) -> None:
    forecasts = of(born, "2", *doses)
    lines = sum(len(group.lines) for group in groups(forecasts).values())
    assert lines + len(shown(forecasts, TODAY)) == len(forecasts) == len(SCHEDULE.programmes)


def test_what_is_done_and_what_is_not_for_the_person_is_told_apart_with_its_reason() -> None:
    found = groups(of(date(2024, 8, 13), "1", *DONE))
    done = {line.what: line for line in found["done"].lines}
    assert set(done) == {SCHEDULE.programmes[code].name_ja for code in ("mr1", "bcg")}
    assert all("接種記録があります" in line.why for line in done.values())
    never = {line.what: line.why for line in found["not_target"].lines}
    rotavirus = next(why for what, why in never.items() if "ロタ" in what)
    assert "令和7年3月25日で終了" in rotavirus


@pytest.mark.parametrize("born", [None, parse_date("2024-00-00"), parse_date("2024-08-00")])
def test_nothing_is_done_where_the_birth_date_is_unsure(born: date | PartialDate | None) -> None:
    found = groups(of(born, "1", *DONE))
    assert "done" not in found
    doubtful = {one.programme for one in shown(of(born, "1", *DONE), TODAY) if one.status == "doubtful"}
    assert {"mr1", "bcg"} <= doubtful


def test_a_doubt_that_is_long_over_is_neither_done_nor_dropped() -> None:
    (one,) = forecast(SCHEDULE, Person(date(2024, 8, 13), "1"), [], TODAY, {"mr1"})
    doubt = Forecast(
        one.programme,
        one.series,
        "doubtful",
        1,
        None,
        None,
        None,
        date(2016, 1, 1),
        one.reasons,
        one.unverified,
    )
    assert shown([doubt], TODAY) == []
    assert [line.word for line in groups([doubt])["long-over"].lines] == ["To be checked"]
    recent = Forecast(
        one.programme,
        one.series,
        "doubtful",
        1,
        None,
        None,
        None,
        date(2025, 1, 1),
        one.reasons,
        one.unverified,
    )
    assert shown([recent], TODAY) == [recent]
    assert groups([recent]) == {}


def test_a_folded_line_says_the_same_as_an_open_one_and_escapes_it() -> None:
    (one,) = [one for one in of(date(2024, 8, 13), "1", *DONE) if one.programme == "mr1"]
    line = due_line(one, SCHEDULE, WORDS, TODAY)
    drawn = groups([one])["done"].__html__()
    for text in (line.what, line.why, *(text for _, text in line.facts)):
        assert text in drawn
    for reason in line.reasons:
        assert reason.text in drawn
        assert reason.citation in drawn
    odd = DueLine(
        "<b>", "", "", "", "a&b", [("<i>", '"')], [DueReason("<u>", "c<d", "e>f")], unverified=False
    )
    drawn = DueGroup("done", "", [odd]).__html__()
    for raw in ("<b>", "a&b<", "<i>", "<u>", "c<d", "e>f"):
        assert raw not in drawn
    assert "c&lt;d" in drawn
