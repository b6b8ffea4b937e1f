"""The city as a whole: deterministic, plausible, with everything that is hard."""

from collections import Counter
from datetime import date

import pytest

from tests.unit.sample.city_rows import Row, city_rows, plan
from yvaxportal.models.codes import ForeignResidentCategory, ResidentCategory
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.sample import SAMPLE_DAY
from yvaxportal.sample.choice import stream
from yvaxportal.sample.city import CHUNK, City, Plan
from yvaxportal.values.checkdigits import is_municipality_code
from yvaxportal.values.kana import fold_name
from yvaxportal.values.wareki import parse_date

SIZE = 3000


def column(table: str, name: str) -> list[str]:
    return [value for row in city_rows(SIZE)[table] if (value := row[name]) is not None]


def text(row: Row, name: str) -> str:
    value = row[name]
    assert value is not None
    return value


def test_the_same_seed_makes_the_same_rows() -> None:
    one, other = City(plan(700)), City(plan(700))
    assert [one.chunk(k).tables for k in (0, 1)] == [other.chunk(k).tables for k in (0, 1)]
    assert [i.name for i in one.institutions] == [i.name for i in other.institutions]


def test_a_chunk_does_not_depend_on_what_was_made_before() -> None:
    after, alone = City(plan(1200)), City(plan(1200))
    after.chunk(0)
    assert after.chunk(1).tables == alone.chunk(1).tables


def test_another_seed_makes_other_people() -> None:
    assert City(plan(600, seed=1)).chunk(1).tables != City(plan(600, seed=2)).chunk(1).tables


@pytest.mark.parametrize("residents", [1, 3, 46, CHUNK, CHUNK + 1])
def test_as_many_people_as_asked(residents: int) -> None:
    rows = city_rows(residents)
    assert [int(text(row, "id")) for row in rows["resident"]] == list(range(1, residents + 1))
    assert len(rows["resident_contact"]) == residents


@pytest.mark.parametrize("residents", [0, -1, 9_000_001])
def test_impossible_sizes(residents: int) -> None:
    with pytest.raises(ValueError, match="1 to 9000000"):
        plan(residents)


def test_ages_are_those_of_a_provincial_city() -> None:
    known = [date.fromisoformat(day) for day in column("resident", "date_of_birth")]
    ages = [(SAMPLE_DAY - birth).days / 365.2425 for birth in known]
    children = sum(age < 15 for age in ages) / len(ages)
    elderly = sum(age >= 65 for age in ages) / len(ages)
    assert 0.09 < children < 0.16
    assert 0.26 < elderly < 0.38
    assert max(ages) < 105


def test_everybody_was_born_before_everything_else() -> None:
    births = {row["id"]: row["date_of_birth"] for row in city_rows(SIZE)["resident"]}
    for row in city_rows(SIZE)["resident"]:
        birth = row["date_of_birth"]
        if birth is None:
            continue
        for name in ("became_resident_on", "became_resident_notified_on", "ceased_resident_on"):
            value = row[name]
            assert value is None or birth <= value <= SAMPLE_DAY.isoformat(), (name, row)
    for row in city_rows(SIZE)["dose"]:
        birth = births[row["resident_id"]]
        assert birth is None or text(row, "given_on") >= birth
        assert text(row, "given_on") <= SAMPLE_DAY.isoformat()


def test_nothing_is_given_after_the_person_left() -> None:
    left = {row["id"]: row["ceased_resident_on"] for row in city_rows(SIZE)["resident"]}
    for row in city_rows(SIZE)["dose"]:
        last = left[row["resident_id"]]
        assert last is None or text(row, "given_on") <= last


def test_households_have_a_head_and_the_words_of_the_register() -> None:
    relationships = set(column("resident", "relationship_to_head"))
    assert {"世帯主", "妻", "夫", "子", "母", "子の妻", "子の子", "妻（未届）"} <= relationships
    assert not any("孫" in relationship for relationship in relationships)
    heads = Counter(
        row["household_number"]
        for row in city_rows(SIZE)["resident"]
        if row["relationship_to_head"] == "世帯主"
    )
    assert set(heads.values()) == {1}
    sizes = Counter(Counter(column("resident", "household_number")).values())
    assert sizes[1] > sizes[4] > 0


def test_all_categories_occur() -> None:
    assert set(column("resident", "resident_category")) == {str(category) for category in ResidentCategory}
    assert set(column("foreign_resident", "article_30_45_category")) == {
        str(category) for category in ForeignResidentCategory
    }
    assert {"出生", "国内転入", "国外転入等"} <= set(column("resident", "became_resident_reason"))
    assert {"国内転出", "死亡", "異動の取消し(減)"} <= set(column("resident", "ceased_resident_reason"))


@pytest.mark.parametrize(
    "hard",
    ["髙", "﨑", "𠮷", "濵", "邉", "德", "㐂", "辻\U000e0100", "\ufa19", "\ufa12", "ゐ"],
)
def test_hard_characters_occur(hard: str) -> None:
    assert any(hard in name for name in column("resident", "name"))


def test_hard_births_occur() -> None:
    written = set(column("resident", "date_of_birth_written"))
    assert {"2024-02-29", "2020-04-01", "2020-04-02", "2025-08-31", "1955-04-00", "1940-00-00"} <= written
    assert all(parse_date(day) for day in written)
    for row in city_rows(SIZE)["resident"]:
        assert row["date_of_birth"] == (
            None if "-00" in text(row, "date_of_birth_written") else row["date_of_birth_written"]
        )


def test_twins_and_namesakes_occur() -> None:
    rows = city_rows(SIZE)["resident"]
    same = Counter((row["household_number"], row["date_of_birth"]) for row in rows if row["date_of_birth"])
    assert max(same.values()) == 2
    namesakes = Counter((row["name"], row["date_of_birth"]) for row in rows)
    assert namesakes["田中\u3000正", "1950-01-01"] == 2


def test_people_without_kana_with_aliases_and_former_names_occur() -> None:
    rows = city_rows(SIZE)["resident"]
    assert any(row["name_kana"] is None for row in rows)
    assert column("resident", "alias_name")
    assert column("resident", "former_name")
    alphabet = column("resident", "name_alphabet")
    assert "NGUYEN THI HOA" in alphabet


def test_every_name_has_its_search_key() -> None:
    names = {"kanji": "name", "kana": "name_kana", "alphabet": "name_alphabet", "alias": "alias_name"}
    by_id = {row["id"]: row for row in city_rows(SIZE)["resident"]}
    for row in city_rows(SIZE)["resident_name"]:
        person = by_id[row["resident_id"]]
        name = person[names.get(text(row, "kind"), "former_name")]
        assert name is not None
        assert row["key"] == fold_name(name)
        assert row["date_of_birth_written"] == person["date_of_birth_written"]
    kinds = Counter(column("resident_name", "kind"))
    assert set(kinds) == {"kanji", "kana", "alphabet", "alias", "former"}
    assert kinds["kanji"] == SIZE


def test_protected_people_have_a_measure_and_mail_elsewhere() -> None:
    protected = {row["id"] for row in city_rows(SIZE)["resident"] if row["support_measure_flag"] == "t"}
    assert protected == set(column("support_measure", "resident_id"))
    children = [
        row
        for row in city_rows(SIZE)["resident"]
        if row["id"] in protected and row["relationship_to_head"] == "子"
    ]
    assert children
    for row in city_rows(SIZE)["resident_contact"]:
        if row["resident_id"] in protected:
            assert row["has_mailing_address"] == "t"
            assert row["mailing_address"]


def test_every_vaccine_occurs_and_fits_its_own_rules() -> None:
    catalogue = load_catalogue()
    seen = set()
    for row in city_rows(SIZE)["dose"]:
        vaccine = catalogue.get(text(row, "vaccine"))
        assert vaccine is not None
        seen.add(vaccine.code)
        assert vaccine.in_force(date.fromisoformat(text(row, "given_on"))), row
        assert 1 <= int(text(row, "dose_number")) <= vaccine.doses, row
        assert row["lot_number"] is None or vaccine.is_lot_number(row["lot_number"]), row
        assert row["record_group"] == vaccine.record_group
        assert row["pneumococcal_type"] == vaccine.pneumococcal_type
        covid = vaccine.record_group == "covid19"
        assert (row["vaccination_status"] is not None) is covid
        assert (row["product_name"] is not None) is covid
    rare = {"comirnaty_infant_xbb", "comirnaty_child_xbb", "nuvaxovid", "nuvaxovid_jn1", "kostaive_jn1"}
    rare |= {"rs_maternal", "vaxzevria", "comirnaty_child_ba45", "spikevax_ba45", "daichirona_xbb"}
    assert set(catalogue.vaccines) - seen <= rare


def test_a_ticket_number_stays_with_its_person() -> None:
    here = [row for row in city_rows(SIZE)["dose"] if row["municipality_code"] == "312029"]
    assert here
    for row in here + city_rows(SIZE)["ticket"]:
        assert int(text(row, "ticket_number")) == int(text(row, "resident_id"))
    assert all(is_municipality_code(code) for code in set(column("dose", "municipality_code")))


def test_irregular_doses_occur() -> None:
    doses = city_rows(SIZE)["dose"]
    assert {"unfit", "deferred", "exam_only", "given"} <= {row["judgement"] for row in doses}
    assert {"lot_missing", "outside_age"} <= {text(row, "alerts").strip('[]"') for row in doses}
    assert {"routine", "voluntary", "subsidised", "temporary"} == {row["dose_category"] for row in doses}
    assert {"cancelled", "active"} == set(column("sample_change", "state"))
    days: dict[tuple[str | None, ...], set[str | None]] = {}
    for row in doses:
        if row["judgement"] == "given" and row["record_group"] != "elderly_dose":
            key = (row["resident_id"], row["vaccine"], row["dose_number"])
            days.setdefault(key, set()).add(row["given_on"])
    assert max(len(found) for found in days.values()) == 2


def test_no_two_rows_break_the_unique_index_of_doses() -> None:
    keys = Counter(
        (row["resident_id"], row["vaccine"], row["given_on"], row["dose_number"])
        for row in city_rows(SIZE)["dose"]
        if row["judgement"] == "given"
    )
    assert max(keys.values()) == 1


def test_a_city_elsewhere_has_its_own_towns() -> None:
    city = City(Plan(50, 7, "312011", SAMPLE_DAY))
    (address, *_), *_ = [line.split("\t")[2:3] for line in city.chunk(0).tables["resident_contact"]]
    assert address.startswith("鳥取県鳥取市")
    assert all(one.code.startswith("31") for one in city.institutions)


def test_streams_of_chance_do_not_depend_on_the_machine() -> None:
    rng = stream(2026, "test")
    assert [rng.random() for _ in range(3)] == [0.013655017049835516, 0.07913927664707077, 0.6913637603671425]
