"""What about a person changes what the programme allows, beside age, sex and doses (特別の事情)."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import CircumstanceKind


class SpecialCircumstance(Base):
    """One circumstance of one person; taken back rather than deleted.

    ``subject`` says what it is about: a disease, an organ (risk groups aged 60 to 64), a programme; empty
    where the kind says it all. ``ends_on``: the last day it holds; for a long illness the day its reason
    ended (施行令3条2項), for a pregnancy the expected delivery date.
    """

    __tablename__ = "special_circumstance"
    __table_args__ = (
        CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name="period"),
        CheckConstraint("(cancelled_at IS NULL) = (cancel_reason IS NULL)", name="cancelled_with_reason"),
        Index("ix_special_circumstance_resident_id", "resident_id", postgresql_where="cancelled_at IS NULL"),
    )

    id: Mapped[Identifier]
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"))
    kind: Mapped[CircumstanceKind] = mapped_column(code_type(CircumstanceKind))
    subject: Mapped[str]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    detail: Mapped[str | None]
    recorded_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    recorded_at: Mapped[datetime]
    cancelled_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None]
