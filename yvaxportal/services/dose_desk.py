"""What recording and correcting a dose have in common: one at a time, judged, written, compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeAlias

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import (
    DoseState,
    Judgement,
    PneumococcalType,
    RecordGroup,
    VaccinationStatus,
)
from yvaxportal.models.dose import Dose, IdentityCheck
from yvaxportal.models.resident import Resident
from yvaxportal.programme.catalogue import Catalogue, Vaccine
from yvaxportal.services.dose_ages import dose_ages
from yvaxportal.services.dose_checks import check_dose
from yvaxportal.services.dose_draft import DoseDraft, Person, Place
from yvaxportal.services.dose_findings import DoseError, Finding, Findings
from yvaxportal.services.dose_history import StoredDose, dose_of, other_doses
from yvaxportal.services.institutions import place_of
from yvaxportal.values.wareki import parse_date

# The first key of the advisory lock of a person's doses; the second is the person's id, modulo 2^31.
_LOCK = 0x646F7365
_ACTIVE_INDEX = "uq_dose_active"
_DOUBLES = (DoseError.DOUBLE_DAY, DoseError.DOUBLE_NUMBER)
_KEPT_APART = frozenset({"identity_method", "identity_document", "institution_code", "institution_name"})


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The alerts that staff were shown (keys of ``Finding``) and the reason they gave for going on."""

    keys: frozenset[str] = field(default_factory=frozenset)
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """The dose is kept. ``already``: this very entry had been saved before; nothing was written now."""

    dose_id: int
    revision: int
    already: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was saved: there are errors."""

    findings: Findings


@dataclass(frozen=True, slots=True)
class NeedsReason:
    """Nothing was saved: there are alerts that nobody has seen yet, or no reason was given."""

    findings: Findings


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nothing was saved: somebody else saved ``theirs`` after the form was opened."""

    theirs: StoredDose


Outcome: TypeAlias = Saved | Refused | NeedsReason | Conflict


@dataclass(frozen=True, slots=True)
class Judged:
    """A draft with what follows from the vaccine and the list of institutions, and what was found."""

    draft: DoseDraft
    vaccine: Vaccine | None
    place: Place | None
    person: Person
    findings: Findings


@dataclass(frozen=True, slots=True)
class DoseDesk:
    """Where one member of staff works on doses, within one transaction.

    :param now: the aware instant that is written; :param today: the day in Japan it falls on.
    """

    session: Session
    catalogue: Catalogue
    audit: AuditTrail
    staff_id: int
    now: datetime
    today: date

    def lock(self, resident_id: int) -> None:
        """Wait until nobody else writes a dose of this person; held until the transaction ends."""
        self.session.execute(
            text("SELECT pg_advisory_xact_lock(:place, :person)"),
            {"place": _LOCK, "person": resident_id % 2**31},
        )

    def judge(self, resident_id: int, draft: DoseDraft, *, without: int | None = None) -> Judged:
        """Complete a draft and judge it against the person and the other doses as they stand."""
        vaccine = self.catalogue.get(draft.vaccine)
        place = place_of(self.session, draft.institution_code, draft.institution_name, draft.given_on)
        settled = _settle(draft, vaccine, place)
        person = person_of(self.session, resident_id)
        others = other_doses(self.session, resident_id, without=without)
        findings = check_dose(settled, person, others, self.catalogue, self.today, place=place)
        return Judged(settled, vaccine, place, person, findings)

    def write(self, dose: Dose, judged: Judged, acceptance: Acceptance, *, new_check: bool) -> bool:
        """Put a judged draft into a row and send it; False when the database holds such a dose already.

        :param new_check: the identity check is a new one: write down who checked, how and when (M01).
        """
        alerts = [finding.code.value for finding in judged.findings.alerts]
        try:
            with self.session.begin_nested():
                if new_check:
                    dose.identity_check_id = self._check_identity(dose.resident_id, judged.draft)
                for name, value in _columns(judged).items():
                    setattr(dose, name, value)
                dose.alerts = alerts
                dose.alert_reason = acceptance.reason if alerts else None
                dose.changed_by, dose.changed_at = self.staff_id, self.now
                self.session.add(dose)
                self.session.flush()
        except IntegrityError as error:
            if constraint_of(error) != _ACTIVE_INDEX:
                raise
            return False
        return True

    def _check_identity(self, resident_id: int, draft: DoseDraft) -> int:
        if draft.identity_method is None or draft.identity_document is None:
            raise ValueError("a dose without an identity check cannot be written")
        check = IdentityCheck(
            resident_id=resident_id,
            method=draft.identity_method,
            document=draft.identity_document,
            checked_by=self.staff_id,
            checked_at=self.now,
        )
        self.session.add(check)
        self.session.flush()
        return check.id

    def double_in_database(self, resident_id: int, judged: Judged) -> StoredDose | None:
        """Return the active dose that the unique index found, None when it is gone again."""
        found = self.session.scalar(
            select(Dose.id).where(
                Dose.resident_id == resident_id,
                Dose.vaccine == judged.draft.vaccine,
                Dose.given_on == judged.draft.given_on,
                Dose.dose_number == judged.draft.dose_number,
                Dose.state == DoseState.ACTIVE,
                Dose.judgement == Judgement.GIVEN,
            )
        )
        return dose_of(self.session, resident_id, found) if found is not None else None


def double_of(findings: Findings) -> Finding | None:
    """Return the finding that names another dose as a double, None when there is none."""
    return next((one for one in findings.errors if one.code in _DOUBLES), None)


def unaccepted(findings: Findings, acceptance: Acceptance) -> bool:
    """Tell whether there are alerts that were not shown before, or were shown and got no reason."""
    if not findings.alerts:
        return False
    return not acceptance.reason or not {one.key for one in findings.alerts} <= acceptance.keys


def constraint_of(error: IntegrityError) -> str | None:
    """Return the name of the constraint or unique index that refused a row."""
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


def person_of(session: Session, resident_id: int) -> Person:
    """Return what decides about doses of a resident, as it stands; NoResultFound for an unknown id."""
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
    )


def audited(draft: DoseDraft) -> Mapping[str, Any]:
    """Return the items of a draft as the audit log keeps them, empty ones left out."""
    return {
        name: value.value if isinstance(value, Enum) else value
        for name in DoseDraft.__dataclass_fields__
        if (value := getattr(draft, name)) is not None
    }


def _settle(draft: DoseDraft, vaccine: Vaccine | None, place: Place | None) -> DoseDraft:
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


def _columns(judged: Judged) -> dict[str, Any]:
    draft, vaccine, place = judged.draft, judged.vaccine, judged.place
    if vaccine is None:
        raise ValueError("a dose of an unknown vaccine cannot be written")
    group = RecordGroup(vaccine.record_group)
    ages = dose_ages(judged.person.birth_date, draft.given_on, group)
    return {
        **{name: getattr(draft, name) for name in DoseDraft.__dataclass_fields__ if name not in _KEPT_APART},
        "record_group": group,
        "medical_institution_id": place.id if place else None,
        "medical_institution_name": None if place else draft.institution_name,
        "age_when_given": ages.age_when_given,
        "age_at_fiscal_year_end": ages.age_at_fiscal_year_end,
        "age_on_reference_date": ages.age_on_reference_date,
    }
