from datetime import date
from pathlib import Path

import pytest

from yvaxportal.models.codes import PneumococcalType, RecordGroup
from yvaxportal.programme.catalogue import Catalogue, CatalogueError, Vaccine, load_catalogue

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def vaccine(catalogue: Catalogue, code: str) -> Vaccine:
    found = catalogue.get(code)
    assert found is not None
    return found


def test_every_programme_of_the_law_has_a_series(catalogue: Catalogue) -> None:
    assert {
        "rotavirus", "hepatitis_b", "pneumococcal_child", "hib", "dpt_ipv", "dpt_ipv_hib", "polio", "dpt",
        "dt", "bcg", "mr", "measles", "rubella", "rubella_fifth", "varicella", "je", "hpv", "rs_maternal",
        "influenza", "pneumococcal_elderly", "covid19", "shingles",
    } <= set(catalogue.series())  # fmt: skip
    assert all(catalogue.of_series(code) for code in catalogue.series())


def test_codes_are_those_of_the_tables(catalogue: Catalogue) -> None:
    for found in catalogue.vaccines.values():
        assert RecordGroup(found.record_group)
        assert found.pneumococcal_type is None or PneumococcalType(found.pneumococcal_type)
        assert found.citation
        assert found.routine_from is None or found.routine_from >= found.valid_from


def test_names_are_unique_in_both_languages(catalogue: Catalogue) -> None:
    found = list(catalogue.vaccines.values())
    assert len({one.name_ja for one in found}) == len({one.name_en for one in found}) == len(found)


@pytest.mark.parametrize(
    ("code", "first", "last"),
    [
        ("dpt_ipv_hib", date(2024, 4, 1), None),
        ("pcv15", date(2024, 4, 1), None),
        ("pcv20", date(2024, 10, 1), None),
        ("hpv9", date(2023, 4, 1), None),
        ("hpv2", date(2013, 4, 1), date(2026, 3, 31)),
        ("hpv4", date(2013, 4, 1), date(2026, 3, 31)),
        ("ppsv23", date(2014, 10, 1), date(2026, 3, 31)),
        ("pcv20_elderly", date(2026, 4, 1), None),
        ("rs_maternal", date(2026, 4, 1), None),
        ("influenza_high_dose", date(2026, 10, 1), None),
        ("shingles_live", date(2025, 4, 1), None),
        ("shingles_recombinant", date(2025, 4, 1), None),
        ("comirnaty", date(2021, 2, 17), date(2023, 9, 19)),
        ("mumps", None, None),
    ],
)
def test_routine_periods(catalogue: Catalogue, code: str, first: date | None, last: date | None) -> None:
    found = vaccine(catalogue, code)
    assert (found.routine_from, found.routine_to) == (first, last)
    if first is None:
        assert not found.is_routine(TODAY)
        return
    assert found.is_routine(first)
    assert not found.is_routine(date.fromordinal(first.toordinal() - 1))
    if last is not None:
        assert found.is_routine(last)
        assert not found.is_routine(date.fromordinal(last.toordinal() + 1))


def test_what_can_be_chosen_today(catalogue: Catalogue) -> None:
    codes = {found.code for found in catalogue.in_force(TODAY)}
    assert {"dpt_ipv_hib", "pcv20", "hpv9", "mr", "influenza_high_dose", "pcv20_elderly"} <= codes
    assert not {"pcv7", "opv", "comirnaty", "hpv2", "hpv4", "je_mouse_brain"} & codes


def test_lists_are_in_the_order_of_the_series(catalogue: Catalogue) -> None:
    orders = [catalogue.series()[found.series].order for found in catalogue.in_force(TODAY)]
    assert orders == sorted(orders)


def test_live_and_injected(catalogue: Catalogue) -> None:
    live = {found.code for found in catalogue.vaccines.values() if found.live and found.injectable}
    assert live == {
        "bcg", "mr", "measles", "rubella", "varicella", "mumps", "mr_rubella_fifth", "shingles_live",
    }  # fmt: skip
    assert not vaccine(catalogue, "rotavirus_1").injectable


@pytest.mark.parametrize(
    ("code", "lot", "fits"),
    [
        ("comirnaty", "EX3617", True),
        ("comirnaty", "3005236", False),
        ("spikevax", "3005236", True),
        ("mr", "Y1234", True),
        ("mr", "ロット不明", False),
        ("bcg", "KH278", True),
    ],
)
def test_lot_numbers(catalogue: Catalogue, code: str, lot: str, fits: bool) -> None:
    assert vaccine(catalogue, code).is_lot_number(lot) is fits


def test_a_municipality_adds_and_overrides(tmp_path: Path) -> None:
    extra = tmp_path / "ours.toml"
    extra.write_text(
        """
[vaccine.mr]
name_ja = "MR（本市）"
name_en = "MR, ours"
short_ja = "MR"
series = "mr"
record_group = "infant_dose"
doses = 2
valid_from = 2006-04-01
citation = "要綱"
[vaccine.yellow_fever]
name_ja = "黄熱"
name_en = "Yellow fever"
short_ja = "黄熱"
series = "yellow_fever"
record_group = "infant_dose"
doses = 1
valid_from = 1970-01-01
citation = "任意接種"
[series.yellow_fever]
order = 900
name_ja = "黄熱"
name_en = "Yellow fever"
""",
        "utf-8",
    )
    catalogue = load_catalogue(extra)
    assert vaccine(catalogue, "mr").name_ja == "MR（本市）"
    assert [found.code for found in catalogue.in_force(TODAY)][-1] == "yellow_fever"
    assert list(catalogue.series())[-1] == "yellow_fever"


GOOD = """
[vaccine.test]
name_ja = "試験"
name_en = "Test"
short_ja = "試験"
series = "mr"
record_group = "infant_dose"
doses = 2
valid_from = 2020-04-01
citation = "要綱"
"""


@pytest.mark.parametrize(
    ("content", "mistake"),
    [
        ("[vaccine.test", "Expected"),
        (GOOD + "[other.x]\n", "unknown table 'other'"),
        (GOOD.replace('citation = "要綱"\n', ""), "test: citation is missing"),
        (GOOD.replace('"要綱"', '""'), "test: citation is empty"),
        (GOOD + "color = 1\n", "test: color is not known"),
        (GOOD.replace('series = "mr"', 'series = "mrx"'), "test: series is not known"),
        (GOOD.replace("infant_dose", "infant"), "test: record_group is not known"),
        (GOOD.replace("doses = 2", "doses = 0"), "test: doses is not 1 to 99"),
        (GOOD.replace("doses = 2", 'doses = "2"'), "test: doses has the wrong type"),
        (GOOD.replace("doses = 2", "doses = true"), "test: doses has the wrong type"),
        (GOOD + "valid_to = 2020-03-31\n", "test: valid_to lies before valid_from"),
        (GOOD + "routine_to = 2020-03-31\n", "test: routine_to lies before routine_from"),
        (GOOD + 'lot_pattern = "["\n', "test: lot_pattern is no regular expression"),
        (GOOD + 'pneumococcal_type = "24"\n', "test: pneumococcal_type is not known"),
        (GOOD.replace("vaccine.test", "vaccine.Test-1"), "a code is lower-case letters"),
        ("vaccine = 1\n", "[vaccine.*] must be tables"),
    ],
)
def test_a_mistake_is_named_with_file_and_entry(tmp_path: Path, content: str, mistake: str) -> None:
    extra = tmp_path / "wrong.toml"
    extra.write_text(content, "utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(extra)
    assert str(extra) in str(caught.value)
    assert mistake in str(caught.value)


def test_a_missing_file_is_a_mistake_too(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nowhere\.toml"):
        load_catalogue(tmp_path / "nowhere.toml")
