"""Reading doses: one with all its revisions, the others of the person, and what was there last."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from yvaxportal.models.codes import (
    DeliveryCategory,
    DoseCategory,
    DoseSource,
    DoseState,
    IdentityCheckMethod,
    IdentityDocument,
    IneligibilityJudgement,
    Judgement,
    PneumococcalType,
    RecordGroup,
    VaccinationStatus,
)
from yvaxportal.models.dose import Dose, DoseRevision, IdentityCheck, MedicalInstitution
from yvaxportal.models.staff import StaffAccount
from yvaxportal.services.dose_ages import DoseAges
from yvaxportal.services.dose_draft import DoseDraft, OtherDose

# The same shape as the trigger keeps a superseded row in, so that one reader reads both.
_WHOLE_ROW = func.to_jsonb(cast("Table", Dose.__table__).table_valued(), type_=JSONB)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDose:
    """A dose as one revision has it: the items, what the portal added, and who wrote it when and why."""

    id: int
    revision: int
    record_group: RecordGroup
    draft: DoseDraft
    institution: str | None
    ages: DoseAges
    alerts: tuple[str, ...]
    alert_reason: str | None
    source: DoseSource
    state: DoseState
    staff_id: int | None
    staff: str | None
    changed_at: datetime
    change_reason: str | None
    identity_checked_by: str | None
    identity_checked_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Tell whether the dose counts."""
        return self.state is DoseState.ACTIVE


@dataclass(frozen=True, slots=True)
class SeenDoses:
    """How far somebody had seen a person's doses when their form was made.

    :param newest: the greatest id, 0 for none; :param revisions: the sum of all revision numbers.
    """

    newest: int
    revisions: int

    def __str__(self) -> str:
        return f"{self.newest}.{self.revisions}"


def seen_doses(session: Session, resident_id: int, *, until: int | None = None) -> SeenDoses:
    """Return the state of a person's doses now; with ``until`` only of doses up to that id."""
    query = select(func.coalesce(func.max(Dose.id), 0), func.coalesce(func.sum(Dose.revision), 0)).where(
        Dose.resident_id == resident_id
    )
    if until is not None:
        query = query.where(Dose.id <= until)
    newest, revisions = session.execute(query).one()
    return SeenDoses(newest, revisions)


def other_doses(session: Session, resident_id: int, *, without: int | None = None) -> Sequence[OtherDose]:
    """Return the active doses of a person, without the one that is being corrected."""
    rows = session.execute(
        select(Dose.id, Dose.vaccine, Dose.dose_number, Dose.given_on, Dose.judgement, Dose.dose_category)
        .where(Dose.resident_id == resident_id, Dose.state == DoseState.ACTIVE)
        .order_by(Dose.given_on, Dose.id)
    )
    return [
        OtherDose(
            id=key,
            vaccine=vaccine,
            dose_number=number,
            given_on=day,
            judgement=judgement,
            dose_category=category,
        )
        for key, vaccine, number, day, judgement, category in rows
        if key != without
    ]


def dose_of(session: Session, resident_id: int, dose_id: int) -> StoredDose | None:
    """Return a dose of this person as it stands, None when the person has no such dose."""
    row = session.scalar(select(_WHOLE_ROW).where(Dose.id == dose_id, Dose.resident_id == resident_id))
    return _read(session, [row])[0] if row is not None else None


def revisions_of(session: Session, resident_id: int, dose_id: int) -> Sequence[StoredDose]:
    """Return a dose as it stands and then every revision before, newest first; empty for no such dose."""
    now = select(_WHOLE_ROW.label("row"), Dose.revision.label("revision")).where(
        Dose.id == dose_id, Dose.resident_id == resident_id
    )
    before = select(DoseRevision.row, DoseRevision.revision).where(
        DoseRevision.dose_id == dose_id, DoseRevision.resident_id == resident_id
    )
    every = now.union_all(before).subquery()
    return _read(session, session.scalars(select(every.c.row).order_by(every.c.revision.desc())).all())


def dose_by_staff(session: Session, dose_id: int, staff_id: int) -> DoseDraft | None:
    """Return a dose of whichever person if this member of staff wrote it last: what "same again" repeats."""
    row = session.scalar(
        select(_WHOLE_ROW).where(
            Dose.id == dose_id, Dose.changed_by == staff_id, Dose.state == DoseState.ACTIVE
        )
    )
    return _read(session, [row])[0].draft if row is not None else None


def _read(session: Session, rows: Sequence[Mapping[str, Any]]) -> list[StoredDose]:
    places = _by_id(
        session,
        select(MedicalInstitution.id, MedicalInstitution.code, MedicalInstitution.name),
        MedicalInstitution.id,
        (row["medical_institution_id"] for row in rows),
    )
    checks = _by_id(
        session,
        select(
            IdentityCheck.id,
            IdentityCheck.method,
            IdentityCheck.document,
            IdentityCheck.checked_at,
            StaffAccount.display_name,
        ).join(StaffAccount, StaffAccount.id == IdentityCheck.checked_by),
        IdentityCheck.id,
        (row["identity_check_id"] for row in rows),
    )
    staff = _by_id(
        session,
        select(StaffAccount.id, StaffAccount.display_name),
        StaffAccount.id,
        (row["changed_by"] for row in rows),
    )
    return [
        _stored(
            row,
            places.get(row["medical_institution_id"]),
            checks.get(row["identity_check_id"]),
            staff.get(row["changed_by"]),
        )
        for row in rows
    ]


def _by_id(session: Session, query: Any, column: Any, ids: Iterable[int | None]) -> dict[int | None, Any]:
    wanted = {key for key in ids if key is not None}
    if not wanted:
        return {}
    return {row[0]: row for row in session.execute(query.where(column.in_(wanted)))}


def _stored(row: Mapping[str, Any], place: Any, check: Any, staff: Any) -> StoredDose:
    return StoredDose(
        id=row["id"],
        revision=row["revision"],
        record_group=RecordGroup(row["record_group"]),
        draft=_draft(row, place, check),
        institution=place.name if place else row["medical_institution_name"],
        ages=DoseAges(row["age_when_given"], row["age_at_fiscal_year_end"], row["age_on_reference_date"]),
        alerts=tuple(row["alerts"]),
        alert_reason=row["alert_reason"],
        source=DoseSource(row["source"]),
        state=DoseState(row["state"]),
        staff_id=row["changed_by"],
        staff=staff.display_name if staff else None,
        changed_at=datetime.fromisoformat(row["changed_at"]),
        change_reason=row["change_reason"],
        identity_checked_by=check.display_name if check else None,
        identity_checked_at=check.checked_at if check else None,
    )


def _draft(row: Mapping[str, Any], place: Any, check: Any) -> DoseDraft:
    def code(kind: Any, value: Any) -> Any:
        return kind(value) if value is not None else None

    uncoded = place.name if place and place.code is None else None
    return DoseDraft(
        vaccine=row["vaccine"],
        given_on=date.fromisoformat(row["given_on"]),
        dose_number=row["dose_number"],
        judgement=Judgement(row["judgement"]),
        dose_category=DoseCategory(row["dose_category"]),
        delivery_category=code(DeliveryCategory, row["delivery_category"]),
        ineligibility_judgement=code(IneligibilityJudgement, row["ineligibility_judgement"]),
        institution_code=place.code if place else None,
        institution_name=uncoded or row["medical_institution_name"],
        physician=row["physician"],
        lot_number=row["lot_number"],
        fee=row["fee"],
        remarks=row["remarks"],
        pneumococcal_type=code(PneumococcalType, row["pneumococcal_type"]),
        municipality_code=row["municipality_code"],
        ticket_number=row["ticket_number"],
        vaccination_status=code(VaccinationStatus, row["vaccination_status"]),
        manufacturer=row["manufacturer"],
        vaccine_kind=row["vaccine_kind"],
        product_name=row["product_name"],
        identity_method=IdentityCheckMethod(check.method) if check else None,
        identity_document=IdentityDocument(check.document) if check else None,
    )
