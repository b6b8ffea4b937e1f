"""From what staff enter to the columns of the table, and to what the audit log keeps."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from enum import Enum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from yvaxportal.models.codes import Judgement, PneumococcalType, RecordGroup, VaccinationStatus
from yvaxportal.models.resident import Resident
from yvaxportal.programme.catalogue import Vaccine
from yvaxportal.services.circumstances import circumstances_of
from yvaxportal.services.dose_ages import dose_ages
from yvaxportal.services.dose_draft import DoseDraft, Person, Place
from yvaxportal.values.wareki import parse_date

_KEPT_APART = frozenset({"identity_method", "identity_document", "institution_code", "institution_name"})


def person_of(session: Session, resident_id: int, today: date) -> Person:
    """Return what decides about doses of a resident, as it stands; NoResultFound for an unknown id.

    :param today: the day on which a disability certificate has to be in force.
    """
    row = session.execute(
        select(
            Resident.date_of_birth_written,
            Resident.sex,
            Resident.resident_category,
            Resident.became_resident_on,
            Resident.ceased_resident_on,
            Resident.support_measure_flag,
        ).where(Resident.id == resident_id)
    ).one()
    return Person(
        born=parse_date(row.date_of_birth_written),
        sex=row.sex.value,
        category=row.resident_category,
        became_resident_on=row.became_resident_on,
        left_on=row.ceased_resident_on,
        support_measure=row.support_measure_flag,
        circumstances=circumstances_of(session, [resident_id], today).get(resident_id, ()),
    )


def audited(draft: DoseDraft) -> Mapping[str, Any]:
    """Return the items of a draft as the audit log keeps them, empty ones left out."""
    return {
        name: value.value if isinstance(value, Enum) else value
        for name in DoseDraft.__dataclass_fields__
        if (value := getattr(draft, name)) is not None
    }


def settle(draft: DoseDraft, vaccine: Vaccine | None, place: Place | None) -> DoseDraft:
    """Fill in what follows from the rest: the listed institution, valency, COVID-19 status and maker."""
    if place is not None:
        name = place.name if place.code is None else None
        draft = replace(draft, institution_code=place.code, institution_name=name)
    if vaccine is None:
        return draft
    if vaccine.pneumococcal_type is not None and draft.pneumococcal_type is None:
        draft = replace(draft, pneumococcal_type=PneumococcalType(vaccine.pneumococcal_type))
    if vaccine.record_group != RecordGroup.COVID19:
        return draft
    if draft.vaccination_status is None:
        done = draft.judgement is Judgement.GIVEN
        draft = replace(
            draft, vaccination_status=VaccinationStatus.DONE if done else VaccinationStatus.NOT_DONE
        )
    if draft.manufacturer is None and len(vaccine.manufacturers) == 1:
        draft = replace(draft, manufacturer=vaccine.manufacturers[0])
    return draft


def columns(draft: DoseDraft, vaccine: Vaccine | None, place: Place | None, person: Person) -> dict[str, Any]:
    """Return the columns of ``dose`` that a settled draft fills. ValueError without a vaccine."""
    if vaccine is None:
        raise ValueError("a dose of an unknown vaccine cannot be written")
    group = RecordGroup(vaccine.record_group)
    ages = dose_ages(person.birth_date, draft.given_on, group)
    return {
        **{name: getattr(draft, name) for name in DoseDraft.__dataclass_fields__ if name not in _KEPT_APART},
        "record_group": group,
        "medical_institution_id": place.id if place else None,
        "medical_institution_name": None if place else draft.institution_name,
        "age_when_given": ages.age_when_given,
        "age_at_fiscal_year_end": ages.age_at_fiscal_year_end,
        "age_on_reference_date": ages.age_on_reference_date,
    }
