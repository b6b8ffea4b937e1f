"""Tickets (接種券), certificates (接種証明書) and what a travel certificate needs of the passport."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import CertificateKind, CertificateState, TicketState


class Ticket(Base):
    """One issued ticket. The ten-digit number is fixed for a person within the municipality.

    A reissue gives the person another number, so that paper which is void can be told by its line.
    ``programme`` is empty for tickets of other systems, which do not tell it.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("ticket_number ~ '^[0-9]{10}$'", name="ticket_number"),
        CheckConstraint("municipality_code ~ '^[0-9]{6}$'", name="municipality_code"),
        CheckConstraint("ticket_kind ~ '^[0-9]$'", name="ticket_kind"),
        Index(
            "uq_ticket_line",
            "municipality_code",
            "ticket_number",
            "programme",
            "vaccine",
            "ticket_kind",
            "dose_number",
            unique=True,
            postgresql_where="state <> 'void'",
        ),
        Index("ix_ticket_ticket_number", "ticket_number"),
    )

    id: Mapped[Identifier]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    programme: Mapped[str] = mapped_column(server_default="", comment="code of programme.schedule")
    vaccine: Mapped[str] = mapped_column(comment="code of programme.catalogue")
    ticket_kind: Mapped[str]
    dose_number: Mapped[int] = mapped_column(SmallInteger)
    municipality_code: Mapped[str]
    ticket_number: Mapped[str]
    issued_on: Mapped[date]
    state: Mapped[TicketState] = mapped_column(code_type(TicketState))
    void_reason: Mapped[str | None]
    voided_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    voided_at: Mapped[datetime | None]
    replaces_id: Mapped[int | None] = mapped_column(
        ForeignKey("ticket.id"), comment="the void ticket it was issued for"
    )


class Certificate(Base):
    """An issued COVID-19 vaccination certificate (items covid19 14 and 15). Ids are never reused."""

    __tablename__ = "certificate"

    id: Mapped[Identifier]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    certificate_id: Mapped[str] = mapped_column(unique=True)
    certificate_issued_on: Mapped[date]
    kind: Mapped[CertificateKind] = mapped_column(code_type(CertificateKind))
    state: Mapped[CertificateState] = mapped_column(code_type(CertificateState))
    void_reason: Mapped[str | None]
    identity_check_id: Mapped[int | None] = mapped_column(ForeignKey("identity_check.id"))
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    recorded_at: Mapped[datetime]


class PassportDetails(Base):
    """Passport data of a travel certificate (item covid19 13); kept only where a certificate needs it."""

    __tablename__ = "passport_details"

    certificate_id: Mapped[int] = mapped_column(
        ForeignKey("certificate.id", ondelete="CASCADE"), primary_key=True
    )
    former_surname: Mapped[str | None]
    other_surname: Mapped[str | None]
    other_name: Mapped[str | None]
    roman_name: Mapped[str]
    nationality: Mapped[str]
    passport_number: Mapped[str]
