"""Samples of recorded rows: size, draw, comparison with the paper, and the error rate that is left."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from tests.details import clerk, events
from tests.importing import Office, questionnaires, row_of
from tests.people import NOW, resident
from yvaxportal.audit.actions import Action
from yvaxportal.models.codes import SampleVerdict
from yvaxportal.models.mismatch import SampleCheck, SampleCheckRow
from yvaxportal.services.imports.deciding import CLAIMED_FOR
from yvaxportal.services.imports.sampling import (
    Aim,
    NothingToDrawError,
    Scope,
    allocate,
    checks,
    draw,
    next_to_check,
    pooled,
    rate,
    rates,
    reckon,
    tell,
    wrong_fields,
)
from yvaxportal.values.binomial import interval


@pytest.fixture
def applied(desk: Office, world: Session) -> int:
    """A recorded file of 60 rows; return its number."""
    people = [resident(world, born="2024-03-05", name=f"見本　子{at}") for at in range(60)]
    world.commit()
    batch = desk.checked(questionnaires([row_of(one) for one in people]))
    assert desk.apply(batch.id)["recorded"] == 60
    return batch.id


@pytest.fixture
def checker(world: Session) -> int:
    number = clerk(world, "checker")
    world.commit()
    return number


def drawn(desk: Office, scope: Scope, aim: Aim, seed: str = "s") -> int:
    with Session(desk.bureau.engine) as session, session.begin():
        check = draw(session, desk.audit(session), scope, aim, seed=seed, staff_id=desk.staff_id, now=NOW)
        return check.id


def rows_of(desk: Office, check_id: int) -> list[int]:
    with Session(desk.bureau.engine) as session:
        query = (
            select(SampleCheckRow).where(SampleCheckRow.check_id == check_id).order_by(SampleCheckRow.place)
        )
        return [row.number for row in session.scalars(query)]


def said(desk: Office, check_id: int, place: int, verdict: SampleVerdict, staff_id: int, **more: Any) -> bool:
    with Session(desk.bureau.engine) as session, session.begin():
        return tell(
            session, desk.audit(session), check_id, place, verdict, staff_id=staff_id, now=NOW, **more
        )


def test_the_size_follows_from_the_aim(desk: Office, applied: int) -> None:
    with Session(desk.bureau.engine) as session:
        assert reckon(session, Scope(applied), Aim(9_500, 100)) == (60, 59)
        assert reckon(session, Scope(applied), Aim(9_500, 1_000)) == (60, 24)
        assert reckon(session, Scope(applied), Aim(9_500, 1_000, 1)) == (60, 34)
        with pytest.raises(NothingToDrawError):
            reckon(session, Scope(applied + 1), Aim())


def test_the_same_seed_draws_the_same_rows(desk: Office, applied: int) -> None:
    first = drawn(desk, Scope(applied), Aim(9_500, 1_000), "one")
    again = drawn(desk, Scope(applied), Aim(9_500, 1_000), "one")
    other = drawn(desk, Scope(applied), Aim(9_500, 1_000), "two")
    assert len(set(rows_of(desk, first))) == 24
    assert rows_of(desk, first) == rows_of(desk, again) != rows_of(desk, other)


def test_the_rate_with_its_interval(desk: Office, world: Session, applied: int, checker: int) -> None:
    check_id = drawn(desk, Scope(applied), Aim(9_500, 1_000))
    for place in range(1, 25):
        match place:
            case 3:
                assert said(desk, check_id, place, SampleVerdict.WRONG, checker, wrong_fields=["lot_number"])
            case 5 | 6:
                assert said(desk, check_id, place, SampleVerdict.CANNOT_TELL, checker, note="原本なし")
            case _:
                assert said(desk, check_id, place, SampleVerdict.RIGHT, checker)
    with Session(desk.bureau.engine) as session:
        found = rates(session, checks(session))[check_id]
        assert wrong_fields(session, check_id) == [("lot_number", 1)]
        by_layout = dict(pooled(session, "layout"))
        by_sender = dict(pooled(session, "sender"))
    assert (found.drawn, found.right, found.wrong, found.cannot_tell, found.open) == (24, 21, 1, 2, 0)
    assert found.share == pytest.approx(1 / 22)
    assert (found.low, found.high) == interval(1, 22, 0.95, 60)
    assert found.worst == interval(3, 24, 0.95, 60)[1]
    assert by_layout["questionnaires"] == rate((24, 21, 1, 2), 0.95) == by_sender[str(desk.staff_id)]
    assert len(events(world, Action.SAMPLE_CHECKED)) == 24


def test_two_do_not_compare_the_same_row_and_nobody_their_own(
    desk: Office, world: Session, applied: int, checker: int
) -> None:
    other = clerk(world, "other")
    world.commit()
    check_id = drawn(desk, Scope(applied), Aim(9_500, 1_000))
    with Session(desk.bureau.engine) as session, session.begin():
        first = next_to_check(session, check_id, staff_id=checker, now=NOW)
        second = next_to_check(session, check_id, staff_id=other, now=NOW)
        assert (first, second) == (1, 2)
        assert next_to_check(session, check_id, staff_id=desk.staff_id, now=NOW) is None
        late = NOW + CLAIMED_FOR + timedelta(seconds=1)
        assert next_to_check(session, check_id, staff_id=other, now=late) == 1
    assert not said(desk, check_id, 1, SampleVerdict.RIGHT, checker)
    assert not said(desk, check_id, 2, SampleVerdict.RIGHT, checker)
    assert said(desk, check_id, 3, SampleVerdict.RIGHT, checker)
    assert not said(desk, check_id, 3, SampleVerdict.RIGHT, checker)
    assert not said(desk, check_id, 99, SampleVerdict.RIGHT, checker)
    for verdict, fields in ((SampleVerdict.WRONG, []), (SampleVerdict.RIGHT, ["birth"])):
        with pytest.raises(ValueError, match="which fields"):
            said(desk, check_id, 4, verdict, checker, wrong_fields=fields)


def test_a_layout_s_sample_takes_of_each_sender_in_proportion(
    desk: Office, world: Session, applied: int
) -> None:
    other = Office(desk.bureau, clerk(world, "firm"))
    people = [resident(world, born="2024-03-06") for _ in range(20)]
    world.commit()
    small = other.checked(questionnaires([row_of(one) for one in people]))
    other.apply(small.id)
    scope = Scope(None, "questionnaires", None, date(2026, 11, 23), date(2026, 11, 23))
    check_id = drawn(desk, scope, Aim(9_500, 1_000))
    with Session(desk.bureau.engine) as session:
        found = Counter(
            session.scalars(select(SampleCheckRow.batch_id).where(SampleCheckRow.check_id == check_id))
        )
        assert reckon(session, Scope(None, "questionnaires", other.staff_id), Aim())[0] == 20
        with pytest.raises(NothingToDrawError):
            reckon(session, Scope(None, "questionnaires", None, date(2026, 11, 24)), Aim())
    assert found == {applied: 20, small.id: 6}


def test_a_sample_is_drawn_for_good(desk: Office, applied: int) -> None:
    drawn(desk, Scope(applied), Aim(9_500, 1_000))
    with Session(desk.bureau.engine) as session, pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(delete(SampleCheck))


def test_nothing_told_is_no_rate() -> None:
    assert rate((10, 0, 0, 2), 0.95).share is None
    assert rate((10, 0, 0, 2), 0.95).open == 8


@given(st.dictionaries(st.integers(1, 9), st.integers(1, 500), min_size=1), st.data())
def test_the_shares_add_up_and_none_is_more_than_there_is(
    strata: dict[int, int], data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, sum(strata.values())))
    shared = allocate(strata, size)
    assert sum(shared.values()) == size
    assert all(0 <= shared[key] <= strata[key] for key in strata)
    population = sum(strata.values())
    assert all(abs(shared[key] - strata[key] * size / population) < 1 for key in strata)
