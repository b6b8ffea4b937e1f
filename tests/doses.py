"""The smallest doses, as the tests about programmes and lists need them."""

from collections.abc import Iterator
from datetime import date

from tests.people import NOW
from yvaxportal.models.codes import DoseCategory, DoseSource, DoseState, Judgement, RecordGroup
from yvaxportal.models.dose import Dose
from yvaxportal.models.resident import Resident


def given(person: Resident, *doses: tuple[str, int, str]) -> Iterator[Dose]:
    """Give doses of (vaccine, number, day), routine, active and really given."""
    for vaccine, number, day in doses:
        yield Dose(
            resident_id=person.id,
            record_group=RecordGroup.INFANT,
            vaccine=vaccine,
            dose_number=number,
            given_on=date.fromisoformat(day),
            judgement=Judgement.GIVEN,
            dose_category=DoseCategory.ROUTINE,
            alerts=[],
            source=DoseSource.FORM,
            state=DoseState.ACTIVE,
            changed_at=NOW,
            revision=1,
        )
