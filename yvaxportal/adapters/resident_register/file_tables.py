"""The tables behind the resident register's files: people as they stand, and what made them so."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from sqlite3 import Connection

from yvaxportal.adapters.folder.columns import SEPARATOR
from yvaxportal.adapters.folder.faults import (
    CONTRADICTION,
    LINE_OUT_OF_ORDER,
    LINE_OUTDATED,
    TWICE,
    Fault,
)
from yvaxportal.adapters.folder.layouts import Scope
from yvaxportal.adapters.folder.reading import Wanted
from yvaxportal.adapters.folder.records import Values
from yvaxportal.adapters.folder.register import Delivery, Rows
from yvaxportal.values.clock import jst_date

#: The values of a person in the order in which a record keeps them.
PERSON = (
    "atenabango",
    "setaibango",
    "rirekibango",
    "juminkubun",
    "zokugara",
    "shimei",
    "shimei_furigana",
    "shimei_gaikokujinromaji",
    "tsusho",
    "kyuji",
    "seinengappi",
    "seibetsu",
    "jumin_jiyu",
    "jumin_idobi",
    "jumin_todokedebi",
    "hijumin_jiyu",
    "hijumin_idobi",
    "hijumin_todokedebi",
    "jusho_yubinbango",
    "jusho",
    "jusho_kodo",
    "jusho_choazakodo",
    "jichikai",
    "shogakkoku",
    "chugakkoku",
    "tennyumae_jusho",
    "tenshutsugo_jusho",
    "kokuseki",
    "dai30jo45kubun",
    "zairyushikaku",
    "zairyukikan",
    "zairyukadobango",
    "shien_kaishibi",
    "shien_shuryobi",
    "shien_kari",
)
CHANGE = ("idobango", "idokubun", "idobi", "shorinichiji", "aite_atenabango")
_ESSENTIAL = ("atenabango", "setaibango", "rirekibango", "juminkubun", "shimei", "seinengappi", "seibetsu")
_FIRST = len(CHANGE)
_PLACES = {name: place for place, name in enumerate(PERSON)}
_SUPPORT_FROM, _SUPPORT_TO = _PLACES["shien_kaishibi"], _PLACES["shien_shuryobi"]
_NEEDED = tuple((name, _FIRST + _PLACES[name]) for name in _ESSENTIAL)
_HEAD = "世帯主"
PRESENT = "1"
MERGED, SPLIT, REMOVED, CORRECTED = "61", "62", "71", "41"

_INSERT_PERSON = "INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?)"
_UPDATE_PERSON = """UPDATE person
    SET (line, atena, household, rank, version, as_of, record) = (?, ?, ?, ?, ?, ?, ?) WHERE atena = ?"""
_INSERT_CHANGE = """INSERT INTO change
    (change_id, kind, atena, occurred_on, processed_at, other, record, as_of)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""


class RegisterTables:
    """``person`` has everybody, ``change`` what happened, numbered as cursors count.

    A full file that differs from what is known makes a correction of each person who differs: a register that
    delivers full files only is followed all the same. Who is missing in it is not known any more; nothing is
    said of them, since a file may leave out whom it no longer has to have.
    """

    wanted: Mapping[Scope, Wanted]
    essential: Mapping[Scope, Sequence[str]]
    tables: Sequence[str] = (
        """CREATE TABLE person (line INTEGER, atena TEXT, household TEXT, rank INTEGER, version INTEGER,
        as_of TEXT, record TEXT)""",
        """CREATE TABLE change (n INTEGER PRIMARY KEY AUTOINCREMENT, change_id TEXT UNIQUE, kind TEXT,
        atena TEXT, occurred_on TEXT, processed_at TEXT, other TEXT, record TEXT, as_of TEXT)""",
    )
    indexes: Sequence[str] = (
        "CREATE INDEX person_atena ON person (atena)",
        "CREATE INDEX person_household ON person (household, rank)",
    )
    counted = "person"
    lasting: Sequence[str] = ("change",)

    def __init__(self) -> None:
        self.wanted = {
            Scope.FULL: Wanted(PERSON, "atenabango", _judge_person),
            Scope.DIFFERENCE: Wanted((*CHANGE, *PERSON), "atenabango", _judge_change),
        }
        self.essential = {Scope.FULL: _ESSENTIAL, Scope.DIFFERENCE: (*CHANGE, *_ESSENTIAL)}

    def fill(self, connection: Connection, rows: Rows, delivery: Delivery) -> None:
        as_of = delivery.as_of.isoformat()
        connection.executemany(_INSERT_PERSON, (_person(line, values, as_of) for line, values in rows))

    def settle(self, connection: Connection, delivery: Delivery) -> Iterator[Fault]:
        del delivery
        found = [
            *_faults(connection, _DOUBLES, "atenabango", TWICE),
            *_faults(connection, _OLDER, "rirekibango", LINE_OUTDATED),
        ]
        connection.executemany(
            "INSERT OR IGNORE INTO refused SELECT atena FROM main.person WHERE line = ?",
            ((fault.line,) for fault in found),
        )
        connection.executemany("DELETE FROM main.person WHERE line = ?", ((fault.line,) for fault in found))
        yield from found

    def carry(self, connection: Connection, delivery: Delivery) -> None:
        connection.execute(
            """INSERT INTO main.person SELECT * FROM old.person o WHERE atena IN (SELECT key FROM refused)
            AND NOT EXISTS (SELECT 1 FROM main.person n WHERE n.atena = o.atena)"""
        )
        if connection.execute("SELECT 1 FROM old.person LIMIT 1").fetchone() is None:
            return
        values = {
            "begin": f"full-{delivery.sequence}-",
            "kind": CORRECTED,
            "day": jst_date(delivery.as_of).isoformat(),
            "moment": delivery.as_of.isoformat(),
        }
        connection.execute(_DIFFERENCES, values)

    def apply(self, connection: Connection, rows: Rows, delivery: Delivery) -> Iterator[Fault]:
        as_of = delivery.as_of.isoformat()
        latest = ""
        for line, values in rows:
            change_id, kind, day, processed_at, other = values[:_FIRST]
            person = values[_FIRST:]
            atena, record = person[0], "" if kind in {MERGED, REMOVED} else SEPARATOR.join(person)
            said = (kind, atena, day, processed_at, other, record)
            known = connection.execute(_KNOWN_CHANGE, (change_id,)).fetchone()
            if known is not None:
                if known != said:
                    yield Fault(line, "idobango", TWICE)
                continue
            if processed_at > as_of:
                yield Fault(line, "shorinichiji", CONTRADICTION)
                continue
            if processed_at < latest:
                yield Fault(line, "shorinichiji", LINE_OUT_OF_ORDER)
                continue
            version = connection.execute("SELECT version FROM person WHERE atena = ?", (atena,)).fetchone()
            if record and version is not None and int(person[_PLACES["rirekibango"]]) < version[0]:
                yield Fault(line, "rirekibango", LINE_OUTDATED)
                continue
            latest = processed_at
            if not record:
                connection.execute("DELETE FROM person WHERE atena = ?", (atena,))
            elif version is None:
                connection.execute(_INSERT_PERSON, _person(line, person, as_of))
            else:
                # In place: the order of a household stays the register's.
                connection.execute(_UPDATE_PERSON, (*_person(line, person, as_of), atena))
            connection.execute(_INSERT_CHANGE, (change_id, *said, as_of))

    def prune(self, connection: Connection, before: datetime) -> None:
        """Forget changes that were told long ago; the numbers after them stay."""
        connection.execute("DELETE FROM change WHERE as_of < ?", (before.isoformat(),))


_KNOWN_CHANGE = "SELECT kind, atena, occurred_on, processed_at, other, record FROM change WHERE change_id = ?"
_DOUBLES = """SELECT line FROM main.person
    WHERE atena IN (SELECT atena FROM main.person GROUP BY atena HAVING count(*) > 1)"""
_OLDER = """SELECT n.line FROM main.person n JOIN old.person o ON o.atena = n.atena
    WHERE n.version < o.version"""
# INSERT OR IGNORE: a register that used such an id itself would be refused a whole file otherwise.
_DIFFERENCES = """INSERT OR IGNORE INTO main.change
        (change_id, kind, atena, occurred_on, processed_at, other, record, as_of)
    SELECT :begin || n.atena, :kind, n.atena, :day, :moment, '', n.record, :moment
    FROM main.person n LEFT JOIN old.person o ON o.atena = n.atena
    WHERE o.atena IS NULL OR o.record <> n.record ORDER BY n.atena"""


def _faults(connection: Connection, statement: str, column: str, code: str) -> list[Fault]:
    return [Fault(line, column, code) for (line,) in connection.execute(statement)]


def _person(line: int, values: Values, as_of: str) -> tuple[int, str, str, int, int, str, str]:
    """Return a row. ``rank``: 0 for the present head, 1 for other present members, 9 for who left."""
    rank = 9 if values[3] != PRESENT else 0 if values[4] == _HEAD else 1
    return line, values[0], values[1], rank, int(values[2]), as_of, SEPARATOR.join(values)


def _judge_person(values: Values) -> str | None:
    return _judge_support(values[_SUPPORT_FROM], values[_SUPPORT_TO])


def _judge_support(first: str, last: str) -> str | None:
    if first or last:
        return None if first and last >= first else "shien_shuryobi"
    return None


def _judge_change(values: Values) -> str | None:
    kind, other = values[1], values[4]
    if bool(other) != (kind in {MERGED, SPLIT}):
        return "aite_atenabango"
    if kind in {MERGED, REMOVED}:
        # Only the number: how somebody stands who is not there would be a contradiction.
        return "shimei" if values[_FIRST + _PLACES["shimei"]] else None
    for name, place in _NEEDED:
        if not values[place]:
            return name
    return _judge_support(values[_FIRST + _SUPPORT_FROM], values[_FIRST + _SUPPORT_TO])
