"""What alembic runs: the connection and the application's role come from ``yvaxportal.migrate``."""

from alembic import context
from sqlalchemy.schema import SchemaItem

from yvaxportal.models import Base

# These belong to the job queue's own package, which brings their SQL.
FOREIGN_PREFIX = "procrastinate_"


def include_object(
    _item: SchemaItem, name: str | None, kind: str, _reflected: bool, _other: SchemaItem | None
) -> bool:
    """Leave the job queue's tables out of comparisons."""
    return not (kind == "table" and name is not None and name.startswith(FOREIGN_PREFIX))


if context.is_offline_mode():
    raise RuntimeError("migrations run on a connection, with the locks that yvaxportal.migrate takes")

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=include_object,
    compare_type=True,
    compare_server_default=True,
)
context.run_migrations()
