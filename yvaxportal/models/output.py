"""Files that leave the portal (measures M16 to M24, M26): request, approval, hand-over, media, wiping."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import MediumKind, MediumState, OutputState


class Output(Base):
    """One file, from the request until it is wiped; the row stays.

    ``subject`` names by ids what it is made of. ``archive_sha256`` is the digest of the encrypted file that
    is handed over; an approval counts for exactly ``approved_sha256``. ``sealed_password`` is encrypted under
    the key ring and removed once it was shown.
    """

    __tablename__ = "output"
    __table_args__ = (
        CheckConstraint("decided_by IS NULL OR decided_by <> requested_by", name="decided_by_another_person"),
        CheckConstraint("state <> 'wiped' OR wiped_at IS NOT NULL", name="wiped"),
        Index("ix_output_requested_by", "requested_by", "id"),
        Index(
            "ix_output_open",
            "expires_at",
            postgresql_where="state IN ('queued', 'making', 'awaiting_approval', 'ready')",
        ),
    )

    id: Mapped[Identifier]
    layout: Mapped[str] = mapped_column(comment="code of outputs.layouts")
    title: Mapped[str]
    purpose: Mapped[str]
    subject: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="ids only, nothing personal")
    requested_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    requested_at: Mapped[datetime]
    state: Mapped[OutputState] = mapped_column(code_type(OutputState))
    problem: Mapped[str | None] = mapped_column(comment="kind of the failure, nothing personal")
    problem_detail: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), comment="e.g. row numbers and code points, nothing personal"
    )
    attempts: Mapped[int] = mapped_column(comment="how often a worker began to make it")
    done: Mapped[int]
    total: Mapped[int | None]
    cancel_requested: Mapped[bool]
    people: Mapped[int | None] = mapped_column(comment="people in the file, each in output_person")
    file_name: Mapped[str | None] = mapped_column(comment="of the file inside the archive")
    size: Mapped[int | None] = mapped_column(BigInteger, comment="bytes of the archive")
    content_sha256: Mapped[str | None]
    archive_sha256: Mapped[str | None]
    sealed_password: Mapped[bytes | None] = mapped_column(LargeBinary)
    password_shown_at: Mapped[datetime | None]
    approval_needed: Mapped[bool | None]
    approved_sha256: Mapped[str | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    made_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    wiped_at: Mapped[datetime | None]
    wipe_reason: Mapped[str | None] = mapped_column(comment="a code of outputs.store.WipeReason")
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class OutputPerson(Base):
    """Somebody whose data is in a file: people are counted one by one (M16)."""

    __tablename__ = "output_person"
    __table_args__ = (Index("ix_output_person_resident_id", "resident_id"),)

    output_id: Mapped[int] = mapped_column(ForeignKey("output.id", ondelete="CASCADE"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)


class StorageMedium(Base):
    """A dedicated medium of the register (媒体管理簿, M21); nothing else may carry a file out."""

    __tablename__ = "storage_medium"

    id: Mapped[Identifier]
    label: Mapped[str] = mapped_column(unique=True, comment="the number that is stuck on it")
    kind: Mapped[MediumKind] = mapped_column(code_type(MediumKind))
    serial_number: Mapped[str | None]
    state: Mapped[MediumState] = mapped_column(code_type(MediumState))
    registered_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    registered_at: Mapped[datetime]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class MediumLoan(Base):
    """One use of a medium: asked for, approved by another person, lent, returned, erased (M22, M24)."""

    __tablename__ = "medium_loan"
    __table_args__ = (
        CheckConstraint(
            "approved_by IS NULL OR approved_by <> requested_by", name="approved_by_another_person"
        ),
        CheckConstraint("erased_at IS NULL OR returned_at IS NOT NULL", name="returned_before_erased"),
        Index("uq_medium_loan_open", "medium_id", unique=True, postgresql_where="ended_at IS NULL"),
    )

    id: Mapped[Identifier]
    medium_id: Mapped[int] = mapped_column(ForeignKey("storage_medium.id"))
    purpose: Mapped[str]
    recipient: Mapped[str] = mapped_column(comment="where the medium goes")
    due_on: Mapped[date]
    requested_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    requested_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    approved_at: Mapped[datetime | None]
    refusal_reason: Mapped[str | None]
    lent_at: Mapped[datetime | None]
    returned_at: Mapped[datetime | None]
    erased_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    erased_at: Mapped[datetime | None]
    erase_method: Mapped[str | None]
    ended_at: Mapped[datetime | None] = mapped_column(comment="erased, refused or reported lost")


class OutputDownload(Base):
    """One handing-over of a file (M17): to whom, when, onto which medium."""

    __tablename__ = "output_download"
    __table_args__ = (Index("ix_output_download_output_id", "output_id"),)

    id: Mapped[Identifier]
    output_id: Mapped[int] = mapped_column(ForeignKey("output.id"))
    downloaded_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    downloaded_at: Mapped[datetime]
    medium_loan_id: Mapped[int | None] = mapped_column(ForeignKey("medium_loan.id"))
