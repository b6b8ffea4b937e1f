"""National tables (国へ報告する集計表), frozen: each figure with its members and the moment of its data."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import ReportSubject


class ReportSnapshot(Base):
    """One table as it stood at one moment. Only the closing changes afterwards.

    ``definition`` is the definition that was in force, whole, so that the table is drawn from it for ever;
    ``definition_sha256`` and ``rules_version`` tell whether two tables were counted by the same rules.
    ``content_sha256`` covers header, figures and members. What is made after a closing supersedes it, with a
    reason.
    """

    __tablename__ = "report_snapshot"
    __table_args__ = (
        CheckConstraint("first_day <= last_day", name="period"),
        CheckConstraint("(closed_at IS NULL) = (closed_by IS NULL)", name="closed_by_somebody"),
        Index("ix_report_snapshot_report", "report", "fiscal_year", "period", "id"),
    )

    id: Mapped[Identifier]
    report: Mapped[str] = mapped_column(comment="code of services.reports.definitions")
    fiscal_year: Mapped[int] = mapped_column(SmallInteger)
    period: Mapped[str] = mapped_column(comment="year, h1, h2, or m04 to m03")
    first_day: Mapped[date]
    last_day: Mapped[date]
    municipality_code: Mapped[str]
    rules_version: Mapped[str] = mapped_column(comment="short hash of vaccines and programme in force")
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    definition_sha256: Mapped[str]
    data_as_of: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    made_at: Mapped[datetime]
    reason: Mapped[str | None] = mapped_column(comment="why it was made anew after a closing")
    content_sha256: Mapped[str]
    supersedes: Mapped[int | None] = mapped_column(ForeignKey("report_snapshot.id"), unique=True)
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))


class ReportCell(Base):
    """The smallest figure that a table is made of; what pages show are sums of these.

    ``column_key`` says what its members have in common (``services.reports.atoms``). ``members_sha256`` is
    the digest of ``id:revision`` of the members in the order of their ids.
    """

    __tablename__ = "report_cell"
    __table_args__ = (
        CheckConstraint("value > 0", name="value"),
        UniqueConstraint("snapshot_id", "row_key", "column_key"),
    )

    id: Mapped[Identifier]
    snapshot_id: Mapped[int] = mapped_column(ForeignKey("report_snapshot.id", ondelete="CASCADE"))
    row_key: Mapped[str]
    column_key: Mapped[str]
    subject: Mapped[ReportSubject] = mapped_column(code_type(ReportSubject))
    value: Mapped[int]
    members_sha256: Mapped[str]


class ReportMember(Base):
    """A dose or a resident counted in a figure, at the revision of the moment.

    No foreign key to what is counted: retention removes doses and people, and the figure that was reported
    stays.
    """

    __tablename__ = "report_member"
    __table_args__ = (Index("ix_report_member_subject_id", "subject_id"),)

    cell_id: Mapped[int] = mapped_column(ForeignKey("report_cell.id", ondelete="CASCADE"), primary_key=True)
    subject_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, comment="dose.id or resident.id")
    revision: Mapped[int]
