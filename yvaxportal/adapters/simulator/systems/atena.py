"""docs/protocols/atena.md, from the side of the integrated atena system."""

import re
from datetime import datetime
from typing import Any

from yvaxportal.adapters.simulator.forms import Form, Rows
from yvaxportal.adapters.simulator.systems import chukan
from yvaxportal.adapters.simulator.wire import Asked, ErrorAnswer, Route, listed
from yvaxportal.adapters.simulator.world import Record, World

TITLE = "宛名連携"
MOST = 1000
_FIRST = 810_000_000
_NEEDED = ("shimei", "seinengappi", "seibetsu", "jusho")
_KEPT = (*_NEEDED, "shimei_furigana", "tsusho", "jusho_yubinbango", "jusho_kodo")


def assign(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /fuban``: the same person never gets two numbers."""
    person = _person(asked.body)
    number = asked.body.get("kojinbango")
    known = _known(world, person, number)
    if known is not None:
        if number is not None and known["atenabango"] in world.atena:
            world.bound[number] = known["atenabango"]
        return listed(TITLE, _fuban(known["atenabango"], "2", known["kijunnichiji"]))
    new = {name: person[name] for name in _KEPT if person.get(name) is not None}
    new |= {
        "atenabango": str(_FIRST + len(world.atena)),
        "kijunnichiji": world.now(),
        "jumintoroku": False,
    }
    world.atena[new["atenabango"]] = new
    if number is not None:
        world.bound[number] = new["atenabango"]
    return listed(TITLE, _fuban(new["atenabango"], "1", new["kijunnichiji"]))


def name_information(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /atena/{atenabango}``."""
    found = _information(world, asked.atenabango())
    if found is None:
        raise ErrorAnswer("not_found")
    return listed(TITLE, found)


def by_number(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /atena/shokai``."""
    number = _kojinbango(asked.body)
    holder = world.bound.get(number)
    for person in world.residents.values():
        if person.get("kojinbango") == number:
            holder = person["atenabango"]
    found = None if holder is None else _information(world, holder)
    if found is None:
        raise ErrorAnswer("not_found")
    return listed(TITLE, found)


def keep(world: World, asked: Asked) -> None:
    """Answer ``PUT /atena/{atenabango}``."""
    number, person = asked.atenabango(), _person(asked.body)
    if asked.body.get("atenabango") != number:
        raise ErrorAnswer("E0004")
    known = world.atena.get(number)
    if known is None:
        raise ErrorAnswer("registered_resident" if number in world.residents else "not_found")
    if _moment(asked.body.get("kijunnichiji")) < _moment(known["kijunnichiji"]):
        raise ErrorAnswer("outdated", 409)
    kept = {name: person[name] for name in _KEPT if person.get(name) is not None}
    kept |= {"atenabango": number, "kijunnichiji": asked.body["kijunnichiji"], "jumintoroku": False}
    world.atena[number] = kept


def bind(world: World, asked: Asked) -> None:
    """Answer ``PUT /atena/{atenabango}/kojinbango``."""
    number, personal = asked.atenabango(), _kojinbango(asked.body)
    if number not in world.atena:
        raise ErrorAnswer("registered_resident" if number in world.residents else "not_found")
    if world.bound.get(personal, number) != number:
        raise ErrorAnswer("number_bound", 409)
    for earlier in [one for one, holder in world.bound.items() if holder == number]:
        del world.bound[earlier]
    world.bound[personal] = number


def notices(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /tsuchi``: the merges and splits among the register's changes."""
    limit, cursor = asked.number("kensu", 1, MOST), asked.query.get("ikou", "t0")
    told = [change for change in world.changes if change["idokubun"] in {"61", "62"}]
    if not re.fullmatch(r"t[0-9]{1,12}", cursor) or int(cursor[1:]) > len(told):
        raise ErrorAnswer("unknown_cursor")
    first = int(cursor[1:])
    page = told[first : first + limit]
    last = first + len(page)
    more = last < len(told)
    records = [_notice(change) for change in page]
    return listed(TITLE, *records, tsugi=f"t{last}", zoku=more, kijunnichiji=world.now())


def pass_to_chukan(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /chukan``: the same server as behind ``POST /chukan/{if_id}``."""
    if_id = asked.body.get("if_id") if isinstance(asked.body, dict) else None
    if not isinstance(if_id, str):
        raise ErrorAnswer("E0001")
    return chukan.passed_on(world, asked, if_id)


def collect(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /chukan``: what others asked of this municipality."""
    limit, after = asked.number("kensu", 1, MOST), asked.query.get("ikou")
    return listed(TITLE, *chukan.left(world, after)[:limit])


def _person(body: Any) -> Record:
    if not isinstance(body, dict) or any(not isinstance(body.get(name), str) for name in _NEEDED):
        raise ErrorAnswer("E0001")
    if not body["shimei"].strip():
        raise ErrorAnswer("E0001")
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", body["seinengappi"]):
        raise ErrorAnswer("E0002")
    return body


def _kojinbango(body: Any) -> str:
    number = body.get("kojinbango") if isinstance(body, dict) else None
    if not isinstance(number, str) or not number:
        raise ErrorAnswer("E0001")
    if not re.fullmatch(r"[0-9]{12}", number):
        raise ErrorAnswer("E0003")
    return number


def _known(world: World, person: Record, number: str | None) -> Record | None:
    holder = world.bound.get(number or "")
    if holder is not None:
        known = world.atena[holder]
        if known["seinengappi"] != person["seinengappi"]:
            raise ErrorAnswer("contradiction", 409)
        return known
    numbered = set(world.bound.values())
    for one in world.atena.values():
        # Two people of one name and house with different personal numbers are two people.
        another = number is not None and one["atenabango"] in numbered
        if not another and all(one[name] == person[name] for name in _NEEDED):
            return one
    for one in world.residents.values():
        if all(one.get(name) == person[name] for name in _NEEDED):
            return one
    return None


def _information(world: World, number: str) -> Record | None:
    for change in world.changes:
        if change["idokubun"] == "61" and change["atenabango"] == number:
            number = change["aite_atenabango"]
    if number in world.atena:
        return world.atena[number]
    resident = world.residents.get(number)
    if resident is None:
        return None
    found = {name: resident[name] for name in _KEPT if resident.get(name) is not None}
    return found | {
        "atenabango": number,
        "jusho": resident.get("jusho") or "",
        "kijunnichiji": resident["kijunnichiji"],
        "jumintoroku": resident["juminkubun"] == "1",
    }


def _notice(change: Record) -> Record:
    merged = change["idokubun"] == "61"
    gone, other = change["atenabango"], change["aite_atenabango"]
    return {
        "tsuchibango": change["idobango"],
        "tsuchikubun": "1" if merged else "2",
        "atenabango": other,
        "aite_atenabango": gone,
        "ketteinichiji": change["shorinichiji"],
    }


def _fuban(number: str, kind: str, moment: str) -> Record:
    return {"atenabango": number, "fubankubun": kind, "fubannichiji": moment}


def _moment(written: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(written))
    except ValueError:
        raise ErrorAnswer("E0002") from None


ROUTES = (
    Route("assign", "POST", "/fuban", assign, changes=True),
    Route("name_information_by_personal_number", "POST", "/atena/shokai", by_number),
    Route("name_information", "GET", "/atena/{atenabango}", name_information),
    Route("keep", "PUT", "/atena/{atenabango}", keep, changes=True),
    Route("bind_personal_number", "PUT", "/atena/{atenabango}/kojinbango", bind, changes=True),
    Route("notices", "GET", "/tsuchi", notices),
    Route("pass_to_chukan", "POST", "/chukan", pass_to_chukan, changes=True),
    Route("collect_from_chukan", "GET", "/chukan", collect),
)

_NEW = "shimei seinengappi seibetsu jusho:t shimei_furigana tsusho jusho_yubinbango jusho_kodo"
_KEPT_AS = f"atenabango {_NEW} kijunnichiji jumintoroku:f"
_FOUND = (Rows("D", "result", _KEPT_AS),)
_DENBUN = "if_id denbunbango atenabango"
_MESSAGES = (Rows("D", "result", _DENBUN), Rows("P", "denbun", "denbun", of="D", pieces=True))
# docs/protocols/folder.md, 14
FORMS = {
    "assign": Form(
        order=f"{_NEW} kojinbango", answer_rows=(Rows("D", "result", "atenabango fubankubun fubannichiji"),)
    ),
    "name_information": Form(order="atenabango", answer_rows=_FOUND),
    "name_information_by_personal_number": Form(order="kojinbango", answer_rows=_FOUND),
    "keep": Form(order=_KEPT_AS),
    "bind_personal_number": Form(order="atenabango kojinbango"),
    "notices": Form(
        order="ikou kensu:n",
        answer="tsugi zoku:f kijunnichiji",
        answer_rows=(
            Rows("D", "result", "tsuchibango tsuchikubun atenabango aite_atenabango ketteinichiji"),
        ),
    ),
    "pass_to_chukan": Form(
        order=_DENBUN, order_rows=(Rows("P", "denbun", "denbun", pieces=True),), answer_rows=_MESSAGES
    ),
    "collect_from_chukan": Form(order="ikou kensu:n", answer_rows=_MESSAGES),
}
