"""Taking back a whole import, or single rows of it, with a reason, as long as nothing later depends on them.

A dose is never deleted: one that the import recorded is cancelled, one that it corrected gets its earlier
content back, and a source that it added is removed. What counts (active doses and their sources) is then as
it was before; that it was different for a while stays on record. ``docs/imports.md`` says so in words.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import Actor, AuditTrail, Facts
from yvaxportal.models.codes import ImportState
from yvaxportal.models.dose import Dose
from yvaxportal.models.imports import ImportBatch
from yvaxportal.programme.catalogue import Catalogue
from yvaxportal.services.imports.bureau import Bureau, CancelledError, Progress, actor_of
from yvaxportal.services.imports.checking import back_to

_LOT = 5_000
# What a correction by a file can have changed; the rest is the row's own story.
_KEPT = frozenset({"id", "resident_id", "revision", "changed_by", "changed_at", "change_reason"})
_RESTORED = tuple(column.name for column in Dose.__table__.columns if column.name not in _KEPT)

_ROWS = text(
    "SELECT r.number, r.resident_id, r.outcome, r.dose_id, r.dose_revision FROM import_row r "
    "WHERE r.batch_id = :batch AND r.outcome IN ('recorded', 'linked', 'replaced') "
    "AND r.number > :last AND (CAST(:only AS int[]) IS NULL OR r.number = ANY(:only)) "
    "ORDER BY r.number LIMIT :lot"
)
_LOCK = text("SELECT id FROM resident WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
# The later things are looked for from the moment the dose was written.
_BLOCKERS = text(
    "WITH series AS (SELECT * FROM unnest(CAST(:vaccines AS text[]), CAST(:series AS text[])) "
    "AS s(vaccine, series)), mine AS ("
    "SELECT r.number, r.resident_id, r.outcome, r.dose_id, r.dose_revision, d.revision, d.state, "
    "d.changed_at, d.record_group, d.dose_number, d.given_on, s.series "
    "FROM import_row r JOIN dose d ON d.id = r.dose_id LEFT JOIN series s ON s.vaccine = d.vaccine "
    "WHERE r.batch_id = :batch AND r.outcome IN ('recorded', 'replaced') "
    "AND (CAST(:only AS int[]) IS NULL OR r.number = ANY(:only))) "
    "SELECT number, 'dose_changed' FROM mine WHERE revision <> dose_revision OR state <> 'active' UNION ALL "
    "SELECT m.number, 'later_import' FROM mine m WHERE EXISTS (SELECT 1 FROM dose_source_record s "
    "JOIN dose_source_record o ON o.dose_id = s.dose_id AND o.batch_id = :batch AND o.number = m.number "
    "WHERE s.dose_id = m.dose_id AND s.batch_id <> :batch AND s.id > o.id) UNION ALL "
    "SELECT m.number, 'certificate' FROM mine m WHERE m.record_group = 'covid19' AND EXISTS ("
    "SELECT 1 FROM certificate c WHERE c.resident_id = m.resident_id AND c.state = 'valid' "
    "AND c.recorded_at >= m.changed_at) UNION ALL "
    "SELECT m.number, 'output' FROM mine m WHERE EXISTS (SELECT 1 FROM output_person p "
    "JOIN output o ON o.id = p.output_id WHERE p.resident_id = m.resident_id "
    "AND o.requested_at >= m.changed_at AND o.state <> 'cancelled') UNION ALL "
    "SELECT m.number, 'later_dose' FROM mine m WHERE EXISTS (SELECT 1 FROM dose d "
    "JOIN series s ON s.vaccine = d.vaccine AND s.series = m.series "
    "WHERE d.resident_id = m.resident_id AND d.state = 'active' AND d.dose_number > m.dose_number "
    "AND d.given_on > m.given_on AND d.changed_at > m.changed_at AND NOT EXISTS ("
    "SELECT 1 FROM import_row o WHERE o.dose_id = d.id AND o.batch_id = :batch))"
)
_CANCEL = text(
    "UPDATE dose SET state = 'cancelled', change_reason = :reason, changed_by = :staff, changed_at = :now, "
    "revision = revision + 1 WHERE id = ANY(:ids)"
)
_RESTORE = text(
    f"UPDATE dose d SET {', '.join(f'{name} = old.{name}' for name in _RESTORED)}, "  # noqa: S608 - columns
    "change_reason = :reason, changed_by = :staff, changed_at = :now, revision = d.revision + 1 "
    "FROM dose_revision v, jsonb_populate_record(CAST(NULL AS dose), v.row) AS old "
    "WHERE d.id = ANY(:ids) AND v.dose_id = d.id AND v.revision = d.revision - 1"
)
_SETTLE = text(
    "UPDATE import_row SET outcome = 'undone', undone_by = :staff, undone_at = :now, undo_reason = :reason, "
    "revision = revision + 1 WHERE batch_id = :batch AND number = ANY(:numbers)"
)
_UNLINK = text("DELETE FROM dose_source_record WHERE batch_id = :batch AND number = ANY(:numbers)")
_EVENTS = text(
    "INSERT INTO import_row_event (batch_id, number, happened_at, staff_id, deed, reason, state_before, "
    "state_after, detail) SELECT :batch, number, :now, :staff, 'undone', :reason, before, 'undone', '{}' "
    "FROM unnest(CAST(:numbers AS int[]), CAST(:befores AS text[])) AS w(number, before)"
)


class UndoBlockedError(Exception):
    """Something later depends on some rows: row number → codes. Nothing was taken back."""

    def __init__(self, blockers: dict[int, list[str]]) -> None:
        super().__init__(f"{len(blockers)} rows")
        self.blockers = blockers


@dataclass(frozen=True, slots=True)
class Undo:
    """Who takes back what, and why."""

    batch_id: int
    staff_id: int
    reason: str
    now: datetime
    only: tuple[int, ...] | None = None


def blockers(
    connection: Connection, catalogue: Catalogue, batch_id: int, only: Sequence[int] | None = None
) -> dict[int, list[str]]:
    """Return what depends on the rows of a batch, by row number.

    ``dose_changed``, ``later_dose``, ``later_import``, ``certificate``, ``output``.
    """
    vaccines = list(catalogue.vaccines.values())
    rows = connection.execute(
        _BLOCKERS,
        {
            "batch": batch_id,
            "only": list(only) if only is not None else None,
            "vaccines": [one.code for one in vaccines],
            "series": [one.series for one in vaccines],
        },
    )
    found: dict[int, list[str]] = {}
    for number, code in rows:
        found.setdefault(number, []).append(code)
    return found


def undo_rows(
    connection: Connection,
    audit: AuditTrail,
    catalogue: Catalogue,
    undo: Undo,
    *,
    skip_blocked: bool = False,
    progress: Progress | None = None,
) -> Counter[str]:
    """Take back the rows in the connection's transaction; return how many of each outcome.

    :param skip_blocked: leave alone those on which something depends, instead of refusing.
    :raises UndoBlockedError: something depends on a row.
    """
    counts: Counter[str] = Counter()
    last = done = 0
    while rows := _lot(connection, undo, last):
        last = rows[-1].number
        connection.execute(_LOCK, {"ids": sorted({row.resident_id for row in rows})})
        held = blockers(connection, catalogue, undo.batch_id, [row.number for row in rows])
        if held and not skip_blocked:
            raise UndoBlockedError(held)
        free = [row for row in rows if row.number not in held]
        counts["held"] += len(rows) - len(free)
        _take_back(connection, audit, undo, free)
        for row in free:
            counts[row.outcome] += 1
        done += len(rows)
        if progress is not None:
            progress.tell(done)
    return counts


def undo(bureau: Bureau, batch_id: int) -> Counter[str] | None:
    """Take back a batch whose undoing was asked for; None when another run has it, or nobody asked.

    All of it or, when something depends on a row and the others were not asked for alone, nothing.
    """
    progress = Progress(bureau, batch_id)
    try:
        with bureau.alone(batch_id) as connection:
            if connection is None:
                return None
            batch = connection.execute(
                select(ImportBatch).where(ImportBatch.id == batch_id).with_for_update()
            ).one_or_none()
            if batch is None or batch.state is not ImportState.UNDOING:
                return None
            return _undo(bureau, connection, batch, progress)
    except CancelledError:
        back_to(bureau, batch_id, ImportState.UNDOING, ImportState.APPLIED)
    except UndoBlockedError as blocked:
        with bureau.engine.begin() as connection:
            connection.execute(
                update(ImportBatch)
                .where(ImportBatch.id == batch_id)
                .values(
                    state=ImportState.APPLIED,
                    problem="undo_blocked",
                    facts={"rows": len(blocked.blockers)},
                    revision=ImportBatch.revision + 1,
                )
            )
    return Counter()


def _undo(bureau: Bureau, connection: Connection, batch: Any, progress: Progress) -> Counter[str]:
    now = bureau.clock()
    actor: Actor = actor_of(connection, batch.undone_by)
    with Session(connection) as session:
        audit = AuditTrail(session, bureau.engine, actor)
        partly = bool(batch.facts.get("undo_partly"))
        if not partly and (held := blockers(connection, bureau.catalogue, batch.id)):
            raise UndoBlockedError(held)
        progress.begin("undoing", _count(connection, batch.id))
        counts = undo_rows(
            connection,
            audit,
            bureau.catalogue,
            Undo(batch.id, batch.undone_by, batch.undo_reason, now),
            skip_blocked=partly,
            progress=progress,
        )
        left = counts["held"] > 0
        connection.execute(
            update(ImportBatch)
            .where(ImportBatch.id == batch.id)
            .values(
                state=ImportState.APPLIED if left else ImportState.UNDONE,
                undone_at=now,
                problem="undo_partly" if left else None,
                facts={"rows": counts["held"]} if left else {},
                revision=ImportBatch.revision + 1,
            )
        )
        audit.record(
            Action.IMPORT_UNDONE,
            subject=f"import:{batch.id}",
            detail={"reason": batch.undo_reason, **counts},
        )
    return counts


def _count(connection: Connection, batch_id: int) -> int:
    query = text(
        "SELECT count(*) FROM import_row WHERE batch_id = :batch "
        "AND outcome IN ('recorded', 'linked', 'replaced')"
    )
    return int(connection.scalar(query, {"batch": batch_id}) or 0)


def _lot(connection: Connection, undo: Undo, last: int) -> Sequence[Any]:
    only = list(undo.only) if undo.only is not None else None
    parameters = {"batch": undo.batch_id, "last": last, "only": only, "lot": _LOT}
    return connection.execute(_ROWS, parameters).all()


def _take_back(connection: Connection, audit: AuditTrail, undo: Undo, rows: Sequence[Any]) -> None:
    if not rows:
        return
    said = {"reason": undo.reason, "staff": undo.staff_id, "now": undo.now, "batch": undo.batch_id}
    recorded = [row.dose_id for row in rows if row.outcome == "recorded"]
    replaced = [row.dose_id for row in rows if row.outcome == "replaced"]
    if recorded:
        connection.execute(_CANCEL, {**said, "ids": recorded})
    if replaced:
        connection.execute(_RESTORE, {**said, "ids": replaced})
    numbers = [row.number for row in rows]
    connection.execute(_UNLINK, {**said, "numbers": numbers})
    connection.execute(_SETTLE, {**said, "numbers": numbers})
    connection.execute(_EVENTS, {**said, "numbers": numbers, "befores": [row.outcome for row in rows]})
    actions = {"recorded": Action.DOSE_CANCELLED, "replaced": Action.DOSE_CORRECTED}
    audit.record_many(
        [
            (
                actions.get(row.outcome, Action.IMPORT_UNDONE),
                Facts(
                    resident_id=row.resident_id,
                    subject=f"dose:{row.dose_id}",
                    detail={"import": undo.batch_id, "row": row.number, "reason": undo.reason},
                ),
            )
            for row in rows
        ]
    )
