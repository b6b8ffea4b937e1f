"""What staff have a worker do about a list that is not saved yet: asked for, called off, read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, and_, or_, select, update
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ExtractionJobKind as Kind
from yvaxportal.models.codes import ExtractionJobState as State
from yvaxportal.models.extraction import ExtractionJob
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.funnel import FunnelRun, Step
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.extraction.states import StatesAge
from yvaxportal.services.waking import wake

#: The name of the task (``jobs.app``), without its namespace.
RUN_LISTS = "run_lists"
UNDER_WAY = frozenset({State.QUEUED, State.RUNNING})
TABLE = cast("Table", ExtractionJob.__table__)
_SHOWN = 10
_LATELY = timedelta(days=1)


class NotYoursError(Exception):
    """Only whoever asked for a job calls it off."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run of the funnel came to, without anybody: what a trial run by a worker leaves."""

    base: int
    steps: tuple[Step, ...]
    left: int
    doubtful: int
    protected: int
    states: tuple[StatesAge, ...]

    @classmethod
    def of(cls, run: FunnelRun) -> "Figures":
        """Return the figures of a run."""
        return cls(run.base, run.steps, run.left, run.doubtful, run.protected, run.states)

    @property
    def wanting(self) -> bool:
        """Tell whether a register could be asked for states that are missing or old."""
        return any(age.wanting for age in self.states)

    @property
    def compared(self) -> tuple[int, ...]:
        """Return the numbers by which two runs of the same criteria are compared (``FunnelRun.figures``)."""
        return (self.base, *(step.out for step in self.steps), self.left)

    def as_json(self) -> dict[str, Any]:
        """Return them as they are kept; ``from_json`` gives them back."""
        return {
            "base": self.base,
            "steps": [{"rule": step.rule.value, "out": step.out, "left": step.left} for step in self.steps],
            "left": self.left,
            "doubtful": self.doubtful,
            "protected": self.protected,
            "states": [age.as_json() for age in self.states],
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> "Figures":
        """Return what ``as_json`` wrote."""
        return cls(
            said["base"],
            tuple(Step(Rule(step["rule"]), step["out"], step["left"]) for step in said["steps"]),
            said["left"],
            said["doubtful"],
            said["protected"],
            tuple(StatesAge.from_json(age) for age in said["states"]),
        )


def ask(
    session: Session,
    audit: AuditTrail,
    kind: Kind,
    criteria: Criteria,
    *,
    title: str,
    staff_id: int,
    now: datetime,
    shown: Sequence[int] | None = None,
    known_states: bool = False,
) -> int:
    """Ask a worker for something and return the job's id; it begins when the transaction commits.

    :param title: of the list, as it will be saved.
    :param shown: of ``SAVE``: the figures that the member of staff saw (``Figures.compared``).
    :param known_states: of ``SAVE``: it is saved although states are missing or old.
    """
    job = ExtractionJob(
        kind=kind,
        state=State.QUEUED,
        criteria=criteria.as_json(),
        title=title,
        shown=list(shown) if shown is not None else None,
        known_states=known_states,
        phase="",
        done=0,
        cancel_requested=False,
        attempts=0,
        outcome={},
        requested_by=staff_id,
        requested_at=now,
    )
    session.add(job)
    session.flush()
    audit.record(
        Action.EXTRACTION_ASKED,
        subject=f"extraction_job:{job.id}",
        detail={"kind": kind, "criteria": job.criteria},
    )
    wake(session, RUN_LISTS, now, alone=False)
    return job.id


def call_off(session: Session, audit: AuditTrail, job_id: int, *, staff_id: int, now: datetime) -> bool:
    """Call a job off; False when it was over already. A worker that is at it stops within a second.

    :raises NotYoursError: somebody else asked for it.
    """
    job = session.get_one(ExtractionJob, job_id, with_for_update=True, populate_existing=True)
    if job.requested_by != staff_id:
        raise NotYoursError
    if job.state not in UNDER_WAY:
        return False
    job.cancel_requested = True
    if job.state is State.QUEUED:
        job.state, job.ended_at = State.CANCELLED, now
    session.flush()
    audit.record(Action.EXTRACTION_CALLED_OFF, subject=f"extraction_job:{job.id}")
    return True


def job_of(session: Session, job_id: int) -> ExtractionJob | None:
    """Return a job as it is now, None when there is none."""
    return session.get(ExtractionJob, job_id, populate_existing=True)


def lately_asked(session: Session, staff_id: int, now: datetime) -> Sequence[ExtractionJob]:
    """Return the latest jobs of somebody that are under way or ended lately, the newest first.

    Without those that ended in a list: it shows itself.
    """
    ended = and_(ExtractionJob.ended_at > now - _LATELY, ExtractionJob.extraction_id.is_(None))
    return session.scalars(
        select(ExtractionJob)
        .where(ExtractionJob.requested_by == staff_id, or_(ExtractionJob.state.in_(UNDER_WAY), ended))
        .order_by(ExtractionJob.id.desc())
        .limit(_SHOWN)
    ).all()


def mark(session: Session, job_id: int, **values: object) -> None:
    """Change a job's row in the session's transaction."""
    session.execute(update(TABLE).where(TABLE.c.id == job_id).values(**values))
