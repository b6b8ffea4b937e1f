"""Bad behaviour on demand: which answers go wrong, how, and how often (docs/simulator.md)."""

import json
import random
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

#: What can go wrong, and what happens then.
FAULTS = {
    "time_out": "nothing is answered for `seconds` (30)",
    "slow": "the answer comes after `seconds` (1)",
    "error_500": "500 without a body, nothing done",
    "error_503": "503 with Retry-After, nothing done",
    "lost_answer": "the work is done, then the connection ends without an answer",
    "half_an_answer": "the work is done, then the connection ends in the middle of the answer",
    "malformed": "the answer lacks a field that the protocol demands",
    "wrong_person": "the answer is about another person",
    "wrong_municipality": "the answer is another municipality's",
    "too_large": "the answer is larger than anybody takes",
    "duplicate_delivery": "changes come with a cursor that gives them out once more",
    "out_of_order": "changes come in the wrong order",
    "clock_skew": "the clock of the other side is wrong by `seconds` (600) from now on",
    "token_expired": "the token is refused with 401 and forgotten",
    "permit_refused": "an inquiry (chukan) is refused instead of permitted",
    "permit_delayed": "an inquiry (chukan) waits `seconds` (30) longer for its permit",
}
#: What only the permit of an inquiry can do.
PERMIT = frozenset({"permit_refused", "permit_delayed"})
ANY = "*"
#: A municipality that the city is not.
OTHER_CITY = "131016"
_OTHERS = {"atenabango": "900000000000009", "kenbango": "9900000009"}
_MEGABYTES = 5
_HOUR = 3600


@dataclass
class Rule:
    """One demand: this fault, for these operations, so often.

    :param times: how many answers are still to go wrong; None for all.
    :param share: of the answers that match, how many go wrong (0 to 1).
    """

    fault: str
    system: str = ANY
    operation: str = ANY
    times: int | None = None
    share: float = 1.0
    seconds: float | None = None

    def matches(self, system: str, operation: str) -> bool:
        """Tell whether the demand is for this operation."""
        if self.fault in PERMIT and (system, operation) != ("chukan", "inquire"):
            return False
        return self.system in {ANY, system} and self.operation in {ANY, operation} and self.times != 0


class Faults:
    """The demands in force; a seed makes their dice repeatable."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self.done: dict[str, int] = {}

    def demand(self, wanted: dict[str, Any]) -> None:
        """Add a demand; ValueError for a fault that there is not."""
        rule = Rule(**wanted)
        if rule.fault not in FAULTS:
            raise ValueError(f"no such fault: {rule.fault}")
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """Behave well again."""
        with self._lock:
            self._rules.clear()

    def next(self, system: str, operation: str) -> Rule | None:
        """Return what goes wrong with the next answer."""
        with self._lock:
            for rule in self._rules:
                if rule.matches(system, operation) and self._dice.random() < rule.share:
                    if rule.times is not None:
                        rule.times -= 1
                    self.done[rule.fault] = self.done.get(rule.fault, 0) + 1
                    return rule
        return None


def spoil(rule: Rule, operation: str, answer: Any) -> Any:
    """Return the answer with what ``rule`` does to its content."""
    if not isinstance(answer, dict):
        return answer
    spoiled: dict[str, Any] = json.loads(json.dumps(answer))
    records: list[dict[str, Any]] = spoiled.get("result", [])
    match rule.fault:
        case "malformed":
            spoiled.pop("result", None)
        case "too_large":
            spoiled["metadata"] = {"title": "x", "detail": "x" * (_MEGABYTES << 20)}
        case "wrong_person":
            for record in records:
                name = "kenbango" if "kenbango" in record else "atenabango"
                _person(record)[name] = _OTHERS[name]
        case "wrong_municipality":
            for record in records:
                _person(record)["shikuchosonkodo"] = OTHER_CITY
        case "out_of_order":
            records.reverse()
        case "duplicate_delivery" if operation == "changes":
            first = int(spoiled["tsugi"][1:]) - len(records)
            spoiled |= {"tsugi": f"c{first}", "zoku": True}
        case _:
            return answer
    return spoiled


def _person(record: dict[str, Any]) -> dict[str, Any]:
    inner = record.get("jumin")
    return inner if isinstance(inner, dict) else record


def skewed(rule: Rule) -> timedelta:
    """Return by how much the clock is to be wrong."""
    return timedelta(seconds=rule.seconds if rule.seconds is not None else _HOUR / 6)
