"""Which column of a file is which item: from a mapping that was saved, else from the headings."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from yvaxportal.services.imports.layouts import Layout
from yvaxportal.values.kana import fold_name

# Below this likeness two headings are not taken for one.
_ALIKE = 0.8


def headings_digest(headings: Sequence[str]) -> str:
    """Return what names a row of headings, whatever the width and spacing of its letters."""
    folded = [fold_name(heading) for heading in headings]
    return hashlib.sha256(json.dumps(folded, ensure_ascii=False).encode()).hexdigest()


def suggest(layout: Layout, headings: Sequence[str], *, by_order: bool = False) -> Mapping[str, int]:
    """Return slot → column for the columns whose heading is one of the layout's, or nearly so.

    Exact headings come first; a column stands for one item, unless the layout names one heading for two.

    :param by_order: the columns stand in the layout's order (fixed length, or no headings).
    """
    if by_order or not layout.header:
        return {slot: index for index, (slot, _column, _block) in enumerate(layout.slots())}
    folded = [fold_name(heading) for heading in headings]
    found: dict[str, int] = {}
    for slot, column, block in layout.slots():
        for wanted in column.headings:
            key = fold_name(wanted.replace("{n}", str(block)))
            if key in folded:
                found[slot] = folded.index(key)
                break
    taken = set(found.values())
    for slot, column, block in layout.slots():
        if slot in found or block:
            continue
        likeness, index = max(
            (
                (_likeness(key, fold_name(wanted)), index)
                for index, key in enumerate(folded)
                if index not in taken and key
                for wanted in column.headings
            ),
            default=(0.0, -1),
        )
        if likeness >= _ALIKE:
            found[slot] = index
            taken.add(index)
    return found


def missing(layout: Layout, mapping: Mapping[str, int]) -> Sequence[str]:
    """Return the slots without which no row can be read; of blocks only the first has to be there."""
    return [
        slot
        for slot, column, block in layout.slots()
        if column.required and block <= 1 and slot not in mapping and column.field not in layout.defaults
    ]


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()
