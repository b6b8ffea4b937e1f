"""``yvax sync`` with the simulator as the other side: from a birth at the counter to the portal's page."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.application import SignIn, settings_of
from tests.simulated import ROOT, Simulated, write_ini
from yvaxportal.embedded.places import DatabaseUrls

Sync = Callable[..., "subprocess.CompletedProcess[str]"]
SYSTEMS = ("resident_register", "tax", "welfare")


@pytest.fixture
def sync(simulated: Simulated, tmp_path: Path, database_urls: DatabaseUrls, secrets: Path) -> Sync:
    settings = settings_of(database_urls, secrets) | {"yvaxportal.var": str(tmp_path)}
    for system in SYSTEMS:
        settings[f"yvaxportal.adapters.{system}"] = "rest"
        for key, value in simulated.options(system).items():
            settings[f"yvaxportal.adapters.{system}.{key}"] = value
    ini = write_ini(tmp_path / "followed.ini", settings)

    def run(what: str, *words: str) -> "subprocess.CompletedProcess[str]":
        argv = [sys.executable, "-m", "yvaxportal", "sync", what, str(ini), *words]
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)

    return run


def counts(answer: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    return dict(line.split() for line in answer.stdout.splitlines())


def test_a_birth_reaches_the_page(
    simulated: Simulated, sync: Sync, sign_in: SignIn, staff: dict[str, int]
) -> None:
    assert counts(sync("residents")) == {"applied": "5"}
    baby: dict[str, Any] = {
        "atenabango": "1000000994",
        "setaibango": "H1",
        "shikuchosonkodo": "312029",
        "rirekibango": 1,
        "kijunnichiji": "2026-11-20T01:00:00Z",
        "shimei": "髙﨑　𠮷",
        "seinengappi": "2026-11-19",
        "seibetsu": "2",
        "juminkubun": "1",
        "kojinbango": "900000000010",
    }
    simulated.add(
        "ido",
        {
            "idobango": "i-1",
            "idokubun": "11",
            "atenabango": baby["atenabango"],
            "idobi": "2026-11-19",
            "shorinichiji": "2026-11-20T01:00:00Z",
            "jumin": baby,
        },
    )
    simulated.add("kazei", {"atenabango": baby["atenabango"], "nendo": 2026, "kazeikubun": "1"})
    answer = sync("residents")
    assert (counts(answer), answer.stderr) == ({"applied": "1"}, "")
    assert sync("residents").stdout == "nothing new\n"
    page = sign_in("viewer").get("/residents/1000000994/")
    assert "髙﨑　𠮷" in page.text
    assert int(counts(sync("tax"))["changed"]) >= 1
    assert "非課税" in sign_in("viewer").get("/residents/1000000994/eligibility/").text
    assert "900000000010" not in page.text + answer.stdout + answer.stderr
    assert counts(sync("residents", "--restart"))["applied"] == "6"


def test_a_silent_register_is_one_line(simulated: Simulated, sync: Sync) -> None:
    simulated.fault("error_500", system="resident_register")
    answer = sync("residents")
    assert (answer.returncode, answer.stderr) == (1, "yvax sync: Unavailable: status 500\n")
