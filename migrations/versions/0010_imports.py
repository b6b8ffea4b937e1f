"""Files of doses that come in: batches, rows as stored changesets, decisions, sources.

Revision ID: 0010
Revises: 0009
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TO_APPLY = (
    "outcome IS NULL AND (decision IN ('apply', 'replace', 'keep_both') "
    "OR (decision IS NULL AND state IN ('ready', 'already_there')))"
)
MOMENT = sa.DateTime(timezone=True)
NEVER_DELETED = ("import_batch",)
APPEND_ONLY = ("import_row_event",)
FREE = (
    "import_progress",
    "import_file_part",
    "import_row",
    "import_mapping",
    "dose_source_record",
)
# Groups that ship and hold the new permissions, as security/groups.py has them.
NEW_GRANTS = {
    "registrar": ("import:send", "import:view", "import:review", "import:apply", "import:undo"),
    "manager": ("import:view", "import:apply", "import:undo"),
    "contractor": ("import:send",),
}


def upgrade() -> None:
    op.create_table(
        "import_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False, comment="code of services.imports.layouts"),
        sa.Column("layout_sha256", sa.Text(), nullable=True, comment="of the layout the rows were judged by"),
        sa.Column("file_name", sa.Text(), nullable=False, comment="as the sender named it"),
        sa.Column("sha256", sa.Text(), nullable=False, comment="empty when the file held a personal number"),
        sa.Column("size", sa.BigInteger(), nullable=False, comment="bytes"),
        sa.Column("format", sa.Text(), nullable=False, comment="csv, tsv, fixed or xlsx"),
        sa.Column("encodings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("headings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("owner_groups", sa.Text(), nullable=False, comment="groups of the sender, comma-separated"),
        sa.Column("uploaded_by", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", MOMENT, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "uploaded",
                "checking",
                "checked",
                "applying",
                "applied",
                "undoing",
                "undone",
                "refused",
                "withdrawn",
                name="importstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("refusal", sa.Text(), nullable=True, comment="code of services.imports.refusals"),
        sa.Column(
            "facts",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="of the refusal, nothing personal",
        ),
        sa.Column("problem", sa.Text(), nullable=True, comment="kind of the last failure, nothing personal"),
        sa.Column("lines", sa.Integer(), nullable=True, comment="records in the file, the heading excepted"),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="rows by state when they were judged",
        ),
        sa.Column("match_rate", sa.SmallInteger(), nullable=True, comment="thousandths"),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("applied_by", sa.BigInteger(), nullable=True),
        sa.Column("applied_at", MOMENT, nullable=True),
        sa.Column("undone_by", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.Column("undo_reason", sa.Text(), nullable=True),
        sa.Column("wiped_at", MOMENT, nullable=True, comment="when the file itself was removed"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state <> 'refused' OR refusal IS NOT NULL", name=op.f("ck_import_batch_refused_with_cause")
        ),
        sa.CheckConstraint(
            "undone_at IS NULL OR undo_reason IS NOT NULL", name=op.f("ck_import_batch_undone_with_reason")
        ),
        sa.ForeignKeyConstraint(
            ["applied_by"], ["staff_account.id"], name=op.f("fk_import_batch_applied_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["undone_by"], ["staff_account.id"], name=op.f("fk_import_batch_undone_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by"], ["staff_account.id"], name=op.f("fk_import_batch_uploaded_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    op.create_index("ix_import_batch_sha256", "import_batch", ["sha256"], unique=False)
    op.create_index("ix_import_batch_uploaded_by", "import_batch", ["uploaded_by", "id"], unique=False)
    op.create_table(
        "import_mapping",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False),
        sa.Column("headings_sha256", sa.Text(), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("saved_by", sa.BigInteger(), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["saved_by"], ["staff_account.id"], name=op.f("fk_import_mapping_saved_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_mapping")),
        sa.UniqueConstraint(
            "layout", "headings_sha256", name=op.f("uq_import_mapping_layout_headings_sha256")
        ),
    )
    op.create_table(
        "import_row_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("happened_at", MOMENT, nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "deed", sa.Text(), nullable=False, comment="a decision, or: corrected, answered, changed, undone"
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("state_before", sa.Text(), nullable=False),
        sa.Column("state_after", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff_account.id"], name=op.f("fk_import_row_event_staff_id_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_row_event")),
    )
    op.create_index("ix_import_row_event_row", "import_row_event", ["batch_id", "number", "id"], unique=False)
    op.create_table(
        "import_file_part",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["import_batch.id"],
            name=op.f("fk_import_file_part_batch_id_import_batch"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "part", name=op.f("pk_import_file_part")),
    )
    op.create_table(
        "import_progress",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["import_batch.id"],
            name=op.f("fk_import_progress_batch_id_import_batch"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_import_progress")),
    )
    op.create_table(
        "dose_source_record",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("dose_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "form",
                "file",
                "vrs",
                "municipality",
                "migration",
                name="dosesource",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reported_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name=op.f("fk_dose_source_record_batch_id_import_batch")
        ),
        sa.ForeignKeyConstraint(["dose_id"], ["dose.id"], name=op.f("fk_dose_source_record_dose_id_dose")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dose_source_record")),
        sa.UniqueConstraint(
            "dose_id", "batch_id", "number", name=op.f("uq_dose_source_record_dose_id_batch_id_number")
        ),
    )
    op.create_index(op.f("ix_dose_source_record_batch_id"), "dose_source_record", ["batch_id"], unique=False)
    op.create_table(
        "import_row",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("parsed", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "ready",
                "already_there",
                "conflict",
                "birth_differs",
                "number_unknown",
                "similar_found",
                "not_resident",
                "deceased",
                "not_eligible",
                "unreadable",
                "changed",
                name="importrowstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=True),
        sa.Column("candidates", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("other_dose_id", sa.BigInteger(), nullable=True, comment="the dose it doubles"),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column(
            "decision",
            sa.Enum(
                "apply",
                "replace",
                "keep_both",
                "refuse",
                "return",
                name="importdecision",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "recorded",
                "linked",
                "replaced",
                "undone",
                name="importoutcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("dose_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "dose_revision", sa.Integer(), nullable=True, comment="the revision the row left the dose in"
        ),
        sa.Column("undone_by", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", MOMENT, nullable=True),
        sa.Column("undo_reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "outcome IS DISTINCT FROM 'undone' OR undo_reason IS NOT NULL", name=op.f("ck_import_row_undone")
        ),
        sa.CheckConstraint(
            "decision IS NULL OR decided_by IS NOT NULL", name=op.f("ck_import_row_decided_by_somebody")
        ),
        sa.CheckConstraint(
            "outcome IS NULL OR dose_id IS NOT NULL", name=op.f("ck_import_row_outcome_names_dose")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["import_batch.id"],
            name=op.f("fk_import_row_batch_id_import_batch"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["dose_id"], ["dose.id"], name=op.f("fk_import_row_dose_id_dose")),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_import_row")),
    )
    op.create_index(
        "ix_import_row_dose_id",
        "import_row",
        ["dose_id"],
        unique=False,
        postgresql_where="dose_id IS NOT NULL",
    )
    op.create_index(
        "ix_import_row_open",
        "import_row",
        ["batch_id", "state", "number"],
        unique=False,
        postgresql_where="decision IS NULL AND outcome IS NULL AND state NOT IN ('ready', 'already_there')",
    )
    op.create_index(
        "ix_import_row_queue",
        "import_row",
        ["batch_id", "number"],
        unique=False,
        postgresql_where="decision IS NULL AND outcome IS NULL AND state NOT IN ('ready', 'already_there')",
    )
    op.create_index(
        "ix_import_row_to_apply",
        "import_row",
        ["batch_id", "resident_id", "number"],
        unique=False,
        postgresql_where=TO_APPLY,
    )
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(NEVER_DELETED)} TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(APPEND_ONLY)} TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(FREE)} TO {app_role}")
    # Numbers are drawn for many doses at once, so that what belongs to each can be written with it.
    op.execute(f"GRANT USAGE ON SEQUENCE dose_id_seq, identity_check_id_seq TO {app_role}")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON import_row_event "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    grant = sa.text(
        "INSERT INTO acl_grant (group_name, permission) "
        "SELECT name, :permission FROM staff_group WHERE name = :group ON CONFLICT DO NOTHING"
    )
    for group, permissions in NEW_GRANTS.items():
        for permission in permissions:
            op.get_bind().execute(grant, {"group": group, "permission": permission})
    op.execute("UPDATE acl_version SET version = version + 1")


def downgrade() -> None:
    for table in (*reversed(FREE), *APPEND_ONLY, *NEVER_DELETED):
        op.execute(f"DROP TABLE {table} CASCADE")
