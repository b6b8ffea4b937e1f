"""In every encoding and form, orders are written and answers read as somebody else does by the document."""

from contextlib import suppress
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yvaxportal.adapters.folder.faults import FileFaultError
from yvaxportal.adapters.folder.orders_layout import OrderLayouts, load_order_layouts
from yvaxportal.adapters.folder.orders_text import AnswerFile, OrderHead, write_order
from yvaxportal.adapters.folder.writing import CannotWriteError

CITY, NUMBER = "312029", "a" * 32
HEAD = OrderHead(CITY, NUMBER, "ask", "tanaka", datetime(2026, 11, 23, 1, 0, tzinfo=UTC))
WAYS = list(product(("cp932", "utf-8", "utf-8-sig", "utf-16"), ("csv", "fixed"), ("iso", "compact")))
LAYOUT = """
[file]
encoding = "{encoding}"
form = "{form}"
[items.bango]
kind = "digits"
width = 15
fill = "zero"
[items.shimei]
width = 60
fill = "wide_space"
when_empty = "text"
[items.biko]
width = 60
[items.umare]
kind = "partial_date"
width = 10
form = "{dates}"
[items.kubun]
kind = "code"
width = 2
codes = {{ "男" = "1", "女" = "2" }}
[items.kensu]
kind = "digits"
width = 4
type = "number"
[items.hai]
kind = "code"
width = 1
codes = {{ 0 = "false", 1 = "true" }}
type = "flag"
when_empty = "null"
[items.kagi]
width = 8
[items.denbun]
width = 7
characters = "half"
[ask.order]
columns = {own}
{lists}
[ask.answer]
columns = {own}
"""
LIST = """
[[ask.{half}.lists]]
mark = "{mark}"
of = "{of}"
at = "{at}"
shape = "{shape}"
columns = {columns}
"""
OWN = ("bango", "shimei", "umare", "kubun", "kensu", "hai")
LISTS = (
    ("P", "", "denbun", "pieces", ("denbun",)),
    ("M", "", "naka.komoku", "pairs", ("kagi", "biko")),
    ("D", "", "result", "records", ("bango", "biko")),
    ("E", "D", "kodomo", "records", ("shimei",)),
    ("V", "E", "kazu", "values", ("kensu",)),
)
WIDTHS = {
    "bango": 15,
    "shimei": 60,
    "biko": 60,
    "umare": 10,
    "kubun": 2,
    "kensu": 4,
    "hai": 1,
    "kagi": 8,
    "denbun": 7,
}


class Writer:
    """Writes files as the document says, without our code."""

    def __init__(self, encoding: str, form: str, dates: str) -> None:
        self.encoding, self.form, self.dates = encoding, form, dates
        self.codec = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)

    def field(self, name: str, value: Any) -> str:
        if value is None:
            return ""
        if name == "hai":
            return "1" if value else "0"
        if name == "kubun":
            return {"1": "男", "2": "女"}[value]
        if name == "umare" and self.dates == "compact":
            return str(value).replace("-", "")
        return str(value)

    def row(self, mark: str, fields: list[tuple[str, int, str]]) -> str:
        """Return a line of fields: value, width and filling."""
        if self.form == "csv":
            quoted = [
                f'"{v.replace(chr(34), chr(34) * 2)}"' if set(v) & set('",') else v for v, _, _ in fields
            ]
            return ",".join([mark, *quoted]) + "\r\n"
        line = mark
        for value, width, filling in fields:
            room = width - (len(value.encode("cp932")) if self.codec == "cp932" else len(value))
            if filling == "0":
                line += "0" * room + value
            elif filling == "\u3000" and self.codec == "cp932":
                line += value + "\u3000" * (room // 2) + " " * (room % 2)
            else:
                line += value + filling * room
        return line + "\r\n"

    def record(self, mark: str, names: tuple[str, ...], values: dict[str, Any], before: str = "") -> str:
        fills = {"bango": "0", "shimei": "\u3000"}
        fields = [(self.field(name, values.get(name)), WIDTHS[name], fills.get(name, " ")) for name in names]
        result = [(before, 1, " "), ("", 32, " ")] if before else []
        return self.row(mark, [*result, *fields])

    def data(self, value: dict[str, Any]) -> list[str]:
        text = value["denbun"]
        lines = [
            self.record("P", ("denbun",), {"denbun": text[at : at + 7]}) for at in range(0, len(text), 7)
        ]
        for key, inner in value["naka"]["komoku"].items():
            lines.append(self.record("M", ("kagi", "biko"), {"kagi": key, "biko": inner}))
        for record in value["result"]:
            lines.append(self.record("D", ("bango", "biko"), record))
            for child in record["kodomo"]:
                lines.append(self.record("E", ("shimei",), child))
                lines += [self.record("V", ("kensu",), {"kensu": one}) for one in child["kazu"]]
        return lines

    def file(self, head: list[tuple[str, int]], value: dict[str, Any], mark: str, before: str = "") -> bytes:
        data = self.data(value)
        lines = [self.row("H", [(one, width, " ") for one, width in head])]
        lines += [self.record(mark, OWN, value, before), *data, self.row("T", [(f"{len(data)}", 9, " ")])]
        begin = {"utf-16": "\ufeff", "utf-8-sig": "\ufeff"}.get(self.encoding, "")
        return (begin + "".join(lines)).encode(self.codec)

    def order(self, value: dict[str, Any]) -> bytes:
        head = [("IRAI", 10), ("1", 4), (CITY, 6), (NUMBER, 32), ("ask", 40), ("tanaka", 64)]
        return self.file([*head, ("2026-11-23T10:00:00+09:00", 32)], value, "I")

    def answer(self, value: dict[str, Any]) -> bytes:
        head = [("KAITO", 10), ("1", 4), (CITY, 6), (NUMBER, 32), ("ask", 40)]
        return self.file([*head, ("2026-11-23T10:00:00+09:00", 32)], value, "K", "0")


def layouts_of(folder: Path, way: tuple[str, str, str]) -> OrderLayouts:
    encoding, form, dates = way
    lists = {
        half: "".join(
            LIST.format(half=half, mark=mark, of=of, at=at, shape=shape, columns=list(columns))
            for mark, of, at, shape, columns in LISTS
        )
        for half in ("order", "answer")
    }
    own = list(OWN)
    text = LAYOUT.format(encoding=encoding, form=form, dates=dates, own=own, lists=lists["order"])
    path = folder / "orders.toml"
    path.write_text(text + lists["answer"], "utf-8")
    return load_order_layouts(path, ["ask"])


class Layouts(dict[tuple[str, str, str], OrderLayouts]):
    """The layouts of every way; a failing example names its way, not all that is in them."""

    def __repr__(self) -> str:
        return "layouts"


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> Layouts:
    folder = tmp_path_factory.mktemp("layouts")
    return Layouts({way: layouts_of(folder, way) for way in WAYS})


def comes_back(value: Any, codec: str) -> bool:
    if isinstance(value, dict):
        return all(comes_back(key, codec) and comes_back(inner, codec) for key, inner in value.items())
    if isinstance(value, list):
        return all(comes_back(inner, codec) for inner in value)
    try:
        return not isinstance(value, str) or value.encode(codec).decode(codec) == value
    except UnicodeError:
        return False


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Cn"]), min_size=1, max_size=15).filter(
    lambda text: not set(text) & set("\ufffd\ufffe\uffff")
) | st.sampled_from(["髙﨑　德", "見本, 太郎", '見本"太郎', "𠮷野", "葛󠄀城", "D", "T", '"', "\\", "〜"])
DIGITS = st.integers(1, 10**15 - 1).map(str)
NUMBERS = st.integers(1, 9999)
CHILDREN = st.fixed_dictionaries({"shimei": TEXTS | st.just(""), "kazu": st.lists(NUMBERS, max_size=3)})
RECORDS = st.fixed_dictionaries(
    {"bango": DIGITS, "kodomo": st.lists(CHILDREN, max_size=3)}, optional={"biko": TEXTS}
)
VALUES = st.fixed_dictionaries(
    {
        "shimei": TEXTS | st.just(""),
        "hai": st.sampled_from([True, False, None]),
        "denbun": st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
        "naka": st.fixed_dictionaries(
            {"komoku": st.dictionaries(st.text("ABC123", min_size=1, max_size=8), TEXTS, max_size=3)}
        ),
        "result": st.lists(RECORDS, max_size=3),
    },
    optional={
        "bango": DIGITS,
        "umare": st.sampled_from(["1955-00-00", "2024-02-29", "0000-00-00"]),
        "kubun": st.sampled_from(["1", "2"]),
        "kensu": NUMBERS,
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(value=VALUES, way=st.sampled_from(WAYS))
def test_orders_and_answers_are_as_the_document_says(
    tmp_path: Path,
    layouts: Layouts,
    value: dict[str, Any],
    way: tuple[str, str, str],
) -> None:
    writer = Writer(*way)
    if not comes_back(value, writer.codec):
        with pytest.raises(CannotWriteError):
            write_order(layouts[way], HEAD, value)
        return
    assert write_order(layouts[way], HEAD, value) == writer.order(value)
    path = tmp_path / "answer"
    path.write_bytes(writer.answer(value))
    reading = AnswerFile(path, layouts[way], CITY, NUMBER, "ask")
    head, found = reading.whole()
    assert (head.code, found) == ("", value)
    assert reading.lines == len(writer.data(value))


@pytest.mark.parametrize("way", WAYS)
def test_every_part_of_an_answer_is_refused_as_half_an_answer(
    tmp_path: Path, layouts: Layouts, way: tuple[str, str, str]
) -> None:
    writer = Writer(*way)
    children = [{"shimei": "見本　花子", "kazu": [7, 8]}]
    value = {
        "denbun": "abcdefghij",
        "hai": True,
        "naka": {"komoku": {"A": "甲"}},
        "result": [{"bango": "1", "kodomo": children}, {"bango": "2", "kodomo": []}],
    }
    whole = writer.answer(value)
    path = tmp_path / "answer"
    unit = 2 if way[0] == "utf-16" else 1
    # The count may lose its filling, and the last line its end.
    end = len(whole.rstrip(b"\r\n\x00 ")) if way[1] == "fixed" else len(whole) - 2 * unit
    for size in range(0, end, 5):
        path.write_bytes(whole[:size])
        with pytest.raises(FileFaultError):
            AnswerFile(path, layouts[way], CITY, NUMBER, "ask").whole()
    path.write_bytes(whole)
    assert AnswerFile(path, layouts[way], CITY, NUMBER, "ask").whole()[1]["result"] == value["result"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), way=st.sampled_from(WAYS), begin=st.integers(0, 400))
def test_any_bytes_are_refused_or_read(
    tmp_path: Path,
    layouts: Layouts,
    content: bytes,
    way: tuple[str, str, str],
    begin: int,
) -> None:
    value = {"denbun": "x", "naka": {"komoku": {}}, "result": [{"bango": "1", "kodomo": []}]}
    path = tmp_path / "answer"
    path.write_bytes(Writer(*way).answer(value)[:begin] + content)
    with suppress(FileFaultError):
        AnswerFile(path, layouts[way], CITY, NUMBER, "ask").whole()
