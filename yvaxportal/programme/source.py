"""A rule file's tables with their lines, so that a mistake is told as "file:line: reason"."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from yvaxportal.programme.bounds import UNITS, Bound

Part = TypeVar("Part")

_LONGEST_AGE = {"days": 400, "months": 1_500, "years": 130, "fiscal_year_of_age": 130}


class ScheduleError(ValueError):
    """A rule file is wrong. The text is ``file:line: reason``; without a line where there is none."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        place = f"{path}:{line}" if line else str(path)
        super().__init__(f"{place}: {reason}")


@dataclass(frozen=True)
class RuleFile:
    """One parsed file and its text."""

    path: Path
    text: str
    data: Mapping[str, Any]

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.splitlines()

    @cached_property
    def headers(self) -> list[str]:
        """For each line the header of the table that begins there, without spaces; empty for any other."""
        return [_header(line) for line in self.lines]

    def table(self, *keys: str) -> "Table":
        """Return the table of these keys; ScheduleError when it is none."""
        found: Any = self.data
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        table = Table(self, keys, found if isinstance(found, Mapping) else {})
        if not isinstance(found, Mapping):
            raise table.error("must be a table")
        return table

    def tables(self, name: str) -> Iterator["Table"]:
        """Give the tables of an array at the top of the file."""
        yield from Table(self, (), self.data).children(name)


@dataclass(frozen=True)
class Table:
    """One table of a file.

    ``keys`` lead to it, with the position in an array as a number. The readers raise ScheduleError with the
    line of the key.
    """

    file: RuleFile
    keys: tuple[str | int, ...]
    data: Mapping[str, Any]

    def error(self, reason: str, *, key: str | None = None) -> ScheduleError:
        """Return the error about this table, or about one of its keys."""
        return ScheduleError(self.file.path, self.line(key), reason)

    def line(self, key: str | None = None) -> int:
        """Return the line (from 1) of the table's header, or of a key in it; 0 where it cannot be told."""
        start, end = self._block()
        if key is not None:
            assigned = re.compile(rf"(^|[\s,{{\[.]){re.escape(key)}\s*[=.\]]")
            for number in range(start, end):
                if assigned.search(_without_comment(self.file.lines[number])):
                    return number + 1
        return start + 1 if self.file.lines else 0

    def _block(self) -> tuple[int, int]:
        """Return the first line of the table and the one after its last, from 0."""
        start, end = 0, len(self.file.lines)
        name = ""
        for position, key in enumerate(self.keys):
            if isinstance(key, str):
                name = f"{name}.{key}" if name else key
            follower = self.keys[position + 1] if position + 1 < len(self.keys) else None
            if isinstance(key, str) and isinstance(follower, int):
                headers = [n for n in range(start, end) if self.file.headers[n] == f"[[{name}]]"]
                if follower < len(headers):
                    start = headers[follower]
                    end = headers[follower + 1] if follower + 1 < len(headers) else end
                else:
                    return self._inline(start, self._end(start, end, name.rpartition(".")[0]), key, follower)
            elif isinstance(key, str):
                own = [n for n in range(start, end) if self.file.headers[n].strip("[]") == name]
                start = own[0] if own else start
        return start, self._end(start, end, name)

    def _inline(self, start: int, end: int, key: str, position: int) -> tuple[int, int]:
        """Return the lines of one table of an array that is written ``key = [{ … }, { … }]``."""
        assigned = re.compile(rf"^\s*{re.escape(key)}\s*=")
        first = next((n for n in range(start, end) if assigned.search(self.file.lines[n])), start)
        depth, seen, begin = 0, -1, first
        for number in range(first, end):
            for sign in re.findall(r"[{}]", _without_comment(self.file.lines[number])):
                depth += 1 if sign == "{" else -1
                if sign == "{" and depth == 1:
                    seen += 1
                    begin = number
                elif depth == 0 and seen == position:
                    return begin, number + 1
        return first, end

    def _end(self, start: int, end: int, name: str) -> int:
        """Cut off where another table begins, but for those inside of this one."""
        for number in range(start + 1, end):
            header = self.file.headers[number]
            if header and not header.strip("[]").startswith(f"{name}."):
                return number
        return end

    def refuse_unknown(self, known: frozenset[str]) -> None:
        """Raise for the first key that has no meaning here."""
        for key in self.data:
            if key not in known:
                raise self.error(f"unknown key {key}", key=key)

    def child(self, key: str) -> "Table | None":
        """Return the table under a key, None when there is none."""
        found = self.data.get(key)
        if found is None:
            return None
        if not isinstance(found, Mapping):
            raise self.error(f"{key} must be a table", key=key)
        return Table(self.file, (*self.keys, key), found)

    def children(self, key: str) -> Iterator["Table"]:
        """Give the tables of an array under a key."""
        found = self.data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            raise self.error(f"{key} must be an array of tables", key=key)
        for position, one in enumerate(found):
            yield Table(self.file, (*self.keys, key, position), one)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; it must not be empty."""
        return self._read(key, default, _text)

    def maybe_text(self, key: str) -> str | None:
        """Return a text, None when there is none."""
        return self.text(key) if key in self.data else None

    def whole(self, key: str, default: int | None = None) -> int:
        """Return a whole number that is not negative."""
        return self._read(key, default, _whole)

    def maybe_whole(self, key: str) -> int | None:
        """Return a whole number, None when there is none."""
        return self.whole(key) if key in self.data else None

    def flag(self, key: str) -> bool:
        """Return a flag, False when it is not there."""
        return self._read(key, False, _flag)

    def day(self, key: str) -> date:
        """Return a date."""
        return self._read(key, None, _day)

    def maybe_day(self, key: str) -> date | None:
        """Return a date, None when there is none."""
        return self.day(key) if key in self.data else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty when it is not there."""
        return self._read(key, (), _texts)

    def wholes(self, key: str) -> tuple[int, ...]:
        """Return a list of whole numbers, empty when it is not there."""
        return self._read(key, (), _wholes)

    def choice(self, key: str, allowed: frozenset[str], default: str | None = None) -> str:
        """Return one of the allowed texts."""
        found = self.text(key, default)
        if found not in allowed:
            raise self.error(f"{key} must be one of {', '.join(sorted(allowed))}", key=key)
        return found

    def bound(self, key: str) -> Bound | None:
        """Return one end of an age window, None when it is not there."""
        said = self.data.get(key)
        if said is None:
            return None
        if not isinstance(said, Mapping) or len(said) != 1:
            raise self.error(f"{key} must be one age, such as {{ months = 12 }}", key=key)
        ((unit, value),) = said.items()
        if unit not in UNITS:
            raise self.error(f"{key}: unknown unit {unit}; known: {', '.join(sorted(UNITS))}", key=key)
        if unit == "preschool":
            if value is not True:
                raise self.error(f"{key}: preschool must be true", key=key)
            return Bound(unit, 0)
        if type(value) is not int or not 0 <= value <= _LONGEST_AGE[unit]:
            raise self.error(f"{key}: {unit} must be a whole number up to {_LONGEST_AGE[unit]}", key=key)
        return Bound(unit, value)

    def _read(self, key: str, default: Part | None, read: Callable[[Any], Part]) -> Part:
        if key not in self.data:
            if default is None:
                raise self.error(f"{key} is missing")
            return default
        try:
            return read(self.data[key])
        except ValueError as error:
            raise self.error(f"{key} must be {error}", key=key) from None


def _header(line: str) -> str:
    line = _without_comment(line).strip()
    return re.sub(r"\s", "", line) if line.startswith("[") and line.endswith("]") and "=" not in line else ""


def _without_comment(line: str) -> str:
    return re.sub(r"""(^|[^"'\w])#.*""", r"\1", line)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a whole number that is not negative")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004  (told as a mistake of the file)
    return value


def _day(value: object) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ValueError("a date without quotes, such as 2026-04-01")  # noqa: TRY004
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of texts")  # noqa: TRY004
    return tuple(_text(one) for one in value)


def _wholes(value: object) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of whole numbers")  # noqa: TRY004
    return tuple(_whole(one) for one in value)
