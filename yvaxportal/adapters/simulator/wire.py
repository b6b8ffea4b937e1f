"""Requests and answers as docs/protocols/rest.md has them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

# rest.md, 4
MESSAGES = {
    "E0001": "必須項目が入力されていません。",
    "E0002": "指定された文字以外が入力されています。",
    "E0003": "桁数が正しくありません。",
    "E0004": "項目間の相関が正しくありません。",
    "invalid_token": "アクセストークンが無効です。",
    "forbidden": "この操作の権限がありません。",
    "not_found": "該当するデータがありません。",
    "key_reused": "同じ冪等キーで異なる内容が送信されました。",
    "unknown_cursor": "継続位置が無効です。",
}
STATUSES = {
    "invalid_token": 401,
    "forbidden": 403,
    "not_found": 404,
    "key_reused": 409,
    "unknown_cursor": 422,
}
ATENA_LONGEST = 15


class ErrorAnswer(Exception):  # noqa: N818 - what is answered
    """The request is answered with a code; the status follows from it unless it is said."""

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.status = status or STATUSES.get(code, 400 if code.startswith("E") else 422)

    def body(self) -> dict[str, Any]:
        """Return the error body."""
        return {"errors": [{"code": self.code, "message": MESSAGES.get(self.code, self.code)}]}


@dataclass(frozen=True)
class Asked:
    """One request, after its token was found good.

    :param key: the idempotency key, empty without.
    :param fault: what is to go wrong with it, and for how many seconds.
    """

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    operator: str = ""
    key: str = ""
    fault: tuple[str, float | None] = ("", None)

    def number(self, name: str, lowest: int, highest: int) -> int:
        """Return a whole number of the query."""
        text = self.query.get(name, "")
        if not text:
            raise ErrorAnswer("E0001")
        if not (text.isascii() and text.isdigit()):
            raise ErrorAnswer("E0002")
        if not lowest <= int(text) <= highest:
            raise ErrorAnswer("E0003")
        return int(text)

    def atenabango(self) -> str:
        """Return the number of the path."""
        return atenabango(self.path["atenabango"])

    def atenabangos(self) -> list[str]:
        """Return the numbers of the body, each once, 1 to 1,000."""
        asked = self.body.get("atenabango") if isinstance(self.body, dict) else None
        if not isinstance(asked, list) or not asked:
            raise ErrorAnswer("E0001")
        if len(asked) > 1000 or len(set(map(str, asked))) != len(asked):  # noqa: PLR2004 - the protocol's limit
            raise ErrorAnswer("E0004")
        return [atenabango(one) for one in asked]


def atenabango(text: object) -> str:
    """Return a number as the protocols write it."""
    if not isinstance(text, str) or not text:
        raise ErrorAnswer("E0001")
    if not (text.isascii() and text.isdigit()):
        raise ErrorAnswer("E0002")
    if len(text) > ATENA_LONGEST:
        raise ErrorAnswer("E0003")
    return text


@dataclass(frozen=True)
class Lines:
    """An answer that goes out line by line."""

    begin: Mapping[str, Any]
    records: Iterator[Mapping[str, Any]] = field(repr=False)

    def __iter__(self) -> Iterator[bytes]:
        yield line({"_begin": self.begin})
        count = 0
        for record in self.records:
            yield line(record)
            count += 1
        yield line({"_end": {"count": count}})


def line(value: Any) -> bytes:
    """Return one line of a stream."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def listed(title: str, *records: Any, **more: Any) -> dict[str, Any]:
    """Return the body of an answer in the national style."""
    return {"metadata": {"title": title}, **more, "result": list(records)}


Handler = Callable[[Any, Asked], dict[str, Any] | Lines | None]


@dataclass(frozen=True)
class Route:
    """One operation: how it is reached, and who answers.

    :param changes: needs an idempotency key, under which the server answers once.
    :param system: whose faults and counts these are, where another system passes the message on.
    """

    operation: str
    method: str
    template: str
    handler: Handler
    changes: bool = False
    system: str = ""

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the values in the path, None when the request is for another operation."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template)
        found = re.fullmatch(pattern, path) if method == self.method else None
        return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}
