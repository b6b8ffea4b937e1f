"""Small readings that can be asked alone or several in one statement.

A page that asks eight tables one after another spends more of its time on sending, planning and unpacking
eight statements than on what they return.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any, Generic, TypeVar

from sqlalchemy import JSON, Date, DateTime, Enum, Label, Result, Row, Select, func, select
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

Shape = TypeVar("Shape")
_Convert = Callable[[Any], Any]


class Reading(Generic[Shape]):
    """A statement and what becomes of each of its rows.

    :param shape: called with the columns of a row, in their order.
    :param statement: its columns are text, numbers, truth values, days, instants, code lists or arrays of
        text: what JSON carries without loss.
    """

    def __init__(self, shape: Callable[..., Shape], statement: Select[*tuple[Any, ...]]) -> None:
        self._shape, self._statement = shape, statement
        self._converted = [
            (position, convert)
            for position, column in enumerate(statement.selected_columns)
            if (convert := _from_json(column.type)) is not None
        ]

    def rows(self, session: Session, values: Mapping[str, Any]) -> list[Shape]:
        """Return the rows, asked alone."""
        return [self._shape(*row) for row in session.execute(self._statement, values)]

    def row(self, session: Session, values: Mapping[str, Any]) -> Shape | None:
        """Return the only row, None when there is none; MultipleResultsFound when there are more."""
        row = session.execute(self._statement, values).one_or_none()
        return self._shape(*row) if row is not None else None

    def as_column(self, name: str) -> Label[Any]:
        """Return all rows, in their order, as one column of a statement."""
        rows = self._statement.subquery(name)
        array = func.json_agg(func.json_build_array(*rows.c), type_=JSON)
        return select(array).select_from(rows).scalar_subquery().label(name)

    def from_json(self, rows: Iterable[list[Any]] | None) -> list[Shape]:
        """Return the rows of a column that ``as_column`` made."""
        return [self._read(row) for row in rows or ()]

    def _read(self, row: list[Any]) -> Shape:
        for position, convert in self._converted:
            if row[position] is not None:
                row[position] = convert(row[position])
        return self._shape(*row)


def in_lots(result: Result[*tuple[Any, ...]], size: int = 10_000) -> Iterator[Row[*tuple[Any, ...]]]:
    """Give the rows of a result, unpacked lot by lot: one by one takes several times as long."""
    return chain.from_iterable(result.partitions(size))


def statement_of(readings: Mapping[str, Reading[Any]]) -> Select[*tuple[Any, ...]]:
    """Return one statement of one row with a column for each reading."""
    return select(*(reading.as_column(name) for name, reading in readings.items()))


def rows_of(readings: Mapping[str, Reading[Any]], row: Sequence[Any]) -> Mapping[str, list[Any]]:
    """Return what the row of such a statement says, by the names of the readings."""
    return {
        name: reading.from_json(rows) for (name, reading), rows in zip(readings.items(), row, strict=True)
    }


def _from_json(kind: TypeEngine[Any]) -> _Convert | None:
    """Return what makes a value of a column's type out of what JSON has for it, None where they are alike."""
    if isinstance(kind, DateTime):
        return datetime.fromisoformat
    if isinstance(kind, Date):
        return date.fromisoformat
    if isinstance(kind, Enum) and kind.enum_class is not None:
        members: Mapping[str, Any] = {member.value: member for member in kind.enum_class}
        return members.__getitem__
    return None
