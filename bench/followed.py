"""How fast a portal follows the resident register over REST: the first load, and a day's changes.

The simulator plays the register, in a process of its own, about the people of the bench's city; a second
portal with an empty database takes them over. The command runs in a process of its own, whose memory is
watched.
"""

import configparser
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil

from bench.city import MUNICIPALITY, BenchCity, empty_city, settings_of
from bench.report import Measure
from yvaxportal.commands.simulator import CLIENT_ID

BAR_A_SECOND = 3_000
BAR_MEGABYTES = 250
CHANGES, BAR_CHANGES_SECONDS = 2_000, 5.0
BAR_RESIDENTS = 150_000
_MEGABYTE = 1 << 20
_PATIENCE = 900


@dataclass(frozen=True)
class Run:
    """One run of ``yvax sync``: seconds, and the most memory it had, in megabytes."""

    seconds: float
    megabytes: float


def measures(place: BenchCity) -> list[Measure]:
    """Return the lines about following the register of ``place``."""
    with simulator(place) as url, empty_city(place.folder.parent) as portal:
        first = follow(portal, url, place.folder)
        happen(url, min(CHANGES, place.residents))
        day = follow(portal, url, place.folder)
    a_second = place.residents / first.seconds
    what = f"take over {place.residents:,} residents from the register over REST"
    the_bars = place.residents == BAR_RESIDENTS
    return [
        Measure(
            what,
            f"{a_second:,.0f} a second",
            f"at least {BAR_A_SECOND:,}",
            a_second >= BAR_A_SECOND if the_bars else None,
        ),
        Measure(
            "... memory of that process",
            f"{first.megabytes:.0f} MB",
            f"under {BAR_MEGABYTES} MB",
            first.megabytes < BAR_MEGABYTES if the_bars else None,
        ),
        Measure(
            f"a day's {min(CHANGES, place.residents):,} changes, the start of the command included",
            f"{day.seconds:.1f} s",
            f"under {BAR_CHANGES_SECONDS:.0f} s",
            day.seconds < BAR_CHANGES_SECONDS if the_bars else None,
        ),
    ]


@contextmanager
def simulator(place: BenchCity) -> Iterator[str]:
    """Start the simulator about the people of a city; give its address."""
    ini = _write_ini(place, place.folder / "simulator.ini", {})
    argv = [sys.executable, "-m", "yvaxportal", "simulator", str(ini), "--port=0", "--leash"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe
        try:
            yield process.stdout.readline().strip().rpartition("serving on ")[2].rstrip("/")
        finally:
            process.terminate()


def follow(portal: BenchCity, url: str, simulated: Path) -> Run:
    """Run ``yvax sync residents`` for a portal and watch it."""
    system = "yvaxportal.adapters.resident_register"
    options = {
        system: "rest",
        f"{system}.base_url": f"{url}/resident_register",
        f"{system}.token_url": f"{url}/token",
        f"{system}.client_id": CLIENT_ID,
        f"{system}.client_secret_file": str(simulated / "secrets" / "simulator-client-secret"),
    }
    return follow_with(portal, options)


def follow_with(portal: BenchCity, options: dict[str, str]) -> Run:
    """Run ``yvax sync residents`` with some settings and watch it."""
    ini = _write_ini(portal, portal.folder / "followed.ini", options)
    argv = [sys.executable, "-m", "yvaxportal", "sync", "residents", str(ini)]
    began = time.perf_counter()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        peak = _watched(process)
        _, told = process.communicate(timeout=_PATIENCE)
        if process.returncode:
            raise RuntimeError(told)
    return Run(time.perf_counter() - began, peak[0] / _MEGABYTE)


def happen(url: str, changes: int) -> None:
    """Let something happen to as many people, and half of them move."""
    for place in range(changes):
        number = f"9{place:08}"
        person = {
            "atenabango": number,
            "setaibango": f"H{place // 2}",
            "shikuchosonkodo": MUNICIPALITY,
            "rirekibango": 1,
            "kijunnichiji": "2026-11-20T01:00:00Z",
            "shimei": f"見本　{place}号",
            "shimei_furigana": "ミホン　ゴウ",
            "seinengappi": "2026-11-19",
            "seibetsu": "2",
            "juminkubun": "1",
            "jusho": f"鳥取県米子市加茂町{place}",
        }
        change = {
            "idobango": f"b-{place}",
            "idokubun": "11",
            "atenabango": number,
            "idobi": "2026-11-19",
            "shorinichiji": "2026-11-20T01:00:00Z",
            "jumin": person,
        }
        steer(url, "world", {"ido": change})


def steer(url: str, what: str, value: Any) -> None:
    """Tell the simulator something (docs/simulator.md)."""
    request = Request(f"{url}/_simulator/{what}", json.dumps(value).encode(), method="POST")  # noqa: S310 - loopback
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        answer.read()


def _watched(process: "subprocess.Popen[str]") -> list[int]:
    """Return a list whose one number becomes the most memory that the process had."""
    peak = [0]

    def watch() -> None:
        try:
            other = psutil.Process(process.pid)
            while process.poll() is None:
                peak[0] = max(peak[0], other.memory_info().rss)
                time.sleep(0.05)
        except psutil.Error:
            return

    threading.Thread(target=watch, daemon=True).start()
    return peak


def _write_ini(place: BenchCity, path: Path, options: dict[str, str]) -> Path:
    ini = configparser.ConfigParser(interpolation=None)
    ini["app:main"] = settings_of(place, 6543) | options
    with path.open("w", encoding="utf-8") as file:
        ini.write(file)
    return path
