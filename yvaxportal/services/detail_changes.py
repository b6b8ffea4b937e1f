"""What every change of a resident's items has in common: one at a time, only what changed, with reasons."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Session

from yvaxportal.models.resident import Resident

#: Written to the audit log instead of where a person under a support measure lives or is reached.
WITHHELD = "(withheld: support measure)"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something possible but risky: saved only with a reason. ``item`` is the field it is about."""

    item: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Change:
    """The items that a save changed, with their values before and after; empty when nothing did."""

    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.after)

    def withholding(self) -> "Change":
        """Return which items changed without what they say."""
        return Change(dict.fromkeys(self.before, WITHHELD), dict.fromkeys(self.after, WITHHELD))


class ChangedMeanwhileError(Exception):
    """Somebody else saved first. ``stored`` is what stands now, ``revision`` its number."""

    def __init__(self, stored: Mapping[str, Any], revision: int) -> None:
        super().__init__("the record was changed by somebody else")
        self.stored = stored
        self.revision = revision


class ReasonNeededError(Exception):
    """The save is possible but risky and came without a reason."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        super().__init__("a reason is needed")
        self.alerts = alerts


class NothingToChangeError(Exception):
    """The thing to change is not there (any more)."""


def lock_resident(session: Session, resident_id: int) -> Resident:
    """Return the resident's row, locked until the transaction ends: changes of one person never interleave.

    Recording a dose is not held up by it. NoResultFound for an unknown id.
    """
    return session.scalars(
        select(Resident)
        .where(Resident.id == resident_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True),
    ).one()


def stored_values(row: DeclarativeBase | None, items: Iterable[str]) -> dict[str, Any]:
    """Return ``items`` of a row; None for each when there is no row yet."""
    return {item: getattr(row, item) if row is not None else None for item in items}


def change_between(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> Change:
    """Return what differs, counting nothing, an empty text and an unset flag as the same."""
    changed = [item for item, value in wanted.items() if (stored[item] or None) != (value or None)]
    return Change(
        {item: stored[item] for item in changed},
        {item: wanted[item] for item in changed},
    )


def refuse_stale(stored: Mapping[str, Any], revision: int, expected: int) -> None:
    """Raise ChangedMeanwhileError unless the row still has the revision that the form was made from."""
    if revision != expected:
        raise ChangedMeanwhileError(stored, revision)
