"""The contract of the welfare registers."""

from datetime import date
from itertools import pairwise
from typing import ClassVar

from yvaxportal.adapters.conformance.kit import (
    MORE_THAN_A_PAGE,
    Checks,
    expect,
    expect_unbroken,
    unknown_numbers,
)
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.welfare import WelfareHistory, WelfareKind, WelfarePeriod, WelfareState

_BEFORE_EVERYTHING = date(1900, 1, 1)


class WelfareChecks(Checks):
    """``IWelfareRegister``."""

    system: ClassVar[str] = "welfare"
    bad_answers: ClassVar[tuple[str, ...]] = (*Checks.bad_answers, "wrong_municipality")

    def ask(self, number: str) -> WelfareHistory:
        """Ask for one person's history."""
        answer: WelfareHistory = self.adapter.history(number, self.context)
        return answer

    def summary(self, answer: WelfareHistory) -> tuple[str, tuple[WelfarePeriod, ...]]:
        """Leave out when it was said."""
        return answer.atena_number, answer.periods

    def periods_are_in_order(self) -> None:
        """Periods come oldest first."""
        for number in self.subjects.known:
            starts = [period.valid_from for period in self.ask(number).periods]
            expect(starts == sorted(starts), "an older period after a newer one")

    def periods_end_after_they_begin(self) -> None:
        """valid_to is the last day, never before valid_from."""
        for number in self.subjects.known:
            for period in self.ask(number).periods:
                expect((period.valid_to or date.max) >= period.valid_from, "a period of less than a day")

    def periods_of_a_kind_do_not_overlap(self) -> None:
        """Within a kind no day belongs to two periods."""
        for number in self.subjects.known:
            periods = self.ask(number).periods
            for kind in WelfareKind:
                of_kind = [period for period in periods if period.kind is kind]
                for earlier, later in pairwise(of_kind):
                    expect((earlier.valid_to or date.max) < later.valid_from, "two periods on one day")

    def kinds_and_states_are_the_known_ones(self) -> None:
        """Kind and state are members of their lists."""
        for number in self.subjects.known:
            for period in self.ask(number).periods:
                expect(isinstance(period.kind, WelfareKind), "another kind")
                expect(isinstance(period.state, WelfareState), "another state")

    def details_come_unbroken(self) -> None:
        """Grades and other details hold no stand-in for a character that was lost on the way."""
        for number in self.subjects.known:
            expect_unbroken(*(period.detail for period in self.ask(number).periods))

    def nothing_is_known_before_everything(self) -> None:
        """A day that no period covers is unknown, never held."""
        history = self.ask(self.subjects.known[0])
        states = {history.on(kind, _BEFORE_EVERYTHING) for kind in WelfareKind}
        expect(states == {WelfareState.UNKNOWN}, "something in 1900")

    def many_are_answered_once_each(self) -> None:
        """Histories answers each number once and leaves out those no register knows."""
        numbers = [*self.subjects.known, self.subjects.unknown]
        found = [one.atena_number for one in self.adapter.histories(numbers, CallContext.batch())]
        expect(sorted(found) == sorted(self.subjects.known), "others, or doubles")

    def many_agree_with_one(self) -> None:
        """Histories says of each what history says."""
        numbers = list(self.subjects.known)
        together = {
            one.atena_number: one.periods for one in self.adapter.histories(numbers, CallContext.batch())
        }
        expect(together == {number: self.ask(number).periods for number in numbers}, "other periods")

    def nobody_is_asked_for(self) -> None:
        """Histories of no number is an empty stream."""
        expect(not list(self.adapter.histories([], self.context)), "somebody")

    def more_than_a_page_is_answered(self) -> None:
        """Histories takes more numbers than one request holds, and answers nobody twice over its pages."""
        known = self.subjects.known
        # The known ones stand on the first and on the last page.
        numbers = [*known[:1], *unknown_numbers(self.subjects, MORE_THAN_A_PAGE), *known[1:]]
        found = [one.atena_number for one in self.adapter.histories(numbers, CallContext.batch())]
        expect(sorted(found) == sorted(known), "others, or doubles")
