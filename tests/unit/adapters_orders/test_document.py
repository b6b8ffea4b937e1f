"""The protocol says of every order and every answer what the layouts that ship have."""

import json
from importlib.metadata import entry_points

import pytest

from tests.unit.adapters_orders import tables
from yvaxportal.adapters.folder import faults
from yvaxportal.adapters.folder.orders_adapter import OPTIONS

PAGE = (tables.ROOT / "docs/protocols/folder.md").read_text("utf-8")
SYSTEMS = [
    system
    for system in ("atena", "chukan", "vrs")
    if any(entry.name == "files" for entry in entry_points(group=f"yvaxportal.adapters.{system}"))
]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_tables_are_those_of_the_layout(system: str) -> None:
    lines = [*tables.items(system), *tables.operations(system)]
    assert [line for line in lines if f"\n{line}\n" not in PAGE] == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_operation_of_the_protocol_has_its_files(system: str) -> None:
    path = tables.ROOT / f"yvaxportal/adapters/{system}/openapi.json"
    document = json.loads(path.read_text("utf-8"))
    names = {said["operationId"] for methods in document["paths"].values() for said in methods.values()}
    assert names == set(tables.layout(system)) - {"file", "items"}


def test_every_code_and_every_option_is_explained() -> None:
    assert [code for code in faults.TEXTS if f"| `{code}`" not in PAGE] == []
    assert [option for option in OPTIONS if f"`{option}`" not in PAGE] == []
