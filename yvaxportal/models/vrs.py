"""The vaccination record system, as far as the portal plays it where there is no connection (``local``).

Tables of their own: what VRS has is a copy that may differ from the portal's doses and certificates, which
change only with their checks and their audit. Of a person there is nothing here but numbers: who they are
stands in the portal already.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import CertificateKind, VaccinationStatus, VrsFlag


class VrsTicket(Base):
    """A ticket registered for somebody to be vaccinated. The personal number sent with it is not kept."""

    __tablename__ = "vrs_ticket"
    __table_args__ = (CheckConstraint("ticket_number ~ '^[0-9]{10}$'", name="ticket_number"),)

    ticket_number: Mapped[str] = mapped_column(primary_key=True)
    atena_number: Mapped[str] = mapped_column(index=True)
    flag: Mapped[VrsFlag | None] = mapped_column(code_type(VrsFlag))
    registered_at: Mapped[datetime]


class VrsDose(Base):
    """A dose as VRS has it (columns 2 to 9 of its ledger download, and what a certificate needs)."""

    __tablename__ = "vrs_dose"
    __table_args__ = (
        Index("uq_vrs_dose_ticket_number", "ticket_number", "dose_number", unique=True),
        CheckConstraint("municipality_code ~ '^[0-9]{6}$'", name="municipality_code"),
        CheckConstraint("dose_number BETWEEN 1 AND 9", name="dose_number"),
    )

    id: Mapped[Identifier]
    record_id: Mapped[str] = mapped_column(unique=True)
    municipality_code: Mapped[str]
    ticket_number: Mapped[str] = mapped_column(ForeignKey("vrs_ticket.ticket_number"))
    dose_number: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[VaccinationStatus] = mapped_column(code_type(VaccinationStatus))
    given_on: Mapped[date]
    manufacturer: Mapped[str]
    lot_number: Mapped[str]
    registered_at: Mapped[datetime]
    given_at: Mapped[str | None] = mapped_column(comment="venue")
    physician: Mapped[str | None]
    vaccine: Mapped[str | None]
    product_name: Mapped[str | None]


class VrsDeletedDose(Base):
    """That there was a dose, and nothing of what it said."""

    __tablename__ = "vrs_deleted_dose"

    record_id: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[datetime]


class VrsCertificate(Base):
    """An issued certificate. Passport details are not kept here; they are in the register of certificates."""

    __tablename__ = "vrs_certificate"

    id: Mapped[Identifier]
    certificate_id: Mapped[str] = mapped_column(unique=True)
    ticket_number: Mapped[str] = mapped_column(ForeignKey("vrs_ticket.ticket_number"), index=True)
    kind: Mapped[CertificateKind] = mapped_column(code_type(CertificateKind))
    issued_on: Mapped[date]
    records: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, comment="what stands on it")
