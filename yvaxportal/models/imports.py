"""Files of doses that come in: the file under seal, one stored changeset a row, and every decision."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from yvaxportal.models.base import Base, Identifier, code_type
from yvaxportal.models.codes import (
    DoseSource,
    ImportDecision,
    ImportOutcome,
    ImportRowState,
    ImportState,
    SecondEntryState,
)

_OPEN = "decision IS NULL AND outcome IS NULL AND state NOT IN ('ready', 'already_there')"
_TO_APPLY = (
    "outcome IS NULL AND (decision IN ('apply', 'replace', 'keep_both') "
    "OR (decision IS NULL AND state IN ('ready', 'already_there'))) "
    "AND (second_entry IS NULL OR second_entry IN ('agreed', 'settled'))"
)
_DOUBTFUL = "doubt > 0 AND decision IS NULL AND cleared_by IS NULL AND outcome IS DISTINCT FROM 'undone'"
_TO_TYPE = (
    "second_entry IN ('wanted', 'differs') AND outcome IS NULL "
    "AND (decision IS NULL OR decision IN ('apply', 'replace', 'keep_both'))"
)


class ImportBatch(Base):
    """One file of doses. ``match_rate`` is in thousandths of the readable rows.

    ``encodings`` is what detection found (code and how sure); ``encoding`` what the sender confirmed.
    ``mapping`` is field → column of the file, counted from 0. ``facts`` of a refusal name columns and
    counts, nobody.
    """

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint("state <> 'refused' OR refusal IS NOT NULL", name="refused_with_cause"),
        CheckConstraint("undone_at IS NULL OR undo_reason IS NOT NULL", name="undone_with_reason"),
        Index("ix_import_batch_uploaded_by", "uploaded_by", "id"),
        Index("ix_import_batch_sha256", "sha256"),
    )

    id: Mapped[Identifier]
    layout: Mapped[str] = mapped_column(comment="code of services.imports.layouts")
    layout_sha256: Mapped[str | None] = mapped_column(comment="of the layout the rows were judged by")
    file_name: Mapped[str] = mapped_column(comment="as the sender named it")
    sha256: Mapped[str] = mapped_column(comment="empty when the file held a personal number")
    size: Mapped[int] = mapped_column(BigInteger, comment="bytes")
    format: Mapped[str] = mapped_column(comment="csv, tsv, fixed or xlsx")
    encodings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    encoding: Mapped[str | None]
    headings: Mapped[list[str]] = mapped_column(JSONB)
    mapping: Mapped[dict[str, int]] = mapped_column(JSONB)
    owner_groups: Mapped[str] = mapped_column(comment="groups of the sender, comma-separated")
    uploaded_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    uploaded_at: Mapped[datetime]
    state: Mapped[ImportState] = mapped_column(code_type(ImportState))
    refusal: Mapped[str | None] = mapped_column(comment="code of services.imports.refusals")
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="of the refusal, nothing personal")
    problem: Mapped[str | None] = mapped_column(comment="kind of the last failure, nothing personal")
    lines: Mapped[int | None] = mapped_column(comment="records in the file, the heading excepted")
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, comment="rows by state when they were judged")
    match_rate: Mapped[int | None] = mapped_column(SmallInteger, comment="thousandths")
    checked_at: Mapped[datetime | None]
    applied_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    applied_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("staff_account.id"))
    undone_at: Mapped[datetime | None]
    undo_reason: Mapped[str | None]
    wiped_at: Mapped[datetime | None] = mapped_column(comment="when the file itself was removed")
    revision: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": revision}


class ImportProgress(Base):
    """How far a job is. A table of its own: it is written while the job's transaction holds the batch."""

    __tablename__ = "import_progress"

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    phase: Mapped[str]
    done: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[int | None] = mapped_column(BigInteger)
    cancel_requested: Mapped[bool]
    updated_at: Mapped[datetime]


class ImportFilePart(Base):
    """A piece of an uploaded file, sealed under the key ring: what is wiped is gone from backups, too."""

    __tablename__ = "import_file_part"

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_id: Mapped[str]
    nonce: Mapped[bytes] = mapped_column(LargeBinary)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)


class ImportRow(Base):
    """One dose of one record: the stored changeset.

    ``number`` counts doses from 1, ``line`` is the line of the file on which the record begins, ``part`` the
    block within a record that holds several doses. ``raw``: field → text as received. ``parsed``: the dose
    (``dose``) and the person (``person``) as they were read. ``reasons``: codes with their facts.
    ``target``: fingerprint of the person and doses the row was judged against. ``doubt``: 0 to 100 points;
    ``doubt_reasons``: code, facts and points of each, the heaviest (``doubt_main``) first; ``cleared_by``:
    who looked at the paper and found nothing wrong.
    """

    __tablename__ = "import_row"
    __table_args__ = (
        CheckConstraint("decision IS NULL OR decided_by IS NOT NULL", name="decided_by_somebody"),
        CheckConstraint("outcome IS NULL OR dose_id IS NOT NULL", name="outcome_names_dose"),
        CheckConstraint("outcome IS DISTINCT FROM 'undone' OR undo_reason IS NOT NULL", name="undone"),
        Index("ix_import_row_open", "batch_id", "state", "number", postgresql_where=_OPEN),
        Index("ix_import_row_queue", "batch_id", "number", postgresql_where=_OPEN),
        Index("ix_import_row_to_apply", "batch_id", "resident_id", "number", postgresql_where=_TO_APPLY),
        Index("ix_import_row_dose_id", "dose_id", postgresql_where="dose_id IS NOT NULL"),
        Index("ix_import_row_doubt", "doubt", "batch_id", "number", postgresql_where=_DOUBTFUL),
        Index("ix_import_row_doubt_batch", "batch_id", "doubt", "number", postgresql_where=_DOUBTFUL),
        Index(
            "ix_import_row_doubt_state", "state", "doubt", "batch_id", "number", postgresql_where=_DOUBTFUL
        ),
        Index(
            "ix_import_row_doubt_main",
            "doubt_main",
            "doubt",
            "batch_id",
            "number",
            postgresql_where=_DOUBTFUL,
        ),
        Index("ix_import_row_to_type", "batch_id", "second_entry", "number", postgresql_where=_TO_TYPE),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    part: Mapped[int] = mapped_column(SmallInteger)
    raw: Mapped[dict[str, str]] = mapped_column(JSONB)
    parsed: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[ImportRowState] = mapped_column(code_type(ImportRowState))
    reasons: Mapped[list[Any]] = mapped_column(JSONB)
    resident_id: Mapped[int | None] = mapped_column(BigInteger)
    candidates: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    other_dose_id: Mapped[int | None] = mapped_column(BigInteger, comment="the dose it doubles")
    target: Mapped[str | None]
    decision: Mapped[ImportDecision | None] = mapped_column(code_type(ImportDecision))
    decided_by: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    claimed_by: Mapped[int | None] = mapped_column(BigInteger)
    claimed_until: Mapped[datetime | None]
    outcome: Mapped[ImportOutcome | None] = mapped_column(code_type(ImportOutcome))
    dose_id: Mapped[int | None] = mapped_column(ForeignKey("dose.id"))
    dose_revision: Mapped[int | None] = mapped_column(comment="the revision the row left the dose in")
    undone_by: Mapped[int | None] = mapped_column(BigInteger)
    undone_at: Mapped[datetime | None]
    undo_reason: Mapped[str | None]
    revision: Mapped[int] = mapped_column()
    doubt: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    doubt_reasons: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]")
    doubt_main: Mapped[str | None] = mapped_column(comment="code of the heaviest reason")
    cleared_by: Mapped[int | None] = mapped_column(BigInteger)
    cleared_at: Mapped[datetime | None]
    second_entry: Mapped[SecondEntryState | None] = mapped_column(code_type(SecondEntryState))


class ImportRowEvent(Base):
    """One decision about one row, kept for good: what was there, what was decided, by whom and why."""

    __tablename__ = "import_row_event"
    __table_args__ = (Index("ix_import_row_event_row", "batch_id", "number", "id"),)

    id: Mapped[Identifier]
    batch_id: Mapped[int] = mapped_column(BigInteger)
    number: Mapped[int]
    happened_at: Mapped[datetime]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    deed: Mapped[str] = mapped_column(comment="a decision, or: corrected, answered, changed, undone")
    reason: Mapped[str | None]
    state_before: Mapped[str]
    state_after: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB)


class ImportMapping(Base):
    """Which column of a file with these headings is which item, as somebody settled it once."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("layout", "headings_sha256"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=False), primary_key=True)
    layout: Mapped[str]
    headings_sha256: Mapped[str]
    mapping: Mapped[dict[str, int]] = mapped_column(JSONB)
    encoding: Mapped[str | None]
    saved_by: Mapped[int] = mapped_column(ForeignKey("staff_account.id"))
    saved_at: Mapped[datetime]


class DoseSourceRecord(Base):
    """Who else reported a dose: every file that named it, so that no source is lost to another."""

    __tablename__ = "dose_source_record"
    __table_args__ = (UniqueConstraint("dose_id", "batch_id", "number"),)

    id: Mapped[Identifier]
    dose_id: Mapped[int] = mapped_column(ForeignKey("dose.id"))
    source: Mapped[DoseSource] = mapped_column(code_type(DoseSource))
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"), index=True)
    number: Mapped[int]
    reported_at: Mapped[datetime]
