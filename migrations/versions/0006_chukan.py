"""Codes, inquiries, provisions, sub-copies and records of an intermediate server that the portal plays.

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
TABLES = (
    "chukan_code",
    "chukan_inquiry",
    "chukan_provision",
    "chukan_sub_copy",
    "chukan_exchange_record",
    "chukan_permitted_inquiry",
    "chukan_batch",
    "chukan_statistic",
)


def codes(name: str, *values: str) -> sa.Enum:
    """Return the type of a code list."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def texts(*names: str) -> list[sa.Column[str]]:
    """Return columns that must have a text."""
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def numbered(table: str, *columns: sa.schema.SchemaItem, unique: str | None = None) -> None:
    """Make a table whose rows have an order."""
    keys: list[sa.schema.SchemaItem] = [sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))]
    if unique is not None:
        keys.append(sa.UniqueConstraint(unique, name=op.f(f"uq_{table}_{unique}")))
    place = sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)
    op.create_table(table, place, *columns, *keys)


def upgrade() -> None:
    op.create_table(
        "chukan_code",
        *texts("atena_number"),
        sa.Column("state", codes("codestate", "none", "requested", "held", "failed"), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("atena_number", name=op.f("pk_chukan_code")),
    )
    states = (
        "requested",
        "accepted",
        "permitted",
        "refused",
        "manual_wait",
        "answered",
        "no_data",
        "failed",
        "fetched",
        "cancelled",
        "expired",
    )
    numbered(
        "chukan_inquiry",
        *texts("inquiry_id", "atena_number", "affair_code", "procedure_code"),
        *texts("information_name_code", "provider_code"),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("state", codes("inquirystate", *states), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("processing_number", sa.Text(), nullable=True),
        *texts("code"),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("items", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "items IS NULL OR processing_number IS NOT NULL", name=op.f("ck_chukan_inquiry_answer")
        ),
        unique="inquiry_id",
    )
    provision_states = ("waiting", "answered_by_copy", "answered", "withheld", "expired")
    numbered(
        "chukan_provision",
        *texts("request_id", "processing_number", "atena_number", "requester_code", "affair_code"),
        *texts("information_name_code"),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("answer_until", MOMENT, nullable=False),
        sa.Column("state", codes("provisionstate", *provision_states), nullable=False),
        sa.Column("items", postgresql.JSONB(), nullable=True),
        unique="request_id",
    )
    numbered(
        "chukan_sub_copy",
        *texts("record_id", "atena_number"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        *texts("information_name_code", "layout_version"),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.Column("published_from", sa.Date(), nullable=False),
        sa.Column("published_to", sa.Date(), nullable=True),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("not_disclosed", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_chukan_sub_copy_version")),
        sa.CheckConstraint("NOT deleted OR values = '{}'::jsonb", name=op.f("ck_chukan_sub_copy_deleted")),
        unique="record_id",
    )
    numbered(
        "chukan_exchange_record",
        *texts("processing_number"),
        sa.Column("recorded_at", MOMENT, nullable=False),
        *texts("requester_code", "provider_code", "affair_code", "information_name_code", "atena_number"),
        sa.Column("not_disclosed", sa.Boolean(), nullable=False),
    )
    numbered(
        "chukan_permitted_inquiry",
        *texts("affair_code", "procedure_code", "information_name_code", "provider_kind"),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
    )
    numbered(
        "chukan_batch",
        *texts("name"),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("failed_rows", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
    )
    op.create_table(
        "chukan_statistic",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("inquiries", sa.Integer(), nullable=False),
        sa.Column("provisions", sa.Integer(), nullable=False),
        sa.Column("sub_copies", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_chukan_statistic")),
    )
    for table, column in (
        ("chukan_inquiry", "atena_number"),
        ("chukan_inquiry", "expires_at"),
        ("chukan_provision", "atena_number"),
        ("chukan_provision", "answer_until"),
        ("chukan_sub_copy", "atena_number"),
        ("chukan_exchange_record", "atena_number"),
        ("chukan_exchange_record", "recorded_at"),
        ("chukan_batch", "started_at"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE ON chukan_code, chukan_sub_copy, chukan_statistic TO {app_role}"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON chukan_inquiry, chukan_provision TO {app_role}")
    # Exchange records are deleted after their term and never changed.
    op.execute(
        f"GRANT SELECT, INSERT, DELETE ON chukan_exchange_record, chukan_permitted_inquiry TO {app_role}"
    )
    op.execute(f"GRANT SELECT, INSERT ON chukan_batch TO {app_role}")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
