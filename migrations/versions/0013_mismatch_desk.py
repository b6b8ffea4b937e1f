"""The mismatch desk: doubt of each row, second entries, samples of recorded rows.

Revision ID: 0013
Revises: 0012
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MOMENT = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB(astext_type=sa.Text())
DOUBTFUL = "doubt > 0 AND decision IS NULL AND cleared_by IS NULL AND outcome IS DISTINCT FROM 'undone'"
TO_TYPE = (
    "second_entry IN ('wanted', 'differs') AND outcome IS NULL "
    "AND (decision IS NULL OR decision IN ('apply', 'replace', 'keep_both'))"
)
TO_APPLY_BEFORE = (
    "outcome IS NULL AND (decision IN ('apply', 'replace', 'keep_both') "
    "OR (decision IS NULL AND state IN ('ready', 'already_there')))"
)
TO_APPLY = f"{TO_APPLY_BEFORE} AND (second_entry IS NULL OR second_entry IN ('agreed', 'settled'))"
DOUBT_INDEXES = {
    "ix_import_row_doubt": ["doubt", "batch_id", "number"],
    "ix_import_row_doubt_batch": ["batch_id", "doubt", "number"],
    "ix_import_row_doubt_state": ["state", "doubt", "batch_id", "number"],
    "ix_import_row_doubt_main": ["doubt_main", "doubt", "batch_id", "number"],
}
#: In the order in which they can be made; the other way round they can be removed.
TABLES = ("second_entry_plan", "second_entry", "second_entry_field", "sample_check", "sample_check_row")
GRANTS = {
    "SELECT, INSERT, UPDATE, DELETE": ("second_entry_plan",),
    "SELECT, INSERT, UPDATE": ("second_entry", "second_entry_field", "sample_check_row"),
    # A sample is drawn once; nobody draws until it pleases.
    "SELECT, INSERT": ("sample_check",),
}
NEW_GRANTS = {"registrar": ("import:second-entry",)}


def upgrade() -> None:
    for column in _row_columns():
        op.add_column("import_row", column)
    op.create_check_constraint(
        op.f("ck_import_row_secondentrystate"),
        "import_row",
        "second_entry IN ('wanted', 'differs', 'agreed', 'settled')",
    )
    for name, columns in DOUBT_INDEXES.items():
        op.create_index(name, "import_row", columns, unique=False, postgresql_where=DOUBTFUL)
    op.create_index(
        "ix_import_row_to_type",
        "import_row",
        ["batch_id", "second_entry", "number"],
        unique=False,
        postgresql_where=TO_TYPE,
    )
    op.drop_index("ix_import_row_to_apply", "import_row")
    op.create_index(
        "ix_import_row_to_apply",
        "import_row",
        ["batch_id", "resident_id", "number"],
        unique=False,
        postgresql_where=TO_APPLY,
    )
    op.create_index(
        "ix_dose_lot_number",
        "dose",
        ["lot_number", "vaccine", "given_on"],
        unique=False,
        postgresql_where="state = 'active' AND lot_number IS NOT NULL",
    )
    _second_entries()
    _samples()
    app_role = op.get_bind().dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    for rights, tables in GRANTS.items():
        op.execute(f"GRANT {rights} ON {', '.join(tables)} TO {app_role}")
    grant = sa.text(
        "INSERT INTO acl_grant (group_name, permission) "
        "SELECT name, :permission FROM staff_group WHERE name = :group ON CONFLICT DO NOTHING"
    )
    for group, permissions in NEW_GRANTS.items():
        for permission in permissions:
            op.get_bind().execute(grant, {"group": group, "permission": permission})
    op.execute("UPDATE acl_version SET version = version + 1")


def _row_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("doubt", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("doubt_reasons", JSONB, server_default="[]", nullable=False),
        sa.Column("doubt_main", sa.Text(), nullable=True, comment="code of the heaviest reason"),
        sa.Column("cleared_by", sa.BigInteger(), nullable=True),
        sa.Column("cleared_at", MOMENT, nullable=True),
        sa.Column("second_entry", sa.String(32), nullable=True),
    ]


def _codes(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _account(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], ["staff_account.id"], name=op.f(f"fk_{table}_{column}_staff_account")
    )


def _batch(table: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_batch_id_import_batch")
    return sa.ForeignKeyConstraint(["batch_id"], ["import_batch.id"], name=name, ondelete=ondelete)


def _second_entries() -> None:
    op.create_table(
        "second_entry_plan",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("chosen", _codes("secondentrychoice", "all", "doubt", "sample"), nullable=False),
        sa.Column("from_points", sa.SmallInteger(), nullable=True),
        sa.Column("percent", sa.SmallInteger(), nullable=True),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("fields", JSONB, nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False, comment="rows chosen when the plan was set"),
        sa.Column("set_by", sa.BigInteger(), nullable=True),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "percent IS NULL OR percent BETWEEN 1 AND 100", name=op.f("ck_second_entry_plan_percent")
        ),
        sa.CheckConstraint(
            "from_points IS NULL OR from_points BETWEEN 1 AND 100",
            name=op.f("ck_second_entry_plan_from_points"),
        ),
        _batch("second_entry_plan", "CASCADE"),
        _account("second_entry_plan", "set_by"),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_second_entry_plan")),
    )
    op.create_table(
        "second_entry",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("typed_by", sa.BigInteger(), nullable=False),
        sa.Column("typed_at", MOMENT, nullable=False),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", MOMENT, nullable=True),
        sa.Column("settle_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "settled_by IS NULL OR (settled_by <> typed_by AND settle_reason IS NOT NULL)",
            name=op.f("ck_second_entry_settled_by_another"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id", "number"],
            ["import_row.batch_id", "import_row.number"],
            name=op.f("fk_second_entry_batch_id_number_import_row"),
            ondelete="CASCADE",
        ),
        _account("second_entry", "typed_by"),
        _account("second_entry", "settled_by"),
        sa.PrimaryKeyConstraint("batch_id", "number", name=op.f("pk_second_entry")),
    )
    op.create_table(
        "second_entry_field",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("typed", sa.Text(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("settled", _codes("settledby", "first", "second", "other"), nullable=True),
        sa.CheckConstraint(
            "NOT (agreed AND settled IS NOT NULL)",
            name=op.f("ck_second_entry_field_settled_where_it_differs"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id", "number"],
            ["second_entry.batch_id", "second_entry.number"],
            name=op.f("fk_second_entry_field_batch_id_number_second_entry"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "number", "field", name=op.f("pk_second_entry_field")),
    )


def _samples() -> None:
    op.create_table(
        "sample_check",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("sender", sa.BigInteger(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("confidence", sa.Integer(), nullable=False, comment="hundredths of a percent"),
        sa.Column("tolerable", sa.Integer(), nullable=False, comment="hundredths of a percent"),
        sa.Column("allowed", sa.SmallInteger(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=False),
        sa.Column("population", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("drawn_by", sa.BigInteger(), nullable=False),
        sa.Column("drawn_at", MOMENT, nullable=False),
        sa.CheckConstraint(
            "(batch_id IS NULL) <> (layout IS NULL)", name=op.f("ck_sample_check_of_a_file_or_a_layout")
        ),
        sa.CheckConstraint("size BETWEEN 1 AND population", name=op.f("ck_sample_check_size")),
        _batch("sample_check"),
        _account("sample_check", "sender"),
        _account("sample_check", "drawn_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_check")),
    )
    op.create_index("ix_sample_check_batch_id", "sample_check", ["batch_id"], unique=False)
    op.create_table(
        "sample_check_row",
        sa.Column("check_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("verdict", _codes("sampleverdict", "right", "wrong", "cannot_tell"), nullable=True),
        sa.Column("wrong_fields", JSONB, nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("checked_by", sa.BigInteger(), nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("claimed_until", MOMENT, nullable=True),
        sa.CheckConstraint(
            "verdict IS NULL OR checked_by IS NOT NULL", name=op.f("ck_sample_check_row_checked_by_somebody")
        ),
        sa.CheckConstraint(
            "(verdict = 'wrong') = (wrong_fields IS NOT NULL)",
            name=op.f("ck_sample_check_row_wrong_in_fields"),
        ),
        sa.ForeignKeyConstraint(
            ["check_id"], ["sample_check.id"], name=op.f("fk_sample_check_row_check_id_sample_check")
        ),
        _batch("sample_check_row"),
        _account("sample_check_row", "checked_by"),
        sa.PrimaryKeyConstraint("check_id", "place", name=op.f("pk_sample_check_row")),
    )
    op.create_index(
        "ix_sample_check_row_open",
        "sample_check_row",
        ["check_id", "place"],
        unique=False,
        postgresql_where="verdict IS NULL",
    )
    op.create_index("ix_sample_check_row_row", "sample_check_row", ["batch_id", "number"], unique=False)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table} CASCADE")
    for name in (*DOUBT_INDEXES, "ix_import_row_to_type", "ix_import_row_to_apply"):
        op.drop_index(name, "import_row")
    op.drop_index("ix_dose_lot_number", "dose")
    for column in _row_columns():
        op.drop_column("import_row", column.name)
    op.create_index(
        "ix_import_row_to_apply",
        "import_row",
        ["batch_id", "resident_id", "number"],
        unique=False,
        postgresql_where=TO_APPLY_BEFORE,
    )
