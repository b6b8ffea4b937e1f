"""A resident register that does what a test says, and goes wrong when a test says so."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from zope.interface import implementer

from yvaxportal.adapters.errors import AdapterError, Refused
from yvaxportal.adapters.interfaces import IResidentRegister
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext, HealthState
from yvaxportal.adapters.messages.resident_register import (
    ChangeKind,
    ChangePage,
    RegisterChange,
    RegisteredContact,
    RegisteredPerson,
    Residency,
    Snapshot,
    Unusable,
)
from yvaxportal.models.codes import ResidentCategory, Sex
from yvaxportal.values.personal_number import PersonalNumber

MOMENT = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)


def person(number: str, **said: Any) -> RegisteredPerson:
    """Make somebody whom the register has."""
    whole: dict[str, Any] = {
        "atena_number": number,
        "household_number": "H1",
        "name": "髙﨑　𠮷子",
        "name_kana": "タカサキ　ヨシコ",
        "date_of_birth_written": "2026-11-01",
        "sex": Sex.FEMALE,
        "resident_category": ResidentCategory.RESIDENT,
        "version": 1,
        "as_of": MOMENT,
        "municipality_code": "312029",
        "residency": Residency("出生", date(2026, 11, 1), date(2026, 11, 5)),
        "contact": RegisteredContact(postal_code="6838686", current_address="鳥取県米子市加茂町1-1"),
    }
    return RegisteredPerson(**(whole | said))


@implementer(IResidentRegister)
class Register:
    """``changes`` and ``snapshot`` from lists; ``fault`` is asked before each answer."""

    def __init__(self) -> None:
        self.people: dict[str, RegisteredPerson] = {}
        self.log: list[RegisterChange] = []
        self.fault: Callable[[str], AdapterError | None] = lambda _call: None
        self.asked: list[str] = []
        self.kept_snapshots = True
        #: How many people of a snapshot come before its connection breaks.
        self.breaks_after: int | None = None
        self.unusable: tuple[Unusable, ...] = ()

    def happens(self, kind: str, subject: RegisteredPerson | str, **said: Any) -> RegisterChange:
        """Let something happen; it is the register's next change."""
        someone = subject if isinstance(subject, RegisteredPerson) else None
        number = subject if isinstance(subject, str) else subject.atena_number
        whole: dict[str, Any] = {
            "change_id": f"c-{len(self.log) + 1}",
            "kind": ChangeKind(kind),
            "atena_number": number,
            "occurred_on": date(2026, 11, 20),
            "processed_at": MOMENT + timedelta(seconds=len(self.log)),
            "person": someone,
        }
        change = RegisterChange(**(whole | said))
        self.log.append(change)
        if someone is not None:
            self.people[number] = replace(someone, personal_number=None)
        return change

    def resident(self, atena_number: str, context: CallContext) -> RegisteredPerson:
        del context
        return self.people[atena_number]

    def resident_by_personal_number(self, number: PersonalNumber, context: CallContext) -> RegisteredPerson:
        raise NotImplementedError

    def household(self, household_number: str, context: CallContext) -> tuple[RegisteredPerson, ...]:
        raise NotImplementedError

    def changes(self, after: str | None, limit: int, context: CallContext) -> ChangePage:
        del context
        self._ask("changes")
        first = int(after or 0)
        page = tuple(self.log[first : first + limit])
        last = first + len(page)
        return ChangePage(page, str(last), last < len(self.log), MOMENT, self.unusable)

    def snapshot(self, resume: tuple[str, str] | None, context: CallContext) -> Snapshot:
        del context
        self._ask("snapshot")
        if resume is not None and not self.kept_snapshots:
            raise Refused("resident_register", "snapshot_gone")
        after = resume[1] if resume else ""
        numbers = sorted(number for number in self.people if number > after)
        return Snapshot("s-1", MOMENT, len(self.people), str(len(self.log)), self._people(numbers))

    def _people(self, numbers: list[str]) -> Iterator[RegisteredPerson]:
        for place, number in enumerate(numbers):
            if place == self.breaks_after:
                self.breaks_after = None
                error = self.fault("people")
                if error is not None:
                    raise error
            yield self.people[number]

    def health(self) -> AdapterHealth:
        return AdapterHealth(HealthState.UP)

    def close(self) -> None:
        pass

    def _ask(self, call: str) -> None:
        self.asked.append(call)
        error = self.fault(call)
        if error is not None:
            raise error
