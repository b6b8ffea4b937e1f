"""What a worker does about lists of targets: asking registers, trying out, saving; whole or not at all.

A job is marked ``running`` and committed; what it writes is one transaction with its own end. A worker that
is killed leaves a row in ``running`` and a lock that went with it: the next run begins it again, and gives it
up when it took three workers.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ExtractionJobKind as Kind
from yvaxportal.models.codes import ExtractionJobState as State
from yvaxportal.models.codes import Outcome
from yvaxportal.models.extraction import ExtractionJob
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.connections import Connections
from yvaxportal.services.extraction.answers import Answers
from yvaxportal.services.extraction.criteria import Criteria, Wanted
from yvaxportal.services.extraction.deciding import NoSuchProgrammeError
from yvaxportal.services.extraction.funnel import run_funnel
from yvaxportal.services.extraction.jobs import TABLE, UNDER_WAY, Figures, mark
from yvaxportal.services.extraction.saving import FiguresDifferError, StatesWantingError, save_list
from yvaxportal.services.extraction.states import Freshness, silent_about, systems_of
from yvaxportal.services.imports.bureau import actor_of
from yvaxportal.services.job_report import Cancelled, JobReport
from yvaxportal.services.sync.alone import alone
from yvaxportal.settings import Settings
from yvaxportal.values.clock import jst_date

log = logging.getLogger(__name__)

#: A job that took its worker's life so often is given up.
MOST_ATTEMPTS = 3
#: Of whom a register spoke within this time it is not asked again: a run that was called off goes on there.
ASKED_AGAIN_AFTER = timedelta(days=1)
# Of PostgreSQL's advisory locks: this and the job's id.
_LOCK = 0x6C697374 << 32
#: Everybody over 65 takes longer than what a page may wait for.
_STATEMENT_SECONDS = 600


@dataclass(frozen=True)
class ListRoom:
    """What a worker needs for lists of targets.

    :param freshness: tells when what a register said is old.
    """

    engine: Engine
    schedule: Schedule
    connections: Connections
    freshness: Freshness
    clock: Callable[[], datetime]
    answers: Answers = field(default_factory=Answers)

    def run(self) -> int:
        """Take up every job that no other worker has, oldest first; return how many."""
        taken = 0
        with self.engine.connect() as connection:
            waiting = connection.scalars(
                select(TABLE.c.id).where(TABLE.c.state.in_(UNDER_WAY)).order_by(TABLE.c.id)
            ).all()
        for job_id in waiting:
            with alone(self.engine, _LOCK + job_id) as mine:
                if mine and (begun := self._begin(job_id)) is not None:
                    self._work(begun)
                    taken += 1
        return taken

    def _begin(self, job_id: int) -> "_Job | None":
        """Mark a job as running; None when it is over, or must not be begun again."""
        with Session(self.engine) as session:
            row = session.get_one(ExtractionJob, job_id, with_for_update=True)
            if row.state not in UNDER_WAY:
                return None
            if row.cancel_requested:
                row.state, row.ended_at = State.CANCELLED, self.clock()
            elif row.attempts >= MOST_ATTEMPTS:
                row.state, row.problem, row.ended_at = State.FAILED, "worker_lost", self.clock()
                self._audit(session, row.requested_by).record(
                    Action.EXTRACTION_FAILED,
                    subject=f"extraction_job:{job_id}",
                    outcome=Outcome.FAILED,
                    detail={"problem": "worker_lost"},
                )
            else:
                row.state, row.done, row.total = State.RUNNING, 0, None
                row.attempts += 1
            begun = _Job(
                row.id,
                row.kind,
                Criteria.from_json(row.criteria),
                row.title,
                tuple(row.shown or ()),
                row.known_states,
                row.requested_by,
                JobReport(self.engine, TABLE, row.id),
            )
            going = row.state is State.RUNNING
            session.commit()
        return begun if going else None

    def _work(self, job: "_Job") -> None:
        try:
            _DEEDS[job.kind](self, job)
        except Cancelled:
            self._end(job, State.CANCELLED)
        except FiguresDifferError as differ:
            self._end(job, State.FAILED, problem="differs", outcome=Figures.of(differ.run).as_json())
        except StatesWantingError as wanting:
            self._end(job, State.FAILED, problem="states", outcome=Figures.of(wanting.run).as_json())
        except NoSuchProgrammeError:
            self._end(job, State.FAILED, problem="not_in_force")
        except DBAPIError as error:
            if error.connection_invalidated:
                # The database went away: the row stays ``running`` and is begun again by the next run.
                raise
            self._failed(job, error)
        except Exception as error:  # noqa: BLE001 - one job that fails stops no other
            self._failed(job, error)

    def _failed(self, job: "_Job", error: Exception) -> None:
        # The text of an error may hold what a row holds: only its kind is kept.
        log.error("list job %d: %s", job.id, type(error).__name__)
        self._end(job, State.FAILED, problem="internal", outcome={"kind": type(error).__name__})

    def _end(
        self,
        job: "_Job",
        state: State,
        *,
        problem: str | None = None,
        outcome: dict[str, Any] | None = None,
    ) -> None:
        with Session(self.engine) as session, session.begin():
            mark(session, job.id, state=state, problem=problem, outcome=outcome or {}, ended_at=self.clock())
            if state is State.FAILED:
                self._audit(session, job.staff_id).record(
                    Action.EXTRACTION_FAILED,
                    subject=f"extraction_job:{job.id}",
                    outcome=Outcome.FAILED,
                    detail={"problem": problem},
                )

    def _finish(self, session: Session, job: "_Job", **values: object) -> None:
        """Say that a job is done, in the transaction of what it wrote; ``Cancelled`` if nobody wants it."""
        if session.scalar(select(TABLE.c.cancel_requested).where(TABLE.c.id == job.id).with_for_update()):
            raise Cancelled
        mark(session, job.id, state=State.DONE, problem=None, ended_at=self.clock(), **values)

    def _audit(self, session: Session, staff_id: int) -> AuditTrail:
        return AuditTrail(session, self.engine, actor_of(session.connection(), staff_id))

    def _patient(self, session: Session) -> Session:
        session.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_SECONDS}s'"))
        return session

    def try_out(self, job: "_Job") -> None:
        """Run the funnel and leave its figures."""
        job.report.begin("deciding")
        now = self.clock()
        with Session(self.engine) as session, session.begin():
            run = run_funnel(
                self._patient(session),
                self.schedule,
                job.criteria,
                today=jst_date(now),
                answers=self.answers,
                freshness=self.freshness,
                now=now,
                report=job.report,
            )
            self._finish(session, job, outcome=Figures.of(run).as_json())
            self._audit(session, job.staff_id).record(
                Action.EXTRACTION_TRIED,
                subject=f"extraction_job:{job.id}",
                detail={"criteria": job.criteria.as_json(), "base": run.base, "on_list": run.left},
            )

    def save(self, job: "_Job") -> None:
        """Save the list as it was seen, whole or not at all."""
        job.report.begin("deciding")
        now = self.clock()
        with Session(self.engine) as session, session.begin():
            saved = save_list(
                self._patient(session),
                self._audit(session, job.staff_id),
                self.schedule,
                job.criteria,
                title=job.title,
                shown=job.shown,
                staff_id=job.staff_id,
                today=jst_date(now),
                now=now,
                answers=self.answers,
                freshness=self.freshness,
                known_states=job.known_states,
                report=job.report,
            )
            self._finish(
                session,
                job,
                extraction_id=saved.id,
                outcome=Figures.of(saved.run).as_json(),
                total=saved.run.base,
            )

    def refresh(self, job: "_Job") -> None:
        """Ask the registers about the people whose states the criteria look at; what came stays."""
        job.report.begin("choosing")
        now = self.clock()
        systems = [system for system in systems_of(job.criteria) if self.connections.follows(system)]
        with Session(self.engine) as session:
            run = run_funnel(
                self._patient(session),
                self.schedule,
                before_states(job.criteria),
                today=jst_date(now),
                answers=self.answers,
                report=job.report,
            )
            ids = [one.id for one in run.kept]
            asked = {
                system: silent_about(session, ids, system, now - ASKED_AGAIN_AFTER) for system in systems
            }
        outcome: dict[str, Any] = {}
        for system, numbers in asked.items():
            outcome[system] = self._ask(job, system, numbers)
        failed = any("failure" in said for said in outcome.values())
        if failed:
            self._end(job, State.FAILED, problem="registers", outcome={"answers": outcome})
            return
        with Session(self.engine) as session, session.begin():
            self._finish(session, job, outcome={"answers": outcome})

    def _ask(self, job: "_Job", system: str, numbers: Any) -> dict[str, Any]:
        job.report.begin(system, len(numbers))
        if not numbers:
            return {"asked": 0}
        counts, failure = self.connections.eligibility.for_some(
            system, numbers, lambda done: job.report(done, len(numbers))
        )
        said: dict[str, Any] = {"asked": len(numbers), **counts}
        if failure is not None:
            said["failure"] = type(failure).__name__
        return said


@dataclass(frozen=True, slots=True)
class _Job:
    """One job as it was asked for."""

    id: int
    kind: Kind
    criteria: Criteria
    title: str
    shown: tuple[int, ...]
    known_states: bool
    staff_id: int
    report: JobReport


_DEEDS: dict[Kind, Callable[[ListRoom, _Job], None]] = {
    Kind.REFRESH: ListRoom.refresh,
    Kind.TRY: ListRoom.try_out,
    Kind.SAVE: ListRoom.save,
}


def freshness_of(settings: Settings, connections: Connections) -> Freshness:
    """Return what counts as old, and which registers have another side."""
    return Freshness(
        connected=frozenset(name for name in connections.names if connections.follows(name)),
        days=settings.extraction_states_days,
        insists=settings.extraction_old_states == "ask",
    )


def before_states(criteria: Criteria) -> Criteria:
    """Return the criteria with only the rules that come before the states: who is left is asked about."""
    return replace(
        criteria,
        national_health_insurance=Wanted.ANY,
        late_elderly_insurance=Wanted.ANY,
        taxation=(),
        public_assistance=Wanted.ANY,
        doses=False,
        circumstances=False,
        no_invitation=False,
        moved_in_since=None,
        still_resident=False,
        not_on=None,
    )
