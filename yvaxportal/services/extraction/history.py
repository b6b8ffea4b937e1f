"""Why a resident was, or was not, on each list that was ever saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from yvaxportal.models.codes import ExtractionState, MemberStanding, ResidentCategory
from yvaxportal.models.extraction import ExtractionMember, TargetExtraction
from yvaxportal.models.staff import StaffAccount
from yvaxportal.services.extraction.cohort import read_birth
from yvaxportal.services.extraction.rules import Rule
from yvaxportal.services.residents import ResidentRow
from yvaxportal.values.wareki import PartialDate

PAGE_SIZE = 100


class Answer(StrEnum):
    """What became of a resident in one list."""

    ON_LIST = "on_list"
    EXCLUDED = "excluded"
    ADDED = "added"
    REMOVED = "removed"
    OUTSIDE = "outside"


class Outside(StrEnum):
    """Why somebody did not even come into question, as far as the data of now tell."""

    BIRTH = "birth"
    SEX = "sex"
    CAME_LATER = "came_later"
    NOT_A_RESIDENT = "not_a_resident"
    NOT_AT_RISK = "not_at_risk"
    NEEDS = "needs"
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True)
class PastRun:
    """One list and the answer for one resident. ``rule`` and ``detail`` say why they were excluded."""

    extraction_id: int
    title: str
    programme: str
    reference_date: date
    saved_at: datetime
    withdrawn: bool
    answer: Answer
    rule: Rule | None
    detail: Mapping[str, Any]
    dose_number: int | None
    by_hand_reason: str | None
    by_hand_by: str | None
    by_hand_at: datetime | None
    outside: Outside | None


def past_runs(
    session: Session, resident: ResidentRow, *, before: int | None = None, limit: int = PAGE_SIZE
) -> Sequence[PastRun]:
    """Return an answer for every list, the newest first; ``before`` is the last id of the page before."""
    member, hand = aliased(ExtractionMember), aliased(StaffAccount)
    statement = (
        select(
            TargetExtraction.id,
            TargetExtraction.title,
            TargetExtraction.programme,
            TargetExtraction.reference_date,
            TargetExtraction.created_at,
            TargetExtraction.state,
            TargetExtraction.criteria["bounds"],
            member.excluded_by,
            member.detail,
            member.dose_number,
            member.standing,
            member.standing_reason,
            hand.display_name,
            member.standing_at,
        )
        .outerjoin(
            member,
            and_(member.extraction_id == TargetExtraction.id, member.resident_id == resident.id),
        )
        .outerjoin(hand, hand.id == member.standing_by)
        .order_by(TargetExtraction.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(TargetExtraction.id < before)
    return [_run(row, resident) for row in session.execute(statement)]


def count_runs(session: Session) -> int:
    """Return how many lists were ever saved."""
    return session.scalars(select(func.count()).select_from(TargetExtraction)).one()


def _run(row: Sequence[Any], resident: ResidentRow) -> PastRun:
    standing: MemberStanding | None = row[10]
    answer = _answer(standing, row[7])
    return PastRun(
        extraction_id=row[0],
        title=row[1],
        programme=row[2],
        reference_date=row[3],
        saved_at=row[4],
        withdrawn=row[5] is ExtractionState.WITHDRAWN,
        answer=answer,
        rule=Rule(row[7]) if row[7] else None,
        detail=row[8] or {},
        dose_number=row[9],
        by_hand_reason=row[11],
        by_hand_by=row[12],
        by_hand_at=row[13],
        outside=why_outside(resident, row[6], row[3]) if answer is Answer.OUTSIDE else None,
    )


def _answer(standing: MemberStanding | None, excluded_by: str | None) -> Answer:
    if standing is None:
        return Answer.OUTSIDE
    if standing is MemberStanding.REMOVED:
        return Answer.REMOVED
    if standing is MemberStanding.ADDED:
        return Answer.ADDED
    return Answer.EXCLUDED if excluded_by else Answer.ON_LIST


def why_outside(resident: ResidentRow, bounds: Mapping[str, Any], day: date) -> Outside:
    """Return why somebody is not in the base cohort of a list, by what the register says today."""
    if resident.became_resident_on is not None and resident.became_resident_on > day:
        return Outside.CAME_LATER
    if _left_by(resident, day):
        return Outside.NOT_A_RESIDENT
    if bounds["sex"] is not None and resident.sex.value not in {bounds["sex"], "0"}:
        return Outside.SEX
    birth = read_birth(resident.date_of_birth_written)
    if not bounds["births"] or _within(birth, bounds["births"]):
        return Outside.NEEDS if bounds["needs"] else Outside.NOT_TOLD
    return Outside.NOT_AT_RISK if _within(birth, bounds["risk_births"]) else Outside.BIRTH


def _left_by(resident: ResidentRow, day: date) -> bool:
    ceased, became = resident.ceased_resident_on, resident.became_resident_on
    left = ceased is not None and ceased <= day and (became is None or ceased > became)
    if resident.resident_category is ResidentCategory.RESIDENT:
        return left
    if resident.resident_category in {ResidentCategory.MOVED_OUT, ResidentCategory.DECEASED}:
        return ceased is None or ceased <= day
    return True


def _within(birth: date | PartialDate | None, births: Sequence[Sequence[str]]) -> bool:
    if birth is None:
        return True
    earliest, latest = (birth, birth) if isinstance(birth, date) else (birth.earliest, birth.latest)
    return any(
        latest >= date.fromisoformat(first) and earliest <= date.fromisoformat(last) for first, last in births
    )
