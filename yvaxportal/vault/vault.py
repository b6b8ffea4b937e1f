"""The vault: the only code that reads or writes personal numbers.

Each call is a unit of work of its own on a connection of its own. It names the one person (or the blind
indexes of the one number) for the length of its transaction; row-level security hides every other row. The
act is in the audit log, committed, before a number is decrypted (measures M12, M14, M25, M36).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Connection, Engine, Table, func, select, text
from sqlalchemy.dialects.postgresql import insert

from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import AuditTrail
from yvaxportal.models.codes import Outcome
from yvaxportal.models.vault import VaultEntry
from yvaxportal.values.checkdigits import check_personal_number
from yvaxportal.values.personal_number import PersonalNumber
from yvaxportal.vault.keyring import KeyRing, Sealed
from yvaxportal.vault.purposes import Purpose, PurposeError, check_case, load_purposes

_SET = text("SELECT set_config(:name, :value, true)")
_INSERT_NEW = insert(cast("Table", VaultEntry.__table__)).on_conflict_do_nothing()
_STORING = 0x79766178  # names the lock under which numbers are stored, one at a time


class NumberTakenError(ValueError):
    """The number belongs to another resident. Carries neither the number nor the other one."""

    def __init__(self) -> None:
        super().__init__("the personal number is registered for another resident")


class NoNumberError(LookupError):
    """The vault holds no number of this resident."""

    def __init__(self) -> None:
        super().__init__("no personal number is registered for this resident")


def number_bound_to(municipality_code: str, resident_id: int) -> bytes:
    """Return what a number's ciphertext is bound to: this municipality and this resident."""
    return f"yvaxportal personal number v1|{municipality_code}|{resident_id}".encode("ascii")


def number_index(ring: KeyRing, key_id: str, municipality_code: str, digits: str) -> bytes:
    """Return the blind index of a number under one key."""
    return ring.blind_index(key_id, f"{municipality_code}|{digits}".encode("ascii"))


class Vault:
    """Personal numbers of one municipality."""

    def __init__(
        self,
        engine: Engine,
        ring: KeyRing,
        municipality_code: str,
        *,
        purposes: Mapping[str, Purpose] | None = None,
    ) -> None:
        self._engine = engine
        self._ring = ring
        self._municipality_code = municipality_code
        self.purposes = load_purposes() if purposes is None else purposes

    def read(
        self,
        resident_id: int,
        *,
        purpose: str,
        case_reference: str,
        today: date,
        audit: AuditTrail,
    ) -> PersonalNumber:
        """Return the number of a resident for a configured purpose and a case.

        :raises PurposeError: the purpose is not configured or not in force, or the case is none.
        :raises NoNumberError: none is registered (the attempt is audited all the same).
        """
        case = self._check(purpose, case_reference, today)
        with self._unit(resident_id) as connection:
            row = connection.execute(
                select(VaultEntry.key_id, VaultEntry.nonce, VaultEntry.ciphertext).where(
                    VaultEntry.resident_id == resident_id
                ),
            ).one_or_none()
        audit.record_apart(
            Action.PERSONAL_NUMBER_READ,
            resident_id=resident_id,
            purpose=purpose,
            case_reference=case,
            outcome=Outcome.DONE if row else Outcome.FAILED,
            detail={} if row else {"why": "none registered"},
        )
        if row is None:
            raise NoNumberError
        return PersonalNumber(self._open(resident_id, Sealed(*row)))

    def find(
        self,
        digits: str,
        *,
        purpose: str,
        case_reference: str,
        today: date,
        audit: AuditTrail,
    ) -> int | None:
        """Return the resident id behind a number, None when nobody has it.

        :raises PersonalNumberError: it is no personal number.
        :raises PurposeError: as for ``read``.
        """
        number = check_personal_number(digits)
        case = self._check(purpose, case_reference, today)
        with self._unit() as connection:
            resident_id = self._holder(connection, number)
        audit.record_apart(
            Action.PERSONAL_NUMBER_LOOKED_UP,
            resident_id=resident_id,
            purpose=purpose,
            case_reference=case,
            detail={"found": resident_id is not None},
        )
        return resident_id

    def store(self, resident_id: int, digits: str, *, source: str, now: datetime, audit: AuditTrail) -> None:
        """Register or replace the number of a resident; the replaced one is gone.

        :param source: where the number was confirmed (Article 16), for the audit log.
        :raises PersonalNumberError: it is no personal number.
        :raises NumberTakenError: another resident has it.
        """
        number = check_personal_number(digits)
        with self._unit(resident_id) as connection:
            # The index is unique under one key only: while keys rotate, the lock keeps two people apart.
            connection.execute(select(func.pg_advisory_xact_lock(_STORING)))
            had = _is_registered(connection, resident_id)
            holder = self._holder(connection, number)
            if holder in {None, resident_id}:
                self._write(connection, resident_id, number, now, audit.actor.login)
                act = "confirmed" if holder else "replaced" if had else "registered"
                audit.record_apart(
                    Action.PERSONAL_NUMBER_ENTERED,
                    resident_id=resident_id,
                    detail={"source": source, "act": act},
                )
                return
        audit.record_apart(
            Action.PERSONAL_NUMBER_ENTERED,
            resident_id=resident_id,
            outcome=Outcome.REFUSED,
            detail={"source": source, "why": "registered for another resident"},
        )
        raise NumberTakenError

    def store_many(
        self,
        numbers: Mapping[int, PersonalNumber],
        *,
        source: str,
        now: datetime,
        audit: AuditTrail,
    ) -> dict[int, str]:
        """Register or replace the numbers of many residents, as a register delivers them.

        One event of the audit log tells how many; nothing is opened. What cannot be stored keeps nobody
        else's number from being stored.

        :param numbers: by resident id; at most some thousand at a time.
        :return: why by resident id, of those refused: ``bad_personal_number``, ``personal_number_taken``.
        """
        refused: dict[int, str] = {}
        digits: dict[int, str] = {}
        for resident_id, number in numbers.items():
            try:
                digits[resident_id] = check_personal_number(number.reveal())
            except ValueError:
                refused[resident_id] = "bad_personal_number"
        with self._unit() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_STORING)))
            holders = self._holders(connection, set(digits.values()))
            wanted: dict[int, str] = {}
            for resident_id, number_ in digits.items():
                holder = holders.setdefault(number_, resident_id)
                if holder != resident_id:
                    refused[resident_id] = "personal_number_taken"
                else:
                    wanted[resident_id] = number_
            self._write_many(connection, wanted, now, audit.actor.login)
        audit.record_apart(
            Action.PERSONAL_NUMBER_ENTERED,
            detail={"source": source, "residents": len(numbers) - len(refused), "refused": len(refused)},
        )
        return refused

    def _holders(self, connection: Connection, numbers: set[str]) -> dict[str, int]:
        """Return whose each number is, of those that somebody has."""
        ring = self._ring
        while True:
            key_ids = ring.key_ids
            indexes = {
                number_index(ring, key_id, self._municipality_code, number): number
                for key_id in key_ids
                for number in numbers
            }
            _show(connection, "yvax.vault_index", ",".join(index.hex() for index in indexes))
            rows = connection.execute(
                select(VaultEntry.blind_index, VaultEntry.resident_id).where(
                    VaultEntry.blind_index.in_(list(indexes))
                )
            )
            found = {indexes[bytes(index)]: resident_id for index, resident_id in rows}
            # As in ``_holder``: a rotation that began meanwhile may have moved entries.
            if key_ids == ring.key_ids:
                return found

    def has(self, resident_id: int) -> bool:
        """Tell whether a number is registered, without opening it."""
        with self._unit(resident_id) as connection:
            return _is_registered(connection, resident_id)

    def _check(self, purpose: str, case_reference: str, today: date) -> str:
        configured = self.purposes.get(purpose)
        if configured is None or not configured.in_force(today):
            raise PurposeError("purpose")
        return check_case(case_reference)

    def _write(self, connection: Connection, resident_id: int, number: str, now: datetime, by: str) -> None:
        values = self._row(resident_id, number, now, by)
        changed = {name: value for name, value in values.items() if name != "resident_id"}
        statement = insert(VaultEntry).values(values)
        connection.execute(
            statement.on_conflict_do_update(index_elements=[VaultEntry.resident_id], set_=changed),
        )

    def _row(self, resident_id: int, number: str, now: datetime, by: str) -> dict[str, Any]:
        ring = self._ring
        sealed = ring.seal(number_bound_to(self._municipality_code, resident_id), number.encode("ascii"))
        return {
            "resident_id": resident_id,
            "key_id": sealed.key_id,
            "nonce": sealed.nonce,
            "ciphertext": sealed.ciphertext,
            "blind_index": number_index(ring, sealed.key_id, self._municipality_code, number),
            "stored_at": now,
            "stored_by": by,
        }

    def _holder(self, connection: Connection, number: str) -> int | None:
        """Return whose number it is, looked up under every key: entries wait their turn while keys rotate."""
        ring = self._ring
        while True:
            key_ids = ring.key_ids
            indexes = [number_index(ring, key_id, self._municipality_code, number) for key_id in key_ids]
            _show(connection, "yvax.vault_index", ",".join(index.hex() for index in indexes))
            found = connection.scalar(
                select(VaultEntry.resident_id).where(VaultEntry.blind_index.in_(indexes)).limit(1)
            )
            # A rotation that began meanwhile may have moved the entry to a key that was not asked for.
            if found is not None or key_ids == ring.key_ids:
                return found

    def _open(self, resident_id: int, sealed: Sealed) -> str:
        bound = number_bound_to(self._municipality_code, resident_id)
        return self._ring.open(bound, sealed).decode("ascii")

    def _write_many(self, connection: Connection, numbers: Mapping[int, str], now: datetime, by: str) -> None:
        """Insert together; whoever had a number before is written one by one, each named to the database."""
        rows = [self._row(resident_id, number, now, by) for resident_id, number in numbers.items()]
        if not rows:
            return
        _show(connection, "yvax.vault_storing", "new")
        counted = {"preserve_rowcount": True}
        written = connection.execute(_INSERT_NEW, rows, execution_options=counted).rowcount
        _show(connection, "yvax.vault_storing", "")
        if written == len(rows):
            return
        for resident_id, number in numbers.items():
            _show(connection, "yvax.vault_resident", str(resident_id))
            self._write(connection, resident_id, number, now, by)

    @contextmanager
    def _unit(self, resident_id: int | None = None) -> Iterator[Connection]:
        """Begin a transaction that sees one person's entry, or none until a number is looked up."""
        with self._engine.begin() as connection:
            if resident_id is not None:
                _show(connection, "yvax.vault_resident", str(resident_id))
            yield connection


def _show(connection: Connection, name: str, value: str) -> None:
    """Tell row-level security, for this transaction, which entries may be seen."""
    connection.execute(_SET, {"name": name, "value": value})


def _is_registered(connection: Connection, resident_id: int) -> bool:
    found = connection.scalar(select(VaultEntry.resident_id).where(VaultEntry.resident_id == resident_id))
    return found is not None
