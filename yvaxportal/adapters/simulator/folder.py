"""The folder side: order files are read from ``out``, answered into ``in`` (docs/protocols/folder.md, 12)."""

import csv
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yvaxportal.adapters.simulator.faults import OTHER_CITY, Rule, skewed, spoil
from yvaxportal.adapters.simulator.forms import Form, Ordered, read_order, write_answer
from yvaxportal.adapters.simulator.server import Simulator
from yvaxportal.adapters.simulator.systems import ORDERED
from yvaxportal.adapters.simulator.wire import Asked, ErrorAnswer, Lines

_LOOK_SECONDS = 0.02
#: An answer that was neither taken nor refused is put there again after so long.
_AGAIN_SECONDS = 1.0
_LONG, _SECOND = 30.0, 1.0
_MEGABYTES = 5


@dataclass
class Sent:
    """An answer that was given.

    :param good: what it is without any fault.
    :param heard: the acknowledgement that was seen last.
    """

    name: str
    good: str
    at: float
    twice: bool = False
    heard: str = ""


class FolderSide(threading.Thread):
    """One system's folder, on the same world and with the same answers as its REST side."""

    def __init__(self, simulator: Simulator, system: str, folder: Path, forms: Mapping[str, Form]) -> None:
        super().__init__(name=f"folder of {system}", daemon=True)
        self.simulator, self.system, self.folder, self.forms = simulator, system, folder, forms
        self._sent: dict[str, Sent] = {}
        self._due: dict[str, float] = {}
        for name in ("out", "in", "ack"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def run(self) -> None:
        """Look, answer, look again, until the simulator stops."""
        while not self.simulator.stopping.wait(_LOOK_SECONDS):
            present = {
                path.name: path for path in (self.folder / "out").iterdir() if not path.name.startswith(".")
            }
            for name in [name for name in self._sent if name not in present]:
                self._gone(name)
            for name, path in sorted(present.items()):
                if name in self._sent:
                    self._look_after(self._sent[name])
                else:
                    self._take(name, path)

    def _take(self, name: str, path: Path) -> None:
        try:
            with path.open(encoding="utf-8", newline="") as file:
                order = read_order(file.read(), self.simulator.world.municipality_code, self.forms)
        except FileNotFoundError:
            return
        if time.monotonic() < self._due.get(name, 0.0):
            return
        # What was slow goes well in the end.
        late = self._due.pop(name, None) is not None
        rule = None if late else self.simulator.faults.next(self.system, order.operation)
        if rule is not None and not self._goes_on(name, rule):
            return
        answer = self._answer(order, (rule.fault, rule.seconds) if rule else ("", None))
        good = self._text(order, answer)
        sent = Sent(f"KAITO_{name.partition('_')[2]}", good, time.monotonic())
        self._sent[name] = sent
        self._send(sent, self._spoiled(order, answer, good, rule, sent))

    def _goes_on(self, name: str, rule: Rule) -> bool:
        """Do what goes wrong before anything is done; False when the order is left for later."""
        if rule.fault == "clock_skew":
            self.simulator.world.skew = skewed(rule)
        if rule.fault in {"time_out", "slow"}:
            usual = _LONG if rule.fault == "time_out" else _SECOND
            self._due[name] = time.monotonic() + (usual if rule.seconds is None else rule.seconds)
            return False
        return rule.fault not in {"error_500", "error_503"}

    def _answer(self, order: Ordered, fault: tuple[str, float | None]) -> Any:
        route = next(one for one in ORDERED[self.system] if one.operation == order.operation)
        texts = {name: str(value) for name, value in order.values.items()}
        form = self.forms[order.operation]
        body = {name: value for name, value in order.values.items() if name != form.path}
        asked = Asked(
            texts,
            texts,
            body,
            operator=order.operator,
            key=order.values.get(form.key, order.number),
            fault=fault,
        )
        self.simulator.count(f"{self.system}.{order.operation}")
        try:
            answer = self.simulator.done(self.system, route, asked)
        except ErrorAnswer as error:
            return error
        return {**answer.begin, "result": list(answer.records)} if isinstance(answer, Lines) else answer

    def _text(self, order: Ordered, answer: Any) -> str:
        world = self.simulator.world
        return write_answer(order, world.municipality_code, world.now(), self.forms[order.operation], answer)

    def _spoiled(self, order: Ordered, answer: Any, good: str, rule: Rule | None, sent: Sent) -> str | None:
        """Return what is written, None for nothing."""
        if rule is None:
            return good
        sent.twice = rule.fault == "duplicate_delivery"
        *lines, last, trailer = good.splitlines(keepends=True)
        city = self.simulator.world.municipality_code
        ways: dict[str, str | None] = {
            "lost_answer": None,
            "half_an_answer": good.removesuffix(trailer),
            "malformed": "".join([*lines, f"{last.rpartition(',')[0]}\r\n", trailer]),
            "too_large": good + " " * (_MEGABYTES << 20),
            "wrong_municipality": good.replace(city, OTHER_CITY, 1),
        }
        if rule.fault in ways or isinstance(answer, ErrorAnswer):
            return ways.get(rule.fault, good)
        return self._text(order, spoil(rule, order.operation, answer))

    def _send(self, sent: Sent, text: str | None) -> None:
        sent.at = time.monotonic()
        if text is None:
            return
        beside = self.folder / "in" / f".{sent.name}.tmp"
        beside.write_text(text, "utf-8", newline="")
        beside.rename(self.folder / "in" / sent.name)

    def _look_after(self, sent: Sent) -> None:
        """Give an answer again that was refused, or that nobody says anything of."""
        acknowledgement = self.folder / "ack" / f"{sent.name}.ack"
        if acknowledgement.exists():
            written = acknowledgement.read_text("utf-8")
            if written != sent.heard:
                sent.heard = written
                (said,) = csv.DictReader(written.splitlines())
                if said["result"] == "refused":
                    self._send(sent, sent.good)
        elif time.monotonic() > sent.at + _AGAIN_SECONDS and not (self.folder / "in" / sent.name).exists():
            self._send(sent, sent.good)

    def _gone(self, name: str) -> None:
        """Forget an order that the portal took back; a faulty side delivers its answer once more."""
        sent = self._sent.pop(name)
        if sent.twice:
            self._send(sent, sent.good)
