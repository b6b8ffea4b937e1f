"""docs/protocols/tax.md, from the side of the tax system."""

from typing import Any

from yvaxportal.adapters.simulator.wire import Asked, ErrorAnswer, Route, listed
from yvaxportal.adapters.simulator.world import World

FIRST_YEAR, LAST_YEAR = 1900, 2999
TITLE = "課税情報照会"
# docs/protocols/tax.md: what a household is, the first that any member is.
ORDER = ("2", "3", "9", "1")


def taxation(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /kazei/{atenabango}``."""
    number, year = asked.atenabango(), asked.number("nendo", FIRST_YEAR, LAST_YEAR)
    if number not in world.residents:
        raise ErrorAnswer("not_found")
    return listed(TITLE, _kazei(world, number, year))


def household_taxation(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /setai/{setaibango}/kazei``."""
    number, year = asked.path["setaibango"], asked.number("nendo", FIRST_YEAR, LAST_YEAR)
    members = [person["atenabango"] for person in world.household(number)]
    if not members:
        raise ErrorAnswer("not_found")
    states = {member: _state(world, member, year) for member in members}
    return listed(
        TITLE,
        {
            "setaibango": number,
            "shikuchosonkodo": world.municipality_code,
            "nendo": year,
            "kazeikubun": next(state for state in ORDER if state in states.values()),
            "kijunnichiji": world.now(),
            "setaiin": [{"atenabango": one, "kazeikubun": state} for one, state in states.items()],
        },
    )


def taxations(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /kazei/shokai``."""
    numbers, year = asked.atenabangos(), asked.body.get("nendo")
    if not isinstance(year, int) or not FIRST_YEAR <= year <= LAST_YEAR:
        raise ErrorAnswer("E0003")
    return listed(TITLE, *(_kazei(world, one, year) for one in numbers if one in world.residents))


def _state(world: World, number: str, year: int) -> str:
    return world.taxation.get((number, year), "9")


def _kazei(world: World, number: str, year: int) -> dict[str, Any]:
    return {
        "atenabango": number,
        "shikuchosonkodo": world.municipality_code,
        "nendo": year,
        "kazeikubun": _state(world, number, year),
        "kijunnichiji": world.now(),
    }


ROUTES = (
    Route("taxations", "POST", "/kazei/shokai", taxations),
    Route("taxation", "GET", "/kazei/{atenabango}", taxation),
    Route("household_taxation", "GET", "/setai/{setaibango}/kazei", household_taxation),
)
