"""What was given to the people of a run, as the engine takes it."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import DoseState, Judgement
from yvaxportal.models.dose import Dose
from yvaxportal.programme.person import GivenDose


def given_doses(session: Session, resident_ids: Sequence[int]) -> Mapping[int, list[GivenDose]]:
    """Return the doses that count of each resident who has any, the earliest first."""
    dose = Dose.__table__.c
    rows = session.execute(
        select(dose.resident_id, dose.vaccine, dose.given_on, dose.dose_number, dose.dose_category)
        .where(
            dose.resident_id == func.any(list(resident_ids)),
            dose.state == DoseState.ACTIVE,
            dose.judgement == Judgement.GIVEN,
        )
        .order_by(dose.resident_id, dose.given_on, dose.id),
    )
    found: dict[int, list[GivenDose]] = {}
    for resident_id, vaccine, given_on, number, category in rows:
        found.setdefault(resident_id, []).append(GivenDose(vaccine, given_on, number, category.value))
    return found
