"""Ten thousand operations on all six systems over HTTP while everything goes wrong that the simulator knows.

What fails is asked for again with its key, as the outbox and the sync do. In the end every deed was done
once, no answer was about somebody else, and no personal number stands in a log or in what was kept of bad
answers.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.functional.adapters.conftest import Connect
from tests.simulated import Simulated
from yvaxportal.adapters.atena.rest import RestAtena
from yvaxportal.adapters.chukan.rest import RestChukan
from yvaxportal.adapters.conformance import Subjects
from yvaxportal.adapters.errors import BadAnswer, Unauthorised, Unavailable
from yvaxportal.adapters.messages.atena import AssignmentKind, NewPerson
from yvaxportal.adapters.messages.chukan import CodeState, InformationItem, InquirySubject, SubCopy
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.messages.vrs import VrsRecord, VrsTarget
from yvaxportal.adapters.resident_register.rest import RestResidentRegister
from yvaxportal.adapters.tax.rest import RestTaxRegister
from yvaxportal.adapters.vrs.rest import RestVrs
from yvaxportal.adapters.welfare.rest import RestWelfareRegister
from yvaxportal.models.codes import Sex, VaccinationStatus
from yvaxportal.values.checkdigits import personal_number_check_digit
from yvaxportal.values.personal_number import PersonalNumber

OPERATIONS, SEED = 10_000, 20261123
CALL = CallContext("tanaka", timedelta(seconds=0.5))
AFFAIR, PROCEDURE, NAME = "TM99JIMU00000001", "TM99TETSUZUKI001", "TM99000000000001"
#: Of the answers, how many go wrong in each way.
SHARES = {
    "error_500": 0.03,
    "error_503": 0.03,
    "lost_answer": 0.04,
    "half_an_answer": 0.04,
    "malformed": 0.03,
    "wrong_person": 0.03,
    "wrong_municipality": 0.03,
    "token_expired": 0.02,
    "duplicate_delivery": 0.1,
    "out_of_order": 0.1,
    "permit_refused": 0.05,
    "permit_delayed": 0.05,
    "too_large": 0.001,
}
#: The same, and for how long.
LASTING = {"time_out": (0.001, 0.8), "slow": (0.01, 0.02), "clock_skew": (0.01, -300.0)}
#: Whose answers say whom they are about. A new number is nobody's yet: the outbox asks whose it became.
SAY_WHOM = ("resident_register", "chukan", "vrs", "tax", "welfare")
PATIENCE = 60.0
Answer = TypeVar("Answer")


def number_of(place: int) -> PersonalNumber:
    base = f"9000{place:07}"
    return PersonalNumber(base + personal_number_check_digit(base))


def person(place: int) -> NewPerson:
    number = number_of(place) if place % 2 else None
    return NewPerson(f"見本　{place}𠮷", "1970-01-00", Sex.FEMALE, f"見本市{place}", personal_number=number)


@dataclass
class Deeds:
    """What is done, by dice, and what must have come of it."""

    connected: dict[str, Any]
    simulated: Simulated
    known: tuple[str, ...]
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    numbers: dict[int, str] = field(default_factory=dict)
    addresses: dict[int, str] = field(default_factory=dict)
    doses: dict[str, VrsRecord] = field(default_factory=dict)
    inquiries: set[str] = field(default_factory=set)
    copies: dict[str, int] = field(default_factory=dict)
    happened: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)
    cursor: str | None = None

    def until_done(self, ask: Callable[[], Answer]) -> Answer:
        """Ask until there is an answer."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            try:
                return ask()
            except (Unavailable, BadAnswer, Unauthorised) as error:
                kind = error.reason.value if isinstance(error, BadAnswer) else type(error).__name__
                self.failed[kind] += 1
        raise AssertionError("nothing goes well any more")

    def one(self, place: int) -> None:
        """Do something."""
        deeds = (
            (self.asks, 5),
            (self.assigns, 2),
            (self.keeps, 1),
            (self.records, 2),
            (self.corrects, 1),
            (self.inquires, 1),
            (self.registers, 1),
            (self.lives, 2),
            (self.follows, 1),
        )
        deed = self.dice.choices([deed for deed, _ in deeds], [weight for _, weight in deeds])[0]
        deed(place)
        self.done[deed.__name__] += 1

    def asks(self, _place: int) -> None:
        """Ask about somebody; the answer is about them."""
        who = self.dice.choice(self.known)
        tax, welfare, register = (self.connected[name] for name in ("tax", "welfare", "resident_register"))
        asking: list[Callable[[], Any]] = [
            lambda: tax.taxation(who, 2026, CALL),
            lambda: welfare.history(who, CALL),
            lambda: register.resident(who, CALL),
        ]
        assert self.until_done(self.dice.choice(asking)).atena_number == who

    def assigns(self, place: int) -> None:
        atena = self.connected["atena"]
        made = self.until_done(lambda: atena.assign(person(place), f"a-{place}", CALL))
        assert made.kind is AssignmentKind.ASSIGNED
        self.numbers[place] = made.atena_number

    def keeps(self, place: int) -> None:
        if not self.numbers:
            return
        atena, whom = self.connected["atena"], self.dice.choice(list(self.numbers))
        found = self.until_done(lambda: atena.name_information(self.numbers[whom], CALL))
        moved = replace(
            found, address=f"見本市{whom}の{place}", as_of=found.as_of + timedelta(microseconds=1)
        )
        self.until_done(lambda: atena.keep(moved, f"k-{place}", CALL))
        self.addresses[whom] = moved.address

    def records(self, place: int) -> None:
        vrs, ticket = self.connected["vrs"], f"{place:010}"
        target = VrsTarget("312029", "100", ticket, "見本", "1970-01-00", Sex.MALE, number_of(20_000 + place))
        (outcome,) = self.until_done(lambda: vrs.register_targets([target], f"t-{place}", CALL))
        assert outcome.taken
        dose = VrsRecord("312029", ticket, 1, VaccinationStatus.DONE, date(2021, 6, 22), "武田", f"L{place}")
        self.doses[ticket] = self.until_done(lambda: vrs.register_record(dose, f"r-{place}", CALL))

    def corrects(self, place: int) -> None:
        if not self.doses:
            return
        vrs, ticket = self.connected["vrs"], self.dice.choice(list(self.doses))
        wanted = replace(self.doses[ticket], lot_number=f"C{place}")
        self.doses[ticket] = self.until_done(lambda: vrs.correct_record(wanted, f"c-{place}", CALL))

    def inquires(self, place: int) -> None:
        subject = InquirySubject(self.known[0], AFFAIR, PROCEDURE, NAME, "01131016")
        chukan = self.connected["chukan"]
        begun = self.until_done(lambda: chukan.inquire(subject, f"i-{place}", CALL))
        assert begun.inquiry_id not in self.inquiries
        self.inquiries.add(begun.inquiry_id)

    def registers(self, place: int) -> None:
        chukan, record = self.connected["chukan"], f"c-{place % 11}"
        item = InformationItem(NAME, "2026.07", {"TM9901": f"{place}"})
        copy = SubCopy(record, self.known[0], place + 1, item, date(2026, 4, 1))
        (outcome,) = self.until_done(lambda: chukan.register_sub_copies([copy], f"s-{place}", CALL))
        assert outcome.code == ""
        self.copies[record] = place + 1

    def lives(self, place: int) -> None:
        """Let something happen in the register."""
        who = {
            "atenabango": "1000000994",
            "setaibango": "H1",
            "shikuchosonkodo": "312029",
            "rirekibango": place + 1,
            "kijunnichiji": "2026-11-20T01:00:00Z",
            "shimei": "髙﨑　𠮷",
            "seinengappi": "2026-11-19",
            "seibetsu": "2",
            "juminkubun": "1",
            "kojinbango": number_of(90_000).reveal(),
        }
        moment = f"2026-11-20T{place // 3600:02}:{place // 60 % 60:02}:{place % 60:02}Z"
        change = {"idobango": f"i-{place}", "idokubun": "41", "atenabango": who["atenabango"]}
        change |= {"idobi": "2026-11-20", "shorinichiji": moment}
        self.simulated.add("ido", change | {"jumin": who})
        self.happened.append(f"i-{place}")

    def follows(self, _place: int) -> bool:
        """Take a page of changes, each once; tell whether there are more.

        One that came about somebody else is named to whoever asks, who lists it for staff.
        """
        register = self.connected["resident_register"]
        page = self.until_done(lambda: register.changes(self.cursor, 7, CALL))
        known = set(self.seen)
        found = [change.change_id for change in page.changes]
        self.named |= {str(one.record_id) for one in page.unusable}
        self.seen += [change_id for change_id in found if change_id not in known]
        self.cursor = page.next_cursor
        return bool(page.more)


@pytest.fixture
def deeds(simulated: Simulated, connect: Connect, subjects: Subjects) -> Deeds:
    classes: dict[str, Any] = {
        "resident_register": RestResidentRegister,
        "atena": RestAtena,
        "chukan": RestChukan,
        "vrs": RestVrs,
        "tax": RestTaxRegister,
        "welfare": RestWelfareRegister,
    }
    # With one attempt more than none, and without the breaker, many faults reach whoever asks.
    options = {"attempts": "2", "breaker_failures": "1000"}
    connected = {system: connect(made, system, **options) for system, made in classes.items()}
    simulated.add("chukan", {"code_seconds": 0, "step_seconds": 0})
    simulated.fault("clock_skew", times=1, seconds=LASTING["clock_skew"][1])
    assert connected["chukan"].request_code(subjects.known[0], "code", CALL).state is CodeState.HELD
    return Deeds(connected, simulated, subjects.known, random.Random(SEED))  # noqa: S311 - repeatable on purpose


def test_nothing_is_lost_and_nothing_done_twice(
    deeds: Deeds, simulated: Simulated, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for fault, share in SHARES.items():
        if fault != "wrong_person":
            simulated.fault(fault, share=share)
    for system in SAY_WHOM:
        simulated.fault("wrong_person", system=system, share=SHARES["wrong_person"])
    for fault, (share, seconds) in LASTING.items():
        simulated.fault(fault, share=share, seconds=seconds)
    for place in range(OPERATIONS):
        deeds.one(place)
    told = simulated.state()
    assert set(told["faults"]) == {*SHARES, *LASTING}
    assert sum(told["faults"].values()) > OPERATIONS // 10
    assert sum(deeds.failed.values()) > OPERATIONS // 20
    simulated.behave()

    atena, vrs, chukan = (deeds.connected[system] for system in ("atena", "vrs", "chukan"))
    assert len(set(deeds.numbers.values())) == len(deeds.numbers) == deeds.done["assigns"]
    for place, number in deeds.numbers.items():
        known = replace(person(place), address=deeds.addresses.get(place, person(place).address))
        again = atena.assign(known, f"again-{place}", CALL)
        assert (again.atena_number, again.kind) == (number, AssignmentKind.ALREADY_HAD_ONE)
    for place, address in deeds.addresses.items():
        assert atena.name_information(deeds.numbers[place], CALL).address == address
    assert told["doses"] == len(deeds.doses) == deeds.done["records"]
    assert {one.ticket_number: one for one in vrs.download(CALL)} == deeds.doses
    assert told["inquiries"] == len(deeds.inquiries) == deeds.done["inquires"]
    held = {one.record_id: one.version for one in chukan.sub_copies(deeds.known[0], CALL)}
    assert held == deeds.copies
    while deeds.follows(0):
        pass
    spoiled = deeds.named - set(deeds.seen)
    assert deeds.seen == [change_id for change_id in deeds.happened if change_id not in spoiled]
    assert len(deeds.seen) + len(spoiled) == len(deeds.happened)

    simulated.process.terminate()
    _, stderr = simulated.process.communicate(timeout=30)
    kept = [path.read_text("utf-8") for path in (tmp_path / "adapters").rglob("*") if path.is_file()]
    assert kept
    written = "".join((caplog.text, stderr, *kept))
    sent = (*range(OPERATIONS), *range(20_000, 20_000 + OPERATIONS), 90_000)
    assert not [place for place in sent if number_of(place).reveal() in written]
