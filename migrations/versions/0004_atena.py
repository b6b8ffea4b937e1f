"""Atena numbers that the portal assigns itself where there is no integrated atena system.

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "atena_person",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("atena_number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_kana", sa.Text(), nullable=True),
        sa.Column("alias_name", sa.Text(), nullable=True),
        sa.Column("date_of_birth_written", sa.Text(), nullable=False),
        sa.Column(
            "sex",
            sa.Enum("0", "1", "2", name="sex", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("postal_code", sa.Text(), nullable=True),
        sa.Column("address_code", sa.Text(), nullable=True),
        sa.Column("number_index", sa.LargeBinary(), nullable=True),
        sa.Column("as_of", MOMENT, nullable=False),
        sa.Column("assigned_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "number_index IS NULL OR octet_length(number_index) = 32",
            name=op.f("ck_atena_person_number_index"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_atena_person")),
        sa.UniqueConstraint("atena_number", name=op.f("uq_atena_person_atena_number")),
        sa.UniqueConstraint("number_index", name=op.f("uq_atena_person_number_index")),
    )
    op.create_table(
        "adapter_key",
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("system", "key", name=op.f("pk_adapter_key")),
    )
    op.create_index(op.f("ix_adapter_key_used_at"), "adapter_key", ["used_at"])
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON atena_person TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON adapter_key TO {app_role}")


def downgrade() -> None:
    op.drop_table("atena_person")
    op.drop_table("adapter_key")
