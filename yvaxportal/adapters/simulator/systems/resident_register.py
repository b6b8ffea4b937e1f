"""docs/protocols/resident_register.md, from the side of the resident register."""

import re
from collections.abc import Iterator
from typing import Any

from yvaxportal.adapters.simulator.wire import Asked, ErrorAnswer, Lines, Route, listed
from yvaxportal.adapters.simulator.world import Record, World

TITLE = "住民情報連携"
MOST = 1000
KEPT = 10


def resident(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /jumin/{atenabango}``."""
    person = world.residents.get(asked.atenabango())
    if person is None:
        raise ErrorAnswer("not_found")
    return listed(TITLE, _without_number(person))


def by_number(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /jumin/shokai``."""
    number = asked.body.get("kojinbango") if isinstance(asked.body, dict) else None
    if not isinstance(number, str) or not number:
        raise ErrorAnswer("E0001")
    if not re.fullmatch(r"[0-9]{12}", number):
        raise ErrorAnswer("E0003")
    for person in world.residents.values():
        if person.get("kojinbango") == number:
            return listed(TITLE, person)
    raise ErrorAnswer("not_found")


def household(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /setai/{setaibango}``."""
    members = world.household(asked.path["setaibango"])
    if not members:
        raise ErrorAnswer("not_found")
    return listed(TITLE, *map(_without_number, members))


def changes(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /ido``. The cursor is how many changes were given out; nobody else need know."""
    limit, cursor = asked.number("kensu", 1, MOST), asked.query.get("ikou", "c0")
    if not re.fullmatch(r"c[0-9]{1,12}", cursor) or int(cursor[1:]) > len(world.changes):
        raise ErrorAnswer("unknown_cursor")
    first = int(cursor[1:])
    page = world.changes[first : first + limit]
    last = first + len(page)
    more = last < len(world.changes)
    return listed(TITLE, *page, tsugi=f"c{last}", zoku=more, kijunnichiji=world.now())


def snapshot(world: World, asked: Asked) -> Lines:
    """Answer ``GET /jumin``. The last few snapshots are kept, to be gone on with."""
    number, after = asked.query.get("zenkenbango"), asked.query.get("ikou", "")
    if number is None:
        number = f"z{len(world.changes)}-{len(world.snapshots) + 1}"
        people = [world.residents[one] for one in sorted(world.residents)]
        world.snapshots[number] = (people, world.now(), len(world.changes))
        for old in list(world.snapshots)[:-KEPT]:
            del world.snapshots[old]
    elif number not in world.snapshots:
        raise ErrorAnswer("snapshot_gone")
    people, moment, changed = world.snapshots[number]
    begin = {"zenkenbango": number, "kijunnichiji": moment, "kensu": len(people), "tsugi": f"c{changed}"}
    return Lines(begin, _after(people, after))


def _after(people: list[Record], number: str) -> Iterator[Record]:
    return (person for person in people if person["atenabango"] > number)


def _without_number(person: Record) -> Record:
    return {name: value for name, value in person.items() if name != "kojinbango"}


ROUTES = (
    Route("resident_by_personal_number", "POST", "/jumin/shokai", by_number),
    Route("resident", "GET", "/jumin/{atenabango}", resident),
    Route("household", "GET", "/setai/{setaibango}", household),
    Route("changes", "GET", "/ido", changes),
    Route("snapshot", "GET", "/jumin", snapshot),
)
