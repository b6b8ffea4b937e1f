"""Who lives in the city that the simulator plays: read from a file, kept in memory.

The world file has one JSON value a line, each with one key:

``{"jumin": {...}}``       a resident as docs/protocols/resident_register.md has them, with ``kojinbango``
``{"kazei": {...}}``       ``atenabango``, ``nendo``, ``kazeikubun``
``{"shikaku": {...}}``     ``atenabango``, ``rireki``
``{"ido": {...}}``         a change, in the order it was processed
``{"kiroku": {...}}``      a dose as docs/protocols/vrs.md has it, of whatever municipality
``{"shokai": {...}}``, ``kotae``, ``kyoka``, ``shokuin``, ``chukan``: see ``intermediate``
"""

import json
import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from yvaxportal.adapters.simulator.intermediate import Intermediate

Record = dict[str, Any]
RESIDENT = "1"
_JAPAN = timedelta(hours=9)


class World:
    """The state of all systems. ``skew`` is how far its clock is wrong."""

    def __init__(self, municipality_code: str) -> None:
        self.municipality_code = municipality_code
        self.lock = threading.RLock()
        self.residents: dict[str, Record] = {}
        self.households: dict[str, list[str]] = defaultdict(list)
        self.taxation: dict[tuple[str, int], str] = {}
        self.welfare: dict[str, list[Record]] = {}
        self.changes: list[Record] = []
        self.atena: dict[str, Record] = {}
        self.bound: dict[str, str] = {}
        self.tickets: dict[str, Record] = {}
        self.doses: dict[str, Record] = {}
        self.dose_ids: list[str] = []
        self.certificates = 0
        self.snapshots: dict[str, tuple[list[Record], str, int]] = {}
        self.skew = timedelta()
        self.chukan = Intermediate(municipality_code, self.instant)

    def now(self) -> str:
        """Return the instant by the simulator's clock, as the protocols write it."""
        return self.instant().isoformat(timespec="seconds").replace("+00:00", "Z")

    def instant(self) -> datetime:
        """Return the instant by the simulator's clock."""
        return datetime.now(UTC) + self.skew

    def today(self) -> date:
        """Return the day in Japan by the simulator's clock."""
        return (self.instant() + _JAPAN).date()

    def load(self, lines: Iterable[str]) -> None:
        """Take over a world file."""
        with self.lock:
            for written in lines:
                ((kind, value),) = json.loads(written).items()
                self.add(kind, value)

    def add(self, kind: str, value: Record) -> None:
        """Take over one line of a world file."""
        match kind:
            case "jumin":
                self._settle(value)
            case "kazei":
                self.taxation[value["atenabango"], value["nendo"]] = value["kazeikubun"]
            case "shikaku":
                self.welfare[value["atenabango"]] = value["rireki"]
            case "ido":
                self.happen(value)
            case "kiroku":
                self.keep_dose(value)
            case "shokai" | "kotae" | "kyoka" | "shokuin" | "chukan":
                self.chukan.add(kind, value)
            case _:
                raise ValueError(f"no such kind of line: {kind}")

    def happen(self, change: Record) -> None:
        """Let something happen to somebody: they are as the change says, and the change is listed."""
        with self.lock:
            subject = change.get("jumin")
            if subject is not None:
                self._settle(subject)
            else:
                self._leave(change["atenabango"])
                self.residents.pop(change["atenabango"], None)
            self.changes.append(change)

    def keep_dose(self, dose: Record) -> None:
        """Record a dose in VRS; its number is never forgotten."""
        self.doses[dose["kirokubango"]] = dose
        self.dose_ids.append(dose["kirokubango"])

    def knows(self, number: str) -> bool:
        """Tell whether somebody has an atena number."""
        return number in self.residents or number in self.atena

    def household(self, number: str) -> list[Record]:
        """Return the present members, the head first."""
        members = [self.residents[one] for one in self.households.get(number, ())]
        present = [one for one in members if one["juminkubun"] == RESIDENT]
        return sorted(present, key=lambda one: one.get("zokugara") != "世帯主")

    def _settle(self, person: Record) -> None:
        number = person["atenabango"]
        self._leave(number)
        self.residents[number] = person
        self.households[person["setaibango"]].append(number)

    def _leave(self, number: str) -> None:
        known = self.residents.get(number)
        if known is not None:
            self.households[known["setaibango"]].remove(number)
