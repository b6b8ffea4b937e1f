"""The smallest figures: what their members have in common, as a key that is stored."""

from dataclasses import dataclass
from typing import Any

TARGET = "target"
#: The class of those whose birth date is not wholly known, and of ages that no class of a definition has.
NO_CLASS = "unknown"
#: Stands for a delivery category that was not recorded.
NO_DELIVERY = "unknown"


@dataclass(frozen=True, slots=True)
class Common:
    """What the doses of one figure have in common; ``None`` in all fields: the targets of a row.

    ``age`` is the key of an age class; ``history`` is ``unknown`` where the dose before is on record nowhere.
    """

    judgement: str
    month: int
    age: str
    delivery: str
    category: str
    history: str

    @property
    def key(self) -> str:
        """Return the key as it is stored."""
        return (
            f"dose/{self.judgement}/{self.month:02}/{self.age}/{self.delivery}/{self.category}/{self.history}"
        )


def common_of(key: str) -> Common | None:
    """Return what a stored key says, None for targets; ValueError for what no key is."""
    if key == TARGET:
        return None
    kind, judgement, month, age, delivery, category, history = key.split("/")
    if kind != "dose":
        raise ValueError("a figure counts doses or targets")
    return Common(judgement, int(month), age, delivery, category, history)


@dataclass(frozen=True, slots=True)
class Atom:
    """One smallest figure: its row, what its members have in common (None: targets), how many there are."""

    row: str
    common: Common | None
    value: int

    @property
    def column_key(self) -> str:
        """Return the key of the column as it is stored."""
        return TARGET if self.common is None else self.common.key


def atom(row: Any) -> Atom:
    """Return the atom of a stored row with row_key, column_key and value."""
    return Atom(row.row_key, common_of(row.column_key), row.value)
