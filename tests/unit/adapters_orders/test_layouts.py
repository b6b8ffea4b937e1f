"""Layouts of one's own: what is wrong is one line that names the setting; what is missing is not offered."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters_orders.other_side import CITY, OrderedSide
from tests.unit.adapters_orders.test_orders import CALL, PERSON, SHORT
from yvaxportal.adapters.errors import NotOffered, TimedOut
from yvaxportal.adapters.messages.atena import AssignmentKind, NewPerson
from yvaxportal.models.codes import Sex
from yvaxportal.settings import SettingsError

Built = Callable[..., tuple[Any, OrderedSide]]
ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "yvaxportal/adapters/atena/orders.toml"
EXAMPLES = ROOT / "docs/examples/folder"


def own(tmp_path: Path, *changes: tuple[str, str]) -> str:
    """Return the path of a copy of the shipped layout with some changes."""
    text = SHIPPED.read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    path = tmp_path / "own.toml"
    path.write_text(text, "utf-8")
    return str(path)


WRONG = [
    ('form = "csv"', 'form = "xml"', "[file]: form must be one of csv, fixed"),
    ('form = "csv"', 'order_name = "{number}/x"', "[file]: order_name must be a plain name"),
    ('form = "csv"', 'answer_name = "KAITO.csv"', "[file]: answer_name must be a plain name"),
    ('form = "csv"', 'colour = "red"', "[file]: no such key: colour"),
    ("[assign.order]", "[assigns.order]", "the file: no such key: assigns"),
    ('mark = "D"', 'mark = "T"', "[assign.answer]: a mark is one capital letter"),
    ('of = "D"', 'of = "X"', "[pass_to_chukan.answer]: P belongs to X, which is no mark above it"),
    ('shape = "pieces"', 'shape = "heap"', "shape must be one of records, values, pairs, pieces"),
    (
        'columns = ["atenabango"]',
        'columns = ["bango"]',
        "[name_information.order]: there is no [items.bango]",
    ),
    ('columns = ["atenabango"]', 'columns = ["ikou", "ikou"]', "has the column ikou twice"),
    (
        'kind = "personal_number"',
        'kind = "digits"',
        "[assign.order]: kojinbango must be of kind personal_number",
    ),
    (
        'codes = { 0 = "false", 1 = "true" }',
        'codes = { 1 = "true" }',
        "[items.jumintoroku]: a flag is a code",
    ),
    ('kind = "digits"\nwidth = 4', "width = 4", "[items.kensu]: a number is a column of digits"),
    ("[file]", "[file", "is no TOML"),
]


@pytest.mark.parametrize(("before", "after", "problem"), WRONG)
def test_a_wrong_layout_stops_the_start(
    built: Built, tmp_path: Path, before: str, after: str, problem: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        built(layout_file=own(tmp_path, (before, after)))
    assert str(caught.value).startswith("yvaxportal.adapters.atena.layout_file: own.toml: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value).partition("is no TOML")[0]


def test_what_a_layout_lacks_is_not_offered(built: Built, tmp_path: Path) -> None:
    text = SHIPPED.read_text("utf-8").replace('    "kojinbango",\n]', "]", 1)
    begin, end = text.index("[notices.order]"), text.index("[pass_to_chukan.order]")
    (tmp_path / "own.toml").write_text(text[:begin] + text[end:], "utf-8")
    adapter, other = built(layout_file=str(tmp_path / "own.toml"))
    with pytest.raises(NotOffered, match="assign with kojinbango"):
        adapter.assign(PERSON, "key-1", SHORT)
    with pytest.raises(NotOffered, match="notices"):
        adapter.notices(None, 1, SHORT)
    assert other.files("out") == []


def test_names_of_ones_own(built: Built, tmp_path: Path) -> None:
    names = 'form = "csv"\norder_name = "AT_{number}.TXT"\nanswer_name = "{municipality}-{number}.OK"'
    adapter, other = built(layout_file=own(tmp_path, ('form = "csv"', names)))
    with pytest.raises(TimedOut):
        adapter.assign(PERSON, "key-1", SHORT)
    (name,) = other.files("out")
    number = name.removeprefix("AT_").removesuffix(".TXT")
    text = f"H,KAITO,1,{CITY},{number},assign,2026-11-23T10:00:00+09:00\nK,1,contradiction\nT,0\n"
    other.put(f"{CITY}-{number}.OK", text.encode())
    with pytest.raises(Exception, match="contradiction"):
        adapter.assign(PERSON, "key-1", CALL)


EXAMPLE = NewPerson(
    name="見本　花子", date_of_birth_written="1970-01-00", sex=Sex.FEMALE, address="鳥取県米子市錦町1-139-3"
)


@pytest.mark.parametrize(
    ("options", "order", "answer"),
    [
        ({}, "IRAI_*.csv", "KAITO_*.csv"),
        ({"layout_file": str(EXAMPLES / "orders-fixed-cp932.toml")}, "AT*.IRI", "AT*.KAI"),
    ],
)
def test_the_examples_are_what_the_portal_writes_and_reads(
    built: Built, options: dict[str, str], order: str, answer: str
) -> None:
    adapter, other = built(**options)
    (ordered,) = EXAMPLES.glob(order)
    (answered,) = EXAMPLES.glob(answer)
    with pytest.raises(TimedOut):
        adapter.assign(EXAMPLE, "example-1", SHORT)
    assert other.files("out") == [ordered.name]
    assert (other.root / "out" / ordered.name).read_bytes() == ordered.read_bytes()
    shutil.copy(answered, other.root / "in" / answered.name)
    other.put(f"{answered.name}.end", b"")
    made = adapter.assign(EXAMPLE, "example-1", CALL)
    assert (made.atena_number, made.kind) == ("9000000019", AssignmentKind.ASSIGNED)
