"""``yvax adapters`` from the command line."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from tests.application import settings_of
from tests.people import resident
from yvaxportal.embedded.places import DatabaseUrls

#: Why what needs a side that misbehaves is left out.
NO_SIMULATOR = "the other side is not a simulator that can be told to go wrong"
Adapters = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def adapters(tmp_path: Path, database_urls: DatabaseUrls, secrets: Path) -> Adapters:
    settings = settings_of(database_urls, secrets)
    ini = tmp_path / "portal.ini"

    def command(word: str, *words: str, **options: str) -> "subprocess.CompletedProcess[str]":
        said = settings | {f"yvaxportal.adapters.{name}": value for name, value in options.items()}
        lines = ["[app:main]", "use = egg:yvaxportal", *(f"{name} = {said[name]}" for name in said)]
        ini.write_text("\n".join(lines), "utf-8")
        root = Path(__file__).parents[3]
        argv = [sys.executable, "-m", "yvaxportal", "adapters", word, str(ini), *words]
        return subprocess.run(argv, cwd=root, capture_output=True, text=True, timeout=60, check=False)

    return command


def family(world: Session) -> None:
    for name in ("髙﨑　太郎", "𠮷野　花子"):
        resident(world, household_number="H1", name=name)
    world.commit()


def test_what_is_in_use_is_listed(adapters: Adapters) -> None:
    answer = adapters("list")
    assert answer.stderr == ""
    assert answer.stdout.splitlines()[0].split()[:2] == ["resident_register", "local"]


def test_a_kept_contract_ends_with_zero(adapters: Adapters, world: Session) -> None:
    family(world)
    answer = adapters("check", "tax")
    assert (answer.returncode, answer.stderr) == (0, "")
    *lines, empty, last = answer.stdout.splitlines()
    assert len(lines) >= 15
    left_out = [line for line in lines if line.split()[1:3] == ["not", "applicable"]]
    assert [line for line in left_out if NO_SIMULATOR not in line] == []
    assert all(line.split()[:2] == ["tax", "pass"] for line in lines if line not in left_out)
    count, *words = f"{len(lines) - 3} pass, 0 fail, 3 not applicable".split()
    assert (empty, last.split()) == ("", ["tax", "local", count, *words])


def test_each_check_is_a_line_of_json(adapters: Adapters, world: Session) -> None:
    family(world)
    answer = adapters("check", "tax", "welfare", "--json")
    assert answer.returncode == 0
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    assert {one["system"] for one in found} == {"tax", "welfare"}
    assert {one["grade"] for one in found if one["came"] != NO_SIMULATOR} == {"pass"}


def test_nothing_is_written_unless_it_is_allowed(
    adapters: Adapters, world: Session, owner_engine: Engine
) -> None:
    def tickets() -> set[str]:
        with owner_engine.connect() as connection:
            return set(connection.execute(text("SELECT ticket_number FROM vrs_ticket")).scalars())

    family(world)
    grades = Counter[str]()
    for words in ((), ("--write-test-records",)):
        assert tickets() == set()
        answer = adapters("check", "vrs", "--json", *words)
        assert (answer.returncode, answer.stderr) == (0, "")
        found = [json.loads(line) for line in answer.stdout.splitlines()]
        grades = Counter(one["grade"] for one in found if one["came"] != NO_SIMULATOR)
        assert bool(grades["not applicable"]) is not bool(words)
    assert grades.keys() <= {"pass", "not applicable"}
    assert tickets()
    assert all(ticket.startswith("99") for ticket in tickets())
    flagged = "SELECT count(*) FROM vrs_ticket WHERE flag = 'moved_out'"
    with owner_engine.connect() as connection:
        left = connection.execute(text(f"SELECT (SELECT count(*) FROM vrs_dose), ({flagged})")).one()  # noqa: S608
    assert tuple(left) == (0, len(tickets()))


@pytest.mark.parametrize(
    ("words", "options", "told"),
    [
        (["taxes"], {}, "yvax adapters: no such system: taxes; there are: "),
        (["tax"], {}, "yvax adapters: the portal knows too few residents to ask about"),
        (
            ["tax"],
            {"tax": "telepathy"},
            "yvax adapters: yvaxportal.adapters.tax: no such adapter; ",
        ),
    ],
)
def test_what_is_wrong_is_one_line(
    adapters: Adapters, words: list[str], options: dict[str, str], told: str
) -> None:
    answer = adapters("check", *words, **options)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith(told)
    assert answer.stderr.count("\n") == 1


def test_a_wrong_option_is_named(adapters: Adapters, world: Session) -> None:
    family(world)
    answer = adapters("check", "tax", **{"tax.colour": "red"})
    assert answer.stderr.startswith("yvax adapters: yvaxportal.adapters.tax.colour: no such option")
