"""Rows into a table by COPY, in the session's own transaction: a first load is mostly that.

An INSERT for each row costs a message to the server and back; COPY streams them (PostgreSQL manual, 14.4.2).
Columns that a row does not have take the table's own default.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import Table
from sqlalchemy.orm import Session


def copy_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, all of which have the columns of the first; nothing when there are none."""
    if not rows:
        return
    columns = list(rows[0])
    driver = session.connection().connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("only psycopg copies")
    command = SQL("COPY {} ({}) FROM STDIN").format(
        Identifier(table.name), SQL(", ").join(map(Identifier, columns))
    )
    with driver.cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            copy.write_row([row[column] for column in columns])
