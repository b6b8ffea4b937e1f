"""Applying: the rows that are ready, or that somebody decided, become doses; one transaction, or nothing.

People are locked lot by lot, and each row is judged again under the lock. What the row was judged against is
named by a fingerprint: where that changed since, the row goes back to the people who review.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ImportDecision, ImportOutcome, ImportState
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.models.dose import Dose
from yvaxportal.models.imports import ImportBatch, ImportRow
from yvaxportal.services.correct_dose import correct_dose
from yvaxportal.services.dose_desk import Acceptance, DoseDesk, Saved
from yvaxportal.services.dose_draft import DoseDraft
from yvaxportal.services.dose_findings import DoseAlert
from yvaxportal.services.dose_history import SeenDoses, dose_of
from yvaxportal.services.imports.bureau import LOT, Bureau, CancelledError, Progress, actor_of
from yvaxportal.services.imports.checking import back_to, rules_for
from yvaxportal.services.imports.doubt import MOST, WEIGHTS
from yvaxportal.services.imports.judging import Verdict
from yvaxportal.services.imports.lots import Answer, Asked, Trusted, judge_lot
from yvaxportal.services.imports.parsing import Parsed, Reason
from yvaxportal.services.imports.rows import NOTES
from yvaxportal.services.imports.store import wipe
from yvaxportal.services.imports.targets import Target, read_targets
from yvaxportal.services.imports.writing import NewDose, Settled, Writer

TO_APPLY = text(
    "outcome IS NULL AND (decision IN ('apply', 'replace', 'keep_both') "
    "OR (decision IS NULL AND state IN ('ready', 'already_there'))) "
    "AND (second_entry IS NULL OR second_entry IN ('agreed', 'settled'))"
)
_BACK = text(
    "UPDATE import_row r SET state = 'changed', reasons = w.reasons, target = w.target, decision = NULL, "
    "other_dose_id = w.other, revision = r.revision + 1, cleared_by = NULL, cleared_at = NULL, "
    "doubt = least(:most, r.doubt + :points), doubt_main = coalesce(r.doubt_main, 'state_changed'), "
    "doubt_reasons = r.doubt_reasons || CAST(:reason AS jsonb) "
    "FROM unnest(CAST(:numbers AS int[]), CAST(:reasons AS jsonb[]), CAST(:targets AS text[]), "
    "CAST(:others AS bigint[])) AS w(number, reasons, target, other) "
    "WHERE r.batch_id = :batch AND r.number = w.number"
)
_BACK_EVENTS = text(
    "INSERT INTO import_row_event (batch_id, number, happened_at, staff_id, deed, reason, state_before, "
    "state_after, detail) SELECT :batch, number, :now, :staff, 'changed', NULL, before, 'changed', '{}' "
    "FROM unnest(CAST(:numbers AS int[]), CAST(:befores AS text[])) AS w(number, before)"
)


_NEEDED = (
    ImportRow.number,
    ImportRow.line,
    ImportRow.part,
    ImportRow.parsed,
    ImportRow.state,
    ImportRow.resident_id,
    ImportRow.other_dose_id,
    ImportRow.target,
    ImportRow.decision,
    ImportRow.decision_reason,
    ImportRow.reasons,
)


@dataclass(frozen=True, slots=True)
class Ready:
    """What applying needs of a row."""

    number: int
    line: int
    part: int
    parsed: dict[str, Any]
    state: State
    resident_id: int
    other_dose_id: int | None
    target: str | None
    decision: ImportDecision | None
    decision_reason: str | None
    reasons: list[Reason]

    def trusted(self) -> Trusted | None:
        """Return how the row was found ready; None when it was not, or when somebody decided about it."""
        if self.state is not State.READY or self.decision is not None or self.target is None:
            return None
        return Trusted(self.target, self.reasons)

    def as_parsed(self) -> Parsed:
        """Return what was read of the row, to judge it again."""
        return Parsed(
            self.line, self.part, {}, self.parsed.get("person", {}), self.parsed.get("dose", {}), [], []
        )


@dataclass(frozen=True, slots=True)
class _Back:
    row: Ready
    verdict: Verdict
    target: str


def count_to_apply(source: Session | Connection, batch_id: int) -> int:
    """Return how many rows an apply would take up."""
    query = select(func.count()).select_from(ImportRow).where(ImportRow.batch_id == batch_id, TO_APPLY)
    return source.scalar(query) or 0


def apply(bureau: Bureau, batch_id: int) -> Counter[str] | None:
    """Apply a batch whose application was asked for; None when another run has it, or nobody asked.

    Killed anywhere, or told to stop, nothing of it is there; taken up again, every row is applied once.
    """
    progress = Progress(bureau, batch_id)
    try:
        with bureau.alone(batch_id) as connection:
            if connection is None:
                return None
            batch = connection.execute(
                select(ImportBatch).where(ImportBatch.id == batch_id).with_for_update()
            ).one_or_none()
            if batch is None or batch.state is not ImportState.APPLYING:
                return None
            return _Apply(bureau, connection, batch, progress).run()
    except CancelledError:
        back_to(bureau, batch_id, ImportState.APPLYING, ImportState.CHECKED)
        return Counter()


class _Apply:
    """One run."""

    def __init__(self, bureau: Bureau, connection: Connection, batch: Any, progress: Progress) -> None:
        self._bureau, self._connection, self._batch, self._progress = bureau, connection, batch, progress
        self._session = Session(connection)
        self._layout = bureau.layouts[batch.layout]
        self._rules = rules_for(bureau, connection, self._layout)
        self._now = bureau.clock()
        self._audit = AuditTrail(self._session, bureau.engine, actor_of(connection, batch.applied_by))
        self._writer = Writer(
            connection, self._audit, batch.id, self._layout.source, batch.applied_by, self._now
        )
        self._counts: Counter[str] = Counter()

    def run(self) -> Counter[str]:
        """Apply lot after lot, then say how it ended."""
        batch, connection = self._batch, self._connection
        self._progress.begin("applying", count_to_apply(connection, batch.id))
        done = 0
        for lot in self._lots():
            self._apply(lot)
            done += len(lot)
            self._progress.tell(done)
        connection.execute(
            update(ImportBatch)
            .where(ImportBatch.id == batch.id)
            .values(
                state=ImportState.APPLIED,
                applied_at=self._now,
                problem=None,
                revision=ImportBatch.revision + 1,
            )
        )
        wipe(connection, batch.id, self._now)
        self._audit.record(Action.IMPORT_APPLIED, subject=f"import:{batch.id}", detail=dict(self._counts))
        self._session.close()
        return self._counts

    def _lots(self) -> Iterator[list[Ready]]:
        """Give the rows person by person; the rows of one person are never in two lots."""
        last = 0
        while True:
            rows = self._rows_after(last, LOT)
            if not rows:
                return
            newest = rows[-1].resident_id
            if len(rows) == LOT:
                whole = [row for row in rows if row.resident_id != newest]
                rows = whole or self._rows_after(last, None, only=newest)
            yield rows
            last = rows[-1].resident_id

    def _rows_after(self, last: int, limit: int | None, only: int | None = None) -> list[Ready]:
        query = (
            select(*_NEEDED)
            .where(ImportRow.batch_id == self._batch.id, TO_APPLY, ImportRow.resident_id > last)
            .order_by(ImportRow.resident_id, ImportRow.number)
            .limit(limit)
        )
        if only is not None:
            query = query.where(ImportRow.resident_id == only)
        # All at once: of thousands of rows, fetching one by one is a tenth of the time.
        return [Ready(*row) for row in self._connection.execute(query).all()]

    def _apply(self, lot: Sequence[Ready]) -> None:
        connection = self._connection
        people = read_targets(connection, {row.resident_id for row in lot}, self._bureau.today, lock=True)
        asked = [
            Asked(
                row.number, row.as_parsed(), people[row.resident_id], row.decision is not None, row.trusted()
            )
            for row in lot
        ]
        answers = judge_lot(connection, self._rules, asked)
        new: list[NewDose] = []
        links: list[Ready] = []
        back: list[_Back] = []
        settled: list[Settled] = []
        for row in lot:
            answer = answers[row.number]
            deed = _deed(row, answer)
            if deed == "record":
                new.append(self._new(row, answer.verdict, people))
            elif deed == "link":
                links.append(row)
            elif deed == "replace" and (replaced := self._replace(row, answer.verdict)):
                settled.append(replaced)
            else:
                back.append(_Back(row, answer.verdict, answer.target))
        recorded = self._writer.record(new)
        settled += recorded
        settled += self._writer.link(self._linked(links, answers, recorded))
        self._writer.settle(settled)
        self._send_back(back)
        for one in settled:
            self._counts[one.outcome.value] += 1
        self._counts["back_to_review"] += len(back)

    def _new(self, row: Ready, verdict: Verdict, people: dict[int, Target]) -> NewDose:
        resident_id = row.resident_id
        both = row.decision is ImportDecision.KEEP_BOTH
        return NewDose(
            row.number,
            resident_id,
            people[resident_id].person,
            verdict,
            row.decision_reason or f"import:{self._batch.id}",
            (DoseAlert.UNRESOLVED_DOUBLE.value,) if both else (),
        )

    def _linked(
        self, rows: Sequence[Ready], answers: dict[int, Answer], recorded: Sequence[Settled]
    ) -> list[tuple[int, int, int, int]]:
        """Return which dose each row is a report of: one that was there, or that this file brought."""
        by_number = {one.number: (one.dose_id, one.dose_revision) for one in recorded}
        others = {row.number: answers[row.number].verdict.other_dose_id or 0 for row in rows}
        there = [key for key in others.values() if key > 0]
        revisions: dict[int, int] = {}
        if there:
            found = self._connection.execute(select(Dose.id, Dose.revision).where(Dose.id.in_(there)))
            revisions = {row[0]: row[1] for row in found}
        linked = []
        for row in rows:
            other = others[row.number]
            dose_id, revision = (other, revisions[other]) if other > 0 else by_number[-other]
            linked.append((row.number, row.resident_id, dose_id, revision))
        return linked

    def _replace(self, row: Ready, verdict: Verdict) -> Settled | None:
        """Correct the dose that is there by what the file states, as staff would on its page."""
        resident_id, dose_id = row.resident_id, verdict.other_dose_id
        if dose_id is None or dose_id <= 0 or verdict.draft is None:
            return None
        session = self._session
        stored = dose_of(session, resident_id, dose_id)
        if stored is None:
            return None
        desk = DoseDesk(
            session,
            self._bureau.schedule,
            self._audit,
            self._batch.applied_by,
            self._now,
            self._bureau.today,
        )
        draft = merged(stored.draft, verdict.draft, row.parsed.get("dose", {}))
        reason = row.decision_reason or f"import:{self._batch.id}"
        alerts = desk.judge(resident_id, draft, without=dose_id).findings.alerts
        outcome = correct_dose(
            desk,
            resident_id,
            dose_id,
            draft,
            revision=stored.revision,
            seen=SeenDoses(2**62, 0),
            reason=reason,
            acceptance=Acceptance(frozenset(one.key for one in alerts), reason),
        )
        if not isinstance(outcome, Saved):
            return None
        return Settled(row.number, ImportOutcome.REPLACED, outcome.dose_id, outcome.revision)

    def _send_back(self, back: Sequence[_Back]) -> None:
        if not back:
            return
        numbers = [one.row.number for one in back]
        others = [one.verdict.other_dose_id for one in back]
        self._connection.execute(
            _BACK,
            {
                "batch": self._batch.id,
                "numbers": numbers,
                "reasons": [
                    json.dumps(
                        [["target_changed", {"now": one.verdict.state.value}], *one.verdict.reasons],
                        ensure_ascii=False,
                    )
                    for one in back
                ],
                "targets": [one.target for one in back],
                "others": [other if other and other > 0 else None for other in others],
                "most": MOST,
                "points": WEIGHTS["state_changed"],
                "reason": json.dumps([["state_changed", {}, WEIGHTS["state_changed"]]]),
            },
        )
        self._connection.execute(
            _BACK_EVENTS,
            {
                "batch": self._batch.id,
                "now": self._now,
                "staff": self._batch.applied_by,
                "numbers": numbers,
                "befores": [one.row.state.value for one in back],
            },
        )


def _deed(row: Ready, answer: Answer) -> str:
    """Return what is to be done with a row: record, link, replace, or back."""
    verdict, same = answer.verdict, answer.target == row.target
    if verdict.state is State.ALREADY_THERE:
        # Somebody brought the same dose meanwhile: there is nothing left to decide.
        return "link"
    if row.decision is None:
        # Nobody looked at it: what came meanwhile matters only where it changes what is to be said.
        possible = verdict.state is State.READY
        same = same or _codes(verdict.reasons) == _codes(row.reasons)
    elif row.decision is ImportDecision.APPLY:
        possible = verdict.draft is not None and not verdict.findings.errors
    else:
        possible = verdict.state is State.CONFLICT and verdict.other_dose_id == row.other_dose_id
        if row.decision is ImportDecision.KEEP_BOTH:
            possible = possible and can_keep_both(verdict.reasons)
    if not (same and possible):
        return "back"
    return "replace" if row.decision is ImportDecision.REPLACE else "record"


def _codes(reasons: Sequence[Reason]) -> list[str]:
    return [reason[0] for reason in reasons if reason[0] not in NOTES]


def can_keep_both(reasons: Sequence[Reason]) -> bool:
    """Tell whether two doses that contradict each other can both stand: their keys have to differ."""
    named = {name for code, facts in reasons if code == "details_differ" for name in facts["fields"]}
    return not named.isdisjoint({"vaccine", "dose_number", "given_on"})


def merged(theirs: DoseDraft, ours: DoseDraft, stated: dict[str, Any]) -> DoseDraft:
    """Return the dose that is there with what the file states in place of its own."""
    values = {item.name: getattr(theirs, item.name) for item in fields_of(DoseDraft)}
    for name in stated:
        if name in values:
            values[name] = getattr(ours, name)
    if "institution_code" in stated or "institution_name" in stated:
        values["institution_code"] = ours.institution_code
        values["institution_name"] = ours.institution_name
    return DoseDraft(**values)
