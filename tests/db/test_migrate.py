import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from sqlalchemy import Engine, create_engine, pool, text

from tests.database import DatabaseServer
from yvaxportal import migrate
from yvaxportal.embedded.places import APP_ROLE, DatabaseUrls
from yvaxportal.embedded.roles import libpq
from yvaxportal.models import Base
from yvaxportal.models.schema import REVISION, is_current

# The SQL that migration 0002 ran when it was written. When procrastinate changes it, an existing database
# needs a migration with procrastinate's own migration script; then this is the new sum.
JOBS_SCHEMA = "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009"


def make_empty(urls: DatabaseUrls) -> None:
    """Leave a database as ``CREATE DATABASE`` does."""
    with psycopg.connect(libpq(urls.owner), autocommit=True) as owner:
        owner.execute("DROP SCHEMA public CASCADE")
        owner.execute("CREATE SCHEMA public")
        owner.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")


@pytest.fixture
def empty(database_urls: DatabaseUrls) -> DatabaseUrls:
    make_empty(database_urls)
    return database_urls


SHAPE = """
    SELECT 'column', attrelid::regclass::text, attname::text,
           concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attidentity,
                     pg_get_expr(adbin, adrelid))
      FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped AND relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    UNION ALL
    SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""


def shape(engine: Engine) -> set[tuple[str, ...]]:
    """Return each column, constraint and index of the portal's own tables with its definition."""
    with engine.connect() as connection:
        rows = connection.execute(text(SHAPE)).all()
    foreign = ("procrastinate_", "alembic_version")
    return {tuple(row) for row in rows if not row[1].startswith(foreign)}


def test_models_and_migrations_agree(postgres: DatabaseServer, owner_engine: Engine) -> None:
    migrated = shape(owner_engine)
    with postgres.fresh_database() as other:
        make_empty(other)
        engine = create_engine(other.owner, poolclass=pool.NullPool)
        Base.metadata.create_all(engine)
        assert migrated ^ shape(engine) == set()
    assert ("column", "resident", "id", "bigint t d") in migrated


def test_the_code_names_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(migrate.configuration()).get_current_head() == REVISION


def test_two_that_migrate_at_once(empty: DatabaseUrls) -> None:
    assert not is_current(empty.owner)
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(migrate.upgrade, empty.owner, APP_ROLE) for _ in range(2)]:
            done.result()
    assert is_current(empty.app)


def test_a_failed_migration_leaves_nothing(empty: DatabaseUrls) -> None:
    with pytest.raises(Exception, match="no_such_role"):
        migrate.upgrade(empty.owner, "no_such_role")
    with psycopg.connect(libpq(empty.owner)) as owner:
        left = owner.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert left == (0,)


def test_one_line_of_history() -> None:
    script = ScriptDirectory.from_config(migrate.configuration())
    assert len(script.get_heads()) == 1
    for revision in script.walk_revisions():
        assert re.match(rf"{revision.revision}_\w+\.py$", Path(revision.path).name)


def test_the_job_queues_tables_are_those_of_the_installed_package() -> None:
    assert hashlib.sha256(SchemaManager.get_schema().encode()).hexdigest() == JOBS_SCHEMA


def test_the_application_may_not_change_the_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        owned = connection.scalar(text("SELECT count(*) FROM pg_class WHERE relowner = 'yvax_app'::regrole"))
        assert owned == 0
        assert connection.scalar(text("SELECT version_num FROM alembic_version"))
        assert not connection.scalar(text("SELECT has_table_privilege('alembic_version', 'INSERT')"))


def test_the_roles_that_the_deployment_guide_makes_are_enough(postgres: DatabaseServer) -> None:
    """Run the guide's own SQL under other names, migrate as its owner, and read as its application."""
    guide = Path(__file__).parents[2] / "docs" / "deploy.md"
    blocks = re.findall(r"```sql\n(.*?)```", guide.read_text("utf-8"), re.DOTALL)
    setup = re.sub(r"\byvax(_owner|_app)?\b", r"guide\1", blocks[0])
    statements = [statement for statement in (part.strip() for part in setup.split(";")) if statement]
    # The test's server knows no passwords; the guide's host rules do not apply to its socket.
    with psycopg.connect(libpq(postgres.urls.admin, "postgres"), autocommit=True) as admin:
        try:
            for statement in statements:
                admin.execute(statement.encode())
            address = postgres.urls.owner.replace("yvax_owner@/yvax", "guide_owner@/guide")
            migrate.upgrade(address, "guide_app")
            app = create_engine(address.replace("guide_owner", "guide_app"), poolclass=pool.NullPool)
            with app.connect() as connection:
                assert connection.scalar(text("SELECT count(*) FROM resident")) == 0
                assert connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0
            assert is_current(address.replace("guide_owner", "guide_app"))
        finally:
            admin.execute("DROP DATABASE IF EXISTS guide WITH (FORCE)")
            admin.execute("DROP ROLE IF EXISTS guide_app")
            admin.execute("DROP ROLE IF EXISTS guide_owner")
