from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from yvaxportal.views.timeline import (
    MAX_MARKS,
    MAX_ROWS,
    DueWindow,
    MarkStatus,
    TimelineEntry,
    TimelineFigure,
    dose_timeline,
)
from yvaxportal.views.timeline_axis import LEFT, RIGHT, axis_of

TODAY = date(2026, 11, 23)
BIRTH = date(2024, 2, 29)
SVG = "{http://www.w3.org/2000/svg}"


def entry(
    series: str = "BCG",
    number: int = 1,
    day: date = date(2024, 8, 1),
    status: MarkStatus = "given",
    label: str = "x",
) -> TimelineEntry:
    return TimelineEntry(series, number, day, status, label)


def parsed(figure: TimelineFigure) -> ET.Element:
    return ET.fromstring(figure.svg)  # noqa: S314 - our own output


def texts(figure: TimelineFigure, css: str) -> list[str]:
    return [
        "".join(element.itertext())
        for element in parsed(figure).iter()
        if css in element.get("class", "").split()
    ]


def test_it_says_what_it_is_and_carries_no_style() -> None:
    figure = dose_timeline([entry()], birth=BIRTH, today=TODAY, figure_id="doses")
    root = parsed(figure)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "doses-title doses-desc"
    assert [root[0].tag, root[0].get("id")] == [f"{SVG}title", "doses-title"]
    assert "Doses: 1" in (root.findtext(f"{SVG}desc") or "")
    for element in root.iter():
        assert "style" not in element.attrib
        assert not [name for name in element.attrib if name.startswith("on")]
    assert root.get("viewBox") == f"0 0 1100 {figure.height}"


def test_each_state_has_a_shape_of_its_own() -> None:
    shapes = set()
    for status in ("given", "doubtful", "invalid", "cancelled"):
        root = parsed(dose_timeline([entry(status=status)], birth=BIRTH, today=TODAY))
        mark = next(element for element in root.iter() if "tl-mark" in element.get("class", ""))
        strike = any("tl-strike" in element.get("class", "") for element in root.iter())
        shapes.add((mark.tag, strike))
    assert len(shapes) == 4


def test_names_and_labels_are_escaped() -> None:
    nasty = "<script>&\"'"
    figure = dose_timeline(
        [entry(series=nasty, label=nasty)],
        birth=BIRTH,
        today=TODAY,
        windows=[DueWindow(nasty, TODAY, None, "due", nasty)],
        translate=lambda message: f"{message}<i>",
    )
    assert "<script>" not in figure.svg
    assert "<i>" not in figure.svg
    titles = ["".join(element.itertext()) for element in parsed(figure).iter(f"{SVG}title")]
    assert nasty in titles


def test_rows_follow_their_first_appearance() -> None:
    figure = dose_timeline(
        [entry("B"), entry("A", day=date(2024, 5, 1)), entry("B", 2)],
        birth=BIRTH,
        today=TODAY,
        windows=[DueWindow("C", TODAY, None, "soon")],
    )
    root = parsed(figure)
    names = [element.text for element in root.iter() if element.get("class") == "tl-series"]
    assert names == ["B", "A", "C"]


@pytest.mark.parametrize(
    ("birth", "by_age"),
    [
        (BIRTH, True),
        (date(2006, 11, 24), True),
        (date(2006, 11, 23), False),
        (None, False),
        (date(2027, 1, 1), False),
    ],
)
def test_ages_for_the_young_and_fiscal_years_for_the_others(birth: date | None, by_age: bool) -> None:
    assert axis_of([], birth=birth, today=TODAY).by_age is by_age


@pytest.mark.parametrize("birth", [BIRTH, date(2026, 11, 23), date(2007, 1, 1), date(1930, 1, 1), None])
def test_later_days_never_lie_further_left(birth: date | None) -> None:
    axis = axis_of([date(1900, 1, 1), date(2030, 1, 1)], birth=birth, today=TODAY)
    places = [axis.x(date(1890, 1, 1) + timedelta(days=37 * step)) for step in range(1500)]
    assert places == sorted(places)
    assert places[0] == LEFT
    assert places[-1] == RIGHT


def test_a_fiscal_year_is_named_by_the_era_of_its_december() -> None:
    axis = axis_of([], birth=None, today=TODAY)
    eras = [getattr(tick.label, "mapping", {})["era"] for tick in axis.ticks if tick.label]
    assert eras[:4] == ["H29", "H30", "R1", "R2"]


def test_the_day_of_today_is_marked() -> None:
    assert texts(dose_timeline([], birth=None, today=TODAY), "tl-today-label") == ["Today"]


def test_doses_close_together_do_not_cover_each_other() -> None:
    same_days = [entry(day=date(2024, 8, 1) + timedelta(days=at), number=at + 1) for at in range(3)]
    figure = dose_timeline(same_days, birth=BIRTH, today=TODAY)
    marks = list(parsed(figure).iter(f"{SVG}circle"))
    assert len({element.get("cy") for element in marks}) == 3
    assert figure.left_out == 0


@pytest.mark.parametrize("birth", [None, BIRTH])
def test_two_thousand_doses_stay_small_and_are_accounted_for(birth: date | None) -> None:
    many = [
        entry(f"series {at % 60}", at % 9 + 1, date(2020, 1, 1) + timedelta(days=at)) for at in range(2000)
    ]
    windows = [DueWindow(f"series {at % 60}", TODAY, None, "due") for at in range(2000)]
    figure = dose_timeline(many, birth=birth, today=TODAY, windows=windows)
    drawn = len(texts(figure, "tl-entry"))
    assert drawn <= MAX_MARKS
    assert drawn + figure.left_out == 2000
    assert len(texts(figure, "tl-series")) == MAX_ROWS
    assert len(figure.svg) < 200_000
    assert str(figure.left_out) in texts(figure, "tl-more")[0]


def test_templates_take_it_as_markup() -> None:
    figure = dose_timeline([], birth=None, today=TODAY)
    assert figure.__html__() == figure.svg
