"""Layouts of order and answer files, as TOML: what is asked of a system by files, and what it answers.

``orders.toml`` of a system names its items once and then, for each operation of its protocol, which of them
stand in the order and in the answer. The items of path, query and body of the REST protocol are one set here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from yvaxportal.adapters.folder.columns import Characters, Column, Kind
from yvaxportal.adapters.folder.layouts import (
    COLUMN_KEYS,
    Complete,
    Form,
    LayoutError,
    LineLayout,
    read_column,
    read_text,
    read_toml,
    read_word,
    refuse_unknown,
)
from yvaxportal.adapters.folder.lines import Encoding

_FILE_KEYS = {"encoding", "form", "complete", "order", "answer", "version", "order_name", "answer_name"}
_ITEM_KEYS = (COLUMN_KEYS - {"name"}) | {"type", "when_empty"}
_PLACED_KEYS = {"item", "at", "required"}
_HALF_KEYS = {"columns", "lists", "hidden"}
_LIST_KEYS = {"mark", "of", "at", "shape", "columns", "optional"}
_ORDER_NAME = "{layout}_{{municipality}}_{{number}}.csv"
#: An order number has letters only: nothing that could be taken for somebody's number.
NUMBER = "[a-p]{32}"
_PLAIN_NAME = re.compile(r"[0-9A-Za-z._{}-]{1,100}")
_RESERVED = frozenset("HIKT")
_PERSONAL_NUMBER = "kojinbango"

HEADER, ORDER_LINE, RESULT_LINE, TRAILER = "H", "I", "K", "T"


class JsonType(StrEnum):
    """What an item is in JSON."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"


class WhenEmpty(StrEnum):
    """What an empty column means: there is no such item, it is null, or it is an empty text."""

    ABSENT = "absent"
    NULL = "null"
    TEXT = "text"


class Shape(StrEnum):
    """What the lines of a mark are together.

    ``records``: a list of objects. ``values``: a list of plain values, one column. ``pairs``: an object, key
    and value in two columns. ``pieces``: one text that is too long for a line, one column.
    """

    RECORDS = "records"
    VALUES = "values"
    PAIRS = "pairs"
    PIECES = "pieces"


_COLUMNS_OF = {Shape.VALUES: 1, Shape.PIECES: 1, Shape.PAIRS: 2}


@dataclass(frozen=True, slots=True)
class Item:
    """A column and where its value stands in JSON."""

    column: Column
    at: tuple[str, ...]
    type: JsonType = JsonType.TEXT
    when_empty: WhenEmpty = WhenEmpty.ABSENT


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of one mark.

    :param of: the mark of the lines that these belong to, "" for those of the file as a whole.
    :param at: where the list stands in what it belongs to.
    :param optional: without a line there is no list, rather than an empty one.
    """

    layout: LineLayout
    items: tuple[Item, ...]
    at: tuple[str, ...] = ()
    of: str = ""
    shape: Shape = Shape.RECORDS
    optional: bool = False

    @property
    def mark(self) -> str:
        return self.layout.mark


@dataclass(frozen=True, slots=True)
class Half:
    """An order, or an answer: the line of its own, and its lists.

    :param hidden: of a refused file no data is kept aside.
    """

    own: Part
    parts: tuple[Part, ...]
    hidden: bool = False

    @property
    def has_secrets(self) -> bool:
        """Tell whether a column holds personal numbers."""
        return any(part.layout.has_secrets for part in (self.own, *self.parts))

    def parts_of(self, mark: str) -> tuple[Part, ...]:
        """Return the lists that belong to lines of a mark, "" for the file."""
        return tuple(part for part in self.parts if part.of == mark)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One operation: how it is ordered and answered."""

    order: Half
    answer: Half


@dataclass(frozen=True, slots=True)
class OrderLayouts:
    """All operations of one system, and what their files have in common."""

    encoding: Encoding
    form: Form
    complete: Complete
    order: str
    answer: str
    version: str
    order_name: str
    answer_name: re.Pattern[str]
    order_header: LineLayout
    answer_header: LineLayout
    trailer: LineLayout
    operations: Mapping[str, Exchange]

    def name_of_order(self, municipality_code: str, number: str) -> str:
        """Return what the file of an order is called."""
        return self.order_name.format(municipality=municipality_code, number=number)

    def answered(self, name: str) -> tuple[str | None, str] | None:
        """Return municipality, where the name has one, and order number; None for another kind of name."""
        found = self.answer_name.fullmatch(name)
        return None if found is None else (found.groupdict().get("municipality"), found["number"])


def load_order_layouts(path: Path, known: Iterable[str]) -> OrderLayouts:
    """Read a layout file.

    :param known: the operations of the protocol; those that the file lacks are not offered.
    :raises LayoutError: what is wrong and where.
    """
    content = read_toml(path)
    refuse_unknown(content, {"file", "items", *known}, "the file")
    common = content.get("file", {})
    refuse_unknown(common, _FILE_KEYS, "[file]")
    encoding = read_word(Encoding, common, "encoding", "[file]", Encoding.UTF_8)
    form = read_word(Form, common, "form", "[file]", Form.CSV)
    maker = _Maker(encoding, form, content.get("items", {}))
    names = {key: str(common.get(key, default)) for key, default in (("order", "IRAI"), ("answer", "KAITO"))}
    return OrderLayouts(
        encoding=encoding,
        form=form,
        complete=read_word(Complete, common, "complete", "[file]", Complete.RENAME),
        order=names["order"],
        answer=names["answer"],
        version=str(common.get("version", "1")),
        order_name=_template(common, "order", names["order"]),
        answer_name=_pattern(_template(common, "answer", names["answer"])),
        order_header=maker.lines(HEADER, _header(("sosashaid", 64), ("iraibi", 32))),
        answer_header=maker.lines(HEADER, _header(("kaitobi", 32))),
        trailer=maker.lines(TRAILER, (Column("kensu", Kind.DIGITS, 9, required=True),)),
        operations={name: maker.exchange(name, content[name]) for name in known if name in content},
    )


def _header(*more: tuple[str, int]) -> tuple[Column, ...]:
    plain = (("layout", 10), ("version", 4), ("shikuchosonkodo", 6), ("iraibango", 32), ("sosa", 40))
    last, width = more[-1]
    return (
        *(Column(name, Kind.TEXT, width, required=True) for name, width in (*plain, *more[:-1])),
        Column(last, Kind.INSTANT, width, required=True),
    )


def _template(common: Mapping[str, Any], which: str, layout: str) -> str:
    key = f"{which}_name"
    written = str(common.get(key, _ORDER_NAME.format(layout=layout)))
    bare = written.replace("{municipality}", "").replace("{number}", "")
    if written.count("{number}") != 1 or not _PLAIN_NAME.fullmatch(written) or "{" in bare or "}" in bare:
        raise LayoutError(
            f"[file]: {key} must be a plain name with {{number}} and, if wanted, {{municipality}}"
        )
    if written.startswith("."):
        raise LayoutError(f"[file]: {key} must not begin with a dot")
    return written


def _pattern(template: str) -> re.Pattern[str]:
    escaped = re.escape(template).replace(r"\{number\}", f"(?P<number>{NUMBER})")
    return re.compile(escaped.replace(r"\{municipality\}", "(?P<municipality>[0-9]{6})", 1))


class _Maker:
    """Makes the lines of one file; ``items`` are the tables of ``[items]``."""

    def __init__(self, encoding: Encoding, form: Form, items: Mapping[str, Any]) -> None:
        self._encoding, self._form = encoding, form
        self._items = {name: _item(name, said) for name, said in items.items()}

    def lines(self, mark: str, columns: Sequence[Column]) -> LineLayout:
        return LineLayout(encoding=self._encoding, form=self._form, columns=tuple(columns), mark=mark)

    def exchange(self, operation: str, said: Any) -> Exchange:
        refuse_unknown(said, {"order", "answer"}, f"[{operation}]")
        order = self._half(f"[{operation}.order]", ORDER_LINE, said.get("order", {}))
        return Exchange(order, self._half(f"[{operation}.answer]", RESULT_LINE, said.get("answer", {})))

    def _half(self, where: str, mark: str, said: Any) -> Half:
        refuse_unknown(said, _HALF_KEYS, where)
        parts: list[Part] = []
        for one in said.get("lists", ()):
            part = self._part(where, one)
            if part.mark in {other.mark for other in parts}:
                raise LayoutError(f"{where}: the mark {part.mark} is used twice")
            above = [other.mark for other in parts if other.shape is Shape.RECORDS]
            if part.of and part.of not in above:
                raise LayoutError(f"{where}: {part.mark} belongs to {part.of}, which is no mark above it")
            parts.append(part)
        items = self._placed(where, said.get("columns", ()))
        before = _RESULT if mark == RESULT_LINE else ()
        own = Part(self.lines(mark, (*before, *(item.column for item in items))), items)
        return Half(own, tuple(parts), hidden=said.get("hidden", False) is True)

    def _part(self, where: str, said: Any) -> Part:
        refuse_unknown(said, _LIST_KEYS, f"{where} lists")
        mark = read_text(said, "mark", f"{where} lists")
        if len(mark) != 1 or not ("A" <= mark <= "Z") or mark in _RESERVED:
            raise LayoutError(f"{where}: a mark is one capital letter, and none of H, I, K, T")
        shape = read_word(Shape, said, "shape", f"{where} {mark}", Shape.RECORDS)
        items = self._placed(f"{where} {mark}", said.get("columns", ()))
        if not items or len(items) != _COLUMNS_OF.get(shape, len(items)):
            raise LayoutError(f"{where} {mark}: another number of columns than {shape} have")
        return Part(
            layout=self.lines(mark, [item.column for item in items]),
            items=items,
            at=tuple(read_text(said, "at", f"{where} {mark}").split(".")),
            of=str(said.get("of", "")),
            shape=shape,
            optional=said.get("optional", False) is True,
        )

    def _placed(self, where: str, listed: Iterable[Any]) -> tuple[Item, ...]:
        found: list[Item] = []
        for one in listed:
            said = {"item": one} if isinstance(one, str) else one
            refuse_unknown(said, _PLACED_KEYS, f"{where} columns")
            name = read_text(said, "item", f"{where} columns")
            if name not in self._items:
                raise LayoutError(f"{where}: there is no [items.{name}]")
            item = self._items[name]
            if name in {other.column.name for other in found}:
                raise LayoutError(f"{where} has the column {name} twice")
            if "required" in said:
                item = replace(item, column=replace(item.column, required=said["required"] is True))
            at = tuple(str(said.get("at", name)).split("."))
            if at[-1] == _PERSONAL_NUMBER and not item.column.is_secret:
                raise LayoutError(f"{where}: {name} must be of kind personal_number")
            found.append(replace(item, at=at))
        return tuple(found)


_RESULT = (
    Column("kekka", Kind.CODE, 1, required=True, codes={"0": "0", "1": "1"}),
    Column("code", Kind.TEXT, 32, characters=Characters.HALF),
)


def _item(name: str, said: Any) -> Item:
    where = f"[items.{name}]"
    refuse_unknown(said, _ITEM_KEYS, where)
    column = read_column({**said, "name": name}, where)
    kind = read_word(JsonType, said, "type", where, JsonType.TEXT)
    if kind is JsonType.NUMBER and column.kind is not Kind.DIGITS:
        raise LayoutError(f"{where}: a number is a column of digits")
    if kind is JsonType.FLAG and set(column.codes.values()) != {"true", "false"}:
        raise LayoutError(f'{where}: a flag is a code whose meanings are "true" and "false"')
    return Item(column, (name,), kind, read_word(WhenEmpty, said, "when_empty", where, WhenEmpty.ABSENT))
