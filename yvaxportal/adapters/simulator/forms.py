"""Order and answer files as docs/protocols/folder.md has them: UTF-8, CSV, the layouts that the portal ships.

A column is written as its name; ``:n`` behind it says that it is a number in JSON, ``:f`` true or false (1,
0), ``:t`` that an empty one is an empty text rather than nothing.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yvaxportal.adapters.simulator.wire import ErrorAnswer

Json = dict[str, Any]
PIECE = 4000


@dataclass(frozen=True)
class Rows:
    """The lines of one mark.

    :param at: the list that they are, in what they belong to: lines of the mark ``of``, or the file.
    :param pieces: they are one long text.
    """

    mark: str
    at: str
    columns: str
    of: str = ""
    pieces: bool = False


@dataclass(frozen=True)
class Form:
    """The files of one operation: columns of the order's line I and the answer's line K, and their lists.

    :param path: a column that over REST stands in the path and not in the body.
    :param key: the column that is the idempotency key; without one it is the order number.
    """

    order: str = ""
    order_rows: tuple[Rows, ...] = ()
    answer: str = ""
    answer_rows: tuple[Rows, ...] = ()
    path: str = ""
    key: str = ""


@dataclass(frozen=True)
class Ordered:
    """An order as it was read."""

    number: str
    operation: str
    operator: str
    values: Json


def read_order(text: str, city: str, forms: Mapping[str, Form]) -> Ordered:
    """Return what an order file says; ValueError for one that is none."""
    rows = list(csv.reader(text.removesuffix("\r\n").split("\r\n"), strict=True))
    (mark, layout, version, code, number, operation, operator, _), own, *data, trailer = rows
    if (mark, layout, version, code) != ("H", "IRAI", "1", city) or own[0] != "I":
        raise ValueError("no order of this city")
    if trailer != ["T", f"{len(data)}"]:
        raise ValueError("half an order")
    form = forms[operation]
    values = _record(form.order, own[1:])
    for rows_of in form.order_rows:
        values[rows_of.at] = "" if rows_of.pieces else []
    latest: dict[str, Json] = {"": values}
    for mark, *fields in data:
        rows_of = next(one for one in form.order_rows if one.mark == mark)
        above = latest[rows_of.of]
        if rows_of.pieces:
            above[rows_of.at] += fields[0]
        else:
            latest[mark] = _record(rows_of.columns, fields)
            above.setdefault(rows_of.at, []).append(latest[mark])
    return Ordered(number, operation, operator, values)


def write_answer(order: Ordered, city: str, moment: str, form: Form, answer: Any) -> str:
    """Return the content of an answer file; ``answer`` is JSON, None, or the error that it is."""
    data: list[Sequence[str]] = []
    own = _names(form.answer)
    if isinstance(answer, ErrorAnswer):
        result = ["K", "1", answer.code, *("" for _ in own)]
    else:
        result = ["K", "0", "", *_fields(form.answer, answer or {})]
        data = list(_data(form, "", answer or {}))
    header = ["H", "KAITO", "1", city, order.number, order.operation, moment]
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([header, result, *data, ["T", f"{len(data)}"]])
    return written.getvalue()


def _data(form: Form, of: str, container: Json) -> Iterator[Sequence[str]]:
    for rows in form.answer_rows:
        if rows.of != of:
            continue
        value = container.get(rows.at)
        if rows.pieces:
            text = value or ""
            yield from ([rows.mark, text[place : place + PIECE]] for place in range(0, len(text), PIECE))
            continue
        for record in value or ():
            yield [rows.mark, *_fields(rows.columns, record)]
            yield from _data(form, rows.mark, record)


def _names(columns: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, _, kind in (one.partition(":") for one in columns.split())]


def _record(columns: str, fields: Sequence[str]) -> Json:
    found: Json = {}
    for (name, kind), field in zip(_names(columns), fields, strict=True):
        if kind == "n" and field:
            found[name] = int(field)
        elif kind == "f" and field:
            found[name] = field == "1"
        elif field or kind == "t":
            found[name] = field
    return found


def _fields(columns: str, record: Json) -> list[str]:
    written = []
    for name, kind in _names(columns):
        value = record.get(name)
        written.append("" if value is None else f"{int(value)}" if kind == "f" else str(value))
    return written
