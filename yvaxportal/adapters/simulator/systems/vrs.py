"""docs/protocols/vrs.md, from the side of the vaccination record system."""

import re
from datetime import date
from typing import Any
from uuid import uuid4

from yvaxportal.adapters.simulator.forms import Form, Rows
from yvaxportal.adapters.simulator.wire import Asked, ErrorAnswer, Lines, Route, listed
from yvaxportal.adapters.simulator.world import Record, World

TITLE = "ワクチン接種記録"
MOST = 1000
MOST_ROWS = 10_000
LAST_DAY = "2024-03-31"
_DOSES = range(1, 10)
_WEIGHTS = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
_TEXTS = {"meka": 20, "rotto": 20, "kaijomei": 30, "ishimei": 20, "wakuchinshurui": 100, "seihinmei": 100}
_SAID = ("shikuchosonkodo", "kenbango", "kaisu", "sesshujokyo", "sesshubi", *_TEXTS)
_PASSPORT = ("shimei_romaji", "ryokenbango", "kokuseki")
_OTHER_NAMES = ("kyusei", "betsumei", "betsumei_romaji")
_GIVEN, _HOME, _ABROAD = "1", "1", "2"


def register_targets(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /taisho``: row by row."""
    rows = asked.body.get("taisho") if isinstance(asked.body, dict) else None
    if not isinstance(rows, list) or not rows:
        raise ErrorAnswer("E0001")
    if len(rows) > MOST_ROWS:
        raise ErrorAnswer("E0003")
    for row in rows:
        _person(row)
    outcomes = []
    for place, row in enumerate(rows, 1):
        reason = _row_fault(world, row)
        if reason is None:
            # Of the person only whose ticket it is: nothing else is ever asked for.
            world.tickets.setdefault(row["kenbango"], {"atenabango": row["atenabango"], "furagu": "0"})
        outcomes.append({"gyobango": place, "kekka": "2" if reason else "1", "riyu": reason})
    return listed(TITLE, *outcomes)


def records(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /sesshuken/{kenbango}/kiroku``."""
    return listed(TITLE, *_doses_of(world, _ticket(world, asked.path["kenbango"])))


def set_flag(world: World, asked: Asked) -> None:
    """Answer ``PUT /sesshuken/{kenbango}/furagu``."""
    flag = asked.body.get("furagu") if isinstance(asked.body, dict) else None
    if flag is None:
        raise ErrorAnswer("E0001")
    if flag not in {"0", "1", "2"}:
        raise ErrorAnswer("E0002")
    world.tickets[_ticket(world, asked.path["kenbango"])]["furagu"] = flag


def records_for_certificate(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /sesshuken/{kenbango}/shomeikiroku``."""
    return listed(TITLE, *_certifiable(world, _ticket(world, asked.path["kenbango"])))


def list_records(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``GET /kiroku``: a cursor counts the records that ever were, deleted ones too."""
    limit, cursor = asked.number("kensu", 1, MOST), asked.query.get("ikou", "k0")
    if not re.fullmatch(r"k[0-9]{1,12}", cursor) or int(cursor[1:]) > len(world.dose_ids):
        raise ErrorAnswer("unknown_cursor")
    place, page = int(cursor[1:]), list[Record]()
    while place < len(world.dose_ids) and len(page) < limit:
        dose = world.doses.get(world.dose_ids[place])
        if dose is not None and _is_own(world, dose):
            page.append(dose)
        place += 1
    rest = (world.doses.get(one) for one in world.dose_ids[place:])
    more = any(dose is not None and _is_own(world, dose) for dose in rest)
    return listed(TITLE, *page, tsugi=f"k{place}", zoku=more, kijunnichiji=world.now())


def download(world: World, asked: Asked) -> Lines:
    """Answer ``GET /kiroku/zenken``: as it stands now."""
    del asked
    own = [dict(dose) for dose in world.doses.values() if _is_own(world, dose)]
    return Lines({"kijunnichiji": world.now(), "kensu": len(own)}, iter(own))


def register_record(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /kiroku``: the same dose is recorded once."""
    said = _said(world, asked.body)
    known = _same_number(world, said)
    if known is None:
        new = {"kirokubango": uuid4().hex, "torokunichiji": world.now(), **said}
        world.keep_dose(new)
        return listed(TITLE, new)
    if any(known.get(name) != said.get(name) for name in _SAID):
        raise ErrorAnswer("already_recorded", 409)
    return listed(TITLE, known)


def correct_record(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``PUT /kiroku/{kirokubango}``."""
    known = _own(world, asked.path["kirokubango"])
    said = _said(world, asked.body)
    if _same_number(world, said) not in (None, known):
        raise ErrorAnswer("already_recorded", 409)
    kept = {name: known[name] for name in ("kirokubango", "torokunichiji")} | said
    world.doses[known["kirokubango"]] = kept
    return listed(TITLE, kept)


def delete_record(world: World, asked: Asked) -> None:
    """Answer ``DELETE /kiroku/{kirokubango}``."""
    number = asked.path["kirokubango"]
    if number in world.doses or number not in world.dose_ids:
        del world.doses[_own(world, number)["kirokubango"]]


def issue_certificate(world: World, asked: Asked) -> dict[str, Any]:
    """Answer ``POST /shomeisho``: on paper, with codes that nobody can verify."""
    body = asked.body if isinstance(asked.body, dict) else {}
    kind = body.get("shomeishokubun")
    if kind is None or body.get("kenbango") is None:
        raise ErrorAnswer("E0001")
    if kind not in {_HOME, _ABROAD}:
        raise ErrorAnswer("E0002")
    ticket = _ticket(world, body["kenbango"])
    if kind == _HOME and any(body.get(name) is not None for name in (*_PASSPORT, *_OTHER_NAMES)):
        raise ErrorAnswer("E0004")
    doses = _certifiable(world, ticket)
    if not doses:
        raise ErrorAnswer("no_records")
    if kind == _ABROAD and not all(body.get(name) for name in _PASSPORT):
        raise ErrorAnswer("passport_missing")
    world.certificates += 1
    number = f"{world.today():%Y%m}S{world.certificates:05}"
    return listed(
        TITLE,
        *doses,
        shomeishoid=number,
        kenbango=ticket,
        shomeishokubun=kind,
        hakkobi=world.today().isoformat(),
        nijigenkodo_shc=f"MIHON-SHC-{number}",
        nijigenkodo_icao=f"MIHON-ICAO-{number}" if kind == _ABROAD else None,
    )


def _person(row: Any) -> None:
    texts = ("shikuchosonkodo", "atenabango", "kenbango", "kojinbango", "shimei", "seinengappi", "seibetsu")
    if not isinstance(row, dict) or any(not isinstance(row.get(name), str) for name in texts):
        raise ErrorAnswer("E0001")
    if not row["shimei"].strip():
        raise ErrorAnswer("E0001")
    birth = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", row["seinengappi"])
    if not birth or row["seibetsu"] not in {"0", "1", "2"}:
        raise ErrorAnswer("E0002")


def _row_fault(world: World, row: Record) -> str | None:
    if row["shikuchosonkodo"] != world.municipality_code:
        return "wrong_municipality"
    patterns = {"kenbango": r"[0-9]{10}", "atenabango": r"[0-9]{1,15}", "kojinbango": r"[0-9]{12}"}
    if any(not re.fullmatch(pattern, row[name]) for name, pattern in patterns.items()):
        return "bad_number"
    if not _checked(row["kojinbango"]):
        return "bad_number"
    holder = world.tickets.get(row["kenbango"], row)["atenabango"]
    return None if holder == row["atenabango"] else "ticket_taken"


def _checked(kojinbango: str) -> bool:
    total = sum(int(digit) * weight for digit, weight in zip(kojinbango, _WEIGHTS, strict=False)) % 11
    return kojinbango[-1] == ("0" if total <= 1 else str(11 - total))


def _ticket(world: World, number: Any) -> str:
    if not isinstance(number, str) or not re.fullmatch(r"[0-9]+", number):
        raise ErrorAnswer("E0002")
    if not re.fullmatch(r"[0-9]{10}", number):
        raise ErrorAnswer("E0003")
    if number not in world.tickets:
        raise ErrorAnswer("not_found")
    return number


def _said(world: World, body: Any) -> Record:
    """Return the items of a dose, found good."""
    if not isinstance(body, dict) or any(body.get(name) is None for name in _SAID[:7]):
        raise ErrorAnswer("E0001")
    if body.keys() - set(_SAID):
        raise ErrorAnswer("E0002")
    if not isinstance(body["kaisu"], int) or body["kaisu"] not in _DOSES:
        raise ErrorAnswer("E0003")
    if body["sesshujokyo"] not in {"1", "2"}:
        raise ErrorAnswer("E0002")
    try:
        date.fromisoformat(body["sesshubi"])
    except (TypeError, ValueError):
        raise ErrorAnswer("E0002") from None
    for name, longest in _TEXTS.items():
        _text(body.get(name), longest, may_be_empty=name in {"meka", "rotto"})
    if body["sesshujokyo"] == _GIVEN and not (body["meka"] and body["rotto"]):
        raise ErrorAnswer("E0001")
    _ticket(world, body["kenbango"])
    if body["shikuchosonkodo"] != world.municipality_code:
        raise ErrorAnswer("not_own")
    return {name: body[name] for name in _SAID if body.get(name) is not None}


def _text(text: Any, longest: int, *, may_be_empty: bool) -> None:
    if text is None:
        return
    if not isinstance(text, str) or re.search(r"[\x00-\x1f\x7f]", text):
        raise ErrorAnswer("E0002")
    if len(text) > longest or not (text or may_be_empty):
        raise ErrorAnswer("E0003")


def _is_own(world: World, dose: Record) -> bool:
    return bool(dose["shikuchosonkodo"] == world.municipality_code)


def _own(world: World, number: str) -> Record:
    known = world.doses.get(number)
    if known is None:
        raise ErrorAnswer("not_found")
    if not _is_own(world, known):
        raise ErrorAnswer("not_own")
    return known


def _same_number(world: World, said: Record) -> Record | None:
    for dose in world.doses.values():
        if all(dose[name] == said[name] for name in ("shikuchosonkodo", "kenbango", "kaisu")):
            return dose
    return None


def _doses_of(world: World, ticket: str) -> list[Record]:
    found = [dose for dose in world.doses.values() if dose["kenbango"] == ticket and _is_own(world, dose)]
    return sorted(found, key=lambda dose: (dose["kaisu"], dose["sesshubi"]))


def _certifiable(world: World, ticket: str) -> list[Record]:
    return [
        dose
        for dose in _doses_of(world, ticket)
        if dose["sesshujokyo"] == _GIVEN and dose["sesshubi"] <= LAST_DAY
    ]


ROUTES = (
    Route("register_targets", "POST", "/taisho", register_targets, changes=True),
    Route("records", "GET", "/sesshuken/{kenbango}/kiroku", records),
    Route("set_flag", "PUT", "/sesshuken/{kenbango}/furagu", set_flag, changes=True),
    Route("records_for_certificate", "GET", "/sesshuken/{kenbango}/shomeikiroku", records_for_certificate),
    Route("list_records", "GET", "/kiroku", list_records),
    Route("register_record", "POST", "/kiroku", register_record, changes=True),
    Route("download", "GET", "/kiroku/zenken", download),
    Route("correct_record", "PUT", "/kiroku/{kirokubango}", correct_record, changes=True),
    Route("delete_record", "DELETE", "/kiroku/{kirokubango}", delete_record, changes=True),
    Route("issue_certificate", "POST", "/shomeisho", issue_certificate, changes=True),
)

_DOSE = (
    "shikuchosonkodo kenbango kaisu:n sesshujokyo sesshubi meka:t rotto:t "
    "kaijomei ishimei wakuchinshurui seihinmei"
)
_RECORD = (Rows("D", "result", f"kirokubango torokunichiji {_DOSE}"),)
_TARGET = "shikuchosonkodo atenabango kenbango kojinbango shimei seinengappi seibetsu shimei_furigana"
# docs/protocols/folder.md, 14
FORMS = {
    "register_targets": Form(
        order_rows=(Rows("D", "taisho", _TARGET),),
        answer_rows=(Rows("D", "result", "gyobango:n kekka riyu"),),
    ),
    "records": Form(order="kenbango", answer_rows=_RECORD),
    "set_flag": Form(order="kenbango furagu"),
    "records_for_certificate": Form(order="kenbango", answer_rows=_RECORD),
    "list_records": Form(order="ikou kensu:n", answer="tsugi zoku:f kijunnichiji", answer_rows=_RECORD),
    "download": Form(answer="kijunnichiji kensu:n", answer_rows=_RECORD),
    "register_record": Form(order=_DOSE, answer_rows=_RECORD),
    "correct_record": Form(order=f"kirokubango {_DOSE}", answer_rows=_RECORD, path="kirokubango"),
    "delete_record": Form(order="kirokubango"),
    "issue_certificate": Form(
        order=f"kenbango shomeishokubun {' '.join((*_PASSPORT, *_OTHER_NAMES))}",
        answer="shomeishoid kenbango shomeishokubun hakkobi",
        answer_rows=(
            *_RECORD,
            Rows("P", "nijigenkodo_shc", "nijigenkodo_shc", pieces=True),
            Rows("Q", "nijigenkodo_icao", "nijigenkodo_icao", pieces=True),
        ),
    ),
}
