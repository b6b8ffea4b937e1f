"""Runs of letters: what was printed for whom, in which order, and what became of it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import LetterKind, LetterRunState, LetterState


class LetterRun(Base):
    """One run: one data file, one template, one order. ``data_sha256`` and ``template_sha256`` name both.

    It stays ``queued`` until its file is made, in the same transaction as its letters and tickets; how far
    the file is, and why there is none, is in the output.
    """

    __tablename__ = "letter_run"
    __table_args__ = (
        Index("ix_letter_run_extraction_id", "extraction_id"),
        Index("ix_letter_run_supplement_of", "supplement_of"),
    )

    id: Mapped[Identifier]
    extraction_id: Mapped[int | None] = mapped_column(ForeignKey("target_extraction.id"))
    supplement_of: Mapped[int | None] = mapped_column(
        ForeignKey("letter_run.id"), comment="the run whose held letters this one prints"
    )
    kind: Mapped[LetterKind] = mapped_column(code_type(LetterKind))
    template: Mapped[str]
    template_sha256: Mapped[str | None]
    title: Mapped[str]
    printed_for: Mapped[date] = mapped_column(comment="the day that the letters carry")
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    requested_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    requested_at: Mapped[datetime]
    state: Mapped[LetterRunState] = mapped_column(code_type(LetterRunState))
    problem: Mapped[str | None] = mapped_column(comment="kind of the failure, nothing personal")
    data_sha256: Mapped[str | None]
    output_id: Mapped[int | None] = mapped_column(ForeignKey("output.id"))
    finished_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class Letter(Base):
    """One person's letter of a run; ``sequence`` is its place in the printed pile, null for who has none."""

    __tablename__ = "letter"
    __table_args__ = (
        CheckConstraint("(sequence IS NULL) = (bundle IS NULL)", name="bundle"),
        CheckConstraint("sequence IS NOT NULL OR reason IS NOT NULL", name="reason"),
        CheckConstraint("(sequence IS NULL) = (state IN ('held', 'dropped'))", name="printed"),
        Index("uq_letter_sequence", "run_id", "sequence", unique=True),
        Index("ix_letter_resident_id", "resident_id"),
    )

    run_id: Mapped[int] = mapped_column(ForeignKey("letter_run.id", ondelete="CASCADE"), primary_key=True)
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int | None]
    bundle: Mapped[int | None] = mapped_column(SmallInteger)
    pages: Mapped[int | None] = mapped_column(SmallInteger)
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    state: Mapped[LetterState] = mapped_column(code_type(LetterState))
    reason: Mapped[str | None] = mapped_column(comment="code: why it was held, dropped or spoiled")
    detail: Mapped[str | None] = mapped_column(comment="e.g. the characters that the font lacks")
    released_by: Mapped[int | None] = mapped_column(
        ForeignKey("staff_account.id"), comment="the second person, who lets a held letter be printed"
    )
    released_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    settled_at: Mapped[datetime | None]
