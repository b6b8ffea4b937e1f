"""What the contracts share: checks with a name and a sentence, run one by one, graded."""

import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar

from yvaxportal.adapters.errors import AdapterError, NotFound, NotOffered, Refused
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext

THREADS = 8
#: Longer than any number of a register may be (``atenabango`` X15).
TOO_LONG = "9" * 16


class BrokenContractError(AssertionError):
    """The implementation did something else than its contract says. The text holds nothing personal."""


class NotApplicableError(Exception):
    """The check has no meaning here: the implementation does not offer it, or nobody suits it."""


class Grade(StrEnum):
    """How one check ended."""

    PASSED = "pass"
    FAILED = "fail"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Subjects:
    """Whom the other side is asked about.

    :param known: atena numbers of present residents that the other side must know; 2 or more.
    :param household: number and present members' atena numbers of one household that it must know.
    :param may_write: whether test people and records, marked as such, may be left on the other side.
    :param unknown: an atena number and a household number that it cannot know.
    :param test_people: atena numbers of people who do not exist, about whom records may be written; empty
        unless ``may_write``.
    """

    known: tuple[str, ...]
    household: tuple[str, frozenset[str]]
    unknown: str
    municipality_code: str
    fiscal_year: int
    may_write: bool = False
    test_people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. ``came`` says what came instead, for a check that failed."""

    system: str
    check: str
    grade: Grade
    contract: str
    came: str = ""


class Contract:
    """The contract of one interface. Every public method is a check, its docstring what the contract says."""

    system: ClassVar[str]
    _NOT_CHECKS: ClassVar = frozenset({"names", "run", "results", "ask", "summary"})

    def __init__(self, adapter: Any, subjects: Subjects) -> None:
        self.adapter, self.subjects = adapter, subjects
        self.context = CallContext.interactive("conformance")

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of all checks."""
        methods = inspect.getmembers(cls, inspect.isfunction)
        return [name for name, _ in methods if not name.startswith("_") and name not in cls._NOT_CHECKS]

    def run(self, name: str) -> None:
        """Run one check.

        :raises BrokenContractError: the contract is broken.
        :raises NotApplicableError: the check has no meaning here.
        """
        try:
            getattr(self, name)()
        except NotOffered as error:
            raise NotApplicableError(error.problem) from None
        except AdapterError as error:
            raise BrokenContractError(f"{type(error).__name__}: {error.problem}") from error

    def results(self) -> Iterator[Result]:
        """Run all checks and give a line for each; an exception that is none of ours fails its check too."""
        for name in self.names():
            contract = inspect.cleandoc(getattr(self, name).__doc__ or "")
            grade, came = Grade.PASSED, ""
            try:
                self.run(name)
            except NotApplicableError as error:
                grade, came = Grade.NOT_APPLICABLE, str(error)
            except BrokenContractError as error:
                grade, came = Grade.FAILED, str(error)
            except Exception as error:  # noqa: BLE001 - whatever leaves an implementation is its failure
                grade, came = Grade.FAILED, f"{type(error).__name__}, which is no AdapterError"
            yield Result(self.system, name.replace("_", " "), grade, contract, came)

    def the_health_is_known_without_a_call(self) -> None:
        """health() answers at once with an AdapterHealth."""
        expect(isinstance(self.adapter.health(), AdapterHealth), "something else than an AdapterHealth")


class Checks(Contract):
    """The contract of an interface with a look-up of one person by atena number."""

    def ask(self, number: str) -> Any:
        """Ask for one person: each contract says how."""
        raise NotImplementedError

    def summary(self, answer: Any) -> Any:
        """Return what of an answer must be the same when it is asked for again."""
        return answer

    def a_known_person_is_answered(self) -> None:
        """Somebody whom the other side knows is answered, and nobody else in their place."""
        for number in self.subjects.known:
            expect(self.ask(number).atena_number == number, "the answer is about another number")

    def the_answer_says_as_of_when(self) -> None:
        """as_of is aware, in UTC, and not in the future."""
        as_of = self.ask(self.subjects.known[0]).as_of
        expect_moment(as_of)

    def the_same_question_has_the_same_answer(self) -> None:
        """Asking changes nothing: the second answer is the first one again."""
        number = self.subjects.known[0]
        first, second = self.summary(self.ask(number)), self.summary(self.ask(number))
        expect(first == second, "another answer the second time")

    def many_threads_ask_at_once(self) -> None:
        """An implementation is used by many threads; none gets another's answer."""
        numbers = self.subjects.known[:2] * THREADS
        with ThreadPoolExecutor(THREADS) as threads:
            answers = list(threads.map(self.ask, numbers))
        expect([answer.atena_number for answer in answers] == list(numbers), "answers went astray")

    def an_unknown_person_is_not_found(self) -> None:
        """A number that nobody has raises NotFound."""
        expect_error(lambda: self.ask(self.subjects.unknown), NotFound)

    def letters_are_no_number(self) -> None:
        """Letters instead of a number raise NotFound or Refused."""
        expect_error(lambda: self.ask("見本"), NotFound, Refused)

    def nothing_is_no_number(self) -> None:
        """An empty number raises NotFound or Refused."""
        expect_error(lambda: self.ask(""), NotFound, Refused)

    def a_number_that_is_too_long(self) -> None:
        """More than fifteen digits raise NotFound or Refused."""
        expect_error(lambda: self.ask(TOO_LONG), NotFound, Refused)

    def a_number_with_a_quote(self) -> None:
        """Characters that mean something to databases and addresses raise NotFound or Refused."""
        for number in ("1' OR '1'='1", "../1", "1?a=b", "1%00"):
            expect_error(partial(self.ask, number), NotFound, Refused)

    def an_error_names_nobody(self) -> None:
        """The text of an error holds no number."""
        error = expect_error(lambda: self.ask(self.subjects.unknown), NotFound)
        expect(self.subjects.unknown not in f"{error} {error!r}", "the number stands in the error")


def expect(holds: object, came: str) -> None:
    """Raise BrokenContractError with what came unless the contract holds."""
    if not holds:
        raise BrokenContractError(came)


def expect_moment(moment: Any) -> None:
    """Check that an instant is aware, in UTC and not in the future."""
    expect(isinstance(moment, datetime) and moment.tzinfo is not None, "an instant without a zone")
    expect(moment.utcoffset() == datetime.now(UTC).utcoffset(), "an instant that is not in UTC")
    expect(moment <= datetime.now(UTC), "an instant in the future")


def expect_error(call: Callable[[], object], *kinds: type[AdapterError]) -> AdapterError:
    """Check that the call raises one of ``kinds`` and return it."""
    names = " or ".join(kind.__name__ for kind in kinds)
    try:
        call()
    except kinds as error:
        return error
    except NotOffered:
        raise
    except AdapterError as error:
        raise BrokenContractError(f"{type(error).__name__} instead of {names}") from error
    raise BrokenContractError(f"an answer instead of {names}")
