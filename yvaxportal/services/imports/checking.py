"""The check: every row read and judged, in one transaction; nothing is written to anybody's record."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.models.codes import ImportState, Outcome
from yvaxportal.models.imports import ImportBatch, ImportRow
from yvaxportal.services.imports.breaker import Tally, check_rate
from yvaxportal.services.imports.bureau import (
    LOT,
    Bureau,
    CancelledError,
    Progress,
    actor_of,
    copy_rows,
)
from yvaxportal.services.imports.judging import Bench, birth_differs, unreadable
from yvaxportal.services.imports.layouts import Layout
from yvaxportal.services.imports.lots import Asked, Rules, judge_lot
from yvaxportal.services.imports.matching import Candidate, find_candidates
from yvaxportal.services.imports.parsing import Parsed, Parser, Reason
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError
from yvaxportal.services.imports.source import FileKind, FileRefusedError, Opened, opened
from yvaxportal.services.imports.spool import Spool
from yvaxportal.services.imports.store import wipe
from yvaxportal.services.imports.targets import Places, Related

#: More records than this is not one file of doses.
MOST_RECORDS = 3_000_000

_COLUMNS = (
    "batch_id",
    "number",
    "line",
    "part",
    "raw",
    "parsed",
    "state",
    "reasons",
    "resident_id",
    "candidates",
    "other_dose_id",
    "target",
    "revision",
)
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Stored:
    """A row as it goes into the table."""

    number: int
    row: Parsed
    state: State
    reasons: Sequence[Reason]
    resident_id: int | None = None
    candidates: Sequence[Candidate] = ()
    other_dose_id: int | None = None
    target: str | None = None

    def values(self, batch_id: int) -> tuple[Any, ...]:
        """Return the columns of ``_COLUMNS``."""
        row = self.row
        other = self.other_dose_id
        return (
            batch_id,
            self.number,
            row.line,
            row.part,
            _to_json(row.raw),
            _to_json({"person": row.person, "dose": row.dose}),
            self.state.value,
            _to_json(self.reasons),
            self.resident_id,
            _to_json([one.stored() for one in self.candidates]) if self.candidates else None,
            other if other is not None and other > 0 else None,
            self.target,
            1,
        )


def rules_for(bureau: Bureau, connection: Connection | Session, layout: Layout) -> Rules:
    """Return what the rows of a layout are judged with, as things stand."""
    return Rules(
        layout,
        Bench(bureau.schedule, layout.defaults, bureau.today, layout.match_by_key_alone),
        Places(connection),
        Related(bureau.catalogue),
        bureau.municipality_code,
        bureau.rules_version(layout),
    )


def check(bureau: Bureau, batch_id: int) -> ImportState | None:
    """Judge a batch whose check was asked for; None when another run has it, or nobody asked.

    Afterwards the batch is ``checked``, ``refused`` (nothing of its rows is kept), or ``uploaded`` again when
    somebody cancelled. Killed anywhere, it is as before and the job comes again.
    """
    progress = Progress(bureau, batch_id)
    try:
        with bureau.alone(batch_id) as connection:
            if connection is None:
                return None
            batch = connection.execute(select(ImportBatch).where(ImportBatch.id == batch_id)).one_or_none()
            if batch is None or batch.state is not ImportState.CHECKING:
                return None
            _Check(bureau, connection, batch, progress).run()
    except PersonalNumberFoundError as found:
        refuse(bureau, batch_id, "personal_number", {"line": found.line, "column": found.column}, wiped=True)
        return ImportState.REFUSED
    except FileRefusedError as refused:
        refuse(bureau, batch_id, refused.code, refused.facts, wiped=False)
        return ImportState.REFUSED
    except CancelledError:
        back_to(bureau, batch_id, ImportState.CHECKING, ImportState.UPLOADED)
        return ImportState.UPLOADED
    return ImportState.CHECKED


def refuse(bureau: Bureau, batch_id: int, code: str, facts: Mapping[str, object], *, wiped: bool) -> None:
    """Refuse a file as a whole; with ``wiped`` it is removed, too. Always on record."""
    with Session(bureau.engine) as session, session.begin():
        batch = session.get_one(ImportBatch, batch_id, with_for_update=True)
        session.execute(delete(ImportRow).where(ImportRow.batch_id == batch_id))
        batch.state, batch.refusal, batch.facts = ImportState.REFUSED, code, dict(facts)
        session.flush()
        audit = AuditTrail(session, bureau.engine, actor_of(session.connection(), batch.uploaded_by))
        subject = f"import:{batch_id}"
        audit.record(
            Action.IMPORT_REFUSED, subject=subject, outcome=Outcome.REFUSED, detail={"cause": code, **facts}
        )
        if wiped:
            # A digest of few unknown digits tells them to whoever tries them all.
            batch.sha256 = ""
            session.flush()
            wipe(session, batch_id, bureau.clock())
            audit.record(Action.IMPORT_WIPED, subject=subject, detail={"cause": code})


def back_to(bureau: Bureau, batch_id: int, state: ImportState, to: ImportState) -> None:
    """Put a batch back after a run was cancelled."""
    with bureau.engine.begin() as connection:
        connection.execute(
            update(ImportBatch)
            .where(ImportBatch.id == batch_id, ImportBatch.state == state)
            .values(state=to, revision=ImportBatch.revision + 1)
        )


class _Check:
    """One run."""

    def __init__(self, bureau: Bureau, connection: Connection, batch: Any, progress: Progress) -> None:
        self._bureau, self._connection, self._batch, self._progress = bureau, connection, batch, progress
        self._layout = bureau.layouts[batch.layout]
        self._rules = rules_for(bureau, connection, self._layout)
        self._tally = Tally()
        self._counts: Counter[str] = Counter()
        self._unknown: list[int] = []
        self._matched = self._done = 0

    def run(self) -> None:
        """Read, judge, store, and say how it ended."""
        batch, connection = self._batch, self._connection
        connection.execute(delete(ImportRow).where(ImportRow.batch_id == batch.id))
        kind = FileKind(batch.id, batch.format, batch.encoding or "utf-8")
        with Spool() as spool:
            with opened(connection, self._bureau.ring, kind, self._layout) as file:
                lines = self._read(file, spool)
            if not len(spool):
                raise FileRefusedError("empty_file")
            self._progress.begin("judging", len(spool))
            for lot in spool.lots(LOT):
                self._store(self._judged(lot))
            check_rate(connection, self._rules, batch.mapping, self._tally, self._bureau.match_floor)
            for begin in range(0, len(self._unknown), LOT):
                numbers = self._unknown[begin : begin + LOT]
                self._store(self._of_nobody({number: spool.get(number) for number in numbers}))
        self._finish(lines)

    def _read(self, file: Opened, spool: Spool) -> int:
        width = len(file.headings) if file.headings and self._batch.format != "xlsx" else None
        parser = Parser(self._layout, self._batch.mapping, self._bureau.catalogue, width)
        self._progress.begin("reading")
        lines = 0
        for record in file.records:
            lines += 1
            if lines > MOST_RECORDS:
                raise FileRefusedError("too_many_records", most=MOST_RECORDS)
            self._tally.see(record)
            for row in parser.parse(record):
                if row.problems:
                    self._tally.faults[row.problems[0][0]] += 1
                spool.add(row, self._rules.key_of(row) or "")
            if lines % (LOT * 5) == 0:
                self._progress.tell(lines)
        return lines

    def _judged(self, lot: Sequence[tuple[int, Parsed]]) -> Iterator[Stored]:
        rules, tally = self._rules, self._tally
        keys = {number: rules.key_of(row) for number, row in lot}
        people = rules.people(self._connection, [key for key in keys.values() if key])
        asked: list[Asked] = []
        rows = dict(lot)
        for number, row in lot:
            tally.rows += 1
            target = people.get(keys[number] or "")
            if target is not None:
                tally.known += 1
                tally.matched += not birth_differs(row, target, rules.bench)
            if (verdict := unreadable(row)) is not None:
                yield Stored(number, row, verdict.state, verdict.reasons)
            elif target is None:
                self._unknown.append(number)
            else:
                asked.append(Asked(number, row, target))
        answers = judge_lot(self._connection, rules, asked)
        for one in asked:
            answer = answers[one.number]
            yield Stored(
                one.number,
                rows[one.number],
                answer.verdict.state,
                answer.verdict.reasons,
                one.target.resident_id,
                other_dose_id=answer.verdict.other_dose_id,
                target=answer.target,
            )

    def _of_nobody(self, rows: Mapping[int, Parsed]) -> Iterator[Stored]:
        found = find_candidates(self._connection, rows)
        for number, row in rows.items():
            yield nobody(self._rules, number, row, found.get(number, ()))

    def _store(self, rows: Iterator[Stored]) -> None:
        ready = list(rows)
        for row in ready:
            self._counts[row.state.value] += 1
        copy_rows(self._connection, "import_row", _COLUMNS, (row.values(self._batch.id) for row in ready))
        self._done += len(ready)
        self._progress.tell(self._done)

    def _finish(self, lines: int) -> None:
        batch, now = self._batch, self._bureau.clock()
        self._connection.execute(
            update(ImportBatch)
            .where(ImportBatch.id == batch.id)
            .values(
                state=ImportState.CHECKED,
                layout_sha256=self._layout.sha256,
                counts=dict(self._counts),
                match_rate=self._tally.rate,
                lines=lines,
                checked_at=now,
                problem=None,
                revision=ImportBatch.revision + 1,
            )
        )
        with Session(self._connection) as session:
            audit = AuditTrail(session, self._bureau.engine, actor_of(self._connection, batch.uploaded_by))
            audit.record(
                Action.IMPORT_CHECKED,
                subject=f"import:{batch.id}",
                detail={"lines": lines, "match_rate": self._tally.rate, **self._counts},
            )


def nobody(rules: Rules, number: int, row: Parsed, candidates: Sequence[Candidate]) -> Stored:
    """Return the row whose number is nobody's, with whoever it may be about."""
    code = "other_municipality" if rules.of_another_municipality(row) else "number_unknown"
    state = State.SIMILAR_FOUND if candidates else State.NUMBER_UNKNOWN
    return Stored(number, row, state, [[code, {}], *row.notes], candidates=candidates)
