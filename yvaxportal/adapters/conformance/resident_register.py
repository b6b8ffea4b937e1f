"""The contract of the resident register."""

import re
from typing import ClassVar

from yvaxportal.adapters.conformance.kit import (
    Checks,
    NotApplicableError,
    expect,
    expect_error,
    expect_moment,
    expect_unbroken,
)
from yvaxportal.adapters.errors import NotFound, Refused
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.resident_register import RegisteredPerson
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.values.wareki import parse_date

_FEW = 20


class ResidentRegisterChecks(Checks):
    """``IResidentRegister``."""

    system: ClassVar[str] = "resident_register"
    bad_answers: ClassVar[tuple[str, ...]] = (*Checks.bad_answers, "wrong_municipality")

    def ask(self, number: str) -> RegisteredPerson:
        """Ask for one person."""
        answer: RegisteredPerson = self.adapter.resident(number, self.context)
        return answer

    def a_person_comes_without_the_personal_number(self) -> None:
        """Only resident_by_personal_number gives the number out."""
        for number in self.subjects.known:
            expect(self.ask(number).personal_number is None, "a personal number")

    def a_person_is_of_this_municipality(self) -> None:
        """municipality_code is that of the portal."""
        for number in self.subjects.known:
            found = self.ask(number).municipality_code
            expect(found == self.subjects.municipality_code, "another municipality")

    def a_birth_date_can_be_read(self) -> None:
        """date_of_birth_written is YYYY-MM-DD, with 00 for what is not known."""
        for number in self.subjects.known:
            written = self.ask(number).date_of_birth_written
            expect(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", written), "another form of date")
            expect(parse_date(written) is not None, "no date")

    def a_name_comes_unbroken(self) -> None:
        """Names and addresses hold no stand-in for a character that was lost on the way."""
        for number in self.subjects.known:
            found = self.ask(number)
            names = (found.name, found.name_kana, found.name_alphabet, found.alias_name, found.former_name)
            expect_unbroken(*names, found.contact.current_address)

    def a_name_is_the_same_in_every_answer(self) -> None:
        """Household and snapshot write a name as resident does, rare characters included."""
        number, members = self.subjects.household
        wanted = {one: self.ask(one).name for one in members}
        found = {one.atena_number: one.name for one in self.adapter.household(number, self.context)}
        expect(found == wanted, "another name in the household")
        for person in self.adapter.snapshot(None, CallContext.batch()).people:
            name = wanted.pop(person.atena_number, person.name)
            expect(person.name == name, "another name in the snapshot")
            if not wanted:
                break

    def a_household_holds_its_members(self) -> None:
        """Household gives every present member once, and nobody who left."""
        number, members = self.subjects.household
        found = self.adapter.household(number, self.context)
        expect(len(found) == len(members), "another count")
        expect({person.atena_number for person in found} == members, "other members")
        categories = {person.resident_category for person in found}
        expect(categories == {ResidentCategory.RESIDENT}, "somebody who left")

    def a_household_shows_no_personal_number(self) -> None:
        """Household gives no personal number."""
        number, _members = self.subjects.household
        numbers = [person.personal_number for person in self.adapter.household(number, self.context)]
        expect(not any(numbers), "a personal number")

    def an_unknown_household_is_not_found(self) -> None:
        """A household number that nobody has raises NotFound."""
        expect_error(lambda: self.adapter.household(self.subjects.unknown, self.context), NotFound)

    def changes_have_a_cursor_to_go_on_from(self) -> None:
        """next_cursor can be asked with, whether or not there was anything."""
        first = self.adapter.changes(None, _FEW, self.context)
        expect(len(first.changes) <= _FEW, "more than the limit")
        second = self.adapter.changes(first.next_cursor, _FEW, self.context)
        earlier = {change.change_id for change in first.changes}
        expect(not earlier & {change.change_id for change in second.changes}, "the same changes again")
        expect_moment(first.as_of)

    def the_same_cursor_gives_the_same_changes(self) -> None:
        """Asking again with a cursor gives the same again: a job that broke off loses nothing."""
        first, second = (self.adapter.changes(None, _FEW, self.context) for _ in range(2))
        expect(
            [change.change_id for change in first.changes] == [change.change_id for change in second.changes],
            "other changes",
        )

    def an_unknown_cursor_is_refused(self) -> None:
        """A cursor the register never gave raises Refused."""
        expect_error(lambda: self.adapter.changes("never-given", _FEW, self.context), Refused)

    def a_snapshot_holds_as_many_as_it_says(self) -> None:
        """As many people come as expected says, in the order of their numbers, each once."""
        snapshot = self.adapter.snapshot(None, CallContext.batch())
        count, last = 0, ""
        for person in snapshot.people:
            expect(person.atena_number > last, "out of order, or twice")
            count, last = count + 1, person.atena_number
        expect(count == snapshot.expected, f"{count} people where {snapshot.expected} were announced")
        expect_moment(snapshot.as_of)

    def a_snapshot_leads_on_to_the_changes(self) -> None:
        """change_cursor of a snapshot is one that changes takes."""
        snapshot = self.adapter.snapshot(None, CallContext.batch())
        for _person in snapshot.people:
            break
        self.adapter.changes(snapshot.change_cursor, _FEW, self.context)

    def a_snapshot_that_is_gone_is_refused(self) -> None:
        """Taking up a snapshot the register does not keep raises Refused."""
        resume = ("never-made", self.subjects.known[0])
        expect_error(lambda: self.adapter.snapshot(resume, CallContext.batch()), Refused)

    def known_people_are_in_the_snapshot(self) -> None:
        """Everybody the register answers for is in its snapshot."""
        wanted = set(self.subjects.known)
        for person in self.adapter.snapshot(None, CallContext.batch()).people:
            wanted.discard(person.atena_number)
            if not wanted:
                return
        if len(wanted) == len(self.subjects.known):
            raise NotApplicableError("the snapshot holds another part of the register")
        expect(not wanted, "somebody is missing")
