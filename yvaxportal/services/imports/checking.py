"""The check: every row read and judged, in one transaction; nothing is written to anybody's record."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, text, update
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
from yvaxportal.services.imports.doubt import MOST, NO_DOUBT, WEIGHTS, Doubt, Evidence, weigh
from yvaxportal.services.imports.doubting import Doubter, Judged, LotCount, Pattern
from yvaxportal.services.imports.judging import Bench, Verdict, birth_differs, unreadable
from yvaxportal.services.imports.layouts import Layout
from yvaxportal.services.imports.lots import Answer, Asked, Rules, judge_lot
from yvaxportal.services.imports.matching import Candidate, find_candidates
from yvaxportal.services.imports.parsing import Parsed, Parser, Reason
from yvaxportal.services.imports.personal_numbers import PersonalNumberFoundError
from yvaxportal.services.imports.second_plans import choose_by_layout
from yvaxportal.services.imports.source import FileKind, FileRefusedError, Opened, opened
from yvaxportal.services.imports.spool import Spool
from yvaxportal.services.imports.store import wipe
from yvaxportal.services.imports.targets import Places, Related
from yvaxportal.values.clock import jst_date

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
    "doubt",
    "doubt_reasons",
    "doubt_main",
)
# Rows that are held themselves say enough.
_SUSPECT = text(
    "UPDATE import_row SET doubt = least(:most, doubt + :points), "
    "doubt_reasons = doubt_reasons || CAST(:reason AS jsonb), "
    "doubt_main = coalesce(doubt_main, 'institution_pattern') "
    "WHERE batch_id = :batch AND state IN ('ready', 'already_there') "
    "AND coalesce(parsed -> 'dose' ->> 'institution_code', parsed -> 'dose' ->> 'institution_name') = :place"
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
    doubt: Doubt = NO_DOUBT

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
            self.doubt.points,
            _to_json(self.doubt.reasons) if self.doubt.reasons else "[]",
            self.doubt.main,
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
        self._lots, self._pattern = LotCount(), Pattern()
        self._doubter = Doubter(connection, self._rules, jst_date(batch.uploaded_at))
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
            self._doubter = Doubter(
                connection, self._rules, jst_date(batch.uploaded_at), in_file=self._lots.counts
            )
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
                self._lots.see(row)
                spool.add(row, self._rules.key_of(row) or "")
            if lines % (LOT * 5) == 0:
                self._progress.tell(lines)
        return lines

    def _judged(self, lot: Sequence[tuple[int, Parsed]]) -> Iterator[Stored]:
        rules, tally = self._rules, self._tally
        keys = {number: rules.key_of(row) for number, row in lot}
        people = rules.people(self._connection, [key for key in keys.values() if key])
        asked: list[Asked] = []
        for number, row in lot:
            tally.rows += 1
            target = people.get(keys[number] or "")
            if target is not None:
                tally.known += 1
                tally.matched += not birth_differs(row, target, rules.bench)
            if (verdict := unreadable(row)) is not None:
                doubt = weigh(Evidence(row, verdict.state, verdict.reasons, self._bureau.today))
                yield Stored(number, row, verdict.state, verdict.reasons, doubt=doubt)
            elif target is None:
                self._unknown.append(number)
            else:
                asked.append(Asked(number, row, target))
        answers = judge_lot(self._connection, rules, asked)
        yield from settled(self._connection, self._doubter, asked, answers)

    def _of_nobody(self, rows: Mapping[int, Parsed]) -> Iterator[Stored]:
        found = find_candidates(self._connection, rows)
        for number, row in rows.items():
            yield nobody(self._rules, number, row, found.get(number, ()), self._doubter)

    def _store(self, rows: Iterator[Stored]) -> None:
        ready = list(rows)
        for row in ready:
            self._counts[row.state.value] += 1
            self._pattern.see(row.row, row.state)
        copy_rows(self._connection, "import_row", _COLUMNS, (row.values(self._batch.id) for row in ready))
        self._done += len(ready)
        self._progress.tell(self._done)

    def _finish(self, lines: int) -> None:
        batch, now = self._batch, self._bureau.clock()
        for place, held, count in self._pattern.found():
            facts = {"held": held, "rows": count}
            suspect(self._connection, batch.id, place, facts)
        choose_by_layout(self._connection, batch.id, self._layout, batch.mapping, now)
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


def settled(
    connection: Connection, doubter: Doubter, asked: Sequence[Asked], answers: Mapping[int, Answer]
) -> Iterator[Stored]:
    """Give the rows of known people as they are stored: with the verdict, its doubt, and whom else it fits.

    Where the birth date is not the one of the number's owner, the number may be the slip: then others are
    looked for as for a number that is nobody's.
    """
    doubts = doubter.weigh([Judged(one.number, one.row, answers[one.number], one.target) for one in asked])
    differing = {
        one.number: one.row for one in asked if answers[one.number].verdict.state is State.BIRTH_DIFFERS
    }
    others = find_candidates(connection, differing) if differing else {}
    for one in asked:
        answer, owner = answers[one.number], one.target.resident_id
        yield Stored(
            one.number,
            one.row,
            answer.verdict.state,
            answer.verdict.reasons,
            owner,
            candidates=[other for other in others.get(one.number, ()) if other.resident_id != owner],
            other_dose_id=answer.verdict.other_dose_id,
            target=answer.target,
            doubt=doubts[one.number],
        )


def nobody(
    rules: Rules, number: int, row: Parsed, candidates: Sequence[Candidate], doubter: Doubter
) -> Stored:
    """Return the row whose number is nobody's, with whoever it may be about."""
    code = "other_municipality" if rules.of_another_municipality(row) else "number_unknown"
    state = State.SIMILAR_FOUND if candidates else State.NUMBER_UNKNOWN
    answer = Answer(Verdict(state, [[code, {}], *row.notes]), "")
    doubt = doubter.weigh([Judged(number, row, answer, None)])[number]
    return Stored(number, row, state, answer.verdict.reasons, candidates=candidates, doubt=doubt)


def suspect(connection: Connection, batch_id: int, place: str, facts: Mapping[str, int]) -> None:
    """Add to the rows of an institution that too many of its rows in this file are at fault."""
    points = WEIGHTS["institution_pattern"]
    connection.execute(
        _SUSPECT,
        {
            "batch": batch_id,
            "place": place,
            "points": points,
            "most": MOST,
            "reason": _to_json([["institution_pattern", dict(facts), points]]),
        },
    )
