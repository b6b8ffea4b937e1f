"""The files beside the protocol are what it says of them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters_folder.conftest import CLASSES
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.tax import TaxationState
from yvaxportal.adapters.messages.welfare import WelfareKind
from yvaxportal.values.checkdigits import is_atena_number

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs/examples/folder"
PROTOCOL = ROOT / "docs/protocols/folder.md"
KINDS = {"resident_register": ("JUMIN", "IDO"), "tax": ("KAZEI",), "welfare": ("SHIKAKU",)}
JOB = CallContext.batch()
HEAD, MOVED, PRESENT, NEWBORN = "1000001011", "1000001054", "1000001046", "1000001062"


@pytest.mark.parametrize("system", KINDS)
def test_the_example_files_are_taken(built: Callable[..., Any], system: str) -> None:
    adapter, other = built(system)
    names = sorted(path.name for path in EXAMPLES.glob("*.csv") if path.name.split("_")[0] in KINDS[system])
    assert len(names) == 2
    for name in names:
        shutil.copy(EXAMPLES / name, other.inbox / name)
    adapter.receive()
    told = {name: other.acknowledgement(name)["result"] for name in names}
    assert set(told.values()) <= {"accepted", "partly"}
    # One line of the changes has a mistake, shown in the protocol with what is said about it.
    refused = {name: other.errors(name) for name in names if other.errors(name)}
    expected = {"IDO_S_312029_00000002_20261101100000.csv": [("4", "seibetsu", "E0002")]}
    assert refused == (expected if system == "resident_register" else {})
    for name in refused:
        for ending in (".ack", ".err"):
            written = (other.root / "ack" / f"{name}{ending}").read_text("utf-8").replace("\r\n", "\n")
            shown = written.replace("2026-11-23T01:00:00+00:00", "2026-11-01T01:05:00+00:00")
            assert shown in PROTOCOL.read_text("utf-8")


def test_what_the_examples_say(built: Callable[..., Any]) -> None:
    adapters = {}
    for system, layouts in KINDS.items():
        adapters[system], other = built(system)
        for path in EXAMPLES.glob("*.csv"):
            if path.name.split("_")[0] in layouts:
                shutil.copy(path, other.inbox / path.name)
        adapters[system].receive()
    register = adapters["resident_register"]
    assert register.resident(MOVED, JOB).contact.current_address == "鳥取県米子市米原2丁目3番4号"
    members = [one.atena_number for one in register.household("2000000119", JOB)]
    assert (members[0], members[-1], len(members)) == (HEAD, NEWBORN, 4)
    assert all(is_atena_number(number, remainder_one="zero") for number in members)
    assert adapters["tax"].taxation(PRESENT, 2026, JOB).state is TaxationState.EXEMPT
    (assistance,) = adapters["welfare"].history(MOVED, JOB).periods
    assert assistance.kind is WelfareKind.PUBLIC_ASSISTANCE


def test_a_layout_of_ones_own(built: Callable[..., Any]) -> None:
    layout = EXAMPLES / "layout-fixed-cp932.toml"
    adapter, other = built("tax", layout_file=str(layout))
    (data,) = EXAMPLES.glob("*.dat")
    shutil.copy(data, other.inbox / data.name)
    assert adapter.receive() == 0
    (other.inbox / f"{data.name}.end").touch()
    assert adapter.receive() == 1
    assert other.errors(data.name) == []
    states = [adapter.taxation(number, 2026, JOB).state for number in (HEAD, PRESENT, MOVED)]
    assert states == [TaxationState.EXEMPT, TaxationState.TAXED, TaxationState.UNKNOWN]
    assert set(adapter.household_taxation("2000000119", 2026, JOB).members) == {HEAD}


@pytest.mark.parametrize("system", KINDS)
def test_the_protocol_lists_every_column_as_the_layout_has_it(system: str) -> None:
    text = PROTOCOL.read_text("utf-8")
    adapter_layouts = CLASSES[system].PACKAGE.replace(".", "/")
    content = (ROOT / adapter_layouts / "layout.toml").read_text("utf-8")
    for block in content.split("[[")[1:]:
        said = dict(line.split(" = ", 1) for line in block.splitlines() if " = " in line)
        name, title, width = said["name"].strip('"'), said["title"].strip('"'), said["width"]
        assert f"| `{name}` | {title} | " in text, name
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` | {title} | "))
        assert row.split("|")[4].strip() == width, name
