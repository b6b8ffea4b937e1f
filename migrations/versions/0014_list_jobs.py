"""What a worker does about a list of targets, and when each register last answered about whom.

Revision ID: 0014
Revises: 0013
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
TABLES = ("eligibility_answer", "extraction_job")


def codes(*values: str, name: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "eligibility_answer",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False, comment="adapter name"),
        sa.Column("as_of", MOMENT, nullable=False, comment="when the register said so"),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_eligibility_answer_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resident_id", "system", name=op.f("pk_eligibility_answer")),
    )
    op.create_table(
        "extraction_job",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", codes("refresh", "try", "save", name="extractionjobkind"), nullable=False),
        sa.Column(
            "state",
            codes("queued", "running", "done", "failed", "cancelled", name="extractionjobstate"),
            nullable=False,
        ),
        sa.Column("criteria", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("shown", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column(
            "known_states",
            sa.Boolean(),
            nullable=False,
            comment="saved although states are missing or old",
        ),
        sa.Column("phase", sa.Text(), nullable=False, comment="what the worker is at; empty before it began"),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="how often a worker began"),
        sa.Column("problem", sa.Text(), nullable=True, comment="kind of the failure, nothing personal"),
        sa.Column("outcome", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("extraction_id", sa.BigInteger(), nullable=True),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "extraction_id IS NULL OR kind = 'save'", name=op.f("ck_extraction_job_only_saved")
        ),
        sa.ForeignKeyConstraint(
            ["extraction_id"],
            ["target_extraction.id"],
            name=op.f("fk_extraction_job_extraction_id_target_extraction"),
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["staff_account.id"], name=op.f("fk_extraction_job_requested_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extraction_job")),
    )
    op.create_index("ix_extraction_job_requested_by", "extraction_job", ["requested_by", "id"], unique=False)
    op.create_index(
        "ix_extraction_job_open",
        "extraction_job",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON eligibility_answer TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON extraction_job TO {app_role}")
    # What is here from a register was said by it; of whom it said nothing, nobody can tell.
    op.execute(
        "INSERT INTO eligibility_answer (resident_id, system, as_of) "
        "SELECT resident_id, source, max(as_of) FROM eligibility "
        "WHERE source IN ('tax', 'welfare') GROUP BY resident_id, source"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table} CASCADE")
