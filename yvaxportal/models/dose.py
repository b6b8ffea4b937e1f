"""Doses: the three record groups of the assessment's annex 1 in one table, every revision kept."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
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


class MedicalInstitution(Base):
    """A place that vaccinates (実施医療機関). Schools and mass clinics have no ten-digit code."""

    __tablename__ = "medical_institution"
    __table_args__ = (CheckConstraint("code ~ '^[0-9]{10}$'", name="code"),)

    id: Mapped[Identifier]
    code: Mapped[str | None] = mapped_column(unique=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(index=True, comment="values.kana.fold_name of the name")
    postal_code: Mapped[str | None]
    address: Mapped[str | None]
    phone_number: Mapped[str | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]


class IdentityCheck(Base):
    """The check of who was vaccinated or applied (measure M01): method, document, staff, time."""

    __tablename__ = "identity_check"

    id: Mapped[Identifier]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    method: Mapped[IdentityCheckMethod] = mapped_column(code_type(IdentityCheckMethod))
    document: Mapped[IdentityDocument] = mapped_column(code_type(IdentityDocument))
    checked_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    checked_at: Mapped[datetime]


class Dose(Base):
    """One visit for one dose of one vaccine.

    Ages are whole months as they stood when the record was made (years × 12 + months), null where the
    birth date is not wholly known. ``fee`` is in yen. A trigger copies the old row to
    :class:`DoseRevision` on every update and refuses deletion outside a retention run.
    """

    __tablename__ = "dose"
    __table_args__ = (
        CheckConstraint("dose_number BETWEEN 1 AND 99", name="dose_number"),
        CheckConstraint("fee IS NULL OR fee >= 0", name="fee"),
        CheckConstraint("state <> 'cancelled' OR change_reason IS NOT NULL", name="cancelled_with_reason"),
        CheckConstraint(
            "municipality_code IS NULL OR municipality_code ~ '^[0-9]{6}$'", name="municipality_code"
        ),
        CheckConstraint("ticket_number IS NULL OR ticket_number ~ '^[0-9]{10}$'", name="ticket_number"),
        Index("ix_dose_resident_id_given_on", "resident_id", "given_on"),
        Index(
            "uq_dose_active",
            "resident_id",
            "vaccine",
            "given_on",
            "dose_number",
            unique=True,
            postgresql_where="state = 'active' AND judgement = 'given'",
        ),
        Index("ix_dose_ticket_number", "ticket_number", postgresql_where="ticket_number IS NOT NULL"),
        Index(
            "ix_dose_lot_number",
            "lot_number",
            "vaccine",
            "given_on",
            postgresql_where="state = 'active' AND lot_number IS NOT NULL",
        ),
    )

    id: Mapped[Identifier]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    record_group: Mapped[RecordGroup] = mapped_column(code_type(RecordGroup))
    vaccine: Mapped[str] = mapped_column(comment="code of programme.catalogue")
    dose_number: Mapped[int] = mapped_column(SmallInteger)
    given_on: Mapped[date]
    judgement: Mapped[Judgement] = mapped_column(code_type(Judgement))
    ineligibility_judgement: Mapped[IneligibilityJudgement | None] = mapped_column(
        code_type(IneligibilityJudgement),
    )
    dose_category: Mapped[DoseCategory] = mapped_column(code_type(DoseCategory))
    delivery_category: Mapped[DeliveryCategory | None] = mapped_column(code_type(DeliveryCategory))
    medical_institution_id: Mapped[int | None] = mapped_column(ForeignKey("medical_institution.id"))
    medical_institution_name: Mapped[str | None] = mapped_column(
        comment="as received, where no code is known"
    )
    physician: Mapped[str | None]
    lot_number: Mapped[str | None]
    fee: Mapped[int | None]
    remarks: Mapped[str | None]
    pneumococcal_type: Mapped[PneumococcalType | None] = mapped_column(code_type(PneumococcalType))
    age_when_given: Mapped[int | None] = mapped_column(SmallInteger, comment="months")
    age_at_fiscal_year_end: Mapped[int | None] = mapped_column(SmallInteger, comment="months")
    age_on_reference_date: Mapped[int | None] = mapped_column(SmallInteger, comment="months; elderly only")
    municipality_code: Mapped[str | None]
    ticket_number: Mapped[str | None]
    vaccination_status: Mapped[VaccinationStatus | None] = mapped_column(code_type(VaccinationStatus))
    manufacturer: Mapped[str | None]
    vaccine_kind: Mapped[str | None]
    product_name: Mapped[str | None]
    alerts: Mapped[list[str]] = mapped_column(JSONB, comment="codes of the alerts that were accepted")
    alert_reason: Mapped[str | None]
    identity_check_id: Mapped[int | None] = mapped_column(ForeignKey("identity_check.id"))
    source: Mapped[DoseSource] = mapped_column(code_type(DoseSource))
    state: Mapped[DoseState] = mapped_column(code_type(DoseState))
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    changed_at: Mapped[datetime]
    change_reason: Mapped[str | None]
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class DoseRevision(Base):
    """A superseded row of :class:`Dose`, whole, as the database's trigger kept it. Never written by code."""

    __tablename__ = "dose_revision"

    dose_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    resident_id: Mapped[int] = mapped_column(BigInteger, index=True)
    row: Mapped[dict[str, Any]] = mapped_column(JSONB)
    replaced_at: Mapped[datetime]
