"""What the atena system decides about numbers: merged once, whoever tells of it, and splits left to staff."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.db.sync.conftest import NOW, Rows
from tests.db.sync.register import Register
from tests.db.sync.test_merging import dose
from tests.people import resident
from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, TimedOut
from yvaxportal.adapters.messages.atena import NoticeKind, NoticePage, NumberNotice
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.models.codes import ResidentCategory
from yvaxportal.models.resident import Resident
from yvaxportal.services.sync.notices import NoticeSync
from yvaxportal.services.sync.run import ResidentSync

DECIDED = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)


@dataclass
class Notices:
    """Gives out notices, ``size`` at a time; ``failing`` is raised on the page of that number."""

    all: list[NumberNotice] = field(default_factory=list)
    size: int = 2
    failing: dict[int, Exception] = field(default_factory=dict)
    asked: list[str | None] = field(default_factory=list)

    def add(self, kind: NoticeKind, number: str, other: str) -> NumberNotice:
        notice = NumberNotice(f"t-{len(self.all)}", kind, number, other, DECIDED)
        self.all.append(notice)
        return notice

    def notices(self, after: str | None, limit: int, context: CallContext) -> NoticePage:
        del limit, context
        self.asked.append(after)
        if (error := self.failing.pop(len(self.asked), None)) is not None:
            raise error
        first = int(after or 0)
        page = tuple(self.all[first : first + self.size])
        last = first + len(page)
        return NoticePage(page, str(last), last < len(self.all), NOW)


@pytest.fixture
def told() -> Notices:
    return Notices()


@pytest.fixture
def notices(engine: Engine, told: Notices) -> NoticeSync:
    atena: Any = told
    return NoticeSync(engine, atena, lambda: NOW)


@pytest.fixture
def pair(world: Session) -> tuple[Resident, Resident]:
    outside = {"resident_category": ResidentCategory.NON_REGISTERED}
    kept, gone = resident(world), resident(world, **outside)
    dose(world, gone, 1)
    world.commit()
    return kept, gone


def test_a_merge_moves_what_there_is_once(
    notices: NoticeSync, told: Notices, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, gone = pair
    told.add(NoticeKind.MERGED, kept.atena_number, gone.atena_number)
    assert dict(notices.run().counts) == {"applied": 1}
    assert rows("SELECT resident_id FROM dose WHERE state = 'active'") == [kept.id]
    assert rows("SELECT kept_resident_id, merged_resident_id, decided_on::text FROM resident_merge") == [
        (kept.id, gone.id, "2026-11-21")
    ]
    assert rows("SELECT resident_category FROM resident WHERE id = :id", id=gone.id) == ["removed"]
    assert rows(
        "SELECT resident_id FROM audit_event WHERE action = 'resident.changed' ORDER BY resident_id"
    ) == [kept.id, gone.id]
    assert notices.run().counts == {}
    assert told.asked == [None, "1"]


def test_a_notice_delivered_again_has_no_effect(
    notices: NoticeSync, told: Notices, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, gone = pair
    notice = told.add(NoticeKind.MERGED, kept.atena_number, gone.atena_number)
    told.all.append(notice)
    assert dict(notices.run().counts) == {"applied": 1, "duplicate": 1}
    assert rows("SELECT count(*) FROM resident_merge") == [1]


def test_who_tells_second_changes_nothing(
    notices: NoticeSync,
    told: Notices,
    sync: ResidentSync,
    register: Register,
    pair: tuple[Resident, Resident],
    rows: Rows,
) -> None:
    kept, gone = pair
    sync.run()
    register.happens("merged", gone.atena_number, other_atena_number=kept.atena_number)
    told.add(NoticeKind.MERGED, kept.atena_number, gone.atena_number)
    assert dict(notices.run().counts) == {"applied": 1}
    assert dict(sync.run().counts) == {"applied": 1}
    assert rows("SELECT count(*) FROM resident_merge") == [1]
    assert rows("SELECT count(*) FROM dose") == [2]


def test_whom_nobody_knows_here_is_passed_over(notices: NoticeSync, told: Notices, rows: Rows) -> None:
    told.add(NoticeKind.MERGED, "1000000019", "1000000027")
    told.add(NoticeKind.SPLIT, "1000000019", "1000000027")
    assert dict(notices.run().counts) == {"applied": 2}
    assert rows("SELECT count(*) FROM sync_refusal") == [0]


def test_what_only_a_person_can_decide_is_listed(
    notices: NoticeSync, told: Notices, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, gone = pair
    told.add(NoticeKind.SPLIT, kept.atena_number, "1000000027")
    told.add(NoticeKind.MERGED, "1000000027", gone.atena_number)
    told.add(NoticeKind.MERGED, "123456789012", gone.atena_number)
    assert dict(notices.run().counts) == {"split_to_decide": 1, "other_unknown": 1, "bad_atena_number": 1}
    assert rows("SELECT system, reason FROM sync_refusal ORDER BY id") == [
        ("atena", "split_to_decide"),
        ("atena", "other_unknown"),
        ("atena", "bad_atena_number"),
    ]
    assert rows("SELECT resident_id, state FROM dose") == [(gone.id, "active")]


def test_a_failure_is_noted_and_the_next_run_goes_on(
    notices: NoticeSync, told: Notices, pair: tuple[Resident, Resident], rows: Rows
) -> None:
    kept, gone = pair
    told.size, told.failing = 1, {2: TimedOut("atena", "no answer in time")}
    told.add(NoticeKind.SPLIT, "1000000019", "1000000027")
    told.add(NoticeKind.MERGED, kept.atena_number, gone.atena_number)
    report = notices.run()
    assert (report.failure, dict(report.counts)) == ("TimedOut: no answer in time", {"applied": 1})
    assert rows("SELECT cursor, failure FROM sync_state WHERE system = 'atena'") == [
        ("1", "TimedOut: no answer in time")
    ]
    assert dict(notices.run().counts) == {"applied": 1}
    assert rows("SELECT cursor, failure FROM sync_state WHERE system = 'atena'") == [("2", "")]


def test_a_page_that_cannot_be_used_is_listed(notices: NoticeSync, told: Notices, rows: Rows) -> None:
    told.failing[1] = BadAnswer("atena", BadAnswerReason.MALFORMED, "/result/3")
    assert notices.run().failure == "BadAnswer: the answer is malformed at /result/3"
    assert rows("SELECT system, reference, reason, payload FROM sync_refusal") == [
        ("atena", "notices/malformed", "bad_answer", {"reason": "malformed", "where": "/result/3"})
    ]
    assert notices.run().failure == ""
