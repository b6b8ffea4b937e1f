"""Ten thousand changes through everything that can go wrong: none is lost, none has its effect twice."""

import logging
import random
from dataclasses import replace
from typing import Any

import pytest

from tests.db.sync.conftest import Rows
from tests.db.sync.register import Register, person
from yvaxportal.adapters.errors import AdapterError, BadAnswer, BadAnswerReason, TimedOut, Unavailable
from yvaxportal.services.sync import run
from yvaxportal.services.sync.run import ResidentSync
from yvaxportal.values.checkdigits import personal_number_check_digit
from yvaxportal.values.personal_number import PersonalNumber
from yvaxportal.vault.vault import Vault

CHANGES, PEOPLE = 10_000, 400
SYSTEM = "resident_register"


class KilledError(BaseException):
    """The process ended here."""


class Chaos:
    """Lets calls fail and processes end, by dice that fall alike every time."""

    def __init__(self) -> None:
        self.dice = random.Random(20261123)  # noqa: S311 - repeatable on purpose

    def fault(self, _call: str) -> AdapterError | None:
        throw = self.dice.random()
        if throw < 0.02:
            raise KilledError
        errors = (
            (0.06, TimedOut(SYSTEM, "no answer within the time limit")),
            (0.09, BadAnswer(SYSTEM, BadAnswerReason.MALFORMED, "/result/3")),
            (0.12, Unavailable(SYSTEM, "the connection ended")),
        )
        return next((error for below, error in errors if throw < below), None)

    def killing(self, function: Any) -> Any:
        def sometimes(*args: Any, **kw: Any) -> Any:
            if self.dice.random() < 0.05:
                raise KilledError
            result = function(*args, **kw)
            if self.dice.random() < 0.05:
                raise KilledError
            return result

        return sometimes

    def run(self, sync: ResidentSync) -> dict[str, int]:
        """Run until a run ends well; return how the others ended."""
        endings = {"killed": 0, "failed": 0}
        while True:
            try:
                if not sync.run().failure:
                    return endings
                endings["failed"] += 1
            except KilledError:
                endings["killed"] += 1


def number_of(who: int) -> PersonalNumber:
    base = f"9000{who:07}"
    return PersonalNumber(base + personal_number_check_digit(base))


def lives(register: Register, dice: random.Random) -> None:
    """Let ten thousand things happen, and deliver many of them more than once."""
    for place in range(CHANGES):
        who = dice.randrange(PEOPLE)
        number = f"{1000000000 + who}"
        known = register.people.get(number) or person(number, version=0)
        grown = replace(known, version=known.version + 1, name=f"{place}番　𠮷", personal_number=None)
        if known.version == 0:
            register.happens("birth", replace(grown, personal_number=number_of(who)))
        else:
            register.happens("corrected", grown)
        if dice.random() < 0.1:
            register.log.append(dice.choice(register.log[-50:]))


def test_nothing_is_lost_and_nothing_twice(
    sync: ResidentSync,
    register: Register,
    vault: Vault,
    rows: Rows,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    sync.run()
    chaos = Chaos()
    lives(register, chaos.dice)
    register.fault = chaos.fault
    monkeypatch.setattr(run, "PAGE", 60)
    monkeypatch.setattr(vault, "store_many", chaos.killing(vault.store_many))
    object.__setattr__(sync, "_change_state", chaos.killing(sync._change_state))
    endings = chaos.run(sync)
    assert min(endings.values()) > 5

    assert rows("SELECT count(*) FROM applied_change") == [CHANGES]
    assert dict(rows("SELECT atena_number, name FROM resident")) == {
        number: one.name for number, one in register.people.items()
    }
    assert dict(
        rows("SELECT atena_number, version FROM resident JOIN register_version ON resident_id = resident.id")
    ) == {number: one.version for number, one in register.people.items()}
    events = "FROM audit_event WHERE action = 'resident.changed'"
    assert rows(f"SELECT count(*), count(DISTINCT detail->>'change') {events}") == [(CHANGES, CHANGES)]
    assert rows("SELECT count(*) FROM sync_refusal WHERE reason <> 'bad_answer'") == [0]
    assert all(vault.has(resident_id) for resident_id in rows("SELECT id FROM resident"))
    written = caplog.text + "".join(
        str(rows(query))
        for query in (
            "SELECT t::text FROM audit_event t",
            "SELECT t::text FROM sync_state t",
            "SELECT t::text FROM sync_refusal t",
            "SELECT t::text FROM applied_change t",
            "SELECT t::text FROM resident t",
        )
    )
    assert not any(number_of(who).reveal() in written for who in range(PEOPLE))
