"""Writing the audit log (measure M14). A personal number never enters it, whatever a caller passes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, TypedDict, Unpack, cast

from sqlalchemy import Connection, Engine, Table, insert
from sqlalchemy.orm import Session

from yvaxportal.audit.actions import Action
from yvaxportal.models.audit import AuditEvent
from yvaxportal.models.codes import Outcome
from yvaxportal.values.text import contains_personal_number, mask_personal_numbers


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the login ("" for a visitor, "system" for the portal), the groups, the terminal."""

    login: str
    groups: tuple[str, ...]
    address: str | None


SYSTEM = Actor("system", (), None)

_DIGIT = re.compile(r"\d")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# From this many events on a COPY pays.
_MANY = 100
# No shorter text, and no smaller number, can hold twelve digits.
_SHORTEST = 12
_LEAST = 10**11
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_INSERT = insert(cast("Table", AuditEvent.__table__))


class Facts(TypedDict, total=False):
    """What may be said of an act besides its kind.

    ``detail`` holds parameters, not payloads; ``before`` and ``after`` the changed fields only.
    """

    resident_id: int | None
    subject: str | None
    outcome: Outcome
    purpose: str | None
    case_reference: str | None
    detail: Mapping[str, Any]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class AuditTrail:
    """The log as one actor writes it.

    :param session: the transaction of the business change; None where there is none.
    :param engine: for what must be kept although that transaction is rolled back.
    """

    def __init__(self, session: Session | None, engine: Engine, actor: Actor) -> None:
        self._session = session
        self._engine = engine
        self.actor = actor

    def record(self, action: Action, **facts: Unpack[Facts]) -> None:
        """Write one event in the session's transaction: it stands or falls with the change it tells of."""
        if self._session is None:
            raise RuntimeError("this audit trail has no transaction of its own; use record_apart")
        self._session.connection().execute(_INSERT, self._row(action, facts))

    def record_many(self, events: Sequence[tuple[Action, Facts]]) -> None:
        """Write many events in the session's transaction, in one round trip."""
        if self._session is None:
            raise RuntimeError("this audit trail has no transaction of its own; use record_apart")
        if not events:
            return
        rows = [self._row(action, facts) for action, facts in events]
        if len(rows) < _MANY:
            self._session.execute(_INSERT, rows)
        else:
            _copy(self._session.connection(), rows)

    def record_apart(self, action: Action, **facts: Unpack[Facts]) -> None:
        """Write one event on a connection of its own; it is committed when this returns."""
        with self._engine.begin() as connection:
            connection.execute(_INSERT, self._row(action, facts))

    def _row(self, action: Action, facts: Facts) -> dict[str, Any]:
        resident_id = facts.get("resident_id")
        return {
            "actor": clean(self.actor.login),
            "actor_groups": ",".join(self.actor.groups),
            "address": self.actor.address,
            "action": action.value,
            "outcome": facts.get("outcome", Outcome.DONE),
            "resident_id": resident_id,
            "subject": clean(facts.get("subject")),
            "purpose": clean(facts.get("purpose")),
            "case_reference": clean(facts.get("case_reference")),
            "detail": clean(facts.get("detail", {})),
            "before": clean(facts.get("before")),
            "after": clean(facts.get("after")),
        }


def _copy(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write events by COPY: an import of a hundred thousand doses has as many."""
    names = tuple(rows[0])
    statement = f"COPY audit_event ({', '.join(names)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            copy.write_row([_written(row[name]) for name in names])


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return _to_json(value)
    return value.value if isinstance(value, Enum) else value


def clean(value: Any) -> Any:
    """Return ``value`` as JSON can hold it, with every personal number masked (keys of mappings too).

    :raises TypeError: it holds something that is no plain value.
    """
    if type(value) is dict and all(map(_is_plain, value.values())) and all(map(_is_plain, value)):
        return value
    if isinstance(value, Mapping):
        return {clean(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(item) for item in value]
    return _clean_scalar(value)


def _is_plain(value: Any) -> bool:
    """Tell at once what stays as it is: most of what is logged."""
    kind = type(value)
    if kind is str:
        return len(value) < _SHORTEST and "\x00" not in value
    return value is None or (kind is int and 0 <= value < _LEAST)


def _clean_scalar(value: Any) -> str | int | None:
    if _is_plain(value):
        kept: str | int | None = value
        return kept
    plain = value.value if isinstance(value, Enum) else value
    if isinstance(plain, date):
        return plain.isoformat()
    if isinstance(plain, str):
        # PostgreSQL stores no NUL; whoever sends one shall not escape the log by it.
        return _without_number(plain.replace("\x00", "\N{SYMBOL FOR NULL}"))
    if isinstance(plain, float):
        raise TypeError("the audit log holds whole numbers only: others are not hashed alike everywhere")
    if isinstance(plain, int):
        return plain if _without_number(str(plain)) == str(plain) else _without_number(str(plain))
    if plain is None:
        return None
    raise TypeError(f"the audit log cannot hold a {type(plain).__name__}")


def _without_number(text: str) -> str:
    """Mask a personal number; where one only may be hidden in the text, every digit goes.

    The SHA-256 of a file stays whole: of forty one has twelve digits in a row, and what was approved, handed
    over or closed could not be told by what is left of it.
    """
    if _DIGEST.fullmatch(text):
        return text
    masked = mask_personal_numbers(text)
    return _DIGIT.sub("*", masked) if contains_personal_number(masked) else masked
