"""The form of `cases.csv`, the worked cases that a public health nurse reads and corrects.

What the engine makes of them is tested elsewhere; here a slip of the pen is named with the id of its row.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from yvaxportal.programme.catalogue import load_catalogue

PATH = Path(__file__).with_name("cases.csv")
HEADER = [
    "id", "born", "sex", "circumstances", "doses", "today", "programme", "question", "expected", "earliest",
    "recommended_until", "latest", "citation", "note",
]  # fmt: skip
PROGRAMMES = {
    "rotavirus", "hepatitis_b", "pneumococcal_child", "hib", "dpt_ipv_hib", "dpt_ipv", "dpt", "polio", "dt",
    "bcg", "mr1", "mr2", "measles1", "measles2", "rubella1", "rubella2", "rubella_fifth", "varicella", "je1",
    "je2", "je_special", "je_gap", "hpv", "hpv_catch_up", "rs_maternal", "influenza", "pneumococcal_elderly",
    "covid19", "covid19_special", "shingles",
}  # fmt: skip
CATEGORIES = {"routine", "voluntary", "subsidised", "temporary"}
KINDS = {
    "disease_history", "risk_group", "long_illness", "pregnancy", "antibody_low", "contraindication",
    "hbv_mother",
}  # fmt: skip
AT_LEAST = 300

BORN = re.compile(r"\d{4}-\d{2}-\d{2}")
FORECAST = re.compile(r"(due|soon|overdue|doubtful)( #[1-9])?|done|not_target")
VERDICT = re.compile(
    r"valid|surplus|not_in_programme|unsure|wrong_product|(too_early|too_late|wrong_interval)( [1-9]\d*)?"
)
QUESTION = re.compile(r"forecast|judge:([1-9]\d*)")
DATES = ("earliest", "recommended_until", "latest")


def _rows() -> list[dict[str, str]]:
    with PATH.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    return _rows()


def _doses(row: dict[str, str]) -> list[str]:
    return row["doses"].split()


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return BORN.fullmatch(text) is not None


def _is_birth_date(text: str) -> bool:
    """A date, or one whose unknown parts are zeros (1950-00-00, 1961-08-00, 0000-00-00)."""
    if not BORN.fullmatch(text):
        return False
    year, month, day = text.split("-")
    parts = ((year, "0000", "2000"), (month, "00", "01"), (day, "00", "01"))
    known = (stand_in if part == unknown else part for part, unknown, stand_in in parts)
    month_without_day = day == "00" or month != "00"
    year_before_month = year != "0000" or month == "00"
    return month_without_day and year_before_month and _is_date("-".join(known))


def _wrong_in_dose(text: str, vaccines: set[str]) -> str | None:
    vaccine, given, *rest = text.split(":")
    if vaccine not in vaccines:
        return "vaccine"
    if not _is_date(given):
        return "date"
    if rest and rest[0].isdecimal():
        rest = rest[1:]
    return None if not rest or (len(rest) == 1 and rest[0] in CATEGORIES) else "category"


def _wrong_in_circumstance(text: str) -> str | None:
    kind, *rest = text.split(":")
    if kind not in KINDS:
        return "kind"
    if rest and not _is_date(rest[0]):
        rest = rest[1:]
    if not rest or len(rest) > 2 or not all(_is_date(part) for part in rest):
        return "dates"
    return None if rest == sorted(rest) else "order of the dates"


def _faults(row: dict[str, str], vaccines: set[str]) -> Iterator[str]:
    if not _is_birth_date(row["born"]):
        yield "born"
    if row["sex"] not in {"0", "1", "2"}:
        yield "sex"
    if not _is_date(row["today"]):
        yield "today"
    yield from (column for column in DATES if row[column] and not _is_date(row[column]))
    yield from (f"{dose}: {wrong}" for dose in _doses(row) if (wrong := _wrong_in_dose(dose, vaccines)))
    circumstances = row["circumstances"].split()
    yield from (f"{one}: {wrong}" for one in circumstances if (wrong := _wrong_in_circumstance(one)))
    question = QUESTION.fullmatch(row["question"])
    if question is None:
        yield "question"
    elif row["question"] == "forecast":
        if not FORECAST.fullmatch(row["expected"]):
            yield "expected"
    elif not VERDICT.fullmatch(row["expected"]) or int(question[1]) > len(_doses(row)):
        yield "expected"
    elif any(row[column] for column in DATES):
        yield "dates belong to a forecast only"
    yield from (column for column in ("citation", "note") if not row[column].strip())


def test_the_header_names_the_columns() -> None:
    with PATH.open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == HEADER


def test_there_are_enough_cases(rows: list[dict[str, str]]) -> None:
    assert len(rows) >= AT_LEAST


def test_every_row_has_every_column(rows: list[dict[str, str]]) -> None:
    assert [row["id"] for row in rows if None in row or None in row.values()] == []


def test_ids_are_unique_and_name_their_programme(rows: list[dict[str, str]]) -> None:
    assert [found for found, times in Counter(row["id"] for row in rows).items() if times > 1] == []
    assert [row["id"] for row in rows if not re.fullmatch(rf"{row['programme']}-\d{{2}}", row["id"])] == []


def test_the_file_is_sorted_by_programme_then_id(rows: list[dict[str, str]]) -> None:
    keys = [(row["programme"], row["id"]) for row in rows]
    assert keys == sorted(keys)


def test_no_case_is_written_twice(rows: list[dict[str, str]]) -> None:
    asked = ("born", "sex", "circumstances", "doses", "today", "programme", "question")
    times = Counter(tuple(row[column] for column in asked) for row in rows)
    assert [key for key, number in times.items() if number > 1] == []


def test_every_programme_has_both_questions(rows: list[dict[str, str]]) -> None:
    asked = {(row["programme"], row["question"].split(":")[0]) for row in rows}
    assert asked == {(programme, question) for programme in PROGRAMMES for question in ("forecast", "judge")}


def test_every_field_is_well_formed(rows: list[dict[str, str]]) -> None:
    vaccines = set(load_catalogue().vaccines)
    assert {row["id"]: faults for row in rows if (faults := list(_faults(row, vaccines)))} == {}


def test_dates_of_a_forecast_are_in_order(rows: list[dict[str, str]]) -> None:
    for row in rows:
        filled = [row[column] for column in DATES if row[column]]
        assert filled == sorted(filled), row["id"]


def test_a_forecast_agrees_with_its_own_dates(rows: list[dict[str, str]]) -> None:
    """ "Due" or "overdue" only between the first and the last legal day, "soon" only up to 60 days before."""
    for row in rows:
        status, today = row["expected"].split()[0], date.fromisoformat(row["today"])
        first, standard, last = (date.fromisoformat(row[column]) if row[column] else None for column in DATES)
        if status in {"due", "overdue"}:
            assert first is None or first <= today, row["id"]
            assert last is None or today <= last, row["id"]
            assert standard is None or (today <= standard) is (status == "due"), row["id"]
        if status == "soon" and first is not None:
            assert 0 < (first - today).days <= 60, row["id"]


def test_every_verdict_and_status_occurs(rows: list[dict[str, str]]) -> None:
    assert {row["expected"].split()[0] for row in rows} == {
        "due", "soon", "overdue", "done", "doubtful", "not_target", "valid", "too_early", "too_late",
        "wrong_interval", "wrong_product", "surplus", "not_in_programme", "unsure",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("1950-00-00", True),
        ("1961-08-00", True),
        ("0000-00-00", True),
        ("2024-02-29", True),
        ("2023-02-29", False),
        ("1961-00-08", False),
        ("0000-08-00", False),
        ("1961-8-1", False),
    ],
)
def test_birth_dates_may_be_known_in_part(text: str, right: bool) -> None:
    assert _is_birth_date(text) is right


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("mr:2025-01-14", None),
        ("mr:2025-01-14:2:voluntary", None),
        ("mr:2025-01-14:abroad", "category"),
        ("mmr:2025-01-14", "vaccine"),
        ("mr:2025-02-30", "date"),
    ],
)
def test_a_slip_in_a_dose_is_named(text: str, wrong: str | None) -> None:
    assert _wrong_in_dose(text, {"mr"}) == wrong


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("risk_group:heart:2020-01-01", None),
        ("pregnancy:2026-01-01:2026-10-08", None),
        ("pregnancy:2026-10-08:2026-01-01", "order of the dates"),
        ("risk_group:heart", "dates"),
        ("allergy:2020-01-01", "kind"),
    ],
)
def test_a_slip_in_a_circumstance_is_named(text: str, wrong: str | None) -> None:
    assert _wrong_in_circumstance(text) == wrong
