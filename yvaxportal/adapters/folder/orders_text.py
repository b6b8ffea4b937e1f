"""Between JSON of a protocol and the lines of order and answer files, in both directions."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from yvaxportal.adapters.folder.columns import DateForm, Kind
from yvaxportal.adapters.folder.faults import (
    CHARACTERS,
    COLUMNS,
    COUNT,
    HEADER,
    HEADER_DIFFERS,
    NO_TRAILER,
    OTHER_MUNICIPALITY,
    TWICE,
    UNSTEADY,
    FileFaultError,
)
from yvaxportal.adapters.folder.layouts import Form, LineLayout
from yvaxportal.adapters.folder.lines import blocks
from yvaxportal.adapters.folder.orders_layout import (
    Exchange,
    Half,
    Item,
    JsonType,
    OrderLayouts,
    Part,
    Shape,
    WhenEmpty,
)
from yvaxportal.adapters.folder.records import Line, LineFaultError, RecordParser, cutter
from yvaxportal.adapters.folder.writing import CannotWriteError, LineWriter, WritingProblem, byte_order_mark
from yvaxportal.values.clock import JST
from yvaxportal.values.wareki import ERAS

Json = dict[str, Any]
_LAST_DAY = 28
REFUSED = "1"


class AnswerFaultError(FileFaultError):
    """An answer is refused because of one line, and of one column where that is known."""

    def __init__(self, code: str, line: int, column: str = "") -> None:
        super().__init__(code, line)
        self.column = column


class LeftOverError(Exception):
    """An order has an item that the layout has no column for; the text is its name."""


@dataclass(frozen=True, slots=True)
class OrderHead:
    """What the header of an order says."""

    municipality_code: str
    number: str
    operation: str
    operator_id: str
    ordered_at: datetime


def write_order(layouts: OrderLayouts, head: OrderHead, values: Mapping[str, Any]) -> bytes:
    """Return the content of an order file.

    :raises CannotWriteError: values that do not fit the layout or its encoding: none is replaced.
    :raises LeftOverError: an item without a column: nothing is left out in silence.
    """
    header = (
        layouts.order,
        layouts.version,
        head.municipality_code,
        head.number,
        head.operation,
        head.operator_id,
        head.ordered_at.astimezone(JST).isoformat(timespec="seconds"),
    )
    half = layouts.operations[head.operation].order
    writing = _Writing(half)
    lines = [writing.line(layouts.order_header, header)]
    lines += [writing.line(half.own.layout, writing.row(half.own, values))]
    data = list(writing.lists("", values))
    left = _left(half, "", values)
    if left:
        raise LeftOverError(left)
    lines += [*data, writing.line(layouts.trailer, (str(len(data)),))]
    if writing.problems:
        raise CannotWriteError(writing.problems)
    return byte_order_mark(layouts.encoding) + b"".join(lines)


class _Writing:
    def __init__(self, half: Half) -> None:
        self._half = half
        self._writers: dict[str, LineWriter] = {}
        self._own: list[WritingProblem] = []

    @property
    def problems(self) -> list[WritingProblem]:
        return [*self._own, *(one for writer in self._writers.values() for one in writer.problems)]

    def line(self, layout: LineLayout, row: Sequence[str]) -> bytes:
        if layout.mark not in self._writers:
            self._writers[layout.mark] = LineWriter(layout)
        return self._writers[layout.mark].data(row)

    def row(self, part: Part, values: Mapping[str, Any]) -> list[str]:
        return [self._text(item, _value_at(values, item.at)) for item in part.items]

    def lists(self, mark: str, container: Mapping[str, Any]) -> Iterator[bytes]:
        for part in self._half.parts_of(mark):
            value = _value_at(container, part.at)
            match part.shape:
                case Shape.PIECES:
                    width = part.items[0].column.width
                    text = value or ""
                    for start in range(0, len(text), width):
                        yield self.line(part.layout, (text[start : start + width],))
                case Shape.PAIRS:
                    for pair in (value or {}).items():
                        yield self._fixed(part, pair)
                case Shape.VALUES:
                    for one in value or ():
                        yield self._fixed(part, (one,))
                case _:
                    for record in value or ():
                        left = _left(self._half, part.mark, record)
                        if left:
                            raise LeftOverError(left)
                        yield self.line(part.layout, self.row(part, record))
                        yield from self.lists(part.mark, record)

    def _fixed(self, part: Part, values: Sequence[Any]) -> bytes:
        return self.line(
            part.layout, [self._text(item, one) for item, one in zip(part.items, values, strict=True)]
        )

    def _text(self, item: Item, value: Any) -> str:
        try:
            return text_of(item, value)
        except ValueError:
            self._own.append(WritingProblem(1, item.column.name, CHARACTERS))
            return ""


def text_of(item: Item, value: Any) -> str:
    """Return a value of JSON as the file has it; ValueError when the column has no writing for it."""
    column = item.column
    if value is None or value == "":
        return column.empty[0] if column.empty else ""
    if item.type is JsonType.FLAG:
        value = "true" if value is True else "false" if value is False else ""
    written = str(value)
    match column.kind:
        case Kind.CODE:
            for code, meaning in column.codes.items():
                if meaning == written:
                    return code
            raise ValueError("no such code")
        case Kind.DATE | Kind.PARTIAL_DATE:
            return _DATES[column.form](written)
        case Kind.INSTANT if column.form is not DateForm.ISO:
            return datetime.fromisoformat(written).astimezone(JST).strftime("%Y%m%d%H%M%S")
    return written


def _era(written: str) -> str:
    year, month, day = (int(part) for part in written.split("-"))
    # Of a year in which an era began, an unknown month or day is written in the later one.
    latest = date(year, month or 12, day or _LAST_DAY)
    for place, era in zip(range(len(ERAS), 0, -1), ERAS, strict=True):
        if era.first <= latest:
            return f"{place}{year - era.first.year + 1:02}{month:02}{day:02}"
    raise ValueError("before all eras")


_DATES: dict[DateForm, Callable[[str], str]] = {
    DateForm.ISO: str,
    DateForm.COMPACT: lambda written: written.replace("-", ""),
    DateForm.ERA: _era,
}


def _value_at(container: Mapping[str, Any], at: tuple[str, ...]) -> Any:
    value: Any = container
    for name in at:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _left(half: Half, mark: str, container: Any) -> str:
    """Return the name of a value that no column takes, "" when there is none."""
    parts = half.parts_of(mark)
    own = half.own if not mark else next(part for part in half.parts if part.mark == mark)
    taken = {item.at for item in own.items} | {part.at for part in parts}
    for at, value in _leaves(container, ()):
        if value is not None and not any(at[: len(place)] == place for place in taken):
            return ".".join(at)
    return ""


def _leaves(value: Any, at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, (*at, name))
    else:
        yield at, value


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """What an answer says before its lists.

    :param code: why the order was refused; empty when it was not.
    :param own: the items of its own line, and its lists, empty so far.
    """

    code: str
    own: Json


class AnswerFile:
    """The reading of one answer. ``lines`` is the number of its data lines, known in the end."""

    def __init__(
        self, path: Path, layouts: OrderLayouts, municipality_code: str, number: str, operation: str
    ) -> None:
        self.path, self.layouts = path, layouts
        self.municipality_code, self.number, self.operation = municipality_code, number, operation
        self.half: Half = layouts.operations[operation].answer
        self.lines = 0
        self.digest = hashlib.sha256()
        self._numbered = self._raw()
        self._cut_mark = _mark_of(layouts.form)

    def head(self) -> AnswerHead:
        """Return what stands before the lists; it is read first, and once."""
        _, line = next(self._numbered, (0, ""))
        self._check_header(line)
        number, line = next(self._numbered, (0, ""))
        own = self.half.own
        if self._cut_mark(line) != own.mark:
            raise AnswerFaultError(COLUMNS, max(number, 2))
        fields = _cut(own.layout, line, 2)
        if fields[1] == REFUSED:
            # Nothing of the answer is there when there is none.
            bare = tuple(replace(column, required=False) for column in own.layout.columns)
            refused = RecordParser(replace(own.layout, columns=bare), ["code"])
            (code,) = _judged(refused, fields, 2)
            self.half = replace(self.half, parts=())
            return AnswerHead(code or "unlisted", {})
        parser = RecordParser(own.layout, [item.column.name for item in own.items])
        found = _object(own.items, _judged(parser, fields, 2), self._empty(""))
        return AnswerHead("", found)

    def elements(self) -> Iterator[tuple[Part, Any]]:
        """Give the elements of the lists of the file as a whole, each with all that belongs to it.

        :raises FileFaultError: the answer is refused, whatever came before.
        """
        parts = {part.mark: part for part in self.half.parts}
        parsers = {
            mark: RecordParser(part.layout, [item.column.name for item in part.items])
            for mark, part in parts.items()
        }
        open_objects: dict[str, Json] = {}
        finished: tuple[Part, Any] | None = None
        for number, mark, line in self._data():
            if mark not in parts:
                raise AnswerFaultError(COLUMNS, number)
            part = parts[mark]
            element = self._element(part, _judged(parsers[mark], _cut(part.layout, line, number), number))
            if not part.of:
                if finished is not None:
                    yield self._settled(finished)
                finished = (part, element)
                open_objects.clear()
            elif part.of in open_objects:
                _attach(open_objects[part.of], part, element, number)
            else:
                raise AnswerFaultError(COLUMNS, number)
            self._forget_below(open_objects, mark)
            if isinstance(element, dict):
                open_objects[mark] = element
        if finished is not None:
            yield self._settled(finished)

    def _data(self) -> Iterator[tuple[int, str, Line]]:
        """Give the lines before the trailer with their marks, and check the trailer."""
        ended = False
        for number, line in self._numbered:
            if ended:
                if line:
                    raise AnswerFaultError(NO_TRAILER, number)
                continue
            mark = self._cut_mark(line)
            ended = mark == self.layouts.trailer.mark
            if ended:
                self._check_trailer(line, number)
            else:
                self.lines += 1
                yield number, mark, line
        if not ended:
            raise FileFaultError(NO_TRAILER)

    def whole(self) -> tuple[AnswerHead, Json]:
        """Return the answer as JSON; of a refused order it is empty."""
        head = self.head()
        value = head.own
        for part, element in self.elements():
            _attach(value, part, element, 0)
        return head, _joined(value)

    def _raw(self) -> Iterator[tuple[int, Line]]:
        number = 0
        layouts = self.layouts
        with self.path.open("rb") as file:
            for block in blocks(
                file, layouts.encoding, self.digest.update, undecoded=layouts.trailer.counts_bytes
            ):
                for line in block:
                    number += 1
                    yield number, line

    def _check_header(self, line: Line) -> None:
        layout = self.layouts.answer_header
        parser = RecordParser(layout, [column.name for column in layout.columns])
        try:
            said = parser.values(parser.fields(line))
        except LineFaultError:
            raise FileFaultError(HEADER, 1) from None
        if said[:2] != [self.layouts.answer, self.layouts.version]:
            raise FileFaultError(HEADER, 1)
        if said[2] != self.municipality_code:
            raise FileFaultError(OTHER_MUNICIPALITY, 1)
        if said[3:5] != [self.number, self.operation]:
            raise FileFaultError(HEADER_DIFFERS, 1)

    def _check_trailer(self, line: Line, number: int) -> None:
        parser = RecordParser(self.layouts.trailer, ["kensu"])
        try:
            (count,) = parser.values(parser.fields(line))
        except LineFaultError:
            raise FileFaultError(NO_TRAILER, number) from None
        if int(count) != self.lines:
            raise FileFaultError(COUNT, number)

    def _empty(self, mark: str) -> Json:
        found: Json = {}
        for part in self.half.parts_of(mark):
            if not part.optional:
                _put(found, part.at, _NOTHING[part.shape]())
        return found

    def _element(self, part: Part, values: Sequence[str]) -> Any:
        match part.shape:
            case Shape.PIECES:
                return values[0]
            case Shape.VALUES:
                return _json(part.items[0], values[0])
            case Shape.PAIRS:
                return values[0], _json(part.items[1], values[1])
        return _object(part.items, values, self._empty(part.mark))

    def _settled(self, element: tuple[Part, Any]) -> tuple[Part, Any]:
        in_pieces = any(part.shape is Shape.PIECES for part in self.half.parts)
        return (element[0], _joined(element[1])) if in_pieces else element

    def _forget_below(self, open_objects: dict[str, Json], mark: str) -> None:
        for part in self.half.parts_of(mark):
            if part.mark in open_objects:
                del open_objects[part.mark]
                self._forget_below(open_objects, part.mark)


class _Pieces(list[str]):
    """A text that is still being put together."""


def _joined(value: Any) -> Any:
    match value:
        case _Pieces():
            return "".join(value)
        case dict():
            return {name: _joined(inner) for name, inner in value.items()}
        case list():
            return [_joined(inner) for inner in value]
    return value


_NOTHING: dict[Shape, Callable[[], Any]] = {
    Shape.RECORDS: list,
    Shape.VALUES: list,
    Shape.PAIRS: dict,
    Shape.PIECES: _Pieces,
}


def operation_hides(exchange: Exchange | None) -> bool:
    """Tell whether nothing of the data of a refused answer is to be shown."""
    return exchange is None or exchange.answer.hidden or exchange.answer.has_secrets


def check_unchanged(answer: AnswerFile, digest: str) -> None:
    """Raise FileFaultError when the file that was read is not the one that the digest was taken of."""
    if answer.digest.hexdigest() != digest:
        raise FileFaultError(UNSTEADY)


def _mark_of(form: Form) -> Callable[[Line], str]:
    def mark(line: Line) -> str:
        text = line[:3].decode("ascii", "replace") if isinstance(line, bytes) else line[:3]
        if form is Form.CSV and text[:1] == '"':
            text = text[1:]
        return text[:1]

    return mark


def _cut(layout: LineLayout, line: Line, number: int) -> list[str]:
    try:
        fields = cutter(layout)(line)
    except LineFaultError as fault:
        raise AnswerFaultError(fault.code, number, fault.column) from None
    if len(fields) <= 1:
        raise AnswerFaultError(COLUMNS, number)
    return fields


def _judged(parser: RecordParser, fields: list[str], number: int) -> list[str]:
    try:
        return parser.values(fields)
    except LineFaultError as fault:
        raise AnswerFaultError(fault.code, number, fault.column) from None


def _object(items: Sequence[Item], values: Sequence[str], found: Json) -> Json:
    for item, value in zip(items, values, strict=True):
        if item.column.is_secret:
            # A personal number that an answer has is read over: it is kept nowhere.
            continue
        if value or item.when_empty is WhenEmpty.TEXT:
            _put(found, item.at, _json(item, value))
        elif item.when_empty is WhenEmpty.NULL:
            _put(found, item.at, None)
    return found


def _json(item: Item, value: str) -> Any:
    match item.type:
        case JsonType.NUMBER:
            return int(value)
        case JsonType.FLAG:
            return value == "true"
    return value


def _put(container: Json, at: tuple[str, ...], value: Any) -> None:
    for name in at[:-1]:
        container = container.setdefault(name, {})
    container[at[-1]] = value


def _attach(container: Json, part: Part, element: Any, number: int) -> None:
    present = _value_at(container, part.at)
    if present is None:
        present = _NOTHING[part.shape]()
        _put(container, part.at, present)
    match part.shape:
        case Shape.PIECES:
            present.append(element)
        case Shape.PAIRS:
            key, value = element
            if key in present:
                raise AnswerFaultError(TWICE, number, part.items[0].column.name)
            present[key] = value
        case _:
            present.append(element)
