"""What the contracts share: checks with a name and a sentence, run one by one, graded."""

import inspect
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, ClassVar
from unicodedata import category

from yvaxportal.adapters.conformance.misbehaving import Misbehaving
from yvaxportal.adapters.errors import AdapterError, BadAnswer, NotFound, NotOffered, Refused, Unavailable
from yvaxportal.adapters.messages.common import AdapterHealth, CallContext

THREADS = 8
#: Next to no time for a call, and when such a call must have ended.
HURRIED = timedelta(milliseconds=1)
AT_ONCE_SECONDS = 1.0
#: A time limit that can be waited for, and how much later the call may end.
_SHORT = timedelta(seconds=0.6)
_LITTLE_SECONDS = 0.4
_HANGS_SECONDS = 3.0
#: What conversions put where they know no character: U+FFFD, the substitute, the geta mark.
_STAND_INS = frozenset("\ufffd\x1a〓")
#: Longer than any number of a register may be (``atenabango`` X15).
TOO_LONG = "9" * 16
#: More people than one request of docs/protocols/tax.md and welfare.md asks about.
MORE_THAN_A_PAGE = 1_100


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
    :param misbehaving: makes the other side answer badly; None where it is a system in use.
    """

    known: tuple[str, ...]
    household: tuple[str, frozenset[str]]
    unknown: str
    municipality_code: str
    fiscal_year: int
    may_write: bool = False
    test_people: tuple[str, ...] = ()
    misbehaving: Misbehaving | None = None


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
    #: Answers that must not be taken for one, in the words of docs/simulator.md.
    bad_answers: ClassVar[tuple[str, ...]] = ("malformed", "wrong_person", "too_large")
    _NOT_CHECKS: ClassVar = frozenset({"names", "run", "results", "ask", "question", "summary"})

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

    def question(self, context: CallContext) -> Any:
        """Ask what the other side can answer without anything being written."""
        raise NotImplementedError

    def the_health_is_known_without_a_call(self) -> None:
        """health() answers at once with an AdapterHealth."""
        expect(isinstance(self.adapter.health(), AdapterHealth), "something else than an AdapterHealth")

    def a_bad_answer_is_no_answer(self) -> None:
        """An answer that lacks a field, is too large or somebody else's raises BadAnswer; the next counts."""
        for name in self.bad_answers:
            self._goes_wrong(name, self.context, BadAnswer)

    def an_answer_that_breaks_off_is_no_answer(self) -> None:
        """Half an answer, none, or a failure of the other side raises BadAnswer or Unavailable in time."""
        for name in ("half_an_answer", "lost_answer", "error_500"):
            self._goes_wrong(name, CallContext(self.context.operator_id, _SHORT), BadAnswer, Unavailable)

    def silence_ends_with_the_time_limit(self) -> None:
        """When nothing comes, the call ends with its time limit and raises Unavailable."""
        context = CallContext(self.context.operator_id, _SHORT)
        self._goes_wrong("time_out", context, Unavailable, seconds=_HANGS_SECONDS)

    def _goes_wrong(
        self, name: str, context: CallContext, *kinds: type[AdapterError], seconds: float | None = None
    ) -> None:
        """Check that the question ends in one of ``kinds`` while the other side misbehaves, and then well."""
        misbehaving = self.subjects.misbehaving
        if misbehaving is None:
            raise NotApplicableError("the other side is not a simulator that can be told to go wrong")
        self.question(self.context)
        before = misbehaving.done(name)
        with misbehaving.fault(name, self.system, seconds=seconds):
            try:
                expect_in_time(partial(self.question, context), context, kinds)
            except BrokenContractError as broken:
                if misbehaving.done(name) == before:
                    raise NotApplicableError("the simulator is not asked by this implementation") from None
                raise BrokenContractError(f"{name}: {broken}") from broken
        self.question(CallContext.batch(self.context.operator_id))


class Checks(Contract):
    """The contract of an interface with a look-up of one person by atena number."""

    def ask(self, number: str) -> Any:
        """Ask for one person: each contract says how."""
        raise NotImplementedError

    def question(self, context: CallContext) -> Any:
        """Ask about somebody known, with another context."""
        other = type(self)(self.adapter, self.subjects)
        other.context = context
        return other.ask(self.subjects.known[0])

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

    def a_call_ends_within_its_time_limit(self) -> None:
        """A call with next to no time ends at once, with its answer or with Unavailable."""
        began = time.monotonic()
        with suppress(Unavailable):
            self.question(CallContext(self.context.operator_id, HURRIED))
        expect(time.monotonic() - began < AT_ONCE_SECONDS, "it went on after its time")

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


def unknown_numbers(subjects: Subjects, count: int) -> Iterator[str]:
    """Give atena numbers that nobody can have, each once: those below ``subjects.unknown``."""
    for place in range(1, count + 1):
        yield f"{int(subjects.unknown) - place}"


def expect_unbroken(*texts: str | None) -> None:
    """Check that texts came whole: no stand-in for a lost character, no control, no half surrogate."""
    for text in texts:
        lost = [one for one in text or "" if one in _STAND_INS or category(one) in {"Cc", "Cs"}]
        expect(not lost, "a character that stands for one that was lost, or a control character")


def expect_in_time(
    call: Callable[[], object], context: CallContext, kinds: tuple[type[AdapterError], ...]
) -> None:
    """Check that the call raises one of ``kinds`` within its time limit and a little."""
    began = time.monotonic()
    expect_error(call, *kinds)
    limit = context.time_limit.total_seconds() + _LITTLE_SECONDS
    expect(time.monotonic() - began < limit, "it went on after its time")


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
