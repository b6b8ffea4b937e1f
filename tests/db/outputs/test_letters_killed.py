"""A worker that is killed while it sets letters: the run is whole or absent, and nobody gets two tickets."""

import signal
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.db.outputs.conftest import Desk
from tests.db.outputs.test_letters import asked, became, child, make, tickets
from tests.db.outputs.test_workshop import wait_until_free
from tests.press import Parcel, press
from yvaxportal.models.codes import LetterRunState, LetterState, OutputState, TicketState
from yvaxportal.outputs import store
from yvaxportal.services.letters.book import Counts, counts_of
from yvaxportal.services.letters.reasons import Held

KILLED = """
    import sys, time
    from dataclasses import replace
    from pathlib import Path
    from sqlalchemy import create_engine
    from tests.people import NOW
    from tests.press import press
    from yvaxportal.documents.setting import Typesetter
    from yvaxportal.outputs import letters, workshop
    from yvaxportal.outputs.layouts import load_layouts
    from yvaxportal.outputs.makers import MAKERS
    from yvaxportal.vault.keyring import KeyRing

    url, folder, temporary, ring, where = sys.argv[1:]

    def stop():
        print("stopped", flush=True)
        time.sleep(60)

    if where == "setting":
        real, count = Typesetter.set_letters, []

        def set_letters(self, *args, **said):
            count.append(1)
            if len(count) == 2:
                stop()
            return real(self, *args, **said)

        Typesetter.set_letters = set_letters
    elif where == "packing":
        letters._Making._list = lambda self, bundles: stop()
    elif where == "renamed":
        workshop.Workshop._finish = lambda self, *args: stop()
    elif where == "written":
        written = letters._Settlement.__call__

        def settle(self, session, audit):
            written(self, session, audit)
            session.flush()
            stop()

        letters._Settlement.__call__ = settle
    else:
        finish = workshop.Workshop._finish

        def and_stop(self, *args):
            finish(self, *args)
            stop()

        workshop.Workshop._finish = and_stop
    workshop.Workshop(
        engine=create_engine(url), key_ring=KeyRing.load(Path(ring)), layouts=load_layouts(sources=MAKERS),
        folder=Path(folder), temporary=Path(temporary), approval_above=1000, keep_days=7,
        clock=lambda: NOW, press=replace(press(), bundle_size=2),
    ).run()
"""


def kill(desk: Desk, temporary: Path, ring: Path, where: str) -> None:
    """Let another process make what is queued, and kill it when it is at ``where``."""
    url = desk.shop.engine.url.render_as_string(hide_password=False)
    arguments = [url, str(desk.shop.folder), str(temporary), str(ring), where]
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), *arguments], stdout=subprocess.PIPE, text=True
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "stopped\n"
        worker.send_signal(signal.SIGKILL)
    wait_until_free(desk.shop.engine)
    desk.session.rollback()
    desk.session.expire_all()


@pytest.fixture
def ring(desk: Desk, tmp_path: Path) -> Path:
    """Give this worker and the one that is killed the same keys."""
    path = tmp_path / "ring.json"
    desk.with_shop(key_ring=type(desk.shop.key_ring).create(path))
    return path


@pytest.mark.parametrize("where", ["setting", "packing", "renamed", "written"])
def test_nothing_is_left_and_the_next_worker_makes_it_whole(
    desk: Desk, temporary: Path, ring: Path, where: str
) -> None:
    good = [child(desk) for _ in range(5)]
    protected = child(desk, support_measure_flag=True)
    run = asked(desk, [*good, protected])
    kill(desk, temporary, ring, where)
    assert run.output_id is not None
    left = desk.row(run.output_id)
    assert (left.state, left.people, left.attempts) == (OutputState.MAKING, None, 1)
    assert run.state is LetterRunState.QUEUED
    assert became(desk, run) == {}
    assert tickets(desk) == []

    parcel = make(desk, run, press=press())
    assert desk.row(run.output_id).attempts == 2
    assert_whole(desk, run, parcel, printed=5)
    assert became(desk, run)[protected.id] == (LetterState.HELD, Held.SUPPORT_MEASURE)
    assert list(temporary.iterdir()) == []
    assert [path.name for path in desk.shop.folder.iterdir()] == [desk.archive(run.output_id).name]


def test_a_worker_that_is_killed_when_all_was_written_leaves_it_whole(
    desk: Desk, temporary: Path, ring: Path
) -> None:
    people = [child(desk) for _ in range(3)]
    run = asked(desk, people)
    kill(desk, temporary, ring, "committed")
    before = [(ticket.id, ticket.ticket_number) for ticket in tickets(desk)]
    assert len(before) == 3
    desk.with_shop(press=press())
    assert desk.shop.run() == 0
    assert run.output_id is not None
    assert desk.row(run.output_id).state is OutputState.READY
    assert [(ticket.id, ticket.ticket_number) for ticket in tickets(desk)] == before
    with desk.archive(run.output_id).open("rb") as file:
        assert store.digest(file) == desk.row(run.output_id).archive_sha256
    counts = counts_of(desk.session, [run.id])[run.id]
    assert counts == Counts(printed=3, held=0, dropped=0, sent=0, spoiled=0)


def test_whoever_is_on_two_runs_gets_one_ticket_although_a_worker_was_killed(
    desk: Desk, temporary: Path, ring: Path
) -> None:
    people = [child(desk) for _ in range(3)]
    first, second = asked(desk, people), asked(desk, [*people, child(desk)])
    kill(desk, temporary, ring, "written")
    assert tickets(desk) == []
    make(desk, first, press=press())
    desk.shop.run()
    desk.session.expire_all()
    assert {reason for _state, reason in became(desk, second).values()} == {None, Held.TICKET_EXISTS}
    found = Counter(
        (ticket.resident_id, ticket.dose_number)
        for ticket in tickets(desk)
        if ticket.state is TicketState.ISSUED
    )
    assert len(found) == 4
    assert set(found.values()) == {1}
    assert len({ticket.ticket_number for ticket in tickets(desk)}) == 4


def assert_whole(desk: Desk, run: Any, parcel: Parcel, *, printed: int) -> None:
    """Say that pages, list, letters and tickets tell of the same people, each once."""
    counts = counts_of(desk.session, [run.id])[run.id]
    assert (counts.extracted, counts.printed, counts.open) == (printed + 1, printed, printed)
    assert (parcel.counts["extracted"], parcel.counts["printed"]) == (printed + 1, printed)
    assert run.state is LetterRunState.MADE
    assert len(list(parcel.pages())) == printed
    on_paper = {row[4]: row[5] for row in parcel.rows[1:]}
    issued = tickets(desk)
    assert len(on_paper) == len(issued) == printed
    assert sorted(on_paper.values()) == sorted(ticket.ticket_number for ticket in issued)
    assert len({ticket.resident_id for ticket in issued}) == printed
