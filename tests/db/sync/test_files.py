"""The register followed through delivered files: first load, differences, full files, damage."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.db.sync.conftest import CITY, NOW, Rows
from tests.unit.adapters_folder.other_side import START, OtherSide, change, person
from yvaxportal.adapters.resident_register.files import FilesResidentRegister
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.services.sync.run import ResidentSync

PEOPLE = [f"{1000000000 + place}" for place in range(10)]


@pytest.fixture
def followed(engine: Engine, tmp_path: Path, sync: ResidentSync) -> tuple[Callable[[], Any], OtherSide]:
    """Return what runs the sync, and the other side of its folder."""
    setup = AdapterSetup("resident_register", {}, CITY, tmp_path, engine, lambda: NOW)
    adapter = FilesResidentRegister.create(setup)
    other = OtherSide(adapter.receiver.folders.root, "JUMIN", "IDO")
    return replace(sync, register=adapter).run, other


def test_the_register_is_followed_through_files(
    followed: tuple[Callable[[], Any], OtherSide], rows: Rows
) -> None:
    run, other = followed
    assert run().failure == "Unavailable: no full file has been delivered yet"
    other.deliver("Z", 1, [person(number) for number in PEOPLE], START - timedelta(hours=1))
    report = run()
    assert (report.first_load, report.failure, dict(report.counts)) == (True, "", {"applied": 10})
    named = "SELECT name FROM resident WHERE atena_number = :number"
    assert rows(named, number=PEOPLE[0]) == ["見本　太郎"]
    renamed = person(PEOPLE[0], rirekibango="2", shimei="髙﨑　太郎")
    other.deliver("S", 2, [change("I-1", "41", renamed, START)])
    assert dict(run().counts) == {"applied": 1}
    assert rows(named, number=PEOPLE[0]) == ["髙﨑　太郎"]
    # A full file corrects whoever differs; half of one changes nobody.
    third = [renamed, *(person(number) for number in PEOPLE[1:-1])]
    other.deliver("Z", 3, [*third, person(PEOPLE[-1], rirekibango="2", shimei="見本　𠮷郎")])
    assert dict(run().counts) == {"applied": 1}
    assert rows(named, number=PEOPLE[-1]) == ["見本　𠮷郎"]
    moment = START + timedelta(hours=2)
    whole = other.text("Z", 4, [person(number, rirekibango="9", shimei="誰か") for number in PEOPLE], moment)
    other.put(other.name("Z", 4, moment), whole.encode()[:-20])
    assert dict(run().counts) == {}
    assert rows("SELECT count(*) FROM resident WHERE name = '誰か'") == [0]
    assert rows("SELECT count(*) FROM sync_refusal") == [0]
