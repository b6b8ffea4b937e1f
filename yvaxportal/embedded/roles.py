"""The portal's roles and database on the embedded server; docs/deploy.md has the same for a real one."""

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from yvaxportal.embedded.places import APP_ROLE, DATABASE, OWNER_ROLE

_RIGHTS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def prepare(admin_url: str) -> None:
    """Create what is missing; may run any number of times."""
    with psycopg.connect(libpq(admin_url, "postgres"), autocommit=True) as connection:
        for role in (OWNER_ROLE, APP_ROLE):
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).rowcount
            verb = "ALTER" if known else "CREATE"
            connection.execute(
                sql.SQL("{} ROLE {} {}").format(sql.SQL(verb), sql.Identifier(role), sql.SQL(_RIGHTS))
            )
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).rowcount:
            create_database(connection, DATABASE)


def create_database(
    connection: psycopg.Connection[tuple[object, ...]], name: str, template: str | None = None
) -> None:
    """Create a database of the owner role that only the portal's two roles may open."""
    # Copying files beats copying through the log for the small databases that tests make.
    copied = sql.SQL(" TEMPLATE {} STRATEGY file_copy" if template else "").format(
        *((sql.Identifier(template),) if template else ())
    )
    database, owner, app = (sql.Identifier(word) for word in (name, OWNER_ROLE, APP_ROLE))
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}{}").format(database, owner, copied))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, app))


def libpq(url: str, database: str | None = None) -> str:
    """Return a SQLAlchemy address as libpq takes it, with another database if one is named."""
    parts = make_url(url).set(drivername="postgresql")
    if database is not None:
        parts = parts.set(database=database)
    return parts.render_as_string(hide_password=False)
