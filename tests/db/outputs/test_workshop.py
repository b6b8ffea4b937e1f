"""Making files: whole or absent, whatever happens to the worker, the disk and the wishes of staff."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from tests.db.outputs.conftest import Desk
from tests.details import events
from tests.leaving import extraction, people
from tests.people import NOW
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import OutputState
from yvaxportal.models.output import Output, OutputPerson
from yvaxportal.outputs import store
from yvaxportal.outputs.gate import cancel, request_output, try_again
from yvaxportal.outputs.making import Made, Work
from yvaxportal.outputs.private_folders import private_folder, sweep
from yvaxportal.outputs.workshop import MOST_ATTEMPTS

VALID = "123456789018"


def making(
    content: str | bytes, *, name: str = "list.csv", person: int | None = None
) -> Callable[[Work], Made]:
    def make(work: Work) -> Made:
        path = work.folder / name
        path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        if person is not None:
            work.person(person)
        return Made(path, name)

    return make


def nothing_left(desk: Desk, temporary: Path) -> None:
    assert list(temporary.iterdir()) == []
    assert list(desk.shop.folder.iterdir()) == []
    assert desk.session.scalar(select(func.count()).select_from(OutputPerson)) == 0


def one(desk: Desk) -> dict[str, int]:
    return {"extraction": extraction(desk.session, people(desk.session, 1), staff_id=desk.clerk)}


def test_the_plain_file_is_private_and_never_in_the_data_folder(desk: Desk, temporary: Path) -> None:
    subject = one(desk)
    seen: dict[str, Any] = {}

    def make(work: Work) -> Made:
        seen["mode"] = work.folder.stat().st_mode & 0o777
        seen["outer"] = work.folder.parent.stat().st_mode & 0o777
        seen["inside"] = work.folder.is_relative_to(temporary)
        seen["kept"] = list(desk.shop.folder.iterdir())
        return desk_maker(work)

    desk_maker = desk.shop.makers["extraction"]
    desk.with_shop(makers={"extraction": make})
    output = desk.made(subject)
    assert output.state is OutputState.READY
    assert seen == {"mode": 0o700, "outer": 0o700, "inside": True, "kept": []}
    assert list(temporary.iterdir()) == []
    archive = desk.archive(output.id)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert desk.shop.folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in desk.shop.folder.iterdir()] == [archive.name]


@pytest.mark.parametrize("number", [VALID, "1234-5678-9018", "１２３４５６７８９０１８"])
def test_a_personal_number_in_the_bytes_wipes_the_file(desk: Desk, temporary: Path, number: str) -> None:
    person = people(desk.session, 1)[0]
    desk.with_shop(makers={"extraction": making(f"a,{number}\r\n", person=person.id)})
    output = desk.made(one(desk))
    assert (output.state, output.problem) == (OutputState.FAILED, "personal_number")
    nothing_left(desk, temporary)
    (event,) = events(desk.session, Action.OUTPUT_FAILED)
    assert event.detail == {"problem": "personal_number"}
    assert number not in str(output.problem_detail)


def test_a_number_in_what_a_pdf_was_made_of_counts(desk: Desk) -> None:
    person = people(desk.session, 1)[0]

    def make(work: Work) -> Made:
        (work.folder / "data.json").write_text(f'{{"n": "{VALID}"}}')
        (work.folder / "letters.pdf").write_bytes(b"%PDF-1.7")
        work.person(person.id)
        return Made(work.folder / "letters.pdf", "letters.pdf", (work.folder / "data.json",))

    desk.with_shop(makers={"extraction": make})
    assert desk.made(one(desk)).problem == "personal_number"


def test_a_file_about_nobody_is_not_made(desk: Desk, temporary: Path) -> None:
    desk.with_shop(makers={"extraction": making("a\r\n")})
    assert desk.made(one(desk)).problem == "nobody"
    nothing_left(desk, temporary)


@pytest.mark.parametrize(
    ("subject", "layout", "problem"),
    [
        ({"extraction": 999_999}, "target_list", "subject"),
        ({}, "target_list", "subject"),
        ({}, "none", "layout"),
    ],
)
def test_what_cannot_be_made_says_why(desk: Desk, subject: dict[str, int], layout: str, problem: str) -> None:
    output = desk.made(subject, layout)
    assert (output.state, output.problem) == (OutputState.FAILED, problem)


def test_an_error_of_a_maker_tells_its_kind_and_nothing_else(
    desk: Desk, temporary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def make(_work: Work) -> Made:
        raise LookupError("見本　太郎")

    desk.with_shop(makers={"extraction": make})
    output = desk.made(one(desk))
    assert (output.problem, output.problem_detail) == ("internal", {"kind": "LookupError"})
    assert "見本" not in caplog.text
    nothing_left(desk, temporary)


@pytest.mark.parametrize("where", ["plain", "archive"])
def test_a_full_disk_leaves_nothing_and_says_so(
    desk: Desk, temporary: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    subject = one(desk)
    full = OSError(errno.ENOSPC, "No space left on device")
    if where == "plain":

        def make(work: Work) -> Made:
            (work.folder / "list.csv").write_text("half")
            raise full

        desk.with_shop(makers={"extraction": make})
        output = desk.made(subject)
    else:
        with monkeypatch.context() as patched:

            def fsync(_handle: int) -> None:
                raise full

            patched.setattr(os, "fsync", fsync)
            output = desk.made(subject)
    assert (output.state, output.problem) == (OutputState.FAILED, "disk_full")
    nothing_left(desk, temporary)


def test_what_failed_is_tried_again(desk: Desk) -> None:
    subject = one(desk)
    makers = desk.shop.makers
    desk.with_shop(makers={"extraction": making("a\r\n")})
    output = desk.made(subject)
    desk.with_shop(makers=makers)
    try_again(desk.session, desk.audit, output_id=output.id, staff_id=desk.clerk, now=NOW)
    desk.session.commit()
    desk.shop.run()
    assert desk.row(output.id).state is OutputState.READY


def test_a_file_is_called_off_before_it_is_begun(desk: Desk) -> None:
    output_id = desk.ask(one(desk))
    cancel(desk.session, desk.audit, output_id=output_id, staff_id=desk.clerk, now=NOW)
    desk.session.commit()
    assert desk.shop.run() == 0
    assert desk.row(output_id).state is OutputState.CANCELLED


def test_a_file_is_called_off_while_it_is_made(
    desk: Desk, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yvaxportal.services.job_report._REPORT_SECONDS", 0)

    def make(work: Work) -> Made:
        (work.folder / "list.csv").write_text("half")
        work.progress(1, 10)
        cancel(desk.session, desk.audit, output_id=work.output_id, staff_id=desk.clerk, now=NOW)
        desk.session.commit()
        work.progress(2, 10)
        raise AssertionError("went on")

    desk.with_shop(makers={"extraction": make})
    output = desk.made(one(desk))
    assert (output.state, output.wipe_reason, output.done, output.total) == (
        OutputState.CANCELLED,
        "cancelled",
        1,
        10,
    )
    nothing_left(desk, temporary)


def test_a_file_that_is_called_off_at_the_last_moment_is_not_kept(desk: Desk, temporary: Path) -> None:
    person = people(desk.session, 1)[0]

    def make(work: Work) -> Made:
        cancel(desk.session, desk.audit, output_id=work.output_id, staff_id=desk.clerk, now=NOW)
        desk.session.commit()
        return making("a\r\n", person=person.id)(work)

    desk.with_shop(makers={"extraction": make})
    assert desk.made(one(desk)).state is OutputState.CANCELLED
    nothing_left(desk, temporary)


KILLED = """
    import os, sys
    from pathlib import Path
    from sqlalchemy import create_engine
    from tests.people import NOW
    from yvaxportal.outputs import store, workshop
    from yvaxportal.outputs.layouts import load_layouts
    from yvaxportal.outputs.makers import MAKERS
    from yvaxportal.vault.keyring import KeyRing

    url, folder, temporary, where = sys.argv[1:]

    def stop(*_args, **_words):
        print("stopped", flush=True)
        import time
        time.sleep(60)

    if where == "plain":
        def make(work):
            (work.folder / "list.csv").write_text("見本　太郎")
            stop()
        makers = {"extraction": make}
    else:
        makers = MAKERS
        workshop.Workshop._finish = stop
    workshop.Workshop(
        engine=create_engine(url), key_ring=KeyRing.with_new_key(), layouts=load_layouts(sources=MAKERS),
        folder=Path(folder), temporary=Path(temporary), approval_above=1000, keep_days=7,
        clock=lambda: NOW, makers=makers,
    ).run()
"""


def killed(desk: Desk, temporary: Path, where: str) -> None:
    """Let another process make what is queued, and kill it when it is at ``where``."""
    url = desk.shop.engine.url.render_as_string(hide_password=False)
    arguments = [url, str(desk.shop.folder), str(temporary), where]
    worker = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), *arguments], stdout=subprocess.PIPE, text=True
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "stopped\n"
        # Nobody else makes meanwhile.
        assert desk.shop.run() == 0
        worker.send_signal(signal.SIGKILL)


def wait_until_free(engine: Engine) -> None:
    """Wait until the database has noticed that the worker is gone."""
    query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
    for _ in range(100):
        with engine.connect() as connection:
            if connection.scalar(query) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the lock is still held")


@pytest.mark.parametrize("where", ["plain", "renamed"])
def test_a_killed_worker_leaves_nothing_and_the_next_one_makes_it(
    desk: Desk, temporary: Path, where: str
) -> None:
    output_id = desk.ask(one(desk))
    killed(desk, temporary, where)
    wait_until_free(desk.shop.engine)
    left = desk.row(output_id)
    assert (left.state, left.people, left.attempts) == (OutputState.MAKING, None, 1)
    assert bool(list(desk.shop.folder.iterdir())) is (where == "renamed")
    assert desk.shop.run() == 1
    output = desk.row(output_id)
    assert (output.state, output.people, output.attempts) == (OutputState.READY, 1, 2)
    assert list(temporary.iterdir()) == []
    with desk.archive(output_id).open("rb") as file:
        assert store.digest(file) == output.archive_sha256


def test_an_output_that_kills_its_workers_is_given_up(desk: Desk, temporary: Path) -> None:
    output_id = desk.ask(one(desk))
    row = desk.row(output_id)
    row.state, row.attempts = OutputState.MAKING, MOST_ATTEMPTS
    desk.session.commit()
    assert desk.shop.run() == 0
    assert (desk.row(output_id).state, desk.row(output_id).problem) == (OutputState.FAILED, "worker_lost")
    nothing_left(desk, temporary)


def test_archives_that_no_row_speaks_of_are_removed(desk: Desk) -> None:
    output = desk.made(one(desk))
    stray = [desk.shop.folder / "4711.zip", desk.shop.folder / f"{output.id}.part"]
    for path in stray:
        path.write_bytes(b"x")
    desk.shop.run()
    assert list(desk.shop.folder.iterdir()) == [desk.archive(output.id)]


def test_a_sweep_leaves_the_folders_of_living_work(temporary: Path) -> None:
    with private_folder(temporary) as folder:
        assert sweep(temporary) == 0
        assert folder.is_dir()
    assert list(temporary.iterdir()) == []


def test_requests_are_made_in_order_and_each_once(desk: Desk) -> None:
    subject = one(desk)
    ids = [desk.ask(subject) for _ in range(3)]
    order: list[int] = []
    real = desk.shop.makers["extraction"]

    def make(work: Work) -> Made:
        order.append(work.output_id)
        return real(work)

    desk.with_shop(makers={"extraction": make})
    assert desk.shop.run() == 3
    assert order == ids
    states = desk.session.scalars(select(Output.state)).all()
    assert set(states) == {OutputState.READY}


def test_the_job_is_in_the_queue_exactly_when_the_request_is(desk: Desk, engine: Engine) -> None:
    waiting = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'yvax:make_outputs'")
    subject = one(desk)

    def count() -> int:
        with engine.connect() as connection:
            return int(connection.scalar(waiting) or 0)

    request_output(
        desk.session,
        desk.audit,
        layout="target_list",
        title="取りやめ",
        purpose="個別通知",
        subject=subject,
        staff_id=desk.clerk,
        now=NOW,
    )
    assert count() == 0
    desk.session.rollback()
    assert count() == 0
    desk.ask(subject)
    assert count() == 1
    # One job makes everything: a second one would find nothing to do.
    desk.ask(subject)
    assert count() == 1


def test_the_workshop_reads_and_never_writes(desk: Desk) -> None:
    def make(work: Work) -> Made:
        work.session.execute(text("UPDATE resident SET name = 'x'"))
        raise AssertionError("wrote")

    desk.with_shop(makers={"extraction": make})
    assert desk.made(one(desk)).problem_detail == {"kind": "InternalError"}
