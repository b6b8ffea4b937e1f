"""``yvax adapters check`` for all six systems with all three implementations: eighteen contracts, each kept.

What is reached by REST or by order files is the simulator in its own process; what is read from delivered
files has them from the other side of docs/protocols/folder.md.
"""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from tests.application import settings_of
from tests.simulated import ROOT, Simulated, write_ini
from tests.unit.adapters_folder.other_side import CITY, JST, OtherSide, period, person, taxation
from yvaxportal.adapters.chukan.local import LocalChukan
from yvaxportal.adapters.conformance import CONTRACTS, Subjects
from yvaxportal.adapters.interfaces import SYSTEMS
from yvaxportal.adapters.messages.chukan import PermittedInquiry
from yvaxportal.adapters.messages.common import CallContext
from yvaxportal.adapters.setup import AdapterSetup
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.models.resident import Resident

IMPLEMENTATIONS = ("local", "files", "rest")
FEWEST = 15
#: Only a side that can be told to misbehave shows what becomes of it.
MISBEHAVING = {
    "a bad answer is no answer",
    "an answer that breaks off is no answer",
    "silence ends with the time limit",
}
DELIVERED = {"resident_register", "tax", "welfare"}
#: Nobody is asked when the portal's own tables or a delivered file answer.
NOBODY_IS_ASKED = {(system, "local") for system in SYSTEMS} | {(system, "files") for system in DELIVERED}
#: An inquiry is answered by the real server, which somebody at a terminal waits for.
NEEDS_THE_SERVER = {
    "an answer can be fetched again",
    "an answered inquiry is not given up",
    "an answered inquiry is recorded",
    "an inquiry never goes back",
    "operators have functions of the list",
    "there is no answer before it came",
}
REQUEST = {
    "shokaikikan_kodo": "01131016",
    "jimu_kodo": "TM99JIMU00000001",
    "tokuteikojinjohomei_kodo": "TM99000000000001",
}


@dataclass(frozen=True)
class City:
    """A portal, the simulator beside it, and the folders of those who deliver."""

    settings: dict[str, str]
    simulated: Simulated
    folder: Path

    def ini(self, implementation: str) -> Path:
        """Write an ini file that reaches every system in one way."""
        settings = dict(self.settings)
        for system in SYSTEMS:
            name = f"yvaxportal.adapters.{system}"
            settings[name] = implementation
            for key, value in self._options(implementation, system).items():
                settings[f"{name}.{key}"] = value
        return write_ini(self.folder / f"{implementation}.ini", settings)

    def _options(self, implementation: str, system: str) -> dict[str, str]:
        if implementation == "local":
            return {}
        if implementation == "rest":
            return self.simulated.options(system)
        if system in DELIVERED:
            return {"folder": str(self.folder / "delivered" / system)}
        return self.simulated.file_options(system)


def yvax(*words: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "yvaxportal", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def deliver(folder: Path, everybody: list[Resident]) -> None:
    """Put a full file of each register into its folder."""
    now = datetime.now(UTC).astimezone(JST).replace(microsecond=0) - timedelta(minutes=5)
    numbers = [one.atena_number for one in everybody]
    categories = {"resident": "1", "moved_out": "2"}
    registered = [
        person(
            one.atena_number,
            setaibango=one.household_number or "",
            juminkubun=categories[one.resident_category.value],
            shimei=one.name,
            seinengappi=one.date_of_birth_written,
            zokugara=one.relationship_to_head or "",
            hijumin_jiyu="" if one.resident_category.value == "resident" else "国内転出",
            hijumin_idobi="" if one.resident_category.value == "resident" else "2026-04-01",
        )
        for one in everybody
    ]
    present = [one for one in everybody if one.resident_category.value == "resident"]
    taxed = [taxation(one.atena_number, 2026, "1", one.household_number or "") for one in present]
    files: dict[str, tuple[str, list[dict[str, str]]]] = {
        "resident_register": ("JUMIN", registered),
        "tax": ("KAZEI", taxed),
        "welfare": ("SHIKAKU", [period(number, "1", "1", "2020-04-01") for number in numbers]),
    }
    for system, (layout, lines) in files.items():
        side = OtherSide(folder / system, layout)
        side.inbox.mkdir(parents=True)
        side.deliver("Z", 1, lines, now)


def at_the_terminal(engine: Engine, var: Path, person: str) -> None:
    """Enter what staff do who sit at the terminal of the intermediate server: the list, and requests."""
    setup = AdapterSetup("chukan", {}, CITY, var, engine, lambda: datetime.now(UTC))
    chukan = LocalChukan.create(setup)
    affair, name = REQUEST["jimu_kodo"], REQUEST["tokuteikojinjohomei_kodo"]
    chukan.enter_permitted_inquiries(
        [PermittedInquiry(affair, "TM99TETSUZUKI001", name, "01", date(2026, 4, 1))]
    )
    chukan.request_code(person, "code", CallContext.batch())
    chukan.enter_code(person, held=True)
    for place in range(5):
        chukan.enter_provision_request(
            f"r-{place}",
            f"T{place}",
            person,
            requester_code=REQUEST["shokaikikan_kodo"],
            affair_code=affair,
            information_name_code=name,
        )


@pytest.fixture
def city(
    simulated: Simulated,
    tmp_path: Path,
    database_urls: DatabaseUrls,
    secrets: Path,
    subjects: Subjects,
    world: Session,
    engine: Engine,
) -> City:
    for _ in range(8):
        # Only others can ask something of the municipality.
        simulated.add("shokai", REQUEST | {"atenabango": subjects.test_people[0]})
    at_the_terminal(engine, tmp_path, subjects.test_people[0])
    deliver(tmp_path / "delivered", list(world.scalars(select(Resident).order_by(Resident.atena_number))))
    settings = settings_of(database_urls, secrets) | {"yvaxportal.var": str(tmp_path)}
    return City(settings, simulated, tmp_path)


def not_applicable(lines: list[dict[str, Any]], system: str) -> set[str]:
    return {line["check"] for line in lines if line["system"] == system and line["grade"] == "not applicable"}


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_all_six_keep_their_contract(city: City, implementation: str) -> None:
    ini = str(city.ini(implementation))
    if implementation == "files":
        for register in ("residents", "tax", "welfare"):
            taken = yvax("sync", register, ini)
            assert taken.returncode == 0, taken.stderr
    words = ("--write-test-records", "--json", "--simulator", city.simulated.url)
    answer = yvax("adapters", "check", ini, *words)
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line for line in lines if line["grade"] == "fail"] == []
    assert answer.returncode == 0, answer.stderr
    passed = Counter(line["system"] for line in lines if line["grade"] == "pass")
    assert set(passed) == set(CONTRACTS) == set(SYSTEMS)
    assert min(passed.values()) >= FEWEST
    for system in SYSTEMS:
        allowed = MISBEHAVING if (system, implementation) in NOBODY_IS_ASKED else set()
        if (system, implementation) == ("chukan", "local"):
            allowed = allowed | NEEDS_THE_SERVER
        assert not_applicable(lines, system) <= allowed, (system, implementation)


def test_the_table_is_for_people(city: City) -> None:
    answer = yvax("adapters", "check", str(city.ini("rest")), "tax", "--simulator", city.simulated.url)
    *lines, empty, last = answer.stdout.splitlines()
    assert all(line.split()[:2] == ["tax", "pass"] for line in lines)
    assert (empty, last.split()[:3]) == ("", ["tax", "rest", f"{len(lines)}"])


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://10.0.0.1:6600", "must be http:// on this machine"),
        ("https://127.0.0.1:6600", "must be http:// on this machine"),
        ("http://127.0.0.1:1", "no simulator answers there (URLError)"),
    ],
)
def test_nobody_elses_system_is_told_to_misbehave(city: City, url: str, told: str) -> None:
    answer = yvax("adapters", "check", str(city.ini("rest")), "tax", "--simulator", url)
    assert (answer.returncode, answer.stderr) == (1, f"yvax adapters: --simulator {url}: {told}\n")
