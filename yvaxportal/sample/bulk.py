"""Filling tables fast and whole: COPY, with the indexes and foreign keys made afterwards, all or nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import Connection, sql
from psycopg.rows import TupleRow

from yvaxportal.sample import dose_rows, resident_rows, vault_rows

#: Columns of the tables that are filled, in the order in which a chunk is written. The two ``sample_`` tables
#: are temporary: what they hold goes on to ``dose`` and ``vault_entry``.
TABLES: dict[str, Sequence[str]] = {
    "resident": resident_rows.RESIDENT,
    "resident_name": resident_rows.NAME,
    "resident_contact": resident_rows.CONTACT,
    "foreign_resident": resident_rows.FOREIGN,
    "resident_note": resident_rows.NOTE,
    "support_measure": resident_rows.SUPPORT,
    "eligibility": ("resident_id", "kind", "state", "detail", "valid_from", "valid_to", "as_of", "source"),
    "dose": dose_rows.COLUMNS,
    "sample_change": (
        "resident_id", "vaccine", "dose_number", "given_on", "state", "lot_number", "change_reason",
    ),
    "ticket": (
        "resident_id", "vaccine", "ticket_kind", "dose_number", "municipality_code", "ticket_number",
        "issued_on", "state", "void_reason",
    ),
    "certificate": (
        "id", "resident_id", "certificate_id", "certificate_issued_on", "kind", "state", "void_reason",
        "recorded_at",
    ),
    "passport_details": (
        "certificate_id", "former_surname", "other_surname", "other_name", "roman_name", "nationality",
        "passport_number",
    ),
    "sample_vault": vault_rows.COLUMNS,
}  # fmt: skip
_CHANGE_STAGING = """
    CREATE TEMP TABLE sample_change (
        resident_id bigint, vaccine text, dose_number smallint, given_on date, state text, lot_number text,
        change_reason text
    ) ON COMMIT DROP
"""
# Rows of the vault are hidden even from the owner, except in the vault's own unit of work, and COPY does not
# go through row-level security: the rows, encrypted, come here first.
_VAULT_STAGING = "CREATE TEMP TABLE sample_vault (LIKE vault_entry) ON COMMIT DROP"
_PERMANENT = [name for name in TABLES if not name.startswith("sample_")] + ["vault_entry"]
_WITH_OWN_IDS = ("resident", "certificate", "medical_institution")
_COUNTED_BY_THE_DATABASE = ("resident_name", "support_measure", "eligibility", "dose", "ticket")
_ANALYSED = (*_PERMANENT, "medical_institution", "dose_revision")


@dataclass(frozen=True, slots=True)
class _Laid:
    """An index or constraint that was taken away, and the command that brings it back."""

    drop: sql.Composed
    create: sql.SQL | sql.Composed


class BulkLoad:
    """One load inside the connection's transaction."""

    def __init__(self, connection: Connection[TupleRow]) -> None:
        self._connection = connection
        self.rows = dict.fromkeys(TABLES, 0)

    def prepare(self) -> None:
        """Keep others out of the tables, start their counters anew, make the places to stage."""
        execute = self._connection.execute
        for statement in ("SET LOCAL statement_timeout = 0", "SET LOCAL maintenance_work_mem = '192MB'"):
            execute(statement)
        for table in (*_PERMANENT, "medical_institution"):
            execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table)))
        for table in _COUNTED_BY_THE_DATABASE:
            # A load that was broken off leaves its counters advanced; the same seed shall give the same ids.
            self._restart(table, 1)
        execute(_CHANGE_STAGING)
        execute(_VAULT_STAGING)

    @contextmanager
    def without_indexes(self) -> Iterator[None]:
        """Take the secondary indexes and the foreign keys of the tables away and bring them back after.

        Both happen in the one transaction: whatever breaks, the tables have all of them again.
        """
        laid = self._laid()
        for one in laid:
            self._connection.execute(one.drop)
        yield
        for one in reversed(laid):
            self._connection.execute(one.create)

    def copy(self, table: str, block: bytes) -> None:
        """Feed one block of COPY text to a table of ``TABLES``."""
        self._copy(table, TABLES[table], block)
        self.rows[table] += block.count(b"\n")

    def copy_institutions(self, columns: Sequence[str], block: bytes) -> None:
        """Feed the medical institutions."""
        self._copy("medical_institution", columns, block)

    def unstage(self) -> None:
        """Move the encrypted numbers into the vault."""
        self._connection.execute("SELECT set_config('yvax.vault_work', 'load', true)")
        columns = sql.SQL(", ").join(map(sql.Identifier, vault_rows.COLUMNS))
        self._connection.execute(
            sql.SQL("INSERT INTO vault_entry ({}) SELECT {} FROM sample_vault").format(columns, columns)
        )
        self._connection.execute("SELECT set_config('yvax.vault_work', '', true)")

    def change_doses(self, changed_at: str) -> None:
        """Cancel and correct the doses that were noted for it, so that their first revisions are kept."""
        self._connection.execute("ANALYZE dose")
        self._connection.execute(
            "UPDATE dose SET state = c.state, lot_number = c.lot_number, change_reason = c.change_reason,"
            " changed_at = %s::timestamptz, revision = dose.revision + 1 FROM sample_change c"
            " WHERE dose.resident_id = c.resident_id AND dose.vaccine = c.vaccine"
            " AND dose.dose_number = c.dose_number AND dose.given_on = c.given_on"
            " AND dose.judgement = 'given' AND dose.state = 'active'",
            (changed_at,),
        )

    def finish(self) -> None:
        """Set the counters of the tables whose ids came with the rows, and tell the planner what there is."""
        for table in _WITH_OWN_IDS:
            row = self._connection.execute(
                sql.SQL("SELECT coalesce(max(id), 0) + 1 FROM {}").format(sql.Identifier(table))
            ).fetchone()
            self._restart(table, row[0] if row else 1)
        for table in _ANALYSED:
            self._connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))

    def _copy(self, table: str, columns: Sequence[str], block: bytes) -> None:
        command = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        with self._connection.cursor().copy(command) as copy:
            copy.write(block)

    def _restart(self, table: str, value: int) -> None:
        self._connection.execute(
            sql.SQL("ALTER TABLE {} ALTER COLUMN id RESTART WITH {}").format(
                sql.Identifier(table), sql.Literal(value)
            )
        )

    def _laid(self) -> list[_Laid]:
        """Find the foreign keys, unique constraints and indexes of the tables, primary keys left out."""
        constraints = self._connection.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = ANY (%s::regclass[]) AND contype IN ('f', 'u')"
            " ORDER BY contype, conrelid::regclass::text, conname",
            (_PERMANENT,),
        ).fetchall()
        indexes = self._connection.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indrelid = ANY (%s::regclass[]) AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u', 'x'))"
            " ORDER BY 1",
            (_PERMANENT,),
        ).fetchall()
        return [
            *(
                _Laid(
                    sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(table), sql.Identifier(name)),
                    sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                        sql.SQL(table), sql.Identifier(name), sql.SQL(definition)
                    ),
                )
                for table, name, definition in constraints
            ),
            *(
                _Laid(sql.SQL("DROP INDEX {}").format(sql.SQL(name)), sql.SQL(definition))
                for name, definition in indexes
            ),
        ]
