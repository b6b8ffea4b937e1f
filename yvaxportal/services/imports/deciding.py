"""Rows that wait for a person: claimed so that two do not collide, decided, corrected, all on record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ImportDecision, ImportState
from yvaxportal.models.codes import ImportRowState as State
from yvaxportal.models.imports import ImportBatch, ImportRow, ImportRowEvent
from yvaxportal.services.imports.applying import can_keep_both
from yvaxportal.services.imports.bureau import Bureau
from yvaxportal.services.imports.checking import Stored, nobody, rules_for, settled
from yvaxportal.services.imports.doubt import Doubt, Evidence, plus, weigh
from yvaxportal.services.imports.doubting import Doubter
from yvaxportal.services.imports.judging import Verdict
from yvaxportal.services.imports.lots import Asked, judge_lot
from yvaxportal.services.imports.matching import find_candidates
from yvaxportal.services.imports.parsing import Parsed, Parser, Reason
from yvaxportal.services.imports.targets import kept_numbers, read_targets
from yvaxportal.values.clock import jst_date

#: How long a row is kept for whoever opened it.
CLAIMED_FOR = timedelta(minutes=5)
#: States whose rows may be decided together; the others need a look at each (M08: at the paper).
TOGETHER: Mapping[ImportDecision, frozenset[State]] = {
    ImportDecision.APPLY: frozenset({State.NOT_ELIGIBLE, State.NOT_RESIDENT}),
    ImportDecision.REPLACE: frozenset({State.CONFLICT}),
    ImportDecision.REFUSE: frozenset(State) - {State.READY, State.ALREADY_THERE},
    ImportDecision.RETURN: frozenset(State) - {State.READY, State.ALREADY_THERE},
}
_OPEN_BATCHES = frozenset({ImportState.CHECKED, ImportState.APPLIED})

_CLAIM = text(
    "UPDATE import_row SET claimed_by = :staff, claimed_until = :until WHERE batch_id = :batch "
    "AND number = :number AND (claimed_by IS NULL OR claimed_by = :staff OR claimed_until < :now) "
    "RETURNING number"
)
_TOGETHER = text(
    "WITH changed AS (UPDATE import_row SET decision = :decision, decided_by = :staff, decided_at = :now, "
    "decision_reason = :reason, claimed_by = NULL, claimed_until = NULL, revision = revision + 1 "
    "WHERE batch_id = :batch AND state = :state AND decision IS NULL AND outcome IS NULL "
    "AND reasons -> 0 ->> 0 = :code AND (claimed_by IS NULL OR claimed_by = :staff OR claimed_until < :now) "
    "AND (NOT :needs_person OR resident_id IS NOT NULL) RETURNING number, state) "
    "INSERT INTO import_row_event (batch_id, number, happened_at, staff_id, deed, reason, state_before, "
    "state_after, detail) SELECT :batch, number, :now, :staff, :decision, :reason, state, state, "
    """'{"together": true}' FROM changed"""
)


@dataclass(frozen=True, slots=True)
class Done:
    """It was done; ``state`` is how the row stands now."""

    state: State


@dataclass(frozen=True, slots=True)
class Stale:
    """Somebody else changed or holds the row: nothing was done."""


@dataclass(frozen=True, slots=True)
class Impossible:
    """It cannot be done, for these reasons."""

    reasons: list[Reason] = field(default_factory=list)


Result: TypeAlias = Done | Stale | Impossible


@dataclass(frozen=True)
class Reviewer:
    """Where one member of staff decides, within one transaction."""

    session: Session
    audit: AuditTrail
    bureau: Bureau
    staff_id: int
    now: datetime

    def claim(self, batch_id: int, number: int) -> bool:
        """Keep a row for five minutes; False while somebody else has it."""
        values = {
            "staff": self.staff_id,
            "until": self.now + CLAIMED_FOR,
            "now": self.now,
            "batch": batch_id,
            "number": number,
        }
        return self.session.execute(_CLAIM, values).first() is not None

    def decide(
        self,
        batch_id: int,
        number: int,
        decision: ImportDecision,
        *,
        revision: int,
        reason: str,
        resident_id: int | None = None,
    ) -> Result:
        """Decide about one row.

        :param revision: of the row that was looked at; any other is stale.
        :param resident_id: whom a row is about whose number does not say so.
        """
        row = self.locked_row(batch_id, number, revision)
        if row is None or not self._is_open(row):
            return Stale()
        before = row.state
        if decision in {ImportDecision.APPLY, ImportDecision.REPLACE, ImportDecision.KEEP_BOTH}:
            chosen = resident_id if resident_id is not None else row.resident_id
            if chosen is None:
                return Impossible([["nobody_chosen", {}]])
            chosen = kept_numbers(self.session.connection(), [chosen]).get(chosen, chosen)
            verdict, target = self._verdict(row, chosen)
            if obstacle := _obstacle(decision, verdict):
                return Impossible(obstacle)
            row.resident_id, row.target = chosen, target
            other = verdict.other_dose_id
            row.other_dose_id = other if other is not None and other > 0 else None
        row.decision, row.decided_by, row.decided_at = decision, self.staff_id, self.now
        row.decision_reason = reason
        row.claimed_by = row.claimed_until = None
        row.revision += 1
        self._event(row, decision.value, reason, before, {"resident": resident_id} if resident_id else {})
        self.audit.record(
            Action.IMPORT_DECIDED,
            resident_id=row.resident_id,
            subject=f"import:{batch_id}",
            detail={"row": number, "decision": decision.value, "reason": reason, "state": before.value},
        )
        self.session.flush()
        return Done(row.state)

    def take_back(self, batch_id: int, number: int, *, revision: int) -> Result:
        """Take a decision back while nothing came of it: the row waits again."""
        row = self.locked_row(batch_id, number, revision)
        if row is None or row.outcome is not None or row.decision is None:
            return Stale()
        self._event(row, "reopened", None, row.state, {"decision": row.decision.value})
        row.decision = row.decided_by = row.decided_at = row.decision_reason = None
        row.revision += 1
        self.session.flush()
        return Done(row.state)

    def clear(self, batch_id: int, number: int, *, revision: int, reason: str) -> Result:
        """Say that somebody looked at the paper and that the doubts about a row are none.

        It says nothing about a row that waits: that is still to be decided.
        """
        row = self.locked_row(batch_id, number, revision)
        if row is None or row.cleared_by is not None or not row.doubt:
            return Stale()
        row.cleared_by, row.cleared_at = self.staff_id, self.now
        row.revision += 1
        self._event(row, "cleared", reason, row.state, {"doubt": row.doubt})
        self.audit.record(
            Action.IMPORT_CLEARED,
            resident_id=row.resident_id,
            subject=f"import:{batch_id}",
            detail={"row": number, "doubt": row.doubt, "reason": reason},
        )
        self.session.flush()
        return Done(row.state)

    def keep_apart(self, batch_id: int, number: int, *, revision: int, reason: str) -> Result:
        """Say that none of the people found is meant: they are kept apart, and the number stays unknown."""
        row = self.locked_row(batch_id, number, revision)
        if row is None or not self._is_open(row) or row.state is not State.SIMILAR_FOUND:
            return Stale()
        before, row.state = row.state, State.NUMBER_UNKNOWN
        self._event(row, "kept_apart", reason, before, {"candidates": row.candidates or []})
        row.candidates = None
        row.revision += 1
        self.session.flush()
        return Done(row.state)

    def together(
        self, batch_id: int, state: State, code: str, decision: ImportDecision, *, reason: str
    ) -> int:
        """Decide about all open rows of a state with the same first reason; return how many.

        :raises ValueError: rows of this state are looked at one by one.
        """
        if state not in TOGETHER.get(decision, frozenset()):
            raise ValueError("not together")
        values = {
            "batch": batch_id,
            "state": state.value,
            "code": code,
            "decision": decision.value,
            "reason": reason,
            "staff": self.staff_id,
            "now": self.now,
            "needs_person": decision in {ImportDecision.APPLY, ImportDecision.REPLACE},
        }
        count = self.session.connection().execute(_TOGETHER, values).rowcount
        self.audit.record(
            Action.IMPORT_DECIDED,
            subject=f"import:{batch_id}",
            detail={
                "state": state.value,
                "code": code,
                "decision": decision.value,
                "reason": reason,
                "rows": count,
            },
        )
        return count

    def correct(
        self, batch_id: int, number: int, raw: Mapping[str, str], *, revision: int, answer: bool = False
    ) -> Result:
        """Change the texts of a row and judge it anew; fields that are not in ``raw`` stay.

        :param answer: the sender answers a row that was returned.
        :raises PersonalNumberFoundError: somebody typed one.
        """
        row = self.locked_row(batch_id, number, revision)
        if row is None or row.outcome is not None:
            return Stale()
        if answer != (row.decision is ImportDecision.RETURN):
            return Stale()
        batch = self.session.get_one(ImportBatch, batch_id)
        layout = self.bureau.layouts[batch.layout]
        parser = Parser(layout, batch.mapping, self.bureau.catalogue, None)
        known = set(parser.fields())
        changed = {name: value for name, value in raw.items() if name in known}
        texts = {**row.raw, **changed}
        parsed = parser.again(row.line, row.part, texts)
        stored = self._judged(batch, number, parsed)
        before = row.state
        row.raw, row.parsed = parsed.raw, parsed.stored()
        row.state, row.reasons = stored.state, [list(one) for one in stored.reasons]
        row.resident_id, row.target = stored.resident_id, stored.target
        row.candidates = [one.stored() for one in stored.candidates] or None
        doubt = _with_pattern(stored.doubt, row.doubt_reasons)
        row.doubt, row.doubt_main = doubt.points, doubt.main
        row.doubt_reasons = [list(one) for one in doubt.reasons]
        row.cleared_by = row.cleared_at = None
        other = stored.other_dose_id
        row.other_dose_id = other if other is not None and other > 0 else None
        row.decision = row.decided_by = row.decided_at = row.decision_reason = None
        row.revision += 1
        deed = "answered" if answer else "corrected"
        self._event(row, deed, None, before, {"fields": sorted(changed)})
        self.audit.record(
            Action.IMPORT_CORRECTED,
            resident_id=row.resident_id,
            subject=f"import:{batch_id}",
            detail={"row": number, "fields": sorted(changed), "answer": answer},
        )
        self.session.flush()
        return Done(row.state)

    def locked_row(self, batch_id: int, number: int, revision: int) -> ImportRow | None:
        """Return a row and hold it; None when it changed since, somebody has it, or its file is closed."""
        row = self.session.get(ImportRow, (batch_id, number), with_for_update=True, populate_existing=True)
        if row is None or row.revision != revision:
            return None
        taken = row.claimed_by not in {None, self.staff_id} and row.claimed_until is not None
        if taken and row.claimed_until is not None and row.claimed_until >= self.now:
            return None
        batch = self.session.get_one(ImportBatch, batch_id)
        return row if batch.state in _OPEN_BATCHES else None

    def _is_open(self, row: ImportRow) -> bool:
        by_itself = row.state in {State.READY, State.ALREADY_THERE}
        return row.decision is None and row.outcome is None and not by_itself

    def _verdict(self, row: ImportRow, resident_id: int) -> tuple[Verdict, str]:
        connection = self.session.connection()
        batch = self.session.get_one(ImportBatch, row.batch_id)
        rules = rules_for(self.bureau, connection, self.bureau.layouts[batch.layout])
        people = read_targets(connection, [resident_id], self.bureau.today, lock=False)
        if resident_id not in people:
            return Verdict(State.NUMBER_UNKNOWN, [["number_unknown", {}]]), ""
        if row.state is State.UNREADABLE:
            return Verdict(State.UNREADABLE, [list(one) for one in row.reasons]), ""
        parsed = Parsed(row.line, row.part, row.raw, row.parsed.get("person", {}), row.parsed.get("dose", {}))
        asked = Asked(row.number, parsed, people[resident_id], confirmed=True)
        answer = judge_lot(connection, rules, [asked])[row.number]
        return answer.verdict, answer.target

    def _judged(self, batch: ImportBatch, number: int, parsed: Parsed) -> Stored:
        connection: Connection = self.session.connection()
        rules = rules_for(self.bureau, connection, self.bureau.layouts[batch.layout])
        handed_in = jst_date(batch.uploaded_at)
        if parsed.problems:
            reasons = [*parsed.problems, *parsed.notes]
            doubt = weigh(Evidence(parsed, State.UNREADABLE, reasons, handed_in))
            return Stored(number, parsed, State.UNREADABLE, reasons, doubt=doubt)
        doubter = Doubter(connection, rules, handed_in)
        key = rules.key_of(parsed)
        target = rules.people(connection, [key] if key else []).get(key or "")
        if target is None:
            found = find_candidates(connection, {number: parsed})
            return nobody(rules, number, parsed, found.get(number, ()), doubter)
        asked = [Asked(number, parsed, target)]
        answers = judge_lot(connection, rules, asked)
        return next(settled(connection, doubter, asked, answers))

    def _event(
        self, row: ImportRow, deed: str, reason: str | None, before: State, detail: dict[str, Any]
    ) -> None:
        self.session.add(
            ImportRowEvent(
                batch_id=row.batch_id,
                number=row.number,
                happened_at=self.now,
                staff_id=self.staff_id,
                deed=deed,
                reason=reason,
                state_before=before.value,
                state_after=row.state.value,
                detail=detail,
            )
        )


def _with_pattern(doubt: Doubt, before: Sequence[Sequence[Any]]) -> Doubt:
    """Return the doubt with what the whole file said of the row's institution, which one row cannot say."""
    for code, facts, _points in before:
        if code == "institution_pattern" and doubt.main != "state_unreadable":
            return plus(doubt, code, facts)
    return doubt


def _obstacle(decision: ImportDecision, verdict: Verdict) -> list[Reason] | None:
    """Return why a decision cannot be carried out, None when it can."""
    if decision is ImportDecision.APPLY:
        if verdict.state in {State.UNREADABLE, State.NUMBER_UNKNOWN, State.CONFLICT}:
            return verdict.reasons
        return verdict.reasons if verdict.state is State.DECEASED and verdict.findings.errors else None
    if verdict.state is not State.CONFLICT:
        return [["no_conflict", {}], *verdict.reasons]
    if decision is ImportDecision.KEEP_BOTH and not can_keep_both(verdict.reasons):
        return [["same_key", {}], *verdict.reasons]
    return None
