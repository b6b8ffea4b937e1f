"""What a column of a list may hold: a record item of one value for each person, or derived."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from yvaxportal.models.record_homes import Sensitivity
from yvaxportal.models.record_items import PERSONAL

#: Tables with at most one row for each person: only their items have one value to put into a cell.
ONE_ROW_TABLES = frozenset({"resident", "resident_contact", "foreign_resident", "resident_note"})
#: These never leave in a list: the personal number (M26), and that somebody is under a support measure.
NEVER = frozenset({Sensitivity.VAULT, Sensitivity.PROTECTED})


class Derived(StrEnum):
    """What is computed for a list and is no record item."""

    SEQUENCE = "sequence"
    AGE = "age"
    DOSE_NUMBER = "dose_number"
    POSTAL_ADDRESS = "postal_address"


#: These tell where somebody is reached, as items of ``Sensitivity.CONTACT`` do.
_CONTACT_DERIVED = frozenset({Derived.POSTAL_ADDRESS})


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Exactly one of ``table`` (with ``column``) and ``derived`` says where the value is from.

    :param codes: words for stored codes; a code that is not among them is written as it is stored.
    :param contact: the cell stays empty, with a mark, for people under a support measure.
    """

    heading_ja: str
    heading_en: str
    table: str | None
    column: str | None
    derived: Derived | None
    codes: Mapping[str, str]
    contact: bool

    def word(self, value: Any) -> Any:
        """Return what is written for a stored value."""
        if isinstance(value, bool):
            return self.codes.get("true" if value else "false", "1" if value else "0")
        if isinstance(value, StrEnum):
            return self.codes.get(value.value, value.value)
        return self.codes.get(value, value) if isinstance(value, str) else value


def read_column(entry: Mapping[str, Any]) -> Column:
    """Return a column as a layout describes it.

    :raises ValueError: the reason, without the file: unknown item, personal number, several values a person.
    """
    if unknown := entry.keys() - {"item", "column", "derived", "heading_ja", "heading_en", "codes"}:
        raise ValueError(f"{min(unknown)} is not known")
    if ("item" in entry) == ("derived" in entry):
        raise ValueError("names either an item or a derived column")
    codes = entry.get("codes", {})
    if not isinstance(codes, dict) or not all(isinstance(word, str) for word in codes.values()):
        raise ValueError("codes must be a table of words")
    headings = {name: entry.get(name) for name in ("heading_ja", "heading_en")}
    for name, heading in headings.items():
        if not isinstance(heading, str) or not heading.strip():
            raise ValueError(f"{name} is missing")
    table, column, derived, contact = _place(entry)
    return Column(
        heading_ja=str(headings["heading_ja"]),
        heading_en=str(headings["heading_en"]),
        table=table,
        column=column,
        derived=derived,
        codes=MappingProxyType(dict(codes)),
        contact=contact,
    )


def _place(entry: Mapping[str, Any]) -> tuple[str | None, str | None, Derived | None, bool]:
    if "derived" in entry:
        if "column" in entry:
            raise ValueError("a derived column has no column of its own")
        try:
            derived = Derived(entry["derived"])
        except ValueError:
            raise ValueError(f"no such derived column: {entry['derived']}") from None
        return None, None, derived, derived in _CONTACT_DERIVED
    item = next((item for item in PERSONAL if item.identifier == entry["item"]), None)
    if item is None:
        raise ValueError(f"no such record item: {entry['item']}")
    if item.home.sensitivity is Sensitivity.VAULT or not item.columns:
        raise ValueError("the personal number cannot be in a file that leaves")
    if item.home.sensitivity in NEVER:
        raise ValueError(f"{item.identifier} cannot be in a file that leaves")
    if item.home.table not in ONE_ROW_TABLES:
        raise ValueError(f"{item.identifier} has several values for one person")
    names = [name for name, _label in item.columns]
    column = entry.get("column", item.identifier if item.identifier in names else names[0])
    if column not in names:
        raise ValueError(f"{item.identifier} has no column {column}; it has {', '.join(names)}")
    return item.home.table, column, None, item.home.sensitivity is Sensitivity.CONTACT
