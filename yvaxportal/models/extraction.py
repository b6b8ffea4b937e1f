"""Lists of targets (対象者の抽出), frozen when saved: who was taken, who was not, and by which rule."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import (
    ExtractionJobKind,
    ExtractionJobState,
    ExtractionState,
    MemberStanding,
    Sex,
)


class TargetExtraction(Base):
    """One saved list. ``criteria``, ``schedule_version`` and ``data_as_of`` tell how it came about.

    ``funnel`` has one entry for each rule in order: its code, how many it took out, how many remained.
    Only ``state`` and the members' standing change afterwards, by hand and with a reason; ``revision`` counts
    that, so that of two who change it at once one wins.
    """

    __tablename__ = "target_extraction"
    __table_args__ = (Index("ix_target_extraction_programme", "programme", "id"),)

    id: Mapped[Identifier]
    title: Mapped[str]
    programme: Mapped[str] = mapped_column(comment="code of programme.schedule")
    reference_date: Mapped[date] = mapped_column(comment="the day on which the rules were asked")
    criteria: Mapped[dict[str, Any]] = mapped_column(JSONB)
    schedule_version: Mapped[str]
    funnel: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    data_as_of: Mapped[datetime]
    state: Mapped[ExtractionState] = mapped_column(code_type(ExtractionState))
    created_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    created_at: Mapped[datetime]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    withdrawn_at: Mapped[datetime | None]
    withdraw_reason: Mapped[str | None]
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class ExtractionMember(Base):
    """Somebody of the base cohort, or added by hand.

    ``excluded_by`` is the code of the first rule that took the person out, null for who is on the list;
    ``detail`` holds what that rule looked at. Birth date, sex and area are those of the moment, so that
    figures do not change when people move.
    """

    __tablename__ = "extraction_member"
    __table_args__ = (
        Index("ix_extraction_member_resident_id", "resident_id"),
        Index(
            "ix_extraction_member_included",
            "extraction_id",
            "resident_id",
            postgresql_where="excluded_by IS NULL AND standing <> 'removed'",
        ),
    )

    extraction_id: Mapped[int] = mapped_column(
        ForeignKey("target_extraction.id", ondelete="CASCADE"), primary_key=True
    )
    resident_id: Mapped[int] = mapped_column(ForeignKey("resident.id", ondelete="CASCADE"), primary_key=True)
    excluded_by: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    dose_number: Mapped[int | None] = mapped_column(SmallInteger, comment="the dose invited to")
    date_of_birth_written: Mapped[str]
    sex: Mapped[Sex] = mapped_column(code_type(Sex))
    address_town_code: Mapped[str | None]
    support_measure: Mapped[bool]
    standing: Mapped[MemberStanding] = mapped_column(code_type(MemberStanding))
    standing_reason: Mapped[str | None]
    standing_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    standing_at: Mapped[datetime | None]


class ExtractionJob(Base):
    """What a worker does about a list of targets that is not saved yet; the row stays.

    ``shown`` are the figures that a list is saved by. ``outcome`` is what came of it: figures of
    a trial run, or what each register answered; counts only, nobody.
    """

    __tablename__ = "extraction_job"
    __table_args__ = (
        CheckConstraint("extraction_id IS NULL OR kind = 'save'", name="only_saved"),
        Index("ix_extraction_job_requested_by", "requested_by", "id"),
        Index("ix_extraction_job_open", "id", postgresql_where="state IN ('queued', 'running')"),
    )

    id: Mapped[Identifier]
    kind: Mapped[ExtractionJobKind] = mapped_column(code_type(ExtractionJobKind))
    state: Mapped[ExtractionJobState] = mapped_column(code_type(ExtractionJobState))
    criteria: Mapped[dict[str, Any]] = mapped_column(JSONB)
    title: Mapped[str]
    shown: Mapped[list[int] | None] = mapped_column(JSONB(none_as_null=True))
    known_states: Mapped[bool] = mapped_column(comment="saved although states are missing or old")
    phase: Mapped[str] = mapped_column(comment="what the worker is at; empty before it began")
    done: Mapped[int]
    total: Mapped[int | None]
    cancel_requested: Mapped[bool]
    attempts: Mapped[int] = mapped_column(comment="how often a worker began")
    problem: Mapped[str | None] = mapped_column(comment="kind of the failure, nothing personal")
    outcome: Mapped[dict[str, Any]] = mapped_column(JSONB)
    extraction_id: Mapped[int | None] = mapped_column(ForeignKey("target_extraction.id"))
    requested_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    requested_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
