"""The job queue's tables and functions, as the installed procrastinate brings them.

A later procrastinate needs a migration of its own, with the SQL of its ``sql/migrations`` folder.

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Sequence

from alembic import context, op
from procrastinate.schema import SchemaManager

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = (
    "procrastinate_jobs",
    "procrastinate_events",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
)


def upgrade() -> None:
    bind = op.get_bind()
    # Straight to the driver without parameters: the script holds several statements and percent signs.
    bind.connection.cursor().execute(SchemaManager.get_schema())
    app_role = bind.dialect.identifier_preparer.quote(context.config.attributes["app_role"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(TABLES)} TO {app_role}")
    op.execute(
        "GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq, "
        f"procrastinate_periodic_defers_id_seq TO {app_role}"
    )


def downgrade() -> None:
    msg = "the job queue cannot be taken away: restore a backup instead"
    raise NotImplementedError(msg)
