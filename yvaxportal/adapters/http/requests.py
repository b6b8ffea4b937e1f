"""How a call looks on the wire: address, headers, body (docs/protocols/rest.md, 3)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import httpx2

from yvaxportal.adapters.errors import BadAnswer, BadAnswerReason, Refused
from yvaxportal.adapters.http.openapi import Operation
from yvaxportal.adapters.http.settings import RestSettings
from yvaxportal.adapters.messages.common import CallContext

Query = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of whom. ``target`` is a whole address; ``body`` is sent as JSON."""

    operation: Operation
    target: str
    context: CallContext
    body: Any = field(default=None, repr=False)
    idempotency_key: str | None = None

    @property
    def repeatable(self) -> bool:
        """Tell whether making it twice does what making it once does."""
        return self.operation.safe or self.idempotency_key is not None


def address(
    settings: RestSettings, operation: Operation, path: Mapping[str, str] | None, query: Query | None
) -> str:
    """Return the address of a call; Refused, as the other side would, for a value that fits none."""
    filled = {}
    for name, value in (path or {}).items():
        if not value:
            raise Refused(settings.system, "E0001")
        if value in {".", ".."}:
            raise Refused(settings.system, "E0002")
        filled[name] = quote(value, safe="")
    asked = {name: value for name, value in (query or {}).items() if value is not None}
    written = f"?{urlencode(asked)}" if asked else ""
    return settings.base_url + operation.path.format_map(filled) + written


def next_address(settings: RestSettings, answer: Any) -> str | None:
    """Return where an answer says its next page is, None for the last one.

    :raises BadAnswer: somewhere else than below ``base_url``: the token goes nowhere else.
    """
    links = answer.get("_links") if isinstance(answer, dict) else None
    link = links.get("next") if isinstance(links, dict) else None
    if link is None:
        return None
    href = link.get("href") if isinstance(link, dict) else None
    if isinstance(href, str) and href.isascii() and href.isprintable() and ".." not in href:
        absolute = urljoin(settings.base_url + "/", href)
        base = urlsplit(settings.base_url)
        there = urlsplit(absolute)
        if there[:2] == base[:2] and there.path.startswith(base.path + "/"):
            return absolute
    raise BadAnswer(settings.system, BadAnswerReason.MALFORMED, "/_links/next/href")


def build(http: httpx2.Client, call: Call) -> httpx2.Request:
    """Return the request without its token."""
    headers = {
        "Accept": "application/x-ndjson" if call.operation.streams else "application/json",
        "Accept-Encoding": "identity",
        "X-Request-Id": quote(call.context.request_id, safe=""),
        "X-Operator-Id": quote(call.context.operator_id, safe="@."),
    }
    if call.idempotency_key is not None:
        headers["Idempotency-Key"] = call.idempotency_key
    content = None
    if call.body is not None:
        headers["Content-Type"] = "application/json"
        content = json.dumps(call.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return http.build_request(call.operation.method, call.target, content=content, headers=headers)
