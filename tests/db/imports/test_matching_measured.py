"""The matching on a made-up city: the cases are reproducible, and each kind of slip finds its person.

The seed is this test's own: ``bench.matching`` measures with another one what weights were settled with here.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, pool

from bench.matching import SEED, Tally, answer, measure
from tests.database import DatabaseServer
from yvaxportal.programme.catalogue import load_catalogue
from yvaxportal.programme.loading import load_schedule
from yvaxportal.sample import SAMPLE_DAY, load
from yvaxportal.sample.matching_cases import Cases
from yvaxportal.vault.keyring import KeyRing

OWN_SEED = 5
RESIDENTS = 900
NOBODY = {"stranger", "stranger_of_same_name", "unregistered_child"}


@pytest.fixture(scope="module")
def city(postgres: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    ring: Path = tmp_path_factory.mktemp("ring") / "ring.json"
    KeyRing.create(ring)
    with postgres.fresh_database() as urls:
        load(
            urls.owner,
            residents=RESIDENTS,
            seed=3,
            key_ring=ring,
            municipality_code="312029",
            demo_accounts=False,
            today=SAMPLE_DAY,
            processes=0,
        )
        engine = create_engine(urls.app, poolclass=pool.NullPool)
        yield engine
        engine.dispose()


def test_the_bench_measures_with_another_seed() -> None:
    assert SEED != OWN_SEED


def test_the_same_seed_makes_the_same_cases(city: Engine) -> None:
    with city.connect() as connection:
        first, again, other = (list(Cases(connection, seed).all(20)) for seed in (1, 1, 2))
    assert first == again != other
    kinds = Counter(case.kind for case in first)
    assert all(count <= 20 for count in kinds.values())
    assert {case.kind for case in first if case.truth is None} == NOBODY


@pytest.fixture(scope="module")
def found(city: Engine) -> dict[str, Tally]:
    return dict(measure(city, OWN_SEED, 200))


def test_nothing_but_number_and_birth_date_is_certain(found: dict[str, Tally]) -> None:
    certain = {kind for kind, tally in found.items() if tally.certain}
    assert certain == {"as_registered", "number_merged", "number_of_twin"} & found.keys()
    for kind in ("as_registered", "number_merged"):
        assert found[kind].certain == found[kind].certain_right == found[kind].papers > 0


def test_each_slip_finds_its_person(found: dict[str, Tally]) -> None:
    slips = found.keys() - NOBODY - {"as_registered", "number_merged", "number_of_twin"}
    recalls = {kind: found[kind].shown_right / found[kind].papers for kind in slips}
    several = {"several_slips", "name_changed", "name_changed_and_moved"}
    assert {kind for kind, recall in recalls.items() if recall < 0.99} <= several
    assert recalls["several_slips"] > 0.9


def test_whoever_is_not_there_is_never_taken(found: dict[str, Tally]) -> None:
    for kind in NOBODY:
        assert found[kind].papers == 200
        assert found[kind].certain == 0


def test_a_measurement_leaves_nothing(city: Engine, found: dict[str, Tally]) -> None:
    assert found
    with city.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM resident_merge").scalar() == 0


def test_a_twin_under_the_other_s_number_is_doubtful(city: Engine) -> None:
    with city.connect() as connection:
        cases = [case for case in Cases(connection, OWN_SEED).all(200) if case.kind == "number_of_twin"]
        answers = answer(connection, load_schedule(load_catalogue()), cases)
    named = [
        said for case, said in zip(cases, answers, strict=True) if case.person.get("name") and said.certain
    ]
    assert named
    assert [said.doubt for said in named if said.doubt < 30] == []
