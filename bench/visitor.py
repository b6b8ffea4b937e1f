"""A member of staff who signs in over HTTP and asks for pages; and many requests in a row."""

import http.client
import re
import time
import urllib.parse
from collections.abc import Sequence
from typing import Self

_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """One browser: a connection that stays open, and its cookies."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}
        self.where = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def sign_in(self, login: str, password: str) -> None:
        """Sign in through the page."""
        page = self.get("/sign-in")
        self.post(
            "/sign-in",
            {"csrf_token": token_in(page), "login": login, "password": password, "sign_in": "sign_in"},
            status=303,
        )

    def get(self, path: str, status: int = 200) -> str:
        """Return a page; RuntimeError when the answer has another status."""
        return self._ask("GET", path, None, status)

    def post(self, path: str, fields: dict[str, str], status: int) -> str:
        """Send a form; ``where`` holds the address the answer points to."""
        return self._ask("POST", path, urllib.parse.urlencode(fields), status)

    def _ask(self, method: str, path: str, body: str | None, status: int) -> str:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode("utf-8")
        if answer.status != status:
            raise RuntimeError(f"{method} answered {answer.status}, not {status}")
        for cookie in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.where = answer.headers.get("Location", "")
        return text


def token_in(page: str) -> str:
    """Return the CSRF token of the forms on a page."""
    found = _TOKEN.search(page)
    if found is None:
        raise RuntimeError("the page has no form")
    return found[1]


def seconds_of(visitor: Visitor, paths: Sequence[str]) -> list[float]:
    """Return how long each page took."""
    spent = []
    for path in paths:
        began = time.perf_counter()
        visitor.get(path)
        spent.append(time.perf_counter() - began)
    return spent
