"""Tickets, doses and certificates of a vaccination record system that the portal plays itself.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)


def codes(name: str, *values: str) -> sa.Enum:
    """Return the type of a code list."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "vrs_ticket",
        sa.Column("ticket_number", sa.Text(), nullable=False),
        sa.Column("atena_number", sa.Text(), nullable=False),
        sa.Column("flag", codes("vrsflag", "moved_out", "deceased"), nullable=True),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.CheckConstraint("ticket_number ~ '^[0-9]{10}$'", name=op.f("ck_vrs_ticket_ticket_number")),
        sa.PrimaryKeyConstraint("ticket_number", name=op.f("pk_vrs_ticket")),
    )
    op.create_index(op.f("ix_vrs_ticket_atena_number"), "vrs_ticket", ["atena_number"])
    op.create_table(
        "vrs_dose",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("municipality_code", sa.Text(), nullable=False),
        sa.Column("ticket_number", sa.Text(), nullable=False),
        sa.Column("dose_number", sa.SmallInteger(), nullable=False),
        sa.Column("status", codes("vaccinationstatus", "done", "not_done"), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.Column("manufacturer", sa.Text(), nullable=False),
        sa.Column("lot_number", sa.Text(), nullable=False),
        sa.Column("registered_at", MOMENT, nullable=False),
        sa.Column("given_at", sa.Text(), nullable=True, comment="venue"),
        sa.Column("physician", sa.Text(), nullable=True),
        sa.Column("vaccine", sa.Text(), nullable=True),
        sa.Column("product_name", sa.Text(), nullable=True),
        sa.CheckConstraint("municipality_code ~ '^[0-9]{6}$'", name=op.f("ck_vrs_dose_municipality_code")),
        sa.CheckConstraint("dose_number BETWEEN 1 AND 9", name=op.f("ck_vrs_dose_dose_number")),
        sa.ForeignKeyConstraint(
            ["ticket_number"],
            ["vrs_ticket.ticket_number"],
            name=op.f("fk_vrs_dose_ticket_number_vrs_ticket"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vrs_dose")),
        sa.UniqueConstraint("record_id", name=op.f("uq_vrs_dose_record_id")),
    )
    op.create_index("uq_vrs_dose_ticket_number", "vrs_dose", ["ticket_number", "dose_number"], unique=True)
    op.create_table(
        "vrs_deleted_dose",
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_vrs_deleted_dose")),
    )
    op.create_table(
        "vrs_certificate",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("certificate_id", sa.Text(), nullable=False),
        sa.Column("ticket_number", sa.Text(), nullable=False),
        sa.Column("kind", codes("certificatekind", "domestic", "travel"), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("records", postgresql.JSONB(), nullable=False, comment="what stands on it"),
        sa.ForeignKeyConstraint(
            ["ticket_number"],
            ["vrs_ticket.ticket_number"],
            name=op.f("fk_vrs_certificate_ticket_number_vrs_ticket"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vrs_certificate")),
        sa.UniqueConstraint("certificate_id", name=op.f("uq_vrs_certificate_certificate_id")),
    )
    op.create_index(op.f("ix_vrs_certificate_ticket_number"), "vrs_certificate", ["ticket_number"])
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON vrs_ticket TO {app_role}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON vrs_dose TO {app_role}")
    # Ids of certificates and of deleted doses are never used again.
    op.execute(f"GRANT SELECT, INSERT ON vrs_deleted_dose, vrs_certificate TO {app_role}")


def downgrade() -> None:
    for table in ("vrs_certificate", "vrs_deleted_dose", "vrs_dose", "vrs_ticket"):
        op.drop_table(table)
