"""Rows typed a second time from the paper by somebody who has not seen the first values.

Which rows is a plan of the file: all, those with so many points of doubt, or a sample. Until two entries
agree, or a person has settled where they differ, the row is not recorded. Whoever handed the file in, decided
about the row, corrected or opened it has seen it and cannot type it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import ImportState, SecondEntryState, SettledBy
from yvaxportal.models.imports import ImportBatch, ImportRow, ImportRowEvent
from yvaxportal.models.mismatch import SecondEntry, SecondEntryField
from yvaxportal.services.imports.deciding import CLAIMED_FOR, Done, Impossible, Result, Reviewer, Stale
from yvaxportal.services.imports.parsing import Parser
from yvaxportal.services.imports.second_plans import plan_of
from yvaxportal.values.width import fold_width

LISTED = 50
_OPEN = (ImportState.CHECKED, ImportState.APPLIED)

# As the partial index has it.
_TO_TYPE = (
    "second_entry IN ('wanted', 'differs') AND outcome IS NULL "
    "AND (decision IS NULL OR decision IN ('apply', 'replace', 'keep_both'))"
)
_UNSEEN = (
    "r.decided_by IS DISTINCT FROM :staff AND NOT EXISTS (SELECT 1 FROM import_row_event e "
    "WHERE e.batch_id = r.batch_id AND e.number = r.number AND e.staff_id = :staff)"
)
_NEXT = text(
    "UPDATE import_row SET claimed_by = :staff, claimed_until = :until WHERE batch_id = :batch "  # noqa: S608
    f"AND number = (SELECT r.number FROM import_row r WHERE r.batch_id = :batch AND {_TO_TYPE} "
    "AND r.second_entry = 'wanted' AND r.number > :after "
    f"AND (r.claimed_by IS NULL OR r.claimed_by = :staff OR r.claimed_until < :now) AND {_UNSEEN} "
    "ORDER BY r.number LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING number"
)
_WAITING = text(
    "SELECT b.id, b.file_name, b.layout, b.uploaded_by, r.second_entry, count(*) FROM import_row r "  # noqa: S608
    "JOIN import_batch b ON b.id = r.batch_id AND b.state IN ('checked', 'applied') "
    f"WHERE {_TO_TYPE.replace('second_entry', 'r.second_entry')} "
    "GROUP BY 1, 2, 3, 4, 5 ORDER BY b.id DESC LIMIT :most"
)
_AGREEMENT = text(
    "SELECT f.field, count(*), count(*) FILTER (WHERE f.agreed), "
    "count(*) FILTER (WHERE f.settled = 'first'), count(*) FILTER (WHERE f.settled = 'second'), "
    "count(*) FILTER (WHERE f.settled = 'other') FROM second_entry_field f "
    "WHERE f.batch_id = :batch GROUP BY f.field ORDER BY f.field"
)


@dataclass(frozen=True, slots=True)
class File:
    """A file with rows to be typed again, or to be settled."""

    batch_id: int
    file_name: str
    layout: str
    wanted: int
    differs: int
    own: bool


@dataclass(frozen=True, slots=True)
class Task:
    """A row to be typed: what finds the paper, and the fields; nothing of what was typed first in them."""

    number: int
    line: int
    part: int
    finds: Mapping[str, str]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field in which two entries differ: the texts, and what they were read as."""

    field: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """How often two entries of a field agreed, and which was right where they did not."""

    field: str
    typed: int
    agreed: int
    first_right: int
    second_right: int
    neither: int


@dataclass(frozen=True, slots=True)
class Agreed:
    """Both entries say the same."""


@dataclass(frozen=True, slots=True)
class Differs:
    """They differ; somebody else settles it."""

    fields: tuple[str, ...]


Typed: TypeAlias = Agreed | Differs | Stale | Impossible


def files(session: Session, staff_id: int) -> Sequence[File]:
    """Return the files with rows to type or to settle, newest first."""
    found: dict[int, File] = {}
    for batch_id, name, layout, sender, state, count in session.execute(_WAITING, {"most": 2 * LISTED}):
        known = found.get(batch_id) or File(batch_id, name, layout, 0, 0, sender == staff_id)
        wanted = count if state == SecondEntryState.WANTED else known.wanted
        differs = count if state == SecondEntryState.DIFFERS else known.differs
        found[batch_id] = File(batch_id, name, layout, wanted, differs, known.own)
    return list(found.values())[:LISTED]


def next_to_type(
    session: Session, batch: ImportBatch, *, staff_id: int, now: datetime, after: int = 0
) -> int | None:
    """Take the next row that this member of staff may type, and keep it; None when there is none."""
    if batch.uploaded_by == staff_id or batch.state not in _OPEN:
        return None
    values = {
        "staff": staff_id,
        "until": now + CLAIMED_FOR,
        "now": now,
        "batch": batch.id,
        "after": after,
    }
    found: int | None = session.scalar(_NEXT, values)
    if found is None and after:
        return next_to_type(session, batch, staff_id=staff_id, now=now)
    return found


def may_type(session: Session, batch: ImportBatch, row: ImportRow, staff_id: int) -> bool:
    """Tell whether somebody has not seen the first values: neither sent, decided, corrected nor opened."""
    if staff_id in {batch.uploaded_by, row.decided_by}:
        return False
    return not has_seen(session, batch.id, row.number, staff_id)


def has_seen(session: Session, batch_id: int, number: int, staff_id: int) -> bool:
    """Tell whether something about a row is on record that this member of staff did."""
    found = session.scalar(
        select(ImportRowEvent.id)
        .where(
            ImportRowEvent.batch_id == batch_id,
            ImportRowEvent.number == number,
            ImportRowEvent.staff_id == staff_id,
        )
        .limit(1)
    )
    return found is not None


def note_opened(session: Session, batch_id: int, number: int, staff_id: int, now: datetime) -> None:
    """Write down, once, that somebody saw a row, and so cannot be its second typist."""
    row = session.get(ImportRow, (batch_id, number))
    if row is None or row.outcome is not None or has_seen(session, batch_id, number, staff_id):
        return
    session.add(_event(row, "opened", staff_id, now))
    session.flush()


def task_of(session: Session, batch: ImportBatch, number: int, *, staff_id: int) -> Task | None:
    """Return what a second typist sees of a row; None when there is nothing for them to type."""
    row = session.get(ImportRow, (batch.id, number), populate_existing=True)
    plan = plan_of(session, batch.id)
    if row is None or plan is None or not _waits(row) or batch.state not in _OPEN:
        return None
    if not may_type(session, batch, row, staff_id):
        return None
    finds = {name: value for name, value in row.raw.items() if name in FINDS and name not in plan.fields}
    return Task(row.number, row.line, row.part, finds, tuple(plan.fields))


#: What leads to the paper; never one of the fields that are typed.
FINDS = ("business_atena_number", "atena_number", "ticket_number", "name", "name_kana")


def _waits(row: ImportRow) -> bool:
    decided = row.decision is not None and row.decision.value in {"refuse", "return"}
    return row.second_entry is SecondEntryState.WANTED and row.outcome is None and not decided


def type_again(
    reviewer: Reviewer, batch_id: int, number: int, texts: Mapping[str, str], *, sure: bool = False
) -> Typed:
    """Take a second entry; the answer says whether it agrees, and keeps the first one hidden.

    :param sure: also what cannot be read is kept: it stands so on the paper.
    :raises PersonalNumberFoundError: somebody typed one.
    """
    session, staff_id = reviewer.session, reviewer.staff_id
    row = session.get(ImportRow, (batch_id, number), with_for_update=True, populate_existing=True)
    batch, plan = session.get_one(ImportBatch, batch_id), plan_of(session, batch_id)
    if row is None or plan is None or not _waits(row) or batch.state not in _OPEN:
        return Stale()
    held = row.claimed_by not in {None, staff_id} and row.claimed_until is not None
    if held and row.claimed_until is not None and row.claimed_until >= reviewer.now:
        return Stale()
    if not may_type(session, batch, row, staff_id):
        return Stale()
    parser = Parser(reviewer.bureau.layouts[batch.layout], batch.mapping, reviewer.bureau.catalogue, None)
    typed = {name: texts.get(name, "") for name in plan.fields}
    again = parser.again(row.line, row.part, {**row.raw, **typed})
    unread = [one for one in again.problems if one[1].get("field") in typed]
    if unread and not sure:
        return Impossible(unread)
    first = {**row.parsed.get("person", {}), **row.parsed.get("dose", {})}
    second = {**again.person, **again.dose}
    session.add(SecondEntry(batch_id=batch_id, number=number, typed_by=staff_id, typed_at=reviewer.now))
    session.flush()
    differing = []
    for name in plan.fields:
        same = _same(first.get(name), second.get(name), row.raw.get(name, ""), typed[name])
        if not same:
            differing.append(name)
        session.add(
            SecondEntryField(
                batch_id=batch_id, number=number, field=name, typed=typed[name], agreed=same, settled=None
            )
        )
    row.second_entry = SecondEntryState.DIFFERS if differing else SecondEntryState.AGREED
    row.claimed_by = row.claimed_until = None
    row.revision += 1
    session.add(_event(row, "typed_again", staff_id, reviewer.now, differing=differing))
    reviewer.audit.record(
        Action.SECOND_ENTRY_TYPED,
        resident_id=row.resident_id,
        subject=f"import:{batch_id}",
        detail={"row": number, "differing": differing},
    )
    session.flush()
    return Differs(tuple(differing)) if differing else Agreed()


def _same(first: Any, second: Any, first_text: str, second_text: str) -> bool:
    """Tell whether two entries say the same: as they were read, or letter by letter where they were not."""
    if (first is None) != (second is None):
        return False
    if first is None:
        return _plain(first_text) == _plain(second_text)
    return _plain(str(first)) == _plain(str(second))


def _plain(text: str) -> str:
    return fold_width(text).replace(" ", "").replace("\u3000", "").casefold()


def next_to_settle(session: Session, batch_id: int, staff_id: int) -> int | None:
    """Return the first row whose two entries differ and that this member of staff did not type."""
    return session.scalar(
        select(ImportRow.number)
        .join(
            SecondEntry,
            (SecondEntry.batch_id == ImportRow.batch_id) & (SecondEntry.number == ImportRow.number),
        )
        .where(
            ImportRow.batch_id == batch_id,
            text(_TO_TYPE),
            ImportRow.second_entry == SecondEntryState.DIFFERS,
            SecondEntry.typed_by != staff_id,
        )
        .order_by(ImportRow.number)
        .limit(1)
    )


def differences_of(session: Session, batch_id: int, number: int) -> Sequence[Difference]:
    """Return in what the two entries of a row differ, in the order of the fields."""
    row = session.get(ImportRow, (batch_id, number))
    if row is None:
        return ()
    fields = session.scalars(
        select(SecondEntryField)
        .where(
            SecondEntryField.batch_id == batch_id,
            SecondEntryField.number == number,
            SecondEntryField.agreed.is_(False),
        )
        .order_by(SecondEntryField.field)
    )
    return [Difference(one.field, row.raw.get(one.field, ""), one.typed) for one in fields]


def typist_of(session: Session, batch_id: int, number: int) -> int | None:
    """Return who typed a row again."""
    entry = session.get(SecondEntry, (batch_id, number))
    return entry.typed_by if entry else None


def settle(
    reviewer: Reviewer,
    batch_id: int,
    number: int,
    answers: Mapping[str, tuple[SettledBy, str]],
    *,
    revision: int,
    reason: str,
) -> Result:
    """Settle field by field what two entries differ in; the row is judged anew where the first was wrong.

    :param answers: field → which was right, and the text where neither was.
    :raises PersonalNumberFoundError: somebody typed one.
    """
    session = reviewer.session
    row = reviewer.locked_row(batch_id, number, revision)
    entry = session.get(SecondEntry, (batch_id, number))
    if row is None or entry is None or row.second_entry is not SecondEntryState.DIFFERS:
        return Stale()
    if entry.typed_by == reviewer.staff_id:
        return Stale()
    differing = differences_of(session, batch_id, number)
    if {one.field for one in differing} != set(answers):
        return Impossible([["settle_each", {}]])
    right = {
        one.field: {
            SettledBy.FIRST: one.first,
            SettledBy.SECOND: one.second,
            SettledBy.OTHER: answers[one.field][1],
        }[answers[one.field][0]]
        for one in differing
    }
    changed = {one.field: right[one.field] for one in differing if right[one.field] != one.first}
    if changed:
        result = reviewer.correct(batch_id, number, changed, revision=revision)
        if not isinstance(result, Done):
            return result
    for one in differing:
        field = session.get_one(SecondEntryField, (batch_id, number, one.field))
        field.settled = answers[one.field][0]
    entry.settled_by, entry.settled_at, entry.settle_reason = reviewer.staff_id, reviewer.now, reason
    row.second_entry = SecondEntryState.SETTLED
    row.revision += 1
    said = {name: which.value for name, (which, _text) in answers.items()}
    session.add(_event(row, "settled", reviewer.staff_id, reviewer.now, reason=reason, fields=said))
    reviewer.audit.record(
        Action.SECOND_ENTRY_SETTLED,
        resident_id=row.resident_id,
        subject=f"import:{batch_id}",
        detail={"row": number, "fields": said, "reason": reason},
    )
    session.flush()
    return Done(row.state)


def agreement(session: Session, batch_id: int) -> Sequence[FieldAgreement]:
    """Return how the two entries of a file's rows agree, field by field."""
    return [FieldAgreement(*row) for row in session.execute(_AGREEMENT, {"batch": batch_id})]


def _event(row: ImportRow, deed: str, staff_id: int, now: datetime, **said: Any) -> ImportRowEvent:
    return ImportRowEvent(
        batch_id=row.batch_id,
        number=row.number,
        happened_at=now,
        staff_id=staff_id,
        deed=deed,
        reason=said.pop("reason", None),
        state_before=row.state.value,
        state_after=row.state.value,
        detail=said,
    )
