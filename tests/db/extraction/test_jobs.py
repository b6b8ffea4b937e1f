"""What a worker does about lists: registers asked, lists tried out and saved; whole or absent."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from tests.db.extraction.lists import MR2, SCHEDULE, trail
from tests.db.sync.registers import Tax, Welfare
from tests.details import clerk, events
from tests.doses import given
from tests.people import NOW, TODAY, resident
from yvaxportal.adapters.interfaces import SYSTEMS
from yvaxportal.adapters.loading import Adapters
from yvaxportal.adapters.messages.welfare import WelfareKind, WelfarePeriod, WelfareState
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import EligibilityState
from yvaxportal.models.codes import ExtractionJobKind as Kind
from yvaxportal.models.codes import ExtractionJobState as State
from yvaxportal.models.extraction import ExtractionJob, ExtractionMember, TargetExtraction
from yvaxportal.models.resident import Resident
from yvaxportal.services.connections import Connections
from yvaxportal.services.extraction import saving
from yvaxportal.services.extraction.criteria import Criteria, Wanted
from yvaxportal.services.extraction.funnel import run_funnel
from yvaxportal.services.extraction.jobs import Figures, NotYoursError, ask, call_off
from yvaxportal.services.extraction.lists import list_of
from yvaxportal.services.extraction.states import Freshness, StatesAge
from yvaxportal.services.extraction.working import MOST_ATTEMPTS, ListRoom
from yvaxportal.vault.vault import Vault

EXEMPT = replace(MR2, taxation=(EligibilityState.EXEMPT,))
POOR = replace(EXEMPT, public_assistance=Wanted.HELD)


@dataclass
class Desk:
    """A clerk who asks, the worker's room, and two registers."""

    session: Session
    engine: Engine
    clerk: int
    tax: Tax
    welfare: Welfare
    room: ListRoom

    def ask(self, kind: Kind, criteria: Criteria = MR2, **said: Any) -> int:
        job_id = ask(
            self.session,
            trail(self.session, self.engine),
            kind,
            criteria,
            title="見本の名簿",
            staff_id=self.clerk,
            now=NOW,
            **said,
        )
        self.session.commit()
        return job_id

    def done(self, kind: Kind, criteria: Criteria = MR2, **said: Any) -> ExtractionJob:
        job_id = self.ask(kind, criteria, **said)
        assert self.room.run() == 1
        return self.job(job_id)

    def job(self, job_id: int) -> ExtractionJob:
        self.session.rollback()
        self.session.expire_all()
        return self.session.get_one(ExtractionJob, job_id)

    def figures(self, criteria: Criteria = MR2) -> tuple[int, ...]:
        return run_funnel(self.session, SCHEDULE, criteria, today=TODAY).figures

    def lists(self) -> int:
        self.session.rollback()
        return self.session.scalars(select(func.count()).select_from(TargetExtraction)).one()


@pytest.fixture
def desk(world: Session, engine: Engine) -> Desk:
    staff, tax, welfare = clerk(world), Tax(), Welfare()
    world.commit()
    names = {system: "rest" if system in {"tax", "welfare"} else "local" for system in SYSTEMS}
    adapters = Adapters({"tax": tax, "welfare": welfare})
    connections = Connections(adapters, names, engine, cast("Vault", None), "312029", lambda: NOW)
    freshness = Freshness({"tax", "welfare"}, days=30, insists=True)
    return Desk(
        world, engine, staff, tax, welfare, ListRoom(engine, SCHEDULE, connections, freshness, lambda: NOW)
    )


@pytest.fixture
def children(world: Session) -> list[Resident]:
    """Four of the year before school, one of them done; and a baby whom no rule about states looks at."""
    made = [resident(world, born="2020-05-01") for _ in range(4)]
    world.add_all(given(made[3], ("mr", 1, "2021-07-01"), ("mr", 2, "2026-05-01")))
    resident(world, born="2026-08-01")
    world.commit()
    return made


def test_a_trial_run_by_the_worker_says_what_one_by_the_page_says(
    desk: Desk, children: list[Resident]
) -> None:
    assert children
    job = desk.done(Kind.TRY)
    assert (job.state, job.problem, job.attempts) == (State.DONE, None, 1)
    figures = Figures.from_json(job.outcome)
    assert figures.compared == desk.figures()
    assert (figures.base, figures.left, figures.states) == (4, 3, ())
    assert desk.lists() == 0
    asked, tried = (
        events(desk.session, Action.EXTRACTION_ASKED),
        events(desk.session, Action.EXTRACTION_TRIED),
    )
    assert (len(asked), len(tried)) == (1, 1)
    assert tried[0].detail["on_list"] == 3


def test_a_list_is_saved_by_the_worker_in_the_name_of_who_asked(desk: Desk, children: list[Resident]) -> None:
    job = desk.done(Kind.SAVE, shown=desk.figures())
    assert job.state is State.DONE
    row = list_of(desk.session, job.extraction_id or 0)
    assert row is not None
    assert (row.title, row.base, row.by_rules) == ("見本の名簿", 4, 3)
    members = desk.session.scalars(select(ExtractionMember.resident_id)).all()
    assert set(members) == {child.id for child in children}
    (event,) = events(desk.session, Action.EXTRACTION_SAVED)
    assert event.actor != "system"
    assert desk.room.run() == 0


def test_a_list_that_differs_from_what_was_shown_is_not_saved(desk: Desk, children: list[Resident]) -> None:
    shown = desk.figures()
    desk.session.add_all(given(children[0], ("mr", 1, "2021-07-01"), ("mr", 2, "2026-06-01")))
    desk.session.commit()
    job = desk.done(Kind.SAVE, shown=shown)
    assert (job.state, job.problem) == (State.FAILED, "differs")
    assert Figures.from_json(job.outcome).left == 2
    assert desk.lists() == 0


def test_the_registers_are_asked_about_whom_their_rules_look_at(desk: Desk, children: list[Resident]) -> None:
    for child in children[:3]:
        desk.tax.states[child.atena_number] = "exempt"
    desk.welfare.states[children[0].atena_number] = (
        WelfarePeriod(WelfareKind.PUBLIC_ASSISTANCE, WelfareState.HELD, TODAY, None, None),
    )
    # Nothing is known of the others, and that the register says, too.
    desk.welfare.states |= {child.atena_number: () for child in children[1:]}
    job = desk.done(Kind.REFRESH, POOR)
    assert job.state is State.DONE
    assert job.outcome["answers"] == {
        "tax": {"asked": 4, "changed": 3},
        "welfare": {"asked": 4, "changed": 1, "confirmed": 3},
    }
    tried = desk.done(Kind.TRY, POOR)
    figures = Figures.from_json(tried.outcome)
    assert figures.left == 1
    assert figures.states == (
        StatesAge("tax", True, 30, people=4, never=1, old=0, oldest=NOW),
        StatesAge("welfare", True, 30, people=4, never=0, old=0, oldest=NOW),
    )
    # Of whom they spoke a moment ago they are not asked again.
    again = desk.done(Kind.REFRESH, POOR)
    assert again.outcome["answers"] == {"tax": {"asked": 1}, "welfare": {"asked": 0}}


def test_a_silent_register_is_said_and_what_came_before_is_kept(desk: Desk, children: list[Resident]) -> None:
    desk.tax.states = dict.fromkeys((child.atena_number for child in children), "exempt")
    desk.tax.failing = 2
    job = desk.done(Kind.REFRESH, EXEMPT)
    assert (job.state, job.problem) == (State.FAILED, "registers")
    assert job.outcome["answers"] == {"tax": {"asked": 4, "changed": 2, "failure": "TimedOut"}}
    (event,) = events(desk.session, Action.EXTRACTION_FAILED)
    assert event.detail == {"problem": "registers"}

    shown = desk.figures(EXEMPT)
    refused = desk.done(Kind.SAVE, EXEMPT, shown=shown)
    assert (refused.state, refused.problem) == (State.FAILED, "states")
    assert desk.lists() == 0
    saved = desk.done(Kind.SAVE, EXEMPT, shown=shown, known_states=True)
    row = list_of(desk.session, saved.extraction_id or 0)
    assert row is not None
    # The age of the states is kept with the list: two were never heard of.
    assert [(age.system, age.people, age.never) for age in row.states] == [("tax", 4, 2)]
    assert row.criteria == EXEMPT


def test_states_from_long_ago_are_old(desk: Desk, children: list[Resident]) -> None:
    desk.tax.states = dict.fromkeys((child.atena_number for child in children), "exempt")
    desk.tax.as_of = NOW - timedelta(days=30)
    desk.done(Kind.REFRESH, EXEMPT)
    assert Figures.from_json(desk.done(Kind.TRY, EXEMPT).outcome).wanting is False
    desk.room = replace(desk.room, clock=lambda: NOW + timedelta(minutes=1))
    figures = Figures.from_json(desk.done(Kind.TRY, EXEMPT).outcome)
    assert [(age.old, age.never) for age in figures.states] == [(4, 0)]
    assert figures.wanting


def test_without_another_side_nothing_is_asked_and_nothing_is_wanting(
    desk: Desk, children: list[Resident]
) -> None:
    assert children
    connections = replace(desk.room.connections, names=dict.fromkeys(SYSTEMS, "local"))
    desk.room = replace(desk.room, connections=connections, freshness=Freshness((), 30, insists=True))
    job = desk.done(Kind.REFRESH, EXEMPT)
    assert (job.state, job.outcome) == (State.DONE, {"answers": {}})
    figures = Figures.from_json(desk.done(Kind.TRY, EXEMPT).outcome)
    assert [(age.connected, age.never) for age in figures.states] == [(False, 4)]
    assert not figures.wanting


def test_what_is_called_off_before_it_began_never_begins(desk: Desk, children: list[Resident]) -> None:
    assert children
    job_id = desk.ask(Kind.SAVE, shown=desk.figures())
    audit = trail(desk.session, desk.engine)
    with pytest.raises(NotYoursError):
        call_off(desk.session, audit, job_id, staff_id=desk.clerk + 1, now=NOW)
    assert call_off(desk.session, audit, job_id, staff_id=desk.clerk, now=NOW)
    desk.session.commit()
    assert desk.room.run() == 0
    assert desk.job(job_id).state is State.CANCELLED
    assert not call_off(desk.session, audit, job_id, staff_id=desk.clerk, now=NOW)
    assert desk.lists() == 0


def interrupting(monkeypatch: pytest.MonkeyPatch, deed: Callable[[int], None]) -> None:
    """Do something when the worker has written a list and not said so yet."""
    real = saving.save_list

    def save(*args: Any, **said: Any) -> Any:
        saved = real(*args, **said)
        deed(saved.id)
        return saved

    monkeypatch.setattr("yvaxportal.services.extraction.working.save_list", save)


def test_what_is_called_off_at_the_last_moment_is_not_saved(
    desk: Desk, children: list[Resident], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert children
    job_id = desk.ask(Kind.SAVE, shown=desk.figures())

    def cancel(_saved: int) -> None:
        with Session(desk.engine) as session, session.begin():
            call_off(session, trail(session, desk.engine), job_id, staff_id=desk.clerk, now=NOW)

    interrupting(monkeypatch, cancel)
    desk.room.run()
    assert desk.job(job_id).state is State.CANCELLED
    assert desk.lists() == 0


def test_what_is_called_off_in_the_middle_ends_there(
    desk: Desk, children: list[Resident], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert children
    monkeypatch.setattr("yvaxportal.services.job_report._REPORT_SECONDS", 0)
    job_id = desk.ask(Kind.SAVE, shown=desk.figures())
    rows, written = saving._rows, []

    def write(*args: Any, **said: Any) -> Any:
        for place, row in enumerate(rows(*args, **said)):
            if place == 2:
                with Session(desk.engine) as session, session.begin():
                    call_off(session, trail(session, desk.engine), job_id, staff_id=desk.clerk, now=NOW)
            yield row
            written.append(row)

    monkeypatch.setattr(saving, "_rows", write)
    desk.room.run()
    job = desk.job(job_id)
    assert (job.state, job.phase, job.total) == (State.CANCELLED, "deciding", 4)
    assert len(written) == 2
    assert desk.lists() == 0


def test_an_error_tells_its_kind_and_stops_no_other(
    desk: Desk, children: list[Resident], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert children
    shown = desk.figures()
    first, second = desk.ask(Kind.SAVE, shown=shown), desk.ask(Kind.TRY)

    def fail(_saved: int) -> None:
        raise LookupError("見本　太郎")

    interrupting(monkeypatch, fail)
    assert desk.room.run() == 2
    assert (desk.job(first).state, desk.job(first).problem) == (State.FAILED, "internal")
    assert desk.job(first).outcome == {"kind": "LookupError"}
    assert desk.job(second).state is State.DONE
    assert "見本" not in caplog.text
    assert desk.lists() == 0


KILLED = """
    import sys, time
    from typing import cast
    from sqlalchemy import create_engine
    from tests.db.extraction.lists import SCHEDULE
    from tests.people import NOW
    from yvaxportal.adapters.interfaces import SYSTEMS
    from yvaxportal.adapters.loading import Adapters
    from yvaxportal.services.connections import Connections
    from yvaxportal.services.extraction import saving
    from yvaxportal.services.extraction.states import Freshness
    from yvaxportal.services.extraction.working import ListRoom

    real = saving._rows

    def rows(*args, **said):
        for place, row in enumerate(real(*args, **said)):
            if place == 2:
                print("stopped", flush=True)
                time.sleep(60)
            yield row

    saving._rows = rows
    engine = create_engine(sys.argv[1])
    names = dict.fromkeys(SYSTEMS, "local")
    connections = Connections(Adapters({}), names, engine, None, "312029", lambda: NOW)
    ListRoom(engine, SCHEDULE, connections, Freshness((), 30), lambda: NOW).run()
"""


def test_a_killed_worker_leaves_nothing_and_the_next_one_saves_it(
    desk: Desk, children: list[Resident]
) -> None:
    job_id = desk.ask(Kind.SAVE, shown=desk.figures())
    url = desk.engine.url.render_as_string(hide_password=False)
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), url], stdout=subprocess.PIPE, text=True
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "stopped\n"
        # Nobody else takes it up meanwhile.
        assert desk.room.run() == 0
        worker.send_signal(signal.SIGKILL)
    wait_until_free(desk.engine)
    assert (desk.job(job_id).state, desk.job(job_id).attempts) == (State.RUNNING, 1)
    assert desk.lists() == 0
    assert desk.room.run() == 1
    job = desk.job(job_id)
    assert (job.state, job.attempts) == (State.DONE, 2)
    assert desk.lists() == 1
    members = desk.session.scalars(select(ExtractionMember.resident_id)).all()
    assert set(members) == {child.id for child in children}


def test_a_job_that_kills_its_workers_is_given_up(desk: Desk, children: list[Resident]) -> None:
    assert children
    job_id = desk.ask(Kind.TRY)
    row = desk.job(job_id)
    row.state, row.attempts = State.RUNNING, MOST_ATTEMPTS
    desk.session.commit()
    assert desk.room.run() == 0
    assert (desk.job(job_id).state, desk.job(job_id).problem) == (State.FAILED, "worker_lost")


def wait_until_free(engine: Engine) -> None:
    """Wait until the database has noticed that the worker is gone."""
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    for _ in range(100):
        with engine.connect() as connection:
            if connection.scalar(query) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the lock is still held")
