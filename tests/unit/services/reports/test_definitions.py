"""Definitions of reports as data: what ships is whole, and a wrong file says what is wrong."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.services.fees.tariff import TariffError, load_tariff
from yvaxportal.services.reports.atoms import Atom, Common, common_of
from yvaxportal.services.reports.definition import definition_of
from yvaxportal.services.reports.library import DefinitionError, load_library
from yvaxportal.services.reports.periods import Period, PeriodError, parse_period
from yvaxportal.services.reports.table import TOTAL, band, public, rate, table
from yvaxportal.services.reports.targets import TargetRule
from yvaxportal.values.ages import day_months_are_reached
from yvaxportal.values.fiscal import fiscal_year_reaching_age

CATALOGUE = load_catalogue()
SCHEDULE = load_schedule(CATALOGUE)
LIBRARY = load_library(SCHEDULE)
REPORT = """\
order = 1
title_ja = "表"
title_en = "Table"
periods = ["year"]
citation = "条"
ages = "life"
row = [{ key = "mr_1", ja = "1", en = "1", series = ["mr"], numbers = [1], target = "mr1" }]
[[block]]
key = "b"
ja = "b"
en = "b"
columns = [{ key = "given", ja = "g", en = "g" }]
"""


@pytest.mark.parametrize("code", LIBRARY.reports)
@pytest.mark.parametrize("year", [2012, 2020, 2024, 2026])
def test_a_stored_definition_is_the_same_again(code: str, year: int) -> None:
    definition = LIBRARY.resolve(code, Period(year))
    assert definition_of(definition.as_json()) == definition
    assert definition_of(definition.as_json()).sha256 == definition.sha256


def test_rows_and_targets_follow_the_law_in_force() -> None:
    rows = {
        year: {row.key: row for row in LIBRARY.resolve("coverage", Period(year)).rows}
        for year in (2011, 2023, 2026)
    }
    assert "opv_1" in rows[2011]
    assert "opv_1" not in rows[2023]
    assert "dpt_ipv_hib_1" not in rows[2023]
    assert "dpt_ipv_hib_1" in rows[2026]
    # Until March 2023 the first dose of DPT-IPV was for three months, from April on for two.
    before = LIBRARY.targets["dpt"][0].births(Period(2022), SCHEDULE)
    after = LIBRARY.targets["dpt"][1].births(Period(2023), SCHEDULE)
    assert (before[0].first, after[0].last) == (date(2022, 1, 2), date(2024, 2, 1))


def test_every_report_marks_what_no_public_text_says() -> None:
    assert {code for code, report in LIBRARY.reports.items() if not report.unverified} == {"doses"}
    assert all(rule.unverified and rule.citation for rules in LIBRARY.targets.values() for rule in rules)


@given(
    months=st.integers(0, 1200),
    year=st.integers(2000, 2030),
    code=st.sampled_from(["year", "h1", "h2", "m04", "m02", "m12"]),
    off=st.integers(-3, 3),
)
def test_births_of_a_period_are_exactly_those_that_reach_the_age_in_it(
    months: int, year: int, code: str, off: int
) -> None:
    period = Period(year, code)
    rule = TargetRule(
        "x", "months", (months,), date(1900, 1, 1), None, "", None, None, "", "x", unverified=True
    )
    (births,) = rule.births(period, SCHEDULE)
    for edge in (births.first, births.last):
        born = edge + timedelta(days=off)
        reached = period.first_day <= day_months_are_reached(born, months) <= period.last_day
        assert reached is (births.first <= born <= births.last)


@given(years=st.integers(1, 100), year=st.integers(2000, 2030), off=st.integers(-3, 3))
def test_births_of_a_fiscal_year_of_age(years: int, year: int, off: int) -> None:
    rule = TargetRule(
        "x",
        "years_in_fiscal_year",
        (years,),
        date(1900, 1, 1),
        None,
        "",
        None,
        None,
        "",
        "x",
        unverified=True,
    )
    (births,) = rule.births(Period(year, "m07"), SCHEDULE)
    for edge in (births.first, births.last):
        born = edge + timedelta(days=off)
        assert (fiscal_year_reaching_age(born, years) == year) is (births.first <= born <= births.last)
    assert (births.first.month, births.first.day, births.last.month, births.last.day) == (4, 2, 4, 1)


@pytest.mark.parametrize(
    ("given", "targets", "shown"),
    [
        (1, 3, "33.3"),
        (2, 3, "66.7"),
        (1, 8, "12.5"),
        (1, 16, "6.3"),
        (3, 16, "18.8"),
        (1, 2000, "0.1"),
        (1, 2001, "0.0"),
        (1716, 1000, "171.6"),
        (0, 5, "0.0"),
        (5, 0, None),
    ],
)
def test_rates_are_rounded_half_up_and_never_capped(given: int, targets: int, shown: str | None) -> None:
    assert rate(given, targets) == (Decimal(shown) if shown else None)


def test_classes_of_rates() -> None:
    bounds = (95, 90, 85, 80, 75, 0)
    found = [band(Decimal(text), bounds) for text in ("101.0", "95.0", "94.9", "75.0", "74.9", "0.0")]
    assert found == [95, 95, 90, 75, 0, 0]
    assert band(None, bounds) is None


def test_a_table_adds_up_and_its_public_version_tells_no_small_figure() -> None:
    definition = LIBRARY.resolve("doses", Period(2026))
    common = Common("given", 4, "a000", "individual", "routine", "known")
    atoms = [
        Atom("mr_1", common, 40),
        Atom("mr_1", Common("given", 5, "a001", "unknown", "voluntary", "known"), 3),
        Atom("mr_1", Common("deferred", 5, "a001", "individual", "routine", "known"), 2),
        Atom("bcg_1", common, 30),
    ]
    found = table(definition, atoms)
    assert [row.key for row in found.rows] == ["bcg_1", "mr_1"]
    assert [found.at("mr_1", key).value for key in ("given", "given_m04", "given_m05", "not_given")] == [
        43,
        40,
        3,
        2,
    ]
    assert found.at("mr_1", "given_delivery_unknown").value == 3
    assert found.at(TOTAL, "given").value == 73
    shown = public(found, 5)
    small = {place for place, figure in found.figures.items() if figure.value in {1, 2, 3, 4}}
    assert all(shown.figures[place].hidden for place in small)
    assert [shown.at(row, "given").value for row in ("bcg_1", "mr_1", TOTAL)] == [30, 43, 73]
    assert shown.at("bcg_1", "not_given").value == 0


def test_a_rate_is_left_out_with_what_it_is_made_of() -> None:
    definition = LIBRARY.resolve("routine", Period(2026))
    common = Common("given", 4, "a000", "individual", "routine", "known")
    shown = public(table(definition, [Atom("mr_1", common, 3), Atom("mr_1", None, 60)]), 5)
    assert (shown.at("mr_1", "given").hidden, shown.at("mr_1", "rate").hidden) == (True, True)
    assert shown.at("mr_1", "targets").value == 60


@given(
    st.builds(
        Common,
        st.sampled_from(["given", "unfit"]),
        st.integers(1, 12),
        st.sampled_from(["a000", "unknown"]),
        st.sampled_from(["individual", "unknown"]),
        st.sampled_from(["routine", "voluntary"]),
        st.sampled_from(["known", "unknown"]),
    )
)
def test_the_key_of_a_figure_can_be_read_back(common: Common) -> None:
    assert common_of(common.key) == common
    assert common_of("target") is None


@pytest.mark.parametrize("code", ["m00", "m13", "q1", "", "M04", "m4"])
def test_no_other_parts_of_a_year(code: str) -> None:
    with pytest.raises(PeriodError):
        Period(2026, code)


@pytest.mark.parametrize("year", ["", "26", "20266", "２０２６", "1989", "abcd", "-202"])
def test_no_other_years(year: str) -> None:
    with pytest.raises(PeriodError):
        parse_period(year, "year")


def test_months_lie_in_their_fiscal_year() -> None:
    year = Period(2025)
    days = [Period(2025, f"m{month:02}") for month in year.months]
    assert days[0].first_day == year.first_day
    assert days[-1].last_day == year.last_day
    assert all(b.first_day - a.last_day == timedelta(days=1) for a, b in pairwise(days))
    assert (Period(2027, "m02").last_day, Period(2025, "h1").last_day) == (
        date(2028, 2, 29),
        date(2025, 9, 30),
    )


def test_a_municipality_adds_and_replaces_reports(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(REPORT, "utf-8")
    (tmp_path / "routine.toml").write_text(REPORT.replace('"表"', '"自分の表"'), "utf-8")
    library = load_library(SCHEDULE, tmp_path)
    assert library.reports["routine"].title_ja == "自分の表"
    assert library.resolve("own", Period(2026)).rows[0].vaccines == ("mr",)
    assert load_library(SCHEDULE, tmp_path).rules_version == library.rules_version


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("order = 1", "order = "), "Invalid"),
        (lambda text: text.replace("order = 1\n", ""), "order is missing"),
        (lambda text: "colour = 1\n" + text, "colour is not known"),
        (lambda text: text.replace('["year"]', '["week"]'), "periods are"),
        (lambda text: text.replace('ages = "life"', 'ages = "x"'), "ages names no classes"),
        (lambda text: text.replace('series = ["mr"]', 'series = ["x"]'), "there is no series x"),
        (lambda text: text.replace('series = ["mr"]', 'vaccines = ["x"]'), "a vaccine is unknown"),
        (lambda text: text.replace('target = "mr1"', 'target = "x"'), "there are no targets x"),
        (lambda text: text.replace('ja = "1",', ""), "key, ja and en are needed"),
        (lambda text: text.replace("numbers", "number"), "number is not known"),
        (lambda text: text.replace('en = "g"', 'en = "g", measure = "x"'), "there is no measure x"),
        (lambda text: text.replace('en = "g"', 'en = "g", part_of = "x"'), "x is no column"),
        (lambda text: text.replace('en = "g"', 'en = "g", deliveries = ["x"]'), "x is no DeliveryCategory"),
        (
            lambda text: text.replace('{ key = "given", ja = "g", en = "g" }', '{ expand = "x" }'),
            "expands to x",
        ),
    ],
)
def test_a_wrong_report_says_what_is_wrong(tmp_path: Path, change: Callable[[str], str], told: str) -> None:
    (tmp_path / "own.toml").write_text(change(REPORT), "utf-8")
    with pytest.raises(DefinitionError, match=told):
        load_library(SCHEDULE, tmp_path)


RULE = '{ kind = "months", values = [2], valid_from = 2020-01-01, citation = "x" }'


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ('[{ kind = "x", valid_from = 2020-01-01, citation = "x" }]', "kind is not known"),
        ('[{ kind = "months", valid_from = 2020-01-01, citation = "x" }]', "values must be ages"),
        ('[{ kind = "months", values = [2, 3], valid_from = 2020-01-01, citation = "x" }]', "count twice"),
        (
            '[{ kind = "programme", programme = "x", valid_from = 2020-01-01, citation = "x" }]',
            "no programme x",
        ),
        ('[{ kind = "programme", valid_from = 2020-01-01, citation = "x" }]', "for the kind programme"),
        ('[{ kind = "months", values = [2], citation = "x" }]', "valid_from and citation"),
        ('[{ kind = "months", values = [2], valid_from = 2020-01-01, citation = "x", sex = "f" }]', "sex is"),
        (
            f"[{RULE}, {RULE.replace('2020', '2021')}]",
            "two rules are in force",
        ),
    ],
)
def test_a_wrong_rule_of_targets_says_what_is_wrong(tmp_path: Path, rules: str, told: str) -> None:
    (tmp_path / "targets.toml").write_text(f"mr1 = {rules}\n", "utf-8")
    with pytest.raises(DefinitionError, match=told):
        load_library(SCHEDULE, tmp_path)


PRICE = '[[price]]\nseries = "mr"\nprice = 10\nvalid_from = 2020-04-01\ncitation = "x"\n'


def test_a_price_of_a_vaccine_stands_instead_of_its_series(tmp_path: Path) -> None:
    path = tmp_path / "tariff.toml"
    own = '[[price]]\nvaccine = "hpv9"\nprice = 20\nvalid_from = 2020-04-01\ncitation = "x"\n'
    path.write_text(PRICE.replace('"mr"', '"hpv"') + own, "utf-8")
    prices = {price.vaccine: price.price for price in load_tariff(CATALOGUE, path).prices}
    assert prices == {"hpv2": 10, "hpv4": 10, "hpv9": 20}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "only"),
        ("x = 1", "only"),
        (PRICE + PRICE, "two prices hold on 2020-04-01"),
        (PRICE.replace('"mr"', '"x"'), "no such series"),
        (PRICE.replace("= 10", "= -1"), "not negative"),
        (PRICE.replace("= 10", '= "10"'), "wrong type"),
        (PRICE.replace("price = 10\n", ""), "are needed"),
        (PRICE + "copayment = 11\n", "not above"),
    ],
)
def test_a_wrong_tariff_says_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "tariff.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(TariffError, match=told):
        load_tariff(CATALOGUE, path)
