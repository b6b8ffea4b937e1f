"""Which tables this code was written for."""

from sqlalchemy import Column, MetaData, Table, Text, create_engine, inspect, pool, select

#: The newest file of ``migrations/versions``; a test compares the two. Whoever serves asks here: alembic
#: would be a tenth of a web process.
REVISION = "0014"

_version = Table("alembic_version", MetaData(), Column("version_num", Text))


def is_current(url: str) -> bool:
    """Tell whether the database's tables are those of this code; SQLAlchemyError if it cannot be asked."""
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        if not inspect(connection).has_table(_version.name):
            return False
        return connection.scalar(select(_version.c.version_num)) == REVISION
