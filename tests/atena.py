"""An atena system whose behaviour a test sets, call by call."""

from dataclasses import dataclass, field
from typing import Any

from tests.people import NOW, atena_number
from yvaxportal.adapters.messages.atena import Assignment, AssignmentKind, NameInformation, NewPerson
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext, HealthState


@dataclass
class Atena:
    """Answers with one number after the other; with ``failing`` it raises that instead.

    :param lose: so many answers get lost after the work is done.
    """

    failing: Exception | None = None
    lose: Exception | None = None
    first: int = 810_000_000
    by_key: dict[str, str] = field(default_factory=dict)
    assigned: list[NewPerson] = field(default_factory=list)
    kept: list[NameInformation] = field(default_factory=list)
    calls: int = 0

    def assign(self, person: NewPerson, idempotency_key: str, context: CallContext) -> Assignment:
        """Assign a number, the same for the same key."""
        del context
        self._may_fail()
        if idempotency_key not in self.by_key:
            self.assigned.append(person)
            self.by_key[idempotency_key] = atena_number(self.first + len(self.assigned))
        self._may_lose()
        return Assignment(self.by_key[idempotency_key], AssignmentKind.ASSIGNED, NOW)

    def keep(self, information: NameInformation, idempotency_key: str, context: CallContext) -> None:
        """Keep information."""
        del idempotency_key, context
        self._may_fail()
        self.kept.append(information)
        self._may_lose()

    def health(self) -> AdapterHealth:
        """Know nothing."""
        return AdapterHealth(HealthState.UNKNOWN)

    def close(self) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody asks for {name}")

    def _may_fail(self) -> None:
        self.calls += 1
        if self.failing is not None:
            raise self.failing

    def _may_lose(self) -> None:
        if self.lose is not None:
            lost, self.lose = self.lose, None
            raise lost
