"""What other systems have to be told: nothing is lost, nothing is done twice, and nothing blocks the rest."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.application import Clock
from tests.atena import Atena
from tests.details import events
from tests.people import resident
from yvaxportal.adapters.errors import CircuitOpen, NotFound, Refused, TimedOut, Unauthorised
from yvaxportal.adapters.loading import Adapters
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.audit.actions import Action
from yvaxportal.audit.trail import Actor
from yvaxportal.models.codes import OutboxState, ResidentCategory
from yvaxportal.models.outbox import OutboxMessage
from yvaxportal.models.resident import Resident
from yvaxportal.services.outbox.delivery import FIRST_WAIT, LONGEST_WAIT, Delivered, Outbox
from yvaxportal.services.outbox.queue import (
    ATENA,
    ENTER_PERSON,
    HEAD_START,
    depths,
    post,
    tell_name,
    try_again,
    untold,
    withdraw,
)

CLERK = Actor("clerk", ("registrar",), "127.0.0.1")
PERSON = {
    "items": {
        "business_atena_number": None,
        "household_number": None,
        "name": "髙﨑　𠮷男",
        "name_kana": "タカサキ　ヨシオ",
        "name_alphabet": None,
        "alias_name": None,
        "former_name": None,
        "date_of_birth_written": "1990-01-00",
        "sex": "1",
        "relationship_to_head": None,
        "is_foreign_national": False,
    },
    "contact": {"postal_code": "6830823", "current_address": "鳥取県米子市加茂町1-1", "phone_number": None},
    "reason": None,
}
SILENT = TimedOut("atena", "no answer in time")


@pytest.fixture
def atena() -> Atena:
    return Atena()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(engine: Engine, atena: Atena, clock: Clock) -> Outbox:
    adapters: Any = {"atena": atena}
    return Outbox(engine, Adapters(adapters), clock)


Ask = Callable[[], tuple[int, Delivered]]


@pytest.fixture
def ask(outbox: Outbox) -> Ask:
    return lambda: outbox.ask(CLERK, ATENA, ENTER_PERSON, PERSON, CallContext.interactive("clerk"))


def the(engine: Engine, message_id: int) -> OutboxMessage:
    with Session(engine) as session:
        return session.get_one(OutboxMessage, message_id)


def people(engine: Engine) -> list[Resident]:
    with Session(engine) as session:
        return list(session.scalars(select(Resident)))


def test_a_person_gets_a_number_and_is_there(engine: Engine, ask: Ask, atena: Atena) -> None:
    message_id, delivered = ask()

    (person,) = people(engine)
    assert delivered == Delivered(OutboxState.DONE, person.id)
    assert (person.name, person.resident_category) == ("髙﨑　𠮷男", ResidentCategory.NON_REGISTERED)
    assert person.atena_number == person.business_atena_number == next(iter(atena.by_key.values()))
    assert (person.date_of_birth_written, person.date_of_birth) == ("1990-01-00", None)
    assert atena.assigned[0].address == "鳥取県米子市加茂町1-1"
    done = the(engine, message_id)
    assert (done.state, done.payload, done.resident_id) == (OutboxState.DONE, None, person.id)
    with Session(engine) as session:
        (posted,), (entered,) = (
            events(session, action) for action in (Action.OUTBOX_POSTED, Action.RESIDENT_CHANGED)
        )
    assert (posted.actor, posted.subject) == ("clerk", f"outbox:{message_id}")
    assert (entered.actor, entered.actor_groups, entered.resident_id) == ("clerk", "registrar", person.id)


def test_without_an_answer_the_entry_waits_and_is_done_later(
    engine: Engine, outbox: Outbox, ask: Ask, atena: Atena, clock: Clock
) -> None:
    atena.failing = SILENT
    message_id, delivered = ask()
    assert delivered.state is OutboxState.WAITING
    assert (people(engine), the(engine, message_id).payload) == ([], PERSON)
    with Session(engine) as session:
        assert (depths(session)["atena"].waiting, untold(session)[0].attempts) == (1, 1)

    atena.failing = None
    assert outbox.run() == {}
    clock.now += FIRST_WAIT
    assert outbox.run() == {"done": 1}
    assert [person.name for person in people(engine)] == ["髙﨑　𠮷男"]
    assert outbox.run() == {}


def test_a_lost_answer_leaves_one_person_with_one_number(
    engine: Engine, outbox: Outbox, ask: Ask, atena: Atena, clock: Clock
) -> None:
    atena.lose = SILENT
    ask()
    clock.now += FIRST_WAIT
    assert outbox.run() == {"done": 1}
    assert (len(people(engine)), len(atena.assigned)) == (1, 1)


def test_a_crash_after_the_answer_does_it_once(
    engine: Engine, outbox: Outbox, ask: Ask, atena: Atena, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    def crash(*_given: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr("yvaxportal.services.outbox.deeds.EnterPerson.settle", crash)
        with pytest.raises(Crash):
            ask()
    assert people(engine) == []
    clock.now += FIRST_WAIT * 2
    assert outbox.run() == {"done": 1}
    assert (len(people(engine)), len(atena.assigned)) == (1, 1)


def test_many_deliver_the_same_message_and_it_is_done_once(
    engine: Engine, outbox: Outbox, ask: Ask, atena: Atena
) -> None:
    atena.failing = SILENT
    message_id, _ = ask()
    atena.failing = None
    together = threading.Barrier(6)

    def deliver(_turn: int) -> Delivered:
        together.wait()
        return outbox.deliver(message_id, CallContext.batch())

    with ThreadPoolExecutor(6) as threads:
        ends = list(threads.map(deliver, range(6)))
    assert {end.state for end in ends} == {OutboxState.DONE}
    assert (len(people(engine)), len(atena.assigned)) == (1, 1)
    with Session(engine) as session:
        assert len(events(session, Action.RESIDENT_CHANGED)) == 1


def test_who_has_the_number_already_is_led_to(engine: Engine, ask: Ask, atena: Atena) -> None:
    _, first = ask()
    atena.assigned.clear()
    _, second = ask()
    assert (second.resident_id, second.problem) == (first.resident_id, "already_here")
    assert len(people(engine)) == 1


@pytest.mark.parametrize(
    ("error", "problem"),
    [(Refused("atena", "contradiction"), "contradiction"), (NotFound("atena", "x"), "not_found")],
)
def test_a_refusal_is_kept_for_staff_and_not_repeated(
    engine: Engine, outbox: Outbox, ask: Ask, atena: Atena, clock: Clock, error: Exception, problem: str
) -> None:
    atena.failing = error
    message_id, delivered = ask()
    assert (delivered.state, delivered.problem) == (OutboxState.REFUSED, problem)
    assert the(engine, message_id).payload == PERSON
    clock.advance(days=1)
    assert (outbox.run(), atena.calls) == ({}, 1)
    with Session(engine) as session:
        assert (depths(session)["atena"].waiting, depths(session)["atena"].refused) == (0, 1)
        assert try_again(session, message_id, now=clock.now) is not None
        session.commit()
    atena.failing = None
    assert outbox.run() == {"done": 1}


def test_the_portals_own_trouble_is_no_refusal(ask: Ask, atena: Atena) -> None:
    atena.failing = Unauthorised("atena", "invalid_token")
    _, delivered = ask()
    assert delivered.state is OutboxState.WAITING


def test_waits_grow_and_have_an_end(
    engine: Engine, outbox: Outbox, ask: Ask, atena: Atena, clock: Clock
) -> None:
    atena.failing = SILENT
    message_id, _ = ask()
    waits = []
    for _ in range(9):
        due = the(engine, message_id).next_attempt_at
        waits.append(due - clock.now)
        clock.now = due
        outbox.run()
    assert waits[:4] == [FIRST_WAIT, FIRST_WAIT * 2, FIRST_WAIT * 4, FIRST_WAIT * 8]
    assert waits[-1] == LONGEST_WAIT


def test_who_is_to_be_left_alone_is_left_alone(engine: Engine, ask: Ask, atena: Atena, clock: Clock) -> None:
    atena.failing = CircuitOpen("atena", "left alone", retry_after=timedelta(minutes=5))
    message_id, _ = ask()
    assert the(engine, message_id).next_attempt_at == clock.now + timedelta(minutes=5)


def test_a_silent_system_is_not_asked_for_each_message(
    outbox: Outbox, ask: Ask, atena: Atena, clock: Clock
) -> None:
    atena.failing = SILENT
    for _ in range(3):
        ask()
    clock.now += FIRST_WAIT
    before = atena.calls
    assert outbox.run() == {"waiting": 1}
    assert atena.calls == before + 1


def test_whoever_posted_has_a_head_start(engine: Engine, outbox: Outbox, clock: Clock) -> None:
    with Session(engine) as session, session.begin():
        post(session, CLERK, ATENA, ENTER_PERSON, payload=PERSON, now=clock.now)
    assert outbox.run() == {}
    clock.now += HEAD_START
    assert outbox.run() == {"done": 1}


def test_what_is_withdrawn_is_gone_and_not_told(
    engine: Engine, outbox: Outbox, ask: Ask, atena: Atena, clock: Clock
) -> None:
    atena.failing = SILENT
    message_id, _ = ask()
    with Session(engine) as session, session.begin():
        assert withdraw(session, message_id, now=clock.now) is not None
        assert withdraw(session, message_id, now=clock.now) is None
    atena.failing = None
    clock.advance(days=1)
    assert (outbox.run(), people(engine), the(engine, message_id).payload) == ({}, [], None)


def test_what_was_withdrawn_during_the_call_enters_nobody(
    engine: Engine, outbox: Outbox, ask: Ask, atena: Atena, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    atena.failing = SILENT
    message_id, _ = ask()
    atena.failing = None
    assign = atena.assign

    def slowly(*given: Any) -> Any:
        with Session(engine) as session, session.begin():
            withdraw(session, message_id, now=clock.now)
        return assign(*given)

    monkeypatch.setattr(atena, "assign", slowly)
    delivered = outbox.deliver(message_id, CallContext.batch())
    assert (delivered.state, people(engine)) == (OutboxState.WITHDRAWN, [])


def outsider(engine: Engine) -> int:
    with Session(engine) as session, session.begin():
        return resident(
            session,
            resident_category=ResidentCategory.NON_REGISTERED,
            became_resident_reason=None,
            became_resident_on=None,
        ).id


def test_the_name_is_told_as_it_stands_when_it_is_told(
    engine: Engine, outbox: Outbox, atena: Atena, clock: Clock
) -> None:
    resident_id = outsider(engine)
    with Session(engine) as session, session.begin():
        tell_name(session, CLERK, resident_id, now=clock.now)
        tell_name(session, CLERK, resident_id, now=clock.now)
    with Session(engine) as session, session.begin():
        session.get_one(Resident, resident_id).name = "見本　次郎"
    clock.now += HEAD_START
    assert outbox.run() == {"done": 1}
    (told,) = atena.kept
    assert (told.name, told.address, told.as_of.tzinfo is None) == (
        "見本　次郎",
        "鳥取県米子市錦町1-139-3",
        False,
    )


@pytest.mark.parametrize("code", ["outdated", "registered_resident"])
def test_nothing_to_keep_is_no_trouble(
    engine: Engine, outbox: Outbox, atena: Atena, clock: Clock, code: str
) -> None:
    atena.failing = Refused("atena", code)
    resident_id = outsider(engine)
    with Session(engine) as session, session.begin():
        tell_name(session, CLERK, resident_id, now=clock.now)
    clock.now += HEAD_START
    assert outbox.run() == {"done": 1}


def test_the_later_of_one_person_waits_for_the_earlier(
    engine: Engine, outbox: Outbox, atena: Atena, clock: Clock
) -> None:
    resident_id = outsider(engine)
    atena.failing = SILENT
    with Session(engine) as session, session.begin():
        tell_name(session, CLERK, resident_id, now=clock.now)
    clock.now += HEAD_START
    outbox.run()
    with Session(engine) as session, session.begin():
        tell_name(session, CLERK, resident_id, now=clock.now)
    clock.now += HEAD_START
    assert outbox.run() == {}
    atena.failing = None
    clock.now += FIRST_WAIT
    assert (outbox.run(), outbox.run()) == ({"done": 1}, {"done": 1})
