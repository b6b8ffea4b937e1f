"""Pages about a resident with other systems over REST, one of which hangs.

The simulator plays the systems in a process of its own; its tax register takes requests and never answers.
The circuit breaker is kept from helping: every page of insurance, tax and welfare waits anew.
"""

import time

import psycopg

from bench.city import BenchCity, portal
from bench.followed import simulator, steer
from bench.report import Measure
from bench.visitor import Visitor
from yvaxportal.adapters.interfaces import SYSTEMS
from yvaxportal.adapters.messages.common import INTERACTIVE
from yvaxportal.commands.simulator import CLIENT_ID, PAYLOAD_KEY_FILE, RELAYED, SECRET_FILE
from yvaxportal.embedded.roles import libpq

MORE_SECONDS = 0.05
PAGES, FEW_PAGES, FEW_RESIDENTS = 10, 2, 1_000
_NEVER = "1000"
_PEOPLE = "SELECT atena_number FROM resident WHERE resident_category = 'resident' ORDER BY id DESC LIMIT %s"


def measures(place: BenchCity) -> list[Measure]:
    """Return the lines about the slowest of some pages."""
    pages = FEW_PAGES if place.residents < FEW_RESIDENTS else PAGES
    with psycopg.connect(libpq(place.urls.owner)) as connection:
        first, *people = [number for (number,) in connection.execute(_PEOPLE, (pages + 1,))]
    with (
        simulator(place) as url,
        portal(place, _over_rest(place, url)) as (port, _),
        Visitor(port) as visitor,
    ):
        visitor.sign_in("registrar", "yvax-demo-2026")
        # The first of a kind makes the page's template ready and fetches the tokens.
        for page in ("", "eligibility/"):
            visitor.get(f"/residents/{first}/{page}")
        steer(url, "faults", {"fault": "time_out", "system": "tax", "seconds": 600})
        resident = max(_seconds(visitor, f"/residents/{number}/") for number in people)
        asking = max(_seconds(visitor, f"/residents/{number}/eligibility/") for number in people)
    limit = INTERACTIVE.total_seconds()
    bar = limit + MORE_SECONDS
    return [
        Measure(
            "resident page, the tax register hanging: slowest",
            f"{resident * 1000:.0f} ms",
            f"at most {bar * 1000:.0f} ms",
            resident <= bar,
        ),
        Measure(
            f"... page of insurance, tax and welfare, which asks and waits up to {limit:.0f} s: slowest",
            f"{asking * 1000:.0f} ms",
            f"at most {bar * 1000:.0f} ms",
            limit <= asking <= bar,
        ),
    ]


def _over_rest(place: BenchCity, url: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for system in SYSTEMS:
        name = f"yvaxportal.adapters.{system}"
        options |= {
            name: "rest",
            f"{name}.base_url": f"{url}/{RELAYED.get(system, system)}",
            f"{name}.token_url": f"{url}/token",
            f"{name}.client_id": CLIENT_ID,
            f"{name}.client_secret_file": str(place.folder / SECRET_FILE),
            f"{name}.breaker_failures": _NEVER,
        }
    options["yvaxportal.adapters.chukan.payload_key_file"] = str(place.folder / PAYLOAD_KEY_FILE)
    return options


def _seconds(visitor: Visitor, path: str) -> float:
    began = time.perf_counter()
    visitor.get(path)
    return time.perf_counter() - began
