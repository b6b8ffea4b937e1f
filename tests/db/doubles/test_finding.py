"""The search through everybody, and what people decide about what it found."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from tests.details import clerk
from tests.people import NOW, TODAY, resident
from yvaxportal.audit.trail import Actor, AuditTrail
from yvaxportal.models.codes import DoubleState, MergeSource, ResidentCategory, Sex
from yvaxportal.models.double import DoubleSearch, ResidentDouble
from yvaxportal.models.resident import Resident
from yvaxportal.models.sync import ResidentMerge
from yvaxportal.services.doubles.deciding import (
    Decision,
    DoubleRefusedError,
    Merging,
    decide,
    may_record_merge,
    record_merge,
)
from yvaxportal.services.doubles.finding import find_doubles
from yvaxportal.services.doubles.listing import page
from yvaxportal.services.search_keys import rebuild_names
from yvaxportal.services.sync.judging import Reason
from yvaxportal.services.sync.merging import Told, merge
from yvaxportal.services.sync.refusals import keep

HANAKO: dict[str, Any] = {
    "name": "髙橋　花子",
    "name_kana": "タカハシ　ハナコ",
    "sex": Sex.FEMALE,
    "born": "1990-01-02",
}
NEXT = NOW + timedelta(days=1)


@pytest.fixture
def pair(world: Session) -> tuple[Resident, Resident]:
    one = resident(world, **HANAKO)
    other = resident(
        world, **(HANAKO | {"name": "高橋 花子"}), resident_category=ResidentCategory.NON_REGISTERED
    )
    world.commit()
    return one, other


@pytest.fixture
def staff_id(world: Session) -> int:
    made = clerk(world)
    world.commit()
    return made


@pytest.fixture
def audit(world: Session, engine: Engine) -> AuditTrail:
    return AuditTrail(world, engine, Actor("clerk", ("manager",), None))


def doubles(world: Session) -> list[ResidentDouble]:
    world.expire_all()
    return list(world.scalars(select(ResidentDouble).order_by(ResidentDouble.id)))


def the_one(world: Session) -> ResidentDouble:
    (found,) = doubles(world)
    return found


def test_pairs_are_found_by_their_keys(
    engine: Engine, world: Session, pair: tuple[Resident, Resident]
) -> None:
    contact = {"phone_number": "0859-00-0123", "current_address": None}
    home: dict[str, Any] = {"born": "2001-01-01", "contact": contact}
    wanted = [
        pair,
        # A former name, a swapped birth date, one that is not wholly known, a misread kanji at one telephone.
        (
            resident(world, name="田中　京子", name_kana="タナカ　キョウコ", born="1970-03-04"),
            resident(
                world, name="森　京子", name_kana="モリ　キョウコ", former_name="田中 京子", born="1970-03-04"
            ),
        ),
        (
            resident(world, name="青木　実", name_kana="アオキ　ミノル", born="1980-03-04"),
            resident(world, name="青木　実", name_kana="アオキ　ミノル", born="1980-04-03"),
        ),
        (
            resident(world, name="林　清", name_kana="ハヤシ　キヨシ", born="1930-00-00"),
            resident(world, name="林　清", name_kana="ハヤシ　キヨシ", born="1930-08-09"),
        ),
        (
            resident(world, name="浜田　涼", name_kana="ハマタ　リョウ", **home),
            resident(world, name="浜由　涼", name_kana="ハマダ　リョウ", **home),
        ),
    ]
    resident(world, name="高橋　一郎", name_kana="タカハシ　イチロウ", born="1990-01-02")
    resident(world, **(HANAKO | {"born": "1961-07-08"}))
    resident(world, **HANAKO, resident_category=ResidentCategory.REMOVED)
    world.commit()
    found = find_doubles(engine, NOW)
    assert {(one.first_id, one.second_id) for one in doubles(world)} == {
        (one.id, other.id) for one, other in wanted
    }
    assert (found.listed, found.gone) == (len(wanted), 0)
    assert world.scalars(select(DoubleSearch.listed)).all() == [len(wanted)]


def test_what_is_not_alike_any_more_goes(
    engine: Engine, world: Session, pair: tuple[Resident, Resident]
) -> None:
    find_doubles(engine, NOW)
    pair[1].name, pair[1].name_kana = "山田　次郎", "ヤマダ　ジロウ"
    world.flush()
    rebuild_names(world, pair[1].id)
    world.commit()
    assert find_doubles(engine, NEXT).gone == 1
    assert doubles(world) == []


def test_two_people_are_not_listed_again_until_something_changes(
    engine: Engine, world: Session, pair: tuple[Resident, Resident], staff_id: int, audit: AuditTrail
) -> None:
    find_doubles(engine, NOW)
    double = the_one(world)
    decide(
        world,
        audit,
        Decision(double.id, double.revision, DoubleState.DIFFERENT, "同姓同名と確認", staff_id, NOW),
    )
    world.commit()
    find_doubles(engine, NEXT)
    double = the_one(world)
    assert (double.state, double.reason) == (DoubleState.DIFFERENT, "同姓同名と確認")
    assert page(world, DoubleState.OPEN).rows == []
    pair[0].former_name = "山田　花子"
    world.commit()
    find_doubles(engine, NEXT + timedelta(days=1))
    double = the_one(world)
    # Why it was two people stays beside it.
    assert (double.state, double.reason, double.found_at.date()) == (
        DoubleState.OPEN,
        "同姓同名と確認",
        (NEXT + timedelta(days=1)).date(),
    )


def test_decisions_are_taken_back_and_of_two_one_wins(
    engine: Engine, world: Session, pair: tuple[Resident, Resident], staff_id: int, audit: AuditTrail
) -> None:
    del pair
    find_doubles(engine, NOW)
    seen = the_one(world)
    double_id, revision = seen.id, seen.revision
    decide(world, audit, Decision(double_id, revision, DoubleState.TOLD, "住民課へ連絡", staff_id, NOW))
    with pytest.raises(DoubleRefusedError, match="changed") as refused:
        decide(world, audit, Decision(double_id, revision, DoubleState.DIFFERENT, "別人", staff_id, NEXT))
    assert (refused.value.by, refused.value.at) == ("見本職員", NOW)
    now_at = the_one(world).revision
    decide(world, audit, Decision(double_id, now_at, DoubleState.OPEN, "連絡先の誤り", staff_id, NEXT))
    assert the_one(world).state is DoubleState.OPEN
    with pytest.raises(DoubleRefusedError, match="state"):
        decide(
            world,
            audit,
            Decision(double_id, the_one(world).revision, DoubleState.MERGED, "不可", staff_id, NEXT),
        )
    for reason in ("", "番号 1234 5678 9018"):
        with pytest.raises(DoubleRefusedError, match="reason"):
            decide(
                world,
                audit,
                Decision(double_id, the_one(world).revision, DoubleState.TOLD, reason, staff_id, NEXT),
            )


def test_staff_record_what_the_register_decided(
    engine: Engine, world: Session, pair: tuple[Resident, Resident], staff_id: int, audit: AuditTrail
) -> None:
    find_doubles(engine, NOW)
    double = the_one(world)
    merging = Merging(
        double.id, double.revision, pair[0].id, TODAY, "住民課 第12号", "転入前の番号", staff_id, NOW
    )
    made = record_merge(world, audit, merging, followed=(), today=TODAY)
    found = world.get_one(ResidentMerge, made)
    assert (found.source, found.recorded_by, found.reference) == (
        MergeSource.STAFF,
        staff_id,
        "住民課 第12号",
    )
    assert (found.kept_resident_id, found.merged_resident_id) == (pair[0].id, pair[1].id)
    assert the_one(world).state is DoubleState.MERGED
    world.commit()
    assert find_doubles(engine, NEXT).listed == 0


def test_where_the_register_tells_itself_its_word_is_waited_for(
    engine: Engine, world: Session, pair: tuple[Resident, Resident], staff_id: int, audit: AuditTrail
) -> None:
    find_doubles(engine, NOW)
    double = the_one(world)
    assert may_record_merge(world, double, followed=("resident_register",))
    assert not may_record_merge(world, double, followed=("atena",))
    merging = Merging(double.id, double.revision, pair[0].id, TODAY, "第12号", "同一人", staff_id, NOW)
    with pytest.raises(DoubleRefusedError, match="followed"):
        record_merge(world, audit, merging, followed=("atena",), today=TODAY)
    # The message came and could not be taken over: somebody has to write it down.
    keep(
        world,
        "atena",
        reference="n-1",
        kind="merged",
        atena_number=pair[1].atena_number,
        reason=Reason.OTHER_UNKNOWN.value,
        payload=None,
        now=NOW,
    )
    assert may_record_merge(world, double, followed=("atena",))


def test_a_merge_takes_the_numbers_pairs_off_the_list(
    engine: Engine, world: Session, pair: tuple[Resident, Resident]
) -> None:
    third = resident(world, **HANAKO)
    world.commit()
    find_doubles(engine, NOW)
    assert len(doubles(world)) == 3
    told = Told("c-1", TODAY, MergeSource.REGISTER)
    merge(world, kept=pair[0].id, merged=pair[1].id, told=told, now=NOW)
    world.commit()
    assert [(one.first_id, one.second_id, one.state) for one in doubles(world)] == [
        (pair[0].id, pair[1].id, DoubleState.MERGED),
        (pair[0].id, third.id, DoubleState.OPEN),
    ]


def test_the_list_pages_by_key(engine: Engine, world: Session, pair: tuple[Resident, Resident]) -> None:
    del pair
    for day in range(1, 8):
        for _ in range(2):
            resident(world, name="石井　光", name_kana="イシイ　ヒカル", born=f"2000-01-0{day}")
    world.commit()
    find_doubles(engine, NOW)
    shown, after = [], None
    while True:
        found = page(world, DoubleState.OPEN, after=after, size=3)
        shown += [(row.score, row.id) for row in found.rows]
        if found.next_after is None:
            break
        after = found.next_after
    everything = [(one.score, one.id) for one in doubles(world)]
    assert shown == sorted(everything, key=lambda one: (-one[0], one[1]))
    assert len(shown) > 7


def test_the_list_is_read_from_its_index(world: Session) -> None:
    world.execute(text("SET enable_seqscan = off"))
    plan = "\n".join(
        world.scalars(
            text(
                "EXPLAIN SELECT id FROM resident_double WHERE state = 'open' AND (score, -id) < (90, -5) "
                "ORDER BY score DESC, id LIMIT 50"
            )
        )
    )
    assert "ix_resident_double_listed" in plan
    assert "Sort" not in plan
