"""docs/protocols/chukan.md, from the side of the intermediate server, behind the atena system's relay."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from yvaxportal.adapters.simulator.forms import Form, Rows
from yvaxportal.adapters.simulator.intermediate import JST, OPEN, Inquiry, Intermediate, Record, moment
from yvaxportal.adapters.simulator.payload import CannotBeOpened, sealed, unsealed
from yvaxportal.adapters.simulator.wire import Asked, ErrorAnswer, Route, atenabango, listed
from yvaxportal.adapters.simulator.world import World

TITLE = "中間サーバー連携"
MOST = 1000
_CODE = re.compile(r"[0-9A-Z]{16}")
_ORGANISATION = re.compile(r"[0-9A-Z]{3,16}")
_NUMBER = re.compile(r"[0-9A-Za-z._-]{1,64}")
_CURSOR = re.compile(r"p([0-9]{1,12})")
_LAYOUT = re.compile(r"[0-9]{4}\.[0-9]{2}")
_ITEM = re.compile(r"[0-9A-Z]{1,16}")
_ENVELOPE = re.compile(r"[0-9A-Za-z_-]{1,64}")
_LONGEST = 1000


@dataclass(frozen=True)
class Request:
    """What was sealed in a message, and what is to go wrong with it."""

    value: Record
    fault: tuple[str, float | None]

    def text(self, name: str, pattern: re.Pattern[str]) -> str:
        """Return a field that must be there."""
        found = self.value.get(name)
        if not isinstance(found, str) or not found:
            raise ErrorAnswer("E0001")
        if not pattern.fullmatch(found):
            raise ErrorAnswer("E0002")
        return found

    def day(self, name: str) -> date:
        """Return a day."""
        try:
            return date.fromisoformat(str(self.value.get(name)))
        except ValueError:
            raise ErrorAnswer("E0002") from None

    def records(self, name: str) -> list[Record]:
        """Return a list of records."""
        found = self.value.get(name)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise ErrorAnswer("E0001")
        return found

    def page(self, records: list[Record], name: str) -> Record:
        """Return some of a list, the cursor being how many came before."""
        limit, cursor = self.value.get("kensu"), self.value.get("ikou")
        if not isinstance(limit, int) or not 1 <= limit <= MOST:
            raise ErrorAnswer("E0003")
        found = _CURSOR.fullmatch(cursor or "p0")
        if found is None or int(found[1]) > len(records):
            raise ErrorAnswer("unknown_cursor")
        first = int(found[1])
        last = first + limit
        return {"tsugi": f"p{last}" if last < len(records) else None, name: records[first:last]}


def passed_on(world: World, asked: Asked, if_id: str) -> Record:
    """Answer a message that the atena system passes on."""
    envelope = asked.body
    if not isinstance(envelope, dict):
        raise ErrorAnswer("E0001")
    function = FUNCTIONS.get(if_id)
    if function is None or envelope.get("if_id") != if_id:
        raise ErrorAnswer("E0004")
    number, denbun = envelope.get("denbunbango"), envelope.get("denbun")
    if not isinstance(number, str) or not isinstance(denbun, str):
        raise ErrorAnswer("E0001")
    if not _ENVELOPE.fullmatch(number):
        raise ErrorAnswer("E0002")
    person = envelope.get("atenabango")
    # The relay replaces the number: nothing reaches the server about somebody whom it does not know.
    if person is not None and not world.knows(atenabango(person)):
        raise ErrorAnswer("not_found")
    plain = _opened(world.chukan, denbun, if_id, number)
    if plain.get("atenabango") != person:
        raise ErrorAnswer("E0004")
    if function.changes and not asked.key:
        raise ErrorAnswer("E0001")
    _check_rights(world.chukan, asked.operator, function.right)
    answer = _once(world, function, number, Request(plain, asked.fault))
    text = json.dumps(answer, ensure_ascii=False).encode()
    back = {"if_id": if_id, "denbunbango": number, "denbun": sealed(world.chukan.key, text, if_id, number)}
    return listed(TITLE, back if person is None else back | {"atenabango": person})


def relayed(if_id: str, world: World, asked: Asked) -> Record:
    """Answer ``POST /chukan/{if_id}``."""
    if FUNCTIONS[if_id].changes:
        if not asked.key:
            raise ErrorAnswer("E0001")
        if not isinstance(asked.body, dict) or asked.body.get("denbunbango") != asked.key:
            raise ErrorAnswer("E0004")
    return passed_on(world, asked, if_id)


def left(world: World, after: str | None) -> list[Record]:
    """Return what came for the municipality; forget what was dealt with."""
    server = world.chukan
    numbers = [number for number, _ in server.left]
    if after in numbers:
        del server.left[: numbers.index(after) + 1]
    if_id = "IF_TKY_11312"
    envelopes = []
    for number, request in server.left:
        text = json.dumps(request, ensure_ascii=False).encode()
        envelope = {"if_id": if_id, "denbunbango": number, "atenabango": request["atenabango"]}
        envelopes.append(envelope | {"denbun": sealed(server.key, text, if_id, number)})
    return envelopes


def _opened(server: Intermediate, denbun: str, if_id: str, number: str) -> Record:
    try:
        value = json.loads(unsealed(server.key, denbun, if_id, number))
    except (CannotBeOpened, ValueError):
        raise ErrorAnswer("E0002") from None
    if not isinstance(value, dict):
        raise ErrorAnswer("E0002")
    return value


def _check_rights(server: Intermediate, operator: str, right: str) -> None:
    known = server.operators.get(operator)
    if known is None or not right:
        return
    over = known["yukoshuryobi"] is not None and known["yukoshuryobi"] < server.today().isoformat()
    if over or right not in known["kengen"]:
        raise ErrorAnswer("forbidden")


def _once(world: World, function: "Function", number: str, request: Request) -> Record:
    if not function.changes:
        return function.answer(world, request)
    content = json.dumps([function.name, request.value], sort_keys=True)
    known = world.chukan.dealt.get(number)
    if known is None:
        outcome: Any
        try:
            outcome = function.answer(world, request)
        except ErrorAnswer as refused:
            outcome = refused
        known = world.chukan.dealt[number] = (content, outcome)
    if known[0] != content:
        raise ErrorAnswer("key_reused")
    if isinstance(known[1], ErrorAnswer):
        raise ErrorAnswer(known[1].code, known[1].status)
    answer: Record = known[1]
    return answer


def request_code(world: World, request: Request) -> Record:
    """``IF_FGU_20215``: it comes after a while."""
    number = atenabango(request.value.get("atenabango"))
    if not world.knows(number):
        raise ErrorAnswer("not_found")
    world.chukan.codes.setdefault(number, world.chukan.clock())
    return _code(world.chukan, number)


def code_states(world: World, request: Request) -> Record:
    """``YV_FGU_00001``."""
    numbers = [atenabango(one.get("atenabango")) for one in request.records("taisho")]
    if not 1 <= len(numbers) <= MOST:
        raise ErrorAnswer("E0003")
    return {"fugo": [_code(world.chukan, number) for number in numbers]}


def inquire(world: World, request: Request) -> Record:
    """``IF_SKI_10111``."""
    server, value = world.chukan, request.value
    number = atenabango(value.get("atenabango"))
    names = ("jimu_kodo", "jimutetsuzuki_kodo", "tokuteikojinjohomei_kodo")
    codes = [request.text(name, _CODE) for name in names]
    provider = request.text("teikyokikan_kodo", _ORGANISATION)
    first, last = value.get("kaishibi"), value.get("shuryobi")
    if (first is None) != (last is None):
        raise ErrorAnswer("E0004")
    if first is not None and request.day("kaishibi") > request.day("shuryobi"):
        raise ErrorAnswer("E0004")
    if not world.knows(number):
        raise ErrorAnswer("not_found")
    today = server.today().isoformat()
    if not any(
        [line[name] for name in names] == codes
        and provider.startswith(line["teikyokikanshubetsu"])
        and line["yukokaishibi"] <= today
        and (line["yukoshuryobi"] is None or today <= line["yukoshuryobi"])
        for line in server.permitted
    ):
        server.count("kyohikensu")
        raise ErrorAnswer("not_permitted")
    if server.code(number)[0] != "2":
        server.count("kyohikensu")
        raise ErrorAnswer("no_code")
    return server.status(server.begin(value, request.fault))


def inquiry_status(world: World, request: Request) -> Record:
    """``IF_SKI_10712``."""
    return world.chukan.status(_inquiry(world, request))


def inquiry_answer(world: World, request: Request) -> Record:
    """``IF_SKI_11112``: fetching it ends the inquiry."""
    server, inquiry = world.chukan, _inquiry(world, request)
    server.settle(inquiry)
    if inquiry.state in OPEN:
        raise ErrorAnswer("not_answered")
    if inquiry.expires is not None and inquiry.expires <= server.clock():
        raise ErrorAnswer("expired")
    if inquiry.state not in {"answered", "fetched"}:
        raise ErrorAnswer(inquiry.state)
    if inquiry.state == "answered":
        inquiry.state, inquiry.changed = "fetched", server.clock()
    return {
        "shokaibango": inquiry.number,
        "shoritsuban": inquiry.serial,
        "teikyokikan_kodo": inquiry.asked["teikyokikan_kodo"],
        "kaitonichiji": moment(inquiry.answered),
        "komoku": inquiry.lines,
    }


def cancel_inquiry(world: World, request: Request) -> Record:
    """``IF_SKI_50111``."""
    server, inquiry = world.chukan, _inquiry(world, request)
    server.settle(inquiry)
    if inquiry.state in OPEN:
        server.cancel(inquiry)
    elif inquiry.state != "cancelled":
        raise ErrorAnswer("answered")
    return server.status(inquiry)


def provision_requests(world: World, request: Request) -> Record:
    """``IF_TKY_11312``."""
    requests = [world.chukan.provision(one) for one in world.chukan.provisions]
    return request.page(requests, "teikyoirai") | {"kijunnichiji": moment(world.chukan.clock())}


def answer_provision(world: World, request: Request) -> Record:
    """``IF_TKY_20311``."""
    server = world.chukan
    number, lines = request.text("teikyobango", _NUMBER), request.records("komoku")
    for line in lines:
        name, layout = line.get("tokuteikojinjohomei_kodo"), line.get("reiautohan")
        if not _fits(name, _CODE) or not _fits(layout, _LAYOUT) or not _is_value(line):
            raise ErrorAnswer("E0002")
    found = next((one for one in server.provisions if one["teikyobango"] == number), None)
    if found is None:
        raise ErrorAnswer("not_found")
    if server.provision(found)["jotai"] not in {"1", "4"}:
        raise ErrorAnswer("not_waiting")
    found["jotai"] = "3"
    server.record_provision(found)
    return dict(found)


def register_sub_copies(world: World, request: Request) -> Record:
    """``IF_DBM_10111``: each row has its outcome."""
    server = world.chukan
    rows = request.records("fukuhon")
    values: dict[Any, list[Record]] = {}
    for line in request.records("komoku"):
        values.setdefault(line.get("gyo"), []).append(line)
    outcomes = [
        {
            "gyo": row.get("gyo"),
            "rekodobango": row.get("rekodobango"),
            "rekodohan": row.get("rekodohan"),
            "kekka": _taken(world, row, values.get(row.get("gyo"), [])),
        }
        for row in rows
    ]
    failed = sum(bool(one["kekka"]) for one in outcomes)
    server.batch("副本登録", len(rows), failed)
    server.count("fukuhonkensu", len(rows) - failed)
    server.count("kyohikensu", failed)
    return {"kekka": outcomes}


def sub_copies(world: World, request: Request) -> Record:
    """``IF_DBM_30112``."""
    number = atenabango(request.value.get("atenabango"))
    found = [
        (copy, lines)
        for copy, lines in world.chukan.copies.values()
        if copy["atenabango"] == number and not copy["sakujo"]
    ]
    return {
        "fukuhon": [copy | {"gyo": place} for place, (copy, _) in enumerate(found, 1)],
        "komoku": [line | {"gyo": place} for place, (_, lines) in enumerate(found, 1) for line in lines],
    }


def exchange_records(world: World, request: Request) -> Record:
    """``IF_TKM_40113``."""
    for inquiry in list(world.chukan.inquiries.values()):
        world.chukan.settle(inquiry)
    first, last = request.day("kaishibi"), request.day("shuryobi")
    if last < first:
        raise ErrorAnswer("E0004")
    found = [one for one in world.chukan.records if first <= _day(one["kirokunichiji"]) <= last]
    return request.page(found, "kiroku") | {"kijunnichiji": moment(world.chukan.clock())}


def permitted_inquiries(world: World, request: Request) -> Record:
    """``IF_SCM_30112``."""
    del request
    today = world.chukan.today().isoformat()
    lines = world.chukan.permitted
    return {"kyoka": [one for one in lines if one["yukoshuryobi"] is None or today <= one["yukoshuryobi"]]}


def operator_rights(world: World, request: Request) -> Record:
    """``YV_SNK_00001``."""
    known = world.chukan.operators.get(str(request.value.get("sosashaid")))
    if known is None:
        raise ErrorAnswer("not_found")
    return known | {"kengen": [{"kino": one} for one in known["kengen"]]}


def batches(world: World, request: Request) -> Record:
    """``YV_SYM_00001``."""
    day = request.day("hizuke")
    return {"batchi": [one for one in world.chukan.batches if _day(one["kaishinichiji"]) == day]}


def statistics(world: World, request: Request) -> Record:
    """``YV_SYM_00002``."""
    day = request.day("hizuke").isoformat()
    names = ("shokaikensu", "teikyokensu", "fukuhonkensu", "kyohikensu")
    return {"hizuke": day} | {name: world.chukan.counted.get((day, name), 0) for name in names}


def is_running(world: World, request: Request) -> Record:
    """``IF_SYM_20212``."""
    del request
    return {"kadojotai": world.chukan.running}


def delete_expired(world: World, request: Request) -> Record:
    """``YV_SYM_00003``."""
    del request
    return world.chukan.delete_expired()


def _code(server: Intermediate, number: str) -> Record:
    state, since = server.code(number)
    return {"atenabango": number, "fugojotai": state, "henkonichiji": moment(since)}


def _inquiry(world: World, request: Request) -> Inquiry:
    found = world.chukan.inquiries.get(request.text("shokaibango", _NUMBER))
    if found is None:
        raise ErrorAnswer("not_found")
    return found


def _taken(world: World, row: Record, lines: list[Record]) -> str:
    """Take a sub-copy; return why it is not taken."""
    server, record, version = world.chukan, row.get("rekodobango"), row.get("rekodohan")
    if not isinstance(record, str) or not isinstance(version, int) or not _is_copy(row, lines):
        return "bad_layout"
    if not world.knows(str(row.get("atenabango"))):
        return "unknown_person"
    copy = {name: value for name, value in row.items() if name != "gyo"}
    values = (
        [] if row["sakujo"] else [{name: line[name] for name in ("komoku_kodo", "atai")} for line in lines]
    )
    known = server.copies.get(record)
    if known is not None:
        held, held_values = known
        same = held == copy and held_values == values
        if held["atenabango"] != copy["atenabango"]:
            return "other_person"
        if version < held["rekodohan"] or (version == held["rekodohan"] and not same):
            return "outdated"
    server.copies[record] = (copy, values)
    return ""


def _is_copy(row: Record, lines: list[Record]) -> bool:
    flags = all(isinstance(row.get(name), bool) for name in ("jidootofuka", "fukaiji", "sakujo"))
    codes = _fits(row.get("tokuteikojinjohomei_kodo"), _CODE) and _fits(row.get("reiautohan"), _LAYOUT)
    fits = flags and codes and _fits(row.get("rekodobango"), _NUMBER) and row["rekodohan"] >= 1
    return fits and all(map(_is_value, lines)) and bool(lines or row["sakujo"])


def _is_value(line: Record) -> bool:
    value = line.get("atai")
    return _fits(line.get("komoku_kodo"), _ITEM) and isinstance(value, str) and len(value) <= _LONGEST


def _fits(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def _day(written: str) -> date:
    return datetime.fromisoformat(written).astimezone(JST).date()


@dataclass(frozen=True)
class Function:
    """One function of the server.

    :param right: what an operator must be allowed.
    """

    name: str
    answer: Callable[[World, Request], Record]
    right: str = ""
    changes: bool = False


FUNCTIONS = {
    "IF_FGU_20215": Function("request_code", request_code, "inquiry", changes=True),
    "YV_FGU_00001": Function("code_states", code_states),
    "IF_SKI_10111": Function("inquire", inquire, "inquiry", changes=True),
    "IF_SKI_10712": Function("inquiry_status", inquiry_status, "inquiry"),
    "IF_SKI_11112": Function("inquiry_answer", inquiry_answer, "inquiry"),
    "IF_SKI_50111": Function("cancel_inquiry", cancel_inquiry, "inquiry", changes=True),
    "IF_TKY_11312": Function("provision_requests", provision_requests, "provision"),
    "IF_TKY_20311": Function("answer_provision", answer_provision, "provision", changes=True),
    "IF_DBM_10111": Function("register_sub_copies", register_sub_copies, "sub_copy", changes=True),
    "IF_DBM_30112": Function("sub_copies", sub_copies, "sub_copy"),
    "IF_TKM_40113": Function("exchange_records", exchange_records, "exchange_record"),
    "IF_SCM_30112": Function("permitted_inquiries", permitted_inquiries),
    "YV_SNK_00001": Function("operator_rights", operator_rights),
    "YV_SYM_00001": Function("batches", batches),
    "YV_SYM_00002": Function("statistics", statistics),
    "IF_SYM_20212": Function("is_running", is_running),
    "YV_SYM_00003": Function("delete_expired", delete_expired, "management", changes=True),
}
ROUTES = tuple(
    Route(function.name, "POST", f"/chukan/{if_id}", partial(relayed, if_id), system="chukan")
    for if_id, function in FUNCTIONS.items()
)
_ENVELOPES = "if_id denbunbango atenabango"
# docs/protocols/folder.md, 14: the same files for every function; the number of a message is its key.
FORMS = {
    function.name: Form(
        order=_ENVELOPES,
        order_rows=(Rows("P", "denbun", "denbun", pieces=True),),
        answer_rows=(Rows("D", "result", _ENVELOPES), Rows("P", "denbun", "denbun", of="D", pieces=True)),
        key="denbunbango",
    )
    for function in FUNCTIONS.values()
}
