"""The contract of the integrated atena system.

Checks that assign a number leave a person behind whose name begins with 見本　適合試験; they run only when
the subjects allow it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar
from uuid import uuid4

from yvaxportal.adapters.conformance.kit import (
    THREADS,
    Checks,
    NotApplicableError,
    expect,
    expect_error,
    expect_moment,
    expect_unbroken,
)
from yvaxportal.adapters.errors import NotFound, Refused
from yvaxportal.adapters.messages.atena import AssignmentKind, NameInformation, NewPerson
from yvaxportal.models.codes import Sex
from yvaxportal.values.wareki import parse_date

_FEW = 20
_TWELVE = 12


class AtenaChecks(Checks):
    """``IAtena``."""

    system: ClassVar[str] = "atena"
    # Somebody else may be who a number was merged into: only whoever asked can tell.
    bad_answers: ClassVar[tuple[str, ...]] = ("malformed", "too_large")

    def ask(self, number: str) -> NameInformation:
        """Ask for what is kept under a number."""
        answer: NameInformation = self.adapter.name_information(number, self.context)
        return answer

    def summary(self, answer: NameInformation) -> NameInformation:
        """Leave out when it was said."""
        return replace(answer, as_of=datetime(2000, 1, 1, tzinfo=UTC))

    def _person(self, mark: str) -> NewPerson:
        if not self.subjects.may_write:
            raise NotApplicableError("it would leave a test person behind")
        return NewPerson(
            name=f"見本　適合試験{mark}𠮷",
            date_of_birth_written="1970-01-00",
            sex=Sex.UNKNOWN,
            address="見本市適合試験町１番地",
            name_kana="ミホン　テキゴウシケン",
        )

    def names_and_birth_dates_can_be_read(self) -> None:
        """A name is there and whole; date_of_birth_written is YYYY-MM-DD, 00 for what is not known."""
        for number in self.subjects.known:
            found = self.ask(number)
            expect(found.name.strip(), "no name")
            expect_unbroken(found.name, found.name_kana, found.address)
            expect(parse_date(found.date_of_birth_written) is not None, "no birth date")

    def notices_have_a_cursor_to_go_on_from(self) -> None:
        """next_cursor can be asked with, whether or not there was anything."""
        first = self.adapter.notices(None, _FEW, self.context)
        expect(len(first.notices) <= _FEW, "more than the limit")
        second = self.adapter.notices(first.next_cursor, _FEW, self.context)
        earlier = {notice.notice_id for notice in first.notices}
        expect(not earlier & {notice.notice_id for notice in second.notices}, "the same notices again")
        expect_moment(first.as_of)

    def the_same_cursor_gives_the_same_notices(self) -> None:
        """Asking again with a cursor gives the same again."""
        first, second = (self.adapter.notices(None, _FEW, self.context) for _ in range(2))
        expect(first.notices == second.notices, "other notices")

    def an_unknown_cursor_is_refused(self) -> None:
        """A cursor that was never given raises Refused."""
        expect_error(lambda: self.adapter.notices("never-given", _FEW, self.context), Refused)

    def a_new_person_gets_a_number(self) -> None:
        """Assign gives a number of up to 15 digits, never of twelve, and its moment."""
        made = self.adapter.assign(self._person(_mark()), _mark(), self.context)
        number = made.atena_number
        expect(number.isascii() and number.isdigit() and len(number) < len("9" * 16), "no atena number")
        expect(len(number) != _TWELVE, "twelve digits, which a personal number has")
        expect(made.kind is AssignmentKind.ASSIGNED, "somebody had it already")
        expect_moment(made.assigned_at)

    def a_new_person_is_kept_exactly(self) -> None:
        """What is kept of a new person is what was sent, rare characters included."""
        person = self._person(_mark())
        made = self.adapter.assign(person, _mark(), self.context)
        found = self.ask(made.atena_number)
        for name in ("name", "name_kana", "date_of_birth_written", "sex", "address"):
            expect(getattr(found, name) == getattr(person, name), f"another {name}")

    def the_same_person_never_gets_two_numbers(self) -> None:
        """The same five items give the same number under any key, as already_had_one."""
        person = self._person(_mark())
        first = self.adapter.assign(person, _mark(), self.context)
        second = self.adapter.assign(person, _mark(), self.context)
        expect(second.atena_number == first.atena_number, "a second number")
        expect(second.kind is AssignmentKind.ALREADY_HAD_ONE, f"{second.kind}")

    def another_person_gets_another_number(self) -> None:
        """Somebody else of the same name and house, born on another day, gets a number of their own."""
        person = self._person(_mark())
        other = replace(person, date_of_birth_written="1971-01-00")
        numbers = {self.adapter.assign(one, _mark(), self.context).atena_number for one in (person, other)}
        expect(len(numbers) == len({person, other}), "one number for two people")

    def the_same_key_gives_the_same_answer(self) -> None:
        """The same key with the same person gives the same answer, word for word."""
        person, key = self._person(_mark()), _mark()
        first, second = (self.adapter.assign(person, key, self.context) for _ in range(2))
        expect(first == second, "another answer")

    def a_key_is_used_for_one_thing(self) -> None:
        """The same key with another person raises Refused and assigns nothing."""
        key = _mark()
        self.adapter.assign(self._person(_mark()), key, self.context)
        error = expect_error(partial(self.adapter.assign, self._person(_mark()), key, self.context), Refused)
        expect(getattr(error, "code", "") == "key_reused", "another code")

    def many_ask_for_the_same_person_at_once(self) -> None:
        """However many ask at the same moment, the person gets one number."""
        person = self._person(_mark())
        with ThreadPoolExecutor(THREADS) as threads:
            asked = [
                threads.submit(self.adapter.assign, person, _mark(), self.context) for _ in range(THREADS)
            ]
            made = [one.result() for one in asked]
        expect(len({one.atena_number for one in made}) == 1, "several numbers")
        kinds = [one.kind for one in made]
        expect(kinds.count(AssignmentKind.ASSIGNED) == 1, "assigned more than once")

    def newer_information_replaces_older(self) -> None:
        """Keep replaces what is kept; older information than is kept raises Refused (outdated)."""
        made = self.adapter.assign(self._person(_mark()), _mark(), self.context)
        found = self.ask(made.atena_number)
        moved = replace(found, address="見本市適合試験町２番地", as_of=found.as_of + timedelta(seconds=1))
        self.adapter.keep(moved, _mark(), self.context)
        expect(self.ask(made.atena_number).address == moved.address, "the older address")
        older = replace(found, as_of=found.as_of - timedelta(days=1))
        error = expect_error(lambda: self.adapter.keep(older, _mark(), self.context), Refused)
        expect(getattr(error, "code", "") == "outdated", "another code")

    def nothing_is_kept_of_nobody(self) -> None:
        """Keep under a number that was never assigned raises NotFound."""
        self._person(_mark())
        found = self.ask(self.subjects.known[0])
        nobody = replace(found, atena_number=self.subjects.unknown)
        expect_error(lambda: self.adapter.keep(nobody, _mark(), self.context), NotFound)


def _mark() -> str:
    return f"conformance-{uuid4().hex[:20]}"
