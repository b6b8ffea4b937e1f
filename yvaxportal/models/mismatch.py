"""The mismatch desk: second entries from the paper, and samples of recorded rows compared with it."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import SampleVerdict, SecondEntryChoice, SettledBy


class SecondEntryPlan(Base):
    """Which rows of a file are typed a second time, and which fields of them.

    ``seed`` names the sample: the rows come in the order of md5(seed:number). ``set_by`` is None where the
    layout says so.
    """

    __tablename__ = "second_entry_plan"
    __table_args__ = (
        CheckConstraint("percent IS NULL OR percent BETWEEN 1 AND 100", name="percent"),
        CheckConstraint("from_points IS NULL OR from_points BETWEEN 1 AND 100", name="from_points"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    chosen: Mapped[SecondEntryChoice] = mapped_column(code_type(SecondEntryChoice))
    from_points: Mapped[int | None] = mapped_column(SmallInteger)
    percent: Mapped[int | None] = mapped_column(SmallInteger)
    seed: Mapped[str]
    fields: Mapped[list[str]] = mapped_column(JSONB)
    wanted: Mapped[int] = mapped_column(comment="rows chosen when the plan was set")
    set_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    set_at: Mapped[datetime]


class SecondEntry(Base):
    """Who typed a row again, and who settled what differed."""

    __tablename__ = "second_entry"
    __table_args__ = (
        ForeignKeyConstraint(
            ["batch_id", "number"], ["import_row.batch_id", "import_row.number"], ondelete="CASCADE"
        ),
        CheckConstraint(
            "settled_by IS NULL OR (settled_by <> typed_by AND settle_reason IS NOT NULL)",
            name="settled_by_another",
        ),
    )

    batch_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    typed_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    typed_at: Mapped[datetime]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    settled_at: Mapped[datetime | None]
    settle_reason: Mapped[str | None]


class SecondEntryField(Base):
    """One field typed again: the text, whether it says the same, and which of the two was right."""

    __tablename__ = "second_entry_field"
    __table_args__ = (
        ForeignKeyConstraint(
            ["batch_id", "number"], ["second_entry.batch_id", "second_entry.number"], ondelete="CASCADE"
        ),
        CheckConstraint("NOT (agreed AND settled IS NOT NULL)", name="settled_where_it_differs"),
    )

    batch_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    typed: Mapped[str]
    agreed: Mapped[bool]
    settled: Mapped[SettledBy | None] = mapped_column(code_type(SettledBy))


class SampleCheck(Base):
    """A sample of recorded rows that is compared with the paper, drawn once and never again.

    Of one file (``batch_id``), or of all files of a layout recorded between two days (inclusive), of one
    sender where ``sender`` names one. ``confidence`` and ``tolerable`` are hundredths of a percent;
    ``allowed``: how many errors the size was reckoned for. The rows come in the order of
    md5(seed:batch:number) within each sender's rows.
    """

    __tablename__ = "sample_check"
    __table_args__ = (
        CheckConstraint("(batch_id IS NULL) <> (layout IS NULL)", name="of_a_file_or_a_layout"),
        CheckConstraint("size BETWEEN 1 AND population", name="size"),
    )

    id: Mapped[Identifier]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("import_batch.id"), index=True)
    layout: Mapped[str | None]
    sender: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    first_day: Mapped[date | None]
    last_day: Mapped[date | None]
    confidence: Mapped[int] = mapped_column(comment="hundredths of a percent")
    tolerable: Mapped[int] = mapped_column(comment="hundredths of a percent")
    allowed: Mapped[int] = mapped_column(SmallInteger)
    seed: Mapped[str]
    population: Mapped[int]
    size: Mapped[int]
    drawn_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    drawn_at: Mapped[datetime]


class SampleCheckRow(Base):
    """One row that was drawn, and what the paper says of it."""

    __tablename__ = "sample_check_row"
    __table_args__ = (
        CheckConstraint("verdict IS NULL OR checked_by IS NOT NULL", name="checked_by_somebody"),
        CheckConstraint("(verdict = 'wrong') = (wrong_fields IS NOT NULL)", name="wrong_in_fields"),
        Index("ix_sample_check_row_open", "check_id", "place", postgresql_where="verdict IS NULL"),
        Index("ix_sample_check_row_row", "batch_id", "number"),
    )

    check_id: Mapped[int] = mapped_column(ForeignKey("sample_check.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"))
    number: Mapped[int]
    verdict: Mapped[SampleVerdict | None] = mapped_column(code_type(SampleVerdict))
    wrong_fields: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    note: Mapped[str | None]
    checked_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    checked_at: Mapped[datetime | None]
    claimed_by: Mapped[int | None] = mapped_column(BigInteger)
    claimed_until: Mapped[datetime | None]
