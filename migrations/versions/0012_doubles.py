"""Numbers that may be one person; merges that can be taken apart.

Revision ID: 0012
Revises: 0011
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
TABLES = ("resident_double", "double_search")
MERGE_COLUMNS = (
    "source",
    "recorded_by",
    "reference",
    "reason",
    "undone_at",
    "undone_by",
    "undo_reason",
    "undone",
)
# Groups that ship and hold the new permissions, as security/groups.py has them.
NEW_GRANTS = {
    "registrar": ("double:view", "double:decide"),
    "manager": ("double:view", "double:decide", "double:merge"),
}


def upgrade() -> None:
    extend_merges()
    create_tables()
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON resident_double TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT ON double_search TO {app_role}")
    grant = sa.text(
        "INSERT INTO acl_grant (group_name, permission) "
        "SELECT name, :permission FROM staff_group WHERE name = :group ON CONFLICT DO NOTHING"
    )
    for group, permissions in NEW_GRANTS.items():
        for permission in permissions:
            op.get_bind().execute(grant, {"group": group, "permission": permission})
    op.execute("UPDATE acl_version SET version = version + 1")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"DROP TABLE {table} CASCADE")
    op.execute("DROP INDEX ix_resident_merge_standing")
    for column in MERGE_COLUMNS:
        op.drop_column("resident_merge", column)


def extend_merges() -> None:
    sources = sa.Enum(
        "register",
        "atena",
        "staff",
        name="mergesource",
        native_enum=False,
        create_constraint=True,
        length=32,
    )
    op.add_column("resident_merge", sa.Column("source", sources, nullable=False, server_default="register"))
    op.execute("UPDATE resident_merge SET source = 'atena' WHERE change_id LIKE 'atena/%'")
    op.add_column("resident_merge", sa.Column("recorded_by", sa.BigInteger(), nullable=True))
    op.add_column(
        "resident_merge",
        sa.Column("reference", sa.Text(), nullable=True, comment="by which the register's decision is found"),
    )
    op.add_column("resident_merge", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("resident_merge", sa.Column("undone_at", MOMENT, nullable=True))
    op.add_column("resident_merge", sa.Column("undone_by", sa.BigInteger(), nullable=True))
    op.add_column("resident_merge", sa.Column("undo_reason", sa.Text(), nullable=True))
    op.add_column("resident_merge", sa.Column("undone", postgresql.JSONB(), nullable=True))
    for column in ("recorded_by", "undone_by"):
        op.create_foreign_key(
            op.f(f"fk_resident_merge_{column}_staff_account"),
            "resident_merge",
            "staff_account",
            [column],
            ["id"],
        )
    for name, condition in (
        ("recorded_by_staff", "(source = 'staff') = (recorded_by IS NOT NULL)"),
        ("undone_by_somebody", "(undone_at IS NULL) = (undone_by IS NULL)"),
        ("undone_with_reason", "undone_at IS NULL OR undo_reason IS NOT NULL"),
    ):
        op.create_check_constraint(op.f(f"ck_resident_merge_{name}"), "resident_merge", condition)
    op.create_index(
        "ix_resident_merge_standing",
        "resident_merge",
        ["merged_resident_id"],
        postgresql_where=sa.text("undone_at IS NULL"),
    )


def create_tables() -> None:
    op.create_table(
        "resident_double",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("second_id", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False, comment="of 100 points"),
        sa.Column("why", postgresql.JSONB(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "told",
                "different",
                "merged",
                name="doublestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("found_at", MOMENT, nullable=False, comment="when it came onto the list, also anew"),
        sa.Column("seen_at", MOMENT, nullable=False, comment="by the last search that found it"),
        sa.Column("state_by", sa.BigInteger(), nullable=True),
        sa.Column("state_at", MOMENT, nullable=True),
        sa.Column(
            "reason", sa.Text(), nullable=True, comment="why it is not the same person, or how it was told"
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_resident_double_ordered")),
        sa.CheckConstraint("state = 'open' OR state_at IS NOT NULL", name=op.f("ck_resident_double_decided")),
        sa.ForeignKeyConstraint(
            ["first_id"],
            ["resident.id"],
            name=op.f("fk_resident_double_first_id_resident"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["second_id"],
            ["resident.id"],
            name=op.f("fk_resident_double_second_id_resident"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["state_by"], ["staff_account.id"], name=op.f("fk_resident_double_state_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident_double")),
        sa.UniqueConstraint("first_id", "second_id", name=op.f("uq_resident_double_first_id_second_id")),
    )
    op.create_index("ix_resident_double_second_id", "resident_double", ["second_id"])
    op.create_index("ix_resident_double_listed", "resident_double", ["state", sa.text("score DESC"), "id"])
    op.create_table(
        "double_search",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=False),
        sa.Column("compared", sa.Integer(), nullable=False, comment="pairs that a key brought together"),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_double_search")),
    )
