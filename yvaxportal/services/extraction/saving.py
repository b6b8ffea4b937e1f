"""Saving a list: the funnel runs again, and everybody of the base cohort is kept with what became of them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import ExtractionState, MemberStanding
from yvaxportal.models.extraction import TargetExtraction
from yvaxportal.programme.schedule import Schedule
from yvaxportal.services.extraction.answers import Answers
from yvaxportal.services.extraction.cohort import Candidate
from yvaxportal.services.extraction.criteria import Criteria
from yvaxportal.services.extraction.funnel import FunnelRun, Report, is_doubtful, run_funnel, untold
from yvaxportal.services.extraction.states import Freshness

_COPY = (
    "COPY extraction_member (extraction_id, resident_id, excluded_by, detail, dose_number,"
    " date_of_birth_written, sex, address_town_code, support_measure, standing) FROM STDIN"
)


class FiguresDifferError(Exception):
    """The funnel gives other numbers than those that were shown; ``run`` is what it gives now."""

    def __init__(self, run: FunnelRun) -> None:
        super().__init__("the figures differ from those that were shown")
        self.run = run


class StatesWantingError(Exception):
    """States are missing or old, and nobody said that the known ones will do; ``run`` tells which."""

    def __init__(self, run: FunnelRun) -> None:
        super().__init__("states are missing or old")
        self.run = run


@dataclass(frozen=True, slots=True)
class Saved:
    """A list that was saved."""

    id: int
    run: FunnelRun


def save_list(
    session: Session,
    audit: AuditTrail,
    schedule: Schedule,
    criteria: Criteria,
    *,
    title: str,
    shown: Sequence[int],
    staff_id: int,
    today: date,
    now: datetime,
    answers: Answers | None = None,
    freshness: Freshness | None = None,
    known_states: bool = False,
    report: Report = untold,
) -> Saved:
    """Run the funnel and save the list in the session's transaction, whole or not at all.

    :param shown: the figures of the dry run that the member of staff saw (``FunnelRun.figures``).
    :param freshness: kept with the list is how old the states are that it went by.
    :param known_states: somebody said that the states will do which are known, however old.
    :param report: as for ``run_funnel``; it is told of the rows that are written, too.
    :raises FiguresDifferError: they are not the figures of now; nothing was saved.
    :raises StatesWantingError: states are missing or old; nothing was saved.
    """
    run = run_funnel(
        session,
        schedule,
        criteria,
        today=today,
        answers=answers,
        freshness=freshness,
        now=now,
        report=report,
    )
    if tuple(shown) != run.figures:
        raise FiguresDifferError(run)
    if run.wanting and freshness is not None and freshness.insists and not known_states:
        raise StatesWantingError(run)
    saved = TargetExtraction(
        title=title,
        programme=criteria.programme,
        reference_date=criteria.reference_date,
        criteria={
            **criteria.as_json(),
            "bounds": run.bounds.as_json(),
            "states": [age.as_json() for age in run.states],
        },
        schedule_version=run.schedule_version,
        funnel=[{"rule": step.rule.value, "out": step.out, "left": step.left} for step in run.steps],
        data_as_of=now,
        state=ExtractionState.SAVED,
        created_by=staff_id,
        created_at=now,
    )
    session.add(saved)
    session.flush()
    rows = _rows(saved.id, run.candidates, doses=criteria.doses)
    _copy_members(session, _told(rows, run.base, report))
    audit.record(
        Action.EXTRACTION_SAVED,
        subject=f"extraction:{saved.id}",
        detail={
            "programme": criteria.programme,
            "reference_date": criteria.reference_date,
            "base": run.base,
            "on_list": run.left,
        },
    )
    return Saved(saved.id, run)


def _told(rows: Iterable[Sequence[Any]], total: int, report: Report) -> Iterator[Sequence[Any]]:
    for done, row in enumerate(rows):
        report(done, total)
        yield row


def _copy_members(session: Session, rows: Iterable[Sequence[Any]]) -> None:
    connection = session.connection().connection.driver_connection
    if connection is None:
        raise RuntimeError("the session has no connection")
    with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            copy.write_row(row)


def _rows(extraction_id: int, candidates: Iterable[Candidate], *, doses: bool) -> Iterable[Sequence[Any]]:
    for one in candidates:
        facts = {**one.facts, "doubtful": True} if one.excluded_by is None and is_doubtful(one) else one.facts
        number = one.forecast.dose_number if doses and one.forecast and one.excluded_by is None else None
        yield (
            extraction_id,
            one.id,
            one.excluded_by.value if one.excluded_by else None,
            json.dumps(facts, ensure_ascii=False) if facts else None,
            number,
            one.birth_written,
            one.sex.value,
            # The list must not tell where somebody lives who is protected; letters ask the register again.
            None if one.protected else one.town,
            one.protected,
            MemberStanding.BY_RULES.value,
        )
