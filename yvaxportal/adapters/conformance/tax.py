"""The contract of the tax register."""

from typing import ClassVar

from yvaxportal.adapters.conformance.kit import (
    MORE_THAN_A_PAGE,
    Checks,
    expect,
    expect_error,
    expect_moment,
    unknown_numbers,
)
from yvaxportal.adapters.errors import NotFound
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.tax import Taxation, TaxationState

_LONG_AGO = 1950


class TaxChecks(Checks):
    """``ITaxRegister``."""

    system: ClassVar[str] = "tax"
    bad_answers: ClassVar[tuple[str, ...]] = (*Checks.bad_answers, "wrong_municipality")

    def ask(self, number: str) -> Taxation:
        """Ask for one person's state this year."""
        answer: Taxation = self.adapter.taxation(number, self.subjects.fiscal_year, self.context)
        return answer

    def summary(self, answer: Taxation) -> tuple[str, TaxationState]:
        """Leave out when it was said."""
        return answer.atena_number, answer.state

    def the_answer_is_of_the_year_that_was_asked(self) -> None:
        """fiscal_year of the answer is that of the question, this year's and last year's."""
        for year in (self.subjects.fiscal_year, self.subjects.fiscal_year - 1):
            answer = self.adapter.taxation(self.subjects.known[0], year, self.context)
            expect(answer.fiscal_year == year, "another year")

    def the_state_is_one_of_four(self) -> None:
        """State is exempt, taxed, not_filed or unknown."""
        for number in self.subjects.known:
            expect(isinstance(self.ask(number).state, TaxationState), "another state")

    def a_year_long_ago_is_unknown(self) -> None:
        """Where the register cannot say, it says unknown and never exempt."""
        answer = self.adapter.taxation(self.subjects.known[0], _LONG_AGO, self.context)
        expect(answer.state is TaxationState.UNKNOWN, f"{answer.state} in {_LONG_AGO}")

    def a_household_has_its_members(self) -> None:
        """household_taxation answers for every present member and for nobody else."""
        number, members = self.subjects.household
        answer = self.adapter.household_taxation(number, self.subjects.fiscal_year, self.context)
        expect(answer.household_number == number, "another household")
        expect(set(answer.members) == members, "other members")
        expect_moment(answer.as_of)

    def a_household_is_exempt_only_as_a_whole(self) -> None:
        """The state of a household is exempt only when all its members are, taxed when one is."""
        number, _members = self.subjects.household
        answer = self.adapter.household_taxation(number, self.subjects.fiscal_year, self.context)
        states = set(answer.members.values())
        order = (TaxationState.TAXED, TaxationState.NOT_FILED, TaxationState.UNKNOWN, TaxationState.EXEMPT)
        wanted = next(state for state in order if state in states)
        expect(answer.state is wanted, f"{answer.state} where its members make it {wanted}")

    def an_unknown_household_is_not_found(self) -> None:
        """A household number that nobody has raises NotFound."""
        year = self.subjects.fiscal_year
        call = self.adapter.household_taxation
        expect_error(lambda: call(self.subjects.unknown, year, self.context), NotFound)

    def many_are_answered_once_each(self) -> None:
        """Taxations answers each number once and leaves out those it does not know."""
        numbers = [*self.subjects.known, self.subjects.unknown]
        found = list(self.adapter.taxations(numbers, self.subjects.fiscal_year, CallContext.batch()))
        expect(sorted(one.atena_number for one in found) == sorted(self.subjects.known), "others, or doubles")

    def many_agree_with_one(self) -> None:
        """Taxations says of each what taxation says."""
        numbers = list(self.subjects.known)
        found = self.adapter.taxations(numbers, self.subjects.fiscal_year, CallContext.batch())
        together = {one.atena_number: one.state for one in found}
        expect(together == {number: self.ask(number).state for number in numbers}, "another state")

    def nobody_is_asked_for(self) -> None:
        """Taxations of no number is an empty stream."""
        expect(not list(self.adapter.taxations([], self.subjects.fiscal_year, self.context)), "somebody")

    def more_than_a_page_is_answered(self) -> None:
        """Taxations takes more numbers than one request holds, and answers nobody twice over its pages."""
        known = self.subjects.known
        # The known ones stand on the first and on the last page.
        numbers = [*known[:1], *unknown_numbers(self.subjects, MORE_THAN_A_PAGE), *known[1:]]
        answers = self.adapter.taxations(numbers, self.subjects.fiscal_year, CallContext.batch())
        expect(sorted(one.atena_number for one in answers) == sorted(known), "others, or doubles")
