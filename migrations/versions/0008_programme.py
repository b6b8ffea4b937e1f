"""Special circumstances, lists of targets, letters, and files that leave the portal.

Revision ID: 0008
Revises: 0007
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
#: In the order in which they can be made; the other way round they can be removed.
NEVER_DELETED = (
    "output",
    "special_circumstance",
    "storage_medium",
    "target_extraction",
    "letter_run",
    "medium_loan",
)
APPEND_ONLY = ("output_person", "output_download")
FREE = ("extraction_member", "letter")
# Groups that ship and hold the new permissions, as security/groups.py has them.
READ = ("circumstance:view", "extraction:view", "letter:view")
NEW_GRANTS = {
    "viewer": READ,
    "number": READ,
    "registrar": (
        *READ,
        "ticket:issue",
        "circumstance:edit",
        "extraction:make",
        "letter:make",
        "output:request",
        "medium:view",
        "medium:use",
    ),
    "manager": (
        *READ,
        "letter:release",
        "output:view",
        "output:approve",
        "medium:view",
        "medium:approve",
    ),
    "auditor": ("output:view", "medium:view"),
    "administrator": ("medium:view", "medium:manage"),
}


def upgrade() -> None:
    op.create_table(
        "output",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("layout", sa.Text(), nullable=False, comment="code of outputs.layouts"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column(
            "subject",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="ids only, nothing personal",
        ),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "making",
                "awaiting_approval",
                "ready",
                "refused",
                "failed",
                "cancelled",
                "wiped",
                name="outputstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("problem", sa.Text(), nullable=True, comment="kind of the failure, nothing personal"),
        sa.Column(
            "problem_detail",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="e.g. row numbers and code points, nothing personal",
        ),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often a worker began to make it"),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=True, comment="people in the file, each in output_person"),
        sa.Column("file_name", sa.Text(), nullable=True, comment="of the file inside the archive"),
        sa.Column("size", sa.BigInteger(), nullable=True, comment="bytes of the archive"),
        sa.Column("content_sha256", sa.Text(), nullable=True),
        sa.Column("archive_sha256", sa.Text(), nullable=True),
        sa.Column("sealed_password", sa.LargeBinary(), nullable=True),
        sa.Column("password_shown_at", MOMENT, nullable=True),
        sa.Column("approval_needed", sa.Boolean(), nullable=True),
        sa.Column("approved_sha256", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("made_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("wiped_at", MOMENT, nullable=True),
        sa.Column("wipe_reason", sa.Text(), nullable=True, comment="a code of outputs.store.WipeReason"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("state <> 'wiped' OR wiped_at IS NOT NULL", name=op.f("ck_output_wiped")),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> requested_by",
            name=op.f("ck_output_decided_by_another_person"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["staff_account.id"], name=op.f("fk_output_decided_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["staff_account.id"], name=op.f("fk_output_requested_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_output")),
    )
    op.create_index(
        "ix_output_open",
        "output",
        ["expires_at"],
        unique=False,
        postgresql_where="state IN ('queued', 'making', 'awaiting_approval', 'ready')",
    )
    op.create_index("ix_output_requested_by", "output", ["requested_by", "id"], unique=False)
    op.create_table(
        "special_circumstance",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "disease_history",
                "risk_group",
                "long_illness",
                "pregnancy",
                "antibody_low",
                "contraindication",
                "hbv_mother",
                "no_invitation",
                name="circumstancekind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("cancelled_by", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", MOMENT, nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(cancelled_at IS NULL) = (cancel_reason IS NULL)",
            name=op.f("ck_special_circumstance_cancelled_with_reason"),
        ),
        sa.CheckConstraint(
            "ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on",
            name=op.f("ck_special_circumstance_period"),
        ),
        sa.ForeignKeyConstraint(
            ["cancelled_by"],
            ["staff_account.id"],
            name=op.f("fk_special_circumstance_cancelled_by_staff_account"),
        ),
        sa.ForeignKeyConstraint(
            ["recorded_by"],
            ["staff_account.id"],
            name=op.f("fk_special_circumstance_recorded_by_staff_account"),
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_special_circumstance_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_circumstance")),
    )
    op.create_index(
        "ix_special_circumstance_resident_id",
        "special_circumstance",
        ["resident_id"],
        unique=False,
        postgresql_where="cancelled_at IS NULL",
    )
    op.create_table(
        "storage_medium",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("label", sa.Text(), nullable=False, comment="the number that is stuck on it"),
        sa.Column(
            "kind",
            sa.Enum(
                "usb_memory",
                "portable_disk",
                "optical_disc",
                name="mediumkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("serial_number", sa.Text(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "available",
                "lent",
                "lost",
                "disposed",
                name="mediumstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("registered_by", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["staff_account.id"], name=op.f("fk_storage_medium_ended_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["registered_by"],
            ["staff_account.id"],
            name=op.f("fk_storage_medium_registered_by_staff_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_storage_medium")),
        sa.UniqueConstraint("label", name=op.f("uq_storage_medium_label")),
    )
    op.create_table(
        "target_extraction",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False, comment="code of programme.schedule"),
        sa.Column(
            "reference_date", sa.Date(), nullable=False, comment="the day on which the rules were asked"
        ),
        sa.Column("criteria", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("schedule_version", sa.Text(), nullable=False),
        sa.Column("funnel", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("data_as_of", MOMENT, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "saved",
                "withdrawn",
                name="extractionstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("withdrawn_by", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at", MOMENT, nullable=True),
        sa.Column("withdraw_reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["staff_account.id"], name=op.f("fk_target_extraction_created_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"],
            ["staff_account.id"],
            name=op.f("fk_target_extraction_withdrawn_by_staff_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target_extraction")),
    )
    op.create_index("ix_target_extraction_programme", "target_extraction", ["programme", "id"], unique=False)
    op.create_table(
        "extraction_member",
        sa.Column("extraction_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("excluded_by", sa.Text(), nullable=True),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("dose_number", sa.SmallInteger(), nullable=True, comment="the dose invited to"),
        sa.Column("date_of_birth_written", sa.Text(), nullable=False),
        sa.Column(
            "sex",
            sa.Enum("0", "1", "2", name="sex", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("address_town_code", sa.Text(), nullable=True),
        sa.Column("support_measure", sa.Boolean(), nullable=False),
        sa.Column(
            "standing",
            sa.Enum(
                "by_rules",
                "added",
                "removed",
                name="memberstanding",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("standing_reason", sa.Text(), nullable=True),
        sa.Column("standing_by", sa.BigInteger(), nullable=True),
        sa.Column("standing_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["extraction_id"],
            ["target_extraction.id"],
            name=op.f("fk_extraction_member_extraction_id_target_extraction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_extraction_member_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["standing_by"], ["staff_account.id"], name=op.f("fk_extraction_member_standing_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("extraction_id", "resident_id", name=op.f("pk_extraction_member")),
    )
    op.create_index(
        "ix_extraction_member_included",
        "extraction_member",
        ["extraction_id", "resident_id"],
        unique=False,
        postgresql_where="excluded_by IS NULL AND standing <> 'removed'",
    )
    op.create_index("ix_extraction_member_resident_id", "extraction_member", ["resident_id"], unique=False)
    op.create_table(
        "letter_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("extraction_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "supplement_of",
            sa.BigInteger(),
            nullable=True,
            comment="the run whose held letters this one prints",
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "ticket",
                "questionnaire",
                "invitation",
                "reminder",
                "record_certificate",
                name="letterkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("template_sha256", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("printed_for", sa.Date(), nullable=False, comment="the day that the letters carry"),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "queued",
                "making",
                "made",
                "sent",
                "failed",
                "cancelled",
                name="letterrunstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("problem", sa.Text(), nullable=True, comment="kind of the failure, nothing personal"),
        sa.Column("data_sha256", sa.Text(), nullable=True),
        sa.Column("output_id", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["extraction_id"],
            ["target_extraction.id"],
            name=op.f("fk_letter_run_extraction_id_target_extraction"),
        ),
        sa.ForeignKeyConstraint(["output_id"], ["output.id"], name=op.f("fk_letter_run_output_id_output")),
        sa.ForeignKeyConstraint(
            ["supplement_of"], ["letter_run.id"], name=op.f("fk_letter_run_supplement_of_letter_run")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["staff_account.id"], name=op.f("fk_letter_run_requested_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_run")),
    )
    op.create_index("ix_letter_run_extraction_id", "letter_run", ["extraction_id"], unique=False)
    op.create_index("ix_letter_run_supplement_of", "letter_run", ["supplement_of"], unique=False)
    op.create_table(
        "medium_loan",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("medium_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False, comment="where the medium goes"),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", MOMENT, nullable=True),
        sa.Column("refusal_reason", sa.Text(), nullable=True),
        sa.Column("lent_at", MOMENT, nullable=True),
        sa.Column("returned_at", MOMENT, nullable=True),
        sa.Column("erased_by", sa.BigInteger(), nullable=True),
        sa.Column("erased_at", MOMENT, nullable=True),
        sa.Column("erase_method", sa.Text(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True, comment="erased, refused or reported lost"),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> requested_by",
            name=op.f("ck_medium_loan_approved_by_another_person"),
        ),
        sa.CheckConstraint(
            "erased_at IS NULL OR returned_at IS NOT NULL", name=op.f("ck_medium_loan_returned_before_erased")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["staff_account.id"], name=op.f("fk_medium_loan_approved_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["erased_by"], ["staff_account.id"], name=op.f("fk_medium_loan_erased_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["medium_id"], ["storage_medium.id"], name=op.f("fk_medium_loan_medium_id_storage_medium")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["staff_account.id"], name=op.f("fk_medium_loan_requested_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medium_loan")),
    )
    op.create_index(
        "uq_medium_loan_open", "medium_loan", ["medium_id"], unique=True, postgresql_where="ended_at IS NULL"
    )
    op.create_table(
        "output_person",
        sa.Column("output_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["output_id"], ["output.id"], name=op.f("fk_output_person_output_id_output"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_output_person_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("output_id", "resident_id", name=op.f("pk_output_person")),
    )
    op.create_index("ix_output_person_resident_id", "output_person", ["resident_id"], unique=False)
    op.create_table(
        "letter",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("bundle", sa.SmallInteger(), nullable=True),
        sa.Column("pages", sa.SmallInteger(), nullable=True),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "printed",
                "held",
                "dropped",
                "spoiled",
                "sent",
                name="letterstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="code: why it was held, dropped or spoiled"),
        sa.Column("detail", sa.Text(), nullable=True, comment="e.g. the characters that the font lacks"),
        sa.Column(
            "released_by",
            sa.BigInteger(),
            nullable=True,
            comment="the second person, who lets a held letter be printed",
        ),
        sa.Column("released_at", MOMENT, nullable=True),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "(sequence IS NULL) = (state IN ('held', 'dropped'))", name=op.f("ck_letter_printed")
        ),
        sa.CheckConstraint("(sequence IS NULL) = (bundle IS NULL)", name=op.f("ck_letter_bundle")),
        sa.CheckConstraint("sequence IS NOT NULL OR reason IS NOT NULL", name=op.f("ck_letter_reason")),
        sa.ForeignKeyConstraint(
            ["resident_id"], ["resident.id"], name=op.f("fk_letter_resident_id_resident"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["letter_run.id"], name=op.f("fk_letter_run_id_letter_run"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["released_by"], ["staff_account.id"], name=op.f("fk_letter_released_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by"], ["staff_account.id"], name=op.f("fk_letter_settled_by_staff_account")
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_letter_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("run_id", "resident_id", name=op.f("pk_letter")),
    )
    op.create_index("ix_letter_resident_id", "letter", ["resident_id"], unique=False)
    op.create_index("uq_letter_sequence", "letter", ["run_id", "sequence"], unique=True)
    op.create_table(
        "output_download",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("output_id", sa.BigInteger(), nullable=False),
        sa.Column("downloaded_by", sa.BigInteger(), nullable=False),
        sa.Column("downloaded_at", MOMENT, nullable=False),
        sa.Column("medium_loan_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["downloaded_by"],
            ["staff_account.id"],
            name=op.f("fk_output_download_downloaded_by_staff_account"),
        ),
        sa.ForeignKeyConstraint(
            ["medium_loan_id"], ["medium_loan.id"], name=op.f("fk_output_download_medium_loan_id_medium_loan")
        ),
        sa.ForeignKeyConstraint(
            ["output_id"], ["output.id"], name=op.f("fk_output_download_output_id_output")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_output_download")),
    )
    op.create_index("ix_output_download_output_id", "output_download", ["output_id"], unique=False)
    op.add_column(
        "ticket",
        sa.Column(
            "programme",
            sa.Text(),
            server_default="",
            nullable=False,
            comment="code of programme.schedule",
        ),
    )
    op.add_column("ticket", sa.Column("voided_by", sa.BigInteger(), nullable=True))
    op.add_column("ticket", sa.Column("voided_at", MOMENT, nullable=True))
    op.add_column(
        "ticket",
        sa.Column("replaces_id", sa.BigInteger(), nullable=True, comment="the void ticket it was issued for"),
    )
    for column, table in (("voided_by", "staff_account"), ("replaces_id", "ticket")):
        op.create_foreign_key(op.f(f"fk_ticket_{column}_{table}"), "ticket", table, [column], ["id"])
    _lines_are_unique(
        "municipality_code", "ticket_number", "programme", "vaccine", "ticket_kind", "dose_number"
    )
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(NEVER_DELETED)} TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(APPEND_ONLY)} TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(FREE)} TO {app_role}")
    grant = sa.text(
        "INSERT INTO acl_grant (group_name, permission) "
        "SELECT name, :permission FROM staff_group WHERE name = :group ON CONFLICT DO NOTHING"
    )
    for group, permissions in NEW_GRANTS.items():
        for permission in permissions:
            op.get_bind().execute(grant, {"group": group, "permission": permission})
    op.execute("UPDATE acl_version SET version = version + 1")


def _lines_are_unique(*columns: str) -> None:
    """Let no two tickets that count have the same of all ``columns``."""
    op.drop_index("uq_ticket_line", table_name="ticket")
    op.create_index(
        "uq_ticket_line", "ticket", list(columns), unique=True, postgresql_where="state <> 'void'"
    )


def downgrade() -> None:
    _lines_are_unique("municipality_code", "ticket_number", "vaccine", "ticket_kind", "dose_number")
    for column in ("replaces_id", "voided_at", "voided_by", "programme"):
        op.drop_column("ticket", column)
    for table in (
        "output_download",
        "letter",
        *reversed(NEVER_DELETED),
        "output_person",
        "extraction_member",
    ):
        op.execute(f"DROP TABLE {table} CASCADE")
