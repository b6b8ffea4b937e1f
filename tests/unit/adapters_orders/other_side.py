"""The side that is asked by files, from docs/protocols/folder.md, 12 to 14, and with none of our code."""

import csv
import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CITY = "312029"
MOMENT = "2026-11-23T10:00:00+09:00"
NEW = (
    "shimei",
    "seinengappi",
    "seibetsu",
    "jusho",
    "shimei_furigana",
    "tsusho",
    "jusho_yubinbango",
    "jusho_kodo",
)
ORDERS: dict[str, tuple[str, ...]] = {
    "assign": (*NEW, "kojinbango"),
    "name_information": ("atenabango",),
    "name_information_by_personal_number": ("kojinbango",),
    "keep": ("atenabango", *NEW, "kijunnichiji", "jumintoroku"),
    "bind_personal_number": ("atenabango", "kojinbango"),
    "notices": ("ikou", "kensu"),
    "pass_to_chukan": ("if_id", "denbunbango", "atenabango"),
    "collect_from_chukan": ("ikou", "kensu"),
}
ASSIGNED = ("D", "9000000019", "1", "2026-11-23T00:59:00Z")
KNOWN = (
    "D",
    "1000000019",
    "見本　太郎",
    "1980-05-17",
    "1",
    "見本市1",
    "",
    "",
    "",
    "",
    "2026-11-01T00:00:00Z",
    "1",
)


@dataclass(frozen=True)
class Order:
    """An order as its file has it: ``values`` by column, then the data lines."""

    name: str
    number: str
    operation: str
    operator: str
    values: dict[str, str]
    data: list[list[str]]


@dataclass
class OrderedSide:
    """A system that reads ``out`` and answers into ``in``."""

    root: Path

    def orders(self) -> list[Order]:
        """Return what lies in ``out``, the oldest name first."""
        names = sorted(path.name for path in (self.root / "out").iterdir() if not path.name.startswith("."))
        return [self.read(name) for name in names]

    def read(self, name: str) -> Order:
        """Read one order and check what every order has."""
        text = (self.root / "out" / name).read_bytes().decode("utf-8")
        assert text.endswith("\r\n")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        head, own, *data, trailer = rows
        mark, layout, version, city, number, operation, operator, moment = head
        assert (mark, layout, version, city) == ("H", "IRAI", "1", CITY)
        assert name == f"IRAI_{CITY}_{number}.csv"
        assert moment.endswith("+09:00")
        assert len(number) == 32
        assert not set(number) - set("abcdefghijklmnop")
        assert trailer == ["T", f"{len(data)}"]
        assert own[0] == "I"
        values = dict(zip(ORDERS[operation], own[1:], strict=True))
        return Order(name, number, operation, operator, values, data)

    def text(self, order: Order, *data: Sequence[str], **said: str) -> str:
        """Return an answer: ``said`` replaces parts; ``own`` is the line K behind its code."""
        written = io.StringIO()
        out = csv.writer(written, lineterminator="\r\n")
        parts = {"city": CITY, "number": order.number, "operation": order.operation, "moment": MOMENT} | said
        head = [parts[name] for name in ("city", "number", "operation", "moment")]
        out.writerow(["H", said.get("layout", "KAITO"), said.get("version", "1"), *head])
        code = said.get("code", "")
        own = said["own"].split(",") if said.get("own") else []
        out.writerow(["K", "1" if code else "0", code, *own])
        out.writerows(data)
        out.writerow(["T", said.get("count", f"{len(data)}")])
        return written.getvalue()

    def answer(self, order: Order, *data: Sequence[str], **said: str) -> str:
        """Put an answer into the folder, whole, and return its name."""
        name = said.get("name", f"KAITO_{CITY}_{order.number}.csv")
        self.put(name, self.text(order, *data, **said).encode())
        return name

    def put(self, name: str, content: bytes) -> None:
        """Put any content there, whole."""
        beside = self.root / "in" / f".{name}.tmp"
        beside.write_bytes(content)
        beside.rename(self.root / "in" / name)

    def acknowledgement(self, name: str) -> dict[str, str]:
        """Return what the portal said of an answer."""
        with (self.root / "ack" / f"{name}.ack").open(encoding="utf-8", newline="") as file:
            (only,) = csv.DictReader(file)
        return only

    def errors(self, name: str) -> list[tuple[str, str, str]]:
        """Return line, column and code of what is wrong with a line of an answer."""
        path = self.root / "ack" / f"{name}.err"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return [(row["line"], row["column"], row["code"]) for row in csv.DictReader(file)]

    def files(self, *folders: str) -> list[str]:
        """Return the names of what lies in some folders."""
        return sorted(path.name for folder in folders for path in (self.root / folder).iterdir())

    @contextmanager
    def answering(self, reply: Callable[[Order], object]) -> Iterator[list[Order]]:
        """Answer each order once, in a thread of its own, while the block runs; give what was ordered."""
        seen: list[Order] = []
        stop = threading.Event()

        def work() -> None:
            known = set[str]()
            while not stop.is_set():
                for path in sorted((self.root / "out").iterdir()):
                    if path.name.startswith(".") or path.name in known:
                        continue
                    known.add(path.name)
                    order = self.read(path.name)
                    seen.append(order)
                    reply(order)
                time.sleep(0.005)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()
