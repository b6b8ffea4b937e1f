"""docs/protocols/welfare.md, from the side of the welfare systems."""

from typing import Any

from yvaxportal.adapters.simulator.wire import Asked, ErrorAnswer, Route, listed
from yvaxportal.adapters.simulator.world import World

TITLE = "資格情報照会"


def history(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /shikaku/{atenabango}``."""
    number = asked.atenabango()
    if number not in world.residents:
        raise ErrorAnswer("not_found")
    return listed(TITLE, _shikaku(world, number))


def histories(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /shikaku/shokai``."""
    return listed(TITLE, *(_shikaku(world, one) for one in asked.atenabangos() if one in world.residents))


def _shikaku(world: World, number: str) -> dict[str, Any]:
    return {
        "atenabango": number,
        "shikuchosonkodo": world.municipality_code,
        "kijunnichiji": world.now(),
        "rireki": world.welfare.get(number, []),
    }


ROUTES = (
    Route("histories", "POST", "/shikaku/shokai", histories),
    Route("history", "GET", "/shikaku/{atenabango}", history),
)
