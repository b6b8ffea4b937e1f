"""How far the portal follows the other systems, and what it refused from them.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NEVER_DELETED = ("sync_refusal", "resident_merge")
# Groups that ship and hold the new permissions, as security/groups.py has them.
NEW_GRANTS = [
    {"group": group, "permission": permission}
    for group in ("manager", "administrator")
    for permission in ("connection:view", "connection:run")
]
FREE = ("sync_state", "register_version", "applied_change")

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_tables()
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON {', '.join(NEVER_DELETED)} TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(FREE)} TO {app_role}")
    # A register delivers thousands of people at once: their ids are taken together, their numbers stored
    # together. Storing shows nothing: who has a number already keeps it, and no row can be read by this.
    op.execute(f"GRANT USAGE ON SEQUENCE resident_id_seq TO {app_role}")
    storing = "current_setting('yvax.vault_storing', true) = 'new'"
    op.execute(f"CREATE POLICY new_numbers ON vault_entry FOR INSERT TO {app_role} WITH CHECK ({storing})")
    grant = sa.text(
        "INSERT INTO acl_grant (group_name, permission) "
        "SELECT name, :permission FROM staff_group WHERE name = :group ON CONFLICT DO NOTHING"
    )
    for values in NEW_GRANTS:
        op.get_bind().execute(grant, values)
    op.execute("UPDATE acl_version SET version = version + 1")


def downgrade() -> None:
    op.execute("DROP POLICY new_numbers ON vault_entry")
    for table in (*NEVER_DELETED, *FREE):
        op.drop_table(table)


def create_tables() -> None:
    op.create_table(
        "sync_state",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True, comment="the other side's; changes go on after it"),
        sa.Column("snapshot_id", sa.Text(), nullable=True, comment="of a first load under way"),
        sa.Column(
            "snapshot_after", sa.Text(), nullable=True, comment="last atena number that was taken over"
        ),
        sa.Column(
            "snapshot_cursor", sa.Text(), nullable=True, comment="where changes go on after the first load"
        ),
        sa.Column("snapshot_started_at", MOMENT, nullable=True),
        sa.Column("snapshot_expected", sa.Integer(), nullable=True),
        sa.Column("snapshot_taken", sa.Integer(), nullable=True),
        sa.Column("as_of", MOMENT, nullable=True, comment="the other side's moment of what came last"),
        sa.Column(
            "more",
            sa.Boolean(),
            nullable=False,
            comment="whether the other side had more when it was last asked",
        ),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("succeeded_at", MOMENT, nullable=True),
        sa.Column("failed_at", MOMENT, nullable=True),
        sa.Column(
            "failure",
            sa.Text(),
            nullable=False,
            comment="kind and problem, nothing personal; empty after a success",
        ),
        sa.PrimaryKeyConstraint("system", name=op.f("pk_sync_state")),
    )
    op.create_table(
        "register_version",
        sa.Column("resident_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["resident_id"],
            ["resident.id"],
            name=op.f("fk_register_version_resident_id_resident"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("resident_id", name=op.f("pk_register_version")),
    )
    op.create_table(
        "applied_change",
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("atena_number", sa.Text(), nullable=False),
        sa.Column("processed_at", MOMENT, nullable=False),
        sa.Column("applied_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_applied_change")),
    )
    op.create_index("ix_applied_change_applied_at", "applied_change", ["applied_at"])
    op.create_table(
        "sync_refusal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False, comment="change id, or snapshot and atena number"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("atena_number", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False, comment="a code of services.sync.judging"),
        sa.Column("payload", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["settled_by"], ["staff_account.id"], name=op.f("fk_sync_refusal_settled_by_staff_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_refusal")),
    )
    op.create_index(
        "ix_sync_refusal_open",
        "sync_refusal",
        ["system", "id"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_index(
        "uq_sync_refusal_reference", "sync_refusal", ["system", "reference", "reason"], unique=True
    )
    op.create_table(
        "resident_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("change_id", sa.Text(), nullable=False),
        sa.Column("kept_resident_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_resident_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("merged_at", MOMENT, nullable=False),
        sa.Column(
            "moved", postgresql.JSONB(), nullable=False, comment="ids by table; doses as old and new id"
        ),
        sa.ForeignKeyConstraint(
            ["kept_resident_id"], ["resident.id"], name=op.f("fk_resident_merge_kept_resident_id_resident")
        ),
        sa.ForeignKeyConstraint(
            ["merged_resident_id"],
            ["resident.id"],
            name=op.f("fk_resident_merge_merged_resident_id_resident"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resident_merge")),
        sa.UniqueConstraint("change_id", name=op.f("uq_resident_merge_change_id")),
    )
    op.create_index("ix_resident_merge_kept_resident_id", "resident_merge", ["kept_resident_id"])
    op.create_index(op.f("ix_resident_merge_merged_resident_id"), "resident_merge", ["merged_resident_id"])
