"""National tables, frozen, with the members of every figure.

Revision ID: 0011
Revises: 0010
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
#: In the order in which they can be made; the other way round they can be removed.
TABLES = ("report_snapshot", "report_cell", "report_member")
# Groups that ship and hold the new permissions, as security/groups.py has them.
MAKERS = ("report:view", "report:make", "report:people", "fee:view")
NEW_GRANTS = {
    "viewer": ("report:view",),
    "number": ("report:view",),
    "registrar": MAKERS,
    "manager": MAKERS,
}


def upgrade() -> None:
    op.create_table(
        "report_snapshot",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("report", sa.Text(), nullable=False, comment="code of services.reports.definitions"),
        sa.Column("fiscal_year", sa.SmallInteger(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False, comment="year, h1, h2, or m04 to m03"),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column(
            "rules_version",
            sa.Text(),
            nullable=False,
            comment="short hash of vaccines and programme in force",
        ),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("definition_sha256", sa.Text(), nullable=False),
        sa.Column("data_as_of", MOMENT, nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="why it was made anew after a closing"),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("supersedes", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_report_snapshot_period")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_by IS NULL)", name=op.f("ck_report_snapshot_closed_by_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["made_by"], ["staff_account.id"], name=op.f("fk_report_snapshot_made_by_staff_account")
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["report_snapshot.id"], name=op.f("fk_report_snapshot_supersedes_report_snapshot")
        ),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["staff_account.id"], name=op.f("fk_report_snapshot_closed_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_snapshot")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_report_snapshot_supersedes")),
    )
    op.create_index(
        "ix_report_snapshot_report",
        "report_snapshot",
        ["report", "fiscal_year", "period", "id"],
        unique=False,
    )
    op.create_table(
        "report_cell",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("column_key", sa.Text(), nullable=False),
        sa.Column(
            "subject",
            sa.Enum(
                "dose",
                "resident",
                name="reportsubject",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("members_sha256", sa.Text(), nullable=False),
        sa.CheckConstraint("value > 0", name=op.f("ck_report_cell_value")),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["report_snapshot.id"],
            name=op.f("fk_report_cell_snapshot_id_report_snapshot"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_cell")),
        sa.UniqueConstraint(
            "snapshot_id", "row_key", "column_key", name=op.f("uq_report_cell_snapshot_id_row_key_column_key")
        ),
    )
    op.create_table(
        "report_member",
        sa.Column("cell_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False, comment="dose.id or resident.id"),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cell_id"],
            ["report_cell.id"],
            name=op.f("fk_report_member_cell_id_report_cell"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("cell_id", "subject_id", name=op.f("pk_report_member")),
    )
    op.create_index("ix_report_member_subject_id", "report_member", ["subject_id"], unique=False)
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    # Frozen: the application adds tables and closes them; it changes no figure.
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(TABLES)} TO {app_role}")
    op.execute(f"GRANT UPDATE (closed_at, closed_by) ON report_snapshot TO {app_role}")
    grant = sa.text(
        "INSERT INTO acl_grant (group_name, permission) "
        "SELECT name, :permission FROM staff_group WHERE name = :group ON CONFLICT DO NOTHING"
    )
    for group, permissions in NEW_GRANTS.items():
        for permission in permissions:
            op.get_bind().execute(grant, {"group": group, "permission": permission})
    op.execute("UPDATE acl_version SET version = version + 1")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table} CASCADE")
