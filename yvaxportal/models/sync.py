"""How far the portal has followed the other systems, and what it would not take from them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import MergeSource


class SyncState(Base):
    """How far one system was followed (``resident_register``, ``tax``, ``welfare``)."""

    __tablename__ = "sync_state"

    system: Mapped[str] = mapped_column(primary_key=True)
    cursor: Mapped[str | None] = mapped_column(comment="the other side's; changes go on after it")
    snapshot_id: Mapped[str | None] = mapped_column(comment="of a first load under way")
    snapshot_after: Mapped[str | None] = mapped_column(comment="last atena number that was taken over")
    snapshot_cursor: Mapped[str | None] = mapped_column(comment="where changes go on after the first load")
    snapshot_started_at: Mapped[datetime | None]
    snapshot_expected: Mapped[int | None]
    snapshot_taken: Mapped[int | None]
    as_of: Mapped[datetime | None] = mapped_column(comment="the other side's moment of what came last")
    more: Mapped[bool] = mapped_column(comment="whether the other side had more when it was last asked")
    started_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(comment="kind and problem, nothing personal; empty after a success")


class RegisterVersion(Base):
    """Which version of a person the portal took over last: an older one is refused."""

    __tablename__ = "register_version"

    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    taken_at: Mapped[datetime]


class AppliedChange(Base):
    """A change of the register that had its effect: delivered again, it has none."""

    __tablename__ = "applied_change"
    __table_args__ = (Index("ix_applied_change_applied_at", "applied_at"),)

    change_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    atena_number: Mapped[str]
    processed_at: Mapped[datetime]
    applied_at: Mapped[datetime]


class SyncRefusal(Base):
    """What came and was not taken over, for a person to look at. Never holds a personal number."""

    __tablename__ = "sync_refusal"
    __table_args__ = (
        Index("uq_sync_refusal_reference", "system", "reference", "reason", unique=True),
        Index("ix_sync_refusal_open", "system", "id", postgresql_where="settled_at IS NULL"),
    )

    id: Mapped[Identifier]
    system: Mapped[str]
    reference: Mapped[str] = mapped_column(comment="change id, or snapshot and atena number")
    kind: Mapped[str]
    atena_number: Mapped[str | None]
    reason: Mapped[str] = mapped_column(comment="a code of services.sync.judging")
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    times: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))


class ResidentMerge(Base):
    """Two atena numbers turned out to be one person; what was moved, so that it can be taken apart again.

    It stands until ``undone_at``. ``moved`` is written by ``services.sync.merging``, ``undone`` by
    ``services.doubles.taking_apart``; neither ever holds a name or a text, only ids, codes and flags.
    """

    __tablename__ = "resident_merge"
    __table_args__ = (
        CheckConstraint("(source = 'staff') = (recorded_by IS NOT NULL)", name="recorded_by_staff"),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone_by_somebody"),
        CheckConstraint("undone_at IS NULL OR undo_reason IS NOT NULL", name="undone_with_reason"),
        Index("ix_resident_merge_kept_resident_id", "kept_resident_id"),
        Index("ix_resident_merge_standing", "merged_resident_id", postgresql_where="undone_at IS NULL"),
    )

    id: Mapped[Identifier]
    change_id: Mapped[str] = mapped_column(unique=True)
    kept_resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"))
    merged_resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id"), index=True)
    decided_on: Mapped[date]
    merged_at: Mapped[datetime]
    moved: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="ids by table; doses as old and new id")
    source: Mapped[MergeSource] = mapped_column(code_type(MergeSource), server_default="register")
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    reference: Mapped[str | None] = mapped_column(comment="by which the register's decision is found")
    reason: Mapped[str | None]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    undo_reason: Mapped[str | None]
    undone: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
