"""Which rows of a file are typed a second time: all, the doubtful, or a sample that can be drawn again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, text
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ImportState, SecondEntryChoice
from yvaxportal.models.imports import ImportBatch
from yvaxportal.models.mismatch import SecondEntryPlan
from yvaxportal.services.imports.layouts import Layout

_OPEN = (ImportState.CHECKED, ImportState.APPLIED)

_RELEASE = text(
    "UPDATE import_row SET second_entry = NULL WHERE batch_id = :batch AND second_entry = 'wanted'"
)
_FREE = "batch_id = :batch AND outcome IS NULL AND second_entry IS NULL AND decision IS NULL"
_CHOOSE = {
    SecondEntryChoice.ALL: text(f"UPDATE import_row SET second_entry = 'wanted' WHERE {_FREE}"),  # noqa: S608
    SecondEntryChoice.DOUBT: text(
        f"UPDATE import_row SET second_entry = 'wanted' WHERE {_FREE} AND doubt >= :points"  # noqa: S608
    ),
    # Anybody can draw the same again: the order is that of the digests.
    SecondEntryChoice.SAMPLE: text(
        "UPDATE import_row SET second_entry = 'wanted' WHERE batch_id = :batch AND number IN ("  # noqa: S608
        f"SELECT number FROM import_row WHERE {_FREE} ORDER BY md5(:seed || ':' || number), number "
        f"LIMIT (SELECT ceil(count(*) * :percent / 100.0) FROM import_row WHERE {_FREE}))"
    ),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows are typed again, and which fields.

    ``from_points`` for those with so much doubt, ``percent`` for a sample.
    """

    chosen: SecondEntryChoice
    fields: tuple[str, ...]
    from_points: int | None = None
    percent: int | None = None


def choose(
    session: Session,
    audit: AuditTrail,
    batch_id: int,
    choice: Choice | None,
    *,
    seed: str,
    staff_id: int,
    now: datetime,
) -> int:
    """Set which rows of a file are typed again, None for no more; return how many wait now.

    Rows that somebody typed already stay as they are; those that nobody did are chosen anew.
    """
    batch = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch.state not in _OPEN:
        return 0
    if choice is not None:
        choice = replace(choice, fields=_at_hand(choice.fields, batch.mapping))
    count = _choose(session.connection(), batch_id, choice, seed=seed, staff_id=staff_id, now=now)
    detail: dict[str, Any] = {"chosen": choice.chosen.value if choice else "none", "rows": count}
    if choice is not None:
        detail |= {"points": choice.from_points, "percent": choice.percent, "fields": list(choice.fields)}
    audit.record(Action.SECOND_ENTRY_PLANNED, subject=f"import:{batch_id}", detail=detail)
    return count


def choose_by_layout(
    connection: Connection, batch_id: int, layout: Layout, mapping: Mapping[str, int], now: datetime
) -> int:
    """Choose what the layout says by itself, when a file was checked; return how many rows."""
    default = layout.second_entry
    if default is None:
        # What was chosen before belonged to rows that a new check replaced.
        return _choose(connection, batch_id, None, seed="", staff_id=None, now=now)
    choice = Choice(
        SecondEntryChoice(default.chosen),
        _at_hand(default.fields, mapping),
        default.from_points,
        default.percent,
    )
    # Nobody chose it, so nobody can have chosen it with an eye on the rows; a secret would be none.
    return _choose(connection, batch_id, choice, seed=f"{layout.code}:{batch_id}", staff_id=None, now=now)


def _at_hand(fields: Sequence[str], mapping: Mapping[str, int]) -> tuple[str, ...]:
    """Return the fields that the file has columns for; the day always is one of them."""
    held = {slot.partition(".")[0] for slot in mapping}
    return tuple(field for field in fields if field in held) or ("given_on",)


def _choose(
    connection: Connection,
    batch_id: int,
    choice: Choice | None,
    *,
    seed: str,
    staff_id: int | None,
    now: datetime,
) -> int:
    connection.execute(_RELEASE, {"batch": batch_id})
    connection.execute(delete(SecondEntryPlan).where(SecondEntryPlan.batch_id == batch_id))
    if choice is None:
        return 0
    values: dict[str, Any] = {"batch": batch_id}
    if choice.chosen is SecondEntryChoice.DOUBT:
        values["points"] = choice.from_points
    elif choice.chosen is SecondEntryChoice.SAMPLE:
        values |= {"percent": choice.percent, "seed": seed}
    count = connection.execute(_CHOOSE[choice.chosen], values).rowcount
    connection.execute(
        insert(SecondEntryPlan).values(
            batch_id=batch_id,
            chosen=choice.chosen,
            from_points=choice.from_points,
            percent=choice.percent,
            seed=seed,
            fields=list(choice.fields),
            wanted=count,
            set_by=staff_id,
            set_at=now,
        )
    )
    return count


def plan_of(session: Session, batch_id: int) -> SecondEntryPlan | None:
    """Return the plan of a file, None when nothing is typed again."""
    return session.get(SecondEntryPlan, batch_id)
