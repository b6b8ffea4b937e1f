"""What the intermediate server (中間サーバー) knows, and how time passes in it.

Lines of the world file, in the words of docs/protocols/chukan.md:

``shokai``
    another organisation asks: ``atenabango``, ``shokaikikan_kodo``, ``jimu_kodo``,
    ``tokuteikojinjohomei_kodo``; ``teikyobango``, ``shoritsuban`` and ``kaitokigen`` if wanted
``kotae``
    what inquiries are answered: ``atenabango``, ``tokuteikojinjohomei_kodo``, ``komoku`` (lines of an answer;
    none: no data), ``taiki`` (seconds that somebody takes to answer by hand)
``kyoka``
    a line of the permitted-inquiry list
``shokuin``
    an operator: ``sosashaid``, ``kengen``, ``yukoshuryobi``
``chukan``
    ``code_seconds``, ``step_seconds``, ``kadojotai``
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

Record = dict[str, Any]

JST = timezone(timedelta(hours=9))
KEPT = timedelta(days=30)
WITHIN = timedelta(days=30)
YEARS = 7
OWN_KIND = "01"
FUNCTIONS = ("inquiry", "provision", "sub_copy", "exchange_record", "management")
#: A list in force from the start; the real codes are not public.
PERMITTED = {
    "jimu_kodo": "TM99JIMU00000001",
    "jimutetsuzuki_kodo": "TM99TETSUZUKI001",
    "tokuteikojinjohomei_kodo": "TM99000000000001",
    "teikyokikanshubetsu": OWN_KIND,
    "yukokaishibi": "2020-01-01",
    "yukoshuryobi": None,
}
MADE_UP = (("TM9901", "見本　𠮷野"), ("TM9902", "2026-04-01"), ("TM9903", ""))
_DELAY = 30.0
_PLACES = {
    state: f"{place:02}"
    for place, state in enumerate(
        (
            "requested",
            "accepted",
            "permitted",
            "refused",
            "manual_wait",
            "answered",
            "no_data",
            "failed",
            "fetched",
            "cancelled",
            "expired",
        ),
        1,
    )
}
OPEN = ("requested", "accepted", "permitted", "manual_wait")


@dataclass
class Inquiry:
    """One inquiry, from the moment it was asked."""

    number: str
    asked: Record
    begun: datetime
    refused: bool
    delay: timedelta
    state: str = "requested"
    changed: datetime | None = None
    serial: str | None = None
    reason: str = ""
    answered: datetime | None = None
    expires: datetime | None = None
    lines: list[Record] = field(default_factory=list)


class Intermediate:
    """The state of the server. ``key`` is shared with whoever asks."""

    def __init__(self, municipality_code: str, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.own = OWN_KIND + municipality_code
        self.key = b""
        self.code_seconds, self.step_seconds = 1.0, 0.3
        self.running = True
        self.codes: dict[str, datetime] = {}
        self.inquiries: dict[str, Inquiry] = {}
        self.provisions: list[Record] = []
        self.copies: dict[str, tuple[Record, list[Record]]] = {}
        self.records: list[Record] = []
        self.permitted: list[Record] = [PERMITTED]
        self.operators: dict[str, Record] = {
            "system": {"sosashaid": "system", "yukoshuryobi": None, "kengen": list(FUNCTIONS)}
        }
        self.answers: dict[tuple[str, str], Record] = {}
        self.batches: list[Record] = []
        self.counted: dict[tuple[str, str], int] = {}
        self.dealt: dict[str, tuple[str, Any]] = {}
        self.left: list[tuple[str, Record]] = []
        self._serial = 0

    def add(self, kind: str, value: Record) -> None:
        """Take over one line of a world file."""
        match kind:
            case "shokai":
                self.receive(value)
            case "kotae":
                self.answers[value["atenabango"], value["tokuteikojinjohomei_kodo"]] = value
            case "kyoka":
                self.permitted.append(PERMITTED | value)
            case "shokuin":
                self.operators[value["sosashaid"]] = {"yukoshuryobi": None} | value
            case _:
                self.code_seconds = float(value.get("code_seconds", self.code_seconds))
                self.step_seconds = float(value.get("step_seconds", self.step_seconds))
                self.running = bool(value.get("kadojotai", self.running))

    def today(self) -> date:
        """Return the day in Japan."""
        return self.clock().astimezone(JST).date()

    def number(self, letter: str) -> str:
        """Return a number that nothing had before."""
        self._serial += 1
        return f"{letter}{self._serial:012}"

    def count(self, what: str, more: int = 1) -> None:
        """Add to the counts of today."""
        key = (self.today().isoformat(), what)
        self.counted[key] = self.counted.get(key, 0) + more

    def code(self, number: str) -> tuple[str, datetime]:
        """Return the state of somebody's code and since when."""
        asked = self.codes.get(number)
        if asked is None:
            return "0", self.clock()
        come = asked + timedelta(seconds=self.code_seconds)
        return ("2", come) if come <= self.clock() else ("1", asked)

    def begin(self, asked: Record, fault: tuple[str, float | None]) -> Inquiry:
        """Begin an inquiry that may be made."""
        name, seconds = fault
        delayed = timedelta(seconds=_DELAY if seconds is None else seconds)
        inquiry = Inquiry(
            number=self.number("S"),
            asked=asked,
            begun=self.clock(),
            refused=name == "permit_refused",
            delay=delayed if name == "permit_delayed" else timedelta(),
        )
        inquiry.changed = inquiry.begun
        self.inquiries[inquiry.number] = inquiry
        self.count("shokaikensu")
        return inquiry

    def settle(self, inquiry: Inquiry) -> None:
        """Let an inquiry be where it is by now: it only goes on."""
        if inquiry.state not in OPEN:
            return
        step, now = timedelta(seconds=self.step_seconds), self.clock()
        known = self.answers.get((inquiry.asked["atenabango"], inquiry.asked["tokuteikojinjohomei_kodo"]))
        by_hand = timedelta(seconds=float((known or {}).get("taiki", 0)))
        accepted = inquiry.begun + step
        permitted = accepted + step + inquiry.delay
        waits = permitted + step
        if now >= accepted and inquiry.state == "requested":
            inquiry.state, inquiry.changed = "accepted", accepted
        if now >= permitted and inquiry.state == "accepted":
            if inquiry.refused:
                inquiry.reason = "permit_refused"
                self._end(inquiry, "refused", permitted)
                self.count("kyohikensu")
                return
            inquiry.state, inquiry.changed, inquiry.serial = "permitted", permitted, self.number("T")
        if by_hand and now >= waits and inquiry.state == "permitted":
            inquiry.state, inquiry.changed = "manual_wait", waits
        if now >= waits + by_hand and inquiry.state in {"permitted", "manual_wait"}:
            self._answer(inquiry, known, waits + by_hand)

    def status(self, inquiry: Inquiry) -> Record:
        """Return a ``Shokai``."""
        self.settle(inquiry)
        expired = inquiry.expires is not None and inquiry.expires <= self.clock()
        changed = inquiry.expires if expired else inquiry.changed
        return {
            "shokaibango": inquiry.number,
            "jotai": _PLACES["expired" if expired else inquiry.state],
            "henkonichiji": moment(changed),
            "shoritsuban": inquiry.serial,
            "riyu": inquiry.reason,
            "kigennichiji": None if inquiry.expires is None else moment(inquiry.expires),
        }

    def cancel(self, inquiry: Inquiry) -> None:
        """Give up an open inquiry."""
        self._end(inquiry, "cancelled", self.clock())

    def receive(self, asked: Record) -> None:
        """Take what another organisation asks; answer from sub-copies where that may be done."""
        now = self.clock()
        request = {
            "teikyobango": asked.get("teikyobango") or self.number("R"),
            "shoritsuban": asked.get("shoritsuban") or self.number("T"),
            "atenabango": asked["atenabango"],
            "shokaikikan_kodo": asked["shokaikikan_kodo"],
            "jimu_kodo": asked["jimu_kodo"],
            "tokuteikojinjohomei_kodo": asked["tokuteikojinjohomei_kodo"],
            "uketsukenichiji": moment(now),
            "kaitokigen": asked.get("kaitokigen") or moment(now + WITHIN),
            "jotai": "1",
        }
        today = self.today().isoformat()
        valid = [copy for copy in self.copies_for(request) if copy["kokaikaishibi"] <= today]
        valid = [copy for copy in valid if copy["kokaishuryobi"] is None or today <= copy["kokaishuryobi"]]
        if any(copy["jidootofuka"] for copy in valid):
            request["jotai"] = "4"
        elif valid:
            request["jotai"] = "2"
            self.record_provision(request)
        self.provisions.append(request)
        self.count("teikyokensu")
        self.left.append((self.number("M"), dict(request)))

    def copies_for(self, request: Record) -> list[Record]:
        """Return the sub-copies of what is asked."""
        return [
            copy
            for copy, _ in self.copies.values()
            if not copy["sakujo"]
            and copy["atenabango"] == request["atenabango"]
            and copy["tokuteikojinjohomei_kodo"] == request["tokuteikojinjohomei_kodo"]
        ]

    def provision(self, request: Record) -> Record:
        """Return a ``Teikyo`` as it is by now."""
        over = datetime.fromisoformat(request["kaitokigen"]) <= self.clock()
        return request | {"jotai": "5"} if over and request["jotai"] in {"1", "4"} else request

    def record_provision(self, request: Record) -> None:
        """Write the exchange record of a provision."""
        hidden = any(copy["fukaiji"] for copy in self.copies_for(request))
        self._record(request, request["shokaikikan_kodo"], self.own, request["shoritsuban"], hidden=hidden)

    def batch(self, name: str, rows: int, failed: int) -> None:
        """Note a batch that ran."""
        now = moment(self.clock())
        self.batches.append(
            {
                "batchibango": self.number("B"),
                "batchimei": name,
                "jotai": "2",
                "kensu": rows,
                "fuseikensu": failed,
                "kaishinichiji": now,
                "shuryonichiji": now,
            }
        )

    def delete_expired(self) -> Record:
        """Delete what is past its term."""
        now = self.clock()
        first = _years_before(now)
        inquiries = [one for one in self.inquiries.values() if one.expires is not None and one.expires <= now]
        for one in inquiries:
            del self.inquiries[one.number]
        provisions, records = len(self.provisions), len(self.records)
        self.provisions = [
            one for one in self.provisions if datetime.fromisoformat(one["kaitokigen"]) + KEPT > now
        ]
        self.records = [one for one in self.records if datetime.fromisoformat(one["kirokunichiji"]) >= first]
        gone = {
            "shokaikensu": len(inquiries),
            "teikyokensu": provisions - len(self.provisions),
            "kirokukensu": records - len(self.records),
        }
        self.batch("保管期限切れ情報の削除", sum(gone.values()), 0)
        return gone | {"sakujonichiji": moment(now)}

    def _answer(self, inquiry: Inquiry, known: Record | None, when: datetime) -> None:
        asked = inquiry.asked
        name = {"tokuteikojinjohomei_kodo": asked["tokuteikojinjohomei_kodo"], "reiautohan": "2026.07"}
        made_up = [{"gyo": 1, **name, "komoku_kodo": code, "atai": value} for code, value in MADE_UP]
        inquiry.lines = made_up if known is None else [{"gyo": 1, **name, **line} for line in known["komoku"]]
        inquiry.answered = when
        self._end(inquiry, "answered" if inquiry.lines else "no_data", when)
        self._record(asked, self.own, asked["teikyokikan_kodo"], inquiry.serial, hidden=False)

    def _end(self, inquiry: Inquiry, state: str, when: datetime) -> None:
        inquiry.state, inquiry.changed, inquiry.expires = state, when, when + KEPT

    def _record(self, asked: Record, requester: str, provider: str, serial: Any, *, hidden: bool) -> None:
        self.records.append(
            {
                "shoritsuban": serial,
                "kirokunichiji": moment(self.clock()),
                "shokaikikan_kodo": requester,
                "teikyokikan_kodo": provider,
                "jimu_kodo": asked["jimu_kodo"],
                "tokuteikojinjohomei_kodo": asked["tokuteikojinjohomei_kodo"],
                "atenabango": asked["atenabango"],
                "fukaiji": hidden,
            }
        )


def moment(instant: datetime | None) -> str:
    """Return an instant as the protocols write it."""
    if instant is None:
        raise ValueError("no instant")
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _years_before(now: datetime) -> datetime:
    year = now.year - YEARS
    try:
        return now.replace(year=year)
    except ValueError:
        return now.replace(year=year, day=28)
