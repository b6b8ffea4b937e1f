"""Taxation and welfare states from their registers: for one person when a page needs them, for all at night.

What a register said is kept with the moment it said so and the name of the system; what staff entered
themselves stays and is told apart. An answer older than what is known, or that cannot be used, changes
nothing and is listed for staff (``services.sync.refusals``).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, cast

from sqlalchemy import Engine, Table, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from yvaxportal.adapters.errors import AdapterError, BadAnswer, BadAnswerReason, NotFound
from yvaxportal.adapters.interfaces import ITaxRegister, IWelfareRegister
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.tax import Taxation
from yvaxportal.adapters.messages.welfare import WelfareHistory
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import SYSTEM as SYSTEM_ACTOR
from yvaxportal.audit.trail import AuditTrail, Facts, clean
from yvaxportal.models.codes import EligibilityKind, EligibilityState, ResidentCategory
from yvaxportal.models.resident import Eligibility, EligibilityAnswer, Resident
from yvaxportal.services.sync.judging import Reason
from yvaxportal.services.sync.refusals import keep, keep_bad_answer
from yvaxportal.services.sync.state import began, change_state, state_of
from yvaxportal.values.clock import jst_date
from yvaxportal.values.fiscal import fiscal_year, fiscal_year_range

TAX, WELFARE = "tax", "welfare"
PIECE = 1_000
#: Whoever waits for a list sees how far it is.
SMALL_PIECE = 200

_TABLE = cast("Table", Eligibility.__table__)
_CONFIRM = update(_TABLE).where(_TABLE.c.id == bindparam("row_id")).values(as_of=bindparam("said_at"))
_ITEMS = ("kind", "state", "detail", "valid_from", "valid_to")
Period = tuple[EligibilityKind, EligibilityState, str | None, date, date | None]


@dataclass(frozen=True, slots=True)
class Statement:
    """What one register says of one person: these periods, and no others of these kinds and days.

    :param within: only periods that begin within these days are replaced; None replaces all.
    """

    atena_number: str
    periods: tuple[Period, ...]
    as_of: datetime
    within: tuple[date, date] | None = None


def of_taxation(answer: Taxation) -> Statement:
    """Return a year's taxation as a statement (record item 40)."""
    first, last = fiscal_year_range(answer.fiscal_year)
    state = EligibilityState(answer.state.value)
    period = (EligibilityKind.TAX_EXEMPT, state, None, first, last)
    return Statement(answer.atena_number, (period,), answer.as_of, (first, last))


def of_history(answer: WelfareHistory) -> Statement:
    """Return a welfare history as a statement (record items 37 to 39 and 41)."""
    periods = tuple(
        (
            EligibilityKind(one.kind.value),
            EligibilityState(one.state.value),
            one.detail,
            one.valid_from,
            one.valid_to,
        )
        for one in answer.periods
    )
    return Statement(answer.atena_number, periods, answer.as_of)


def take_over(
    session: Session, audit: AuditTrail, system: str, statements: Sequence[Statement], now: datetime
) -> Counter[str]:
    """Keep what a register says of up to a thousand people, in the caller's transaction.

    :return: how many were ``changed``, only ``confirmed``, ``outdated`` or about somebody ``unknown``.
    """
    counts: Counter[str] = Counter()
    ids = {
        row.atena_number: row.id
        for row in session.execute(
            select(Resident.atena_number, Resident.id)
            .where(Resident.atena_number.in_([one.atena_number for one in statements]))
            .order_by(Resident.id)
            .with_for_update(key_share=True)
        )
    }
    stored = _stored(session, system, list(ids.values()))
    gone: list[int] = []
    confirmed: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    events: list[tuple[Action, Facts]] = []
    heard: dict[int, datetime] = {}
    for said in statements:
        resident_id = ids.get(said.atena_number)
        if resident_id is None:
            counts["unknown"] += 1
            continue
        rows = [row for row in stored.get(resident_id, ()) if _covers(said, row)]
        if any(row.as_of > said.as_of for row in rows):
            counts["outdated"] += 1
            _keep_outdated(session, system, said, now)
            continue
        heard[resident_id] = max(said.as_of, heard.get(resident_id, said.as_of))
        if rows and sorted(map(_period, rows)) == sorted(map(_comparable, said.periods)):
            counts["confirmed"] += 1
            confirmed += [{"row_id": row.id, "said_at": said.as_of} for row in rows]
            continue
        gone += [row.id for row in rows]
        new += [
            dict(zip(_ITEMS, period, strict=True))
            | {"resident_id": resident_id, "as_of": said.as_of, "source": system}
            for period in said.periods
        ]
        if not rows and not said.periods:
            counts["confirmed"] += 1
            continue
        counts["changed"] += 1
        events.append(_event(system, resident_id, rows, said))
    if confirmed:
        session.connection().execute(_CONFIRM, confirmed)
    session.execute(delete(Eligibility).where(Eligibility.id.in_(gone)))
    if new:
        session.execute(insert(Eligibility), new)
    audit.record_many(events)
    _note_answers(session, system, heard)
    return counts


@dataclass(frozen=True)
class EligibilitySync:
    """Brings states from one register; an error of the other side ends a run and is noted."""

    engine: Engine
    clock: Callable[[], datetime]
    tax: ITaxRegister | None = None
    welfare: IWelfareRegister | None = None

    def for_person(self, atena_number: str, system: str, context: CallContext) -> Counter[str]:
        """Ask about one person, within the caller's time limit.

        :raises AdapterError: the other side's failure; what is known stays as it is.
        """
        try:
            statement = self._one(atena_number, system, context)
        except NotFound:
            return Counter({"unknown": 1})
        except BadAnswer as error:
            self._keep(system, error, f"person/{atena_number}", atena_number)
            raise
        with Session(self.engine) as session, session.begin():
            return take_over(session, self._audit(session), system, [statement], self.clock())

    def for_page(
        self, atena_number: str, systems: Sequence[str], context: CallContext
    ) -> dict[str, AdapterError]:
        """Ask several registers about one person at once; return who failed and how.

        What is known already stays as it is. All together take as long as the slowest, which is the context's
        time limit at most.
        """
        failed: dict[str, AdapterError] = {}
        with ThreadPoolExecutor(max(1, len(systems))) as threads:
            asked = {
                system: threads.submit(self.for_person, atena_number, system, context) for system in systems
            }
            for system, answer in asked.items():
                try:
                    answer.result()
                except AdapterError as error:
                    failed[system] = error
        return failed

    def for_all(self, system: str) -> Counter[str]:
        """Ask about every present resident; return what became of the answers."""
        counts: Counter[str] = Counter()
        with Session(self.engine) as session, session.begin():
            began(session, system, self.clock())
        try:
            for piece in _cut(self._answers(system, self._everybody())):
                counts += self._take_over(system, piece)
        except AdapterError as error:
            self._note_failure(system, error, "everybody")
            counts["failed"] += 1
            return counts
        now = self.clock()
        self._note(system, succeeded_at=now, as_of=now, failure="")
        return counts

    def for_some(
        self, system: str, atena_numbers: Sequence[str], tell: Callable[[int], object]
    ) -> tuple[Counter[str], AdapterError | None]:
        """Ask about some people; what came is taken over, however it ends.

        :param tell: is told how many answers were taken over so far; what it raises ends the run between two
            pieces.
        :return: what became of the answers, and how the other side failed, None if it did not; it is noted.
        """
        counts: Counter[str] = Counter()
        failure: AdapterError | None = None
        answers = self._answers(system, atena_numbers)
        while failure is None:
            piece: list[Statement] = []
            try:
                for said in islice(answers, SMALL_PIECE):
                    piece.append(said)  # noqa: PERF402 - what came before an error is kept
            except AdapterError as error:
                failure = error
                self._note_failure(system, error, "some")
            if not piece:
                break
            counts += self._take_over(system, piece)
            tell(counts.total())
        return counts, failure

    def _take_over(self, system: str, piece: Sequence[Statement]) -> Counter[str]:
        with Session(self.engine) as session, session.begin():
            return take_over(session, self._audit(session), system, piece, self.clock())

    def _note_failure(self, system: str, error: AdapterError, about: str) -> None:
        self._note(system, failed_at=self.clock(), failure=f"{type(error).__name__}: {error.problem}")
        if isinstance(error, BadAnswer):
            self._keep(system, error, about, None)

    def _one(self, atena_number: str, system: str, context: CallContext) -> Statement:
        if system == TAX and self.tax is not None:
            said = of_taxation(self.tax.taxation(atena_number, self._year(), context))
        elif system == WELFARE and self.welfare is not None:
            said = of_history(self.welfare.history(atena_number, context))
        else:
            raise KeyError(system)
        if said.atena_number != atena_number:
            raise BadAnswer(system, BadAnswerReason.WRONG_PERSON)
        return said

    def _everybody(self) -> Sequence[str]:
        with Session(self.engine) as session:
            return session.scalars(
                select(Resident.atena_number)
                .where(Resident.resident_category == ResidentCategory.RESIDENT)
                .order_by(Resident.id)
            ).all()

    def _answers(self, system: str, numbers: Sequence[str]) -> Iterator[Statement]:
        context = CallContext.batch()
        if system == TAX and self.tax is not None:
            return map(of_taxation, self.tax.taxations(numbers, self._year(), context))
        if system == WELFARE and self.welfare is not None:
            return map(of_history, self.welfare.histories(numbers, context))
        raise KeyError(system)

    def _year(self) -> int:
        return fiscal_year(jst_date(self.clock()))

    def _audit(self, session: Session) -> AuditTrail:
        return AuditTrail(session, self.engine, SYSTEM_ACTOR)

    def _keep(self, system: str, error: BadAnswer, about: str, atena_number: str | None) -> None:
        now = self.clock()
        with Session(self.engine) as session, session.begin():
            keep_bad_answer(session, system, error, about=about, atena_number=atena_number, now=now)

    def _note(self, system: str, **values: object) -> None:
        with Session(self.engine) as session, session.begin():
            state_of(session, system)
            change_state(session, system, **values)


def last_said(session: Session, resident_id: int, systems: Iterable[str]) -> dict[str, datetime]:
    """Return when each system last said anything about a person, also that it knows of nothing.

    Those that never did are left out.
    """
    wanted = list(systems)
    rows = session.execute(
        select(Eligibility.source, func.max(Eligibility.as_of))
        .where(Eligibility.resident_id == resident_id, Eligibility.source.in_(wanted))
        .group_by(Eligibility.source)
        .union_all(
            select(EligibilityAnswer.system, EligibilityAnswer.as_of).where(
                EligibilityAnswer.resident_id == resident_id, EligibilityAnswer.system.in_(wanted)
            )
        )
    )
    said: dict[str, datetime] = {}
    for system, as_of in rows:
        said[system] = max(as_of, said.get(system, as_of))
    return said


def _note_answers(session: Session, system: str, heard: Mapping[int, datetime]) -> None:
    """Note when the register spoke of whom: that it knows of nothing leaves no other trace."""
    if not heard:
        return
    said = upsert(EligibilityAnswer)
    latest = func.greatest(EligibilityAnswer.as_of, said.excluded.as_of)
    session.execute(
        said.on_conflict_do_update(index_elements=["resident_id", "system"], set_={"as_of": latest}),
        [
            {"resident_id": resident_id, "system": system, "as_of": as_of}
            for resident_id, as_of in sorted(heard.items())
        ],
    )


def _stored(session: Session, system: str, ids: Sequence[int]) -> dict[int, list[Eligibility]]:
    rows = session.scalars(
        select(Eligibility).where(Eligibility.resident_id.in_(ids), Eligibility.source == system)
    )
    found: dict[int, list[Eligibility]] = {}
    for row in rows:
        found.setdefault(row.resident_id, []).append(row)
    return found


def _keep_outdated(session: Session, system: str, said: Statement, now: datetime) -> None:
    keep(
        session,
        system,
        reference=f"person/{said.atena_number}",
        kind="answer",
        atena_number=said.atena_number,
        reason=Reason.OUTDATED.value,
        payload=clean({"as_of": said.as_of, "periods": said.periods}),
        now=now,
    )


def _covers(said: Statement, row: Eligibility) -> bool:
    return said.within is None or said.within[0] <= row.valid_from <= said.within[1]


def _comparable(period: Period) -> tuple[str, ...]:
    kind, state, detail, first, last = period
    return (kind, first.isoformat(), state, detail or "", last.isoformat() if last else "")


def _period(row: Eligibility) -> tuple[str, ...]:
    return _comparable((row.kind, row.state, row.detail, row.valid_from, row.valid_to))


def _event(
    system: str, resident_id: int, rows: Iterable[Eligibility], said: Statement
) -> tuple[Action, Facts]:
    before = {f"{row.kind.value} {row.valid_from.isoformat()}": row.state for row in rows}
    after = {f"{kind.value} {first.isoformat()}": state for kind, state, _, first, _last in said.periods}
    facts: Facts = {
        "resident_id": resident_id,
        "detail": {"source": system},
        "before": before,
        "after": after,
    }
    return Action.ELIGIBILITY_CHANGED, facts


def _cut(statements: Iterable[Statement]) -> Iterator[list[Statement]]:
    stream = iter(statements)
    while piece := list(islice(stream, PIECE)):
        yield piece
