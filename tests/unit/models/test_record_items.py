"""The mapping of the record items against the annex, the tables, the forms and the resource tree."""

import csv
from importlib import import_module
from pathlib import Path
from typing import Any

import colander
import pytest

from yvaxportal.models import Base, record_homes
from yvaxportal.models.record_homes import Page, Sensitivity
from yvaxportal.models.record_items import PERSONAL, RECORD_ITEMS, RecordItem, held_values, items_of
from yvaxportal.resources import Node
from yvaxportal.security.groups import BUILT_IN_GROUPS
from yvaxportal.security.permissions import Permission

ANNEX = Path(__file__).parents[2] / "data" / "record_items.csv"


def named(item: RecordItem) -> str:
    return f"{item.group}-{item.number}"


every_item = pytest.mark.parametrize("item", RECORD_ITEMS, ids=named)


def annex() -> list[tuple[str, int, str]]:
    with ANNEX.open(encoding="utf-8", newline="") as lines:
        return [(row["group"], int(row["number"]), row["name_ja"]) for row in csv.DictReader(lines)]


def resolve(dotted: str) -> Any:
    module, _colon, name = dotted.partition(":")
    return getattr(import_module(module), name)


def test_the_mapping_has_the_85_items_of_the_annex_and_no_other() -> None:
    assert [(item.group, item.number, item.name_ja) for item in RECORD_ITEMS] == annex()
    assert len(RECORD_ITEMS) == 85


def test_the_identifiers_are_the_annexs() -> None:
    with ANNEX.open(encoding="utf-8", newline="") as lines:
        wanted = [row["identifier"] for row in csv.DictReader(lines)]
    assert [item.identifier for item in RECORD_ITEMS] == wanted


@every_item
def test_an_item_has_a_column(item: RecordItem) -> None:
    table = Base.metadata.tables[item.home.table]
    assert bool(item.columns) is (item.home is not record_homes.VAULT)
    for column in [*(name for name, _label in item.columns), *(name for name, _value in item.home.only)]:
        assert column in table.c


def test_a_personal_number_is_in_the_vault_and_in_no_column_that_can_be_read() -> None:
    numbers = [item for item in RECORD_ITEMS if item.identifier == "personal_number"]
    assert len(numbers) == 4
    for item in numbers:
        assert (item.home.table, item.columns) == ("vault_entry", ())
        assert item.home.sensitivity is Sensitivity.VAULT
    elsewhere = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if "personal_number" in column.name or "my_number" in column.name
    ]
    assert elsewhere == []


@every_item
def test_an_item_has_a_field_in_a_form(item: RecordItem) -> None:
    form = resolve(item.home.form)
    if isinstance(form, type):
        assert issubclass(form, colander.Schema)
        assert item.field in [child.name for child in form().children]
    else:
        # Made for one request; that its page has the field is tested with the pages.
        assert callable(form)


@every_item
@pytest.mark.parametrize("which", ["entry", "seen"])
def test_an_item_has_a_page_that_some_group_may_open(item: RecordItem, which: str) -> None:
    page: Page = getattr(item.home, which)
    node = resolve(page.node)
    assert issubclass(node, Node)
    assert page.permission in {*node.permissions, Permission.SUPPORT_MEASURE_EDIT}
    assert any(page.permission in group.permissions for group in BUILT_IN_GROUPS)


def test_every_column_of_a_person_has_an_item_or_a_reason_to_have_none() -> None:
    """A column that is added must be thought about: what is it, and who may see it?"""
    mapped = {(item.home.table, column) for item in RECORD_ITEMS for column, _label in item.columns}
    ours = {"id", "resident_id", "revision", "changed_by", "changed_at", "certificate_id"}
    keys = {"address_key", "phone_key", "date_of_birth", "register_as_of"}
    unmapped = {
        (table, column.name)
        for table in {item.home.table for item in PERSONAL} - {"vault_entry"}
        for column in Base.metadata.tables[table].columns
        if column.name not in ours | keys | {"kind"}
    } - mapped
    assert unmapped == set()


def test_sensitive_items_are_marked() -> None:
    of = {(item.group, item.identifier): item.home.sensitivity for item in RECORD_ITEMS}
    assert of["personal", "current_address"] is Sensitivity.CONTACT
    assert of["personal", "elementary_school_district"] is Sensitivity.CONTACT
    assert of["personal", "support_measure_flag"] is Sensitivity.PROTECTED
    assert of["personal", "residence_card_number"] is Sensitivity.FOREIGN
    assert of["covid19", "passport_details"] is Sensitivity.PASSPORT
    assert of["personal", "name"] is Sensitivity.PLAIN


def test_what_is_held_on_one_person_comes_item_by_item() -> None:
    dose = {column: None for item in RECORD_ITEMS if item.home.table == "dose" for column, _l in item.columns}
    rows = {
        "resident_note": [{"personal_remarks": "通訳", "follow_up": None}],
        "dose": [
            dose | {"record_group": "covid19", "manufacturer": "ファイザー"},
            dose | {"record_group": "infant_dose", "lot_number": "AB12"},
            dose | {"record_group": "infant_dose", "lot_number": "AB13"},
        ],
    }
    found = [
        (named(held.item), value) for held in held_values(rows) for value in held.values.values() if value
    ]
    assert found == [
        ("personal-32", "通訳"),
        ("infant_dose-12", "AB12"),
        ("infant_dose-12", "AB13"),
        ("covid19-9", "ファイザー"),
    ]


def test_the_items_of_one_table_keep_their_order() -> None:
    assert [item.number for item in items_of("resident_contact")] == [*range(9, 16), 25, 26, 34, 35]
    assert [item.number for item in items_of("resident")] == [*range(2, 9), *range(16, 24), 27, 33]
