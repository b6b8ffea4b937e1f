"""From a record of the file to doses: by the layout and the mapping that the sender settled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.imports.cells import Noted, Problem, Reader, reader_of
from yvaxportal.services.imports.layouts import CODE_FIELDS, PERSON_FIELDS, Layout
from yvaxportal.services.imports.personal_numbers import guard
from yvaxportal.services.imports.records import Record

#: A reason: a code and the facts of the case.
Reason = list[Any]

_PERSON = frozenset(PERSON_FIELDS)
_NEEDED = ("vaccine", "dose_number", "given_on", "judgement", "dose_category")
_ITEMS = frozenset(DoseDraft.__dataclass_fields__)


@dataclass(slots=True)
class Parsed:
    """One dose as a record has it.

    ``person`` and ``dose`` hold plain values (texts, whole numbers, ISO days) without the empty ones;
    ``stated`` are the dose's items that the file itself says, not the layout's defaults. With ``problems``
    the row cannot be read.
    """

    line: int
    part: int
    raw: dict[str, str]
    person: dict[str, Any] = field(default_factory=dict)
    dose: dict[str, Any] = field(default_factory=dict)
    problems: list[Reason] = field(default_factory=list)
    notes: list[Reason] = field(default_factory=list)

    def stored(self) -> dict[str, Any]:
        """Return what the table keeps of it."""
        return {"person": self.person, "dose": self.dose}


class Parser:
    """Reads the records of one file.

    :param mapping: slot of the layout → column, counted from 0.
    :param width: how many columns each record must have; None where that is not known (workbooks).
    """

    def __init__(
        self, layout: Layout, mapping: Mapping[str, int], catalogue: Catalogue, width: int | None
    ) -> None:
        self._layout = layout
        self._width = width
        self._last = max(mapping.values(), default=-1)
        by_field: dict[str, Reader] = {}
        slots: dict[int, list[tuple[str, int, bool, Reader]]] = {}
        for slot, column, block in layout.slots():
            if slot not in mapping:
                continue
            read = by_field.setdefault(column.field, reader_of(column, layout, catalogue))
            slots.setdefault(block, []).append((column.field, mapping[slot], column.required, read))
        self._common = slots.pop(0, [])
        self._blocks = sorted(slots.items())
        self._defaults = {
            name: value for name, value in layout.defaults.items() if name in _ITEMS or name in CODE_FIELDS
        }

    def parse(self, record: Record) -> Iterator[Parsed]:
        """Give the doses of a record: one, or one for each block that is not empty.

        :raises PersonalNumberFoundError: a cell holds a personal number.
        """
        cells = record.cells
        masked = guard(record.line, cells) if cells else None
        if masked is not None:
            cells = masked
        fault = self._fault(record)
        if fault is not None:
            yield Parsed(record.line, 1, self._raw_of(cells), problems=[fault])
            return
        if len(cells) <= self._last:
            cells = [*cells, *[""] * (self._last + 1 - len(cells))]
        if not self._blocks:
            yield self._one(record.line, 1, cells, self._common, {})
            return
        for block, slots in self._blocks:
            if any(cells[index].strip() for _name, index, _required, _read in slots):
                known = {"dose_number": block}
                yield self._one(record.line, block, cells, [*self._common, *slots], known)

    def again(self, line: int, part: int, raw: Mapping[str, str]) -> Parsed:
        """Read a row again whose texts somebody corrected: field → text."""
        slots = self._common if not self._blocks else [*self._common, *dict(self._blocks).get(part, [])]
        cells = [raw.get(name, "") for name, _index, _required, _read in slots]
        guard(line, cells)
        placed = [(name, at, required, read) for at, (name, _i, required, read) in enumerate(slots)]
        return self._one(line, part, cells, placed, {"dose_number": part} if self._blocks else {})

    def fields(self) -> Sequence[str]:
        """Return the fields that a row has, in the layout's order."""
        slots = [*self._common, *(self._blocks[0][1] if self._blocks else ())]
        return [name for name, _index, _required, _read in slots]

    def _fault(self, record: Record) -> Reason | None:
        if record.fault:
            return [record.fault, record.facts]
        if self._width is not None and len(record.cells) != self._width:
            return ["wrong_columns", {"found": len(record.cells), "wanted": self._width}]
        return None

    def _raw_of(self, cells: Sequence[str]) -> dict[str, str]:
        slots = [*self._common, *(self._blocks[0][1] if self._blocks else ())]
        return {
            name: cells[index].replace("\x00", "\N{SYMBOL FOR NULL}")
            for name, index, _required, _read in slots
            if index < len(cells)
        }

    def _one(
        self,
        line: int,
        part: int,
        cells: Sequence[str],
        slots: Sequence[tuple[str, int, bool, Reader]],
        known: Mapping[str, Any],
    ) -> Parsed:
        raw: dict[str, str] = {}
        person: dict[str, Any] = {}
        dose: dict[str, Any] = {}
        row = Parsed(line, part, raw, person, dose)
        for name, index, required, read in slots:
            text = cells[index]
            if text:
                raw[name] = text
            value = read(text)
            if value is None:
                if required and name not in self._defaults:
                    row.problems.append(["missing", {"field": name}])
                continue
            kind = type(value)
            if kind is Problem:
                row.problems.append([value.code, {"field": name}])
                continue
            if kind is Noted:
                row.notes.append([value.code, {"field": name}])
                value = value.value
            (person if name in _PERSON else dose)[name] = value
        for name, value in known.items():
            dose.setdefault(name, value)
        return row


_CODES: Mapping[str, Mapping[str, Any]] = {
    name: {member.value: member for member in codes} for name, codes in CODE_FIELDS.items()
}


def draft_of(dose: Mapping[str, Any], defaults: Mapping[str, Any]) -> DoseDraft:
    """Return the draft that a stored dose and the layout's defaults describe.

    :raises KeyError: an item is missing without which there is no dose.
    """
    values: dict[str, Any] = {}
    for source in (defaults, dose):
        for name, value in source.items():
            if name == "given_on":
                values[name] = date.fromisoformat(value)
            elif name in CODE_FIELDS:
                if name != "sex":
                    values[name] = _CODES[name][value]
            elif name in _ITEMS:
                values[name] = value
    for name in _NEEDED:
        if name not in values:
            raise KeyError(name)
    if values.get("institution_code"):
        # The code says it all; a name beside it would contradict the list.
        values.pop("institution_name", None)
    return DoseDraft(**values)
