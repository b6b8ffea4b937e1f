"""Numbers that may be one person (同一人の可能性), as the nightly search finds them and people decide."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import DoubleState


class ResidentDouble(Base):
    """Two numbers that may be one person, and what was decided about them last.

    ``fingerprint`` names what of both was compared: a pair that somebody found to be two people is listed
    again only when it differs. ``why`` are codes of ``services.doubles.scoring``.
    """

    __tablename__ = "resident_double"
    __table_args__ = (
        CheckConstraint("first_id < second_id", name="ordered"),
        CheckConstraint("state = 'open' OR state_at IS NOT NULL", name="decided"),
        UniqueConstraint("first_id", "second_id"),
        Index("ix_resident_double_second_id", "second_id"),
        Index("ix_resident_double_listed", "state", text("score DESC"), "id"),
    )

    id: Mapped[Identifier]
    first_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"))
    second_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"))
    score: Mapped[int] = mapped_column(SmallInteger, comment="of 100 points")
    why: Mapped[list[str]] = mapped_column(JSONB)
    state: Mapped[DoubleState] = mapped_column(code_type(DoubleState))
    fingerprint: Mapped[str]
    found_at: Mapped[datetime] = mapped_column(comment="when it came onto the list, also anew")
    seen_at: Mapped[datetime] = mapped_column(comment="by the last search that found it")
    state_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    state_at: Mapped[datetime | None]
    reason: Mapped[str | None] = mapped_column(comment="why it is not the same person, or how it was told")
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class DoubleSearch(Base):
    """One search for doubles through everybody: the page says of which moment the list is."""

    __tablename__ = "double_search"

    id: Mapped[Identifier]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    compared: Mapped[int] = mapped_column(comment="pairs that a key brought together")
    listed: Mapped[int]
