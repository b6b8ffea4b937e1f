"""Residents: the 41 personal items of the assessment's annex 1, the personal number excepted (vault).

Address, school district and contact stand in a table of their own because the resource tree guards
them as a node of their own (people under a support measure).
"""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import (
    EligibilityKind,
    EligibilityState,
    ForeignResidentCategory,
    NameKind,
    ResidentCategory,
    Sex,
)


class Resident(Base):
    """A person the municipality holds vaccination records of. Names are kept exactly as received."""

    __tablename__ = "resident"
    __table_args__ = (
        CheckConstraint(
            "date_of_birth_written ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'", name="date_of_birth_written"
        ),
        CheckConstraint(
            "date_of_birth IS NULL OR to_char(date_of_birth, 'YYYY-MM-DD') = date_of_birth_written",
            name="date_of_birth_agrees",
        ),
        Index("ix_resident_date_of_birth_written", "date_of_birth_written", "id"),
    )

    id: Mapped[Identifier]
    atena_number: Mapped[str] = mapped_column(unique=True)
    business_atena_number: Mapped[str] = mapped_column(unique=True)
    household_number: Mapped[str] = mapped_column(index=True)
    name: Mapped[str]
    name_kana: Mapped[str | None]
    name_alphabet: Mapped[str | None]
    alias_name: Mapped[str | None]
    former_name: Mapped[str | None]
    date_of_birth_written: Mapped[str] = mapped_column(
        comment="YYYY-MM-DD, 00 where the register does not know"
    )
    date_of_birth: Mapped[date | None] = mapped_column(comment="only when wholly known")
    sex: Mapped[Sex] = mapped_column(code_type(Sex))
    relationship_to_head: Mapped[str | None]
    became_resident_reason: Mapped[str | None]
    became_resident_on: Mapped[date | None]
    became_resident_notified_on: Mapped[date | None]
    ceased_resident_reason: Mapped[str | None]
    ceased_resident_on: Mapped[date | None]
    ceased_resident_notified_on: Mapped[date | None]
    resident_category: Mapped[ResidentCategory] = mapped_column(code_type(ResidentCategory))
    is_foreign_national: Mapped[bool]
    support_measure_flag: Mapped[bool]
    register_as_of: Mapped[datetime] = mapped_column(
        comment="when the resident register last confirmed this row"
    )
    revision: Mapped[int] = mapped_column()

    contact: Mapped["ResidentContact"] = relationship(uselist=False, lazy="raise")
    foreign: Mapped["ForeignResident | None"] = relationship(uselist=False, lazy="raise")

    __mapper_args__ = {"version_id_col": revision}


class ResidentName(Base):
    """A search key: one folded name of one person, with the birth date beside it for combined searches."""

    __tablename__ = "resident_name"
    __table_args__ = (
        UniqueConstraint("resident_id", "kind", "key"),
        Index("ix_resident_name_key_id", "key", "id"),
        Index("ix_resident_name_birth_key", "date_of_birth_written", "key", "id"),
    )

    id: Mapped[Identifier]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"))
    kind: Mapped[NameKind] = mapped_column(code_type(NameKind))
    key: Mapped[str] = mapped_column(Text(collation="C"), comment="values.kana.fold_name of the name")
    date_of_birth_written: Mapped[str] = mapped_column(Text(collation="C"))


class ResidentContact(Base):
    """Where a person lives and is reached (items 9 to 15, 25, 26, 34, 35)."""

    __tablename__ = "resident_contact"
    __table_args__ = (
        Index("ix_resident_contact_address_key", "address_key", "resident_id"),
        Index("ix_resident_contact_phone_key", "phone_key"),
    )

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    postal_code: Mapped[str | None]
    current_address: Mapped[str | None]
    address_code: Mapped[str | None]
    address_town_code: Mapped[str | None]
    neighbourhood_association: Mapped[str | None]
    elementary_school_district: Mapped[str | None]
    junior_high_school_district: Mapped[str | None]
    phone_number: Mapped[str | None]
    address_before_moving_in: Mapped[str | None]
    address_after_moving_out: Mapped[str | None]
    mailing_address: Mapped[str | None]
    has_mailing_address: Mapped[bool]
    address_key: Mapped[str | None] = mapped_column(Text(collation="C"), comment="values.kana.fold_address")
    phone_key: Mapped[str | None] = mapped_column(comment="digits only")
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class ForeignResident(Base):
    """What only a foreign resident has (items 24, 28 to 31)."""

    __tablename__ = "foreign_resident"

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    nationality: Mapped[str | None]
    article_30_45_category: Mapped[ForeignResidentCategory | None] = mapped_column(
        code_type(ForeignResidentCategory),
    )
    residence_status: Mapped[str | None]
    period_of_stay: Mapped[str | None]
    residence_card_number: Mapped[str | None]
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class ResidentNote(Base):
    """Personal remarks and follow-up (items 32 and 36), written by the department itself."""

    __tablename__ = "resident_note"

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    personal_remarks: Mapped[str | None]
    follow_up: Mapped[str | None]
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    changed_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class Eligibility(Base):
    """One period of one eligibility, with the day it was true on (items 37 to 41)."""

    __tablename__ = "eligibility"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="period"),
        Index("ix_eligibility_resident_id_kind", "resident_id", "kind", "valid_from"),
    )

    id: Mapped[Identifier]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"))
    kind: Mapped[EligibilityKind] = mapped_column(code_type(EligibilityKind))
    state: Mapped[EligibilityState] = mapped_column(code_type(EligibilityState))
    detail: Mapped[str | None] = mapped_column(comment="e.g. grade of the disability certificate")
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    as_of: Mapped[datetime] = mapped_column(comment="when the source said so")
    source: Mapped[str] = mapped_column(comment="adapter name, or 'staff'")


class EligibilityAnswer(Base):
    """When a register last said what it knows of somebody, also when it knows of nothing."""

    __tablename__ = "eligibility_answer"

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    system: Mapped[str] = mapped_column(primary_key=True, comment="adapter name")
    as_of: Mapped[datetime] = mapped_column(comment="when the register said so")


class SupportMeasure(Base):
    """A support measure for victims (支援措置): one year, renewed, never lifted by date alone."""

    __tablename__ = "support_measure"
    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="period"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    provisional: Mapped[bool]
    lifted_at: Mapped[datetime | None]
