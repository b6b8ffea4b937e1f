"""Writing calls of the systems that the portal plays itself: one at a time, each key once."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from yvaxportal.adapters.errors import Refused
from yvaxportal.adapters.own_tables import LocalAdapter
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.models.atena import AdapterKey
from yvaxportal.values.personal_number import PersonalNumber

MOST = 1_000

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_CURSOR = re.compile(r"n([0-9]{1,18})", re.ASCII)


class LocalExchange(LocalAdapter):
    """An implementation on tables that play the other system.

    Writing calls run one after the other: what was written first is listed first, and nothing slips in before
    a cursor that was given out.
    """

    def __init__(
        self,
        system: str,
        engine: Engine,
        municipality_code: str,
        clock: Callable[[], datetime],
        number_index: Callable[[PersonalNumber], bytes] | None = None,
    ) -> None:
        super().__init__(system, engine, municipality_code, clock)
        self.number_index = number_index

    @classmethod
    def create(cls, setup: AdapterSetup) -> Self:
        """Build the implementation; SettingsError for an option, since there are none."""
        setup.refuse_unknown(())
        return cls(setup.system, setup.engine, setup.municipality_code, setup.clock, setup.number_index)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session whose transaction no other writing call of this system runs beside."""
        with Session(self.engine) as session, session.begin():
            name = func.hashtextextended(f"yvaxportal local {self.system}", 0)
            session.execute(select(func.pg_advisory_xact_lock(name)))
            yield session

    def once(
        self, key: str, operation: str, arguments: object, do: Callable[[Session], dict[str, Any]]
    ) -> dict[str, Any]:
        """Return what ``do`` answers (JSON), or what it answered to the same key before.

        :param arguments: what the call is about; the digest of it is kept.
        :raises Refused: ``E0002`` for what is no key, ``key_reused`` for a key used with other arguments.
        """
        if not _KEY.fullmatch(key):
            raise Refused(self.system, "E0002")
        written = json.dumps([operation, arguments], default=self._plain, sort_keys=True)
        content = hashlib.sha256(written.encode()).digest()
        with self.writing() as session:
            known = session.get(AdapterKey, (self.system, key))
            if known is not None:
                if known.content != content:
                    raise Refused(self.system, "key_reused")
                return known.answer
            answer = do(session)
            session.add(
                AdapterKey(system=self.system, key=key, content=content, answer=answer, used_at=self.clock())
            )
            return answer

    def place(self, cursor: str | None, limit: int) -> int:
        """Return the row id that a cursor of ``list`` stands for, 0 for the beginning.

        :raises Refused: ``E0003`` for a limit outside 1 to 1,000, ``unknown_cursor``.
        """
        if not 1 <= limit <= MOST:
            raise Refused(self.system, "E0003")
        if cursor is None:
            return 0
        found = _CURSOR.fullmatch(cursor)
        if found is None:
            raise Refused(self.system, "unknown_cursor")
        return int(found[1])

    def _plain(self, value: object) -> object:
        """Return what stands for a value in the digest: for a personal number its keyed index at most."""
        if isinstance(value, PersonalNumber):
            return self.number_index(value).hex() if self.number_index else "personal number"
        if is_dataclass(value):
            return {field.name: getattr(value, field.name) for field in fields(value)}
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Mapping):
            return dict(value)
        raise TypeError(type(value).__name__)


def cursor_after(row_id: int) -> str:
    """Return the cursor that goes on after a row."""
    return f"n{row_id}"
